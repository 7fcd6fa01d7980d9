"""A word in a table that stands out."""

from typing import Self


class Badge(str):
    """Text of a cell that stands out: a verdict, a status.

    Parameters
    ----------
    text : str
    kind : str
        Which of the colours of the style sheet it has: ``"good"``, ``"not-known"``, ``"warning"`` or ``"bad"``.
    """

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, text: str, kind: str) -> Self:
        """Return the text with its colour."""
        made = super().__new__(cls, text)
        made.kind = kind
        return made
