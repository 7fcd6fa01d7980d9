"""The results of a run: their titles, and the one that is looked at."""

import traceback
from time import perf_counter
from typing import Any

import ipywidgets as w

from mrsnb.widgets.runs import Run, Runs
from mrsnb.widgets.told import error_html

_SHARE = 4
"""While a run goes on, a result is drawn after at least so many times as long as the one before took to draw."""


class ResultsView:
    """Shows the result that came last, until somebody chooses another one.

    Parameters
    ----------
    runs : Runs
        Where results are found.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._list = w.Select(options=[], rows=1)
        self._list.add_class("mrsnb-list")
        self._list.observe(self._chosen, "value")
        self._shown = w.HTML()
        self._shown.add_class("mrsnb-shown")
        self._list.layout.display = "none"
        self.box = w.VBox([self._list, self._shown])
        self.box.add_class("mrsnb-results")
        self._run: Run | None = None
        self._drawn: tuple[int, int] | None = None
        self._is_put, self._follows = False, True
        self._free = 0.0

    def follow(self) -> None:
        """Show the newest result from now on."""
        self._follows = True

    def show(self, run: Run | None) -> None:
        """Show the results of a run that there are by now; those of the run before until there is one."""
        if run is not None and run.state == "running" and not run.results:
            return
        self._run = run
        options = [] if run is None else [(summary.title, i) for i, summary in enumerate(run.results)]
        if list(self._list.options) != options:
            last = len(options) - 1
            chosen = last if self._follows or self._list.value is None else min(self._list.value, last)
            self._is_put = True
            self._list.options = options
            self._list.rows = min(max(len(options), 1), 6)
            self._list.value = chosen if options else None
            self._is_put = False
        self._list.layout.display = "" if len(options) > 1 else "none"
        if self._list.value is None:
            self._shown.value, self._drawn = "", None
        elif (run is not None and run.state != "running") or perf_counter() > self._free:
            self._draw()

    def _chosen(self, change: Any) -> None:
        if not self._is_put and change.new is not None and self._run is not None:
            self._follows = change.new == len(self._run.results) - 1
            self._draw()

    def _draw(self) -> None:
        run, index = self._run, self._list.value
        if run is None or index is None or self._drawn == (run.number, index):
            return
        start = perf_counter()
        try:
            html = self._runs.html(run, index)
        except Exception as error:  # noqa: BLE001 (whatever it is: the run goes on, and the other results are shown)
            html = error_html(f"cannot be shown: {type(error).__name__}: {error}", traceback.format_exc())
        self._shown.value, self._drawn = html, (run.number, index)
        self._free = perf_counter() + _SHARE * (perf_counter() - start)
