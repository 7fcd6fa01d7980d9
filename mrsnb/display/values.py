"""What can be shown: rows, tables, sections and pictures; all frozen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mrsnb.display import markup
from mrsnb.display.text import align, clean, shortened

MOST_ROWS = 200
"""Rows of a table that are shown; what is not shown is still in the value."""


@dataclass(frozen=True)
class Row:
    """One thing to say: a name, a value, and perhaps its unit and a note.

    Parameters
    ----------
    name, value : str
        What it is and how much.
    unit : str
        Unit of the value.
    note : str
        A remark, shown after the value.
    """

    name: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawn picture.

    Parameters
    ----------
    title : str
        What it shows; the text for those who cannot see it.
    png : bytes
        The file.
    width, height : int
        Size on the page in CSS pixels; the file holds more pixels than that, to be crisp on fine screens.
    """

    title: str
    png: bytes = field(repr=False)
    width: int
    height: int

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.png, {"width": self.width, "height": self.height}


@dataclass(frozen=True)
class Table:
    """Text in columns. Columns of numbers are aligned at the right.

    Parameters
    ----------
    columns : sequence of str
        Heads.
    rows : sequence of sequence of str
        Cells, as many in each row as there are heads.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are heads.

    Examples
    --------
    >>> print(Table(["band", "planes"], [["1A", "1050"], ["1B", "972"]]).to_text())
    band  planes
    ----  ------
    1A      1050
    1B       972
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                msg = f"row {number} has {len(row)} cells: {list(row)}; there are {len(self.columns)} columns"
                raise ValueError(msg)

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self) -> str:
        """Return aligned lines: heads, a rule, rows."""
        rows = self._rows()
        widths = (max(len(clean(row[i])) for row in (self.columns, *rows)) for i in range(len(self.columns)))
        return "\n".join(align([self.columns, ["-" * width for width in widths], *rows], self._numbers()))

    def to_html(self) -> str:
        """Return the same as HTML, complete for a notebook cell."""
        return markup.block(self.markup())

    def markup(self) -> str:
        """Return the bare ``<table>``."""
        return markup.table(self.columns, self._rows(), self._numbers())

    def _rows(self) -> list[tuple[str, ...]]:
        return [tuple(shortened(cell) for cell in row) for row in within_limit(self.rows)]

    def _numbers(self) -> set[int]:
        return {i for i in range(len(self.columns)) if self.rows and all(_is_number(row[i]) for row in self.rows)}

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.to_text(), "text/html": self.to_html()}


@dataclass(frozen=True)
class Section:
    """A part of a larger whole that can be folded away.

    Parameters
    ----------
    title : str
        Its head.
    content : sequence of Row, or Table
        What it says.
    open : bool
        True to show it unfolded at first.
    """

    title: str
    content: Sequence[Row] | Table
    open: bool = False


def within_limit(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the first rows, and one that says how many there are beside, if they are too many to be shown."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    rest = f"... and {len(rows) - MOST_ROWS + 1} more"
    return [*rows[: MOST_ROWS - 1], (rest, *[""] * (len(rows[0]) - 1))]


def _is_number(cell: str) -> bool:
    cell = cell.strip().removesuffix("%").rstrip()
    if cell in {"", "-"}:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True
