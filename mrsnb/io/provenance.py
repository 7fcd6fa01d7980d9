"""Where a product comes from: software, parameters, references, inputs; stated in its header and its ASDF tree.

The provenance that products carry as ``history`` is a plain dictionary: ``software`` (name to version),
``parameters`` (step to values as run), ``references`` (kind to source), ``inputs`` (file name to checksum). Any other
key is written as well.
"""

import hashlib
import platform
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mrsnb.errors import InputError
from mrsnb.io.headers import printable

_PACKAGES = ("numpy", "scipy", "numba", "astropy", "gwcs", "asdf", "stdatamodels", "photutils")
_WIDTH = 72


@cache
def software() -> dict[str, str]:
    """Return the versions of mrsnb, of Python and of the libraries that numbers depend on."""
    from mrsnb import __version__

    found = {"mrsnb": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def checksum(path: Path | str) -> str:
    """Return ``"sha256:"`` and the digest of a file, in hexadecimal.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(msg) from None


def source_of(path: Path | str) -> str:
    """Return the name of a file and the beginning of its checksum, as products state their references."""
    return f"{Path(path).name} ({checksum(path)[:19]})"


def history_lines(history: Mapping[str, Any]) -> list[str]:
    """Return `history` as lines of at most 72 printable characters, for HISTORY cards.

    Examples
    --------
    >>> history_lines({"software": {"mrsnb": "1.0"}, "parameters": {"cube_build": {"weighting": "drizzle"}}})
    ['software: mrsnb = 1.0', 'parameters: cube_build.weighting = drizzle']
    """
    lines: list[str] = []
    for key, value in history.items():
        text = printable(f"{key}: " + ", ".join(f"{name} = {item}".removeprefix(" = ") for name, item in _flat(value)))
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    return lines


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}".removeprefix("."))
    else:
        yield name, value
