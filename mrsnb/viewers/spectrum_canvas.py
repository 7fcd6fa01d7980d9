"""The figure of the spectrum viewer kept up to date: what is in sight is thinned, scaled and labelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.lines import Line
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.spectrum_data import Values
from mrsnb.viewers.spectrum_plot import SpectrumPlot
from mrsnb.viewers.spectrum_shapes import (
    BINS,
    flux_limits,
    line_labels,
    shares,
    thinned,
    wave_limits,
    without_spikes,
)

Array = NDArray[np.float64]
_WIDTH = 780.0
"""Of the axis, CSS pixels, for the names of lines; the page does not tell."""
_ABOVE_LINES = 0.26
"""Part of the figure's height that the names of lines take."""
_MOST_FLAGS = 3000
_BRIEF_BINS = 450
"""Of curves that change in a drag."""
_NEAR = 0.05
"""Part of the flux axis by which its ends may be off in a drag."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the curves are drawn."""

    visible: tuple[bool, ...]
    log_wave: bool = False
    log_flux: bool = False
    auto: bool = True
    errors: bool = True
    flags: bool = True
    lines: tuple[Line, ...] = ()
    redshift: float = 0.0


class SpectrumCanvas:
    """A box with the figure.

    Parameters
    ----------
    curves : sequence of Curve
        Wavelengths and flags of what is drawn.
    colours : sequence of str
        One for each curve.
    look : Look
        How it is drawn at first.
    height : int
        CSS pixels.
    on_brush : callable
        Called with the brushed limits, or None, and True while the user still drags.
    on_cursor : callable
        Called with the wavelength under the cursor.
    on_hidden : callable
        Called with the number of lines in sight that found no room.
    on_marker : callable
        Called with the wavelength to which the slice marker is dragged.
    """

    def __init__(
        self,
        curves: Sequence[Curve],
        colours: Sequence[str],
        look: Look,
        *,
        height: int,
        on_brush: Callable[[tuple[float, float] | None, bool], None],
        on_cursor: Callable[[float], None],
        on_hidden: Callable[[int], None],
        on_marker: Callable[[float], None],
    ) -> None:
        self.box = widgets.Box(layout=widgets.Layout(width="100%", overflow="hidden"))
        self._curves, self._colours, self._height = curves, colours, height
        self._on_brush, self._on_cursor, self._on_hidden = on_brush, on_cursor, on_hidden
        self._on_marker = on_marker
        self._look = look
        self._values: list[Values] = [(np.full(c.wave.shape, np.nan), None) for c in curves]
        self._prepared: tuple[float, float] | None = None
        self._mode = "pan"
        self._range: tuple[float, float] | None = None
        self._over: dict[str, tuple[Any, ...]] = {}
        self._flux_label = ""
        self.plot = self._new_plot()

    @property
    def view(self) -> tuple[float, float]:
        """Wavelengths in sight, micron."""
        return self.plot.view

    def set_view(self, low: float, high: float) -> None:
        """Show a range of wavelengths."""
        self.plot.set_view(low, high)
        self._draw()

    def zoom(self, factor: float, about: float | None = None) -> None:
        """Show a range so many times narrower, about a wavelength (micron) if it is in sight, or else the middle."""
        forward, back = (np.log, np.exp) if self._look.log_wave else (float, float)
        low, high = (float(forward(edge)) for edge in self.view)
        at = (low + high) / 2 if about is None or not self.view[0] <= about <= self.view[1] else float(forward(about))
        self.set_view(*(float(back(at + (edge - at) / factor)) for edge in (low, high)))

    def show_all(self) -> None:
        """Show all wavelengths of the curves that are shown."""
        waves = [c.wave for c, shown in zip(self._curves, self._look.visible, strict=True) if shown]
        self.set_view(*wave_limits(waves, log=self._look.log_wave))

    def set_curves(self, colours: Sequence[str], look: Look) -> None:
        """Have as many curves as there are colours, on the same axes; `set_values` is to follow."""
        self._colours, self._look = list(colours), look
        self.plot.set_colours(colours)

    def set_values(self, values: Sequence[Values], flux_label: str, *, is_brief: bool = False) -> None:
        """Draw other fluxes and errors, shape (n_wave,) for each curve; curves alone if the next follow at once."""
        self._values, self._flux_label = list(values), flux_label
        self.plot.label_flux(flux_label)
        self._prepared = None
        self._draw(is_brief=is_brief)

    def show_range(self, limits: tuple[float, float] | None) -> None:
        """Shade a range (micron); where the mouse brushes, the brush does."""
        self._range, brush = limits, self.plot.brush
        is_brushing = self._mode == "range"
        self.plot.draw_range(None if is_brushing else limits)
        if not is_brushing or limits is None:
            brush.selected = None
        elif brush.selected is None or tuple(brush.selected) != limits:
            brush.selected = np.array(limits)

    def show(self, what: str, *given: Any) -> None:
        """Draw a ``"marker"``, a ``"fit"``, or what is ``"beside"`` a line, as `SpectrumPlot` takes them."""
        self._over[what] = given
        getattr(self.plot, f"draw_{what}")(*given)

    def set_look(self, look: Look) -> None:
        """Draw in another way."""
        old, self._look = self._look, look
        is_new = (old.log_wave, old.log_flux) != (look.log_wave, look.log_flux)
        if is_new:
            self._replace(old)
        if (old.visible, old.errors, old.flags) != (look.visible, look.errors, look.flags) or is_new:
            self._prepared = None
        if look.auto != old.auto:
            self.set_mode(self._mode)
        self._draw()

    def set_mode(self, mode: str) -> None:
        """Let the mouse ``"pan"``, brush a ``"range"`` or ``"inspect"``."""
        self._mode = mode
        plot = self.plot
        if mode != "inspect":
            plot.draw_near(np.zeros(0), np.zeros(0))
        plot.pan.scales = {"x": [plot.x]} if self._look.auto else {"x": [plot.x], "y": [plot.y]}
        plot.figure.interaction = {"pan": plot.pan, "range": plot.brush, "inspect": plot.cursor}[mode]
        self.show_range(self._range)

    def close(self) -> None:
        """Close the figure."""
        self.plot.close()
        self.box.close()

    def _new_plot(self) -> SpectrumPlot:
        look = self._look
        plot = SpectrumPlot(self._colours, log_wave=look.log_wave, log_flux=look.log_flux, height=self._height)
        plot.on_view(Latest(self._draw))

        def brushed(_: Any) -> None:
            chosen = plot.brush.selected
            limits = None if chosen is None or len(chosen) != 2 else (float(chosen[0]), float(chosen[1]))
            self._on_brush(limits, bool(plot.brush.brushing))

        def moved(_: Any) -> None:
            if plot.cursor.selected is not None and len(plot.cursor.selected):
                self._on_cursor(float(plot.cursor.selected[0]))

        plot.on_marker(self._on_marker)
        plot.brush.observe(brushed, names=["selected", "brushing"])
        plot.cursor.observe(moved, names="selected")
        plot.label_flux(self._flux_label)
        self.box.children = [plot.figure]
        return plot

    def _replace(self, old_look: Look) -> None:
        old, view = self.plot, self.plot.view
        self.plot = self._new_plot()
        old.close()
        if self._look.log_wave and not old_look.log_wave and view[0] <= 0:
            view = wave_limits([curve.wave for curve in self._curves], log=True)
        self._prepared = None
        self.plot.set_view(*view)
        self.set_mode(self._mode)
        for what, given in self._over.items():
            self.show(what, *given)

    def _draw(self, *, is_brief: bool = False) -> None:
        low, high = self.view
        if not high > low:
            return
        ready = self._prepared
        if ready is None or low < ready[0] or high > ready[1] or high - low < 0.2 * (ready[1] - ready[0]):
            self._prepare(low, high, is_brief=is_brief)
        if self._look.auto:
            self._fit_flux(low, high, is_brief=is_brief)
        if not is_brief:
            self._label(low, high)

    def _fit_flux(self, low: float, high: float, *, is_brief: bool) -> None:
        """Let the flux axis show what is in sight; in a drag only if it is far off, since all marks follow an axis."""
        look, seen = self._look, []
        for curve, (y, _), shown in zip(self._curves, self._values, look.visible, strict=True):
            if shown:
                first, last = np.searchsorted(curve.wave, (low, high))
                seen.append(without_spikes(y[first:last]))
        above = _ABOVE_LINES if look.lines else 0.06
        limits = flux_limits(seen, log=look.log_flux, above=above)
        now = self.plot.flux_view
        near = _NEAR * (limits[1] - limits[0])
        if not (is_brief and abs(limits[0] - now[0]) < near and abs(limits[1] - now[1]) < near):
            self.plot.set_flux_limits(*limits)

    def _label(self, low: float, high: float) -> None:
        look = self._look
        self.plot.place_ticks()
        labels = line_labels(look.lines, look.redshift, (low, high), _WIDTH, log=look.log_wave)
        self.plot.draw_lines(labels)
        self._on_hidden(labels.hidden)

    def _prepare(self, low: float, high: float, *, is_brief: bool) -> None:
        """Draw the curves in the view and half a width beside it."""
        look = self._look
        self._prepared = low - 0.5 * (high - low), high + 0.5 * (high - low)
        counts = [int(np.diff(np.searchsorted(c.wave, (low, high)))[0]) for c in self._curves]
        bins = shares(counts, _BRIEF_BINS if is_brief else BINS)
        errors = look.errors and not is_brief
        drawn = [
            thinned(curve.wave, y, e if errors else None, (low, high), n, log=look.log_flux) if shown else None
            for curve, (y, e), n, shown in zip(self._curves, self._values, bins, look.visible, strict=True)
        ]
        for i, one in enumerate(drawn):
            self.plot.draw(i, one, errors=errors)
        self.plot.draw_dots([] if is_brief else drawn, [] if is_brief else self._colours)
        if is_brief:
            self.plot.draw_flags(np.zeros(0), np.zeros(0))
            return
        x, y = self._flagged() if look.flags else (np.zeros(0), np.zeros(0))
        self.plot.draw_flags(x, y)

    def _flagged(self) -> tuple[Array, Array]:
        """Return the flagged samples in sight, not more than can be told apart."""
        low, high = self._prepared or (-np.inf, np.inf)
        x, y = [np.zeros(0)], [np.zeros(0)]
        for curve, (flux, _), shown in zip(self._curves, self._values, self._look.visible, strict=True):
            here = (curve.dq != 0) & np.isfinite(flux) & (curve.wave >= low) & (curve.wave <= high)
            if self._look.log_flux:
                here &= flux > 0
            if shown and here.any():
                x.append(curve.wave[here])
                y.append(flux[here])
        step = max(sum(map(len, x)) // _MOST_FLAGS, 1)
        return np.concatenate(x)[::step], np.concatenate(y)[::step]
