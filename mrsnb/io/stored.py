"""Images read straight from where they lie in a FITS file, once its headers are known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.errors import InputError

_UNSIGNED = 2**31
"""BZERO of unsigned integers of 32 bits, which FITS keeps as signed ones."""


class Stored(NamedTuple):
    """An image of 32-bit numbers in a FITS file."""

    offset: int
    """Of its first byte."""
    shape: tuple[int, ...]
    is_float: bool
    """Floating point; else unsigned."""


def layout_of(path: Path, hdus: fits.HDUList, names: Iterable[str]) -> dict[str, Stored]:
    """Return where images lie in a file; without those that must be unpacked, scaled or converted."""
    if not _is_plain(path):
        return {}
    found = {name: _stored(hdus[name]) for name in names if name in hdus}
    return {name: place for name, place in found.items() if place is not None}


def table_content(path: Path, hdu: Any) -> bytes:
    """Return the bytes of a table's rows."""
    info = hdu.fileinfo()
    if info is None or not _is_plain(path):
        content: bytes = hdu.data.tobytes()
        return content
    size = hdu.header["NAXIS1"] * hdu.header["NAXIS2"]
    with path.open("rb") as file:
        file.seek(info["datLoc"])
        return file.read(size)


def _is_plain(path: Path) -> bool:
    """Return whether a file is FITS as it is, not compressed."""
    with path.open("rb") as file:
        return file.read(6) == b"SIMPLE"


def _stored(hdu: Any) -> Stored | None:
    info = hdu.fileinfo()
    if type(hdu) is not fits.ImageHDU or info is None or not hdu.shape:
        return None
    kind = tuple(hdu.header.get(key, usual) for key, usual in (("BITPIX", None), ("BSCALE", 1), ("BZERO", 0)))
    if kind not in ((-32, 1, 0), (32, 1, _UNSIGNED)):
        return None
    return Stored(info["datLoc"], tuple(hdu.shape), kind[0] == -32)


def read_stored(path: Path, place: Stored) -> NDArray[Any]:
    """Return an image as float32 or uint32.

    Raises
    ------
    InputError
        If it is not there any more.
    """
    count = int(np.prod(place.shape))
    try:
        raw = np.fromfile(path, ">f4" if place.is_float else ">u4", count, offset=place.offset)
    except OSError as error:
        msg = f"{path}: cannot be read any more ({error.strerror or error}); was it moved during the run?"
        raise InputError(msg) from None
    if raw.size < count:
        msg = f"{path}: has become shorter since it was opened; fetch or copy it again, and run again"
        raise InputError(msg)
    image = raw.byteswap(inplace=True).view(raw.dtype.newbyteorder("=")).reshape(place.shape)
    if not place.is_float:
        image ^= np.uint32(_UNSIGNED)
    return image
