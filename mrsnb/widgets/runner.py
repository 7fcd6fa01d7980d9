"""A form that runs: parameters, a button, progress, results, log, and the runs before."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as w
import traitlets as t

from mrsnb.core.references import References
from mrsnb.errors import InputError, MrsnbError
from mrsnb.widgets.compare_view import CompareView
from mrsnb.widgets.forms import controls
from mrsnb.widgets.history_view import HistoryView, table
from mrsnb.widgets.loop import Loop
from mrsnb.widgets.parts import button, close_all, line, sheet, with_record
from mrsnb.widgets.progress import duration
from mrsnb.widgets.results_view import ResultsView
from mrsnb.widgets.runs import Job, Run, Runs
from mrsnb.widgets.told import error_html, log_html, progress_of, record_html, state_of
from mrsnb.widgets.work import AnyParams, AnyResult, Inputs, Work, work_of

_TICK = 0.5
"""Seconds between two looks at a run that says nothing."""
_TABS = ("Results", "Log", "Runs", "Compare")


class Runner(w.VBox):  # type: ignore[misc]
    """A form for the parameters of a step, and all that is needed to run it again and again.

    A run computes in a thread of its own: the notebook stays free meanwhile.

    Parameters
    ----------
    work : Work
        What is run.
    params : Params or Spec3Params, optional
        What stands in the form at first; the defaults if not given.

    Attributes
    ----------
    state : str
        ``"idle"``, ``"running"``, ``"done"``, ``"failed"`` or ``"cancelled"``. Can be observed.
    side, main : ipywidgets.VBox
        The form; and what runs it, with the results. Another widget may arrange them.
    """

    state = t.Unicode("idle")

    def __init__(self, work: Work, params: AnyParams | None = None) -> None:
        self._loop = Loop(self._refresh)
        self._lock = threading.RLock()  # that of messages and that of `wait` may be two threads
        self.runs = Runs(work, changed=self._loop.soon)
        self.form = controls(work.defaults if params is None else params)
        self._run = button("Run", f"Run {work.step} with these parameters", self._run_clicked, "mrsnb-primary")
        self._cancel = button("Cancel", "Stop the run; what it was writing is removed", self.cancel)
        self._fold = button("Hide parameters", "Hide the form, or show it", self._toggle_form)
        self._bar = w.FloatProgress(min=0.0, max=1.0)
        self._bar.add_class("mrsnb-bar")
        self._told, self._error = w.HTML(), w.HTML()
        self._told.add_class("mrsnb-told")
        self._results, self._log = ResultsView(self.runs), w.HTML()
        self._past = HistoryView(self.restore, self._remove_some, self.compare, work.defaults)
        self._pair = CompareView(self.runs)
        self._tabs = w.Tab([self._results.box, self._log, self._past.box, self._pair.box], titles=_TABS)
        self._tabs.add_class("mrsnb-tabs")
        self._tabs.observe(lambda _: self._refresh(), "selected_index")
        self.form.observe(lambda _: self._refresh(), "error")
        super().__init__([w.HTML(sheet("runner.css")), self._columns(work)])
        self.add_class("mrsnb-runner")
        self._refresh()

    def _columns(self, work: Work) -> w.HBox:
        names = work.names if len(work.names) < 4 else (*work.names[:2], f"{len(work.names) - 2} more")
        where = "nothing is written" if work.output_dir is None else f"to {work.output_dir.absolute()}"
        head = w.HTML(line(f"{work.step}: {', '.join(names)}", "mrsnb-title") + line(where, "mrsnb-where"))
        row = w.HBox([self._run, self._cancel, self._bar, self._fold])
        row.add_class("mrsnb-run-row")
        self.side = w.VBox([self.form])
        self.side.add_class("mrsnb-side")
        self.main = w.VBox([head, row, self._told, self._error, self._tabs])
        self.main.add_class("mrsnb-main")
        columns = w.HBox([self.side, self.main])
        columns.add_class("mrsnb-columns")
        return columns

    @property
    def params(self) -> Any:
        """The parameters that stand in the form.

        Raises
        ------
        ParamError
            If they are not valid.
        """
        return self.form.params

    @params.setter
    def params(self, params: AnyParams) -> None:
        self.form.params = params

    @property
    def history(self) -> tuple[Run, ...]:
        """All runs that are remembered, the oldest first."""
        return self.runs.history

    @property
    def results(self) -> tuple[AnyResult, ...]:
        """The results of the last run, but for those that were too large to keep."""
        job = self.runs.job
        return () if job is None else self.runs.results(job.run)

    def run(self) -> Job:
        """Start a run with the parameters in the form, and return at once.

        Raises
        ------
        ParamError
            If they are not valid.
        InputError
            If a run is on its way.
        """
        job = self.runs.start(self.form.params)
        self._results.follow()
        self._refresh()
        return job

    def cancel(self) -> None:
        """Stop the run that is on its way, if there is one; see `wait`."""
        if self.runs.job is not None:
            self.runs.job.cancel()
        self._refresh()

    def wait(self, seconds: float | None = None) -> Run:
        """Return the last run when it is over, or after some seconds.

        Raises
        ------
        InputError
            If none was started.
        """
        if self.runs.job is None:
            msg = f"{self.runs.work.step}: nothing was run yet; call run() first"
            raise InputError(msg)
        try:
            return self.runs.job.wait(seconds)
        finally:
            self._refresh()

    def restore(self, number: int) -> None:
        """Put the parameters of an earlier run into the form.

        Raises
        ------
        InputError
            If it is not remembered.
        """
        self.form.params = self.runs.numbered(number).params

    def remove(self, number: int) -> None:
        """Forget a run; its files stay.

        Raises
        ------
        InputError
            If it is not over, or not remembered.
        """
        self.runs.remove(number)
        self._refresh()

    def compare(self, one: int, other: int) -> None:
        """Show two runs beside each other.

        Raises
        ------
        InputError
            If one is not over, or not remembered.
        """
        for number in (one, other):
            if self.runs.numbered(number).state == "running":
                msg = f"run {number}: is not over; wait for its end, or cancel it"
                raise InputError(msg)
        self._refresh()  # a run may have ended just now
        self._pair.choose(one, other)
        self._tabs.selected_index = _TABS.index("Compare")

    def close(self) -> None:
        """Cancel what is running, and close all widgets."""
        if self.runs.job is not None:
            self.runs.job.cancel()
        with self._lock:
            self._is_closed = True
            close_all(self)

    _is_closed = False

    def _run_clicked(self) -> None:
        try:
            self.run()
        except MrsnbError as error:
            self._error.value = error_html(str(error))

    def _remove_some(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if self.runs.numbered(number).state != "running":
                self.runs.remove(number)
        self._refresh()

    def _toggle_form(self) -> None:
        hide = self.side.layout.display != "none"
        self.side.layout.display = "none" if hide else ""
        self._fold.description = "Show parameters" if hide else "Hide parameters"

    def _refresh(self) -> None:
        """Bring all that is shown in line with the runs."""
        with self._lock:
            if not self._is_closed:
                self._show_runs()

    def _show_runs(self) -> None:
        history = self.runs.history
        run = history[-1] if history else None
        is_running = run is not None and run.state == "running"
        stops = is_running and self.runs.job is not None and self.runs.job.is_cancelled
        self._run.disabled = is_running or bool(self.form.error)
        self._cancel.disabled = not is_running or stops
        self._cancel.description = "Cancelling" if stops else "Cancel"
        if run is not None:
            share, left = self.runs.left(run)
            self._bar.value, self._bar.bar_style = progress_of(run, share)
            self._told.value = line(state_of(run, left), "mrsnb-state-line")
            self._error.value = error_html(run.error, run.details) if run.error else ""
            self._log.value = log_html(run.log) if self._tabs.selected_index == _TABS.index("Log") else ""
        else:
            self._bar.value, self._bar.bar_style, self._error.value = 0.0, "", ""
            self._told.value = line("not run yet", "mrsnb-state-line")
        self._results.show(run)
        self._past.show(history)
        self._pair.show(history, is_seen=self._tabs.selected_index == _TABS.index("Compare"))
        self.state = "idle" if run is None else run.state
        if is_running:
            self._loop.again(_TICK)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return with_record(super()._repr_mimebundle_(**kwargs), repr(self), self._record())

    def _record(self) -> str:
        work, history = self.runs.work, self.runs.history
        made = next((run for run in reversed(history) if run.results), None)
        return record_html(
            f"{work.step}: {', '.join(work.names)}",
            table(history, work.defaults),
            history[-1].error if history else "",
            "" if made is None else self.runs.html(made, len(made.results) - 1),
        )

    def __repr__(self) -> str:
        job = self.runs.job
        said = "not run yet" if job is None else f"run {job.run.number} {job.run.state}, {duration(job.run.seconds)}"
        return f"<Runner {self.runs.work.step}: {said}>"


def runner(
    step: str,
    inputs: Inputs | Sequence[Inputs],
    output_dir: Path | str | None = None,
    *,
    params: AnyParams | None = None,
    references: References | None = None,
) -> Runner:
    """Return a form for a step that runs it, shows its results, and compares runs.

    Parameters
    ----------
    step : str
        ``"spec3"`` or the name of a step.
    inputs : Association, path, exposure, Cube, Spectrum, or a sequence of such
        An association or files, of which products are written; or values in memory, of which results are made in
        memory.
    output_dir : Path or str, optional
        Where products go; the working directory if not given.
    params : Params or Spec3Params, optional
        What stands in the form at first; the defaults, or for spec3 the preset ``"archive"``, if not given.
    references : References, optional
        The built-in values if not given.

    Raises
    ------
    ParamError
        If there is no such step.
    InputError
        If it cannot be done to such inputs.

    Examples
    --------
    >>> import mrsnb
    >>> form = mrsnb.runner("cube_build", "raw/star_lvl3_asn.json", "small")
    >>> form.params = form.params.updated({"channel": "1", "wavemin": 5.2, "wavemax": 5.3})
    >>> form.run() and form.wait().state
    'done'
    >>> form.close()
    """
    return Runner(work_of(step, inputs, output_dir, references), params)
