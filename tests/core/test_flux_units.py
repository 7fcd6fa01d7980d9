"""Conversion of units agrees with astropy's, undoes itself, and refuses what cannot be known."""

import doctest

import numpy as np
import pytest
from astropy import units as u

from mrsnb.core import flux_units
from mrsnb.core.flux_units import UNITS, parsed_unit, per_solid_angle, unit_factor
from mrsnb.errors import InputError

WAVE = np.array([4.9, 12.8, 28.0])
FLUXES = [name for name in UNITS if not per_solid_angle(name)]


@pytest.mark.parametrize("unit", [*FLUXES, "erg / (s cm2 AA)", "MJy"])
@pytest.mark.parametrize("to", FLUXES)
def test_factors_are_those_of_astropy(unit, to):
    expected = parsed_unit(unit).to(parsed_unit(to), np.ones(3), u.spectral_density(WAVE * u.um))
    assert unit_factor(WAVE, unit, to) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("to", UNITS)
def test_there_and_back(unit, to):
    area = np.array([1.0, 2.0, 3.0]) * 1e-11
    assert unit_factor(WAVE, unit, to, area) * unit_factor(WAVE, to, unit, area) == pytest.approx(1.0)


def test_surface_brightness_is_flux_over_area():
    assert unit_factor(WAVE, "Jy", "MJy/sr", 2e-11) == pytest.approx(1 / 2e-5)
    assert unit_factor(WAVE, "MJy/sr", "W/m2/um/sr") == pytest.approx(unit_factor(WAVE, "MJy", "W/m2/um"))


def test_an_unknown_area_is_refused_in_one_line():
    for area in (None, np.full(3, np.nan)):
        with pytest.raises(InputError, match="3A: Jy to MJy / sr needs the area of its aperture, which") as found:
            unit_factor(WAVE, "Jy", "MJy/sr", area, name="3A")
        assert "\n" not in str(found.value)


@pytest.mark.parametrize("unit", ["K", "um", "nonsense", "ph / s", 3])
def test_what_is_no_flux_is_refused(unit):
    with pytest.raises(InputError, match="is no flux density or surface brightness; allowed: Jy, mJy"):
        unit_factor(WAVE, unit, "Jy")


def test_no_wavelength_no_factor():
    assert np.isnan(unit_factor([0.0, -1.0, np.nan], "Jy", "W/m2/um")).all()


def test_examples_in_docstrings():
    assert doctest.testmod(flux_units).failed == 0
