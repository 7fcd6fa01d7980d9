"""Share the parts of a computation among the processor's cores.

A kernel that releases the GIL is called once a part, from as many threads as there are cores. What belongs to a part
never depends on how many threads there are, so results are the same to the last bit whatever their number.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from mrsnb.errors import Cancelled

T = TypeVar("T")
R = TypeVar("R")

VARIABLE = "MRSNB_NUM_THREADS"
"""Environment variable with the number of threads; all cores that the process may use if it is not set."""

_limit: ContextVar[int | None] = ContextVar("limit", default=None)
_stop: ContextVar[Event | None] = ContextVar("stop", default=None)


def n_threads() -> int:
    """Return how many threads computations use."""
    limit = _limit.get()
    return _most() if limit is None else min(limit, _most())


@contextmanager
def at_most(n: int) -> Iterator[None]:
    """Use no more than `n` threads inside."""
    token = _limit.set(max(n, 1))
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def stoppable(stop: Event) -> Iterator[None]:
    """Let what is computed inside end early: after `stop` is set, the next `go_on` there raises `Cancelled`."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def go_on() -> None:
    """Return at once, or end what `stoppable` was told to stop; to be called between parts of long work.

    Raises
    ------
    Cancelled
        If the computation is to stop.
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        msg = "cancelled; run it again to have its results"
        raise Cancelled(msg)


def share(part: Callable[[int], Any], n: int) -> None:
    """Call ``part(0)`` to ``part(n - 1)``, each once, on several threads; return when all are done.

    The calling thread takes parts too, so a part may itself call `share`. The first exception is raised here, when no
    thread is busy any more; parts that were not begun by then are left out. So are they if `go_on` says to stop.

    Parameters
    ----------
    part : callable
        Takes the number of a part; parts must not depend on one another.
    n : int
    """
    helpers = min(n_threads(), n) - 1
    if helpers < 1:
        for i in range(n):
            go_on()
            part(i)
        return
    numbers = count()  # next() on it is atomic

    def work() -> None:
        nonlocal numbers
        try:
            while (i := next(numbers)) < n:
                go_on()
                part(i)  # noqa: F821 (deleted only when no thread works)
        except BaseException:
            numbers = count(n)
            raise

    others: list[Future[None]] = [_pool(os.getpid(), _most()).submit(copy_context().run, work) for _ in range(helpers)]
    try:
        work()
    finally:
        begun = [other for other in others if not other.cancel()]
        errors = [error for other in begun if (error := other.exception()) is not None]
        del part  # a helper that was cancelled stays in its queue, and must not keep arrays there
    if errors:
        raise errors[0]


def ahead(make: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """Yield each item with what is made of it; the next is made meanwhile, in another thread, if there may be two.

    An exception of `make` is raised in its turn. A caller that stops early waits for what is being made, and no item is
    begun after `go_on` says to stop.
    """
    if n_threads() == 1:
        for item in items:
            go_on()
            yield item, make(item)
        return
    other = ThreadPoolExecutor(1, thread_name_prefix="mrsnb-ahead")
    try:
        before: tuple[T, Future[R]] | None = None
        for item in items:
            go_on()
            coming = other.submit(copy_context().run, make, item)
            if before is not None:
                yield before[0], before[1].result()
            before = item, coming
        if before is not None:
            yield before[0], before[1].result()
    finally:
        other.shutdown(cancel_futures=True)


def _most() -> int:
    asked = os.environ.get(VARIABLE, "")
    return max(int(asked), 1) if asked.isdecimal() else _cores()


@cache
def _cores() -> int:
    """Return how many cores the process may use: of the machine, or of the container it runs in."""
    known = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(min(cores or 1, round(int(quota) / int(period))), 1)
    except (OSError, ValueError):
        return cores or 1


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return the threads of a process; one that is forked off gets its own."""
    return ThreadPoolExecutor(max(threads - 1, 1), thread_name_prefix="mrsnb")
