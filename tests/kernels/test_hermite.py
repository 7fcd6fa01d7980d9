"""Curves through points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from mrsnb.kernels.hermite import monotone

steps = st.lists(st.tuples(st.integers(1, 30), st.integers(-1000, 1000)), min_size=2, max_size=40)


def points(drawn):
    x = np.cumsum([step for step, _ in drawn]).astype(float)
    return x, np.array([value / 8 for _, value in drawn])


@given(steps)
def test_it_is_scipys(drawn):
    x, y = points(drawn)
    at = np.linspace(x[0], x[-1], 301)
    np.testing.assert_allclose(monotone(x, y, at), PchipInterpolator(x, y)(at), rtol=1e-12, atol=1e-11)


@given(steps)
def test_between_two_points_it_stays_between_them(drawn):
    x, y = points(drawn)
    at = np.linspace(x[0], x[-1], 301)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    curve, tiny = monotone(x, y, at), 1e-9
    assert (curve >= np.minimum(y[piece], y[piece + 1]) - tiny).all()
    assert (curve <= np.maximum(y[piece], y[piece + 1]) + tiny).all()


@given(steps)
def test_it_goes_through_the_points(drawn):
    x, y = points(drawn)
    np.testing.assert_allclose(monotone(x, y, x), y, rtol=1e-12, atol=1e-11)
