"""Files that a process is using are pinned: no other process removes them from a cache."""

import os
from pathlib import Path
from threading import Lock

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed
    fcntl = None  # type: ignore[assignment]

_pinned: dict[Path, int] = {}
_changing = Lock()


def pin(path: Path) -> None:
    """Pin a file, made if it is missing, until this process ends; the operating system lets go of it then."""
    with _changing:
        known = _pinned.get(path)
        if known is not None and _is_there(path, known):
            return
        if known is not None:
            os.close(_pinned.pop(path))
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_SH)
            if _is_there(path, file):  # else it was removed before it was pinned
                _pinned[path] = file
                return
            os.close(file)


def removed_unless_pinned(path: Path, *others: Path) -> bool:
    """Remove others and then a file, unless a process, this one or another, has pinned that; return whether it went."""
    with _changing:
        if path in _pinned or fcntl is None:
            return False
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for other in (*others, path):
                other.unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(file)
        return True


def _is_there(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except OSError:
        return False
