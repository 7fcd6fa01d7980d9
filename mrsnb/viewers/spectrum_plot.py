"""The bqplot figure of the spectrum viewer: marks in, views and brushes out."""

from collections.abc import Callable, Sequence
from typing import Any

import bqplot as bq
import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mrsnb.viewers.overlays import round_ticks
from mrsnb.viewers.spectrum_shapes import Drawn, Labels, log_ticks, lonely

Array = NDArray[np.float64]
FAINT = "#8a8f98"
MARKER = "#d0453c"
FIT = "#d0453c"
FLAG = "#c77d00"
RANGE = "#5b8def"
MARGIN = {"top": 18, "bottom": 42, "left": 84, "right": 14}
_NAMES_FROM = 0.845
_LEADER = (0.79, 0.83)
_LIFT = 10
"""CSS pixels: the handle of the slice marker is so far above the curves, where dragging is not taken for brushing."""
_NOTHING = np.ones(2)
"""Where an invisible line is: the browser complains of lines without a point, and of 0 on a logarithmic axis."""


class SpectrumPlot:
    """A figure with curves, error bands, flags, lines, a range, a fit and a slice marker.

    Parameters
    ----------
    colours : sequence of str
        One for each curve.
    log_wave, log_flux : bool
        Logarithmic axes; another choice needs another plot.
    height : int
        CSS pixels.
    """

    def __init__(self, colours: Sequence[str], *, log_wave: bool, log_flux: bool, height: int) -> None:
        self._n_ticks = min(max(height // 38, 4), 8)
        self.x = bq.LogScale(min=1.0, max=30.0) if log_wave else bq.LinearScale(min=1.0, max=30.0)
        self.y = bq.LogScale(min=0.1, max=1.0) if log_flux else bq.LinearScale(min=0.0, max=1.0)
        self._across = bq.LinearScale(min=0.0, max=1.0)
        over = {"scales": {"x": self.x, "y": self._across}}
        hidden = over | {"x": _NOTHING, "y": _NOTHING, "visible": False}
        self.wave_axis = bq.Axis(
            scale=self.x, tick_format="~g", label="wavelength / micron", grid_lines="none", label_offset="32px"
        )
        self.flux_axis = bq.Axis(
            scale=self.y, side="left", grid_color="#8080802e", label_offset="60px", tick_format="~g"
        )
        self.flux_axis.orientation = "vertical"  # in bqplot 0.12 the side is not enough
        plain = {
            "scales": {"x": self.x, "y": self.y},
            "x": _NOTHING,
            "y": _NOTHING,
            "apply_clip": True,
            "visible": False,
        }
        self._curves = [
            bq.Lines(**plain, colors=[colour], stroke_width=1.4, labels=[str(i)]) for i, colour in enumerate(colours)
        ]
        self._bands = [
            bq.Lines(
                **plain | {"y": np.ones((2, 2))}, colors=[colour], fill="between", fill_colors=[colour],
                fill_opacities=[0.22], opacities=[0.0], stroke_width=0,
            )
            for colour in colours
        ]  # fmt: skip
        empty = plain | {"x": np.zeros(0), "y": np.zeros(0), "visible": True}
        self._dots = bq.Scatter(**empty, default_size=14, colors=list(colours) or [FAINT])
        self._flags = bq.Scatter(**empty, marker="cross", default_size=34, colors=[FLAG])
        self._fit = bq.Lines(**plain, colors=[FIT], stroke_width=2.2)
        self._continuum = bq.Lines(**plain, colors=[FIT], stroke_width=1.4, line_style="dashed")
        self._near = bq.Scatter(**empty, default_size=60, colors=[MARKER], fill=False, stroke_width=2)
        self._leaders = bq.Lines(**hidden, colors=[FAINT], stroke_width=0.8, opacities=[0.55])
        self._names = bq.Label(
            **over, x=[], y=[], text=[], colors=[FAINT], default_size=11, rotate_angle=-90, align="start",
            font_weight="normal", y_offset=0,
        )  # fmt: skip
        self._range = bq.Lines(
            **hidden, colors=[RANGE], fill="bottom", fill_colors=[RANGE],
            fill_opacities=[0.16], opacities=[0.5], stroke_width=1,
        )  # fmt: skip
        self._marker = bq.Lines(**hidden, colors=[MARKER], stroke_width=1.6, line_style="dashed")
        up = 1 + _LIFT / max(height - MARGIN["top"] - MARGIN["bottom"], 50)
        self._knob = bq.Scatter(
            **over, x=[1.0], y=[up], marker="triangle-down", default_size=90, colors=[MARKER], visible=False,
            enable_move=True, restrict_x=True, apply_clip=False,
        )  # fmt: skip
        self.pan = bq.PanZoom(scales={"x": [self.x]})
        self.brush = bq.interacts.BrushIntervalSelector(scale=self.x, color=RANGE, marks=[])
        self.cursor = bq.interacts.IndexSelector(scale=self.x, color=MARKER, line_width=1, marks=[])
        self.figure = bq.Figure(
            marks=[
                self._range, *self._bands, self._leaders, *self._curves, self._dots, self._flags,
                self._continuum, self._fit, self._near, self._marker, self._names, self._knob,
            ],
            axes=[self.wave_axis, self.flux_axis],
            fig_margin=MARGIN,
            animation_duration=0,
            padding_x=0,
            padding_y=0,
            interaction=self.pan,
            layout=widgets.Layout(width="100%", height=f"{height}px", min_width="420px"),
        )  # fmt: skip
        self.figure.display_toolbar = False
        self.figure.add_class("mrsnb-spectrum-figure")

    @property
    def view(self) -> tuple[float, float]:
        """Wavelengths in sight, micron."""
        low, high = self.x.min, self.x.max
        return float(low), float(high)

    def on_view(self, call: Callable[[], None]) -> None:
        """Call `call` when the wavelengths in sight change."""
        self.x.observe(lambda _: call(), names=["min", "max"])

    def set_view(self, low: float, high: float) -> None:
        """Show a range of wavelengths."""
        with self.x.hold_trait_notifications(), self.x.hold_sync():
            self.x.min, self.x.max = low, high

    def set_flux_limits(self, low: float, high: float) -> None:
        """Show a range of fluxes."""
        if (self.y.min, self.y.max) != (low, high):
            with self.y.hold_sync():
                self.y.min, self.y.max = low, high
            self.flux_axis.tick_format = "~g" if 1e-3 <= max(abs(low), abs(high)) < 1e5 else "~e"
            if isinstance(self.y, bq.LogScale):
                self.flux_axis.tick_values = np.array(log_ticks(low, high))
            else:
                self.flux_axis.tick_values = np.array(round_ticks(low, high, self._n_ticks))

    def place_ticks(self) -> None:
        """Put round numbers on a logarithmic wavelength axis."""
        if isinstance(self.x, bq.LogScale):
            self.wave_axis.tick_values = np.array(log_ticks(*self.view))

    def label_flux(self, text: str) -> None:
        """Name the flux axis."""
        self.flux_axis.label = text

    def draw(self, index: int, curve: Drawn | None, *, errors: bool) -> None:
        """Draw one curve, with its error band if `errors`; nothing if it is None."""
        line, band = self._curves[index], self._bands[index]
        if curve is None or not _length(curve.y):
            line.visible = band.visible = False
            return
        _traced(line, curve.x, curve.y)
        band.visible = errors and bool(np.any(curve.high > curve.low))
        if band.visible:
            n = _length(curve.y)
            with band.hold_sync():
                band.x, band.y = curve.x[:n], np.stack([curve.low[:n], curve.high[:n]])

    def draw_dots(self, curves: Sequence[Drawn | None], colours: Sequence[str]) -> None:
        """Draw the points between two gaps of all curves that are shown."""
        found = [(c.x[lonely(c)], c.y[lonely(c)], col) for c, col in zip(curves, colours, strict=True) if c is not None]
        with self._dots.hold_sync():
            self._dots.x = np.concatenate([np.zeros(0), *(x for x, _, _ in found)])
            self._dots.y = np.concatenate([np.zeros(0), *(y for _, y, _ in found)])
            self._dots.colors = [colour for x, _, colour in found for _ in x] or [FAINT]

    def draw_flags(self, x: Array, y: Array) -> None:
        """Mark flagged samples."""
        _placed(self._flags, x, y)

    def draw_near(self, x: Array, y: Array) -> None:
        """Mark the samples that are read out."""
        _placed(self._near, x, y)

    def draw_fit(self, x: Array, y: Array, continuum: Array) -> None:
        """Draw a fitted line and its continuum; empty arrays remove them."""
        _traced(self._fit, x, y)
        _traced(self._continuum, x, continuum)

    def draw_lines(self, labels: Labels) -> None:
        """Draw lines of a line list and their names."""
        n = len(labels.x)
        across = np.stack([labels.x, labels.x, labels.text_x, labels.text_x, labels.text_x], axis=1).ravel()
        up = np.tile([0.0, *_LEADER, _LEADER[1], np.nan], n)
        _traced(self._leaders, across, up)
        with self._names.hold_sync():
            self._names.x, self._names.y = labels.text_x, np.full(n, _NAMES_FROM)
            self._names.text = list(labels.names)

    def draw_range(self, limits: tuple[float, float] | None) -> None:
        """Shade a range of wavelengths."""
        if limits is None:
            _traced(self._range, np.zeros(0), np.zeros(0))
        else:
            _traced(self._range, np.array(limits), np.ones(2))

    def draw_marker(self, wave: float | None) -> None:
        """Mark the wavelength of a slice."""
        x = np.zeros(0) if wave is None else np.full(2, wave)
        _traced(self._marker, x, np.linspace(0, 1, len(x)))
        self._knob.visible = wave is not None
        if wave is not None:
            self._knob.x = np.array([wave])

    def on_marker(self, call: Callable[[float], None]) -> None:
        """Call `call` with the wavelength to which the slice marker is dragged, micron."""

        def dragged(_: Any, content: dict[str, Any]) -> None:
            wave = content.get("point", {}).get("x")
            if isinstance(wave, int | float) and np.isfinite(wave) and wave > 0:
                call(float(wave))

        self._knob.on_drag(dragged)

    def close(self) -> None:
        """Close all widgets of the figure."""
        figure = self.figure
        parts = [*figure.marks, *figure.axes, self.pan, self.brush, self.cursor, self.x, self.y, self._across]
        for part in [*parts, figure.scale_x, figure.scale_y, figure.layout, figure]:
            part.close()


def _placed(mark: Any, x: Array, y: Array) -> None:
    with mark.hold_sync():
        mark.x, mark.y = x, y


def _traced(mark: Any, x: Array, y: Array) -> None:
    """Draw a line, or hide it if it has no points; gaps are NaN in `y` only."""
    n = _length(y)
    mark.visible = n > 0
    if n:
        with mark.hold_sync():
            mark.x, mark.y = x[:n], y[:n]


def _length(y: Array) -> int:
    """Return the length without trailing gaps: bqplot puts a label at the last point, and that must be somewhere."""
    finite = np.flatnonzero(np.isfinite(y))
    return int(finite[-1]) + 1 if finite.size else 0
