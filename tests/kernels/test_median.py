import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mrsnb.kernels.median import median_of, windowed_median

WINDOWS = [(7, 7), (11, 1), (1, 11), (3, 5), (1, 1), (21, 3)]
numbers = st.floats(-9, 9) | st.just(np.nan) | st.integers(-3, 3).map(float) | st.just(np.inf)


def naive(image, window, outside):
    padded = np.pad(image, [(k // 2, k // 2) for k in window], constant_values=outside)
    out = np.full(image.shape, np.nan)
    for y, x in np.ndindex(image.shape):
        values = padded[y : y + window[0], x : x + window[1]]
        values = values[~np.isnan(values)]
        if values.size:
            out[y, x] = np.median(values)
    return out


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("outside", [0.0, np.nan])
@pytest.mark.parametrize("window", WINDOWS)
def test_it_is_the_median_of_each_window(window, outside):
    @given(arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 13)), elements=numbers))
    def same(image):
        np.testing.assert_array_equal(windowed_median(image, window, outside), naive(image, window, outside))

    same()


def test_a_constant_image_is_its_own_median_up_to_the_border():
    image = np.full((20, 30), 3.5)
    np.testing.assert_array_equal(windowed_median(image, (7, 5)), image)
    with_zeros = windowed_median(image, (7, 5), 0.0)
    assert (with_zeros[3:-3, 2:-2] == 3.5).all()
    assert with_zeros[0, 0] == 0


def test_the_image_stays_as_it_is():
    image = np.random.default_rng(1).normal(size=(9, 8))
    before = image.copy()
    windowed_median(image, (5, 3))
    np.testing.assert_array_equal(image, before)


@given(arrays(np.float64, st.integers(1, 25), elements=st.floats(-1e9, 1e9)))
def test_the_median_of_a_few_numbers(values):
    assert median_of(values.copy(), values.size) == np.median(values)


def test_only_the_first_numbers_count():
    assert median_of(np.array([3.0, 1.0, 2.0, 99.0]), 3) == 2
    assert np.isnan(median_of(np.array([1.0]), 0))
