import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mrsnb.kernels.neighbours import lower_to_differences

images = arrays(np.float32, (3, 7), elements=st.floats(-100, 100, width=32) | st.just(np.nan))


def differences(flux, usable=None, *, zero_outside=False):
    least, own = np.full(flux.shape, np.nan), np.empty(flux.shape)
    usable = np.ones(flux.shape, bool) if usable is None else usable
    lower_to_differences(flux, usable, zero_outside, least, own)
    np.testing.assert_array_equal(least, own)
    return own


def naive(flux, outside):
    out = np.full(flux.shape, np.nan)
    for y, row in enumerate(flux.astype(float)):
        for x, value in enumerate(row):
            left = row[x - 1] if x else outside
            right = row[x + 1] if x < len(row) - 1 else outside
            found = [abs(value - other) for other in (left, right) if np.isfinite(value - other)]
            out[y, x] = min(found, default=np.nan)
    return out


@given(images)
@pytest.mark.parametrize("zero_outside", [True, False])
def test_the_smaller_of_two_differences(zero_outside, flux):
    found = differences(flux, zero_outside=zero_outside)
    np.testing.assert_array_equal(found, naive(flux, 0.0 if zero_outside else np.nan))


@given(images, st.floats(-50, 50, width=32))
def test_a_level_does_not_matter(flux, level):
    flux = np.round(flux)
    expected = differences(flux.astype(np.float32))
    np.testing.assert_allclose(differences((flux + np.round(level)).astype(np.float32)), expected, atol=1e-4)


@given(images, images)
def test_more_exposures_can_only_lower_it(first, second):
    least, own = np.full(first.shape, np.nan), np.empty(first.shape)
    everywhere = np.ones(first.shape, bool)
    for flux in (first, second):
        lower_to_differences(flux, everywhere, False, least, own)
    np.testing.assert_array_equal(least, np.fmin(differences(first), differences(second)))


def test_an_unusable_pixel_is_no_neighbour_and_has_none():
    flux = np.array([[1, 50, 4, 9]], np.float32)
    usable = np.array([[True, False, True, True]])
    np.testing.assert_array_equal(differences(flux, usable), [[np.nan, np.nan, 5, 5]])


def test_differences_are_taken_in_double_precision():
    flux = np.array([[1e8, 1.0, 1e8]], np.float32)
    assert differences(flux)[0, 0] == 1e8 - 1.0
