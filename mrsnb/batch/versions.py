"""What the results of jobs depend on beside what they read: mrsnb as it is on this machine, and its libraries."""

import socket
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from mrsnb.errors import MrsnbError
from mrsnb.io.provenance import software

SOURCE = "source of mrsnb"


@cache
def versions() -> dict[str, str]:
    """Return the version of all that numbers depend on; mrsnb's own files, which may be edited, as a digest."""
    return software() | {SOURCE: digest(Path(__file__).resolve().parents[1])}


def digest(package: Path) -> str:
    """Return what says that the files of a package are these: code and data, but for what is made of them.

    Its folder ``notebooks``, which a source tree has elsewhere, is left out.
    """
    made = sha256()
    for path in sorted(package.rglob("*")):
        place = path.relative_to(package)
        is_made = any(part == "__pycache__" or part.startswith(".") for part in place.parts)
        if not is_made and place.parts[0] != "notebooks" and path.is_file():
            content = path.read_bytes()
            made.update(f"{place.as_posix()}\0{len(content)}\0".encode() + content)
    return made.hexdigest()[:16]


def difference(there: Mapping[str, str], command: Mapping[str, str]) -> str | None:
    """Return what another machine has otherwise than the command, in words; None if it is nothing.

    Examples
    --------
    >>> difference({"numpy": "2.3"}, {"numpy": "2.4"})
    'has numpy 2.3 where the command has 2.4'
    """
    for name in {**command, **there}:
        its, ours = there.get(name, "none"), command.get(name, "none")
        if its != ours:
            return f"has {name} {its} where the command has {ours}"
    return None


def check_here(command: Mapping[str, str], folder: Path) -> None:
    """Refuse to work on a machine where the result would not be the same, or not be found.

    Parameters
    ----------
    command : mapping of str to str
        Versions where the command runs.
    folder : Path
        Where the result is to be.

    Raises
    ------
    MrsnbError
        Saying why.
    """
    host = socket.gethostname()
    if (other := difference(versions(), command)) is not None:
        msg = f"{host} {other}; install the same on all machines"
        raise MrsnbError(msg)
    if not folder.is_dir():
        msg = f"{host} does not see {folder}; all machines need the same directories"
        raise MrsnbError(msg)
