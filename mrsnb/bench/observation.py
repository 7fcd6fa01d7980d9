"""What a workbench is opened on: an association to be processed, or products that are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsnb.core.association import Association
from mrsnb.errors import InputError
from mrsnb.io.association import associate, read_association
from mrsnb.io.places import home
from mrsnb.io.read import kind_of

_WANTED = "an association, its exposures, or a folder of products (_s3d, _x1d)"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What there is to work on.

    Parameters
    ----------
    name : str
        As people read it.
    association : Association or None
        To be processed.
    cubes, spectra : tuple of Path
        Products, if there is no association.
    """

    name: str
    association: Association | None = None
    cubes: tuple[Path, ...] = ()
    spectra: tuple[Path, ...] = ()


def observation(given: Any) -> Observation:
    """Return what there is in an association, its file, a folder, or a list of files.

    A folder stands for its only association file; without one, for its exposures; without those, for its products.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Association):
        return Observation(name=given.name, association=given)
    if isinstance(given, str | Path):
        path = home(given)
        return _of_folder(path) if path.is_dir() else _of_files([path])
    if not isinstance(given, Iterable):
        msg = f"{type(given).__name__}: cannot be worked on; give {_WANTED}"
        raise InputError(msg)
    paths = [home(path) for path in given]
    if not paths:
        msg = f"no files given; give {_WANTED}"
        raise InputError(msg)
    if len(paths) == 1:
        return observation(paths[0])
    return _of_files(paths)


def _of_folder(folder: Path) -> Observation:
    listed = sorted(folder.glob("*_asn.json"))
    if len(listed) > 1:
        msg = f"{folder}: has {len(listed)} associations; give one of them, such as {listed[0].name}"
        raise InputError(msg)
    if listed:
        return _of_files(listed)
    exposures = sorted(folder.glob("*_cal.fits"))
    products = [*sorted(folder.glob("*_s3d.fits*")), *sorted(folder.glob("*_x1d.fits*"))]
    if exposures or products:
        return _of_files(exposures or products)
    msg = f"{folder}: nothing to work on in this folder; give {_WANTED}"
    raise InputError(msg)


def _of_files(paths: list[Path]) -> Observation:
    if len(paths) == 1 and paths[0].suffix.lower() == ".json":
        association = read_association(paths[0])
        return Observation(name=association.name, association=association)
    kinds = {path: kind_of(path) for path in paths}
    if set(kinds.values()) == {"exposure"}:
        association = associate(paths, "cube")
        return Observation(name=association.name, association=association)
    wrong = next((path for path, kind in kinds.items() if kind not in ("cube", "spectrum")), None)
    if wrong is not None:
        msg = f"{wrong}: is {_an(kinds[wrong])}; give {_WANTED}"
        raise InputError(msg)
    cubes = tuple(path for path, kind in kinds.items() if kind == "cube")
    if not cubes:
        msg = f"{paths[0].parent}: spectra, but no cube; see them with mrsnb.view"
        raise InputError(msg)
    spectra = tuple(path for path, kind in kinds.items() if kind == "spectrum")
    return Observation(name=_common(cubes), cubes=cubes, spectra=spectra)


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aei" else f"a {kind}"


def _common(paths: tuple[Path, ...]) -> str:
    names = [path.name.partition("_s3d")[0] for path in paths]
    return names[0] if len(names) == 1 else names[0].rpartition("_")[0] or names[0]
