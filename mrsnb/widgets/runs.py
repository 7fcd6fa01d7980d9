"""Runs: started, followed, cancelled, remembered; knows no widgets.

A run computes in a thread of its own, so that whoever started it stays free. It stops between two parts of its work
once it is told to, see `mrsnb.kernels.threads.stoppable`, and leaves nothing half-done.
"""

import atexit
import logging
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import closing
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any, Literal
from weakref import WeakSet

from mrsnb.core.cache import ByteCache
from mrsnb.core.cube import Cube
from mrsnb.errors import Cancelled, InputError, MrsnbError
from mrsnb.kernels.threads import stoppable
from mrsnb.widgets.progress import left, share_done
from mrsnb.widgets.summaries import Summary, arrays_of
from mrsnb.widgets.work import AnyParams, AnyResult, Work

State = Literal["running", "done", "failed", "cancelled"]

MOST_LINES = 1000
"""Of a run's log that are kept."""
MOST_RUNS = 100
"""That are remembered."""
KEPT_BYTES = 256 << 20
"""Of results that are kept as they are, those used last; of all others there are summaries."""
_KEPT_OF_FILES = 64 << 20
"""The same of results that are in files, too."""

_mine: ContextVar["Job | None"] = ContextVar("mine", default=None)
_alive: WeakSet["Job"] = WeakSet()
_log = logging.getLogger("mrsnb")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A run as it is at one moment.

    Parameters
    ----------
    number : int
        Counted from 1.
    step : str
        ``"spec3"`` or the name of a step.
    params : Params or Spec3Params
        As run.
    inputs : tuple of str
        Names of what it was done to.
    started : datetime
    seconds : float
        How long it took, or has taken so far.
    state : str
        ``"running"``, ``"done"``, ``"failed"`` or ``"cancelled"``.
    total : int
        How many results there will be; 0 as long as that is not known.
    times : tuple of float
        When each result came, in seconds after the start.
    results : tuple of Summary
        In the order they came.
    error : str
        In one line, what went wrong and what to do; empty if nothing did.
    details : str
        Where an unforeseen error came from.
    log : tuple of str
        What this run logged.
    """

    number: int
    step: str
    params: AnyParams
    inputs: tuple[str, ...]
    started: datetime
    seconds: float
    state: State
    total: int = 0
    times: tuple[float, ...] = ()
    results: tuple[Summary, ...] = ()
    error: str = ""
    details: str = ""
    log: tuple[str, ...] = ()


class Job:
    """A run on its way; `run` says how far it is.

    Parameters
    ----------
    work : Work
    params : Params or Spec3Params
    number : int
    keep : callable, optional
        Given each result as it comes, and its place among them.
    changed : callable, optional
        Called, in the thread of the run, when there is something new.
    """

    def __init__(
        self,
        work: Work,
        params: AnyParams,
        number: int = 1,
        *,
        keep: Callable[[int, AnyResult], None] = lambda _, __: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.work, self._keep, self._changed = work, keep, changed
        self._stop, self._ended, self._lock = Event(), Event(), Lock()
        self._start = perf_counter()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._run = Run(
            number=number,
            step=work.step,
            params=params,
            inputs=work.names,
            started=datetime.now(UTC).astimezone(),
            seconds=0.0,
            state="running",
        )
        _alive.add(self)
        Thread(target=copy_context().run, args=(self._work,), daemon=True, name=f"mrsnb-run-{number}").start()

    @property
    def run(self) -> Run:
        """The run as it is now."""
        with self._lock:
            run, lines = self._run, tuple(self._lines)
        seconds = perf_counter() - self._start if run.state == "running" else run.seconds
        return replace(run, seconds=seconds, log=lines)

    @property
    def is_cancelled(self) -> bool:
        """True once the run was told to stop, be it over or not."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Tell the run to stop; it does so within a moment, see `wait`."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> Run:
        """Return the run when it is over, or after some seconds; an interruption from the keyboard cancels it."""
        try:
            self._ended.wait(seconds)
        except KeyboardInterrupt:
            self.cancel()
            self._ended.wait()
            raise
        return self.run

    def log(self, line: str) -> None:
        """Add a line to the log."""
        with self._lock:
            self._lines.append(line)
        self._changed()

    def _set(self, **values: Any) -> None:
        with self._lock:
            self._run = replace(self._run, **values)
        self._changed()

    def _work(self) -> None:
        end: dict[str, Any] = {"state": "done"}
        _mine.set(self)
        try:
            with stoppable(self._stop), _captured():
                self._take_results()
        except Cancelled:
            end = {"state": "cancelled"}
        except MrsnbError as error:
            end = {"state": "failed", "error": str(error)}
        except BaseException as error:  # noqa: BLE001 (whatever it is: it is shown, and the thread ends)
            said = f"unforeseen {type(error).__name__}: {error}; please report it, with the details"
            end = {"state": "failed", "error": said, "details": traceback.format_exc()}
        with self._lock:
            self._run = replace(self._run, seconds=perf_counter() - self._start, **end)
        self._ended.set()
        self._changed()

    def _take_results(self) -> None:
        params = self._run.params
        total, begun = self.work.begin(params)
        self._set(total=total)
        with closing(begun) as results:  # type: ignore[type-var]
            for index, result in enumerate(results):
                self._keep(index, result)
                summary = Summary.of(result, self.work.output_dir)
                self._set(results=(*self._run.results, summary), times=(*self._run.times, perf_counter() - self._start))


class Runs:
    """The runs of one work: one at a time, and those before.

    Parameters
    ----------
    work : Work
    changed : callable, optional
        Called when there is something new; in the thread of a run while there is one.
    most : int
        Runs that are remembered.
    kept_bytes : int, optional
        Of results that are kept as they are; if None, fewer of a work that writes files.
    """

    def __init__(
        self,
        work: Work,
        *,
        changed: Callable[[], None] = lambda: None,
        most: int = MOST_RUNS,
        kept_bytes: int | None = None,
    ) -> None:
        self.work, self._changed, self._most = work, changed, most
        if kept_bytes is None:
            kept_bytes = KEPT_BYTES if work.output_dir is None else _KEPT_OF_FILES
        self._kept: ByteCache[tuple[Any, ...]] = ByteCache(kept_bytes)
        self._jobs: list[Job] = []
        self._count = 0

    @property
    def job(self) -> Job | None:
        """The run that was started last."""
        return self._jobs[-1] if self._jobs else None

    @property
    def is_running(self) -> bool:
        """True while there is a run that is not over."""
        return self.job is not None and self.job.run.state == "running"

    @property
    def history(self) -> tuple[Run, ...]:
        """All runs that are remembered, the oldest first."""
        return tuple(job.run for job in self._jobs)

    def start(self, params: AnyParams) -> Job:
        """Start a run and return it.

        Raises
        ------
        InputError
            If one is on its way.
        """
        if self.is_running:
            msg = f"{self.work.step} is running; wait for its end, or cancel it"
            raise InputError(msg)
        self._count += 1
        number = self._count

        def keep(index: int, result: AnyResult) -> None:
            self._kept.put((number, index), (result, *arrays_of(result)))

        job = Job(self.work, params, number, keep=keep, changed=self._changed)
        self._jobs.append(job)
        for old in self._jobs[: -self._most]:
            self.remove(old.run.number)
        return job

    def numbered(self, number: int) -> Run:
        """Return the run of a number.

        Raises
        ------
        InputError
            If it is not remembered.
        """
        for run in self.history:
            if run.number == number:
                return run
        msg = f"run {number}: not in the history, which has {[run.number for run in self.history]}"
        raise InputError(msg)

    def remove(self, number: int) -> None:
        """Forget a run; its files stay.

        Raises
        ------
        InputError
            If it is not over, or not remembered.
        """
        if self.numbered(number).state == "running":
            msg = f"run {number}: is not over; cancel it first"
            raise InputError(msg)
        self._jobs = [job for job in self._jobs if job.run.number != number]
        self._kept.drop(lambda key: key[0] == number)

    def html(self, run: Run, index: int) -> str:
        """Return a result of a run as HTML: as it shows itself, or what is kept of it."""
        result = self._result(run, index)
        if result is None:
            return run.results[index].html()
        return result._repr_html_()

    def results(self, run: Run) -> tuple[AnyResult, ...]:
        """Return the results of a run that are still in memory."""
        found = (self._result(run, index) for index in range(len(run.results)))
        return tuple(result for result in found if result is not None)

    def _result(self, run: Run, index: int) -> AnyResult | None:
        found = self._kept.find((run.number, index))
        return None if found is None else found[0]

    def cube(self, run: Run, name: str) -> Cube | None:
        """Return the cube of a product, if it is still in memory or in its file."""
        for index, summary in enumerate(run.results):
            for place, product in enumerate(summary.products):
                if product.name == name and product.image is not None:
                    result = self._result(run, index)
                    cubes = () if result is None else getattr(result, "cubes", ())
                    there = next((cube for cube in cubes if cube.name == name), None)
                    return summary.cube(place) if there is None else there
        return None

    def left(self, run: Run) -> tuple[float, float | None]:
        """Return the share of a run that is done, 0...1, and the seconds left, None while nobody can know."""
        before = [r for r in self.history if r.state == "done" and r.number < run.number and r.total == run.total]
        model = (*before[-1].times, before[-1].seconds) if before else None
        share = share_done(run.times, run.seconds, run.total, model)
        return share, left(share, run.seconds)


class _Capture(logging.Handler):
    """Gives each run what its own threads log."""

    def emit(self, record: logging.LogRecord) -> None:
        job = _mine.get()
        if job is not None:
            at = datetime.fromtimestamp(record.created, UTC).astimezone()
            job.log(f"{at:%H:%M:%S}  {record.levelname.lower():<7}  {record.getMessage()}")


class _captured:  # noqa: N801 (a context manager)
    """Listens to what mrsnb logs, from information up, as long as any run is on its way."""

    _lock, _users, _level = Lock(), 0, logging.NOTSET
    _handler = _Capture()

    def __enter__(self) -> None:
        cls = type(self)
        with cls._lock:
            cls._users += 1
            if cls._users == 1:
                cls._level = _log.level
                _log.addHandler(cls._handler)
                if _log.getEffectiveLevel() > logging.INFO:
                    _log.setLevel(logging.INFO)

    def __exit__(self, *_: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._users -= 1
            if cls._users == 0:
                _log.removeHandler(cls._handler)
                _log.setLevel(cls._level)


@atexit.register
def _cancel_all() -> None:
    """Cancel what is running when Python ends, so that no scratch files stay."""
    running = [job for job in _alive if job.run.state == "running"]
    for job in running:
        job.cancel()
    for job in running:
        job.wait(5)
