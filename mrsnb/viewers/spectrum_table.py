"""The table of measurements below a spectrum: a row for the range that is brushed, and rows that were kept."""

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets as widgets

from mrsnb.display.markup import escape
from mrsnb.viewers.spectrum_measurements import Entry, cells, heads

_TRACKS = "minmax(60px,0.8fr) minmax(90px,1.2fr) 2fr 1.5fr 1.9fr 1.5fr 1.5fr 2.2fr"

_LEAST = "1060px"
"""Width of the table, below which it scrolls."""


class MeasurementTable(widgets.VBox):  # type: ignore[misc]
    """Rows of measurements with a button to keep or remove each.

    Parameters
    ----------
    on_change : callable
        Called with the kept entries when the user keeps or removes one.
    """

    def __init__(self, on_change: Callable[[tuple[Entry, ...]], None]) -> None:
        self._on_change = on_change
        gap = widgets.Box(layout=widgets.Layout(width="32px", flex="0 0 32px"))
        self._names = _line(heads(()), "mrsnb-cell-head")
        self._head = widgets.HBox([gap, self._names], layout=widgets.Layout(min_width=_LEAST, display="none"))
        super().__init__([self._head], layout=widgets.Layout(overflow="auto", width="100%"))
        self._rows: list[widgets.HBox] = []
        self.kept: tuple[Entry, ...] = ()
        self.pending: tuple[Entry, ...] = ()

    def set_pending(self, entries: Sequence[Entry]) -> None:
        """Show what was just measured, not kept yet."""
        as_before = len(entries) == len(self.pending)
        self.pending = tuple(entries)
        if not as_before:
            self._show()
            return
        self._names.value = _html(heads((*self.pending, *self.kept)), "mrsnb-cell-head")
        for entry, row in zip(self.pending, self._rows, strict=False):
            row.children[1].value = _html(cells(entry), "mrsnb-pending")

    def set_kept(self, entries: Sequence[Entry]) -> None:
        """Show these as kept."""
        self.kept = tuple(entries)
        self._show()

    def keep(self) -> None:
        """Keep what was just measured."""
        if self.pending:
            self.kept, self.pending = (*self.kept, *self.pending), ()
            self._show()
            self._on_change(self.kept)

    def __repr__(self) -> str:
        return f"<MeasurementTable {len(self.kept)} kept>"

    def _remove(self, entry: Entry, _: widgets.Button) -> None:
        self.kept = tuple(one for one in self.kept if one is not entry)
        self._show()
        self._on_change(self.kept)

    def _show(self) -> None:
        old = self._rows
        self._rows = [
            *(self._row(entry, "plus", "keep", lambda _: self.keep(), "mrsnb-pending") for entry in self.pending),
            *(self._row(entry, "trash-o", "remove", partial(self._remove, entry), "") for entry in self.kept),
        ]
        self._names.value = _html(heads((*self.pending, *self.kept)), "mrsnb-cell-head")
        self._head.layout.display = None if self._rows else "none"
        self.children = [self._head, *self._rows]
        for row in old:
            button, line = row.children
            for part in (button.style, button.layout, line.style, line.layout, row.layout, button, line, row):
                part.close()

    def _row(
        self, entry: Entry, icon: str, tip: str, call: Callable[[widgets.Button], None], kind: str
    ) -> widgets.HBox:
        button = widgets.Button(icon=icon, tooltip=tip, layout=widgets.Layout(width="28px", margin="0 4px 0 0"))
        button.on_click(call)
        button.add_class("mrsnb-line-button")
        button.add_class(f"mrsnb-{tip}")
        return widgets.HBox(
            [button, _line(cells(entry), kind)], layout=widgets.Layout(overflow="visible", min_width=_LEAST)
        )


def _line(texts: Sequence[str], kind: str) -> widgets.HTML:
    return widgets.HTML(_html(texts, kind), layout=widgets.Layout(flex="1 1 auto", margin="0"))


def _html(texts: Sequence[str], kind: str) -> str:
    inside = "".join(f'<span title="{escape(text)}">{escape(text)}</span>' for text in texts)
    return f'<div class="mrsnb-cells {kind}" style="grid-template-columns: {_TRACKS}">{inside}</div>'
