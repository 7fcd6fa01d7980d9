"""The runs so far, to be chosen from: restored, removed, compared."""

from collections.abc import Callable, Sequence

import ipywidgets as w

from mrsnb.display.text import GAP, align
from mrsnb.widgets.compare import changes
from mrsnb.widgets.parts import button, line
from mrsnb.widgets.progress import duration
from mrsnb.widgets.runs import Run, State
from mrsnb.widgets.told import HEADS
from mrsnb.widgets.work import AnyParams

_MOST = 3
"""Changes that are named of a run."""
_BLANK = "\N{NO-BREAK SPACE}"


class HistoryView:
    """A list of runs, and what can be done with them.

    Parameters
    ----------
    restore : callable
        Takes the number of a run.
    remove : callable
        Takes the numbers of runs.
    compare : callable
        Takes the numbers of two runs.
    first : Params or Spec3Params
        What the first run is told apart from.
    """

    def __init__(
        self,
        restore: Callable[[int], None],
        remove: Callable[[Sequence[int]], None],
        compare: Callable[[int, int], None],
        first: AnyParams,
    ) -> None:
        self._first = first
        self._heads = w.HTML()
        self._list = w.SelectMultiple(options=[], rows=2)
        self._list.add_class("mrsnb-list")
        self._list.observe(lambda _: self._enable(), "value")
        self._hint = w.HTML()
        self._restore = button(
            "Restore parameters", "Put the parameters of the chosen run into the form", lambda: restore(self.chosen[0])
        )
        self._compare = button("Compare", "Show the two chosen runs beside each other", self._compare_chosen)
        self._remove = button("Remove", "Forget the chosen runs; their files stay", lambda: remove(self.chosen))
        self._call = compare
        row = w.HBox([self._restore, self._compare, self._remove, self._hint])
        row.add_class("mrsnb-run-row")
        self.box = w.VBox([self._heads, self._list, row])
        self.box.add_class("mrsnb-history")
        self._states: dict[int, State] = {}
        self._enable()

    @property
    def chosen(self) -> tuple[int, ...]:
        """Numbers of the runs that are chosen, the oldest first."""
        return tuple(sorted(self._list.value))

    def show(self, history: Sequence[Run]) -> None:
        """List these runs, the newest first."""
        states = {run.number: run.state for run in history}
        if states == self._states:
            return
        self._states = states
        heads, *lines = align([HEADS, *table(history, self._first)])
        kept = tuple(number for number in self._list.value if number in states)
        self._heads.value = line(heads, "mrsnb-heads")
        options = [(text.replace(" ", _BLANK), run.number) for text, run in zip(lines, history, strict=True)]
        self._list.value = ()
        self._list.options = options[::-1]
        self._list.rows = min(max(len(options), 2), 10)
        self._list.value = kept
        self._enable()

    def _compare_chosen(self) -> None:
        self._call(*self.chosen[:2])

    def _enable(self) -> None:
        n, over = len(self.chosen), [number for number in self.chosen if self._states[number] != "running"]
        self._restore.disabled = n != 1
        self._compare.disabled = n != 2
        self._remove.disabled = not over
        self._hint.value = line("" if n else "choose a run, or two with Ctrl", "mrsnb-faint")


def table(history: Sequence[Run], first: AnyParams) -> list[tuple[str, ...]]:
    """Return a line for each run; what changed is told from the run before, of the first from `first`."""
    before = [first, *(run.params for run in history)]
    return [
        (
            f"{run.number:3d}",
            f"{run.started:%H:%M:%S}",
            duration(run.seconds) if run.state != "running" else "",
            run.state,
            _changed(run, old) or ("defaults" if old is first else "as before"),
        )
        for run, old in zip(history, before, strict=False)
    ]


def _changed(run: Run, before: AnyParams) -> str:
    found = changes(before, run.params)
    named = f",{GAP}".join(map(str, found[:_MOST]))
    return named + (f", {len(found) - _MOST} more" if len(found) > _MOST else "")
