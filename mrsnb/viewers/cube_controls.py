"""The controls beside the image of a cube: what to show, maps, apertures, files."""

from collections.abc import Callable
from functools import cache
from html import escape as escape_html
from importlib.resources import files
from typing import Any

from ipywidgets import (
    HTML,
    Button,
    Checkbox,
    Dropdown,
    HBox,
    Layout,
    Text,
    ToggleButton,
    ToggleButtons,
    VBox,
)

from mrsnb.display.markup import escape
from mrsnb.errors import MrsnbError
from mrsnb.viewers.aperture import KINDS
from mrsnb.viewers.cube_saving import FORMATS, X1D
from mrsnb.viewers.picture import Choice
from mrsnb.viewers.shade_controls import ShadeControls
from mrsnb.viewers.slicing import HOWS, Range


@cache
def sheet() -> str:
    """Return the ``<style>`` element of the viewers, read once; ipywidgets drops scripts, but keeps its handler."""
    style, hover = ((files(__package__) / name).read_text(encoding="utf-8") for name in ("style.css", "hover.js"))
    return f'<style onload="{escape_html(hover)}">{style}</style>'


def note(text: str = "", kind: str = "mrsnb-viewer-note") -> HTML:
    """Return a line of text, shown as it is."""
    line = HTML(layout=Layout(margin="0 2px", width="auto"))
    say(line, text)
    line.add_class(kind)
    return line


def say(line: HTML, text: str, *, is_bad: bool = False) -> None:
    """Put text into a line that `note` made."""
    line.value = f'<span class="mrsnb-bad">{escape(text)}</span>' if is_bad and text else escape(text)


def attempt(call: Callable[[], object], line: HTML) -> None:
    """Do something; what is wrong with it is said in a line that `note` made, which is empty otherwise."""
    try:
        if line.value:
            say(line, "")
        call()
    except MrsnbError as error:
        say(line, str(error), is_bad=True)


class CubeControls:
    """Widgets without behaviour, which the viewer gives them.

    Parameters
    ----------
    names : list of str
        Of the cubes.

    Attributes
    ----------
    is_telling : bool
        True while a program changes them, not the user.
    """

    def __init__(self, names: list[str]) -> None:
        self.is_telling = False
        self.band = Dropdown(layout=Layout(width="auto", min_width="84px", flex="0 0 auto"))
        self.offer(names)
        self.layer = ToggleButtons(options=["SCI"], layout=Layout(margin="0"))
        self.layer.style.button_width = "auto"
        self.shades = ShadeControls()
        self.contours = Checkbox(description="contours", **_check())
        self.psf = Checkbox(description="PSF", **_check())
        self.is_map = ToggleButton(description="line map", icon="image", layout=Layout(width="96px"))
        self.is_map.tooltip = "show an image made of the planes that are brushed in the spectrum"
        self.how = Dropdown(options=HOWS, layout=Layout(width="92px"))
        self.continuum = Checkbox(description="less continuum", **_check("120px"))
        self.range = note("brush a range in the spectrum")
        self.kind = Dropdown(options=KINDS, layout=Layout(width="92px"))
        self.add = _button("plus", "add an aperture of this kind")
        self.remove = _button("trash", "remove the aperture in hand")
        self.peak = _button("crosshairs", "move it to the brightest spaxel near it")
        self.chosen = Dropdown(options=[("-", 0)], layout=Layout(flex="1 1 90px", width="auto", min_width="70px"))
        self.aperture = note("click a spaxel, or add an aperture")
        self.zoom = ToggleButton(icon="arrows", layout=Layout(width="auto"))
        self.zoom.tooltip = "drag and turn the wheel to pan and zoom the image"
        self.closer, self.farther = _button("search-plus", "zoom in"), _button("search-minus", "zoom out")
        self.home = _button("home", "show the whole image")
        self.what = Dropdown(options=[*FORMATS, X1D], layout=Layout(width="132px"))
        self.file = Text(layout=Layout(flex="1 1 90px", width="auto", min_width="80px"))
        self.save = _button("save", "write the file")
        self.status = note()

    def offer(self, names: list[str]) -> None:
        """Offer cubes to choose from, if there are several."""
        self.band.options = [(name, i) for i, name in enumerate(names)]
        (self.band.remove_class if len(names) > 1 else self.band.add_class)("mrsnb-alone")

    def choice(self, of: Range | None, continuum: tuple[Range, ...] | None, velocity_zero: float | None) -> Choice:
        """Return what is chosen to be seen; ranges and the wavelength of velocity zero (micron) are not among them."""
        return Choice(
            layer=self.layer.value,
            map_range=of if self.is_map.value else None,
            how=self.how.value,
            subtract_continuum=self.continuum.value,
            continuum=continuum,
            reference=velocity_zero,
        )

    def boxes(self) -> VBox:
        """Return them all, arranged."""

        def head(text: str) -> HTML:
            return note(text, "mrsnb-viewer-head")

        def row(*parts: Any) -> HBox:
            return HBox(list(parts), layout=Layout(width="100%", align_items="center", flex_flow="row wrap"))

        parts: list[Any] = [
            head("image"),
            row(self.layer, together(self.zoom, self.closer, self.farther, self.home)),
            row(self.shades.stretch, self.shades.limits),
            row(self.shades.low, self.shades.high),
            row(self.shades.colours, self.contours, self.psf),
            head("line map"),
            row(self.is_map, self.how, self.continuum),
            self.range,
            head("apertures"),
            row(self.kind, self.add, self.chosen, self.peak, self.remove),
            self.aperture,
            *self._tools(head("files"), row(self.what, self.file, self.save)),
            self.status,
        ]
        return VBox(
            parts,
            layout=Layout(
                flex="1 1 300px", min_width="290px", max_width="480px", padding="0 0 0 6px", overflow="hidden"
            ),
        )

    def _tools(self, *parts: Any) -> tuple[Any, ...]:
        """Return parts that can be done without where there is little room, marked as such."""
        for part in parts:
            part.add_class("mrsnb-tools")
        return parts


def together(*parts: Any) -> HBox:
    """Return widgets side by side, which go to the next line together where there is too little room."""
    return HBox(list(parts), layout=Layout(flex="0 0 auto", overflow="visible"))


def _check(width: str = "84px") -> dict[str, Any]:
    return {"indent": False, "layout": Layout(width=width, flex="0 0 auto")}


def _button(icon: str, tip: str) -> Button:
    return Button(icon=icon, tooltip=tip, layout=Layout(width="34px", flex="0 0 auto"))
