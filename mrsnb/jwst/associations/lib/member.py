"""A member of an association."""

from collections import UserDict
from collections.abc import Mapping
from typing import Any

__all__ = ["Member"]


class Member(UserDict[str, Any]):
    """One exposure or spectrum: a dictionary with ``expname`` and ``exptype``.

    Parameters
    ----------
    initialdata : mapping, optional
        Its values; those of a `Member` are copied.
    item : object, optional
        What it was made of.

    Examples
    --------
    >>> Member({"expname": "a_x1d.fits", "exptype": "background"})["exptype"]
    'background'
    """

    def __init__(self, initialdata: Mapping[str, Any] | None = None, item: Any = None) -> None:
        super().__init__({} if initialdata is None else dict(initialdata))
        self.item = getattr(initialdata, "item", None) if item is None else item
