"""The colour bar of an image: its ticks are values, wherever the stretch puts them."""

from typing import Any

import numpy as np
from bqplot import Label, LinearScale

from mrsnb.display.plots.stretch import Stretch, compact
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.raster import Raster

_BAR = (1.03, 1.07)
"""From the left to the right edge, in widths of the image."""
_TICKS, _UNIT = 7, 56
"""Places right of the bar, CSS pixels."""
_APART = 0.1
"""Least distance of ticks, in heights of the bar."""


class ColourBar:
    """A colour bar in the right margin of a figure.

    Parameters
    ----------
    colours : str
        Name of a colour map.

    Attributes
    ----------
    marks : list
        To be put in the figure.
    """

    def __init__(self, colours: str) -> None:
        self._x, self._y = LinearScale(min=0, max=1), LinearScale(min=0, max=1)
        scales: dict[str, Any] = {"x": self._x, "y": self._y}
        self._raster = Raster(self._x, self._y, x=_BAR, y=(0.0, 1.0), colours=colours)
        self._raster.mark.apply_clip = False
        self._ramp = np.linspace(0.0, 1.0, 255)[:, None]
        self._raster.show(self._ramp)
        plain = {"scales": scales, "apply_clip": False, "font_weight": "normal"}
        self._ticks = Label(x=[], y=[], text=[], default_size=11, align="start", x_offset=_TICKS, **plain)
        self._unit = Label(
            x=[_BAR[1]], y=[0.5], text=[""], default_size=12, align="middle", rotate_angle=-90, x_offset=_UNIT, **plain
        )
        self.marks = [self._raster.mark, self._ticks, self._unit]
        self._told: dict[float, str] = {}

    def show(self, stretch: Stretch | None, unit: str) -> None:
        """Show what the shades of a stretch mean."""
        values = [] if stretch is None else stretch.ticks(_APART)
        shades = [] if stretch is None else np.round(stretch(np.array(values)), 4).tolist()
        told = {shade: compact(value) for shade, value in zip(shades, values, strict=True)}
        if told != self._told:
            self._told = told
            with self._ticks.hold_sync():
                self._ticks.x, self._ticks.y = np.full(len(told), _BAR[1]), np.array(list(told))
                self._ticks.text = list(told.values())
        if self._unit.text[0] != unit:
            self._unit.text = [unit]

    @property
    def colours(self) -> str:
        """Name of the colour map."""
        return self._raster.colours

    @colours.setter
    def colours(self, name: str) -> None:
        self._raster.colours = name

    def close(self) -> None:
        """Free what the browser holds."""
        self._raster.close()
        close_all(self.marks)
