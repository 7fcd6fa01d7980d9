"""Files that a process is using are pinned: no other process removes them from a cache.

On a file system without locks, or in a folder of somebody else, nothing is pinned, and nothing removed.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from mrsnb.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}

_pinned: dict[Path, int] = {}
_changing = Lock()


def pin(path: Path) -> None:
    """Pin a file, made if it is missing, until this process ends; the operating system lets go of it then.

    Raises
    ------
    InputError
        If it cannot be made, or more files would be open than a process may have.
    """
    with _changing:
        known = _pinned.get(path)
        if known is not None and is_there(path, known):
            return
        if known is not None:
            os.close(_pinned.pop(path))
        while True:
            file = _opened(path)
            if file is None:
                return
            lock(file)
            if is_there(path, file):  # else it was removed before it was pinned
                _pinned[path] = file
                return
            os.close(file)


def _opened(path: Path) -> int | None:
    """Return an open file, made if it is missing; None if it is there and only for somebody else."""
    for more in (True, False):
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if isinstance(error, PermissionError) and path.exists():
                with suppress(OSError):
                    return os.open(path, os.O_RDONLY)
                return None
            if error.errno == errno.EMFILE and more and _more_files():
                continue
            what = "too many files are open; see ulimit -n" if error.errno == errno.EMFILE else error.strerror
            msg = f"{path}: cannot be pinned: {what}"
            raise InputError(msg) from None
    return None


def _more_files() -> bool:
    """Have as many files open as this process may allow itself; return whether these are more."""
    try:
        import resource
    except ImportError:
        return False
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] != soft


def lock(file: int) -> None:
    """Pin an open file as long as it is open."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            os.close(file)
            raise


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


def is_there(path: Path, file: int) -> bool:
    """Return whether an open file still has its name."""
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except OSError:
        return False
