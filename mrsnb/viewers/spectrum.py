"""Spectra to look at and to measure, in a notebook."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from astropy import units as u

from mrsnb.core.curve import Curve
from mrsnb.core.lines import Line, bright_lines, line_list
from mrsnb.core.redshift import LIGHT_SPEED
from mrsnb.core.stitch import BandScale
from mrsnb.display.markup import escape
from mrsnb.display.text import brief
from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.viewers import spectrum_export as export
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.pictured import Pictured
from mrsnb.viewers.quiet import quiet
from mrsnb.viewers.spectrum_canvas import Look, SpectrumCanvas
from mrsnb.viewers.spectrum_controls import INSPECT, SpectrumControls
from mrsnb.viewers.spectrum_data import UNSCALED, SpectrumData, Values, limits_of, scaled
from mrsnb.viewers.spectrum_measurements import (
    Entry,
    fitted,
    measure_all,
    noise_note,
    quantity_table,
    redshift_of,
)
from mrsnb.viewers.spectrum_readout import nearest_samples, readout
from mrsnb.viewers.spectrum_table import MeasurementTable
from mrsnb.viewers.viewer_traits import LineListsTrait, RedshiftTrait, WaveRangeTrait, WaveTrait, checked_range

CYCLE = ("#3d8bd4", "#e0662f", "#2aa876", "#c65fa8", "#b8860b", "#7d7bd6")  # seen on white and on black
_WATCHED = ("line_lists", "column", "unit", "stitched", "range", "wavelength")
_STEP = 1.5  # factor of a step nearer or farther
LEAN = "mrsnb-lean"  # CSS class of a viewer without its tools


class SpectrumViewer(Pictured):
    """Spectra with zoom, units, line lists, and lines measured on a brushed range.

    Parameters
    ----------
    spectra : path, Spectrum, Spec3Result, table, specutils.Spectrum, or a list of these
        What to show: see `mrsnb.viewers.spectrum_curves.curves_of`. Of a folder all ``_x1d`` products are shown.
    flux_unit : str, optional
        Unit of the flux of tables that state none.
    height : int
        Of the figure, CSS pixels.
    colours : mapping of str to str, optional
        Of curves, by their names; the others take turns.

    Attributes
    ----------
    redshift, unit, column, line_lists, stitched
        What is chosen; `line_lists` are names of `mrsnb.core.lines.LINE_LISTS`.
    range : Quantity or None
        The brushed range, two wavelengths in micron; assigning one measures the line in it. Observable.
    wavelength : Quantity or None
        Of the slice marker; observable, so that it can be linked with a viewer of cubes.
    beside : tuple of (float, float)
        Ranges that are shaded as those of a continuum, micron.
    brushing : tuple of float or None
        The limits, micron, while the user drags a brush; observable.
    mode, tools : ToggleButtons, ToggleButton
        What the mouse does, and whether line lists, measurements and files are there.
    measurements : tuple of Entry
        The lines that were kept; observable.

    Raises
    ------
    InputError
        If there is nothing to show.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> table = QTable({"wave": [5.0, 6.0, 7.0] * u.um, "flux": [1.0, 3.0, 2.0] * u.mJy}, meta={"name": "star"})
    >>> viewer = SpectrumViewer(table)
    >>> viewer.range = (5100, 5900) * u.nm
    >>> viewer.range
    <Quantity [5.1, 5.9] um>
    >>> viewer.unit = "W/m2/um"
    >>> viewer.close()
    """

    redshift = RedshiftTrait()
    range = WaveRangeTrait()
    wavelength = WaveTrait()
    unit = traitlets.Unicode()
    column = traitlets.Unicode()
    line_lists = LineListsTrait()
    stitched = traitlets.Bool(default_value=False)
    measurements = traitlets.Tuple()
    beside = traitlets.Tuple()
    brushing = traitlets.Any(default_value=None)
    _canvas: SpectrumCanvas = None  # type: ignore[assignment]  # closed even if never complete

    def __init__(
        self, spectra: Any, *, flux_unit: str | None = None, height: int = 360, colours: Mapping[str, str] | None = None
    ) -> None:
        self.data = SpectrumData(spectra, flux_unit)
        self._controls = SpectrumControls()
        self.mode, self.tools = self._controls.mode, self._controls.tools
        self._table = MeasurementTable(lambda kept: self.set_trait("measurements", kept))
        self._values: list[Values] = []
        self._scales: list[BandScale] = []
        self._cursor: float | None = None
        self.is_telling = False
        shades = self._set_chips(colours)
        self._canvas = SpectrumCanvas(
            self.data.curves,
            shades,
            self._look(),
            height=height,
            on_brush=self._brushed,
            on_cursor=self._inspected,
            on_hidden=lambda hidden: self._controls.hint_lines(LIGHT_SPEED * self.redshift, hidden),
            on_marker=lambda wave: self.set_trait("wavelength", wave * u.um),
        )
        super().__init__(self._controls.rows(self._canvas.box, self._table))
        self.add_class("mrsnb-viewer")
        self._connect()
        self._offer()
        self._load()
        self._canvas.show_all()
        self._controls.hint_mode()
        if not any(np.isfinite(y).any() for y, _ in self._values):
            self._controls.say(f"{escape(', '.join(self.data.names[:6]))}: no finite values to show")

    @property
    def scales(self) -> dict[str, BandScale]:
        """The factor of each band, by its name."""
        return dict(zip(self.data.names, self._scales, strict=True))

    @property
    def view(self) -> u.Quantity:
        """Wavelengths in sight, micron; may be assigned."""
        return np.array(self._canvas.view) * u.um

    @view.setter
    def view(self, limits: u.Quantity) -> None:
        self._canvas.set_view(*checked_range("view", limits).value.tolist())

    @property
    def shown_lines(self) -> tuple[Line, ...]:
        """Those of the lists that are shown."""
        return tuple(line for name in self.line_lists for line in line_list(name))

    @property
    def table(self) -> Any:
        """The kept measurements as an astropy table with units."""
        return quantity_table(self.measurements)

    def put(self, curves: Sequence[Curve], colours: Mapping[str, str] | None = None, *, is_brief: bool = False) -> None:
        """Show curves in place of all others; roughly and unmeasured if the next follow at once, as in a drag.

        What is chosen stays as far as it is possible; `colours` are by the names of curves.
        """
        if self.data.put(curves):
            self._load(is_brief=is_brief)
            if not is_brief:
                self._measure()
            return
        shades = self._set_chips(colours)
        self._canvas.set_curves(shades, self._look())
        self._offer()
        self._reload()

    def _set_chips(self, colours: Mapping[str, str] | None) -> list[str]:
        """Offer the curves to be shown or hidden, and return their colours."""
        names, given = self.data.names, {} if colours is None else colours
        shades = [given.get(name, CYCLE[i % len(CYCLE)]) for i, name in enumerate(names)]
        with quiet(self):
            self._controls.set_curves(names, shades, self._redraw)
        return shades

    def _offer(self) -> None:
        """Offer the columns and units that there are; what is chosen stays if it is among them."""
        data = self.data
        column = self.column if self.column in data.columns else data.columns[0]
        units = data.units(column)
        unit = self.unit if self.unit in units else data.unit_of(column)
        with quiet(self):
            self._controls.offer(data.columns, column, units, unit)
            with self.hold_trait_notifications():
                self.column, self.unit = column, unit

    def zoom(self, factor: float) -> None:
        """Show a range of wavelengths so many times narrower, about the cursor or the slice marker if in sight."""
        marker = None if self.wavelength is None else float(self.wavelength.value)
        self._canvas.zoom(factor, self._cursor if self.mode.value == INSPECT else marker)

    def lean(self) -> None:
        """Fold tools and error bands; the button brings them back."""
        self.tools.value = self._controls.errors.value = False

    def reset(self) -> None:
        """Show all wavelengths and fluxes."""
        self._controls.auto.value = True
        self._canvas.show_all()

    def keep(self) -> None:
        """Keep what was measured in the range."""
        self._table.keep()

    def save(self, path: Path | str) -> list[Path]:
        """Write what is shown, by the ending of `path`, and return the files that were written.

        ``.png`` is a picture of the view, ``.csv`` all spectra as shown, ``.ecsv`` the measured lines; a folder takes
        each spectrum as an ``_x1d`` product, with the scale of its band if `stitched`.

        Raises
        ------
        OutputError
            If there is nothing to write, or it cannot be written.
        """
        return export.save(home(path), self._saved())

    def _saved(self) -> export.Saved:
        marks = [(line.wave * (1 + self.redshift), line.name) for line in self.shown_lines]
        return export.Saved(
            self.data, self._values, self._scales, self.measurements, self.column, self.unit, self._shown,
            self._canvas.view, marks, fitted(self._table.pending, self.data.names, self.data.curves, self.unit)[:2],
        )  # fmt: skip

    _density = 2

    def _png(self) -> bytes:
        return export.picture_of(self._saved()).png

    def close(self) -> None:
        """Close the viewer, its figure and its table."""
        if self._canvas is not None:
            self._table.set_pending(())
            self._canvas.close()
            close_all(self.children)
        super().close()

    def _look(self) -> Look:
        return self._controls.look(self.shown_lines, self.redshift)

    def _load(self, *, is_brief: bool = False) -> None:
        """Convert all curves to the shown column and unit, scale them, and draw them."""
        values = self.data.values(self.column, self.unit)
        found = self.data.scales(values, self._controls.reference.value) if self.stitched else None
        self._scales = [UNSCALED] * len(values) if found is None else found
        self._values = scaled(values, self._scales)
        self._controls.show_scales(self.data.names, found)
        self._canvas.set_values(self._values, export.flux_label(self.column, self.unit), is_brief=is_brief)

    def _redraw(self, _: Any = None) -> None:
        self._canvas.set_look(self._look())

    def _on_wavelength(self) -> None:
        self._canvas.show("marker", None if self.wavelength is None else float(self.wavelength.value))

    @property
    def _shown(self) -> list[int]:
        return [i for i, chip in enumerate(self._controls.chips) if chip.value]

    @traitlets.validate("column", "unit")
    def _valid_choice(self, proposal: Any) -> str:
        return self.data.checked(proposal["trait"].name, proposal["value"], self.column)

    def _connect(self) -> None:
        c = self._controls
        for name, toggle in c.lists.items():
            toggle.observe(partial(self._toggle_list, name), "value")
        for widget in (c.log_wave, c.log_flux, c.auto, c.errors, c.flags):
            widget.observe(self._redraw, "value")
        for widget, trait in ((c.redshift, "redshift"), (c.slider, "redshift"), (c.column, "column"), (c.unit, "unit")):
            widget.observe(self._safely(partial(self._take, trait)), "value")
        traitlets.link((self, "stitched"), (c.stitch, "value"))
        c.reference.observe(self._on_reference, "value")
        c.mode.observe(lambda change: self._set_mode(change.new), "value")
        c.home.on_click(lambda _: self.reset())
        c.closer.on_click(lambda _: self.zoom(_STEP))
        c.farther.on_click(lambda _: self.zoom(1 / _STEP))
        self.tools.observe(lambda change: self.remove_class(LEAN) if change.new else self.add_class(LEAN), "value")
        c.keep.on_click(lambda _: self.keep())
        c.clear.on_click(lambda _: self.set_trait("range", None))
        c.adopt.on_click(self._safely(lambda _: self._adopt()))
        c.slice.on_click(self._safely(lambda _: self._mark_slice()))
        for kind, widget in c.save.items():
            widget.on_click(self._safely(partial(self._save_as, kind)))
        self.observe(self._on_redshift, "redshift")
        shown = self._on_quantity
        calls = (self._on_lists, shown, shown, self._reload, self._on_range, self._on_wavelength)
        for name, call in zip(_WATCHED, calls, strict=True):
            self.observe(lambda _, call=call: call(), name)
        self.observe(lambda change: self._table.set_kept(change.new), "measurements")
        self.observe(lambda change: self._canvas.show("beside", change.new), "beside")

    def _safely(self, call: Callable[[Any], None]) -> Callable[[Any], None]:
        return self._controls.safely(call, lambda: (self.redshift, self.unit))

    def _take(self, trait: str, change: Any) -> None:
        if not self.is_telling:
            self.set_trait(trait, change.new)

    def _toggle_list(self, name: str, change: Any) -> None:
        others = [other for other in self.line_lists if other != name]
        self.line_lists = (*others, name) if change.new else tuple(others)

    def _on_lists(self) -> None:
        for name, toggle in self._controls.lists.items():
            toggle.value = name in self.line_lists
        (self.add_class if self.line_lists else self.remove_class)("mrsnb-lines")
        self._redraw()
        self._measure()

    def _on_redshift(self, change: Any) -> None:
        self._controls.show_redshift(change.new)
        self._redraw()
        self._measure()

    def _on_quantity(self) -> None:
        if not self.is_telling:
            self._offer()
            self._reload()

    def _on_reference(self, _: Any) -> None:
        if self.stitched and not self.is_telling:
            self._reload()

    def _reload(self) -> None:
        self._load()
        self._measure()

    def _set_mode(self, mode: str) -> None:
        self._canvas.set_mode(mode.lower())
        self._controls.hint_mode()

    def _brushed(self, limits: tuple[float, float] | None, dragging: bool) -> None:
        is_range = limits is not None and limits[1] > limits[0]
        self.brushing = limits if dragging and is_range else None
        if limits is None or not is_range:
            return
        if dragging:
            self._controls.say(f"<b>{limits[0]:.4f} - {limits[1]:.4f}</b> micron")
        elif limits != limits_of(self.range):
            self.range = limits * u.um

    def _on_range(self) -> None:
        self._canvas.show_range(limits_of(self.range))
        self._measure()

    def _measure(self) -> None:
        limits, problem = limits_of(self.range), None
        entries: list[Entry] = []
        if limits is not None:
            curves = [(self.data.names[i], self.data.curves[i], self._scales[i].factor) for i in self._shown]
            lines = self.shown_lines or bright_lines()
            entries, problem = measure_all(curves, self.column, limits, lines, self.redshift)
        self._table.set_pending(entries)
        self._canvas.show("fit", *fitted(entries, self.data.names, self.data.curves, self.unit))
        if problem is not None and not entries:
            self._controls.warn(problem)
        elif limits is not None:
            self._controls.say(f"<b>{limits[0]:.4f} - {limits[1]:.4f}</b> micron{noise_note(entries)}")

    def _inspected(self, wave: float) -> None:
        self._cursor = wave
        of = [(self.data.names[i], self.data.curves[i], self._values[i]) for i in self._shown]
        samples = nearest_samples(wave, of)
        self._controls.say(readout(wave, self.redshift, samples, self.unit))
        self._canvas.plot.draw_near(np.array([s.wave for s in samples]), np.array([s.flux for s in samples]))

    def _adopt(self) -> None:
        self.redshift = redshift_of((*self._table.pending, *reversed(self.measurements)))

    def _mark_slice(self) -> None:
        if self.mode.value == INSPECT and self._cursor is not None:
            self.wavelength = self._cursor * u.um
        elif self.range is not None:
            self.wavelength = self.range.mean()
        else:
            raise InputError("no wavelength is chosen; inspect one or brush a range first")

    def _save_as(self, kind: str, _: Any) -> None:
        written = self.save(export.path_of(kind, self._controls.file.value))
        self._controls.say(f"written: {escape(str(written[0]))}{export.and_more(written)}")

    def __repr__(self) -> str:
        return brief("SpectrumViewer", self.data.names)
