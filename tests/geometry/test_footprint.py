from types import SimpleNamespace

import numpy as np
import pytest

from mrsnb.core.cards import Card, Cards
from mrsnb.geometry.footprint import header_footprint, pixel_footprint, unwrapped


def exposure(region):
    return SimpleNamespace(science=Cards([Card("S_REGION", region)]))


def view(ra, dec):
    return SimpleNamespace(sky=lambda: (np.array(ra, float), np.array(dec, float)))


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


def test_the_footprint_is_the_four_outermost_pixels():
    ra, dec = [10.0, 10.3, 10.1, 10.2, np.nan], [5.0, 5.1, 5.3, 4.8, 99.0]
    np.testing.assert_allclose(pixel_footprint(view(ra, dec)), [[10.0, 5.0], [10.3, 5.1], [10.2, 4.8], [10.1, 5.3]])


def test_the_footprint_may_cross_ra_0():
    ra, dec = [359.999, 0.002, 0.0, 359.9995, 359.9998], [0.0, 0.1, 0.3, -0.2, 0.0]
    found = pixel_footprint(view(ra, dec))
    np.testing.assert_allclose(found, [[359.999, 0.0], [0.002, 0.1], [359.9995, -0.2], [0.0, 0.3]])


def test_without_pixels_there_is_no_footprint():
    assert pixel_footprint(view([np.nan], [np.nan])).shape == (0, 2)


def test_unwrapped_right_ascensions_are_close_together():
    np.testing.assert_allclose(unwrapped(np.array([359.0, 1.0, 2.0])), [-1.0, 1.0, 2.0])
    np.testing.assert_allclose(unwrapped(np.array([359.0, 358.0, 2.0])), [359.0, 358.0, 362.0])


def test_unwrapped_right_ascensions_are_close_together_also_with_as_many_on_either_side_of_0():
    found = unwrapped(np.array([359.999, 359.9998, 0.0005, 0.001]))
    assert np.ptp(found) == pytest.approx(0.002)
