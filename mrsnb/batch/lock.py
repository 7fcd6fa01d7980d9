"""One command at a time writes to an output directory, and its jobs, wherever they run, see when it has ended."""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from mrsnb.errors import OutputError
from mrsnb.io.json_text import read_json

try:
    import fcntl
except ImportError:  # Windows, where nothing keeps two commands apart
    fcntl = None  # type: ignore[assignment]

LOCK = ".mrsnb-batch.lock"

LATE = 5
"""Seconds after which a file system of a network shows a new lock to all machines."""

FAILURES = 6
"""How often in a row a lock cannot be read, half a second apart, until it counts as gone."""

ENDING = 10
"""Seconds that work on other machines has to see that it is not wanted any more."""

_PAUSE = 0.5


@dataclass(frozen=True)
class Hold:
    """An output directory that is held by this process.

    Parameters
    ----------
    token : str
        What its jobs are told.
    file : int
        The open lock.
    """

    token: str
    file: int

    def stop(self) -> None:
        """Let the jobs see that their results are not wanted any more; the directory is still held."""
        os.ftruncate(self.file, 0)
        os.fsync(self.file)


@contextmanager
def held(folder: Path) -> Iterator[Hold]:
    """Hold `folder` for one command.

    The operating system lets go of it when the process ends, however it ends.

    Raises
    ------
    OutputError
        If another command holds it, or nothing can be written there.
    """
    path = folder / LOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        why = f"{LOCK} is a link; remove it" if path.is_symlink() else error.strerror or error
        msg = f"{folder}: cannot be written: {why}, or choose another --output-dir"
        raise OutputError(msg) from None
    try:
        _take(file, path)
        token = secrets.token_hex(8)
        facts = {"token": token, "process": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(facts).encode(), 0)
        os.fsync(file)
        try:
            yield Hold(token, file)
        finally:
            with suppress(OSError):
                path.unlink()
    finally:
        os.close(file)


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


def _take(file: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    except OSError:  # a file system without locks
        return
    else:
        if path.exists() and os.fstat(file).st_ino == path.stat().st_ino:
            return  # else who had it has just removed it
    facts: dict[str, str] = {}
    with suppress(OSError, ValueError):
        facts = _facts(path)
    who = f" (process {facts['process']} on {facts['host']})" if {"process", "host"} <= set(facts) else ""
    msg = f"{path.parent}: another command{who} is at work there; wait for it, or choose another --output-dir"
    raise OutputError(msg)


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
