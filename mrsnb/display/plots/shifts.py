"""Pictures of how exposures were moved on the sky."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mrsnb.display.plots.canvas import FAINT, INK, draw, readable
from mrsnb.display.values import Picture

_COLOUR = "#0072b2"
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

    def paint(figure: Any) -> None:
        east, north = np.array(shifts, float).reshape(-1, 2).T
        axes = figure.add_axes((0.16, 0.13, 0.79, 0.77))
        axes.set_title(readable(title))
        axes.axhline(0.0, color=FAINT, lw=0.5)
        axes.axvline(0.0, color=FAINT, lw=0.5)
        zero, to_scale = np.zeros_like(east), {"angles": "xy", "scale_units": "xy", "scale": 1.0}
        axes.quiver(zero, zero, east, north, color=_COLOUR, width=0.004, **to_scale)
        axes.plot(east, north, "o", ms=3, color=_COLOUR)
        for number, (x, y) in enumerate(zip(east, north, strict=True), 1):
            if len(shifts) <= _MOST_NAMES:
                axes.annotate(str(number), (x, y), (5, 5), textcoords="offset points", color=INK, fontsize=9)
        half = 1.2 * max(float(np.abs(east).max(initial=0.0)), float(np.abs(north).max(initial=0.0)), 1e-3)
        axes.set(xlim=(half, -half), ylim=(-half, half), aspect="equal")
        axes.set_xlabel("moved east / arcsec")
        axes.set_ylabel("moved north / arcsec")

    return draw(title, 520, 520, paint)
