import math

import naive
import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st
from photutils.aperture import CircularAperture

from mrsnb.kernels.aperture import CENTER, EXACT, METHODS, SUBPIXEL, circle_share, clipped_limits, fill_shares

PLACES = st.floats(-3, 16, width=32)
RADII = st.floats(0.0625, 9, width=32)
SHAPE = (11, 13)


def shares(x, y, radius, method, n=5):
    out = np.full(SHAPE, np.nan)
    fill_shares(out, x, y, radius, method, n)
    return out


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


@given(seed=st.integers(0, 2**32 - 1), sigma=st.sampled_from([2.0, 2.5, 3.0]), n=st.integers(1, 60))
def test_clipping_is_that_of_astropy(seed, sigma, n):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    values[rng.random(n) < 0.15] *= 30
    before = values.copy()
    mean, spread = clipped_limits(values, sigma, 5)
    expected_mean, _, expected_spread = sigma_clipped_stats(values, sigma=sigma, maxiters=5)
    assert mean == pytest.approx(expected_mean, rel=1e-12, abs=1e-14)
    assert spread == pytest.approx(expected_spread, rel=1e-12, abs=1e-14)
    np.testing.assert_array_equal(values, before)


@given(seed=st.integers(0, 2**32 - 1), sigma=st.sampled_from([0.1, 0.5, 1.0]), n=st.integers(1, 60))
def test_clipping_leaves_something_however_narrow(seed, sigma, n):
    values = np.random.default_rng(seed).normal(size=n)
    mean, spread = clipped_limits(values, sigma, 5)
    assert values.min() <= mean <= values.max()
    assert 0 <= spread <= values.std() * (1 + 1e-12)


def test_two_heaps_that_clip_each_other_are_left_alone():
    assert clipped_limits(np.array([0.0, 1.0, 0.0, 1.0]), 0.5, 5) == (0.5, 0.5)


def test_without_rounds_nothing_is_clipped():
    values = np.array([0.0, 0.0, 0.0, 1e6])
    assert clipped_limits(values, 1.0, 0) == (values.mean(), values.std())
