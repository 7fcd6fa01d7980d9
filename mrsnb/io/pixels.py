"""An image as a FITS extension: its header, and its pixels a few at a time, so that no second copy of it is made.

References
----------
FITS standard 4.0, sections 4.4.1, 5.2 and 7.1.
"""

import math
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Card, Cards
from mrsnb.io.headers import BLOCK, header_bytes
from mrsnb.kernels.threads import go_on

_BITPIX = {"f4": -32, "f8": -64, "u1": 8, "i2": 16, "i4": 32, "i8": 64, "u4": 32}
_UNSIGNED = 1 << 31
_CHUNK = 1 << 20
"""Bytes that are put in order at a time."""


def image_header(name: str, data: NDArray[Any], cards: Cards | None = None) -> bytes:
    """Return the header of an image extension.

    Parameters
    ----------
    name : str
        EXTNAME.
    data : ndarray
        Shape (..., n_y, n_x); uint32 is stored shifted, as FITS wants.
    cards : Cards, optional
        Further keywords.

    Raises
    ------
    KeyError
        If the pixels are of a kind that has no place here.
    """
    kind = data.dtype.str[1:]
    sides = [Card(f"NAXIS{i}", size) for i, size in enumerate(reversed(data.shape), start=1)]
    shift = [Card("BSCALE", 1), Card("BZERO", _UNSIGNED)] if kind == "u4" else []
    head = [
        Card("XTENSION", "IMAGE", "Image extension"),
        Card("BITPIX", _BITPIX[kind], "array data type"),
        Card("NAXIS", data.ndim, "number of array dimensions"),
        *sides,
        Card("PCOUNT", 0, "number of parameters"),
        Card("GCOUNT", 1, "number of groups"),
        *shift,
        Card("EXTNAME", name, "extension name"),
    ]
    given = cards.cards() if cards else ()
    return header_bytes([*head, *given, Card("EXTVER", 1, "extension value")])


def write_pixels(file: BinaryIO, data: NDArray[Any]) -> None:
    """Write the pixels of an image, big-endian, filled up to whole blocks.

    Parameters
    ----------
    file : file object
        Open for binary writing, behind the image's header.
    data : ndarray
        As `image_header` was told.
    """
    is_shifted = data.dtype.str[1:] == "u4"
    rows = max(1, _CHUNK // max(1, data.itemsize * math.prod(data.shape[1:])))
    stored = np.empty((rows, *data.shape[1:]), data.dtype.newbyteorder(">"))
    for start in range(0, len(data), rows):
        go_on()
        part = data[start : start + rows]
        stored[: len(part)] = part ^ np.uint32(_UNSIGNED) if is_shifted else part
        file.write(stored[: len(part)].data)
    file.write(b"\0" * (-data.nbytes % BLOCK))
