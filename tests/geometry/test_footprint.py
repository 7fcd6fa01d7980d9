from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from flight import asdf_bytes

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.geometry.detector import channel_view
from mrsnb.geometry.footprint import header_footprint, pixel_footprint, unwrapped
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry


def exposure(region):
    return SimpleNamespace(science=Cards([Card("S_REGION", region)]))


def test_the_header_states_four_corners():
    text = "POLYGON ICRS  1.5 -2.000000001 1.6 -2.0 1.6 -1.9 1.5 -1.9"
    np.testing.assert_array_equal(
        header_footprint(exposure(text)), [[1.5, -2.000000001], [1.6, -2.0], [1.6, -1.9], [1.5, -1.9]]
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CIRCLE ICRS 1 2 3",
        "POLYGON ICRS  1 2 3 4",
        "POLYGON ICRS  1 2 3 4 5 6 7 x",
        "POLYGON ICRS  1 2 3 4 5 6 7 nan",
    ],
)
def test_a_header_that_states_none_is_none(text):
    assert header_footprint(exposure(text)) is None


POINTINGS = {
    "usual": Pointing(ra=202.4695, dec=47.1952, roll=30.0, offset=(1.1, -0.4)),
    "along the axes": Pointing(ra=10.0, dec=-69.0, roll=8.7),
    "across RA 0": Pointing(ra=0.00001, dec=85.0, roll=301.0),
    "at the pole": Pointing(ra=120.0, dec=89.9999, roll=77.0),
}


@pytest.mark.parametrize("pointing", POINTINGS.values(), ids=POINTINGS)
@pytest.mark.parametrize("name", ["1A", "2B", "3C", "4A"])
def test_the_footprint_is_the_four_outermost_pixels(name, pointing):
    band = Band.from_name(name)
    wcs = exposure_wcs(detector_geometry(band.detector, band.sub_band), pointing)
    view = channel_view(compile_chain(read_tree(asdf_bytes(wcs))), band)
    ra, dec = view.sky()
    seen = np.isfinite(ra)
    ra, dec = unwrapped(ra[seen]), dec[seen]
    outermost = [np.argmin(ra), np.argmax(ra), np.argmin(dec), np.argmax(dec)]
    expected = np.stack([ra[outermost] % 360, dec[outermost]], axis=1)
    np.testing.assert_allclose(pixel_footprint(view), expected, rtol=0, atol=1e-12)


def test_without_pixels_there_is_no_footprint():
    band = Band.from_name("1A")
    wcs = exposure_wcs(detector_geometry(band.detector, band.sub_band), POINTINGS["usual"])
    view = channel_view(compile_chain(read_tree(asdf_bytes(wcs))), band)
    nothing = view.samples._replace(wave=np.full(view.samples.wave.size, np.nan))
    assert pixel_footprint(replace(view, samples=nothing)).shape == (0, 2)


def test_unwrapped_right_ascensions_are_close_together():
    np.testing.assert_allclose(unwrapped(np.array([359.0, 1.0, 2.0])), [-1.0, 1.0, 2.0])
    np.testing.assert_allclose(unwrapped(np.array([359.0, 358.0, 2.0])), [359.0, 358.0, 362.0])


def test_unwrapped_right_ascensions_are_close_together_also_with_as_many_on_either_side_of_0():
    found = unwrapped(np.array([359.999, 359.9998, 0.0005, 0.001]))
    assert np.ptp(found) == pytest.approx(0.002)
