"""The bqplot figure of the spectrum viewer: marks in, views and brushes out."""

from collections.abc import Callable, Sequence
from typing import Any

import bqplot as bq
import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mrsnb.viewers.figures import plain_figure
from mrsnb.viewers.overlays import round_ticks
from mrsnb.viewers.spectrum_shapes import Drawn, Labels, log_ticks, lonely

Array = NDArray[np.float64]
FAINT = "#8a8f98"
MARKER = "#d0453c"
FIT = "#d0453c"
FLAG = "#c77d00"
RANGE = "#5b8def"
BESIDE = "#868e96"
MARGIN = {"top": 18, "bottom": 42, "left": 84, "right": 14}
_NAMES_FROM = 0.845
_LEADER = (0.79, 0.83)
_LIFT = 10
"""CSS pixels: the handle of the slice marker is so far above the curves, where dragging is not taken for brushing."""
_SPARE = 3
"""Curves that there is room for beyond those that are shown."""
_NOTHING = np.ones(2)
"""Where an invisible line is: the browser complains of lines without a point, and of 0 on a logarithmic axis."""


class SpectrumPlot:
    """A figure with curves, error bands, flags, lines, a range, a fit and a slice marker.

    Parameters
    ----------
    colours : sequence of str
        One for each curve, see `set_colours`.
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
        self._plain = plain
        self._curves: list[bq.Lines] = []
        self._bands: list[bq.Lines] = []
        empty = plain | {"x": np.zeros(0), "y": np.zeros(0), "visible": True}
        self._dots = bq.Scatter(**empty, default_size=14, colors=[FAINT])
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
        self._beside = bq.Lines(**hidden, fill="inside", stroke_width=0.5)
        self._marker = bq.Lines(**hidden, colors=[MARKER], stroke_width=1.6, line_style="dashed")
        up = 1 + _LIFT / max(height - MARGIN["top"] - MARGIN["bottom"], 50)
        self._knob = bq.Scatter(
            **over, x=[1.0], y=[up], marker="triangle-down", default_size=90, colors=[MARKER], visible=False,
            enable_move=True, restrict_x=True, apply_clip=False,
        )  # fmt: skip
        self.pan = bq.PanZoom(scales={"x": [self.x]})
        self.brush = bq.interacts.BrushIntervalSelector(scale=self.x, color=RANGE, marks=[])
        self.cursor = bq.interacts.IndexSelector(scale=self.x, color=MARKER, line_width=1, marks=[])
        self.figure = plain_figure(
            "mrsnb-spectrum-figure",
            axes=[self.wave_axis, self.flux_axis],
            fig_margin=MARGIN,
            interaction=self.pan,
            layout=widgets.Layout(width="100%", height=f"{height}px", min_width="420px"),
        )
        self.set_colours(colours)

    def set_colours(self, colours: Sequence[str]) -> None:
        """Have one curve for each of these colours; those that stay keep what they show.

        Marks are kept hidden for the next curve: of a figure whose marks change, bqplot makes the views anew and
        never frees the old ones.
        """
        n = len(colours)
        if n > len(self._curves):
            self._add_curves(n if not self._curves else n + _SPARE)
        for curve, shade, colour in zip(self._curves, self._bands, colours, strict=False):
            curve.colors = shade.colors = shade.fill_colors = [colour]
        for curve, shade in zip(self._curves[n:], self._bands[n:], strict=True):
            curve.visible = shade.visible = False
            _set(curve, x=_NOTHING, y=_NOTHING)
            _set(shade, x=_NOTHING, y=np.ones((2, 2)))

    def _add_curves(self, n: int) -> None:
        """Have marks for so many curves."""
        band = self._plain | {"y": np.ones((2, 2)), "fill": "between", "fill_opacities": [0.22], "opacities": [0.0]}
        for i in range(len(self._curves), n):
            self._curves.append(bq.Lines(**self._plain, stroke_width=1.4, labels=[str(i)]))
            self._bands.append(bq.Lines(**band, stroke_width=0))
        self.figure.marks = [
            self._beside, self._range, *self._bands, self._leaders, *self._curves, self._dots, self._flags,
            self._continuum, self._fit, self._near, self._marker, self._names, self._knob,
        ]  # fmt: skip

    @property
    def view(self) -> tuple[float, float]:
        """Wavelengths in sight, micron."""
        low, high = self.x.min, self.x.max
        return float(low), float(high)

    @property
    def flux_view(self) -> tuple[float, float]:
        """Fluxes in sight."""
        return float(self.y.min), float(self.y.max)

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
            _set(self.y, min=low, max=high)
            ticks = log_ticks(low, high) if isinstance(self.y, bq.LogScale) else round_ticks(low, high, self._n_ticks)
            style = "~g" if 1e-3 <= max(abs(low), abs(high)) < 1e5 else "~e"
            _set(self.flux_axis, tick_format=style, tick_values=np.array(ticks))

    def place_ticks(self) -> None:
        """Put round numbers on a logarithmic wavelength axis."""
        if isinstance(self.x, bq.LogScale):
            _set(self.wave_axis, tick_values=np.array(log_ticks(*self.view)))

    def label_flux(self, text: str) -> None:
        """Name the flux axis."""
        self.flux_axis.label = text

    def draw(self, index: int, curve: Drawn | None, *, errors: bool) -> None:
        """Draw one curve, with its error band if `errors`; nothing if it is None."""
        line, band = self._curves[index], self._bands[index]
        if curve is None or not _length(curve.y):
            line.visible = band.visible = False
            return
        _traced(line, curve.x, curve.y.astype(np.float32))
        band.visible = errors and bool(np.any(curve.high > curve.low))
        if band.visible:
            n = _length(curve.y)
            _set(band, x=curve.x[:n], y=np.stack([curve.low[:n], curve.high[:n]]).astype(np.float32))

    def draw_dots(self, curves: Sequence[Drawn | None], colours: Sequence[str]) -> None:
        """Draw the points between two gaps of all curves that are shown."""
        found = [(c.x[lonely(c)], c.y[lonely(c)], col) for c, col in zip(curves, colours, strict=True) if c is not None]
        x, y = (np.concatenate([np.zeros(0), *(one[axis] for one in found)]) for axis in (0, 1))
        _set(self._dots, x=x, y=y, colors=[colour for x, _, colour in found for _ in x] or [FAINT])

    def draw_flags(self, x: Array, y: Array) -> None:
        """Mark flagged samples."""
        _set(self._flags, x=x, y=y)

    def draw_near(self, x: Array, y: Array) -> None:
        """Mark the samples that are read out."""
        _set(self._near, x=x, y=y)

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
        _set(self._names, x=labels.text_x, y=np.full(n, _NAMES_FROM), text=list(labels.names))

    def draw_range(self, limits: tuple[float, float] | None) -> None:
        """Shade a range of wavelengths."""
        if limits is None:
            _traced(self._range, np.zeros(0), np.zeros(0))
        else:
            _traced(self._range, np.array(limits), np.ones(2))

    def draw_beside(self, ranges: Sequence[tuple[float, float]]) -> None:
        """Shade the ranges of the continuum."""
        n = len(ranges)
        self._beside.visible = n > 0
        if n:
            x, y = np.array([[a, a, b, b] for a, b in ranges]), np.array([[0.0, 1.0, 1.0, 0.0]] * n)
            _set(self._beside, x=x, y=y, colors=[BESIDE] * n, fill_colors=[BESIDE] * n, fill_opacities=[0.3] * n)

    def draw_marker(self, wave: float | None) -> None:
        """Mark the wavelength of a slice."""
        x = np.zeros(0) if wave is None else np.full(2, wave)
        _traced(self._marker, x, np.linspace(0, 1, len(x)))
        self._knob.visible = wave is not None
        if wave is not None:
            _set(self._knob, x=np.array([wave]))

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


def _set(widget: Any, **values: Any) -> None:
    """Give a widget values, in one message; what it has already is not sent again."""
    others = {name: value for name, value in values.items() if not _alike(getattr(widget, name), value)}
    with widget.hold_sync():
        for name, value in others.items():
            setattr(widget, name, value)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(other, np.ndarray):
        return one is not None and np.array_equal(one, other, equal_nan=True)
    return list(one) == other if isinstance(other, list) else bool(one == other)


def _traced(mark: Any, x: Array, y: NDArray[Any]) -> None:
    """Draw a line, or hide it if it has no points; gaps are NaN in `y` only."""
    n = _length(y)
    mark.visible = n > 0
    if n:
        _set(mark, x=x[:n], y=y[:n])


def _length(y: NDArray[Any]) -> int:
    """Return the length without trailing gaps: bqplot puts a label at the last point, and that must be somewhere."""
    finite = np.flatnonzero(np.isfinite(y))
    return int(finite[-1]) + 1 if finite.size else 0
