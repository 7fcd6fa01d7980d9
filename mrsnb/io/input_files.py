"""Files as people and papermill name them: one, several, or a pattern."""

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from mrsnb.errors import InputError, ParamError
from mrsnb.io.places import home
from mrsnb.io.yaml_text import read_yaml

_WANTED = "an association, a file, a pattern such as 'in/*_cal.fits', or a list of files"


def listed_files(files: Any) -> tuple[Path, ...]:
    """Return the files that are meant.

    Parameters
    ----------
    files : str, Path or sequence of such
        A file; a pattern with ``*`` and ``?``; several; or a list of them as text, which is what ``papermill -p`` makes
        of it: ``"[a.fits, b.fits]"``.

    Raises
    ------
    ParamError
        If it is nothing of the kind.
    InputError
        If a pattern has no file, or there is a folder in its place.

    Examples
    --------
    >>> [path.name for path in listed_files("[a.fits, 'b c.fits']")]
    ['a.fits', 'b c.fits']
    """
    if isinstance(files, str) and files.lstrip().startswith("["):
        files = _parsed(files)
    several = files if isinstance(files, Sequence) and not isinstance(files, str) else [files]
    found = [path for one in several for path in _matching(one)]
    if not found:
        msg = f"files = {files!r}: none given; give {_WANTED}"
        raise ParamError(msg)
    return tuple(found)


def _parsed(text: str) -> Any:
    try:
        value = read_yaml(text)
    except ValueError:
        value = None
    if not isinstance(value, list):
        msg = f"files = {text!r}: not a list; give it as [a.fits, b.fits]"
        raise ParamError(msg)
    return value


def _matching(name: Any) -> list[Path]:
    if not isinstance(name, str | Path) or not str(name).strip():
        msg = f"files = {name!r}: must be {_WANTED}"
        raise ParamError(msg)
    path = home(name)
    if path.is_dir():
        msg = f"{path}: a folder; give its files, as '{path / '*.fits'}'"
        raise InputError(msg)
    if path.exists() or not has_magic(str(name)):
        return [path]
    paths = sorted(Path(match) for match in glob(str(path)))  # noqa: PTH207 (patterns may be absolute)
    if not paths:
        msg = f"{path}: no such files" + ("" if path.is_absolute() else f" in {Path.cwd()}")
        raise InputError(msg)
    return paths
