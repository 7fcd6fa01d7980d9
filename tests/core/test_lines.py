"""The tables of lines obey the laws that their lines obey."""

import csv
import doctest
import re
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from astropy.table import Table

from mrsnb.core import lines
from mrsnb.core.bands import ALL_BANDS
from mrsnb.core.lines import LINE_LISTS, Line, bright_lines, line_list, lines_between
from mrsnb.errors import InputError

RYDBERG = 109_677.5834
"""Of hydrogen, 1/cm (CODATA, reduced mass)."""


def wave_of(name, near=None):
    found = [line.wave for kind in LINE_LISTS for line in line_list(kind) if line.name == name]
    return found[0] if near is None else min(found, key=lambda wave: abs(wave - near))


@pytest.mark.parametrize("name", LINE_LISTS)
def test_astropy_reads_the_same_table(name):
    table = Table.read(str(files("mrsnb.core") / "line_lists" / f"{LINE_LISTS[name]}.ecsv"), format="ascii.ecsv")
    assert [Line(str(row["name"]), float(row["wave"])) for row in table] == list(line_list(name))
    assert str(table["wave"].unit) == "micron"
    assert table["bright"].dtype == bool
    assert table.meta["sources"]
    assert all(re.search(r"\d{4}|ISO", source) for source in table.meta["sources"].values())


@pytest.mark.parametrize("name", LINE_LISTS)
def test_lines_are_in_order_and_none_is_there_twice(name):
    found = line_list(name)
    assert all(a.wave < b.wave or a.name != b.name for a, b in pairwise(found))
    assert len(set(found)) == len(found)
    assert all(1 < line.wave < 30 or "H I" in line.name for line in found)


def test_bright_lines_are_within_reach_of_the_instrument():
    waves = [line.wave for line in bright_lines()]
    assert len(waves) >= 40
    assert (np.diff(waves) > 0).all()
    assert ALL_BANDS[0].wave_range[0] < waves[0]
    assert waves[-1] < ALL_BANDS[-1].wave_range[1]


def test_hydrogen_obeys_rydberg():
    found = [(line.wave, re.fullmatch(r"H I (\d+)-(\d+)", line.name)) for line in line_list("H I")]
    assert len(found) >= 28
    for wave, match in found:
        upper, lower = map(int, match.groups())
        assert wave == pytest.approx(1e4 / (RYDBERG * (lower**-2 - upper**-2)), rel=8e-6)


def test_molecular_hydrogen_is_a_rotor():
    """S(J) has the wavenumber B (4J + 6) of a rigid rotor, less what stretching takes: odd powers of J + 3/2."""
    x = np.arange(0, 16) + 1.5
    wavenumber = 1e4 / np.array([wave_of(f"H2 S({j})") for j in range(16)])
    powers = np.stack([x**k for k in range(1, 14, 2)], axis=1)
    scale = powers[-1]
    fit = np.linalg.lstsq(powers / scale / wavenumber[:, None], np.ones_like(x), rcond=None)[0] / scale
    assert powers @ fit == pytest.approx(wavenumber, rel=3e-5)
    assert fit[0] / 4 == pytest.approx(59.33, abs=0.1)


def test_vibrating_hydrogen_obeys_ritz():
    """Ways between the same levels: 1-1 S(J) = Q(J+2) - O(J+2), 0-0 S(J) = Q(J) - O(J+2) = S(J) - Q(J+2)."""
    number = {line.name.removeprefix("H2 "): 1e4 / line.wave for kind in ("H2", "H2 vib") for line in line_list(kind)}
    checked = 0
    for j in range(1, 14):
        for whole, plus, minus in (
            (f"1-1 S({j})", f"1-0 Q({j + 2})", f"1-0 O({j + 2})"),
            (f"S({j})", f"1-0 Q({j})", f"1-0 O({j + 2})"),
            (f"S({j})", f"1-0 S({j})", f"1-0 Q({j + 2})"),
        ):
            if {whole, plus, minus} <= set(number):
                assert number[whole] == pytest.approx(number[plus] - number[minus], abs=0.02), whole
                checked += 1
    assert checked >= 15


def test_iron_obeys_ritz():
    """Of three levels, the wavenumber of the longest step is the sum of the other two."""
    long, short, step = (1e4 / wave_of("[Fe II]", near) for near in (6.72, 5.34, 25.99))
    assert short == pytest.approx(long + step, rel=1e-6)


def test_limits_are_inclusive():
    neon = wave_of("[Ne II]")
    assert lines_between(neon, neon) == [Line("[Ne II]", neon)]
    assert lines_between(neon + 1e-6, 13.0) == []
    assert lines_between(0, 100) == list(bright_lines())
    assert lines_between(0, 100, line_list("PAH")) == list(line_list("PAH"))


def test_an_unknown_list_is_named():
    with pytest.raises(InputError, match="line list 'fine struct' does not exist; did you mean 'fine structure'"):
        line_list("fine struct")


@pytest.mark.shared
@pytest.mark.parametrize(("name", "file"), [("H2", "H2-ISO"), ("H I", "H-He"), ("PAH", "PAH")])
def test_lines_agree_with_those_of_jdaviz(shared, name, file):
    """To 1e-5, and features of dust to half a percent."""
    with (shared / "data" / "lines" / f"jdaviz_{file}.csv").open() as text:
        known = np.array([float(row[1]) for row in list(csv.reader(text))[1:] if len(row) > 1])
    for line in line_list(name):
        assert np.abs(known / line.wave - 1).min() < (5e-3 if name == "PAH" else 1e-5), line


def test_examples_in_docstrings():
    assert doctest.testmod(lines).failed == 0
