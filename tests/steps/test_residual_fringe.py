import astropy.units as u
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.errors import InputError, ParamError
from mrsnb.steps.residual_fringe import LONGEST_WAVE, ResidualFringeParams, residual_fringe_1d

BANDS = {
    "1A": (4.9, 5.74, 0.0012),
    "2B": (8.67, 10.13, 0.0026),
    "3A": (11.55, 13.47, 0.0025),
    "4C": (24.4, 28.7, 0.006),
}
LINES = ((0.2, 5.0), (0.43, 1.0), (0.61, 20.0), (0.83, 0.3))
"""Place within the band, and height over the continuum."""


def smooth(band):
    low, high, step = BANDS[band]
    wave = np.arange(low, high, step)
    return wave, 250.0 * (wave / 10.0) ** -0.6


def line(wave, place, height):
    low, high = wave[0], wave[-1]
    centre = low + place * (high - low)
    return height * 250.0 * np.exp(-0.5 * ((wave - centre) / (centre / 2500 / 2.355)) ** 2)


def fringed(wave, *fringes):
    return 1.0 + sum(a * np.sin(2 * np.pi * (1e4 / wave / period + k / 7)) for k, (period, a) in enumerate(fringes))


def noise(wave, seed, level):
    return level * 250.0 * np.random.default_rng(seed).normal(size=wave.size)


def left(result, truth):
    """Return how far the spectrum is from the truth where it is corrected, relative, rms; the worst tenth left out."""
    off = np.sort(np.abs(result.flux / truth - 1.0)[result.wave <= LONGEST_WAVE])
    return float(np.sqrt(np.mean(off[: int(0.9 * off.size)] ** 2)))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("band", BANDS)
def test_fringes_are_removed(band, seed):
    wave, truth = smooth(band)
    fringes = [(2.75, 0.01), (2.95, 0.03)]
    flux = truth * fringed(wave, *fringes) + noise(wave, seed, 0.002)
    result = residual_fringe_1d(wave, flux, int(band[0]))
    assert not result.reason
    assert np.std(flux / truth) > 0.02
    assert left(result, truth) < 0.0045
    assert np.abs(result.families[0].period[0] - 2.95) < 0.01
    assert result.families[0].amplitude[0] == pytest.approx(0.03, rel=0.1)


def test_those_of_the_dichroic_as_well_in_channels_3_and_4_only():
    wave, truth = smooth("3A")
    flux = truth * fringed(wave, (0.4, 0.02)) + noise(wave, 3, 0.002)
    assert left(residual_fringe_1d(wave, flux, 3), truth) < 0.004
    assert left(residual_fringe_1d(wave, flux, 3, ResidualFringeParams(dichroic_only=True)), truth) < 0.004
    untouched = residual_fringe_1d(wave, flux, 2)
    np.testing.assert_array_equal(untouched.flux, flux)


@pytest.mark.parametrize("band", BANDS)
def test_a_spectrum_without_fringes_is_left_as_it_is(band):
    wave, truth = smooth(band)
    for seed in range(5):
        flux = truth + noise(wave, seed, 0.01)
        result = residual_fringe_1d(wave, flux, int(band[0]))
        np.testing.assert_array_equal(result.flux, flux)
        assert "none found" in result.reason
        assert "none found" in repr(result)
        assert [picture.title for picture in result.pictures()] == ["Spectrum, nothing corrected"]


@pytest.mark.parametrize("fringes", [(), ((2.9, 0.02),)])
@pytest.mark.parametrize("band", ["1A", "3A"])
def test_lines_keep_their_flux(band, fringes):
    wave, continuum = smooth(band)
    truth = continuum + sum(line(wave, *one) for one in LINES)
    flux = truth * fringed(wave, *fringes) + noise(wave, 5, 0.001)
    result = residual_fringe_1d(wave, flux, int(band[0]))
    for place, height in LINES:
        near = line(wave, place, 1.0) > 1e-3 * 250.0
        expected = (truth - continuum)[near].sum()
        assert (result.flux - continuum)[near].sum() == pytest.approx(expected, rel=0.01 + 0.005 / height)


def test_a_forest_of_lines_is_not_taken_for_fringes():
    wave, continuum = smooth("1A")
    rng = np.random.default_rng(0)
    truth = continuum + sum(line(wave, rng.uniform(), rng.uniform(0.01, 0.1)) for _ in range(150))
    result = residual_fringe_1d(wave, truth, 1)
    assert np.std(result.flux / truth) < 0.007


@settings(max_examples=15)
@given(exponent=st.integers(-12, 12), seed=st.integers(0, 100))
def test_the_unit_does_not_matter(exponent, seed):
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.02)) + noise(wave, seed, 0.003)
    one, other = residual_fringe_1d(wave, flux, 2), residual_fringe_1d(wave, flux * 10.0**exponent, 2)
    assert not one.reason
    np.testing.assert_allclose(other.flux, one.flux * 10.0**exponent, rtol=1e-7)


def test_flux_is_what_it_was_divided_by_the_fringes():
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.02))
    result = residual_fringe_1d(wave, flux, 2)
    np.testing.assert_allclose(result.flux * result.fringe, flux, rtol=1e-12)
    np.testing.assert_array_equal(result.before, flux)
    assert result.rows()
    assert [p.title for p in result.pictures()] == ["Spectrum before and after", "Fringes that were divided out"]


def test_missing_and_negative_values_stay_and_spoil_nothing():
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.02)) + noise(wave, 1, 0.002)
    holes = flux.copy()
    holes[[0, 100, 101, 300]] = np.nan, np.nan, np.inf, -5.0
    result = residual_fringe_1d(wave, holes, 2)
    np.testing.assert_array_equal(result.flux[[0, 100, 101, 300]], holes[[0, 100, 101, 300]])
    good = np.isfinite(holes) & (holes > 0)
    np.testing.assert_allclose(result.flux[good], residual_fringe_1d(wave, flux, 2).flux[good], rtol=3e-3)


@pytest.mark.parametrize(
    ("flux", "why"),
    [
        (np.full(560, np.nan), "too short"),
        (np.zeros(560), "too short"),
        (np.where(np.arange(560) < 30, 1.0, np.nan), "too short"),
        (np.random.default_rng(0).normal(size=560), "too noisy"),
    ],
)
def test_a_hopeless_spectrum_is_returned_with_the_reason(flux, why):
    wave = np.linspace(8.67, 10.13, 560)
    result = residual_fringe_1d(wave, flux, 2)
    np.testing.assert_array_equal(result.flux, flux)
    assert why in result.reason
    assert why in repr(result)


def test_a_narrow_piece_is_too_short_for_the_fringes_of_the_detector():
    wave = np.linspace(10.0, 10.1, 200)  # 9.9 cm^-1
    flux = 1.0 + 0.05 * np.sin(2 * np.pi * 1e4 / wave / 2.9)
    result = residual_fringe_1d(wave, flux, 2)
    assert "too short" in result.reason
    np.testing.assert_array_equal(result.flux, flux)


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
@pytest.mark.parametrize("channel", [1, 3])
def test_thick_planes_are_too_coarse_for_fringes(channel, compat):
    wave = np.linspace(5.0, 5.6, 70) if channel == 1 else np.linspace(11.6, 13.4, 180)
    flux = 1.0 + 0.1 * np.random.default_rng(3).random(wave.size)
    result = residual_fringe_1d(wave, flux, channel, ResidualFringeParams(compat=compat))
    assert "too coarse" in " ".join(family.reason for family in result.families)


def test_a_spectrum_without_any_noise_is_no_problem():
    wave = np.linspace(8.67, 10.13, 560)
    for flux in (np.ones(560), wave, np.where(np.arange(560) == 200, 5.0, 1.0)):
        np.testing.assert_array_equal(residual_fringe_1d(wave, flux, 2).flux, flux)


def test_beyond_the_longest_wavelength_nothing_is_corrected():
    wave, truth = smooth("4C")
    flux = truth * fringed(wave, (2.9, 0.03)) + noise(wave, 1, 0.002)
    result = residual_fringe_1d(wave, flux, 4)
    far = wave > LONGEST_WAVE
    np.testing.assert_array_equal(result.flux[far], flux[far])
    assert (result.fringe[~far] != 1.0).mean() > 0.99


def test_fringes_that_are_too_strong_are_left():
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.1))
    result = residual_fringe_1d(wave, flux, 2, ResidualFringeParams(max_amp=0.05))
    np.testing.assert_allclose(result.fringe, 1.0, atol=0.05)
    assert np.std(residual_fringe_1d(wave, flux, 2).fringe) > 0.06


def test_a_region_may_be_left_out_of_the_fit():
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.02)) + noise(wave, 1, 0.002)
    odd = (wave > 9.2) & (wave < 9.5)
    flux[odd] *= 1 + 0.1 * np.sin(2 * np.pi * 1e4 / wave[odd] / 3.6)
    result = residual_fringe_1d(wave, flux, 2, ResidualFringeParams(ignore_regions=((9.2, 9.5),)))
    np.testing.assert_allclose(result.families[0].period[0], 2.9, atol=0.01)
    assert (result.flux[~odd] / truth[~odd]).std() < 0.006


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, f: residual_fringe_1d(w, f[1:], 1), r"shapes \(700,\) and \(699,\)"),
        (lambda w, f: residual_fringe_1d(w[::-1], f, 1), "one band at a time"),
        (lambda w, f: residual_fringe_1d(np.append(w[:-1], w[0]), f, 1), "one band at a time"),
        (lambda w, f: residual_fringe_1d(w, f, 5), "channel = 5: must be 1, 2, 3 or 4"),
        (lambda w, f: residual_fringe_1d(w, f, 2, ResidualFringeParams(dichroic_only=True)), "channels 3 and 4"),
        (lambda w, f: residual_fringe_1d(w, f, 2, ResidualFringeParams(max_amp=-1.0)), "max_amp"),
        (lambda w, f: residual_fringe_1d(w, f, 2, ResidualFringeParams(ignore_regions=((8.2, 8.0),))), "must rise"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    wave = np.linspace(4.9, 5.7, 700)
    with pytest.raises((InputError, ParamError), match=message):
        call(wave, np.ones(700))


def test_a_quantity_comes_back_as_one():
    wave, truth = smooth("2B")
    flux = truth * fringed(wave, (2.9, 0.03))
    plain = residual_fringe_1d(wave, flux, 2)
    assert not plain.reason
    result = residual_fringe_1d((wave * u.micron).to(u.nm), flux * u.mJy, 2)
    assert type(plain.flux) is np.ndarray
    assert result.flux.unit == result.before.unit == u.mJy
    np.testing.assert_allclose(result.flux.value, plain.flux, rtol=1e-9)
    assert [p.title for p in result.pictures()] == ["Spectrum before and after", "Fringes that were divided out"]


@pytest.mark.parametrize(
    ("wave_unit", "flux_unit", "message"),
    [
        (u.s, u.Jy, "wave: its unit is s; give a wavelength"),
        (u.Hz, u.Jy, "wave: its unit is Hz"),
        (u.micron, u.ABmag, "flux: its unit mag.AB. is logarithmic; give a flux, such as Jy"),
        (u.micron, u.mag, "flux: its unit mag is logarithmic"),
    ],
)
def test_units_that_cannot_be_are_refused(wave_unit, flux_unit, message):
    wave, truth = smooth("1A")
    with pytest.raises(InputError, match=message):
        residual_fringe_1d(wave * wave_unit, truth * flux_unit, 1)
