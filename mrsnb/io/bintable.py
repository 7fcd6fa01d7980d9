"""A binary table as the bytes of a FITS extension, and the columns of one that holds a spectrum.

astropy makes an object of every column, half a second for the 409 columns of an archive product's HDRTAB.

References
----------
FITS standard 4.0, section 7.3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Card, Cards
from mrsnb.errors import InputError
from mrsnb.io.headers import BLOCK, header_bytes

_CODES = {"f8": "D", "f4": "E", "i8": "K", "i4": "J", "i2": "I", "u4": "J", "u1": "B", "b1": "L"}
_UNSIGNED = 1 << 31
_SAME_UNIT = {"micron": "um", "MJy sr-1": "MJy/sr", "MJy / sr": "MJy/sr"}


def table_bytes(
    name: str,
    data: NDArray[Any],
    *,
    cards: Cards | None = None,
    units: Mapping[str, str] | None = None,
    version: int | None = 1,
) -> bytes:
    """Return a binary table extension.

    Parameters
    ----------
    name : str
        EXTNAME.
    data : ndarray
        Structured array, shape (n_row,). Fields of text are ``S``; uint32 is stored shifted, as FITS wants.
    cards : Cards, optional
        Further keywords.
    units : mapping, optional
        Units of columns; an empty one is not written.
    version : int or None
        EXTVER; None to leave it out.

    Raises
    ------
    KeyError
        If a field is of a kind that has no place here.
    """
    kinds: list[tuple[str, np.dtype[Any]]] = [(field, data.dtype[field]) for field in data.dtype.names or ()]
    stored = np.empty(len(data), dtype=[(field, *_stored(kind)) for field, kind in kinds])
    columns: list[Card] = []
    for number, (field, kind) in enumerate(kinds, start=1):
        columns += _column(number, field, kind, (units or {}).get(field, ""))
        stored[field] = _shifted(data[field])
    size = len(data), stored.dtype.itemsize
    return _header(name, size, len(kinds), columns, cards, version) + _padded(stored.tobytes())


def cell_bytes(name: str, column: str, content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a table extension of one cell, which holds bytes: its header, the bytes themselves, what fills them up."""
    columns = _column(1, column, np.dtype((np.uint8, (len(content),))), "")
    header = _header(name, (1, len(content)), 1, columns, None, None)
    return header, content, b"\0" * (-len(content) % BLOCK)


def _header(
    name: str, size: tuple[int, int], n_columns: int, columns: list[Card], cards: Cards | None, version: int | None
) -> bytes:
    head = [
        Card("XTENSION", "BINTABLE", "binary table extension"),
        Card("BITPIX", 8, "array data type"),
        Card("NAXIS", 2, "number of array dimensions"),
        Card("NAXIS1", size[1], "length of dimension 1"),
        Card("NAXIS2", size[0], "length of dimension 2"),
        Card("PCOUNT", 0, "number of group parameters"),
        Card("GCOUNT", 1, "number of groups"),
        Card("TFIELDS", n_columns, "number of table fields"),
        *columns,
        Card("EXTNAME", name, "extension name"),
    ]
    if version is not None:
        head.append(Card("EXTVER", version, "extension value"))
    return header_bytes(Cards([*head, *(cards.cards() if cards else ())]).cards())


def _column(number: int, field: str, kind: np.dtype[Any], unit: str) -> list[Card]:
    base, shape = _parts(kind)
    count = str(int(np.prod(shape))) if shape else ""
    code = f"{base.itemsize}A" if base.kind == "S" else count + _CODES[f"{base.kind}{base.itemsize}"]
    cards = [Card(f"TTYPE{number}", field), Card(f"TFORM{number}", code)]
    if unit:
        cards.append(Card(f"TUNIT{number}", unit))
    if len(shape) > 1:
        cards.append(Card(f"TDIM{number}", str(tuple(reversed(shape))).replace(" ", "")))
    if base.str[1:] == "u4":
        cards.append(Card(f"TZERO{number}", _UNSIGNED))
    return cards


def _parts(kind: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    return kind.subdtype or (kind, ())


def _stored(kind: np.dtype[Any]) -> tuple[str, tuple[int, ...]]:
    """Return the type on disk: big-endian, a truth value as a letter, uint32 as int32."""
    base, shape = _parts(kind)
    return {"b1": "S1", "u4": ">i4"}.get(base.str[1:], base.newbyteorder(">").str), shape


def _shifted(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return np.where(values, b"T", b"F")
    if values.dtype.str[1:] == "u4":
        return (values ^ np.uint32(_UNSIGNED)).view(np.int32)
    return values


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % BLOCK)


def spectrum_columns(
    path: Path, hdu: Any, units: Mapping[str, str], needed: Sequence[str], former: Mapping[str, tuple[str, ...]]
) -> dict[str, NDArray[Any]]:
    """Return the columns of a table of a spectrum, one wavelength a row; what it lacks is NaN, or 0 for DQ.

    Parameters
    ----------
    path : Path
        The file, for messages.
    hdu : astropy.io.fits.BinTableHDU
    units : mapping of str to str
        The columns that are wanted, and their units.
    needed : sequence of str
        Those that must be there.
    former : mapping of str to tuple of str
        Other names that files may have for a column.

    Raises
    ------
    InputError
        If it is no such table, or a column is in another unit.
    """
    present = {column.name.upper(): column for column in hdu.columns}
    for name in needed:
        if name not in present:
            msg = f"{path}: {hdu.name} has no column {name} (found {', '.join(present)}); is it a spectrum of the MRS?"
            raise InputError(msg)
    if len(hdu.data) == 0 or hdu.data[present["WAVELENGTH"].name].ndim != 1:
        msg = f"{path}: {hdu.name} does not have one wavelength a row; it is not a spectrum of the MRS"
        raise InputError(msg)
    columns: dict[str, NDArray[Any]] = {}
    for name, unit in units.items():
        kind = np.uint32 if name == "DQ" else np.float64
        column = next((present[other] for other in (name, *former.get(name, ())) if other in present), None)
        if column is None:
            columns[name] = np.full(len(hdu.data), 0 if name == "DQ" else np.nan, dtype=kind)
            continue
        found = _SAME_UNIT.get(column.unit, column.unit)
        if found and unit and found.replace("**", "^") != unit:
            msg = f"{path}: column {column.name} is in {found!r}, expected {unit!r}"
            raise InputError(msg)
        columns[name] = np.array(hdu.data[column.name], dtype=kind)
    return columns
