"""A figure with the spectra of apertures, in which a range of wavelengths is brushed and the plane in view is moved."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from bqplot import Axis, LinearScale, Lines, Scatter
from bqplot.interacts import BrushIntervalSelector, PanZoom
from numpy.typing import NDArray

from mrsnb.display.plots.stretch import compact
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.figures import plain_figure
from mrsnb.viewers.overlays import round_ticks

Array = NDArray[Any]

MARGIN = {"left": 78, "right": 16, "top": 22, "bottom": 40}
_MARKER = "#e8590c"
_BESIDE = "#868e96"
_MOST_POINTS = 3000
"""Of a curve while it is dragged."""


class Curve(NamedTuple):
    """One spectrum."""

    label: str
    wave: Array
    """Micron; NaN where the line is interrupted."""
    flux: Array
    err: Array
    colour: str


class SpectrumPanel:
    """Spectra over wavelength.

    Parameters
    ----------
    on_range : callable
        Called with the range that is brushed, ``(low, high)`` in micron, or None.
    on_wave : callable
        Called with the wavelength to which the marker is dragged, micron.

    Attributes
    ----------
    figure : bqplot.Figure
    """

    def __init__(
        self, on_range: Callable[[tuple[float, float] | None], None], on_wave: Callable[[float], None]
    ) -> None:
        self._on_range, self._on_wave = on_range, on_wave
        self._x, self._y = LinearScale(), LinearScale()
        self._height = LinearScale(min=0, max=1)
        self._curves: list[Lines] = []
        self._is_telling = False
        self._x_axis = Axis(scale=self._x, label="wavelength / \N{MICRO SIGN}m", grid_lines="none", label_offset="30px")
        self._y_axis = Axis(
            scale=self._y, label="flux", side="left", grid_lines="none", label_offset="60px", num_ticks=5
        )
        self._y_axis.orientation = "vertical"
        whole = {"x": self._x, "y": self._height}
        self._bands = Lines(
            x=[0, 0], y=[0, 0], scales=whole, colors=[_BESIDE], fill="inside", fill_colors=[_BESIDE],
            fill_opacities=[0.3], stroke_width=0.5, visible=False,
        )  # fmt: skip
        self._marker = Lines(x=[0, 0], y=[0, 1], scales=whole, colors=[_MARKER], stroke_width=1.2)
        self._knob = Scatter(
            x=[0], y=[1.06], scales=whole, marker="triangle-down", default_size=110, colors=[_MARKER],
            enable_move=True, restrict_x=True, apply_clip=False,
        )  # fmt: skip
        self._knob.on_drag(self._knob_moved)
        self.brush = BrushIntervalSelector(scale=self._x, color="#4dabf7")
        self.brush.observe(self._brushed, "selected")
        self.zoom = PanZoom(scales={"x": [self._x], "y": [self._y]})
        self.figure = plain_figure(
            "mrsnb-spectrum",
            marks=[self._bands, self._marker, self._knob],
            axes=[self._x_axis, self._y_axis],
            fig_margin=MARGIN,
            interaction=self.brush,
        )
        self.figure.layout.width, self.figure.layout.height = "100%", "clamp(180px, 38vh - 120px, 290px)"

    def _knob_moved(self, _: Any, content: dict[str, Any]) -> None:
        wave = content.get("point", {}).get("x")
        if isinstance(wave, int | float) and math.isfinite(wave):
            self._on_wave(float(wave))

    def _brushed(self, change: dict[str, Any]) -> None:
        if self._is_telling:
            return
        chosen = change["new"]
        limits = None if chosen is None or len(chosen) != 2 else (float(chosen[0]), float(chosen[1]))
        self._on_range(limits)

    def show(self, curves: Sequence[Curve], unit: str, *, is_brief: bool = False) -> None:
        """Show spectra; the view keeps its wavelengths.

        Parameters
        ----------
        curves : sequence of Curve
        unit : str
            Label of the axis.
        is_brief : bool
            True if others follow at once, as in a drag: long curves are thinned.
        """
        for number, curve in enumerate(curves):
            if number == len(self._curves):
                self._curves.append(Lines(x=[0.0], y=[0.0], scales={"x": self._x, "y": self._y}, stroke_width=1.3))
                self.figure.marks = [*self._curves, self._bands, self._marker, self._knob]
            _put(self._curves[number], thinned(curve, _MOST_POINTS) if is_brief else curve)
        for mark in self._curves[len(curves) :]:
            mark.visible = False
        low, high = _range_of(curves)
        self._fit(low, high)
        if self._y_axis.label != unit:
            self._y_axis.label = unit

    def _fit(self, low: float, high: float) -> None:
        span = high - low
        low, high = low - 0.06 * span, high + 0.06 * span
        is_near = (
            self._y.min is not None and abs(self._y.min - low) < 0.04 * span and abs(self._y.max - high) < 0.04 * span
        )
        if is_near:
            return
        ticks = round_ticks(low, high, 5)
        with self._y.hold_sync(), self._y_axis.hold_sync():
            self._y.min, self._y.max = low, high
            self._y_axis.tick_values = ticks
            self._y_axis.tick_labels = {f"{tick:.12g}": compact(float(tick)) for tick in ticks}

    def place(self, low: float, high: float) -> None:
        """Show the wavelengths between two, micron."""
        with self._x.hold_sync():
            self._x.min, self._x.max = low, high

    def show_wave(self, wave: float) -> None:
        """Put the marker at a wavelength, micron."""
        self._marker.x = np.array([wave, wave])
        self._knob.x = np.array([wave])

    def show_range(self, limits: tuple[float, float] | None, beside: Sequence[tuple[float, float]] = ()) -> None:
        """Show a range as brushed, and the ranges of the continuum."""
        self._is_telling = True
        try:
            now = self.brush.selected
            same = limits is not None and now is not None and np.allclose(now, limits, rtol=0, atol=1e-9)
            if not same and not (limits is None and now is None):
                self.brush.selected = None if limits is None else np.array(limits)
        finally:
            self._is_telling = False
        self._bands.visible = bool(beside)
        if beside:
            with self._bands.hold_sync():
                self._bands.x = np.array([[a, a, b, b] for a, b in beside])
                self._bands.y = np.array([[0.0, 1.0, 1.0, 0.0]] * len(beside))
                self._bands.colors = self._bands.fill_colors = [_BESIDE] * len(beside)
                self._bands.fill_opacities = [0.3] * len(beside)

    def zoom_in(self, is_on: bool) -> None:
        """Let the mouse pan and zoom, or brush."""
        self.figure.interaction = self.zoom if is_on else self.brush

    def close(self) -> None:
        """Free what the browser holds."""
        close_all([self.figure, self.brush, self.zoom])


def thinned(curve: Curve, most: int) -> Curve:
    """Return a curve of at most so many points: the lowest and the highest of each of equal parts, where they are."""
    n = len(curve.flux)
    if n <= most:
        return curve
    size = -(-2 * n // most)
    flux = np.full(-(-n // size) * size, np.nan)
    flux[:n] = curve.flux
    parts = flux.reshape(-1, size)
    known = np.isfinite(parts)
    ends = [np.where(known, parts, np.inf).argmin(axis=1), np.where(known, parts, -np.inf).argmax(axis=1)]
    at = np.unique(np.concatenate([end + size * np.arange(len(parts)) for end in ends]))
    at = np.union1d(at[at < n], np.flatnonzero(np.isnan(curve.flux)))
    return curve._replace(wave=curve.wave[at], flux=curve.flux[at], err=curve.err[at])


def _put(mark: Lines, curve: Curve) -> None:
    """Give a line what a curve has; its last point must be known, since labels are put there."""
    known = np.flatnonzero(np.isfinite(curve.flux))
    mark.visible = known.size > 0
    if not known.size:
        return
    end = int(known[-1]) + 1
    wave = curve.wave[:end]
    with mark.hold_sync():
        if not np.array_equal(mark.x, wave):
            mark.x = wave
        mark.y = curve.flux[:end].astype(np.float32)
        mark.colors = [curve.colour]


def _range_of(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return limits that show the curves but for single spikes."""
    values = [curve.flux[np.isfinite(curve.flux)] for curve in curves]
    good = np.concatenate(values) if values else np.empty(0)
    if good.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(good, [0.1, 99.9])
    ends = min(float(good.min()), low), max(float(good.max()), high)
    span = max(high - low, 1e-300)
    low = ends[0] if low - ends[0] < 1.5 * span else low
    high = ends[1] if ends[1] - high < 4.0 * span else high
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
