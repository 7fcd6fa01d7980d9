"""Where compiled kernels are kept, whether they are there, and how to have them all compiled at once.

Numba keeps compiled kernels beside the modules or, where that cannot be written, in the user's cache. A stamp beside
them says that all that level 3 needs is compiled; its name depends on all that compiled kernels depend on. Kernels of
other sources are never loaded, see `mrsnb.kernels.jit`. Numba is not imported here: to look costs a millisecond.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha1, sha256
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import perf_counter
from typing import NamedTuple

from mrsnb.errors import OutputError
from mrsnb.kernels.threads import go_on, n_threads

log = logging.getLogger(__name__)

GROUPS = (
    "traces",
    "replacements",
    "outliers",
    "geometry",
    "official",
    "cubes",
    "spectra",
    "sources",
    "differences",
    "covariances",
    "points",
    "fringes",
    "regions",
    "backgrounds",
    "matching",
)
"""Names of `mrsnb.kernels.warmup.GROUPS`, which takes numba to be read."""

_HERE = Path(__file__).resolve().parent
_DISABLED = "NUMBA_DISABLE_JIT"


class Group(NamedTuple):
    """A group of kernels that is ready."""

    title: str
    compiled: int
    """Kernels that were not in the cache."""


def cache_folder() -> Path:
    """Return where numba keeps the compiled kernels.

    Raises
    ------
    OutputError
        If it can write to no place that it looks at.
    """
    below = f"{_HERE.name}_{sha1(str(_HERE).encode(), usedforsecurity=False).hexdigest()}"
    told = os.environ.get("NUMBA_CACHE_DIR", "")
    places = [Path(told) / below] if told else []
    places += [_HERE / "__pycache__", user_cache() / "numba" / below]
    for place in places:
        if _is_writable(place):
            return place
    tried = ", ".join(str(place.parent if place.name == below else place) for place in places)
    msg = (
        f"compiled kernels cannot be kept: none of {tried} can be written; set NUMBA_CACHE_DIR to a folder that can be"
    )
    raise OutputError(msg)


def missing(groups: Iterable[str] = GROUPS) -> tuple[str, ...]:
    """Return the groups that are not known to be compiled, what takes longest first."""
    if _is_disabled():
        return ()
    folder, asked = cache_folder(), set(groups)
    return tuple(group for group in GROUPS if group in asked and not (folder / _stamp(group)).exists())


def compile_groups(groups: Iterable[str] = GROUPS, processes: int | None = None) -> Iterator[Group]:
    """Compile the kernels that are not in the cache, in processes side by side; yield each group when it is ready.

    Parameters
    ----------
    groups : iterable of str
        Of `GROUPS`.
    processes : int, optional
        As many as there are cores if not given.

    Raises
    ------
    OutputError
        If the cache cannot be written, or a process fails, or none can be started.
    """
    folder = cache_folder()
    _refuse_inside_another_program()
    asked = set(groups)
    waiting, ready = deque(group for group in GROUPS if group in asked), Queue[Group | Exception]()
    n = len(waiting)

    def take() -> None:
        try:
            for group in _answers(waiting):
                ready.put(group)
        except Exception as error:  # noqa: BLE001 (whatever it is: somebody waits for an answer)
            ready.put(error)

    for _ in range(min(n_threads() if processes is None else processes, n)):
        Thread(target=take, daemon=True).start()
    try:
        for _ in range(n):
            group = _next(ready)
            if isinstance(group, Exception):
                msg = f"kernels could not be compiled into {folder}: {group}"
                raise OutputError(msg)
            if not _is_disabled():
                _leave_stamp(folder, group.title)
            yield group
    finally:
        waiting.clear()


def compile_missing(
    groups: Iterable[str] = GROUPS,
    say: Callable[[str], None] = log.info,
    follow: Callable[[Iterator[Group], int], Iterable[Group]] = lambda ready, _: ready,
) -> None:
    """Compile what is not in the cache, if this is the first time since mrsnb was installed; never fails.

    Parameters
    ----------
    groups : iterable of str
        What is needed, of `GROUPS`.
    say : callable
        Told in one line why it takes a while.
    follow : callable
        Shows how far it is: gets the groups as they are ready, and how many, and gives them back.
    """
    try:
        wanted = missing(groups)
        if not wanted:
            return
        say("compiling kernels, once for this installation")
        start = perf_counter()
        deque(follow(compile_groups(wanted), len(wanted)), maxlen=0)
    except (OutputError, OSError) as error:
        log.warning("%s; they are compiled when they are needed", error)
    else:
        log.info("kernels compiled in %.1f s", perf_counter() - start)


def _next(ready: "Queue[Group | Exception]") -> Group | Exception:
    """Return what comes next, unless it is not waited for any more; what is being compiled then goes into the cache."""
    while True:
        go_on()
        with suppress(Empty):
            return ready.get(timeout=0.1)


def _answers(waiting: "deque[str]") -> Iterator[Group]:
    """Have a process of its own call one waiting group after the other; yield each when it is ready."""
    found = str(_HERE.parents[1])
    path = os.pathsep.join([found, *filter(None, [os.environ.get("PYTHONPATH")])])
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "mrsnb.kernels.warmup"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,  # what a process that fails did not take is not sent again
            env=os.environ | {"PYTHONPATH": path},
        ) as process,
    ):
        if process.stdin is None or process.stdout is None:
            return
        while waiting:
            try:
                name = waiting.popleft()
            except IndexError:  # another thread was faster
                break
            with suppress(BrokenPipeError):
                process.stdin.write(f"{name}\n".encode())
            answer = process.stdout.readline().split()
            if len(answer) != 2:
                process.wait()
                errors.seek(0)
                said = errors.read().decode(errors="replace").split("\n")
                raise RuntimeError(next((line for line in reversed(said) if line.strip()), "the process ended"))
            yield Group(answer[0].decode(), int(answer[1]))


def _refuse_inside_another_program() -> None:
    if not sys.executable or getattr(sys, "frozen", False):
        msg = "kernels cannot be compiled ahead: this Python is part of another program"
        raise OutputError(msg)


def _is_disabled() -> bool:
    return os.environ.get(_DISABLED, "0") not in {"", "0"}


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def user_cache() -> Path:
    """Return the folder of a user's caches, where the system has it."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def _leave_stamp(folder: Path, group: str) -> None:
    """Note that a group is compiled; of other sources it is no more."""
    stamp = _stamp(group)
    for old in folder.glob("mrsnb-*.warm"):
        if old.name.split("-")[1] != stamp.split("-")[1]:
            old.unlink(missing_ok=True)
    (folder / stamp).touch()


@cache
def _stamp(group: str) -> str:
    """Return the name of the file that says that a group is compiled: for these sources, and for this machine.

    Machines of several kinds, and several versions of Python, may share a folder.
    """
    return f"mrsnb-{digest_of_sources()}-{_digest(_machine())}-{group}.warm"


def digest_of_sources() -> str:
    """Return what changes when the source of any kernel does."""
    return _digest(_sources())


def _digest(parts: Iterable[bytes]) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _sources() -> list[bytes]:
    return [source.read_bytes() for source in sorted(_HERE.glob("*.py"))]


def _machine() -> list[bytes]:
    """Return what compiled kernels depend on beside their sources: Python, numba, and the processor.

    Not the processor if numba is told to compile for another, as it is for images that run anywhere. Times count in
    whole seconds: images keep no more.
    """
    parts = [sys.version.encode(), _architecture() if _is_told_processor() else _processor()]
    parts += [os.environ.get(name, "").encode() for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT")]
    for library in ("numba", "llvmlite"):
        found = find_spec(library)
        if found is not None and found.origin is not None:
            installed = Path(found.origin).stat()
            parts.append(f"{found.origin} {int(installed.st_mtime)} {installed.st_size}".encode())
    return parts


def _is_told_processor() -> bool:
    """Return whether numba compiles for a processor that is named, whatever the one that is there."""
    name = os.environ.get("NUMBA_CPU_NAME", "").lower()
    return name == "generic" or (name != "" and os.environ.get("NUMBA_CPU_FEATURES") is not None)


def _architecture() -> bytes:
    return os.uname().machine.encode() if hasattr(os, "uname") else b""


def _processor() -> bytes:
    """Return what tells kinds of processors apart."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().split(b"\n\n", 1)[0].splitlines()
    except OSError:
        return " ".join(os.uname()).encode() if hasattr(os, "uname") else b""
    return b"\n".join(sorted(line for line in lines if line.startswith((b"model name", b"flags", b"Features", b"CPU"))))
