"""Small cubes to look at: of the MRS in memory, and files of any instrument."""

import numpy as np
from astropy.io import fits

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.layers import CubeLayers

NAME = "toy_ch1-short_s3d.fits"


def a_grid(shape=(40, 21, 25), *, start=5.0, step=0.01, size=0.13, rotation=0.0):
    n_wave, n_y, n_x = shape
    wave = start + step * np.arange(n_wave)
    return CubeGrid(
        ra=202.5,
        dec=47.2,
        spaxel_size=size,
        n_x=n_x,
        n_y=n_y,
        rotation=rotation,
        wave=wave,
        wave_step=np.full(n_wave, step),
    )


def a_cube(flux=None, *, err=0.1, dq=None, name=NAME, band="1A", cards=(), **grid):
    """A cube in memory; 1 everywhere if not told otherwise."""
    shape = grid.pop("shape", (40, 21, 25) if flux is None else np.shape(flux))
    values = np.ones(shape, np.float32) if flux is None else np.asarray(flux, np.float32)
    return Cube(
        name=name,
        bands=(Band.from_name(band),),
        grid=a_grid(shape, **grid),
        flux=values,
        err=np.broadcast_to(np.float32(err), shape).copy(),
        dq=np.zeros(shape, np.uint32) if dq is None else np.asarray(dq, np.uint32),
        weight=np.ones(shape, np.float32),
        primary=Cards(
            [
                Card("TELESCOP", "JWST"),
                Card("CHANNEL", band[0]),
                Card("BAND", Band.from_name(band).sub_band.upper()),
                *cards,
            ]
        ),
        science=Cards([Card("BUNIT", "MJy/sr")]),
    )


def layers(flux=None, **more):
    return CubeLayers.of(a_cube(flux, **more))


def celestial(n_x=11, n_y=9, *, size=0.2, mirrored=False, **more):
    """Keywords of a cube of another instrument."""
    step = size / 3600
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 30.0,
        "CRVAL2": -20.0,
        "CRPIX1": n_x / 2,
        "CRPIX2": n_y / 2,
        "CD1_1": step if mirrored else -step,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": step,
        "CTYPE3": "AWAV",
        "CUNIT3": "Angstrom",
        "CRVAL3": 4750.0,
        "CRPIX3": 1.0,
        "CD3_3": 1.25,
        "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
        **more,
    }


def write_cube(path, extensions, keys, primary=None, cards=None):
    """Write a file with image extensions, all with the same keywords; `cards` are those of the primary header."""
    hdus = [fits.PrimaryHDU(primary)]
    hdus[0].header.update(cards or {})
    for name, data in extensions.items():
        hdu = fits.ImageHDU(data, name=name)
        for key, value in keys.items():
            if value is not None:
                hdu.header[key] = value
        hdus.append(hdu)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path
