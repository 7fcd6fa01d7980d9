"""Wavelengths, redshifts and velocities undo each other."""

import doctest

import numpy as np
import pytest

from mrsnb.core import redshift
from mrsnb.core.redshift import LIGHT_SPEED, observed_wave, rest_wave, velocity, wave_at
from mrsnb.errors import InputError


@pytest.mark.parametrize("z", [-0.5, 0.0, 0.003, 2.5])
def test_shifting_there_and_back(z):
    waves = np.array([5.0, 12.8, 28.0])
    assert rest_wave(observed_wave(waves, z), z) == pytest.approx(waves)
    assert velocity(observed_wave(waves, z), waves) == pytest.approx(LIGHT_SPEED * z)


@pytest.mark.parametrize("convention", ["optical", "relativistic", "radio"])
def test_velocity_there_and_back(convention):
    assert velocity(wave_at(1234.5, 12.8, convention), 12.8, convention) == pytest.approx(1234.5)


def test_the_conventions_agree_for_slow_sources_and_not_for_fast_ones():
    conventions = ("optical", "relativistic", "radio")
    slow, fast = ([float(velocity(10 * (1 + z), 10, c)) for c in conventions] for z in (1e-5, 1))
    assert slow == pytest.approx([slow[0]] * 3, rel=2e-5)
    assert fast == pytest.approx([LIGHT_SPEED, 0.6 * LIGHT_SPEED, 0.5 * LIGHT_SPEED])


@pytest.mark.parametrize("z", [-1, -3, np.nan, np.inf])
def test_an_impossible_redshift_is_refused(z):
    with pytest.raises(InputError, match=r"redshift = .*greater than -1"):
        observed_wave(10.0, z)


def test_an_unknown_convention_is_refused():
    for call in (velocity, wave_at):
        with pytest.raises(InputError, match="convention = 'fast': allowed are"):
            call(1.0, 2.0, "fast")


def test_examples_in_docstrings():
    assert doctest.testmod(redshift).failed == 0
