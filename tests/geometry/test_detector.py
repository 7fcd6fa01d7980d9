"""What pixels see, on the simulator's geometry: the compiled chain against gwcs, which it replaces."""

from itertools import product

import numpy as np
import pytest
from agreement import assert_equal_to_gwcs, bands_of
from flight import asdf_bytes

from mrsnb.core.bands import Band
from mrsnb.errors import InputError
from mrsnb.geometry.detector import channel_view
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry

SETTINGS = [
    *product(("MIRIFUSHORT", "MIRIFULONG"), ("short", "medium", "long")),
    ("MIRIFUSHORT", "short-long"),
]
HERE = Pointing(ra=202.4695, dec=47.1952, roll=30.0, offset=(1.1, -0.4))
AT_THE_POLE = Pointing(ra=0.00001, dec=85.0, roll=301.0, va_scale=1.0, velosys=0.0)


def both(setting, pointing):
    """Return the gwcs and the compiled chain."""
    wcs = exposure_wcs(detector_geometry(*setting), pointing)
    return wcs, compile_chain(read_tree(asdf_bytes(wcs)))


@pytest.fixture(scope="module")
def long_wave():
    return both(("MIRIFULONG", "long"), HERE)


@pytest.mark.parametrize("setting", SETTINGS, ids="-".join)
def test_the_compiled_chain_agrees_with_gwcs(setting):
    wcs, chain = both(setting, AT_THE_POLE if setting[1] == "medium" else HERE)
    assert_equal_to_gwcs(chain, wcs, bands_of(*setting))


def test_gwcs_gives_the_same_view_where_the_chain_is_not_recognised(long_wave):
    wcs, chain = long_wave
    band = Band.from_name("4C")  # its reddest pixels are beyond the window that selects the channel
    compiled, slow = channel_view(chain, band), channel_view(wcs, band)
    for name in ("pixel", "slice"):
        np.testing.assert_array_equal(getattr(compiled.samples, name), getattr(slow.samples, name))
    np.testing.assert_array_equal(compiled.start, slow.start)
    np.testing.assert_allclose(compiled.samples.alpha, slow.samples.alpha, rtol=0, atol=1e-9)
    np.testing.assert_allclose(compiled.beta, slow.beta, rtol=0, atol=1e-9)
    assert compiled.slice_width == pytest.approx(slow.slice_width, rel=1e-12)
    assert compiled.outermost == slow.outermost
    there = np.isfinite(compiled.samples.wave)
    np.testing.assert_allclose(compiled.samples.wave[there], slow.samples.wave[there], rtol=1e-12)
    np.testing.assert_allclose(compiled.sky(), slow.sky(), rtol=0, atol=1e-9)
    found, expected = (np.array(view.corners(HERE.ra, HERE.dec, 0.0))[:, there] for view in (compiled, slow))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_both_ways_to_the_tangent_plane_agree(long_wave):
    view = channel_view(long_wave[1], Band.from_name("3C"))
    seen = np.isfinite(view.samples.wave)
    for places in (view.corners, view.centres):
        direct, by_the_sky = (
            np.array(places(HERE.ra, HERE.dec, 25.0, through_sky=flag))[:, seen] for flag in (False, True)
        )
        np.testing.assert_allclose(direct, by_the_sky, rtol=0, atol=1e-9)


def test_corners_are_half_a_pixel_and_half_a_slice_from_the_centre(long_wave):
    view = channel_view(long_wave[1], Band.from_name("3C"))
    seen = np.isfinite(view.samples.wave)
    xi, eta = (part[seen] for part in view.corners(HERE.ra, HERE.dec, 0.0))
    x, y = (part[seen] for part in view.centres(HERE.ra, HERE.dec, 0.0))
    np.testing.assert_allclose(xi.mean(axis=1), x, atol=2e-3)
    np.testing.assert_allclose(eta.mean(axis=1), y, atol=2e-3)
    across = np.hypot(xi[:, 1] - xi[:, 0], eta[:, 1] - eta[:, 0])
    np.testing.assert_allclose(across, view.slice_width, rtol=0.05)


def test_an_offset_moves_corners_and_centres_alike(long_wave):
    view = channel_view(long_wave[1], Band.from_name("3C"))
    seen = np.isfinite(view.samples.wave)
    for places in (view.corners, view.centres):
        still = np.array(places(HERE.ra, HERE.dec, 0.0))[:, seen]
        moved = np.array(places(HERE.ra, HERE.dec, 0.0, (2.0, -1.0)))[:, seen]
        shift = moved - still
        np.testing.assert_allclose(shift[0], -2.0, atol=1e-3)  # xi runs west
        np.testing.assert_allclose(shift[1], -1.0, atol=1e-3)


def test_where_there_is_no_wavelength_there_is_no_place(long_wave):
    view = channel_view(long_wave[1], Band.from_name("4C"))
    ra, dec = view.sky()
    undefined = ~np.isfinite(view.samples.wave)
    assert undefined.any()
    np.testing.assert_array_equal(np.isnan(ra), undefined)
    np.testing.assert_array_equal(np.isnan(dec), undefined)


def test_a_channel_that_is_not_there_is_refused(long_wave):
    with pytest.raises(InputError, match=r"channel 1 is not in the exposure's WCS, which has channels \[3, 4\]"):
        channel_view(long_wave[1], Band.from_name("1A"))
