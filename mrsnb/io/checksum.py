"""CHECKSUM and DATASUM of FITS files: put into those that we write, and looked at in any.

References
----------
FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mrsnb.io.atomic import atomic_write
from mrsnb.io.headers import BLOCK, UNSIGNED
from mrsnb.kernels.threads import go_on

_LINE = 80
_MOST_AXES = 999
_ALL = 0xFFFFFFFF
_CHUNK = BLOCK * 512
_BETWEEN = frozenset(b":;<=>?@[\\]^_`")


class Hdu(NamedTuple):
    """Where a part of a FITS file is: bytes from its start."""

    name: str
    """EXTNAME, or ``PRIMARY``."""
    header: int
    data: int
    end: int
    cards: dict[str, int]
    """Where CHECKSUM and DATASUM stand, as far as they are there."""
    has_sum: bool
    """False if there is no CHECKSUM, or an empty one, which says nothing."""


@contextmanager
def atomic_fits(path: Path | str) -> Iterator[BinaryIO]:
    """Open a FITS file for writing as `mrsnb.io.atomic.atomic_write` does; checksums are filled in at its end.

    Yields
    ------
    file object
        Open for binary writing. Parts with cards for both sums, such as `mrsnb.io.headers.header_bytes` makes, get
        them, whatever is there; others stay as they are.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_write(path) as file:
        yield file
        file.flush()
        for hdu in hdus_of(file):
            if len(hdu.cards) == 2:
                _sign(file, hdu)
        file.seek(0, os.SEEK_END)


def hdus_of(file: BinaryIO) -> Iterator[Hdu]:
    """Yield the parts of an open FITS file.

    Raises
    ------
    ValueError
        If it is no FITS file, or ends within a part.
    """
    start, whole = 0, file.seek(0, os.SEEK_END)
    if not whole:
        msg = "the file is empty"
        raise ValueError(msg)
    while start < whole:
        hdu = _next(file, start)
        if hdu.end > whole:
            msg = f"ends within the data of {hdu.name}: {hdu.end - whole} bytes are missing"
            raise ValueError(msg)
        yield hdu
        start = hdu.end


def _next(file: BinaryIO, start: int) -> Hdu:
    numbers: dict[str, int] = {}
    cards: dict[str, int] = {}
    name, at, line, has_sum = "PRIMARY", start, b"", False
    file.seek(start)
    while not line.startswith(b"END     "):
        block = file.read(BLOCK)
        if len(block) < BLOCK or (at == start and block[:8] not in (b"SIMPLE  ", b"XTENSION")):
            msg = "no FITS file" if start == 0 else f"ends within a header, or has no FITS after byte {start}"
            raise ValueError(msg)
        for offset in range(0, BLOCK, _LINE):
            line = block[offset : offset + _LINE]
            key, value = line[:8].decode("latin-1").strip(), line[10:]
            if key == "END":
                break
            if key in ("CHECKSUM", "DATASUM"):
                cards[key] = at + offset
                has_sum |= key == "CHECKSUM" and value.partition(b"/")[0].strip(b" '") != b""
            elif key == "EXTNAME" and value.count(b"'") > 1:
                name = value.split(b"'")[1].decode("latin-1").strip()
            elif key in ("BITPIX", "PCOUNT", "GCOUNT") or key[:5] == "NAXIS":
                numbers[key] = int(value.split(b"/")[0])
        at += BLOCK
    return Hdu(name, start, at, at + _data_size(numbers), cards, has_sum)


def is_intact(file: BinaryIO, hdu: Hdu) -> bool | None:
    """Return whether a part is as it was written; None if it has no CHECKSUM."""
    if not hdu.has_sum:
        return None
    return _sum(file, hdu.header, hdu.end) in (0, _ALL)


def _data_size(numbers: dict[str, int]) -> int:
    n_axes = numbers.get("NAXIS", 0)
    if not 0 <= n_axes <= _MOST_AXES:
        msg = f"NAXIS = {n_axes} in a header; 0 to {_MOST_AXES} are allowed"
        raise ValueError(msg)
    sides = [numbers.get(f"NAXIS{i}", 0) for i in range(1, n_axes + 1)]
    if not sides:
        return 0
    count = 1
    for side in sides:
        count *= side
    size = abs(numbers.get("BITPIX", 8)) // 8 * numbers.get("GCOUNT", 1) * (numbers.get("PCOUNT", 0) + count)
    if size < 0:
        msg = "sizes in a header are negative"
        raise ValueError(msg)
    return -(-size // BLOCK) * BLOCK


def _sign(file: BinaryIO, hdu: Hdu) -> None:
    """Fill in both sums; that of the data first, since the other covers it."""
    data = _sum(file, hdu.data, hdu.end)
    _put(file, hdu.cards["DATASUM"], str(data))
    _put(file, hdu.cards["CHECKSUM"], UNSIGNED.decode().strip("'"))
    file.flush()
    both = _added(data, _sum(file, hdu.header, hdu.data))
    _put(file, hdu.cards["CHECKSUM"], encoded(both ^ _ALL))
    file.flush()


def _put(file: BinaryIO, at: int, value: str) -> None:
    """Put a value into the card at a place, whose comment stays if it stands where comments do."""
    file.seek(at + 10)
    before = file.read(_LINE - 10)
    comment = before[20:]
    if b"/" in before[:20] or comment.strip()[:1] not in (b"", b"/"):
        comment = b" " * len(comment)
    file.seek(at + 10)
    file.write(f"'{value:8}'".ljust(20).encode("ascii") + comment)


def _sum(file: BinaryIO, start: int, end: int) -> int:
    """Return the ones' complement sum of words of 32 bits."""
    total = 0
    file.seek(start)
    buffer = bytearray(min(_CHUNK, end - start))
    for at in range(start, end, _CHUNK):
        go_on()
        part = memoryview(buffer)[: min(_CHUNK, end - at)]
        read: Any = file.readinto  # type: ignore[attr-defined]
        if read(part) < len(part):
            msg = "the file became shorter while it was read"
            raise ValueError(msg)
        words = np.frombuffer(part, np.uint32)
        total += int((words.byteswap(inplace=True) if sys.byteorder == "little" else words).sum(dtype=np.uint64))
    while total > _ALL:
        total = (total & _ALL) + (total >> 32)
    return total


def _added(a: int, b: int) -> int:
    total = a + b
    return (total & _ALL) + (total >> 32)


def encoded(value: int) -> str:
    """Return the 16 letters and digits that stand for a number of 32 bits.

    Examples
    --------
    >>> encoded(3426738146)
    'hcHjjc9ghcEghc9g'
    """
    columns = []
    for byte in value.to_bytes(4, "big"):
        quotient, rest = byte // 4 + ord("0"), byte % 4
        column = [quotient + rest, quotient, quotient, quotient]
        while any(code in _BETWEEN for code in column):
            for i in (0, 2):
                if column[i] in _BETWEEN or column[i + 1] in _BETWEEN:
                    column[i] += 1
                    column[i + 1] -= 1
        columns.append(column)
    letters = "".join(chr(columns[j][i]) for i in range(4) for j in range(4))
    return letters[-1] + letters[:-1]
