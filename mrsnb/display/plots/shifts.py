"""Pictures of how exposures were moved on the sky."""

from collections.abc import Sequence

import numpy as np

from mrsnb.display.plots.axes import Scale, bottom_axis, left_axis, linear_ticks
from mrsnb.display.plots.canvas import Box, Canvas
from mrsnb.display.plots.colours import CYCLE, GRID, rgba
from mrsnb.display.values import Picture

_MOST_NAMES = 12


def shift_picture(title: str, shifts: Sequence[tuple[float, float]]) -> Picture:
    """Return arrows from where exposures were to where they are, numbered in order, east to the left.

    Parameters
    ----------
    title : str
        Title.
    shifts : sequence of tuple of float
        East and north on the sky, arcsec.
    """
    canvas, box, colour = Canvas(460, 450), Box(76, 38, 360, 360), rgba(CYCLE[0])
    half = 1.2 * max([1e-3, *(abs(value) for shift in shifts for value in shift)])
    across, up = Scale(half, -half, box.x, box.right), Scale(-half, half, box.bottom, box.y)
    canvas.title(box.x, title)
    canvas.fill(Box(box.x, float(up(0.0)) - 0.5, box.width, 1), GRID)
    canvas.fill(Box(float(across(0.0)) - 0.5, box.y, 1, box.height), GRID)
    zero = float(across(0.0)), float(up(0.0))
    for number, (east, north) in enumerate(shifts, 1):
        x, y = float(across(east)), float(up(north))
        canvas.lines(np.array([(*zero, x, y)]), width=1.6, colour=colour)
        canvas.lines(np.array([(x, y, x, y)]), width=5.5, colour=colour)
        if len(shifts) <= _MOST_NAMES:
            away = np.hypot(x - zero[0], y - zero[1]) or 1.0
            canvas.text(x + 12 * (x - zero[0]) / away, y + 12 * (y - zero[1]) / away, str(number), at=(0.5, 0.5))
    canvas.frame(box)
    bottom_axis(canvas, box, across, linear_ticks(-half, half, 5), "moved east / arcsec")
    left_axis(canvas, box, up, linear_ticks(-half, half, 5), "moved north / arcsec")
    return canvas.picture(title)
