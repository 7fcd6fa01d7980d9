"""Spectral lines of the infrared, read once from ``line_lists/*.ecsv``; each list states its sources."""

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mrsnb.errors import InputError, nearest

LINE_LISTS = {
    "H2": "h2_rotational",
    "H2 vib": "h2_rovibrational",
    "fine structure": "fine_structure",
    "H I": "hydrogen",
    "PAH": "pah",
}
"""What there is, by the name that a user sees, and the file that holds it."""


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
def line_list(name: str) -> tuple[Line, ...]:
    """Return the lines of one of `LINE_LISTS`, in order of wavelength.

    Raises
    ------
    InputError
        If there is no list of that name.

    Examples
    --------
    >>> line_list("H2")[-1]
    Line(name='H2 S(0)', wave=28.218836)
    """
    return tuple(line for line, _ in _rows(name))


@cache
def bright_lines() -> tuple[Line, ...]:
    """Return the lines that are named in small plots, in order of wavelength."""
    found = [line for name in LINE_LISTS for line, is_bright in _rows(name) if is_bright]
    return tuple(sorted(found, key=lambda line: line.wave))


def lines_between(low: float, high: float, lines: Sequence[Line] | None = None) -> list[Line]:
    """Return the lines with ``low <= wave <= high``.

    Parameters
    ----------
    low, high : float
        Limits in micron.
    lines : sequence of Line, optional
        The bright lines if None.

    Examples
    --------
    >>> lines_between(12.5, 13.0)
    [Line(name='[Ne II]', wave=12.81355)]
    >>> lines_between(12.5, 12.8, line_list("PAH"))
    [Line(name='PAH 12.6', wave=12.62), Line(name='PAH 12.7', wave=12.69)]
    """
    return [line for line in (bright_lines() if lines is None else lines) if low <= line.wave <= high]


@cache
def _rows(name: str) -> tuple[tuple[Line, bool], ...]:
    if name not in LINE_LISTS:
        msg = f"line list {name!r} does not exist{nearest(name, list(LINE_LISTS))}"
        raise InputError(msg)
    text = (files(__package__) / "line_lists" / f"{LINE_LISTS[name]}.ecsv").read_text(encoding="utf-8")
    rows = csv.DictReader((row for row in text.splitlines() if not row.startswith("#")), delimiter=" ")
    found = ((Line(row["name"], float(row["wave"])), row["bright"] == "True") for row in rows)
    return tuple(sorted(found, key=lambda item: item[0].wave))
