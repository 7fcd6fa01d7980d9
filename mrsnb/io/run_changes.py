"""What two output directories have in common, beside each other: cubes, spectra, and how these were made."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsnb.core.changes import Change, Changes, Look, look
from mrsnb.core.cube import Cube
from mrsnb.core.provenance import Provenance
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.io.read import read_provenance
from mrsnb.io.s3d import read_s3d
from mrsnb.io.x1d import read_x1d

_ABSENT = "-"
_FILES = ("inputs", "files")
_ALIKE = ("first", "second")


@dataclass(frozen=True)
class Origins(Shown):
    """How the products of two runs were made, as far as that differs.

    Parameters
    ----------
    folders : tuple of Path
        The runs.
    products : int
        How many products both have.
    differences : tuple of tuple of str
        Step or subject, what differs, and its value in the first run and in the second.
    """

    folders: tuple[Path, Path]
    products: int
    differences: tuple[tuple[str, str, str, str], ...]

    @property
    def title(self) -> str:
        """What it is."""
        return "How the runs were made"

    def rows(self) -> list[Row]:
        """Return which runs, and how many things differ."""
        said = str(len(self.differences)) if self.differences else "nothing"
        named = [Row(name, str(folder)) for name, folder in zip(_ALIKE, self.folders, strict=True)]
        return [*named, Row("in both", f"{self.products} cubes and spectra"), Row("differing", said)]

    def sections(self) -> list[Section]:
        """Return what differs as a table."""
        table = Table(("step", "parameter", *_ALIKE), self.differences)
        return [Section("Differences", table, open=True)] if self.differences else []

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections())


def origins(folder_a: Path | str, folder_b: Path | str) -> Origins:
    """Return how the cubes and spectra that two folders have in common were made, as far as that differs.

    Raises
    ------
    InputError
        If a folder does not exist, or a product cannot be read.
    """
    folders = home(folder_a), home(folder_b)
    names = [name for suffix in ("s3d", "x1d") for name in _common(*folders, suffix)]
    found: dict[tuple[str, str, str, str], None] = {}
    for name in names:
        one, other = (_told(read_provenance(folder / name)) for folder in folders)
        alike = one[_FILES] == other[_FILES]
        for key in dict.fromkeys([*one, *other]):
            values = one.get(key, _ABSENT), other.get(key, _ABSENT)
            is_listed = alike or key[0] != "inputs" or _ABSENT not in values
            if values[0] != values[1] and is_listed:
                found[(*key, *values)] = None
    return Origins(folders, len(names), tuple(found))


def _told(provenance: Provenance) -> dict[tuple[str, str], str]:
    """Return what a product says of its making, by step and name."""
    told = {
        (step, name): str(value)
        for step, values in provenance.parameters.items()
        for name, value in values.items()
        if name != "save_results"
    }
    for subject in ("software", "references"):
        told |= {(subject, name): text for name, text in provenance.texts(subject).items()}
    inputs = {Path(name).name: digest[:19] for name, digest in provenance.texts("inputs").items()}
    kinds = Counter(name.rpartition("_")[2].removesuffix(".fits") for name in inputs)
    told[_FILES] = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or _ABSENT
    told |= {("inputs", name): digest for name, digest in inputs.items()}
    told["software", "CAL_VER"] = provenance.primary.text("CAL_VER") or _ABSENT
    return told


def cube_changes(folder_a: Path | str, folder_b: Path | str) -> Changes:
    """Return the cubes (``_s3d``) of equal names in two folders beside each other; two are in memory at a time.

    Raises
    ------
    InputError
        If a folder does not exist, or a cube cannot be read.
    """
    return _changes("Cubes", folder_a, folder_b, "s3d", read_s3d)


def spectrum_changes(folder_a: Path | str, folder_b: Path | str) -> Changes:
    """Return the spectra (``_x1d``) of equal names in two folders beside each other.

    Raises
    ------
    InputError
        If a folder does not exist, or a spectrum cannot be read.
    """
    return _changes("Spectra", folder_a, folder_b, "x1d", read_x1d)


def _changes(
    what: str, folder_a: Path | str, folder_b: Path | str, suffix: str, reader: Callable[[Path], Cube | Spectrum]
) -> Changes:
    folders = home(folder_a), home(folder_b)
    names = _common(*folders, suffix)
    pairs = [Change(*(look(reader(folder / name)) for folder in folders)) for name in names]
    shown = tuple(sorted(_distinct(names, pairs), key=lambda change: float(change.before.wave[0])))
    reason = "" if names else f"no file *_{suffix}.fits is in both"
    return Changes(what, _called(*folders), shown, reason)


def _called(folder_a: Path, folder_b: Path) -> tuple[str, str]:
    """Return the names of two folders, or others if these are equal."""
    names = folder_a.resolve().name, folder_b.resolve().name
    return _ALIKE if names[0] == names[1] else names


def _distinct(names: list[str], pairs: list[Change]) -> Iterator[Change]:
    """Yield changes, those of one band called by their files."""
    counts: Counter[Any] = Counter(change.label for change in pairs)
    for name, change in zip(names, pairs, strict=True):
        if counts[change.label] == 1:
            yield change
            continue
        label = name.rpartition("_")[0]
        yield Change(*(_renamed(seen, label) for seen in change))


def _renamed(seen: Look, label: str) -> Look:
    return seen._replace(label=label)


def _common(folder_a: Path, folder_b: Path, suffix: str) -> list[str]:
    for folder in (folder_a, folder_b):
        if not folder.is_dir():
            msg = f"{folder}: no such directory" + ("" if folder.is_absolute() else f" in {Path.cwd()}")
            raise InputError(msg)
    one, other = ({path.name for path in folder.glob(f"*_{suffix}.fits")} for folder in (folder_a, folder_b))
    return sorted(one & other)
