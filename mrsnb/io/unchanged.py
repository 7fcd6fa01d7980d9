"""Whether a file is still the one that was read: what is opened, hashed and loaded at different times must be one."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mrsnb.errors import InputError


class Version(NamedTuple):
    """What changes when a file does; it is only compared, so clocks need not be right."""

    size: int
    """Bytes."""
    changed: int
    """Time of the last change of its content, ns, which anybody can set."""
    touched: int
    """Time of the last change of whatever, ns, which the system sets."""
    number: int
    """That the file system gave it: another one in its place has another."""


def version_of(status: os.stat_result) -> Version:
    """Return the version of an open file, or one that was looked at."""
    return Version(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def version_at(path: Path) -> Version:
    """Return the version of the file at a path.

    Raises
    ------
    InputError
        If there is none any more.
    """
    try:
        return version_of(path.stat())
    except OSError as error:
        msg = f"{path}: cannot be read any more ({error.strerror or error}); was it moved during the run?"
        raise InputError(msg) from None


def versions_at(paths: Iterable[Path]) -> dict[Path, Version | None]:
    """Return the versions of files, None of those that are not there, which whoever reads them will say."""
    return {path: version_of(path.stat()) if path.is_file() else None for path in paths}


def refuse_changed(before: Mapping[Path, Version | None]) -> None:
    """Refuse files that are not what they were.

    Raises
    ------
    InputError
        With the name of the first.
    """
    for path, version in before.items():
        if version is not None and version_at(path) != version:
            raise changed(path)


def changed(path: Path) -> InputError:
    """Return what to raise of a file that is not what it was."""
    return InputError(f"{path}: has changed since it was opened; open it again (or run again)")
