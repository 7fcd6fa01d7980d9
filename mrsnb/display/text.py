"""Plain text: safe characters and aligned columns."""

from collections.abc import Collection, Sequence

from mrsnb.printable import clean

__all__ = ["GAP", "LONGEST", "align", "brief", "clean", "shortened"]

GAP = "  "
"""Between two columns."""


LONGEST = 300
"""Characters of a cell that are shown."""
_BRIEF = 60
"""Characters of the names in the representation of a thing."""


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


def brief(kind: str, names: Sequence[str]) -> str:
    """Return a representation of a thing by its kind and the names of its parts, short however many and long they are.

    Examples
    --------
    >>> brief("CubeViewer", ["1A", "1B", "1C"])
    '<CubeViewer 1A, 1B, 1C>'
    >>> brief("CubeViewer", [f"target_number_{i}_s3d.fits" for i in range(12)])
    '<CubeViewer target_number_0_s3d.fits, target_number_1_s3d.fits and 10 more>'
    """
    shown: list[str] = []
    for name in map(clean, names):
        if shown and len(", ".join([*shown, name])) > _BRIEF:
            break
        shown.append(name if len(name) <= _BRIEF else name[: _BRIEF - 3] + "...")
    rest = len(names) - len(shown)
    return f"<{kind} {', '.join(shown)}{f' and {rest} more' if rest else ''}>"


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
