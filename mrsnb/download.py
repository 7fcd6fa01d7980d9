"""Get an observation from the archive: exposures, spectra of the background, and their association."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrsnb.core.association import Association, Member
from mrsnb.core.cards import Cards
from mrsnb.display import Row, Shown, Table, to_text
from mrsnb.errors import InputError
from mrsnb.io.archive import ArchiveFile
from mrsnb.io.association import write_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.places import home
from mrsnb.io.transfer import PAUSES, fetch

TOKEN = "MAST_API_TOKEN"  # noqa: S105 - the name of a variable
_MEGABYTE = 1e6


@dataclass(frozen=True, kw_only=True)
class Got:
    """A file that is there now.

    Parameters
    ----------
    path : Path
        The file.
    status : str
        ``"fetched"``, or ``"kept"`` if it was there.
    """

    path: Path
    status: str

    @property
    def title(self) -> str:
        """What it is."""
        return f"{self.status} {self.path.name}"


@dataclass(frozen=True, kw_only=True)
class Download(Shown):
    """All that was got.

    Parameters
    ----------
    files : tuple of Got
        Exposures and spectra.
    associations : tuple of Association
        One for each target.
    """

    files: tuple[Got, ...]
    associations: tuple[Association, ...]

    @property
    def title(self) -> str:
        """What it is."""
        return "Download"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        fetched = sum(got.status == "fetched" for got in self.files)
        return [
            Row("fetched", str(fetched), "files"),
            Row("kept", str(len(self.files) - fetched), "files"),
            *(
                Row("association", str(a.path), note=f"{len(a.science)} science, {len(a.background)} background")
                for a in self.associations
            ),
        ]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def download(
    files: Sequence[ArchiveFile],
    output_dir: Path | str,
    *,
    target: str | None = None,
    pauses: Sequence[float] = PAUSES,
) -> Iterator[Got | Download]:
    """Get files of an observation and associate them; yield each as it is there, and all of them last.

    The spectrum of every exposure comes first, as it is small and its header says what was observed. Of the target,
    the exposures follow; of a background that was observed apart, its spectra are all that level 3 takes.

    Parameters
    ----------
    files : sequence of ArchiveFile
        What `mrsnb.io.archive.find_files` found.
    output_dir : Path or str
        Made if missing. Files that are there and complete are kept; others go on where they stopped.
    target : str, optional
        The one target wanted, as its proposer or a catalogue calls it, beside the background.
    pauses : sequence of float
        See `mrsnb.io.transfer.fetch`.

    Yields
    ------
    Got
        For each file.
    Download
        The last.

    Raises
    ------
    InputError
        If the archive does not give a file, or no exposure is of the target.
    OutputError
        If a file cannot be written.
    """
    folder = output_folder(output_dir)
    token = os.environ.get(TOKEN)
    got: list[Got] = []

    def get(file: ArchiveFile) -> Got:
        path = folder / file.name
        status = fetch(file.url, path, size=file.size, checksum=file.checksum, token=token, pauses=pauses)
        got.append(Got(path=path, status=status))
        return got[-1]

    exposures = {file.exposure: file for file in files if file.suffix == "cal"}
    spectra = {file.exposure: file for file in files if file.suffix == "x1d" and file.exposure in exposures}
    headers: dict[str, Cards] = {}
    for exposure, file in exposures.items():
        first = get(spectra.get(exposure, file))
        headers[exposure] = _keywords(first.path)
        yield first
    wanted = _of_target(headers, target)
    for exposure in wanted:
        if exposure in spectra:
            yield get(exposures[exposure])
    sky = [folder / spectra[e].name for e in headers if _is_background(headers[e]) and e in spectra]
    targets: dict[str, list[str]] = {}
    for exposure in wanted:
        targets.setdefault(_target_of(headers[exposure]), []).append(exposure)
    made = [_associated(name, [exposures[e].name for e in members], sky, folder) for name, members in targets.items()]
    yield Download(files=tuple(got), associations=tuple(made))


def listing(files: Sequence[ArchiveFile], output_dir: Path | str) -> Table:
    """Return what would be fetched: file, size, whether it is public, and what is there of it."""
    folder = home(output_dir)
    rows = [
        (
            file.name,
            "-" if file.size is None else f"{file.size / _MEGABYTE:.1f}",
            "yes" if file.is_public else f"NO: needs {TOKEN}",
            _there(folder / file.name, file.size),
        )
        for file in files
    ]
    return Table(("file", "MB", "public", "here"), rows)


def _there(path: Path, size: int | None) -> str:
    if path.is_file():
        return "yes" if size is None or path.stat().st_size == size else "another size"
    part = path.with_name(f"{path.name}.part")
    return f"{part.stat().st_size / _MEGABYTE:.1f} MB" if part.is_file() else ""


def _keywords(path: Path) -> Cards:
    with opened(path) as hdus:
        return cards_of(hdus[0].header)


def _is_background(header: Cards) -> bool:
    return header.get("BKGDTARG") is True


def _target_of(header: Cards) -> str:
    return header.text("TARGPROP") or header.text("TARGNAME") or "unknown"


def _of_target(headers: dict[str, Cards], target: str | None) -> list[str]:
    """Return the exposures of the target, or of all targets."""
    science = {exposure: header for exposure, header in headers.items() if not _is_background(header)}
    if target is None:
        return list(science)
    names = {e: {_plain(header.text(key)) for key in ("TARGPROP", "TARGNAME")} for e, header in science.items()}
    found = [exposure for exposure, known in names.items() if _plain(target) in known]
    if not found:
        there = ", ".join(sorted({_target_of(header) for header in science.values()})) or "background only"
        msg = f"target = {target!r}: not observed; there are: {there}"
        raise InputError(msg)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _associated(target: str, names: list[str], sky: list[Path], folder: Path) -> Association:
    """Write the association of a target, named as the archive names it, and return it."""
    program, numbers = names[0][2:7], sorted({name[7:10] for name in names})
    asn_id = f"o{numbers[0]}" if len(numbers) == 1 else "a3001"
    slug = re.sub(r"[^a-z0-9.+]+", "-", target.lower()).strip("-.") or "target"
    members = [Member(str(folder / name), "science") for name in names]
    members += [Member(str(path), "background") for path in sky]
    name = f"jw{program}-{asn_id}_{slug}_miri"
    association = Association(
        name, tuple(members), asn_id=asn_id, asn_rule="Asn_Lv3MIRMRS", program=program, target=target
    )
    return write_association(folder / f"{name}_spec3_asn.json", association)
