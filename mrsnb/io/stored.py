"""Images read straight from where they lie in a FITS file, once its headers are known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.errors import InputError
from mrsnb.io.unchanged import changed
from mrsnb.kernels.threads import go_on

_UNSIGNED = 2**31
"""BZERO of unsigned integers of 32 bits, which FITS keeps as signed ones."""


class Stored(NamedTuple):
    """An image of 32-bit numbers in a FITS file."""

    offset: int
    """Of its first byte."""
    shape: tuple[int, ...]
    is_float: bool
    """Floating point; else unsigned."""


def layout_of(path: Path, hdus: fits.HDUList, floats: Iterable[str], unsigned: Iterable[str]) -> dict[str, Stored]:
    """Return where images of either kind lie in a file; nothing if one must be unpacked, scaled or converted."""
    if not _is_plain(path):
        return {}
    kinds = dict.fromkeys(floats, True) | dict.fromkeys(unsigned, False)
    found = {name: _stored(hdus[name], is_float=kind) for name, kind in kinds.items() if name in hdus}
    plain = {name: place for name, place in found.items() if place is not None}
    return plain if len(plain) == len(found) else {}


def stored_bytes(hdu: Any, start: str, size: int) -> bytes:
    """Return what is in the file, unpacked, from the header (hdrLoc) or the data (datLoc) of an extension on."""
    place = hdu.fileinfo()
    place["file"].seek(place[start])
    return bytes(place["file"].read(size))


def table_content(hdu: Any) -> bytes:
    """Return the bytes of a table's rows."""
    return stored_bytes(hdu, "datLoc", hdu.header["NAXIS1"] * hdu.header["NAXIS2"])


def _is_plain(path: Path) -> bool:
    """Return whether a file is FITS as it is, not compressed."""
    with path.open("rb") as file:
        return file.read(6) == b"SIMPLE"


def _stored(hdu: Any, *, is_float: bool) -> Stored | None:
    info = hdu.fileinfo()
    if type(hdu) is not fits.ImageHDU or info is None or not hdu.shape:
        return None
    kind = tuple(hdu.header.get(key, usual) for key, usual in (("BITPIX", None), ("BSCALE", 1), ("BZERO", 0)))
    if kind != ((-32, 1, 0) if is_float else (32, 1, _UNSIGNED)):
        return None
    return Stored(info["datLoc"], tuple(hdu.shape), is_float)


def read_stored(path: Path, place: Stored) -> NDArray[Any]:
    """Return an image as float32 or uint32; whether the file has changed, so that it lies elsewhere, is for the caller.

    Raises
    ------
    InputError
        If it is not there any more.
    """
    go_on()
    count = int(np.prod(place.shape))
    try:
        with path.open("rb") as file:
            raw = np.fromfile(file, ">f4" if place.is_float else ">u4", count, offset=place.offset)
    except OSError as error:
        msg = f"{path}: cannot be read any more ({error.strerror or error}); was it moved during the run?"
        raise InputError(msg) from None
    if raw.size < count:
        raise changed(path)
    native = raw if raw.dtype.isnative else raw.byteswap(inplace=True).view(raw.dtype.newbyteorder("="))
    image = native.reshape(place.shape)
    if not place.is_float:
        image ^= np.uint32(_UNSIGNED)
    return image
