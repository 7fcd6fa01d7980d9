"""Whether files are as they were written: by their own checksums, and by the manifest of their directory."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError
from mrsnb.io.checksum import hdus_of, is_intact
from mrsnb.io.manifest import MANIFEST, Manifest, read_manifest
from mrsnb.io.places import home
from mrsnb.io.unpacking import unpacked

State = Literal["intact", "damaged", "changed", "missing", "without checksums"]
_BAD: tuple[State, ...] = ("damaged", "changed", "missing")
_ENDINGS = (".fits", ".fits.gz")


@dataclass(frozen=True)
class VerifiedFile:
    """A file, and what its checksums say.

    Parameters
    ----------
    path : Path
    state : str
        ``"intact"``; ``"damaged"``; ``"changed"``, if it is sound in itself but not what the manifest of its directory
        records; ``"missing"``, if only that knows of it; or ``"without checksums"``, as those of jwst are.
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
        """True if no file is damaged, changed or missing."""
        return not any(self.having(state) for state in _BAD)

    def having(self, state: State) -> list[VerifiedFile]:
        """Return the files of a state."""
        return [file for file in self.files if file.state == state]

    @property
    def title(self) -> str:
        """What it is."""
        bad = [state.upper() for state in _BAD if self.having(state)]
        return f"{len(self.files)} files: " + (", ".join(bad) if bad else "none is damaged")

    def rows(self) -> list[Row]:
        """Return how many there are of each state."""
        states: tuple[State, ...] = ("intact", *_BAD, "without checksums")
        return [Row(state, str(len(self.having(state))), "files") for state in states if self.having(state)]

    def table(self) -> Table:
        """Return one line for each file, those that are not as they were first."""
        order = sorted(self.files, key=lambda file: (file.state not in _BAD, file.path))
        cells = [(file.path.name, file.state, str(file.n_parts), file.remark) for file in order]
        return Table(["file", "state", "parts", "remark"], cells)

    def sections(self) -> list[Section]:
        """Return the files."""
        return [Section("files", self.table(), open=not self.is_intact)] if self.files else []

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def verify(places: Path | str | Iterable[Path | str]) -> Verification:
    """Look at the checksums of FITS files, and whether they are those that runs have recorded.

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
    cannot tell that whole parts at the end of a file are missing. The manifest of a directory, which runs leave, can.
    """
    given = [places] if isinstance(places, Path | str) else places
    return Verification(tuple(file for place in given for file in _verified_at(home(place))))


def _verified_at(place: Path) -> Iterator[VerifiedFile]:
    """Yield a file, or those in a folder and those that should be there."""
    if not place.exists():
        msg = f"{place}: there is no such file or folder"
        raise InputError(msg)
    folder = place if place.is_dir() else place.parent
    manifest, recorded = None, set[str]()
    try:
        manifest = read_manifest(folder)
        recorded = set() if manifest is None else set(manifest.products)
    except InputError as error:
        if place.is_dir():
            yield VerifiedFile(folder / MANIFEST, "damaged", 0, str(error).removeprefix(f"{folder / MANIFEST}: "))
    paths = [place]
    if place.is_dir():
        found = {path.name for path in place.iterdir() if path.name.endswith(_ENDINGS) and path.is_file()}
        if not found | recorded:
            msg = f"{place}: no FITS files in this folder; give the folder of the products"
            raise InputError(msg)
        paths = [place / name for name in sorted(found | recorded)]
    for path in paths:
        yield _compared(path, manifest if path.name in recorded else None)


def _compared(path: Path, manifest: Manifest | None) -> VerifiedFile:
    """Return what the checksums of a file say, and the manifest if the file is recorded there."""
    difference = None
    with suppress(InputError):  # a file that cannot be read: which is said below
        difference = None if manifest is None else manifest.difference(path.name)
    if difference == "missing":
        return VerifiedFile(path, "missing", 0, f"is recorded in {MANIFEST}; mrsnb spec3 --resume makes it again")
    found = _verified(path)
    if difference == "changed" and found.state == "intact":
        return VerifiedFile(path, "changed", found.n_parts, f"is not the one that is recorded in {MANIFEST}")
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
