from dataclasses import replace

import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.references import LeakCorrection
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.steps.spectral_leak import SpectralLeakParams, spectral_leak

WAVE_1B = np.arange(5.66, 6.63, 0.001)
WAVE_3A = np.arange(11.55, 13.47, 0.003)
LEAK = LeakCorrection(
    source="a test",
    wave=np.linspace(11.5, 13.5, 401),
    fraction=0.03 * np.exp(-0.5 * ((np.linspace(11.5, 13.5, 401) - 12.2) / 0.1) ** 2),
)
AREA = 50.0


def a_spectrum(name, wave, flux, source_type="POINT"):
    columns = {key: np.zeros(len(wave)) for key in COLUMNS}
    columns |= {"WAVELENGTH": wave.copy(), "FLUX": flux.copy(), "SURF_BRIGHT": flux * AREA, "FLUX_ERROR": 0.01 * flux}
    columns |= {"DQ": np.zeros(len(wave), np.uint32), "RF_FLUX": 2 * flux, "RF_SURF_BRIGHT": 2 * flux * AREA}
    return Spectrum(
        name=f"test_ch{name}_x1d.fits",
        bands=(Band.from_name(name),),
        columns=columns,
        source_type=source_type,
        position=(3.0, 4.0),
        ra=1.0,
        dec=2.0,
        primary=Cards([Card("BAND", "SHORT")]),
        science=Cards([Card("SRCTYPE", source_type)]),
        history={"parameters": {"cube_build": {}}},
    )


def truth_1b(wave):
    return 2.0 + np.sin(9 * wave)


def fraction(wave):
    return np.interp(wave, LEAK.wave, LEAK.fraction)


@pytest.fixture
def spectra():
    """Bands 1A, 1B, 3A and 4A; 3A is 1 Jy and the leak."""
    leaked = 1.0 + truth_1b(WAVE_3A / 2) * fraction(WAVE_3A)
    return [
        a_spectrum("1A", WAVE_1B - 0.9, truth_1b(WAVE_1B)),
        a_spectrum("1B", WAVE_1B, truth_1b(WAVE_1B)),
        a_spectrum("3A", WAVE_3A, leaked),
        a_spectrum("4A", WAVE_3A + 7, np.ones(len(WAVE_3A))),
    ]


def corrected(spectra, compat="none", leak=LEAK):
    return spectral_leak(spectra, SpectralLeakParams(compat=compat), leak)


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_what_leaked_is_taken_out(spectra, compat):
    result = corrected(spectra, compat)
    assert result.corrected is result.spectra[2]
    np.testing.assert_allclose(result.corrected.flux, 1.0, rtol=1e-6)
    assert result.before is spectra[2]
    assert spectra[2].flux.max() > 1.02
    assert result.corrected.primary["S_SPLEAK"] == "COMPLETE"
    assert result.corrected.history["parameters"].keys() == {"cube_build", "spectral_leak"}


def test_it_is_the_product_of_flux_at_half_the_wavelength_and_fraction(spectra):
    taken = spectra[2].flux - corrected(spectra).corrected.flux
    flat = np.interp(WAVE_3A, 2 * WAVE_1B, truth_1b(WAVE_1B))  # beyond the ends of 1B its end values
    np.testing.assert_allclose(taken, flat * fraction(WAVE_3A), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("factor", [0.0, -1.0, 100.0])
def test_it_is_linear_in_the_flux_of_1b(spectra, factor):
    scaled = [*spectra]
    scaled[1] = a_spectrum("1B", WAVE_1B, factor * truth_1b(WAVE_1B))
    taken, reference = (s[2].flux - corrected(s).corrected.flux for s in (scaled, spectra))
    np.testing.assert_allclose(taken, factor * reference, rtol=1e-9, atol=1e-12)


def test_without_a_fraction_nothing_changes(spectra):
    none = LeakCorrection(source="none", wave=LEAK.wave.copy(), fraction=np.zeros(len(LEAK.wave)))
    for name, column in corrected(spectra, leak=none).corrected.columns.items():
        np.testing.assert_array_equal(column, spectra[2].columns[name])


def test_all_other_spectra_and_columns_are_the_same(spectra):
    result = corrected(spectra)
    for k in (0, 1, 3):
        assert result.spectra[k] is spectra[k]
    for name in set(COLUMNS) - {"FLUX", "SURF_BRIGHT", "RF_FLUX", "RF_SURF_BRIGHT"}:
        np.testing.assert_array_equal(result.corrected.columns[name], spectra[2].columns[name])


def test_the_input_is_left_as_it_was(spectra):
    before = [column.tobytes() for s in spectra for column in s.columns.values()]
    corrected(spectra)
    assert [column.tobytes() for s in spectra for column in s.columns.values()] == before


def test_surface_brightness_goes_with_the_flux_but_not_upstream(spectra):
    right, upstream = corrected(spectra).corrected, corrected(spectra, "jwst-3.0").corrected
    np.testing.assert_allclose(right.columns["SURF_BRIGHT"], right.flux * AREA, rtol=1e-9)
    np.testing.assert_array_equal(upstream.columns["SURF_BRIGHT"], spectra[2].columns["SURF_BRIGHT"])
    np.testing.assert_array_equal(upstream.flux, right.flux)


def test_the_fringe_corrected_flux_is_corrected_by_its_own(spectra):
    result = corrected(spectra).corrected
    np.testing.assert_allclose(result.columns["RF_FLUX"], 2 * result.flux, rtol=1e-9)
    np.testing.assert_allclose(result.columns["RF_SURF_BRIGHT"], 2 * result.columns["SURF_BRIGHT"], rtol=1e-9)


def test_a_wavelength_without_flux_in_1b_is_bridged(spectra):
    flux = truth_1b(WAVE_1B)
    flux[440:442] = np.nan
    spectra[1] = a_spectrum("1B", WAVE_1B, flux)
    np.testing.assert_allclose(corrected(spectra).corrected.flux, 1.0, rtol=1e-5)


def test_a_wavelength_without_flux_in_3a_stays_without(spectra):
    flux = spectra[2].flux.copy()
    flux[7] = np.nan
    spectra[2] = a_spectrum("3A", WAVE_3A, flux)
    found = corrected(spectra).corrected
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.flux)), [7])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.columns["SURF_BRIGHT"])), [7])


def test_the_order_of_the_spectra_is_kept_and_irrelevant(spectra):
    result = corrected(spectra[::-1])
    assert [s.label for s in result.spectra] == ["4A", "3A", "1B", "1A"]
    np.testing.assert_array_equal(result.corrected.flux, corrected(spectra).corrected.flux)


def left_alone(result, spectra, reason):
    assert result.corrected is None
    assert all(found is given for found, given in zip(result.spectra, spectra, strict=True))
    assert reason in result.reason
    assert reason in repr(result)
    assert not result.pictures()


@pytest.mark.parametrize("missing", [1, 2])
def test_without_1b_or_3a_nothing_is_done_and_it_is_said(spectra, missing):
    del spectra[missing]
    left_alone(corrected(spectra), spectra, "1B and 3A")


def test_nothing_is_done_for_an_extended_source(spectra):
    spectra[0] = replace(spectra[0], source_type="EXTENDED")
    left_alone(corrected(spectra), spectra, "point sources only")


def test_nothing_is_done_without_reference_values(spectra):
    left_alone(corrected(spectra, leak=None), spectra, "no reference values")


def test_nothing_is_done_with_nothing():
    left_alone(corrected([]), [], "1B and 3A")


def test_the_result_says_what_was_taken_out(spectra):
    result = corrected(spectra)
    assert result.title == "spectral_leak: band 3A"
    assert "micron" in repr(result)
    assert "2.92%" in repr(result)
    assert result.pictures()
