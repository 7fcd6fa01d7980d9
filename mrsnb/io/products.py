"""What all products have in common: where they go, and a primary header that says what made them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mrsnb.core.cards import Card, Cards
from mrsnb.core.status import commented
from mrsnb.errors import OutputError
from mrsnb.io.headers import header_bytes
from mrsnb.io.places import is_bare
from mrsnb.io.provenance import history_lines


def place_of(name: str, directory: Path | str) -> Path:
    """Return the path of a product in a directory.

    Raises
    ------
    OutputError
        If `name` is not a bare file name.
    """
    if not is_bare(name):
        msg = f"product file {name!r}: must be a bare file name; choose the directory with --output-dir"
        raise OutputError(msg)
    return Path(directory) / name


_HEAD = (
    Card("SIMPLE", True, "conforms to FITS standard"),
    Card("BITPIX", 8, "array data type"),
    Card("NAXIS", 0, "number of array dimensions"),
    Card("EXTEND", True),
)


def primary_header(name: str, model: str, cards: Cards, history: Mapping[str, Any]) -> bytes:
    """Return a primary header: DATE, FILENAME, DATAMODL, CAL_VER, the given keywords, and the provenance as HISTORY.

    WARNINGS counts the doubts that the provenance states; that of an input is left out.

    CAL_VER is ours; that of level 2 stays in HDRTAB, and CAL_VCS, which is about the same software, is left out.

    Parameters
    ----------
    name : str
        The file's name.
    model : str
        The data model that opens it.
    cards : Cards
        Keywords.
    history : mapping
        Provenance; see `mrsnb.io.provenance`.
    """
    from mrsnb import __version__

    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    first = [
        Card("DATE", now, "UTC date file created"),
        Card("FILENAME", name, "Name of the file"),
        Card("DATAMODL", model, "Type of data model"),
        Card("CAL_VER", f"mrsnb {__version__}", "Calibration Software Version"),
    ]
    if "warnings" in history:
        first.append(Card("WARNINGS", len(history["warnings"]), "Doubts about the product; see HISTORY"))
    fixed = {"CAL_VCS", "WARNINGS", *(card.key for card in first)}
    kept = (card for card in commented(cards).cards() if card.key not in fixed)
    return header_bytes([*_HEAD, *first, *kept], history_lines(history))
