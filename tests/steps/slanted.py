"""Small exposures of three slices that cut the detector at a slant, so that each row samples a source elsewhere."""

import numpy as np

from mrsnb.core.cards import Card, Cards
from mrsnb.core.exposure import Exposure
from mrsnb.geometry.chain import ChannelChain, MrsChain
from mrsnb.geometry.oversample import oversampled
from mrsnb.geometry.slice_images import slice_images
from mrsnb.kernels.slices import SlicePolynomials

SHAPE = (160, 76)
LABELS = (101, 102, 103)
FIRST, WIDTH, STEP = 4, 20, 24
"""First column of the first slice, columns of a slice, columns from one slice to the next."""
PIXEL, SLANT = 0.2, 0.003
"""arcsec of alpha per column and per row."""
SIGMA = 0.16
"""Of the source, arcsec: less than a pixel."""
SKY = 10.0
VARIANCES = ("var_poisson", "var_rnoise", "var_flat")


def chain():
    """Return the geometry: alpha grows along the rows and, by the slant, along the columns."""
    n = len(LABELS)
    alpha, wave = np.zeros((2, n, 2, 2))
    alpha[:, 0, 1] = PIXEL
    alpha[:, 1, 0] = SLANT
    alpha[:, 0, 0] = -SLANT * SHAPE[0] / 2
    wave[:, 0, 0], wave[:, 1, 0] = 5.0, 0.0005
    shift = np.array([-(FIRST + STEP * s + (WIDTH - 1) / 2) for s in range(n)])
    slices = SlicePolynomials(np.array(LABELS, np.int16), np.array([-0.18, 0.0, 0.18]), alpha, shift, wave, shift)
    slice_map = np.zeros(SHAPE, np.int16)
    for s, label in enumerate(LABELS):
        slice_map[:, FIRST + STEP * s : FIRST + STEP * s + WIDTH] = label
    channel = ChannelChain(slices=slices, wave_limits=(4.0, 6.0), v2=np.eye(2), v3=np.eye(2))
    return MrsChain(slice_map=slice_map, channels={1: channel}, aberration=np.array([1.0, 1, 0, 0]), matrix=np.eye(3))


def scene(wcs, shape, bands, place=0.1, peak=1000.0, sky=SKY, line=0.0):
    """Return a source at alpha = `place`, bright in the second slice and half as bright in the others, on the sky.

    Every tenth row it is brighter by a share of `line`.
    """
    images = slice_images(wcs, bands, shape)
    bright = np.select([images.label == 102, images.label > 0], [1.0, 0.5], np.nan)
    row = 1 + 0.3 * np.sin(np.arange(shape[0]) / 9.0)[:, None]
    row[::10] *= 1 + line
    return sky + peak * row * bright * np.exp(-(((images.alpha - place) / SIGMA) ** 2) / 2)


def exposure(bad=(), dq_bad=1, noise=0.0, flux=None, **options):
    """Return an exposure of the scene; `bad` are (row, column) of pixels that are NaN and flagged."""
    primary = Cards([Card("CHANNEL", "1"), Card("BAND", "SHORT"), Card("DETECTOR", "MIRIFUSHORT")])
    science = Cards([Card("PIXAR_SR", 2e-12), Card("PIXAR_A2", 0.04)])
    wcs = chain()
    made = Exposure(name="x_cal.fits", primary=primary, science=science, wcs=wcs, **_arrays(None))
    values = scene(wcs, SHAPE, made.bands, **options) if flux is None else np.asarray(flux, float)
    values = values + noise * np.random.default_rng(3).normal(size=SHAPE)
    return Exposure(name="x_cal.fits", primary=primary, science=science, wcs=wcs, **_arrays(values, bad, dq_bad))


def _arrays(values, bad=(), dq_bad=1):
    flux = np.full(SHAPE, np.nan, np.float32) if values is None else values.astype(np.float32)
    dq = np.where(np.isnan(flux), 1 | 512, 0).astype(np.uint32)
    for place in bad:
        flux[place], dq[place] = np.nan, dq_bad
    err = np.where(np.isnan(flux), np.float32(np.nan), np.float32(2))
    variances = {name: err**2 * np.float32(share) for name, share in zip(VARIANCES, (0.5, 0.5, 0.0), strict=True)}
    return {"flux": flux, "err": err, "dq": dq, "variances": variances}


def truth(factor, **options):
    """Return the scene on an image with more columns."""
    made = exposure()
    return scene(oversampled(made.wcs, factor), (SHAPE[0], int(SHAPE[1] * factor)), made.bands, **options)
