"""A figure with an image of the sky: axes in arcsec, a colour bar, what is drawn over it, and what the mouse does."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bqplot import Axis, Label, LinearScale, Lines, Scatter
from bqplot.interacts import PanZoom
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.display.plots.stretch import Stretch
from mrsnb.geometry.tangent import from_plane, to_plane
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.colour_bar import ColourBar
from mrsnb.viewers.figures import plain_figure
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.net import Net
from mrsnb.viewers.overlays import View, compass, joined, round_ticks, scale_bar
from mrsnb.viewers.raster import Raster

Array = NDArray[Any]

MARGIN = {"left": 54, "right": 104, "top": 10, "bottom": 42}
_SIDE = "clamp(220px, var(--mrsnb-image-side, max(300px, min(30vw, 70vh - 222px))), 640px)"
"""Longer side of the image, as CSS; what holds the viewer may set it."""
_MOST_CELLS = 4096
"""Of the grid that notices where the mouse is; larger images have cells of several spaxels."""
_EDGE = "#16181a"
_MARK = "#ffffff"
MARK = "#00e5ff"
"""Colour of what is pointed out."""
NOTHING = "#a9adb3"
"""Shade of what is not known."""


class ImagePanel:
    """An image with axes, colour bar and apertures.

    Places are offsets from the middle spaxel, ``xi`` along x and ``eta`` along y, arcsec.

    Parameters
    ----------
    colours : str
        Name of a colour map.
    on_hover, on_click : callable
        Called with the spaxel ``(x, y)``.
    on_drag : callable
        Called with the handle's number, the place ``(xi, eta)`` where it is, and whether the drag has ended.
    on_view : callable
        Called when another part of the sky is in sight.

    Attributes
    ----------
    figure : bqplot.Figure
    raster : Raster
    """

    def __init__(
        self,
        colours: str,
        on_hover: Callable[[int, int], None],
        on_click: Callable[[int, int], None],
        on_drag: Callable[[int, tuple[float, float], bool], None],
        on_view: Callable[[], None],
    ) -> None:
        self._on_hover, self._on_click, self._on_drag, self._on_view = on_hover, on_click, on_drag, on_view
        self._x, self._y = LinearScale(min=-1, max=1), LinearScale(min=-1, max=1)
        self._scales = {"x": self._x, "y": self._y}
        self._frame = {"x": LinearScale(min=0, max=1), "y": LinearScale(min=0, max=1)}
        self.pan = PanZoom(scales={"x": [self._x], "y": [self._y]})
        self._panned = Latest(self._view_changed)
        self.raster = Raster(self._x, self._y, x=(-1, 1), y=(-1, 1), colours=colours)
        self.bar = ColourBar(colours)
        self._whole = self._seen = View(-1, 1, -1, 1)
        self._grid: CubeGrid | None = None
        self._make_axes()
        self._make_marks()
        lines = [self._contours, self._others, self._under, self._ring]
        self.figure = plain_figure(
            "mrsnb-image",
            marks=[self.raster.mark, *lines, self._net.mark, *self._over, *self.bar.marks],
            axes=[self._x_axis, self._y_axis],
            background_style={"fill": NOTHING},
            fig_margin=MARGIN,
        )
        for scale in (self._x, self._y):
            scale.observe(lambda _: self._panned(), ["min", "max"])

    def _make_axes(self) -> None:
        self._x_axis = Axis(scale=self._x, grid_lines="none", label_offset="34px")
        self._y_axis = Axis(scale=self._y, grid_lines="none", label_offset="38px", side="left")
        self._y_axis.orientation = "vertical"

    def _make_marks(self) -> None:
        def lines(colour: str, width: float, opacity: float = 1.0, scales: Any = None) -> Lines:
            return Lines(
                x=[0.0],
                y=[0.0],
                scales=self._scales if scales is None else scales,
                colors=[colour],
                stroke_width=width,
                opacities=[opacity],
                visible=False,
            )

        def dots(marker: str, size: int, **more: Any) -> Scatter:
            return Scatter(
                x=[],
                y=[],
                scales=self._scales,
                marker=marker,
                default_size=size,
                colors=[_MARK],
                **more,
            )

        self._contours = lines("#d7ecff", 0.9, 0.9)
        self._others = lines("#9aa3ad", 1.5)
        self._under, self._ring = lines(_EDGE, 4.0, 0.55), lines(_MARK, 1.8)
        frame = self._frame
        self._under_signs, self._signs = lines(_EDGE, 3.5, 0.6, frame), lines(_MARK, 1.4, scales=frame)
        self._letters = Label(
            x=[],
            y=[],
            text=[],
            scales=self._frame,
            colors=[_MARK],
            default_size=12,
            align="middle",
            font_weight="bold",
        )
        self._net = Net(self._x, self._y, self._at(self._on_hover), self._at(self._on_click))
        self._fed = Scatter(
            x=[], y=[], scales=self._scales, marker="square", default_size=64, colors=[MARK], fill=False, stroke_width=2
        )
        self._centre = dots("circle", 48, stroke=_EDGE, enable_move=True)
        self._handles = dots("square", 44, stroke=_EDGE, enable_move=True)
        for mark, first in ((self._centre, 0), (self._handles, 1)):
            mark.on_drag(self._dragging(first, is_end=False))
            mark.on_drag_end(self._dragging(first, is_end=True))
        self._over = [self._under_signs, self._signs, self._letters, self._fed, self._handles, self._centre]

    def _dragging(self, first: int, *, is_end: bool) -> Callable[[Any, dict[str, Any]], None]:
        def told(_: Any, content: dict[str, Any]) -> None:
            point = content.get("point", {})
            place = (float(point.get("x", math.nan)), float(point.get("y", math.nan)))
            if all(map(math.isfinite, place)):
                self._on_drag(int(content.get("index", 0)) + first, place, is_end)

        return told

    def _at(self, call: Callable[[int, int], None]) -> Callable[[float, float], None]:
        def told(xi: float, eta: float) -> None:
            if self._grid is not None:
                grid, size = self._grid, self._grid.spaxel_size
                x, y = math.floor(xi / size + grid.n_x // 2 + 0.5), math.floor(eta / size + grid.n_y // 2 + 0.5)
                call(min(max(x, 0), grid.n_x - 1), min(max(y, 0), grid.n_y - 1))

        return told

    @property
    def view(self) -> View:
        """What part of the sky is in the window."""
        return View(*(float(v) for v in (self._x.min, self._x.max, self._y.min, self._y.max)))

    @view.setter
    def view(self, wanted: View) -> None:
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max, self._y.min, self._y.max = wanted
        self._panned.now()

    def let_pan(self, is_on: bool) -> None:
        """Let the mouse pan and zoom, or tell where it is and drag apertures."""
        self.figure.interaction = self.pan if is_on else None

    def zoom(self, factor: float, about: tuple[float, float] | None = None) -> None:
        """Show a part so many times smaller, about a place if that is in sight, or else about the middle."""
        view = self.view
        middle = (view.left + view.right) / 2, (view.low + view.high) / 2
        x, y = about if about is not None and view.has(about) else middle
        left, right = (x + (edge - x) / factor for edge in view[:2])
        low, high = (y + (edge - y) / factor for edge in view[2:])
        self.view = View(left, right, low, high)

    def whole(self) -> None:
        """Show the whole image."""
        self.view = self._whole

    def place(self, grid: CubeGrid) -> None:
        """Make room for the images of a cube: extent, axes, size of the figure; a part of the sky stays in sight."""
        part = None if self._grid is None or self.view == self._whole else _moved(self.view, self._grid, grid)
        self._grid = grid
        size = grid.spaxel_size
        left, low = (-(n // 2) * size - size / 2 for n in (grid.n_x, grid.n_y))
        right, high = left + grid.n_x * size, low + grid.n_y * size
        ratio = min(max(grid.n_x / grid.n_y, 0.6), 1.6)
        width, height = max(right - left, ratio * (high - low)), max(high - low, (right - left) / ratio)
        x, y = (left + right) / 2, (low + high) / 2
        self._whole = View(x - width / 2, x + width / 2, y - height / 2, y + height / 2)
        self.raster.place((left, right), (low, high))
        self._resize(ratio)
        self._seen = View(0, 0, 0, 0)
        self.view = self._whole if part is None else part

    def _view_changed(self) -> None:
        """Bring in line with what is in sight: ticks, compass, scale bar, and the net that notices the mouse."""
        grid, view = self._grid, self.view
        if grid is None or view == self._seen or not (view.right > view.left and view.high > view.low):
            return
        self._seen = view
        self._label_axes(view, grid.rotation)
        self._cast_net(grid, view)
        signs, letters = compass(view, grid.rotation)
        bar, text, at = scale_bar(view)
        for mark in (self._under_signs, self._signs):
            _set(mark, joined([view.fraction(line) for line in (*signs, bar)]))
        places = view.fraction(np.array([*letters.values(), at]))
        with self._letters.hold_sync():
            self._letters.x, self._letters.y, self._letters.text = places[:, 0], places[:, 1], [*letters, text]
        self._on_view()

    def _resize(self, ratio: float) -> None:
        wide, tall = min(1.0, ratio), min(1.0, 1.0 / ratio)
        across, down = MARGIN["left"] + MARGIN["right"], MARGIN["top"] + MARGIN["bottom"]
        layout = self.figure.layout
        layout.width = layout.min_width = f"calc({wide:.4f} * {_SIDE} + {across}px)"
        layout.height = f"calc({tall:.4f} * {_SIDE} + {down}px)"
        layout.flex = "0 0 auto"

    def _label_axes(self, view: View, rotation: float) -> None:
        """Label ticks with offsets; toward east where the x axis runs west."""
        is_aligned = abs(rotation) < 0.05
        sign = -1.0 if is_aligned else 1.0
        for axis, low, high, way in (
            (self._x_axis, view.left, view.right, sign),
            (self._y_axis, view.low, view.high, 1),
        ):
            ticks = round_ticks(low, high)
            axis.tick_labels = {
                f"{tick:.10g}": f"{way * tick + 0.0:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks
            }
            axis.tick_values = ticks  # in a message that follows: drawn with the labels that are there
        self._x_axis.label = "offset east / arcsec" if is_aligned else "x offset / arcsec"
        self._y_axis.label = "offset north / arcsec" if is_aligned else "y offset / arcsec"

    def _cast_net(self, grid: CubeGrid, view: View) -> None:
        """Lay cells that cannot be seen over the spaxels in sight: they tell where the mouse is."""
        size, ranges = grid.spaxel_size, []
        for n, low, high in ((grid.n_x, view.left, view.right), (grid.n_y, view.low, view.high)):
            first = min(max(math.floor(low / size + n // 2 + 0.5), 0), n - 1)
            last = min(max(math.floor(high / size + n // 2 + 0.5), first), n - 1)
            ranges.append((n // 2, first, last - first + 1))
        block = math.ceil(math.sqrt(ranges[0][2] * ranges[1][2] / _MOST_CELLS))
        edges = [
            (first - middle - 0.5 + block * np.arange(max(2, -(-n // block)) + 1)) * size for middle, first, n in ranges
        ]
        self._net.cast(*edges)

    def show(self, image: Array, stretch: Stretch | None, unit: str) -> None:
        """Show an image of shape (n_y, n_x), and what its shades mean; NaN is not drawn."""
        self.raster.show(np.full(image.shape, np.nan, np.float32) if stretch is None else stretch(image))
        self.bar.show(stretch, unit)

    @property
    def colours(self) -> str:
        """Name of the colour map."""
        return self.raster.colours

    @colours.setter
    def colours(self, name: str) -> None:
        self.raster.colours = name
        self.bar.colours = name

    def show_aperture(
        self,
        rings: Sequence[Array],
        handles: Array | None,
        others: Sequence[tuple[Array, str]] = (),
        colour: str = _MARK,
        held: int | None = None,
    ) -> None:
        """Draw the aperture in hand and the others.

        Parameters
        ----------
        rings : sequence of ndarray
            Closed lines of the aperture in hand.
        handles : ndarray, shape (n, 2), optional
            The first is its middle.
        others : sequence of (ndarray, str)
            Closed lines of all others, and their colours.
        colour : str
            Of the aperture in hand.
        held : int, optional
            The handle that the mouse moves, which is left to it.
        """
        _set(self._under, joined([*rings, *(line for line, _ in others)]))
        _set(self._ring, joined(rings))
        if self._ring.colors != [colour]:
            self._ring.colors = self._handles.colors = self._centre.colors = [colour]
        if held is None:
            self._show_others(others)
        places = np.empty((0, 2)) if handles is None else handles
        if held is None or held > 0:
            _set(self._centre, places[:1].T)
        if held is None or held == 0:
            _set(self._handles, places[1:].T)

    def _show_others(self, others: Sequence[tuple[Array, str]]) -> None:
        self._others.visible = bool(others)
        if not others:
            return
        longest = max(len(line) for line, _ in others)
        lines = np.stack([np.vstack([line, np.repeat(line[-1:], longest - len(line), axis=0)]) for line, _ in others])
        with self._others.hold_sync():
            self._others.x, self._others.y = lines[..., 0], lines[..., 1]
            self._others.colors = [colour for _, colour in others]
            self._others.opacities = [0.9] * len(others)

    def show_spaxels(self, spaxels: Sequence[tuple[int, int]], shares: Sequence[float] = ()) -> None:
        """Mark spaxels ``(x, y)``, the more solid the larger their shares on 0...1 are, and no others any more."""
        if self._grid is None:
            return
        places = np.array(spaxels, float).reshape(-1, 2) - (self._grid.n_x // 2, self._grid.n_y // 2)
        if len(places):
            self._fed.opacities = [0.25 + 0.75 * share for share in shares] or [1.0]
        _set(self._fed, (places * self._grid.spaxel_size).T)

    def show_contours(self, lines: Sequence[Array]) -> None:
        """Draw contours."""
        _set(self._contours, joined(lines))

    def close(self) -> None:
        """Free what the browser holds."""
        close_all([self.figure, self.pan])
        self.raster.close()
        self.bar.close()


def _moved(view: View, old: CubeGrid, new: CubeGrid) -> View:
    """Return the view of the same part of the sky on another grid."""
    x, y = (np.array([value]) for value in ((view.left + view.right) / 2, (view.low + view.high) / 2))
    ra, dec = from_plane(x, y, old.ra, old.dec, old.rotation)
    x, y = to_plane(ra, dec, new.ra, new.dec, new.rotation)
    at = float(x[0]), float(y[0])
    wide, tall = (view.right - view.left) / 2, (view.high - view.low) / 2
    return View(at[0] - wide, at[0] + wide, at[1] - tall, at[1] + tall)


def _set(mark: Any, points: Any) -> None:
    x, y = (np.asarray(values, float) for values in points)
    with mark.hold_sync():
        if isinstance(mark, Lines):
            mark.visible = bool(x.size)
            if not x.size:
                return
        mark.x, mark.y = x, y
