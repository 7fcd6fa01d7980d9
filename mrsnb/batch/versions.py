"""Whether another machine has the versions of the command, so that its results would be the same."""

import socket
from collections.abc import Mapping
from pathlib import Path

from mrsnb.errors import MrsnbError
from mrsnb.io.versions import versions


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
