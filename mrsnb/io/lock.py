"""One run at a time writes to an output directory, and its parts, wherever they run, see when it has ended."""

import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from mrsnb.errors import OutputError
from mrsnb.io.json_text import read_json
from mrsnb.kernels.threads import go_on

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two runs apart
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

LOCK = ".mrsnb-lock"

LATE = 5
"""Seconds after which a file system of a network shows a new lock to all machines."""

FAILURES = 6
"""How often in a row a lock cannot be read, half a second apart, until it counts as gone."""

ENDING = 10
"""Seconds that work on other machines has to see that it is not wanted any more."""

_PAUSE = 0.5


_mine: dict[Path, "Hold"] = {}
"""What this process holds, by the place of the lock."""
_changing = threading.Lock()


@dataclass(eq=False)
class Hold:
    """An output directory that is held by this process.

    Parameters
    ----------
    folder : Path
        The directory.
    token : str
        What its parts are told.
    file : int
        The open lock.
    is_alone : bool
        False on a file system without locks, where others may be at work as well.
    """

    folder: Path
    token: str
    file: int
    is_alone: bool = True
    _thread: threading.Thread = field(default_factory=threading.current_thread, repr=False)
    _is_left: bool = field(default=False, repr=False)
    _is_over: bool = field(default=False, repr=False)

    def stop(self) -> None:
        """Let the parts see that their results are not wanted any more; the directory is still held."""
        if not self._is_over:
            os.ftruncate(self.file, 0)
            os.fsync(self.file)

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the run in the middle, as a generator does when it yields; a later run of this thread may begin.

        Raises
        ------
        OutputError
            If one did.
        """
        before, self._is_left = self._is_left, True
        try:
            yield
        finally:
            self._is_left = before
        if self._is_over:
            msg = f"{self.folder}: a later run has begun there; this one was left in the middle, and has ended"
            raise OutputError(msg)

    def end(self) -> None:
        """Let go of the directory; nothing happens when that was done before."""
        with _changing:
            if self._is_over:
                return
            self._is_over = True
            place = _place(self.folder)
            if _mine.get(place) is self:
                del _mine[place]
            with suppress(OSError):
                (self.folder / LOCK).unlink()
            os.close(self.file)

    @property
    def is_left(self) -> bool:
        """True if it is that of a run which was left in the middle."""
        return self._is_left

    def is_abandoned(self) -> bool:
        """Return whether nobody can be at work: it was left in the middle, and whoever left it does something else."""
        return self._is_left and (self._thread is threading.current_thread() or not self._thread.is_alive())


@contextmanager
def held(folder: Path, patience: float = 0.0, *, joins: bool = False) -> Iterator[Hold]:
    """Hold `folder` for one run.

    The operating system lets go of it when the process ends, however it ends. What this thread held and left in the
    middle, as a loop over results that was interrupted, is taken over.

    Parameters
    ----------
    folder : Path
        A directory that exists.
    patience : float
        Seconds to wait for another run to end.
    joins : bool
        Be part of what this thread has left in the middle, instead of taking over.

    Raises
    ------
    OutputError
        If another run holds it, or nothing can be written there.
    """
    before = _mine.get(_place(folder))
    if before is not None and before.is_abandoned():
        if joins:
            yield before
            return
        before.end()
    file, is_alone = _taken(folder, patience)
    hold = Hold(folder, secrets.token_hex(8), file, is_alone)
    try:
        with _changing:
            _mine[_place(folder)] = hold
        facts = {"token": hold.token, "process": os.getpid(), "host": socket.gethostname()}
        with _said(folder):
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(facts).encode(), 0)
            os.fsync(file)
        yield hold
    finally:
        hold.end()


@contextmanager
def stopped_on_failure(hold: Hold) -> Iterator[None]:
    """Let what runs see that it is not wanted any more, if the block is left early."""
    try:
        yield
    except BaseException:
        hold.stop()
        raise


def is_held(folder: Path, token: str, patience: float = 0.0) -> bool:
    """Return whether the command that was given `token` still holds `folder`.

    Parameters
    ----------
    folder : Path
    token : str
    patience : float
        Seconds for which a no is not believed.
    """
    end, failures = monotonic() + patience, 0
    while failures < FAILURES:
        try:
            if _facts(folder / LOCK).get("token") == token:
                return True
            if monotonic() >= end:
                return False
        except (OSError, ValueError):
            failures += 1
        sleep(_PAUSE)
    return False


def _place(folder: Path) -> Path:
    return folder.resolve() / LOCK


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = f"{LOCK} is a link; remove it" if (folder / LOCK).is_symlink() else error.strerror or error
        msg = f"{folder}: cannot be written: {why}, or choose another --output-dir"
        raise OutputError(msg) from None


def _taken(folder: Path, patience: float) -> tuple[int, bool]:
    """Return the open lock, and whether the file system has locks."""
    path, end, has_said = folder / LOCK, monotonic() + patience, False
    while True:
        with _said(folder):
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            is_free = _locked(file)
            if is_free is None:
                return file, False
            if is_free and _is_the_file(path, file):
                return file, True
        except BaseException:
            os.close(file)
            raise
        who = "" if is_free else _holder(path)
        os.close(file)
        if is_free:  # but who had it has just removed it
            continue
        if monotonic() >= end:
            msg = f"{folder}: another run{who} is at work there; wait for it, or choose another --output-dir"
            raise OutputError(msg)
        if not has_said:
            log.warning("%s: another run%s is at work there; waiting for it", folder, who)
            has_said = True
        go_on()
        sleep(_PAUSE)


def _locked(file: int) -> bool | None:
    """Lock an open file; return False if somebody else has it, None if there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _is_the_file(path: Path, file: int) -> bool:
    try:
        return os.fstat(file).st_ino == path.stat().st_ino
    except OSError:
        return False


def _holder(path: Path) -> str:
    facts: dict[str, str] = {}
    with suppress(OSError, ValueError):
        facts = _facts(path)
    if not {"process", "host"} <= set(facts):
        return ""
    where = "in this process" if _place(path.parent) in _mine else f"process {facts['process']} on {facts['host']}"
    return f" ({where})"


def _facts(path: Path) -> dict[str, str]:
    """Return what a lock says: nothing if there is none, or its command has stopped.

    Raises
    ------
    OSError, ValueError
        If that is not known.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    facts = read_json(text) if text else {}
    return facts if isinstance(facts, dict) else {}
