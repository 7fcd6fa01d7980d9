"""Watch the process of a job: how much it takes, and end it if that is too much or nobody wants it any more."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import psutil

INTERVAL = 0.2
"""Seconds between two looks."""

STOP_INTERVAL = 0.6
"""Seconds between two questions whether to stop, which reads a file, perhaps over a network."""


class Watch:
    """Watches the process that `begin` names, and all it starts, until the ``with`` block ends.

    Parameters
    ----------
    timeout : float, optional
        Seconds that it may take, from the beginning of the block.
    memory_limit : int, optional
        Bytes of resident memory that its processes may hold together.
    wanted : callable
        Returns whether the result is still wanted.

    Attributes
    ----------
    why : str or None
        Why it was ended, if it was.
    stopped : bool
        True if it was ended as nobody wanted it.
    peak_memory : int
        Bytes.
    cpu_seconds, seconds : float
    """

    def __init__(self, timeout: float | None, memory_limit: int | None, wanted: Callable[[], bool]) -> None:
        self._timeout, self._memory_limit, self._wanted = timeout, memory_limit, wanted
        self._end = threading.Event()
        self._start = self._asked = monotonic()
        self.why: str | None = None
        self.stopped = False
        self.peak_memory, self.cpu_seconds, self.seconds = 0, 0.0, 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._start = self._asked = monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        self.seconds = monotonic() - self._start

    def begin(self, process: int) -> None:
        """Watch the process of this number from now on."""
        with suppress(psutil.Error):
            self._thread = threading.Thread(target=self._watch, args=(psutil.Process(process),), daemon=True)
            self._thread.start()

    def _watch(self, process: psutil.Process) -> None:
        while not self._end.wait(INTERVAL):
            with suppress(psutil.Error):
                self._look(process)
            self._judge()
            if self.why is not None or self.stopped:
                _kill(process)
                return

    def _look(self, process: psutil.Process) -> None:
        with process.oneshot():
            memory = process.memory_info().rss
            times = process.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        for child in _descendants(process):
            with suppress(psutil.Error):
                memory += child.memory_info().rss
                cpu += sum(child.cpu_times()[:2])
        self.cpu_seconds = max(self.cpu_seconds, cpu)
        self.peak_memory = max(self.peak_memory, memory, _high_water(process.pid))

    def _judge(self) -> None:
        limit, timeout, now = self._memory_limit, self._timeout, monotonic()
        if limit is not None and self.peak_memory > limit:
            self.why = f"it held {self.peak_memory / 1e6:.0f} MB; the limit of memory is {limit / 1e6:.0f} MB"
        elif timeout is not None and now - self._start > timeout:
            self.why = f"it took more than {timeout:g} s, the limit of time"
        elif now - self._asked > STOP_INTERVAL:
            self._asked = now
            self.stopped = not self._wanted()


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all that a process has started; Linux may know without a look at every process of the machine."""
    tasks = Path(f"/proc/{process.pid}/task")
    try:
        texts = [(task / "children").read_text(encoding="ascii") for task in tasks.iterdir()]
    except OSError:
        return list(process.children(recursive=True))
    found = []
    for number in " ".join(texts).split():
        with suppress(psutil.Error):
            child = psutil.Process(int(number))
            found += [child, *_descendants(child)]
    return found


def _high_water(process: int) -> int:
    """Return the largest memory that a process ever held, in bytes, where the system knows; looks miss short peaks."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def _kill(process: psutil.Process) -> None:
    """End a process and all it has started, at once."""
    with suppress(psutil.Error):
        for one in (*_descendants(process), process):
            with suppress(psutil.Error):
                one.kill()
