"""Splines with given knots."""

import numpy as np
import pytest
from scipy.interpolate import LSQUnivariateSpline

from mrsnb.kernels.knotted import KnottedSpline


def points(n, pieces):
    rng = np.random.default_rng(n)
    x = np.sort(rng.random(n)) + 1.0
    knots = x[np.linspace(0, n - 1, pieces + 1).astype(int)[1:-1]]
    return x, knots, 1.0 + 0.1 * np.sin(40 * x) + rng.normal(0, 0.02, n), rng.random(n)


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize(("n", "pieces"), [(1050, 110), (300, 12), (9, 2)])
@pytest.mark.parametrize("faint", [None, 1e-4, 1e-8])
def test_it_is_fitpacks(n, pieces, degree, faint):
    x, knots, y, weights = points(n, pieces)
    if faint is not None:
        weights[n // 3 : n // 2] = weights[::7] = faint
        weights[5 * n // 12] = 1.0  # alone among faint ones
    expected = LSQUnivariateSpline(x, y, knots, w=weights, k=degree)(x)
    np.testing.assert_allclose(KnottedSpline(x, knots, degree).fitted(y, weights), expected, rtol=1e-8)


def test_what_is_such_a_spline_stays_as_it_is_with_any_weights():
    x, knots, _, weights = points(200, 8)
    y = 2.0 + 3.0 * x + np.maximum(x - knots[2], 0.0)
    np.testing.assert_allclose(KnottedSpline(x, knots, 1).fitted(y, weights), y, rtol=1e-12)


def test_no_other_spline_is_nearer_to_the_points():
    x, knots, y, weights = points(200, 8)
    spline = KnottedSpline(x, knots, 2)
    fit = spline.fitted(y, weights)
    other = spline.fitted(x**3, np.ones(x.size))
    best = np.sum((weights * (y - fit)) ** 2)
    for step in (-1e-3, 1e-3):
        assert np.sum((weights * (y - fit - step * other)) ** 2) > best
