"""The buttons, boxes and sliders around the spectrum viewer's figure."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import ipywidgets as widgets

from mrsnb.core.lines import LINE_LISTS, Line
from mrsnb.core.stitch import BandScale
from mrsnb.display.markup import escape
from mrsnb.errors import MrsnbError
from mrsnb.viewers.spectrum_canvas import Look

PAN, BRUSH, INSPECT = "Pan", "Range", "Inspect"
_MODE_TIPS = (
    "Drag to pan, turn the wheel to zoom; Inspect reads values.",
    "Drag across a line, with some continuum on both sides, to measure it.",
    "Click in the figure and move to read values; click again to hold the cursor.",
)
_LIST_TIPS = {
    "H2": "pure rotational lines of molecular hydrogen",
    "H2 vib": "vibrating molecular hydrogen: 1-0, 1-1, 2-1",
    "fine structure": "forbidden lines of atoms and ions",
    "H I": "recombination lines of atomic hydrogen",
    "PAH": "features of polycyclic aromatic hydrocarbons",
}


@cache
def _css() -> str:
    return (files(__package__) / "spectrum.css").read_text(encoding="utf-8")


class SpectrumControls:
    """Widgets only; the viewer gives them their meaning, and choices by `set_curves` and `offer`."""

    def __init__(self) -> None:
        self.style = widgets.HTML(f"<style>{_css()}</style>", layout=widgets.Layout(display="none"))
        self.mode = widgets.ToggleButtons(
            options=[PAN, BRUSH, INSPECT],
            icons=["arrows", "arrows-h", "crosshairs"],
            tooltips=_MODE_TIPS,
            style={"button_width": "96px"},
        )
        self.home = button("", "home", "show all")
        self.closer = button("", "search-plus", "zoom in")
        self.farther = button("", "search-minus", "zoom out")
        self.auto = toggle("fit y", "the flux axis follows what is in sight", value=True)
        self.log_flux = toggle("log y", "logarithmic flux")
        self.log_wave = toggle("log x", "logarithmic wavelength")
        self.errors = toggle("errors", "band of one standard error", value=True)
        self.flags = toggle("flags", "mark samples with a data-quality flag", value=True)
        self.column = widgets.Dropdown(tooltip="column", layout=widgets.Layout(width="132px", margin="0"))
        self.unit = widgets.Dropdown(tooltip="unit", layout=widgets.Layout(width="118px", margin="0"))
        self.tools = toggle("lines", "line lists, redshift, measurements and files", value=True)
        self._all_chips: list[widgets.ToggleButton] = []
        self.stitch = toggle("stitch", "scale each band to its neighbour in the overlap; the reference stays")
        self.reference = widgets.Dropdown(
            tooltip="band that stays",
            layout=widgets.Layout(width="84px", margin="0", display="none"),
        )
        self._names: list[str] = []
        self._chip_row = row([])
        self._on_chip: Callable[[Any], None] = lambda _: None
        self._is_put = False
        self.readout = widgets.HTML(layout=widgets.Layout(width="100%", margin="0"))
        self.readout.add_class("mrsnb-readout")
        self.lists = {name: toggle(name, _LIST_TIPS[name]) for name in LINE_LISTS}
        self.slider = widgets.FloatSlider(
            description="z",
            min=0.0,
            max=0.1,
            step=1e-5,
            readout=False,
            layout=widgets.Layout(width="240px"),
            style={"description_width": "12px"},
        )
        self.redshift = widgets.FloatText(
            value=0.0, step=1e-4, tooltip="redshift", layout=widgets.Layout(width="96px", margin="0")
        )
        self.hint = widgets.HTML()
        self.hint.add_class("mrsnb-hint")
        self.keep = button("keep", "plus", "keep this measurement in the table")
        self.adopt = button("z from line", "arrow-left", "take the redshift of the line that was measured")
        self.slice = button("slice here", "map-marker", "put the slice marker at the cursor or the range's middle")
        self.clear = button("clear", "eraser", "forget the range")
        self.file = widgets.Text(
            value="spectrum",
            placeholder="file name",
            tooltip="file name without ending; may start with a folder",
            layout=widgets.Layout(width="190px", margin="0"),
        )
        self.save = {
            "png": button("PNG", "picture-o", "save the view as a picture"),
            "csv": button("CSV", "file-text-o", "save the spectra as shown"),
            "x1d": button("x1d", "database", "save each band as an _x1d product"),
            "lines": button("lines", "table", "save the table of lines as ECSV"),
        }

    def set_curves(self, names: Sequence[str], colours: Sequence[str], on_chip: Callable[[Any], None]) -> None:
        """Offer curves to be shown or hidden; those hidden by their names stay so.

        Parameters
        ----------
        names, colours : sequence of str
            Of each curve.
        on_chip : callable
            Called with the change when one is to be shown or hidden.
        """
        hidden = {name for name, chip in zip(self._names, self.chips, strict=True) if not chip.value}
        stays = self._names[self.reference.value] if self._names else names[0]
        self._names, self._on_chip = list(names), on_chip
        self._add_chips(len(names))
        self._is_put = True
        for name, colour, chip in zip(names, colours, self.chips, strict=True):
            chip.description, chip.tooltip, chip.value = name, f"show or hide {name}", name not in hidden
            chip.style.text_color = colour
        self._is_put = False
        for i, chip in enumerate(self._all_chips):
            chip.layout.display = None if i < len(names) else "none"
        self.reference.options = [(name, i) for i, name in enumerate(names)]
        self.reference.value = self._names.index(stays) if stays in names else 0
        self.stitch.layout.display = None if len(names) > 1 else "none"

    @property
    def chips(self) -> list[widgets.ToggleButton]:
        """One for each curve."""
        return self._all_chips[: len(self._names)]

    def _add_chips(self, n: int) -> None:
        """Have at least so many chips; those of curves that are gone are kept hidden, which is cheaper than others."""
        more = [_chip() for _ in range(len(self._all_chips), n)]
        for chip in more:
            chip.observe(self._chipped, "value")
        if more:
            self._all_chips += more
            self._chip_row.children = self._all_chips

    def _chipped(self, change: Any) -> None:
        if not self._is_put:
            self._on_chip(change)

    def offer(self, columns: Sequence[str], column: str, units: Sequence[str], unit: str) -> None:
        """Offer columns and units, one of each chosen."""
        for box, options, value in ((self.column, columns, column), (self.unit, units, unit)):
            if box.options != tuple(options):
                box.options = options
            box.value = value

    def look(self, lines: tuple[Line, ...], redshift: float) -> Look:
        """Return how spectra are drawn, with the names of lines at a redshift."""
        return Look(
            visible=tuple(chip.value for chip in self.chips),
            log_wave=self.log_wave.value,
            log_flux=self.log_flux.value,
            auto=self.auto.value,
            errors=self.errors.value,
            flags=self.flags.value,
            lines=lines,
            redshift=redshift,
        )

    def rows(self, figure: widgets.Widget, table: widgets.Widget) -> list[widgets.Widget]:
        """Return everything from top to bottom."""
        top = [
            self.mode, self.home, self.closer, self.farther, self.auto, self.log_flux, self.log_wave, self.errors,
            self.flags, self.column, self.unit, self.tools, self._chip_row, self.stitch, self.reference,
        ]  # fmt: skip
        lists = [*self.lists.values(), self.slider, self.redshift, self.hint]
        below = [self.keep, self.adopt, self.slice, self.clear, self.file, *self.save.values()]
        tools = [row(lists), row(below)]
        for each in tools:
            each.add_class("mrsnb-tools")
        return [self.style, row(top), figure, self.readout, *tools, table]

    def show_redshift(self, redshift: float) -> None:
        """Show a redshift in the box and on the slider, which becomes long enough."""
        self.slider.max = max(self.slider.max, 2 * redshift)
        self.slider.min = min(self.slider.min, 2 * redshift, 0.0)
        self.slider.value = self.redshift.value = redshift

    def show_scales(self, names: Sequence[str], scales: Sequence[BandScale] | None) -> None:
        """Write the factor of each band on its chip, or only its name if None."""
        self.reference.layout.display = "none" if scales is None or len(names) < 2 else ""
        for i, (chip, name) in enumerate(zip(self.chips, names, strict=True)):
            if scales is None:
                chip.description, chip.tooltip = name, f"show or hide {name}"
                continue
            factor, error, samples = scales[i]
            how = f"± {error:.4f}, {samples} samples" if samples else "reference" if error == 0 else "no overlap"
            chip.description, chip.tooltip = (
                f"{name} \N{MULTIPLICATION SIGN}{factor:.3f}",
                f"{name} \N{MULTIPLICATION SIGN} {factor:.4f} ({how})",
            )

    def hint_lines(self, speed: float, hidden: int) -> None:
        """Say the velocity of the redshift (km/s), and how many lines in sight found no room."""
        parts = [f"{speed:,.0f} km/s" if speed else "", f"{hidden} more lines on zooming in" if hidden else ""]
        self.hint.value = " &nbsp;·&nbsp; ".join(part for part in parts if part)

    def hint_mode(self) -> None:
        """Say what the mouse does."""
        self.say(f'<span class="mrsnb-faint">{_MODE_TIPS[self.mode.index]}</span>')

    def say(self, html: str) -> None:
        """Show HTML below the figure; texts in it are escaped by the caller."""
        self.readout.value = html

    def safely(self, call: Callable[[Any], None], held: Callable[[], tuple[float, str]]) -> Callable[[Any], None]:
        """Return `call` with our own errors shown below the figure, and the boxes set back to redshift and unit."""

        def guarded(event: Any) -> None:
            try:
                call(event)
            except MrsnbError as error:
                self.warn(error)
                self.redshift.value, self.unit.value = held()

        return guarded

    def warn(self, error: Exception) -> None:
        """Show an error below the figure."""
        self.readout.value = f'<span class="mrsnb-wrong">{escape(str(error))}</span>'


def row(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Return widgets in a row that wraps."""
    box = widgets.HBox(list(children))
    box.add_class("mrsnb-viewer-row")
    return box


def button(text: str, icon: str, tip: str) -> widgets.Button:
    """Return a button as wide as its text."""
    return widgets.Button(description=text, icon=icon, tooltip=tip, layout=widgets.Layout(width="auto", margin="0"))


def toggle(text: str, tip: str, *, value: bool = False) -> widgets.ToggleButton:
    """Return a button that stays pressed."""
    return widgets.ToggleButton(
        value=value, description=text, tooltip=tip, layout=widgets.Layout(width="auto", margin="0")
    )


def _chip() -> widgets.ToggleButton:
    chip = toggle("", "", value=True)
    chip.layout.max_width = "260px"
    chip.add_class("mrsnb-chip")
    return chip
