"""Read products, one after the other, and keep what a report says of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.provenance import Provenance
from mrsnb.core.quality import (
    CubeFigures,
    ExposureFigures,
    Jump,
    Observed,
    SpectrumFigures,
    cube_figures,
    exposure_figures,
    jumps,
    observed,
    spectrum_figures,
)
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.layers import open_cube
from mrsnb.io.provenance import checksum
from mrsnb.io.read import read_provenance
from mrsnb.io.x1d import read_x1d
from mrsnb.reports.products import Products


class Curve(NamedTuple):
    """What is drawn of a spectrum: micron and Jy, shape (n_wave,)."""

    label: str
    wave: NDArray[np.float64]
    flux: NDArray[np.float64]
    err: NDArray[np.float64]


class ProductFile(NamedTuple):
    """A file, as reports list it."""

    name: str
    what: str
    size: int
    checksum: str


@dataclass
class Examined:
    """What was found in the files so far."""

    cubes: dict[str, CubeFigures] = field(default_factory=dict)
    spectra: dict[str, SpectrumFigures] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    jumps: list[Jump] = field(default_factory=list)
    exposures: list[ExposureFigures] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    provenances: list[Provenance] = field(default_factory=list)
    files: list[ProductFile] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def examine(products: Products) -> Examined:
    """Return what can be said of products; those that cannot be read are listed with the reason.

    Planes of cubes are read a block at a time, so that memory holds little of any cube.
    """
    found = Examined()
    for path in products.cubes:
        with _kept(found, path):
            _cube(found, path)
    sets: dict[str, list[Spectrum]] = {}
    for path in products.spectra:
        with _kept(found, path):
            spectrum = _spectrum(found, path)
            sets.setdefault(name_of(path), []).append(spectrum)
    for spectra in sets.values():
        found.jumps += jumps([spectrum for spectrum in spectra if np.isfinite(spectrum.wave).all()])
    for path in products.exposures:
        with _kept(found, path):
            _exposure(found, path)
    return found


@contextmanager
def _kept(found: Examined, path: Path) -> Iterator[None]:
    """Keep what is wrong with a file as a line of the report."""
    try:
        yield
    except InputError as error:
        found.failed[path.name] = str(error).removeprefix(f"{path}: ")


def _cube(found: Examined, path: Path) -> None:
    cube = open_cube(path)
    if not cube.bands:
        msg = f"{path}: a cube, but not of the MRS"
        raise InputError(msg)
    label = _label(cube.label, found.cubes, path)
    provenance = read_provenance(path)
    said = observed(path.name, cube.primary, provenance.exposures, len(cube.bands))
    found.cubes[label] = replace(cube_figures(cube), exposures=said.exposures)
    found.observed.append(said)
    found.provenances.append(provenance)
    found.files.append(_file(path, f"cube of {cube.label}"))


def _spectrum(found: Examined, path: Path) -> Spectrum:
    spectrum = read_x1d(path)
    label = _label(spectrum.label, found.spectra, path)
    found.spectra[label] = spectrum_figures(spectrum)
    order = np.argsort(spectrum.wave, kind="stable")
    found.curves[label] = Curve(label, spectrum.wave[order], spectrum.flux[order], spectrum.err[order])
    found.observed.append(observed(path.name, spectrum.primary))
    found.provenances.append(Provenance(name=path.name, primary=spectrum.primary, history=spectrum.history))
    found.files.append(_file(path, f"spectrum of {spectrum.label}"))
    return spectrum


def _exposure(found: Examined, path: Path) -> None:
    with opened(path) as hdus:
        if "DQ" not in hdus or hdus["DQ"].data is None:
            msg = f"{path}: no DQ image"
            raise InputError(msg)
        primary, dq = cards_of(hdus[0].header), np.asarray(hdus["DQ"].data).astype(np.uint32)
    found.exposures.append(exposure_figures(name_of(path), _bands(primary.text("CHANNEL"), primary.text("BAND")), dq))
    found.files.append(_file(path, "exposure, outliers flagged"))


def _bands(channels: str, sub_band: str) -> str:
    try:
        return ", ".join(Band(int(channel), sub_band.lower()).name for channel in channels if channel.isdigit())
    except InputError:
        return ""


def _label(label: str, taken: dict[str, Any], path: Path) -> str:
    """Return the bands, with the name of the product if another has the same bands."""
    name, number = f"{label} {name_of(path)}", 2
    if label not in taken:
        return label
    while name in taken:
        name, number = f"{label} {name_of(path)} {number}", number + 1
    return name


def name_of(path: Path) -> str:
    """Return what a product is called, without channel and band.

    Examples
    --------
    >>> name_of(Path("my_target_ch1-short_s3d.fits"))
    'my_target'
    >>> name_of(Path("my_exposure1_a3001_crf.fits"))
    'my_exposure1'
    """
    stem = path.name.removesuffix(".gz").removesuffix(".fits").rpartition("_")[0]
    name, middle, _ = stem.rpartition("_ch")
    return name if middle else re.sub(r"_[ac]\d{4}$", "", stem)


def _file(path: Path, what: str) -> ProductFile:
    return ProductFile(path.name, what, path.stat().st_size, checksum(path))


def runs_of(provenances: list[Provenance]) -> Iterator[tuple[Provenance, int]]:
    """Yield the provenance of each run that made some of the products, and how many it made.

    Products are of one run if they state the same software, parameters and references; its exposures are those of all.
    """
    runs: dict[str, list[Provenance]] = {}
    for one in provenances:
        key = repr((one.texts("software"), one.parameters, one.texts("references"), one.primary.text("CAL_VER")))
        runs.setdefault(key, []).append(one)
    for same in runs.values():
        exposures = dict.fromkeys(name for one in same for name in one.exposures)
        yield replace(same[0], exposures=tuple(exposures)), len(same)
