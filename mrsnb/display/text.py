"""Plain text: safe characters and aligned columns."""

import unicodedata
from collections.abc import Collection, Sequence

GAP = "  "
"""Between two columns."""


LONGEST = 300
"""Characters of a cell that are shown."""


def shortened(text: str) -> str:
    """Return the beginning of `text` if it is too long to be shown, and how long it is.

    Examples
    --------
    >>> shortened("x" * 1000)[-24:]
    'xxx... (1000 characters)'
    """
    if len(text) <= LONGEST:
        return text
    end = f"... ({len(text)} characters)"
    return text[: LONGEST - len(end)] + end


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
    return "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape").decode("ascii")


def align(lines: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return one string per line, its cells padded to columns of equal width.

    Parameters
    ----------
    lines : sequence of sequence of str
        The cells; a line may have fewer than the longest.
    right : collection of int
        0-based columns to align at their right edge.

    Returns
    -------
    list of str
        As many as `lines`, without trailing blanks.

    Examples
    --------
    >>> align([["band", "planes"], ["1A", "1050"], ["1B", "972"]], right=[1])
    ['band  planes', '1A      1050', '1B       972']
    """
    cells = [[clean(cell) for cell in line] for line in lines]
    n_columns = max(map(len, cells), default=0)
    widths = [max((len(line[i]) for line in cells if i < len(line)), default=0) for i in range(n_columns)]
    return [
        GAP.join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in cells
    ]
