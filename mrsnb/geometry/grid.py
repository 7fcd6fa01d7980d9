"""Choose where the voxels of a cube are."""

import math

import numpy as np
from astropy import units as u
from astropy.stats import circmean
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.geometry.footprint import unwrapped
from mrsnb.geometry.tangent import to_plane


def choose_grid(
    corners: NDArray[np.float64], *, spaxel_size: float, wave_min: float, wave_max: float, spectral_step: float
) -> CubeGrid:
    """Return the smallest grid about the middle of `corners` that holds them all.

    Parameters
    ----------
    corners : ndarray, shape (n, 2)
        Corners of all footprints, RA and Dec in deg; RA may cross 0.
    spaxel_size : float
        Side of a spaxel, arcsec.
    wave_min, wave_max : float
        Lower edge of the first plane, and the wavelength that the last plane reaches; micron.
    spectral_step : float
        Thickness of a plane, micron.

    Returns
    -------
    CubeGrid
        Odd numbers of spaxels, the middle one centred on the tangent point.

    Notes
    -----
    The sizing rules of the observatory's cube_build (jwst 3.0.0, ``set_geometry``), for north up.
    """
    ra, dec = unwrapped(corners[:, 0]), corners[:, 1]
    ra0 = float(circmean(np.array([ra.min(), ra.max()]) * u.deg).to_value(u.deg)) % 360.0
    dec0 = float(dec.min() + dec.max()) / 2.0
    xi, eta = to_plane(ra, dec, ra0, dec0)
    half_x = math.ceil(float(np.abs(xi).max()) / spaxel_size) + 1
    half_y = math.ceil(float(np.abs(eta).max()) / spaxel_size) + 1
    n_wave = math.ceil((wave_max - wave_min) / spectral_step)
    wave = np.arange(wave_min + spectral_step / 2.0, wave_min + n_wave * spectral_step, spectral_step)[:n_wave]
    return CubeGrid(
        ra=ra0,
        dec=dec0,
        spaxel_size=spaxel_size,
        n_x=2 * half_x + 1,
        n_y=2 * half_y + 1,
        wave=wave,
        wave_step=np.append(np.diff(wave), wave[-1] - wave[-2]) if n_wave > 1 else np.full(n_wave, spectral_step),
    )
