"""Sums over spaxels in the columns and units of a spectrum."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.blend import ARCSEC2_SR
from mrsnb.core.cube import Cube
from mrsnb.core.dq import DQ
from mrsnb.core.references import ApertureCorrection
from mrsnb.core.spectrum import COLUMNS
from mrsnb.kernels.photometry import Sums
from mrsnb.steps.extract_1d.params import Extract1dParams
from mrsnb.steps.residual_fringe import ResidualFringeParams, ResidualFringeResult, residual_fringe_1d

Array = NDArray[np.float64]


def interpolated(x: Array, xp: Array, fp: Array) -> Array:
    """Return linear interpolation, extended linearly beyond the table."""
    if len(xp) == 1:
        return np.full(len(x), fp[0])
    k = np.clip(np.searchsorted(xp, x) - 1, 0, len(xp) - 2)
    slope = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
    return fp[k] + slope * (x - xp[k])


def aperture_correction(apcorr: ApertureCorrection | None, wave: Array, radius: Array) -> Array:
    """Return the aperture correction at each wavelength and radius (arcsec), linear in both; 1 without reference."""
    if apcorr is None:
        return np.ones(len(wave))
    radii: Array = np.array([interpolated(wave, apcorr.wave, row) for row in apcorr.radius])
    factors: Array = np.array([interpolated(wave, apcorr.wave, row) for row in apcorr.apcorr])
    if len(radii) == 1:
        return np.asarray(factors[0], float)
    k = np.clip((radii < radius).sum(axis=0) - 1, 0, len(radii) - 2)
    here = np.arange(len(wave))
    slope: Array = (factors[k + 1, here] - factors[k, here]) / (radii[k + 1, here] - radii[k, here])
    corrections: Array = factors[k, here] + slope * (radius - radii[k, here])
    return corrections


def columns(
    cube: Cube, sums: Sums, correction: Array, params: Extract1dParams, variances: Array | None
) -> dict[str, NDArray[np.generic]]:
    """Return the columns of a spectrum, those of residual fringes NaN.

    Parameters
    ----------
    cube : Cube
    sums : Sums
    correction : ndarray, shape (n_wave,)
        Aperture correction.
    params : Extract1dParams
    variances : ndarray, shape (2, n_wave), or None
        Of the flux, and of the background per spaxel, with covariance; None takes spaxels as independent.
    """
    n = len(sums.flux)
    area = np.where(sums.background_area > 0, sums.background_area, 1.0)
    if variances is None:
        variances = np.stack([sums.variance, sums.background_variance / area**2])
    err, background_err = np.sqrt(variances) * params.ifu_covar_scale
    flux, to_jansky = sums.flux, _solid_angle(cube) * 1e6
    if params.compat == "none":
        flux, err = np.where(sums.empty > 0, np.nan, flux), np.where(sums.empty > 0, np.nan, err)
    made = {
        "WAVELENGTH": np.array(cube.grid.wave),
        "FLUX": flux * to_jansky * correction,
        "FLUX_ERROR": err * to_jansky * correction,
        "SURF_BRIGHT": flux / sums.area * correction,
        "SB_ERROR": err / sums.area * correction,
        "DQ": (sums.empty > 0).astype(np.uint32) * np.uint32(DQ.DO_NOT_USE),
        "BACKGROUND": sums.background / area,
        "BKGD_ERROR": background_err,
        "NPIXELS": sums.area,
    }
    unknown = {name: np.full(n, np.nan) for name in COLUMNS if name.startswith("RF_")}
    return {name: np.zeros(n) for name in COLUMNS} | made | unknown


def fringe_columns(
    cube: Cube, sums: Sums, correction: Array, plain: dict[str, NDArray[np.generic]], compat: str
) -> tuple[dict[str, Array], ResidualFringeResult]:
    """Return the columns without residual fringes, and what was found in the flux.

    Flux and surface brightness are one spectrum, so they share their fringes; as upstream, each has its own.
    """
    wave, channel = cube.grid.wave, cube.bands[0].channel
    params = ResidualFringeParams(compat="none" if compat == "none" else "jwst-3.0")

    def corrected(values: NDArray[np.generic]) -> ResidualFringeResult:
        return residual_fringe_1d(wave, values, channel, params)

    background = corrected(plain["BACKGROUND"]).flux
    if compat != "none":
        found = corrected(sums.flux)
        made = {
            "RF_FLUX": found.flux * _solid_angle(cube) * 1e6 * correction,
            "RF_SURF_BRIGHT": corrected(sums.flux / sums.area).flux * correction,
            "RF_BACKGROUND": background,
        }
        return made, found
    found = corrected(plain["FLUX"])
    made = {
        "RF_FLUX": found.flux,
        "RF_SURF_BRIGHT": np.asarray(plain["SURF_BRIGHT"], float) / found.fringe,
        "RF_BACKGROUND": background,
    }
    return made, found


def _solid_angle(cube: Cube) -> float:
    """Return the solid angle of a spaxel, sr."""
    return cube.science.number("PIXAR_SR") or cube.grid.spaxel_size**2 * ARCSEC2_SR
