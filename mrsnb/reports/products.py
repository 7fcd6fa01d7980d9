"""Which files of a folder are products that a report can be of."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.io.read import kind_of

_ENDS = (".fits", ".fits.gz")
_SUFFIXES = {"_s3d": "cube", "_x1d": "spectrum", "_crf": "exposure"}
_INPUTS = ("_cal", "_rate", "_rateints", "_uncal")
"""What products are made of; not examined, however many lie beside them."""
_WANTED = "a folder with cubes (_s3d.fits) or spectra (_x1d.fits) of the MRS, or the result of a run"


@dataclass(frozen=True)
class Products:
    """Files to be examined.

    Parameters
    ----------
    folder : Path
        Where they are.
    cubes, spectra, exposures : tuple of Path
        ``_s3d``, ``_x1d`` and ``_crf``, or what their extensions say they are.
    others : tuple of (Path, str)
        FITS files that are none of these, and why they are left out.
    """

    folder: Path
    cubes: tuple[Path, ...]
    spectra: tuple[Path, ...]
    exposures: tuple[Path, ...] = ()
    others: tuple[tuple[Path, str], ...] = ()


def products_in(folder: Path | str) -> Products:
    """Return the products in a folder, not in those inside it.

    Raises
    ------
    InputError
        If it is no folder, or has no cube and no spectrum.
    """
    place = home(folder)
    if not place.is_dir():
        what = "is a file, not a folder" if place.exists() else "no such folder"
        msg = f"{place}: {what}; give {_WANTED}"
        raise InputError(msg)
    found = sorted(path for path in place.iterdir() if path.name.endswith(_ENDS) and path.is_file())
    products = products_of(place, found)
    if not products.cubes and not products.spectra:
        what = f"{len(found)} other FITS files" if found else "no FITS file"
        msg = f"{place}: no cube and no spectrum ({what}); give {_WANTED}"
        raise InputError(msg)
    return products


def products_of(folder: Path, paths: Iterable[Path]) -> Products:
    """Return what each of some files is: its name says it, or else its extensions."""
    kinds: dict[str, list[Path]] = {"cube": [], "spectrum": [], "exposure": []}
    others = []
    for path in paths:
        stem = path.name.removesuffix(".gz").removesuffix(".fits")
        suffix = f"_{stem.rpartition('_')[2]}"
        if suffix in _INPUTS:
            others.append((path, "input of the pipeline"))
            continue
        try:
            kind = _SUFFIXES.get(suffix) or kind_of(path)
        except InputError as error:
            others.append((path, str(error).removeprefix(f"{path}: ")))
            continue
        if kind in ("cube", "spectrum") or suffix == "_crf":
            kinds[kind].append(path)
        else:
            others.append((path, kind))
    return Products(folder, tuple(kinds["cube"]), tuple(kinds["spectrum"]), tuple(kinds["exposure"]), tuple(others))
