"""Write a file whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from mrsnb.errors import OutputError
from mrsnb.io.pins import is_there, lock, removed_unless_pinned
from mrsnb.io.places import address_of, home
from mrsnb.kernels.threads import go_on

_OURS, _END = ".mrsnb-", ".tmp"
_RENAMES_OPEN = os.name != "nt"

_REMEDY = {
    errno.ENOSPC: "the disk is full; free some space or choose another --output-dir",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another --output-dir",
    errno.EACCES: "no permission to write there; choose another --output-dir",
    errno.EPERM: "no permission to write there; choose another --output-dir",
    errno.EROFS: "the file system is read-only; choose another --output-dir",
    errno.ENOENT: "the directory does not exist; make it first",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.EFBIG: "the file would be larger than the file system, or 'ulimit -f', allows",
    errno.EISDIR: "a directory of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long for this file system; shorten the product name",
}


@contextmanager
def atomic_write(path: Path | str, *, sync: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that appears at `path` only when it is complete.

    The bytes go to a temporary file in the same directory, which takes the place of `path` after it has reached the
    disk. If anything fails, the temporary file is removed and what was at `path` stays as it was.

    Parameters
    ----------
    path : Path or str
        Where the file will be.
    sync : bool
        False for what is written often and can be lost in a power failure: it does not wait for the disk.

    Yields
    ------
    file object
        Open for binary writing and reading; nothing but that may happen inside.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    go_on()
    path = Path(path)
    if "\0" in str(path) or not path.name:
        msg = f"{str(path)!r} is not a file name"
        raise OutputError(msg)
    temporary = path.parent / f"{_OURS}{secrets.token_hex(8)}{_END}"
    try:
        with _removed_on_failure(temporary):
            with open(temporary, "w+b", opener=_new) as file:
                yield file
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                if _RENAMES_OPEN:  # it is nobody else's until it has its name
                    temporary.replace(path)
            if not _RENAMES_OPEN:
                temporary.replace(path)
        if sync:
            _sync_folder(path.parent)
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path | str, error: OSError) -> OutputError:
    """Return what to raise when the system refuses to write a file, or a folder: the reason and the remedy.

    Examples
    --------
    >>> print(not_written("out/a.fits", OSError(errno.ENOSPC, "No space left on device")))
    out/a.fits: cannot be written: the disk is full; free some space or choose another --output-dir
    """
    remedy = _REMEDY.get(error.errno or 0, error.strerror or str(error))
    return OutputError(f"{path}: cannot be written: {remedy}")


@contextmanager
def scratch_folder(folder: Path, prefix: str = ".mrsnb-") -> Iterator[Path]:
    """Make a folder for arrays that do not fit into memory; it is removed at the end, however that comes.

    Parameters
    ----------
    folder : Path
        Where it is made.
    prefix : str
        Beginning of its name.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        scratch = TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise not_written(folder, error) from error
    with scratch as path:
        yield Path(path)


def write_bytes(path: Path | str, content: bytes) -> Path:
    """Write a file whole or not at all, and return its path.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = home(path)
    with atomic_write(path) as file:
        file.write(content)
    return path


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _new(path: str, flags: int) -> int:
    """Open a new file, which `clear_unfinished` leaves alone as long as it is open."""
    while True:
        file = os.open(path, flags | os.O_EXCL, 0o666)
        lock(file)
        if is_there(Path(path), file):
            return file
        os.close(file)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk, where the system can do that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def clear_unfinished(folder: Path) -> None:
    """Remove the temporary files in `folder` that nobody is writing any more, since their process was killed."""
    for path in folder.glob(f"{_OURS}*{_END}"):
        removed_unless_pinned(path)


def output_folder(path: Path | str) -> Path:
    """Return the directory `path` for products, made if it is missing.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    address = address_of(path)
    if address is not None:
        msg = (
            f"output directory {address}: the commands spec3 and batch write to stores; "
            "in Python, write to the folder of 'with mrsnb.io.storage.delivered(ADDRESS) as there: there.folder'"
        )
        raise OutputError(msg)
    folder = home(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"output directory {folder}: cannot be made: {error.strerror or error}"
        raise OutputError(msg) from None
    return folder
