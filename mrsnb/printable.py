"""Text that is safe to print; any layer may import it."""

import unicodedata
from functools import lru_cache

_LONG = 600
"""Characters of a text that is not kept once it is cleaned."""


def clean(text: str) -> str:
    r"""Return `text` on one line, each character that cannot be printed written as its escape.

    Text out of files can hold line breaks, terminal commands and marks that turn the direction of writing.

    Examples
    --------
    >>> print(clean("NGC 7027\n\x1b[31m"))
    NGC 7027\n\x1b[31m
    """
    if text.isprintable():
        return text
    return _cleaned(text) if len(text) < _LONG else _cleaned.__wrapped__(text)


@lru_cache(1024)
def _cleaned(text: str) -> str:
    return "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape").decode("ascii")
