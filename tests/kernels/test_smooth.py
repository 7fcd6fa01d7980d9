import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.smooth import median_error, running_median

WIDTHS = st.integers(0, 12).map(lambda k: 2 * k + 1)


@given(WIDTHS, st.integers(1, 40), st.floats(-5, 5))
def test_a_straight_line_stays_as_it_is(width, n, slope):
    line = 3 + slope * np.arange(n)
    np.testing.assert_allclose(running_median(line, width), line, rtol=1e-12, atol=1e-12)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=40), WIDTHS)
def test_medians_are_those_of_windows_cut_evenly(values, width):
    values = np.array(values)
    expected = []
    for i in range(values.size):
        half = min(width // 2, i, values.size - 1 - i)
        expected.append(np.median(values[i - half : i + half + 1]))
    np.testing.assert_array_equal(running_median(values, width), expected)


def test_a_spike_goes():
    values = np.ones(30)
    values[[7, 8]] = 100
    np.testing.assert_array_equal(running_median(values, 5), np.ones(30))


@pytest.mark.parametrize("width", [1, 3, 5, 11])
def test_errors_are_those_of_many_medians(width):
    noise = np.random.default_rng(3).normal(size=(20_000, 21))
    spread = np.array([running_median(row, width) for row in noise[:4000]])
    expected = np.median(noise[:, :width], axis=1).std()
    assert median_error(np.ones(21), width)[10] == pytest.approx(expected, rel=0.02)
    assert spread[:, 0].std() == pytest.approx(median_error(np.ones(21), width)[0], rel=0.05)
