import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.slices import EDGE, SlicePolynomials, sample_slices, slice_pixels

SEEDS = st.integers(0, 2**32 - 1)
SHAPE = (11, 13)
COLUMNS = (1, 12)
LIMITS = (4.6, 5.4)


def case(seed, n=3, k=4):
    """Return polynomials of n slices, and a map of them with gaps."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:k, :k]
    triangle = (x + y < k) * 0.1 ** (x + y)
    alpha, wave = rng.normal(size=(2, n, k, k)) * triangle
    wave *= 0.1
    wave[:, 0, 0] += 5.0
    labels = (101 + np.arange(n)).astype(np.int16)
    polynomials = SlicePolynomials(
        labels, np.linspace(-1, 1, n), alpha, rng.uniform(-9, 0, n), wave, rng.uniform(-9, 0, n)
    )
    slice_map = rng.choice([0, 99, *labels, 201], SHAPE).astype(np.int16)
    return polynomials, slice_map


@given(seed=SEEDS)
def test_samples_are_the_polynomials_of_numpy(seed):
    polynomials, slice_map = case(seed)
    index, start = slice_pixels(slice_map, polynomials.label, *COLUMNS)
    samples = sample_slices(polynomials, index, start, SHAPE[1], *LIMITS)
    expected = naive.samples(polynomials, slice_map, COLUMNS, LIMITS)
    found = np.column_stack([samples.pixel, samples.slice, samples.wave, samples.width, samples.alpha])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@given(seed=SEEDS)
def test_each_pixel_of_a_slice_is_there_once_and_in_order(seed):
    polynomials, slice_map = case(seed)
    index, start = slice_pixels(slice_map, polynomials.label, *COLUMNS)
    for s, label in enumerate(polynomials.label):
        mine = index[start[s] : start[s + 1]]
        expected = np.flatnonzero(slice_map == label)
        x = expected % SHAPE[1]
        np.testing.assert_array_equal(mine, expected[(x >= COLUMNS[0]) & (x < COLUMNS[1])])


def test_a_slice_without_pixels_takes_no_place():
    polynomials, slice_map = case(1)
    slice_map[slice_map == 102] = 0
    _, start = slice_pixels(slice_map, polynomials.label, *COLUMNS)
    assert start[1] == start[2]
    assert start[3] > start[2]


def test_labels_may_come_in_any_order():
    polynomials, slice_map = case(1)
    backward = polynomials.label[::-1].copy()
    index, start = slice_pixels(slice_map, backward, *COLUMNS)
    for s, label in enumerate(backward):
        assert set(slice_map.ravel()[index[start[s] : start[s + 1]]]) == {label}


def test_outside_the_limits_there_is_no_wavelength_but_still_a_place():
    polynomials, slice_map = case(7)
    index, start = slice_pixels(slice_map, polynomials.label, *COLUMNS)
    free = sample_slices(polynomials, index, start, SHAPE[1], 0.0, 99.0)
    low, high = np.percentile(free.wave, [20, 80])
    cut = sample_slices(polynomials, index, start, SHAPE[1], low, high)
    outside = (free.wave < low) | (free.wave > high)
    assert outside.any()
    np.testing.assert_array_equal(cut.wave, np.where(outside, np.nan, free.wave))
    np.testing.assert_array_equal(cut.alpha, free.alpha)


def test_the_width_is_that_of_nearly_one_row_and_edges_are_half_a_column_away():
    polynomials, slice_map = case(2, k=2)
    polynomials.wave[:] = [[5.0, 0.0], [-0.01, 0.0]]  # falls by 0.01 micron a row
    polynomials.alpha[:] = [[0.0, 0.2], [0.0, 0.0]]  # 0.2 arcsec a column
    index, start = slice_pixels(slice_map, polynomials.label, *COLUMNS)
    samples = sample_slices(polynomials, index, start, SHAPE[1], *LIMITS)
    np.testing.assert_allclose(samples.width, 0.01 * 2 * EDGE, rtol=1e-10)
    np.testing.assert_allclose(samples.alpha[:, 2] - samples.alpha[:, 1], 0.2 * 2 * EDGE, rtol=1e-10)
    assert pytest.approx(0.5, abs=1e-3) == EDGE
