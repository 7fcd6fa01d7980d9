"""A background taken off."""

import numpy as np

from mrsnb.kernels.subtract import subtract

SHAPE = (300, 9)


def test_values_differ_and_errors_add_in_quadrature_rounded_once():
    rng = np.random.default_rng(5)
    value, error = rng.normal(size=(2, *SHAPE)).astype(np.float32)
    background, variance = rng.random((2, *SHAPE))
    value[7, 3] = error[8, 4] = np.nan
    less, wider = subtract(value, error, background, variance)
    np.testing.assert_array_equal(less, (value.astype(float) - background).astype(np.float32))
    np.testing.assert_array_equal(wider, np.sqrt(error.astype(float) ** 2 + variance).astype(np.float32))


def test_nothing_taken_off_leaves_all_as_it_was():
    value, error = np.random.default_rng(6).random((2, *SHAPE)).astype(np.float32)
    less, wider = subtract(value, error, np.zeros(SHAPE), np.zeros(SHAPE))
    np.testing.assert_array_equal(less, value)
    np.testing.assert_array_equal(wider, error)
