"""Ask the archive of the observatory (MAST) which level-2b exposures of the MRS it has, through astroquery."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mrsnb.errors import InputError

_NAME = re.compile(
    r"jw(?P<program>\d{5})(?P<observation>\d{3})\d{3}_\w+_mirifu(?:short|long)_(?P<suffix>cal|x1d)\.fits"
)
_OBSERVATION = re.compile(r"jw\d{5}(?:-o)?(\d{3})")
_AT_ONCE = 5
"""Observations whose files are asked for together; more take the archive too long."""


@dataclass(frozen=True, kw_only=True)
class ArchiveFile:
    """A file in the archive.

    Parameters
    ----------
    name : str
        Of the file.
    url : str
        Where it can be had.
    size : int or None
        In bytes, if the archive says it.
    checksum : str or None
        Such as ``"md5:..."``, if the archive says it.
    is_public : bool
        False if it needs a token.
    """

    name: str
    url: str
    size: int | None = None
    checksum: str | None = None
    is_public: bool = True

    @property
    def exposure(self) -> str:
        """The exposure that it belongs to: its name without the suffix."""
        return self.name.rpartition("_")[0]

    @property
    def suffix(self) -> str:
        """``"cal"`` or ``"x1d"``."""
        return self.name.rpartition("_")[2].partition(".")[0]


def find_files(program: int, observations: Sequence[int] = ()) -> tuple[ArchiveFile, ...]:
    """Return the calibrated exposures of the MRS in a program and their spectra, by name.

    Parameters
    ----------
    program : int
        Number of the program, such as 1328.
    observations : sequence of int
        Numbers of the observations wanted; all if empty.

    Raises
    ------
    InputError
        If astroquery is missing, the archive cannot be reached, or has none.
    """
    service, server = _astroquery()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = list(_rows(service, program, observations))
    except Exception as error:
        said = " ".join(str(error).split())[:160] or type(error).__name__
        reason = f"no connection to {server}" if isinstance(error, OSError) else said
        msg = f"program {program}: the archive cannot be asked: {reason}; check the network, or try again later"
        raise InputError(msg) from error
    files = {}
    for row in rows:
        name = str(row["productFilename"])
        found = _NAME.fullmatch(name)
        wanted = found and int(found["program"]) == program
        if found and wanted and (not observations or int(found["observation"]) in observations):
            files[name] = _file(row, name, server)
    if not any(file.suffix == "cal" for file in files.values()):
        asked = f", observation {', '.join(map(str, observations))}" if observations else ""
        msg = f"program {program}{asked}: the archive has no calibrated exposures of the MRS; check the numbers"
        raise InputError(msg)
    return tuple(files[name] for name in sorted(files))


def _astroquery() -> tuple[Any, str]:
    """Return the service for observations, and the address of the archive."""
    try:
        from astroquery.mast import Observations, conf
    except ImportError:
        msg = "the package 'astroquery' is not installed: pip install 'mrsnb[archive]'"
        raise InputError(msg) from None
    return Observations, str(conf.server)


def _rows(service: Any, program: int, observations: Sequence[int]) -> Iterator[Any]:
    """Yield the files of all observations of a program that may hold what is wanted."""
    numbers = [str(program), f"{program:05d}"]
    table = service.query_criteria(obs_collection="JWST", instrument_name="MIRI/IFU", proposal_id=numbers)
    if len(table) == 0:
        return
    wanted = [i for i, name in enumerate(table["obs_id"]) if _may_hold(str(name), observations)]
    for start in range(0, len(wanted), _AT_ONCE):
        yield from service.get_product_list(table[wanted[start : start + _AT_ONCE]])


def _may_hold(name: str, observations: Sequence[int]) -> bool:
    number = _OBSERVATION.match(name)
    return not observations or number is None or int(number[1]) in observations


def _file(row: Any, name: str, server: str) -> ArchiveFile:
    size, rights = _value(row, "size"), _value(row, "dataRights")
    digest = _value(row, "md5sum")
    return ArchiveFile(
        name=name,
        url=f"{server}/api/v0.1/Download/file?uri={quote(str(row['dataURI']), safe=':/')}",
        size=None if size is None else int(size),
        checksum=None if digest is None else f"md5:{digest}",
        is_public=rights is None or str(rights).upper() == "PUBLIC",
    )


def _value(row: Any, column: str) -> Any:
    """Return a cell of a table; None if there is no such column, or it is masked or empty."""
    if column not in row.colnames:
        return None
    value = row[column]
    return None if getattr(value, "mask", False) is not False or str(value) in ("", "--") else value
