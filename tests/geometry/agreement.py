"""Compare the compiled chain of an exposure with gwcs, on every band."""

import numpy as np

from mrsnb.core.bands import Band
from mrsnb.geometry.detector import channel_view
from mrsnb.geometry.tangent import to_plane
from mrsnb.kernels.slices import EDGE

DEG, ARCSEC, RELATIVE = 1e-9, 1e-9, 1e-12
"""Largest differences: on the sky, on the slices, in wavelength."""


def assert_equal_to_gwcs(chain, wcs, bands, *, n=1500):
    """Compare all that a `ChannelView` of the compiled chain says with what gwcs says; at `n` pixels of each band."""
    for band in bands:
        view = channel_view(chain, band)
        some = np.sort(np.random.default_rng(band.channel).permutation(view.samples.pixel.size)[:n])
        y, x = (part.astype(float) for part in np.divmod(view.samples.pixel[some], 1032))
        _assert_slices(view, some, x, y, wcs)
        _assert_sky(view, some, x, y, wcs)
        _assert_corners(view, some, wcs)


def _assert_slices(view, some, x, y, wcs):
    detector = wcs.get_transform("detector", "alpha_beta")
    samples = view.samples
    alpha, beta, wave = detector(x, y)
    assert np.isfinite(wave).all()
    lower, upper = detector(x - EDGE, y)[0], detector(x + EDGE, y)[0]
    np.testing.assert_allclose(samples.alpha[some], np.stack([alpha, lower, upper], axis=1), rtol=0, atol=ARCSEC)
    np.testing.assert_allclose(view.beta[samples.slice[some]], beta, rtol=0, atol=ARCSEC)
    seen = np.isfinite(samples.wave[some])
    np.testing.assert_allclose(samples.wave[some][seen], wave[seen], rtol=RELATIVE, atol=0)
    width = np.abs(detector(x, y - EDGE)[2] - detector(x, y + EDGE)[2])
    np.testing.assert_allclose(samples.width[some], width, rtol=0, atol=RELATIVE * wave.max())


def _assert_sky(view, some, x, y, wcs):
    ra, dec, _ = wcs(x, y)
    found_ra, found_dec = (part[some] for part in view.sky())
    np.testing.assert_array_equal(np.isfinite(found_ra), np.isfinite(ra))
    seen = np.isfinite(ra)
    assert seen.mean() > 0.95
    turn = (found_ra[seen] - ra[seen] + 180) % 360 - 180
    assert np.abs(turn).max() <= DEG
    assert np.abs(found_dec[seen] - dec[seen]).max() <= DEG


def _assert_corners(view, some, wcs):
    """The places in the tangent plane, by way of one matrix, against by way of the sky."""
    samples = view.samples
    seen = some[np.isfinite(samples.wave[some])]
    to_sky = wcs.get_transform("alpha_beta", "world")
    ra0, dec0, _ = to_sky(0.0, 0.0, float(samples.wave[seen[0]]))
    xi, eta = view.corners(float(ra0), float(dec0), 12.0)
    half = view.slice_width / 2
    for corner, (edge, side) in enumerate(((1, -half), (1, half), (2, half), (2, -half))):
        beta = view.beta[samples.slice[seen]] + side
        ra, dec, _ = to_sky(samples.alpha[seen, edge], beta, samples.wave[seen])
        expected = to_plane(ra, dec, float(ra0), float(dec0), 12.0)
        np.testing.assert_allclose(xi[seen, corner], expected[0], rtol=0, atol=ARCSEC)
        np.testing.assert_allclose(eta[seen, corner], expected[1], rtol=0, atol=ARCSEC)


def bands_of(detector, sub_band):
    """Return the two bands on a detector."""
    channels = (1, 2) if detector in ("12", "MIRIFUSHORT") else (3, 4)
    return [Band(channel, sub_band) for channel in channels]
