"""The figure of the spectrum viewer kept up to date: what is in sight is thinned, scaled and labelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.lines import Line
from mrsnb.viewers.spectrum_data import Values
from mrsnb.viewers.spectrum_plot import SpectrumPlot
from mrsnb.viewers.spectrum_shapes import Drawn, flux_limits, line_labels, shares, thinned, wave_limits

Array = NDArray[np.float64]
_WIDTH = 780.0
"""Of the axis, CSS pixels, for the names of lines; the page does not tell."""
_ABOVE_LINES = 0.26
"""Part of the figure's height that the names of lines take."""
_MOST_FLAGS = 3000


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
        self._drawn: list[Drawn] = []
        self._prepared: tuple[float, float] | None = None
        self._mode = "pan"
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

    def show_all(self) -> None:
        """Show all wavelengths of the curves that are shown."""
        waves = [c.wave for c, shown in zip(self._curves, self._look.visible, strict=True) if shown]
        self.set_view(*wave_limits(waves, log=self._look.log_wave))

    def set_values(self, values: Sequence[Values], flux_label: str) -> None:
        """Draw other fluxes and errors, shape (n_wave,) for each curve."""
        self._values, self._flux_label = list(values), flux_label
        self.plot.label_flux(flux_label)
        self._prepared = None
        self._draw()

    def set_look(self, look: Look) -> bool:
        """Draw in another way; return True if that took a new figure, which shows no range, fit or marker yet."""
        old, self._look = self._look, look
        is_new = (old.log_wave, old.log_flux) != (look.log_wave, look.log_flux)
        if is_new:
            self._replace(old)
        if (old.visible, old.errors, old.flags) != (look.visible, look.errors, look.flags) or is_new:
            self._prepared = None
        if look.auto != old.auto:
            self.set_mode(self._mode)
        self._draw()
        return is_new

    def set_mode(self, mode: str) -> None:
        """Let the mouse ``"pan"``, ``"brush"`` or ``"inspect"``."""
        self._mode = mode
        plot = self.plot
        plot.pan.scales = {"x": [plot.x]} if self._look.auto else {"x": [plot.x], "y": [plot.y]}
        plot.figure.interaction = {"pan": plot.pan, "brush": plot.brush, "inspect": plot.cursor}[mode]

    def close(self) -> None:
        """Close the figure."""
        self.plot.close()
        self.box.close()

    def _new_plot(self) -> SpectrumPlot:
        look = self._look
        plot = SpectrumPlot(self._colours, log_wave=look.log_wave, log_flux=look.log_flux, height=self._height)
        plot.on_view(self._draw)

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

    def _draw(self) -> None:
        low, high = self.view
        if not high > low:
            return
        ready = self._prepared
        if ready is None or low < ready[0] or high > ready[1] or high - low < 0.2 * (ready[1] - ready[0]):
            self._prepare(low, high)
        look = self._look
        if look.auto:
            seen = [
                d.y[(d.x >= low) & (d.x <= high)] for d, shown in zip(self._drawn, look.visible, strict=True) if shown
            ]
            above = _ABOVE_LINES if look.lines else 0.06
            self.plot.set_flux_limits(*flux_limits(seen, log=look.log_flux, above=above))
        self.plot.place_ticks()
        labels = line_labels(look.lines, look.redshift, (low, high), _WIDTH, log=look.log_wave)
        self.plot.draw_lines(labels)
        self._on_hidden(labels.hidden)

    def _prepare(self, low: float, high: float) -> None:
        """Draw the curves in the view and half a width beside it."""
        look = self._look
        self._prepared = low - 0.5 * (high - low), high + 0.5 * (high - low)
        counts = [int(np.diff(np.searchsorted(c.wave, (low, high)))[0]) for c in self._curves]
        self._drawn = [
            thinned(curve.wave, y, e, (low, high), bins, log=look.log_flux)
            for curve, (y, e), bins in zip(self._curves, self._values, shares(counts), strict=True)
        ]
        for i, (drawn, shown) in enumerate(zip(self._drawn, look.visible, strict=True)):
            self.plot.draw(i, drawn if shown else None, errors=look.errors)
        shown_only = [d if shown else None for d, shown in zip(self._drawn, look.visible, strict=True)]
        self.plot.draw_dots(shown_only, self._colours)
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
