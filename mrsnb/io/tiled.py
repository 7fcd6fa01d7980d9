"""Images that FITS keeps compressed, tile by tile: how much they will be is looked at before any is unpacked."""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io import fits

from mrsnb.errors import InputError
from mrsnb.io.unpacking import MOST_BYTES

_KNOWN = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2")
_SIZES = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8)}
"""Of RICE, as the standard has them; others let its decoder run for ever."""
_WIDEST = 8
"""Bytes of a number."""
_OF_GZIP = 31
"""Tells zlib that gzip's own header is before the content."""


def refuse_bombs(path: Path, file: BinaryIO) -> None:
    """Refuse a file with compressed images that claim more than a gigabyte, or hold more than they claim.

    Parameters
    ----------
    path : Path
        For messages.
    file : file object
        Its content.

    Raises
    ------
    InputError
        If there is such an image, or one that is compressed by other means than RICE and gzip.
    """
    with fits.open(file, memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            if hdu.header.get("ZIMAGE") is True and (wrong := _wrong(hdu)):
                msg = f"{path}: compressed image {hdu.name}: {wrong}; unpack it with funpack if you trust it"
                raise InputError(msg)


def _wrong(hdu: Any) -> str:
    """Return what is wrong with a table that holds a compressed image, ``""`` if nothing is."""
    header = hdu.header
    how = str(header.get("ZCMPTYPE")).strip()
    if how not in _KNOWN:
        return f"ZCMPTYPE = {how!r}; allowed: {', '.join(_KNOWN)}"
    n_axes = header["ZNAXIS"]
    shape = [header[f"ZNAXIS{i + 1}"] for i in range(n_axes)]
    tile = [header.get(f"ZTILE{i + 1}", shape[0] if i == 0 else 1) for i in range(n_axes)]
    size, most = (math.prod(sides) * _WIDEST for sides in (shape, tile))
    if min(*shape, *tile, 0) < 0 or max(size, most) > MOST_BYTES:
        return f"of {shape} pixels in tiles of {tile}; up to {MOST_BYTES / 1e9:g} GB are unpacked"
    told = {header.get(f"ZNAME{i}"): header.get(f"ZVAL{i}") for i in range(1, 100) if f"ZNAME{i}" in header}
    for name, allowed in _SIZES.items():
        if name in told and told[name] not in allowed:
            return f"{name} = {told[name]!r}; allowed: {', '.join(map(str, allowed))}"
    names = {"GZIP_COMPRESSED_DATA", *(["COMPRESSED_DATA"] if how.startswith("GZIP") else [])}
    for content in _tiles(hdu, names):
        unpacker = zlib.decompressobj(_OF_GZIP)
        if len(unpacker.decompress(content, most + 1)) > most or unpacker.unused_data.strip(b"\0"):
            return "a tile is larger than it should be"
    return ""


def _tiles(hdu: Any, names: set[str]) -> Iterator[bytes]:
    """Yield what is compressed by gzip, tile by tile."""
    for name in names & {*hdu.columns.names}:
        for tile in hdu.data[name]:
            if len(tile):
                yield tile.tobytes()
