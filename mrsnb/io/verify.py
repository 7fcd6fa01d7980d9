"""Whether files are as they were written: their checksums."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError
from mrsnb.io.checksum import hdus_of, is_intact
from mrsnb.io.places import home
from mrsnb.io.unpacking import unpacked

State = Literal["intact", "damaged", "without checksums"]
_ENDINGS = (".fits", ".fits.gz")


@dataclass(frozen=True)
class VerifiedFile:
    """A file, and what its checksums say.

    Parameters
    ----------
    path : Path
    state : str
        ``"intact"``, ``"damaged"`` or ``"without checksums"``, which those of jwst are.
    n_parts : int
        Parts of the file with a checksum that is right.
    remark : str
        What is wrong.
    """

    path: Path
    state: State
    n_parts: int = 0
    remark: str = ""


@dataclass(frozen=True)
class Verification(Shown):
    """Files whose checksums were looked at.

    Parameters
    ----------
    files : tuple of VerifiedFile
    """

    files: tuple[VerifiedFile, ...]

    @property
    def is_intact(self) -> bool:
        """True if no file is damaged."""
        return not self.having("damaged")

    def having(self, state: State) -> list[VerifiedFile]:
        """Return the files of a state."""
        return [file for file in self.files if file.state == state]

    @property
    def title(self) -> str:
        """What it is."""
        return f"{len(self.files)} files: " + ("none is damaged" if self.is_intact else "DAMAGED")

    def rows(self) -> list[Row]:
        """Return how many there are of each state."""
        states: tuple[State, ...] = ("intact", "damaged", "without checksums")
        return [Row(state, str(len(self.having(state))), "files") for state in states if self.having(state)]

    def table(self) -> Table:
        """Return one line for each file, damaged ones first."""
        order = sorted(self.files, key=lambda file: (file.state != "damaged", file.path))
        cells = [(file.path.name, file.state, str(file.n_parts), file.remark) for file in order]
        return Table(["file", "state", "parts", "remark"], cells)

    def sections(self) -> list[Section]:
        """Return the files."""
        return [Section("files", self.table(), open=not self.is_intact)] if self.files else []

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def verify(places: Path | str | Iterable[Path | str]) -> Verification:
    """Look at the checksums of FITS files.

    Parameters
    ----------
    places : Path, str or several of them
        Files, or folders whose FITS files are meant.

    Raises
    ------
    InputError
        If there is no such file or folder, no FITS file in a folder, or no user of the name after ``~``.

    Examples
    --------
    >>> verify("out").is_intact
    True

    Notes
    -----
    Every file that mrsnb writes has CHECKSUM and DATASUM in each part (FITS standard 4.0, 4.4.2.7). They
    cannot tell that whole parts at the end of a file are missing.
    """
    given = [places] if isinstance(places, Path | str) else places
    return Verification(tuple(_verified(path) for place in given for path in _files(home(place))))


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        if not place.exists():
            msg = f"{place}: there is no such file or folder"
            raise InputError(msg)
        return [place]
    found = sorted(path for path in place.iterdir() if path.name.endswith(_ENDINGS) and path.is_file())
    if not found:
        msg = f"{place}: no FITS files in this folder; give the folder of the products"
        raise InputError(msg)
    return found


def _verified(path: Path) -> VerifiedFile:
    intact = 0
    try:
        with unpacked(path) as file:
            for hdu in hdus_of(file):
                match is_intact(file, hdu):
                    case True:
                        intact += 1
                    case False:
                        return VerifiedFile(path, "damaged", intact, f"{hdu.name} is not as it was written")
    except (InputError, OSError, EOFError, ValueError, zlib.error) as error:
        return VerifiedFile(path, "damaged", intact, str(getattr(error, "strerror", None) or error))
    return VerifiedFile(path, "intact" if intact else "without checksums", intact)
