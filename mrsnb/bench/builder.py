"""Has bands built in the background, one at a time, always the one that is wanted last; knows no widgets."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from mrsnb.core.bands import Band
from mrsnb.pipeline import Spec3Params
from mrsnb.widgets.loop import Loop
from mrsnb.widgets.runs import Job, Run
from mrsnb.widgets.work import Work


class Task(NamedTuple):
    """What is to be built."""

    band: Band | None
    """None for the exposures before the cube alone."""
    needs: Any
    """What it depends on; with the same, nothing is built again."""
    params: Spec3Params


class Builder:
    """Builds what is wanted, and stops what is not wanted any more.

    Parameters
    ----------
    work : callable
        Returns the work that builds a band.
    wanted : callable
        Returns the task that is due; None if nothing is.
    began : callable
        Told the task.
    ended : callable
        Told the task, its run, and the results.
    """

    def __init__(
        self,
        work: Callable[[Band | None], Work],
        wanted: Callable[[], Task | None],
        began: Callable[[Task], None],
        ended: Callable[[Task, Run, list[Any]], None],
    ) -> None:
        self._work, self._wanted, self._began, self._ended = work, wanted, began, ended
        self._loop = Loop(self._look)
        self._lock = threading.RLock()  # that of messages and that of `wait` may be two threads
        self._job: Job | None = None
        self._task: Task | None = None
        self._made: list[Any] = []
        self._is_due = self._is_closed = False

    @property
    def is_busy(self) -> bool:
        """True while something is built, or about to be."""
        return self._job is not None or self._is_due

    def want(self) -> None:
        """Have it looked soon what is wanted now."""
        self._is_due = True
        self._loop.soon()

    def cancel(self) -> None:
        """Stop what is being built."""
        job = self._job
        if job is not None:
            job.cancel()

    def wait(self, seconds: float) -> None:
        """Return when what is wanted is built, and its end told."""
        for _ in range(4):
            self._look()
            job = self._job
            if job is not None:
                job.wait(seconds)
        self._look()

    def close(self) -> None:
        """Stop, and build nothing more."""
        with self._lock:
            self._is_closed = True
        if self._job is not None:
            self._job.cancel()
            self._job.wait(5)

    def _look(self) -> None:
        """Take what is made, and start what is due."""
        with self._lock:
            if self._is_closed:
                return
            if self._job is not None:
                if self._job.run.state == "running":
                    if self._is_due and not self._is_same(self._wanted()):
                        self._job.cancel()
                    return
                self._take()
            if self._is_due:
                self._is_due = False
                task = self._wanted()
                if task is not None:
                    self._start(task)

    def _is_same(self, task: Task | None) -> bool:
        """Return whether there is no better task than that on its way."""
        return task is None or (self._task is not None and task[:2] == self._task[:2])

    def _start(self, task: Task) -> None:
        made: list[Any] = []
        self._made, self._task = made, task
        self._began(task)
        keep = lambda _, result: made.append(result)  # noqa: E731
        self._job = Job(self._work(task.band), task.params, keep=keep, changed=self._loop.soon)

    def _take(self) -> None:
        assert self._job is not None  # noqa: S101 (for the type checker)
        assert self._task is not None  # noqa: S101
        (run, task, made), self._job, self._task = (self._job.run, self._task, self._made), None, None
        self._made = []
        self._ended(task, run, made)
