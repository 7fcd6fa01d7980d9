"""A figure with detector images: slices, flags, marks, zoom, and what the mouse does."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bqplot import Axis, LinearScale, Lines, Scatter
from bqplot.interacts import PanZoom
from numpy.typing import NDArray

from mrsnb.display.plots.stretch import Stretch
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.colour_bar import ColourBar
from mrsnb.viewers.figures import plain_figure
from mrsnb.viewers.image_panel import MARK, NOTHING
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.net import Net
from mrsnb.viewers.overlays import View, joined, round_ticks
from mrsnb.viewers.raster import Raster

Array = NDArray[Any]

MARGIN = {"left": 54, "right": 104, "top": 10, "bottom": 42}
_SIDE = "var(--mrsnb-detector-side, clamp(320px, min(38vw, 78vh - 200px), 760px))"
_LEAST = 8.0
"""Pixels on a side of the smallest part that can be seen."""
_FINE, _COARSE = 16, 14
"""Cells of the net on a side about the mouse, and elsewhere."""
_GUARD = 3
"""Fine cells between the mouse and coarser ones, at least."""
_ACROSS = 480
"""Pixels of the screen on a side of the figure, about."""


class DetectorPanel:
    """Images of a detector, of which one is in front; coordinates are columns and rows, 0-based.

    Parameters
    ----------
    on_hover, on_click : callable
        Called with the pixel ``(x, y)``.
    on_view : callable
        Called when another part is looked at.

    Attributes
    ----------
    figure : bqplot.Figure
    """

    def __init__(
        self,
        on_hover: Callable[[int, int], None],
        on_click: Callable[[int, int], None],
        on_view: Callable[[], None],
        colours: str = "magma",
    ) -> None:
        self._on_hover, self._on_click, self._on_view = on_hover, on_click, on_view
        self._x, self._y = LinearScale(min=0, max=1), LinearScale(min=0, max=1)
        self._scales = {"x": self._x, "y": self._y}
        self._shape = (1, 1)
        self._rasters = [Raster(self._x, self._y, x=(0, 1), y=(0, 1), colours=colours) for _ in range(2)]
        self._flags = Raster(self._x, self._y, x=(0, 1), y=(0, 1))
        self._flags.mark.visible = self._rasters[1].mark.visible = False
        self.bar = ColourBar(colours)
        self._outlines = Lines(
            x=[0.0], y=[0.0], scales=self._scales, colors=["#d7ecff"], stroke_width=0.8, opacities=[0.75], visible=False
        )
        self._net = Net(self._x, self._y, self._hovered, self._clicked)
        self._recast = Latest(self._cast)
        self._marks = Scatter(
            x=[], y=[], scales=self._scales, marker="square", default_size=90, colors=[MARK], fill=False, stroke_width=2
        )
        self._spot = Scatter(
            x=[], y=[], scales=self._scales, marker="cross", default_size=50, colors=["#ffffff"], stroke="#16181a"
        )
        self._axes = [Axis(scale=self._x, label="column", label_offset="34px", grid_lines="none")]
        self._axes += [Axis(scale=self._y, label="row", label_offset="38px", side="left", grid_lines="none")]
        self._axes[1].orientation = "vertical"
        self.pan = PanZoom(scales={"x": [self._x], "y": [self._y]})
        self._panned = Latest(self._told_view)
        for scale in (self._x, self._y):
            scale.observe(lambda _: self._panned(), ["min", "max"])
        images = [raster.mark for raster in (*self._rasters, self._flags)]
        self.figure = plain_figure(
            "mrsnb-image",
            marks=[*images, self._outlines, self._net.mark, self._marks, self._spot, *self.bar.marks],
            axes=self._axes,
            background_style={"fill": NOTHING},
            fig_margin=MARGIN,
        )
        layout, across, down = self.figure.layout, MARGIN["left"] + MARGIN["right"], MARGIN["top"] + MARGIN["bottom"]
        layout.width = layout.min_width = f"calc({_SIDE} + {across}px)"
        layout.height, layout.flex = f"calc({_SIDE} + {down}px)", "0 0 auto"
        self.figure.add_class("mrsnb-detector")

    # Where the mouse is

    def _hovered(self, x: float, y: float) -> None:
        """Tell where the mouse is; other cells beneath it count as a move, so the net stays where it is fine enough."""
        view, mark = self.view, self._net.mark
        fine = is_fine(mark.column, x, view.left, view.right) and is_fine(mark.row, y, view.low, view.high)
        if not fine:
            self._recast((x, y))
        self._tell(x, y, self._on_hover)

    def _clicked(self, x: float, y: float) -> None:
        self._tell(x, y, self._on_click)

    def _tell(self, x: float, y: float, call: Callable[[int, int], None]) -> None:
        n_row, n_col = self._shape
        call(min(max(math.floor(x + 0.5), 0), n_col - 1), min(max(math.floor(y + 0.5), 0), n_row - 1))

    def _cast(self, at: tuple[float, float] | None = None) -> None:
        """Lay the net over what is seen: fine about the mouse."""
        view = self.view
        x, y = (None, None) if at is None else at
        self._net.cast(net_edges(view.left, view.right, x), net_edges(view.low, view.high, y))

    # What is seen

    @property
    def view(self) -> View:
        """What part of the detector is in the window."""
        return View(self._x.min, self._x.max, self._y.min, self._y.max)

    @view.setter
    def view(self, wanted: View) -> None:
        n_row, n_col = self._shape
        side = min(max(wanted.right - wanted.left, wanted.high - wanted.low, _LEAST), float(max(n_row, n_col)))
        middle = (wanted.left + wanted.right) / 2, (wanted.low + wanted.high) / 2
        left, low = (
            min(max(at - side / 2, -0.5), max(n - 0.5 - side, (n - 1 - side) / 2))
            for at, n in zip(middle, (n_col, n_row), strict=True)
        )
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max, self._y.min, self._y.max = left, left + side, low, low + side
        self._panned.now()

    def _told_view(self) -> None:
        view = self.view
        for axis, low, high in ((self._axes[0], view.left, view.right), (self._axes[1], view.low, view.high)):
            axis.tick_values = round_ticks(low, high)
        self._cast()
        self._on_view()

    def zoom(self, factor: float, about: tuple[float, float] | None = None) -> None:
        """Show a part so many times smaller, about a place if it is in view, else about the middle."""
        view = self.view
        middle = (view.left + view.right) / 2, (view.low + view.high) / 2
        if about is not None and view.left < about[0] < view.right and view.low < about[1] < view.high:
            middle = about
        half = (view.right - view.left) / factor / 2
        self.view = View(middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)

    def whole(self) -> None:
        """Show the whole detector."""
        n_row, n_col = self._shape
        self.view = View(-0.5, n_col - 0.5, -0.5, n_row - 0.5)

    def let_pan(self, is_on: bool) -> None:
        """Let the mouse pan and zoom, or tell where it is."""
        self.figure.interaction = self.pan if is_on else None

    def place(self, shape: tuple[int, int]) -> None:
        """Make room for images of a shape; nothing changes if they have had it before."""
        if shape == self._shape:
            return
        self._shape = shape
        n_row, n_col = shape
        for raster in (*self._rasters, self._flags):
            raster.place((-0.5, n_col - 0.5), (-0.5, n_row - 0.5))
        self.whole()

    # What is drawn

    def show(self, image: Array, stretch: Stretch | None, unit: str, number: int = 0) -> None:
        """Give one of two images other contents, shape (n_row, n_col); NaN is not drawn."""
        self._rasters[number].show(np.full(image.shape, np.nan, np.float32) if stretch is None else stretch(image))
        self.bar.show(stretch, unit)

    def front(self, number: int) -> None:
        """Bring one of the two images to the front."""
        for i, raster in enumerate(self._rasters):
            raster.mark.visible = i == number

    @property
    def colours(self) -> str:
        """Name of the colour map."""
        return self.bar.colours

    @colours.setter
    def colours(self, name: str) -> None:
        self.bar.colours = name
        for raster in self._rasters:
            raster.colours = name

    def show_flags(self, index: NDArray[np.uint8], colours: Sequence[str]) -> None:
        """Paint pixels over the image: with the colour of their index from 1, 0 not at all."""
        self._flags.mark.visible = bool(colours)
        if colours:
            self._flags.paint(index, np.array([[0, 0, 0], *(_rgb(colour) for colour in colours)], np.uint8))

    def show_outlines(self, lines: Sequence[Array]) -> None:
        """Draw the slices."""
        x, y = joined(lines)
        self._outlines.visible = bool(x.size)
        if x.size:
            with self._outlines.hold_sync():
                self._outlines.x, self._outlines.y = x, y

    def show_spot(self, place: tuple[int, int] | None) -> None:
        """Mark the pixel in hand, or none."""
        with self._spot.hold_sync():
            self._spot.x, self._spot.y = ([], []) if place is None else ([place[0]], [place[1]])

    def show_marks(self, places: Sequence[tuple[int, int]], shares: Sequence[float] = ()) -> None:
        """Mark pixels, the more solid the larger their shares on 0...1 are, and no others any more."""
        points = np.array(places, float).reshape(-1, 2)
        with self._marks.hold_sync():
            self._marks.opacities = [0.3 + 0.7 * share for share in shares] or [1.0]
            self._marks.x, self._marks.y = points[:, 0], points[:, 1]

    def close(self) -> None:
        """Free what the browser holds."""
        close_all([self.figure, self.pan])
        for raster in (*self._rasters, self._flags):
            raster.close()
        self.bar.close()


def net_edges(low: float, high: float, at: float | None) -> Array:
    """Return the edges of the net's cells along an axis: between whole pixels, fine about a place.

    Parameters
    ----------
    low, high : float
        What is seen; pixels are centred on whole numbers.
    at : float, optional
        Where the mouse is.

    Examples
    --------
    >>> net_edges(-0.5, 3.5, None).tolist()
    [-0.5, 0.5, 1.5, 2.5, 3.5]
    """
    first, last = math.floor(low + 0.5) - 0.5, math.ceil(high - 0.5) + 0.5
    n = round(last - first)
    if n <= _FINE + _COARSE:
        return first + np.arange(max(n, 2) + 1)
    coarse = first + np.unique(np.linspace(0, n, _COARSE + 1).round())
    if at is None:
        return coarse
    fine = _fine(low, high)
    begin = math.floor(at + 0.5) - 0.5 - fine * (_FINE // 2)
    near = begin + fine * np.arange(_FINE + 1)
    near = near[(near >= first) & (near <= last)]
    return np.unique(np.concatenate([coarse[(coarse < near[0]) | (coarse > near[-1])], near]))


def is_fine(edges: Array, at: float, low: float, high: float) -> bool:
    """Return whether a net is fine about a place, and some cells further on either side.

    Parameters
    ----------
    edges : ndarray
        As `net_edges` made them.
    at : float
    low, high : float
        What is seen.

    Examples
    --------
    >>> edges = net_edges(-0.5, 1023.5, 300.0)
    >>> is_fine(edges, 302.0, -0.5, 1023.5), is_fine(edges, 600.0, -0.5, 1023.5)
    (True, False)
    """
    i = int(np.searchsorted(edges, at)) - 1
    around = np.diff(edges)[max(i - _GUARD, 0) : i + _GUARD + 1]
    return bool((around <= _fine(low, high)).all())


def _fine(low: float, high: float) -> int:
    """Return the size of the net's smallest cells."""
    return max(1, math.ceil((high - low) / _ACROSS))


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
