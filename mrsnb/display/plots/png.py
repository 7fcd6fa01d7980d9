"""PNG files of images with a palette, written in a few milliseconds."""

import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.text import clean

_LESS_LEFT, _LESS_ABOVE = 1, 2
"""Filters of PNG: each pixel less the one on its left, and less the one above it."""
_EACH = 11
"""One column in so many tells how a row is stored."""
_STRIP = 128
"""Rows that are stored at a time, few enough to stay in a processor's cache."""
_SHORTER = 0.6
"""How many times as many pixels may differ from their left as from the one above: the latter differ in runs."""
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
    Runs are counted in each row less the one above it: a row that repeats another costs nothing, so enlarged images
    are small. Rows of enlarged noise are stored less their left neighbours, as most pixels repeat those.
    """
    height, width = pixels.shape
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 7, zlib.Z_RLE)
    strips = (packer.compress(strip.data) for strip in _filtered(pixels))
    packed = b"".join([*strips, packer.flush()])
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


def _filtered(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield some rows at a time, each as its filter and what that leaves; shape (n_row, n_col + 1)."""
    strip = np.empty((_STRIP, pixels.shape[1] + 1), np.uint8)
    for first in range(0, len(pixels), _STRIP):
        here = pixels[first : first + _STRIP]
        rows = strip[: len(here)]
        rows[:, 0] = _LESS_ABOVE
        np.subtract(here[0], pixels[first - 1] if first else 0, out=rows[0, 1:])
        np.subtract(here[1:], here[:-1], out=rows[1:, 1:])
        above = np.count_nonzero(rows[:, _EACH::_EACH], axis=1)
        busy = np.flatnonzero(above > rows.shape[1] // (10 * _EACH))
        left = np.count_nonzero(here[busy, _EACH::_EACH] != here[busy, _EACH - 1 : -1 : _EACH], axis=1)
        noisy = busy[left < _SHORTER * above[busy]]
        some = here[noisy]
        rows[noisy, 0], rows[noisy, 1] = _LESS_LEFT, some[:, 0]
        rows[noisy, 2:] = some[:, 1:] - some[:, :-1]
        yield rows


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
