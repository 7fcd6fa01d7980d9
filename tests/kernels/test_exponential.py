import numpy as np
import pytest

from mrsnb.kernels.exponential import exponentials


@pytest.mark.parametrize("n", [0, 1, 7, 16, 1000])
def test_it_equals_numpys(n):
    x = -np.random.default_rng(n).uniform(0, 1, n) * 10.0 ** np.random.default_rng(n).uniform(-9, 2.8, n)
    out = np.full(n + 1, 5.0)
    exponentials(x, n, out)
    np.testing.assert_allclose(out[:n], np.exp(x), rtol=3e-16)
    assert out[n] == 5.0


def test_nothing_is_exactly_one_and_what_is_too_small_is_tiny():
    out = np.empty(4)
    exponentials(np.array([0.0, -0.0, -800.0, -1e300]), 4, out)
    np.testing.assert_array_equal(out[:2], 1.0)
    assert (out[2:] > 0).all()
    assert (out[2:] < 1e-307).all()
