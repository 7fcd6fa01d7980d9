"""PNG files of images with a palette, written in a few milliseconds."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.text import clean

_COPY_ABOVE = 2
"""The filter of PNG by which a row is its difference from the row above it."""


def indexed_png(
    pixels: NDArray[np.uint8], palette: Sequence[tuple[int, int, int, int]], title: str, *, by_runs: bool = True
) -> bytes:
    """Return the file of an image of at most 256 colours.

    Parameters
    ----------
    pixels : ndarray
        Places in the palette, shape (n_row, n_col), first row on top.
    palette : sequence of tuple of int
        Red, green, blue and opacity, 0...255.
    title : str
        What it shows.
    by_runs : bool
        True for images of long runs of one colour, which is quickest; False for noise.

    Notes
    -----
    A row that repeats the one above it costs nothing, so enlarged images stay small.
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    is_new = np.ones(height, bool)
    is_new[1:] = (pixels[1:] != pixels[:-1]).any(axis=1)
    rows[:, 0] = np.where(is_new, 0, _COPY_ABOVE)
    rows[is_new, 1:] = pixels[is_new]
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE if by_runs else zlib.Z_DEFAULT_STRATEGY)
    packed = packer.compress(rows.data) + packer.flush()
    colours = np.array(palette, np.uint8)
    text = clean(title).encode("latin-1", "replace")
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", colours[:, :3].tobytes()),
        (b"tRNS", colours[:, 3].tobytes()),
        (b"tEXt", b"Title\0" + text),
        (b"tEXt", b"Software\0mrsnb"),
        (b"IDAT", packed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
