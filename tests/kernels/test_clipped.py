import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.clip import _median, clipped_limits, clipped_limits_of

NUMBERS = st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=80)


@given(values=NUMBERS)
def test_the_median_is_that_of_numpy(values):
    assert _median(np.array(values), len(values)) == np.median(values)


@pytest.mark.parametrize("n", [1, 2, 5, 1000, 1001])
@pytest.mark.parametrize("kinds", [1, 2, 3, 7])
def test_the_median_of_many_equal_values(n, kinds):
    values = np.random.default_rng(n).integers(0, kinds, n).astype(float)
    assert _median(values.copy(), n) == np.median(values)
    assert _median(np.sort(values), n) == np.median(values)


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


@pytest.mark.filterwarnings("ignore:invalid value")  # as plain Python
def test_what_is_no_number_has_no_limits():
    for bad in (np.nan, np.inf):
        assert np.isnan(clipped_limits(np.array([1.0, 2.0, bad, 3.0]), 3.0, 5)[1])
    assert np.isnan(clipped_limits_of(np.zeros(3), 0, 3.0, 5)).all()


def test_only_the_first_are_looked_at():
    values = np.array([1.0, 2.0, 4.0, 1e9])
    assert clipped_limits_of(values, 3, 3.0, 5) == clipped_limits(values[:3], 3.0, 5)
