"""Read whatever file of an observation it is."""

from pathlib import Path
from typing import Literal

from mrsnb.core.association import Association
from mrsnb.core.combined import CombinedSpectra
from mrsnb.core.cube import Cube
from mrsnb.core.images import Images
from mrsnb.core.provenance import Provenance
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError
from mrsnb.io.asdf_extension import read_history
from mrsnb.io.association import read_association
from mrsnb.io.c1d import read_c1d
from mrsnb.io.exposures import ExposureFile, open_exposure, opened
from mrsnb.io.headers import cards_of
from mrsnb.io.images import read_images
from mrsnb.io.s3d import read_s3d
from mrsnb.io.stored import table_content
from mrsnb.io.x1d import read_x1d

Kind = Literal["association", "exposure", "cube", "spectrum", "combined spectra", "images"]

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
    if path.suffix.lower() == ".json":
        return "association"
    with opened(path) as hdus:
        sizes = {hdu.name: hdu.header.get("NAXIS", 0) for hdu in hdus[1:]}
    if "EXTRACT1D" in sizes:
        return "spectrum"
    if "COMBINE1D" in sizes:
        return "combined spectra"
    if _KEPT & set(sizes) or (sizes.get("SCI") == 2 and not {"ERR", "DQ"} & set(sizes)):
        return "images"
    if sizes.get("SCI") == 3:
        return "cube"
    if sizes.get("SCI") == 2:
        return "exposure"
    found = ", ".join(sizes) or "none"
    msg = f"{path}: neither an exposure, a cube nor a spectrum: no SCI image and no EXTRACT1D table (found {found})"
    raise InputError(msg)


def read(path: Path | str) -> Association | ExposureFile | Cube | Spectrum | CombinedSpectra | Images:
    """Return what is in a file: an association, an exposure (its arrays not read yet), a cube, spectra or images.

    Raises
    ------
    InputError
        If it is none of these, or cannot be used.
    """
    match kind_of(path):
        case "association":
            return read_association(path)
        case "exposure":
            return open_exposure(path)
        case "cube":
            return read_s3d(path)
        case "spectrum":
            return read_x1d(path)
        case "combined spectra":
            return CombinedSpectra(name=Path(path).name, spectra=read_c1d(path))
        case "images":
            return read_images(path)


def read_provenance(path: Path | str) -> Provenance:
    """Return what a product says of its own making: ours, or one of other software, of which less is known.

    Raises
    ------
    InputError
        If it is no FITS file that can be read.
    """
    path = Path(path).expanduser()
    with opened(path) as hdus:
        names = [hdu.name for hdu in hdus]
        primary = cards_of(hdus[0].header)
        history = read_history(table_content(hdus["ASDF"])) if "ASDF" in names else {}
        table = hdus["HDRTAB"].data if "HDRTAB" in names else None
        listed = () if table is None or "FILENAME" not in table.names else table["FILENAME"].tolist()
    return Provenance(
        name=path.name, primary=primary, history=history, exposures=tuple(str(name).strip() for name in listed)
    )
