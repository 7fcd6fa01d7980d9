import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photutils.aperture import CircularAperture

from mrsnb.kernels.aperture import CENTER, EXACT, METHODS, SUBPIXEL, circle_shares, spaxels_about

PLACES = st.floats(-3, 16, width=32)
RADII = st.floats(0.0625, 9, width=32)
SHAPE = (11, 13)


def shares(x, y, radius, method, n=5, *, largest=None):
    spaxels = spaxels_about(SHAPE, x, y, radius if largest is None else largest, method, n)
    out = np.zeros(SHAPE)
    out.flat[spaxels.at] = circle_shares(spaxels, np.array([radius]))[0]
    return out


def circle_share(x, y, radius, method, n):
    """Return the share of a spaxel that is at (x, y) from the centre."""
    spaxels = spaxels_about((1, 1), -x, -y, 20.0, method, n)
    return circle_shares(spaxels, np.array([radius]))[0, 0]


@given(x=PLACES, y=PLACES, radius=RADII, method=st.sampled_from(["center", "subpixel"]), n=st.sampled_from([1, 5, 10]))
def test_points_are_those_of_photutils_to_the_last_bit(x, y, radius, method, n):
    mask = CircularAperture((x, y), radius).to_mask(method=method, subpixels=n).to_image(SHAPE)
    expected = np.zeros(SHAPE) if mask is None else mask
    np.testing.assert_array_equal(shares(x, y, radius, METHODS[method], n), expected)


@given(x=PLACES, y=PLACES, radius=RADII)
def test_areas_are_those_of_photutils(x, y, radius):
    mask = CircularAperture((x, y), radius).to_mask(method="exact").to_image(SHAPE)
    expected = np.zeros(SHAPE) if mask is None else mask
    np.testing.assert_allclose(shares(x, y, radius, EXACT), expected, rtol=0, atol=1e-11)


@given(x=st.floats(4, 8), y=st.floats(4, 6), radius=st.floats(0.01, 4))
def test_exact_shares_sum_to_the_area_of_the_circle(x, y, radius):
    assert shares(x, y, radius, EXACT).sum() == pytest.approx(math.pi * radius**2, rel=1e-10)


@given(x=st.floats(-2, 2), y=st.floats(-2, 2), radius=st.floats(0.125, 2), n=st.sampled_from([1, 4, 7]))
def test_a_share_equals_the_obvious_loops(x, y, radius, n):
    found = circle_share(x, y, radius, CENTER if n == 1 else SUBPIXEL, n)
    expected = [naive.circle_share(x, y, r, n) for r in (radius * (1 - 1e-12), radius * (1 + 1e-12))]
    assert expected[0] <= found <= expected[1]  # a point on the circle may fall on either side
    assert circle_share(x, y, radius, EXACT, 1) == pytest.approx(naive.circle_share(x, y, radius, 60), abs=0.02)


@pytest.mark.parametrize("method", METHODS.values())
def test_symmetries(method):
    image = shares(6.0, 5.0, 3.3, method)
    np.testing.assert_allclose(image, image[::-1], atol=1e-12)
    np.testing.assert_allclose(image, image[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(image[:, 1:-1], image[:, 1:-1].T, atol=1e-12)


def test_a_circle_around_everything_is_one_everywhere():
    for method in METHODS.values():
        np.testing.assert_array_equal(shares(6.0, 5.0, 40.0, method), 1.0)


def test_a_circle_within_one_spaxel():
    assert circle_share(0.1, -0.1, 0.2, EXACT, 1) == pytest.approx(math.pi * 0.04, rel=1e-12)


@given(
    x=PLACES, y=PLACES, radii=st.lists(RADII, min_size=1, max_size=4), method=st.sampled_from(list(METHODS.values()))
)
def test_circles_about_one_point_are_those_made_one_by_one(x, y, radii, method):
    for radius in radii:
        together = shares(x, y, radius, method, largest=max(radii))
        np.testing.assert_array_equal(together, shares(x, y, radius, method))
