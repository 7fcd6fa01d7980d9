"""PNG files of images with a palette, written in a few milliseconds."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.text import clean

_AS_IT_IS, _LESS_ABOVE = 0, 2
"""Filters of PNG: a row as it is, and as its difference from the row above it."""
_NOISY = 180_000
"""Pixels that differ from the one above from which another way is shorter."""
_PER_METRE = 7559
"""Pixels of the file, so that programs that heed it show two to a CSS pixel."""


def indexed_png(pixels: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]], title: str) -> bytes:
    """Return the file of an image of at most 256 colours.

    Parameters
    ----------
    pixels : ndarray
        Places in the palette, shape (n_row, n_col), first row on top.
    palette : sequence of tuple of int
        Red, green, blue and opacity, 0...255.
    title : str
        What it shows.

    Notes
    -----
    Each row is stored as its difference from the one above, and runs are counted: a row that repeats another costs
    nothing, so enlarged images are small. Noise, which that does not suit, is packed as it is.
    """
    height, width = pixels.shape
    rows = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = _LESS_ABOVE
    rows[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    if np.count_nonzero(rows) > _NOISY:
        rows[:, 0], rows[:, 1:] = _AS_IT_IS, pixels
        packed = _packed(rows, zlib.Z_DEFAULT_STRATEGY)
    else:
        packed = _packed(rows, zlib.Z_RLE)
    colours = np.array(palette, np.uint8)
    text = clean(title).encode("latin-1", "replace")
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", colours[:, :3].tobytes()),
        (b"tRNS", colours[:, 3].tobytes()),
        (b"pHYs", struct.pack(">IIB", _PER_METRE, _PER_METRE, 1)),
        (b"tEXt", b"Title\0" + text),
        (b"tEXt", b"Software\0mrsnb"),
        (b"IDAT", packed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _packed(rows: NDArray[np.uint8], strategy: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(rows.data) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
