"""Cells over an image that cannot be seen and tell where the mouse is: an image itself tells of clicks only."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bqplot import ColorScale, GridHeatMap
from numpy.typing import NDArray

Call = Callable[[float, float], None]


class Net:
    """Cells that notice the mouse.

    Parameters
    ----------
    x_scale, y_scale : bqplot.LinearScale
        Of the figure.
    on_hover, on_click : callable
        Called with the middle ``(x, y)`` of the cell, in coordinates of the scales.

    Attributes
    ----------
    mark : bqplot.GridHeatMap
        To be put over the images of a figure.
    """

    def __init__(self, x_scale: Any, y_scale: Any, on_hover: Call, on_click: Call) -> None:
        self.mark = GridHeatMap(
            color=np.zeros((2, 2)),
            row=np.arange(3.0),
            column=np.arange(3.0),
            scales={"row": y_scale, "column": x_scale, "color": ColorScale(colors=["#000000", "#000000"])},
            opacity=0.2,  # the least that is allowed; the style sheet makes it none
            stroke=None,
            interactions={},
        )
        self.mark.on_hover(lambda _, told: self._found(told, on_hover))
        self.mark.on_element_click(lambda _, told: self._found(told, on_click))

    def cast(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Lay the net: edges of its columns and rows, increasing, 3 at least."""
        with self.mark.hold_sync():
            self.mark.color = np.zeros((len(y) - 1, len(x) - 1), np.float32)
            self.mark.column, self.mark.row = x, y

    def _found(self, told: dict[str, Any], call: Call) -> None:
        data = told.get("data")
        data = told if not isinstance(data, dict) else data
        if "row" in data and "column" in data:
            call(_middle(self.mark.column, data["column"]), _middle(self.mark.row, data["row"]))


def _middle(edges: NDArray[Any], place: float) -> float:
    """Return the middle of the cell that a place is in; rounding may put it just below the cell's lower edge."""
    edges = np.asarray(edges, float)
    i = int(np.searchsorted(edges, place + 0.01 * np.diff(edges).min(), "right")) - 1
    i = min(max(i, 0), len(edges) - 2)
    return float(edges[i] + edges[i + 1]) / 2
