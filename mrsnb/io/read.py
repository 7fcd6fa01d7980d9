"""Read whatever file of an observation it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from astropy.io import fits

from mrsnb.core.association import Association
from mrsnb.core.combined import CombinedSpectra
from mrsnb.core.cube import Cube
from mrsnb.core.curve import Curve
from mrsnb.core.images import Images
from mrsnb.core.layers import CubeLayers
from mrsnb.core.provenance import Provenance
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError
from mrsnb.io.asdf_extension import read_history
from mrsnb.io.association import read_association
from mrsnb.io.c1d import read_c1d
from mrsnb.io.exposures import ExposureFile, open_exposure, opened
from mrsnb.io.headers import cards_of
from mrsnb.io.images import read_images
from mrsnb.io.layers import open_cube
from mrsnb.io.s3d import read_s3d
from mrsnb.io.spectrum_table import read_spectrum_table
from mrsnb.io.storage import local
from mrsnb.io.stored import table_content
from mrsnb.io.x1d import read_x1d

Kind = Literal[
    "association", "exposure", "cube", "cube of others", "spectrum", "combined spectra", "spectrum of others", "images"
]

Readable = Association | ExposureFile | Cube | CubeLayers | Spectrum | CombinedSpectra | Curve | Images

_KEPT = {"DIFFARR", "MINARR", "NORMARR", "MINNORM", "PREDICT"}
"""Extensions of what outlier_detection keeps."""


def kind_of(path: Path | str) -> Kind:
    """Return what a file is, by its extensions.

    Raises
    ------
    InputError
        If it is neither FITS nor JSON, or holds none of these.
    """
    path = Path(path)
    by_name: dict[str, Kind] = {".json": "association", ".csv": "spectrum of others", ".ecsv": "spectrum of others"}
    if path.suffix.lower() in by_name:
        return by_name[path.suffix.lower()]
    with opened(path) as hdus:
        sizes = {hdu.name: hdu.header.get("NAXIS", 0) for hdu in hdus[1:]}
        is_other = hdus[0].header.get("INSTRUME", "MIRI") != "MIRI" or sizes.get("SCI") != 3
        has_cube = any(hdu.is_image and hdu.header.get("NAXIS") == 3 for hdu in hdus)
        has_table = any(isinstance(hdu, fits.BinTableHDU | fits.TableHDU) for hdu in hdus)
    is_image = sizes.get("SCI") == 2
    found: list[tuple[Kind, bool]] = [
        ("spectrum", "EXTRACT1D" in sizes),
        ("combined spectra", "COMBINE1D" in sizes),
        ("images", bool(_KEPT & set(sizes)) or (is_image and not {"ERR", "DQ"} & set(sizes))),
        ("cube", has_cube and not is_other),
        ("cube of others", has_cube),
        ("exposure", is_image),
        ("spectrum of others", has_table),
    ]
    for kind, is_it in found:
        if is_it:
            return kind
    extensions = ", ".join(sizes) or "none"
    msg = f"{path}: neither an exposure, a cube nor a spectrum: no image and no table (found {extensions})"
    raise InputError(msg)


def read(path: Path | str, flux_unit: str | None = None) -> Readable:
    """Return what is in a file: an association, an exposure (its arrays not read yet), a cube, spectra or images.

    Parameters
    ----------
    path : Path or str
    flux_unit : str, optional
        Unit of the flux of tables that state none.

    Raises
    ------
    InputError
        If it is none of these, or cannot be used.
    """
    kind = kind_of(path)
    if kind == "spectrum of others":
        return read_spectrum_table(path, flux_unit)
    readers: dict[Kind, Callable[[Path | str], Any]] = {
        "association": read_association,
        "exposure": open_exposure,
        "cube": read_s3d,
        "cube of others": open_cube,
        "spectrum": read_x1d,
        "combined spectra": lambda path: CombinedSpectra(name=Path(path).name, spectra=read_c1d(path)),
        "images": read_images,
    }
    value: Readable = readers[kind](path)
    return value


def read_provenance(path: Path | str) -> Provenance:
    """Return what a product says of its own making: ours, or one of other software, of which less is known.

    Raises
    ------
    InputError
        If it is no FITS file that can be read.
    """
    path = local(path)
    with opened(path) as hdus:
        names = [hdu.name for hdu in hdus]
        primary = cards_of(hdus[0].header)
        history = read_history(table_content(hdus["ASDF"])) if "ASDF" in names else {}
        table = hdus["HDRTAB"].data if "HDRTAB" in names else None
        listed = () if table is None or "FILENAME" not in table.names else table["FILENAME"].tolist()
    return Provenance(
        name=path.name, primary=primary, history=history, exposures=tuple(str(name).strip() for name in listed)
    )
