"""FITS headers and `Cards`, each from the other, without loss."""

import math
import re
from collections.abc import Iterable
from functools import lru_cache

from astropy.io import fits

from mrsnb.core.cards import Card, Cards, Value

_STRUCTURE = re.compile(
    r"|SIMPLE|XTENSION|BITPIX|EXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|TFIELDS|THEAP|EXTNAME|EXTVER|EXTLEVEL"
    r"|CHECKSUM|DATASUM|END|LONGSTRN|CONTINUE|HISTORY|COMMENT|(NAXIS|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM|BCOL))\d*"
    r"|Z(IMAGE|CMPTYPE|BITPIX|TENSION|NAXIS\d*)"
)
BLOCK = 2880
"""Bytes; all parts of a FITS file are whole blocks."""
UNSIGNED = b"'0000000000000000'"
"""What stands for CHECKSUM until it is known; sums are made with it."""
_LINE = 80
_LONGEST_TEXT = 68
_SUMS = (
    Card("CHECKSUM", UNSIGNED.decode().strip("'"), "checksum of this part of the file"),
    Card("DATASUM", "0", "checksum of its data"),
)
_REMEMBERED = 4096
"""Cards whose images are kept; a run's products hold some 2000 different ones."""


def cards_of(header: fits.Header) -> Cards:
    """Return the keywords of `header` that say something of the data, not of the file's structure."""
    found = []
    for card in header.cards:
        key = card.keyword
        if is_structure(key) or len(key) > 8:
            continue
        value = card.value  # parsed only now
        if isinstance(value, bool | int | float | str):
            found.append(Card(key, value, card.comment))
    return Cards(found)


def is_structure(key: str) -> bool:
    """Return whether `key` describes how the file is laid out."""
    return _STRUCTURE.fullmatch(key) is not None


def cards_for(cards: Cards) -> list[fits.Card]:
    """Return FITS cards, floats with all their digits; what no FITS header can hold (NaN) is left out."""
    return [_fits_card(card) for card in cards.cards() if not _impossible(card.value)]


def header_bytes(cards: Iterable[Card], history: Iterable[str] = ()) -> bytes:
    """Return a header as it stands in a file; what no FITS header can hold (NaN) is left out.

    Parameters
    ----------
    cards : iterable of Card
        All of them, those of the file's structure first.
    history : iterable of str
        Lines of at most 72 printable characters, for HISTORY cards at its end.

    Returns
    -------
    bytes
        CHECKSUM and DATASUM are there, for `mrsnb.io.checksum.atomic_fits` to fill in.

    Raises
    ------
    astropy.io.fits.VerifyError
        If a keyword is none.
    """
    images = [_image(*card, _is_negative(card.value)) for card in (*cards, *_SUMS) if not _impossible(card.value)]
    images += [f"HISTORY {line}".ljust(_LINE).encode("ascii") for line in history]
    content = b"".join(images) + b"END"
    return content + b" " * (-len(content) % BLOCK)


def printable(text: str) -> str:
    r"""Return `text` with anything but printable ASCII escaped, as FITS wants it.

    Examples
    --------
    >>> print(printable("Zoë"))
    Zo\xeb
    """
    if text.isascii() and text.isprintable():
        return text
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(c if 32 <= ord(c) < 127 else f"\\x{ord(c):02x}" for c in plain)


@lru_cache(maxsize=_REMEMBERED, typed=True)
def _image(key: str, value: Value, comment: str, is_negative: bool) -> bytes:  # noqa: ARG001
    """Return the lines of a card. `is_negative` tells -0.0 from 0.0, which are equal."""
    card = _fits_card(Card(key, value, comment))
    card.verify("exception")
    return str(card.image).encode("ascii")


def _is_negative(value: Value) -> bool:
    return isinstance(value, float) and math.copysign(1.0, value) < 0.0


def _impossible(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _fits_card(card: Card) -> fits.Card:
    value, comment = card.value, printable(card.comment)
    if isinstance(value, bool) or not isinstance(value, float | str):
        return fits.Card(card.key, value, comment[: _LINE - 33])
    if isinstance(value, str):
        value = printable(value).rstrip()
        if not value and "'" in comment:
            value = " "  # the same to FITS; astropy would take a quote in the comment for the end of the value
        width = max(20, len(value.replace("'", "''")) + 2)
        room = _LINE - 10 - width - 3
        return fits.Card(card.key, value, comment if width > _LONGEST_TEXT + 2 else comment[: max(room, 0)])
    text = repr(value).upper()
    if len(text) <= 20:
        return fits.Card(card.key, value, comment[: _LINE - 33])
    line = f"{card.key:<8}= {text:>20}"
    return fits.Card.fromstring(f"{line} / {comment}"[:_LINE] if comment else line)
