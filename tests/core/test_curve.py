"""Curves of spectra: sorted, in any unit, and to and from specutils."""

import builtins
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

sys.path.insert(0, str(Path(__file__).parents[1]))
from spectra import spectrum_of

from mrsnb.core.cards import Cards
from mrsnb.core.combined import COMBINED_COLUMNS, CombinedSpectrum
from mrsnb.core.curve import aperture_area, curve_of, make_curve
from mrsnb.core.dq import DQ
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError

WAVE = np.linspace(5.0, 5.5, 11)
AREA = 4e-12


def spectrum(**more):
    n = np.linspace(50, 60, 11)
    bright = 2.0 + WAVE
    values = {"npixels": n, "surf_bright": bright, "flux": bright * n * AREA * 1e6} | more
    return spectrum_of(WAVE, **{**values, "flux_error": 0.01, "rf_flux": np.full(11, np.nan)})


def test_a_curve_is_sorted_and_finite():
    curve = make_curve("x", [3.0, np.nan, 1.0], {"FLUX": ([1.0, 2.0, np.inf], None, "Jy")}, dq=[1, 2, 4])
    assert curve.wave.tolist() == [1.0, 3.0]
    assert curve.dq.tolist() == [4, 1]
    assert np.isnan(curve.columns["FLUX"].flux[0])
    assert curve.usable.tolist() == [True, False]


def test_the_area_of_the_aperture_follows_from_flux_and_brightness():
    found = spectrum()
    assert aperture_area(found.columns) == pytest.approx(found.columns["NPIXELS"] * AREA)
    leaky = spectrum(flux=np.where(WAVE > 5.4, 0.5, (2 + WAVE) * np.linspace(50, 60, 11) * AREA * 1e6))
    assert aperture_area(leaky.columns) == pytest.approx(found.columns["NPIXELS"] * AREA)
    dark = spectrum(surf_bright=np.nan, npixels=np.nan)
    assert aperture_area(dark.columns) is None


def test_columns_without_values_are_left_out():
    curve = curve_of(spectrum())
    assert {"FLUX", "SURF_BRIGHT"} <= set(curve.columns)
    assert "RF_FLUX" not in curve.columns
    assert curve.values("FLUX", "MJy/sr")[0] == pytest.approx(curve.values("SURF_BRIGHT")[0])
    assert curve.values("FLUX", "mJy")[1] == pytest.approx(10.0)
    with pytest.raises(InputError, match="1A: no column 'RF_FLUX'; it has FLUX"):
        curve.values("RF_FLUX")


def test_combined_spectra_have_curves():
    columns = {key: np.zeros(11) for key in COMBINED_COLUMNS} | {
        "WAVELENGTH": WAVE,
        "FLUX": WAVE,
        "ERROR": np.full(11, 0.1),
        "SURF_BRIGHT": 2 * WAVE,
        "DQ": np.zeros(11, np.uint32),
    }
    combined = CombinedSpectrum(
        name="x_c1d.fits", bands=(), columns=columns, source_type="", ra=np.nan, dec=np.nan, primary=Cards()
    )
    curve = curve_of(combined)
    assert curve.values("FLUX")[1] == pytest.approx(0.1)
    assert curve.values("FLUX", "MJy/sr")[0] == pytest.approx(2 * WAVE)


def test_specutils_there_and_back():
    dq = np.zeros(11, np.uint32)
    dq[3] = DQ.DO_NOT_USE
    made = spectrum(dq=dq)
    given = made.to_specutils()
    assert given.flux.unit == u.Jy
    assert given.spectral_axis.unit == u.um
    assert given.mask.tolist() == (dq > 0).tolist()
    back = Spectrum.from_specutils(given)
    assert (back.name, back.bands, back.ra, back.position) == (made.name, made.bands, made.ra, made.position)
    for column in ("WAVELENGTH", "FLUX", "FLUX_ERROR", "DQ"):
        assert back.columns[column] == pytest.approx(made.columns[column])
    assert back.primary["CHANNEL"] == made.primary["CHANNEL"]
    bright = made.to_specutils("SURF_BRIGHT")
    assert bright.flux.unit == u.MJy / u.sr
    assert Spectrum.from_specutils(bright).columns["SURF_BRIGHT"] == pytest.approx(made.columns["SURF_BRIGHT"])


def test_specutils_of_others_in_other_units():
    from astropy.nddata import InverseVariance
    from specutils import Spectrum as Other

    wave = np.array([7.0, 6.5, 6.0]) * u.um
    given = Other(
        flux=[1, 2, 3] * u.mJy,
        spectral_axis=wave.to(u.THz, u.spectral()),
        uncertainty=InverseVariance([100.0] * 3 / u.mJy**2),
    )
    found = Spectrum.from_specutils(given, name="other_x1d.fits")
    assert found.wave == pytest.approx([6.0, 6.5, 7.0])
    assert found.flux == pytest.approx([0.003, 0.002, 0.001])
    assert found.err == pytest.approx(1e-4)
    assert found.name == "other_x1d.fits"


def test_what_is_no_spectrum_is_refused():
    from specutils import Spectrum as Other

    cube = Other(flux=np.ones((2, 2, 3)) * u.Jy, spectral_axis=[1, 2, 3] * u.um, spectral_axis_index=2)
    with pytest.raises(InputError, match="a spectrum of one dimension is needed"):
        Spectrum.from_specutils(cube)
    with pytest.raises(InputError, match="unit 'K' is no flux density"):
        Spectrum.from_specutils(Other(flux=[1, 2] * u.K, spectral_axis=[1, 2] * u.um))


def test_specutils_that_is_missing_is_one_clear_line(monkeypatch):
    real = builtins.__import__

    def fake(name, *args, **more):
        if name == "specutils":
            raise ImportError("No module named 'specutils'")
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", fake)
    with pytest.raises(InputError, match=r"install it with: pip install 'specutils>=2\.0'"):
        spectrum().to_specutils()
