"""Files as they are read: what gzip has compressed is unpacked, and neither that nor a header grows without end."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from mrsnb.errors import InputError

MOST_BYTES = 1_000_000_000
"""Of a compressed file or image, once it is unpacked: a few kilobytes can stand for terabytes."""
_MOST_HEADER = 8_000_000
"""Bytes of a header of FITS, a hundred thousand cards; the observatory's have some hundreds."""
_BLOCK = 2880
"""Bytes that are asked for one time after the other while a header is read."""
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x1f\x9d": "compressed with compress",
    b"(\xb5/\xfd": "compressed with zstd",
    b"7z\xbc\xaf'\x1c": "a 7-Zip archive",
}


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; what gzip has compressed is unpacked as it is read.

    Raises
    ------
    InputError
        If it is an archive or compressed by other means; later, if more than a gigabyte comes out of it, or a header of
        FITS in it does not end.
    OSError
        If it cannot be opened.
    """
    with _File(path) as file:
        magic = file.peek(6)[:6]
        for begin, what in _OTHERS.items():
            if magic.startswith(begin):
                msg = f"{path}: {what}; only gzip is unpacked here: unpack it, and give the file that was in it"
                raise InputError(msg)
        if not magic.startswith(_GZIP):
            yield cast("BinaryIO", file)
            return
        with path.open("rb") as packed, _Unpacked(packed, path) as inside:
            yield cast("BinaryIO", inside)


class _Headers:
    """Counts how much is read of a header."""

    _place: Path
    _read = 0

    def _count(self, size: int | None) -> None:
        self._read = self._read + _BLOCK if size == _BLOCK else 0
        if self._read > _MOST_HEADER:
            msg = f"{self._place}: a header of more than {_MOST_HEADER / 1e6:g} MB; is it FITS at all?"
            raise InputError(msg)


class _File(_Headers, io.BufferedReader):
    """A file as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._place = path

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, all if negative."""
        self._count(size)
        return super().read(-1 if size is None else size)


class _Unpacked(_Headers, gzip.GzipFile):
    """What gzip has compressed."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        super().__init__(filename=str(path), fileobj=file, mode="rb")
        self._place = path

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, all if negative."""
        self._count(size)
        left = MOST_BYTES + 1 - self.tell()
        content = super().read(left if size is None or size < 0 else min(size, left))
        self._check(self.tell())
        return content

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there is something left."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, unpacking what is before it."""
        self._check(offset)
        return super().seek(offset, whence)

    def _check(self, place: int) -> None:
        if place > MOST_BYTES:
            msg = (
                f"{self._place}: more than {MOST_BYTES / 1e9:g} GB once it is unpacked; "
                "if that is what it should be, unpack it with gunzip and give the file that comes out"
            )
            raise InputError(msg)
