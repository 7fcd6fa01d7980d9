"""The table of lines obeys the laws that its lines obey."""

import doctest
import re
from importlib.resources import files

import numpy as np
import pytest
from astropy.table import Table

from mrsnb.core import lines
from mrsnb.core.bands import ALL_BANDS
from mrsnb.core.lines import Line, all_lines, lines_between

RYDBERG = 109_677.5834
"""Of hydrogen, 1/cm (CODATA, reduced mass)."""


def wave_of(name, near=None):
    found = [line.wave for line in all_lines() if line.name == name]
    return found[0] if near is None else min(found, key=lambda wave: abs(wave - near))


def test_astropy_reads_the_same_table():
    table = Table.read(str(files("mrsnb.core") / "lines.ecsv"), format="ascii.ecsv")
    assert [Line(str(row["name"]), float(row["wave"])) for row in table] == list(all_lines())
    assert str(table["wave"].unit) == "micron"
    assert set(table.meta["sources"]) == {"H2", "H I", "others"}


def test_lines_are_in_order_and_within_reach_of_the_instrument():
    waves = [line.wave for line in all_lines()]
    assert len(waves) >= 40
    assert (np.diff(waves) > 0).all()
    assert ALL_BANDS[0].wave_range[0] < waves[0]
    assert waves[-1] < ALL_BANDS[-1].wave_range[1]


def test_hydrogen_obeys_rydberg():
    found = [(line.wave, re.fullmatch(r"H I (\d+)-(\d+)", line.name)) for line in all_lines() if "H I " in line.name]
    assert len(found) >= 5
    for wave, match in found:
        upper, lower = map(int, match.groups())
        assert wave == pytest.approx(1e4 / (RYDBERG * (lower**-2 - upper**-2)), rel=4e-6)


def test_molecular_hydrogen_is_a_rotor():
    """S(J) has the wavenumber B (4J + 6) of a rigid rotor, less what stretching takes: odd powers of J + 3/2."""
    x = np.arange(1, 9) + 1.5
    wavenumber = 1e4 / np.array([wave_of(f"H2 S({j})") for j in range(1, 9)])
    fit = np.linalg.lstsq(np.stack([x, x**3, x**5, x**7], axis=1), wavenumber, rcond=None)[0]
    assert np.stack([x, x**3, x**5, x**7], axis=1) @ fit == pytest.approx(wavenumber, rel=2e-5)
    assert fit[0] / 4 == pytest.approx(59.33, abs=0.1)


def test_iron_obeys_ritz():
    """Of three levels, the wavenumber of the longest step is the sum of the other two."""
    long, short, step = (1e4 / wave_of("[Fe II]", near) for near in (6.72, 5.34, 25.99))
    assert short == pytest.approx(long + step, rel=1e-6)


def test_limits_are_inclusive():
    neon = wave_of("[Ne II]")
    assert lines_between(neon, neon) == [Line("[Ne II]", neon)]
    assert lines_between(neon + 1e-6, 13.0) == []
    assert lines_between(0, 100) == list(all_lines())


def test_examples_in_docstrings():
    assert doctest.testmod(lines).failed == 0
