"""What is drawn over images: directions, lengths and lines are true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.viewers.overlays import View, circle, compass, contours, joined, round_ticks, scale_bar

VIEW = View(-3.0, 3.0, -2.0, 2.0)


@given(st.floats(-180, 180))
def test_the_compass_points_north_and_east(rotation):
    lines, letters = compass(VIEW, rotation)
    start, north = lines[0]
    east = lines[2][1]
    turn = np.radians(rotation)
    length = np.hypot(*(north - start))
    assert (north - start) / length == pytest.approx([np.sin(turn), np.cos(turn)])
    assert (east - start) / length == pytest.approx([-np.cos(turn), np.sin(turn)])
    places = np.vstack([*lines, *letters.values()])
    assert (places > [VIEW.left, VIEW.low]).all()
    assert (places < [VIEW.right, VIEW.high]).all()


@given(st.floats(0.3, 300))
def test_the_scale_bar_has_the_length_it_says(side):
    bar, text, _ = scale_bar(View(0.0, side, 0.0, side))
    assert bar[1, 0] - bar[0, 0] == pytest.approx(float(text[:-1]))
    assert bar[1, 0] < side


def test_contours_lie_where_the_image_has_the_value():
    y, x = np.mgrid[-20:21, -20:21] * 0.1
    lines = contours(np.hypot(x, y), x[0], y[:, 0], [1.0])
    assert np.hypot(*np.vstack(lines).T) == pytest.approx(1.0, abs=0.01)
    assert contours(np.full((5, 5), np.nan), np.arange(5.0), np.arange(5.0), [1.0]) == []
    assert contours(np.ones((1, 5)), np.arange(5.0), np.arange(1.0), [1.0]) == []


def test_lines_are_joined_by_gaps():
    x, y = joined([circle(np.zeros(2), 1.0), np.array([[5.0, 6.0], [7.0, 8.0]])])
    assert np.isnan(x).sum() == np.isnan(y).sum() == 1
    assert (x[-2:].tolist(), y[-2:].tolist()) == ([5.0, 7.0], [6.0, 8.0])
    assert joined([])[0].size == 0


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_ticks_are_within_and_not_too_many(low, span):
    ticks = round_ticks(low, low + span)
    assert 1 <= len(ticks) <= 8
    assert ticks[0] >= low - 1e-6
    assert ticks[-1] <= low + span + 1e-6
