"""Two runs beside each other: what differs, their images and their spectra."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as w
import numpy as np

from mrsnb.core.cube import Cube
from mrsnb.core.image_pair import ImagePair
from mrsnb.display.markup import escape
from mrsnb.display.plots import spectrum_picture
from mrsnb.pipeline import ProductSummary
from mrsnb.widgets.compare import changes, common_products, differences, moved, products_of, residual
from mrsnb.widgets.pair_html import VIEWS, pair_html, picture_html
from mrsnb.widgets.parts import line
from mrsnb.widgets.runs import Run, Runs

_ALL = "median of all planes"
_ONE = "one plane"


class CompareView:
    """Shows two runs, a product of both at a time.

    Parameters
    ----------
    runs : Runs
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._one, self._other = w.Dropdown(), w.Dropdown()
        self._product = w.Dropdown()
        self._view = w.ToggleButtons(options=VIEWS)
        self._planes = w.Dropdown(options=[_ALL, _ONE])
        self._plane = w.IntSlider(min=0, max=0, continuous_update=False)
        self._shown, self._table = w.HTML(), w.HTML()
        self._cubes: tuple[tuple[Any, ...], tuple[Cube | None, Cube | None]] | None = None
        rows = [
            w.HBox(row) for row in ([self._one, self._other, self._product], [self._view, self._planes, self._plane])
        ]
        for row in rows:
            row.add_class("mrsnb-run-row")
        self._rows = rows
        self.box = w.VBox([*rows, self._shown, self._table])
        self.box.add_class("mrsnb-compare")
        self._is_put, self._is_seen, self._follows = False, False, True
        for chooser in (self._one, self._other):
            chooser.observe(self._chosen, "value")
        for chooser in (self._one, self._other, self._product, self._view, self._planes, self._plane):
            chooser.observe(self._changed, "value")

    def choose(self, one: int, other: int) -> None:
        """Show two runs of given numbers."""
        self._is_put = True
        self._one.value, self._other.value = one, other
        self._is_put, self._follows = False, False
        self._changed()

    def show(self, history: Sequence[Run], *, is_seen: bool) -> None:
        """Offer these runs, the last two until somebody chooses others; draw if somebody looks."""
        over = [run for run in history if run.state != "running"]
        options = [(f"run {run.number}", run.number) for run in over]
        became_seen, self._is_seen = is_seen and not self._is_seen, is_seen
        if list(self._one.options) != options:
            kept = [chooser.value for chooser in (self._one, self._other)]
            if self._follows or not {*kept} <= {run.number for run in over}:
                kept, self._follows = _latest(over), True
            self._is_put = True
            self._one.options = self._other.options = options
            if options:
                self._one.value, self._other.value = kept
            self._is_put = False
            became_seen = is_seen
        if became_seen:
            self._changed()

    def _chosen(self, _: Any) -> None:
        self._follows = self._follows and self._is_put

    def _changed(self, _: Any = None) -> None:
        if self._is_put or not self._is_seen:
            return
        has_two = len(self._one.options) > 1
        for row in self._rows:
            row.layout.display = "" if has_two else "none"
        if not has_two:
            self._cubes = None
            self._shown.value, self._table.value = line("run twice to have something to compare", "mrsnb-faint"), ""
            return
        one, other = (self._runs.numbered(chooser.value) for chooser in (self._one, self._other))
        self._offer(common_products(one, other))
        self._draw(one, other)
        self._table.value = _table_html(one, other)

    def _offer(self, names: tuple[str, ...]) -> None:
        if tuple(self._product.options) != names:
            before = self._product.value
            self._is_put = True
            self._product.options = names
            self._product.value = before if before in names else next(iter(names), None)
            self._is_put = False

    def _draw(self, one: Run, other: Run) -> None:
        name = self._product.value
        if name is None:
            self._shown.value = line("these two have no product in common", "mrsnb-faint")
            self._rows[1].layout.display = "none"
            return
        before, after = products_of(one)[name], products_of(other)[name]
        names = f"run {one.number}", f"run {other.number}"
        is_image = before.image is not None and after.image is not None
        self._rows[1].layout.display = "" if is_image else "none"
        self._shown.value = (
            self._images(one, other, before, after, names) if is_image else _spectra(before, after, names)
        )

    def _images(
        self, one: Run, other: Run, before: ProductSummary, after: ProductSummary, names: tuple[str, str]
    ) -> str:
        note = ""
        first, second = before.image, after.image
        if self._planes.value == _ONE:
            cubes = self._both(one, other, before.name)
            if cubes[0] is None or cubes[1] is None:
                note = "a cube is not kept any more: its median image is shown"
            else:
                first, second, note = self._chosen_planes(cubes[0], cubes[1])
        else:
            self._cubes = None
        self._plane.layout.display = "" if self._cubes is not None else "none"
        if first is None or second is None:
            return ""
        pair = ImagePair.of(first, second, before.spaxel_size, after.spaxel_size)
        notes = (note, pair.note, moved(one.params, other.params), pair.told())
        told = "".join(line(text, "mrsnb-faint") for text in notes if text)
        return told + pair_html(pair, self._view.value, names)

    def _both(self, one: Run, other: Run, name: str) -> tuple[Cube | None, Cube | None]:
        key = one.number, other.number, name
        if self._cubes is None or self._cubes[0] != key:
            found = self._runs.cube(one, name), self._runs.cube(other, name)
            self._cubes = None if None in found else (key, found)
            return found
        return self._cubes[1]

    def _chosen_planes(self, one: Cube, other: Cube) -> tuple[Any, Any, str]:
        if self._plane.max != one.grid.n_wave - 1:
            self._is_put = True
            self._plane.max = one.grid.n_wave - 1
            self._plane.value = self._plane.max // 2
            self._is_put = False
        number = self._plane.value
        wave = float(one.grid.wave[number])
        nearest = int(np.argmin(np.abs(other.grid.wave - wave)))
        note = f"{wave:.4f} micron"
        if float(other.grid.wave[nearest]) != wave:
            note += f", and the nearest plane of the other at {other.grid.wave[nearest]:.4f} micron"
        return one.flux[number].astype(float), other.flux[nearest].astype(float), note


def _latest(over: Sequence[Run]) -> list[int]:
    """Return the numbers of the last two runs, of those that made something if there are two."""
    made = [run.number for run in over if products_of(run)]
    numbers = made if len(made) > 1 else [run.number for run in over]
    return numbers[-2:] if len(numbers) > 1 else numbers * 2


def _spectra(before: ProductSummary, after: ProductSummary, names: tuple[str, str]) -> str:
    if before.wave is None or before.flux is None or after.wave is None or after.flux is None:
        return ""
    curves = [(names[0], before.wave, before.flux), (names[1], after.wave, after.flux)]
    left = residual(before, after)
    if not np.any(left[np.isfinite(left)]):
        return line("identical", "mrsnb-faint") + picture_html(spectrum_picture(before.name, curves))
    pictures = [
        spectrum_picture(before.name, curves),
        spectrum_picture(f"{names[1]} less {names[0]}", [("difference", before.wave, left)], y_label="difference / Jy"),
    ]
    return "".join(map(picture_html, pictures))


def _table_html(one: Run, other: Run) -> str:
    table = differences(one, other)
    if not table.rows:
        return line("parameters and results say the same", "mrsnb-faint")
    n = len(changes(one.params, other.params))
    said = f"{n} parameter{'' if n == 1 else 's'} and {len(table.rows) - n} numbers differ"
    return f"<details open><summary>{escape(said)}</summary>{table.to_html()}</details>"
