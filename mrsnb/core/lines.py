"""Bright emission lines of the mid-infrared, read once from ``lines.ecsv``."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Line(NamedTuple):
    """A spectral line.

    Parameters
    ----------
    name : str
        Ion or molecule, and the transition where there are several: ``"[Ne II]"``, ``"H2 S(1)"``, ``"H I 6-5"``.
    wave : float
        Wavelength in vacuum, at rest; micron.
    """

    name: str
    wave: float


@cache
def all_lines() -> tuple[Line, ...]:
    """Return every line of the table, in order of wavelength."""
    text = (files(__package__) / "lines.ecsv").read_text(encoding="utf-8")
    rows = csv.DictReader((row for row in text.splitlines() if not row.startswith("#")), delimiter=" ")
    return tuple(sorted((Line(row["name"], float(row["wave"])) for row in rows), key=lambda line: line.wave))


def lines_between(low: float, high: float) -> list[Line]:
    """Return the lines with ``low <= wave <= high``, in order of wavelength.

    Parameters
    ----------
    low, high : float
        Limits in micron.

    Examples
    --------
    >>> lines_between(12.5, 13.0)
    [Line(name='[Ne II]', wave=12.81355)]
    """
    return [line for line in all_lines() if low <= line.wave <= high]
