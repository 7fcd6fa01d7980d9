"""Look at a detector image: its layers, slices and flags, what each pixel sees, and what a step did to it."""

from collections.abc import Sequence
from typing import Any

from astropy import units as u
from ipywidgets import HTML, HBox, Layout

from mrsnb.core.exposure import ExposureSource
from mrsnb.display.text import brief
from mrsnb.errors import InputError
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube_controls import attempt, note, say, sheet
from mrsnb.viewers.detector_controls import AFTER, BEFORE, DIFFERENCE, DetectorControls
from mrsnb.viewers.detector_inputs import before_of, exposures_of
from mrsnb.viewers.detector_layers import DetectorLayers, Place, difference
from mrsnb.viewers.detector_panel import DetectorPanel
from mrsnb.viewers.overlays import View
from mrsnb.viewers.pictured import Pictured
from mrsnb.viewers.viewer_traits import ClickTrait

_NEAR = 1.6
"""Factor of a step nearer or farther."""
_AROUND = 24.0
"""Half a side of what is seen around marks, pixels."""


class DetectorViewer(Pictured):
    """A detector image, or several, to look at.

    Parameters
    ----------
    exposures : ExposureSource, path, result of a step, or a sequence of exposures and paths
        Read when they are looked at.
    before : the same, optional
        The exposures before a step, to compare with. If None, those that a step's exposures were made of.

    Raises
    ------
    InputError
        If an exposure cannot be used.

    Examples
    --------
    >>> viewer = DetectorViewer("raw/star_exposure1_cal.fits")
    >>> viewer.go_to(100, 300)
    >>> viewer.place.slice
    120
    >>> viewer.close()
    """

    pixel = ClickTrait().tag(sync=False)
    """The pixel ``(x, y)`` that was clicked or chosen last, 0-based column and row; to be observed."""

    def __init__(self, exposures: Any, *, before: Any = None) -> None:
        self.exposures = exposures_of(exposures)
        self.before = before_of(self.exposures, before)
        self._number, self._is_telling = -1, False
        self._images: dict[str, DetectorLayers] = {}
        self._ready: set[str] = set()
        self._at: tuple[int, int] | None = None
        self._marks: list[tuple[str, int, int, float]] = []
        self._next_mark = 0
        has_before = any(one is not None for one in self.before)
        self.controls = DetectorControls([e.name for e in self.exposures], has_before=has_before)
        self.panel = DetectorPanel(self._hovered, self._clicked, self._draw_outlines)
        self._title = note(kind="mrsnb-viewer-title")
        self._readout = note()
        self._readout.add_class("mrsnb-readout")
        super().__init__(self._arranged(), layout=Layout(width="100%"))
        self.add_class("mrsnb-viewer")
        self._wire()
        self._take(0)

    def _arranged(self) -> list[Any]:
        c = self.controls
        head = [c.exposure] if len(self.exposures) > 1 else []
        title = HBox([*head, self._title], layout=Layout(width="100%", align_items="center"))
        top = HBox([self.panel.figure, c.boxes()], layout=Layout(width="100%", align_items="flex-start"))
        return [HTML(sheet(), layout=Layout(display="none")), title, top, self._readout]

    def _wire(self) -> None:
        c = self.controls
        c.exposure.observe(self._exposure_chosen, "value")
        c.layer.observe(self._redrawn, "value")
        c.state.observe(self._state_changed, "value")
        c.shades.on_change(self._redrawn)
        c.shades.colours.observe(lambda change: setattr(self.panel, "colours", change["new"]), "value")
        c.outlines.observe(lambda _: self._draw_outlines(), "value")
        c.blink.observe(lambda change: self._blinked(is_before=change["new"] == 1), "value")
        c.on_flags(self._draw_flags)
        c.pan.observe(lambda change: self.panel.let_pan(change["new"]), "value")
        c.nearer.on_click(lambda _: self.panel.zoom(_NEAR, self.pixel))
        c.farther.on_click(lambda _: self.panel.zoom(1 / _NEAR, self.pixel))
        c.home.on_click(lambda _: self.panel.whole())
        c.to_marks.on_click(lambda _: self.show_marks())
        for box in (c.x, c.y):
            box.observe(self._typed, "value")

    # What is looked at

    @property
    def exposure(self) -> ExposureSource:
        """The exposure in view."""
        return self.exposures[self._number]

    @exposure.setter
    def exposure(self, name: str) -> None:
        names = [each.name for each in self.exposures]
        if name not in names:
            msg = f"exposure = {name!r}; there are: {', '.join(names)}"
            raise InputError(msg)
        self.controls.exposure.value = names.index(name)

    @property
    def image(self) -> DetectorLayers:
        """The exposure in view with its arrays, after the step if one is looked at."""
        return self._image(AFTER)

    @property
    def layer(self) -> str:
        """Name of the layer in view."""
        return str(self.controls.layer.value)

    @layer.setter
    def layer(self, name: str) -> None:
        self.image.layer(name)
        self.controls.layer.value = name

    @property
    def state(self) -> str:
        """``"after"`` or ``"before"`` a step, or the ``"difference"``."""
        return str(self.controls.state.value)

    @state.setter
    def state(self, name: str) -> None:
        if name not in self.controls.state.options:
            msg = f"state = {name!r}; allowed: {', '.join(self.controls.state.options)}"
            raise InputError(msg)
        self.controls.state.value = name

    @property
    def flags(self) -> list[str]:
        """Names of the flags that are painted over the image."""
        return self.controls.chosen_flags

    @flags.setter
    def flags(self, names: list[str]) -> None:
        self.controls.chosen_flags = names

    @property
    def place(self) -> Place | None:
        """What the chosen pixel sees; None if it is between the slices, or none is chosen."""
        return None if self.pixel is None else self.image.place(*self.pixel)

    @property
    def wavelength(self) -> u.Quantity | None:
        """Of the chosen pixel."""
        place = self.place
        return None if place is None else place.wave * u.um

    def go_to(self, x: int, y: int) -> None:
        """Choose a pixel, 0-based column and row.

        Raises
        ------
        InputError
            If it is outside the image.
        """
        n_row, n_col = self.image.shape
        if not (0 <= x < n_col and 0 <= y < n_row):
            msg = f"pixel ({x}, {y}): x must be from 0 to {n_col - 1}, y from 0 to {n_row - 1}"
            raise InputError(msg)
        self._clicked(x, y)

    def mark(self, pixels: Sequence[tuple[str, int, int, float]]) -> None:
        """Mark pixels: name of the exposure, column, row, and share on 0...1, which makes a mark more or less solid."""
        self._marks, self._next_mark = list(pixels), 0
        self._draw_marks()

    def show_marks(self) -> None:
        """Look at the marks; each time again at those of the next slice or exposure."""
        groups = _groups(self._marks)
        if not groups:
            return
        name, x, y = groups[self._next_mark % len(groups)]
        self._next_mark += 1
        if name in [each.name for each in self.exposures]:
            self.exposure = name
            self.panel.view = View(x - _AROUND, x + _AROUND, y - _AROUND, y + _AROUND)

    def show(self, exposures: Any, *, before: Any = None) -> None:
        """Look at other exposures, at that of the same name if there is one; place, layer and flags stay.

        Parameters
        ----------
        exposures, before
            As this was made with.

        Raises
        ------
        InputError
            If an exposure cannot be used.
        """
        name = self.exposure.name
        self.exposures = exposures_of(exposures)
        self.before = before_of(self.exposures, before)
        names = [each.name for each in self.exposures]
        self._is_telling = True
        try:
            self.controls.exposure.options = [(each, i) for i, each in enumerate(names)]
            self.controls.offer_before(is_there=any(one is not None for one in self.before))
        finally:
            self._is_telling = False
        self._take(names.index(name) if name in names else 0)

    def _take(self, number: int) -> None:
        """Look at another exposure, at the same place."""
        self._number, self._images = number, {}
        self._ready.clear()
        c = self.controls
        image = self.image
        n_row, n_col = image.shape
        self._is_telling = True
        try:
            c.exposure.value = number
            was = c.layer.value
            c.layer.options = image.layer_names
            c.layer.value = was if was in image.layer_names else "SCI"
            c.x.max, c.y.max = n_col - 1, n_row - 1
        finally:
            self._is_telling = False
        bands = " + ".join(band.name for band in self.exposure.bands)
        say(self._title, bands if len(self.exposures) > 1 else f"{self.exposure.name}   {bands}")
        self.panel.place(image.shape)
        c.list_flags(image.flags())
        self._attempt(self._draw_with_flags)
        self._draw_outlines()
        self._draw_marks()

    def _image(self, state: str) -> DetectorLayers:
        if state not in self._images:
            source = self.exposure if state == AFTER else self.before[self._number]
            if source is None:
                msg = f"{self.exposure.name}: nothing is known of it before a step; give before="
                raise InputError(msg)
            self._images[state] = DetectorLayers.of(source)
        return self._images[state]

    # Drawing

    def _draw(self) -> None:
        """Show the layer; images that are ready since the last change are only brought to the front."""
        c, layer, state = self.controls, self.layer, self.state
        if state not in self._ready:
            if state == DIFFERENCE:
                image, unit = difference(self.image, self._image(BEFORE), layer)
                self._ready.clear()
                stretch = c.shades.of(image, are_flags=layer == "DQ")
            else:
                image, unit = self._image(state).layer(layer)
                self._ready.discard(DIFFERENCE)
                stretch = c.shades.of(self.image.layer(layer)[0], are_flags=layer == "DQ")
            self.panel.show(image, stretch, unit, int(state == BEFORE))
            self._ready.add(state)
        self.panel.front(int(state == BEFORE))
        self._read_out()

    def _draw_with_flags(self) -> None:
        self._draw()
        self._draw_flags()

    def _draw_flags(self) -> None:
        chosen = self.flags
        image = self._image(BEFORE) if self.state == BEFORE else self.image
        self.panel.show_flags(image.flag_index(chosen), [self.controls.colour_of(name) for name in chosen])

    def _draw_outlines(self) -> None:
        if self._number >= 0:
            self.panel.show_outlines(self.image.outlines(self.panel.view) if self.controls.outlines.value else [])

    def _draw_marks(self) -> None:
        here = [mark for mark in self._marks if mark[0] == self.exposure.name]
        self.panel.show_marks([(x, y) for _, x, y, _ in here], [share for *_, share in here])

    def _read_out(self) -> None:
        at = self.pixel if self._at is None else self._at
        image = self._image(BEFORE) if self.state == BEFORE else self.image
        say(self._readout, "move the mouse over the image" if at is None else image.text(*at))

    # What the user does

    def _redrawn(self, _: Any) -> None:
        if not self._is_telling:
            self._ready.clear()
            self._attempt(self._draw)

    def _exposure_chosen(self, change: Any) -> None:
        if not self._is_telling:
            self._take(change["new"])

    def _state_changed(self, _: Any) -> None:
        if not self._is_telling:
            self._attempt(self._draw_with_flags)

    def _blinked(self, *, is_before: bool) -> None:
        def blink() -> None:
            if self._image(BEFORE).shape == self.image.shape:
                self.state = BEFORE if is_before else AFTER

        self._attempt(blink)

    def _hovered(self, x: int, y: int) -> None:
        self._at = (x, y)
        self._read_out()

    def _clicked(self, x: int, y: int) -> None:
        self._at = (x, y)
        self._is_telling = True
        try:
            self.controls.x.value, self.controls.y.value = x, y
        finally:
            self._is_telling = False
        self.panel.show_spot((x, y))
        self.pixel = (x, y)
        self._read_out()

    def _typed(self, _: Any) -> None:
        if not self._is_telling:
            self._clicked(self.controls.x.value, self.controls.y.value)

    def _attempt(self, call: Any) -> None:
        """Do something; what is wrong with it is said below the controls."""
        attempt(call, self.controls.status)

    _density = 2

    def _png(self) -> bytes:
        return self.image.exposure.pictures()[0].png

    def close(self) -> None:
        """Free what the browser holds."""
        if "panel" in self.__dict__:  # else it never came to be
            self.panel.close()
            c = self.controls
            close_all([*self.children, c.exposure, c.state, c.blink, self.layout])
        super().close()

    def __repr__(self) -> str:
        return brief("DetectorViewer", [each.name for each in self.exposures])


def _groups(marks: Sequence[tuple[str, int, int, float]]) -> list[tuple[str, float, float]]:
    """Return the middle of the marks of each exposure and place, the heaviest place of all first."""
    groups: list[list[tuple[str, int, int, float]]] = []
    for mark in sorted(marks, key=lambda mark: -mark[3]):
        near = next(
            (g for g in groups if g[0][0] == mark[0] and max(abs(g[0][1] - mark[1]), abs(g[0][2] - mark[2])) < _AROUND),
            None,
        )
        if near is None:
            groups.append([mark])
        else:
            near.append(mark)
    return [(g[0][0], sum(m[1] for m in g) / len(g), sum(m[2] for m in g) / len(g)) for g in groups]
