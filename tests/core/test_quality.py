"""Quality: clean products pass every check, and each defect put into them is seen by the check that is about it."""

import doctest
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from cubes import a_cube
from hypothesis import given, settings
from hypothesis import strategies as st
from spectra import spectrum_of

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.dq import DQ
from mrsnb.core.layers import CubeLayers
from mrsnb.core.quality import (
    cube_figures,
    exposure_figures,
    jumps,
    observed,
    quality,
    spectrum_figures,
    worst_of,
)
from mrsnb.core.quality.check import Check, Limits
from mrsnb.core.quality.of_spectra import coverage_check
from mrsnb.core.quality.spectra import fringe_amplitude, scatter

SHAPE = (130, 31, 31)
CENTRE, RADIUS = (15.0, 15.0), 4.5
BANDS = ("1A", "1B", "1C")


def clean_cube(band="1A", seed=0):
    """A star amid sky of zero, noise as stated, and no data in the corners of the frame."""
    rng, (low, high) = np.random.default_rng(seed), Band.from_name(band).wave_range
    y, x = np.indices(SHAPE[1:])
    away = np.hypot(x - CENTRE[0], y - CENTRE[1])
    flux = 500 * np.exp(-0.5 * (away / 1.5) ** 2) + rng.normal(0, 1, SHAPE)
    outside = away > 13
    flux[:, outside] = np.nan
    dq = np.where(np.isnan(flux), np.uint32(513), np.uint32(0))
    grid = {"start": low, "step": (high - low) / SHAPE[0]}
    cube = a_cube(flux, err=1.0, dq=dq, band=band, name=f"toy_ch{band}_s3d.fits", **grid)
    return replace(cube, weight=np.where(np.isnan(flux), np.float32(0), np.float32(6)))


def clean_spectrum(band="1A", seed=0, **columns):
    low, high = Band.from_name(band).wave_range
    wave = np.arange(low - 0.03, high + 0.03, 0.0008)
    flux = 0.1 * (wave / 5) ** -1 + np.random.default_rng(seed).normal(0, 1e-4, wave.size)
    given = {"flux": flux, "flux_error": 1e-4, "npixels": np.pi * RADIUS**2, "rf_flux": np.nan} | columns
    made = spectrum_of(wave, band=band, source_type="POINT", **given)
    return replace(made, position=CENTRE)


SATURATED = Check(name="", value="1 %", limit="0.1 %", verdict="warning", meaning="Stated.", remedy="None.")


def keys(**more):
    values = {
        "TARGPROP": "TOY",
        "PROGRAM": "01234",
        "DATE-OBS": "2024-01-02",
        "CAL_VER": "mrsnb 1",
        "S_OUTLIR": "COMPLETE",
    }
    return Cards([Card(key, value) for key, value in (values | more).items()])


class Made:
    """A set of products, to be spoiled: replace a cube or a spectrum, then ask for the checks."""

    def __init__(self):
        self.cubes = {band: clean_cube(band, seed=k) for k, band in enumerate(BANDS)}
        self.spectra = {band: clean_spectrum(band, seed=k) for k, band in enumerate(BANDS)}
        self.observed = [observed(f"{band}_s3d.fits", keys(), ("a", "b")) for band in BANDS]
        self.dq = np.zeros((100, 100), np.uint32)
        self.unreadable = ()
        self.exposures = 2
        self.stated = ()

    def spoil_cube(self, band, **arrays):
        self.cubes[band] = replace(self.cubes[band], **arrays)

    def flux(self, band="1B"):
        return self.cubes[band].flux.copy()

    def quality(self):
        return quality(
            cubes={
                band: replace(cube_figures(CubeLayers.of(cube)), exposures=self.exposures)
                for band, cube in self.cubes.items()
            },
            spectra={band: spectrum_figures(spectrum) for band, spectrum in self.spectra.items()},
            jumps=jumps(list(self.spectra.values())),
            products=self.observed,
            exposures=[exposure_figures("a", "1A", self.dq)],
            unreadable=self.unreadable,
            stated=self.stated,
        )


def verdicts(made):
    return {check.name: check.verdict for check in made.quality().checks}


def test_clean_products_pass_every_check():
    assert set(verdicts(Made()).values()) == {"good"}


def holes(made):
    flux = made.flux()
    flux[:, 14:18, 5:9] = np.nan
    made.spoil_cube("1B", flux=flux)


def no_weight(made):
    weight = made.cubes["1B"].weight.copy()
    weight[:60, 10:14, 8:12] = 0
    made.spoil_cube("1B", weight=weight)


def empty_planes(made):
    flux = made.flux()
    flux[40:43] = np.nan
    made.spoil_cube("1B", flux=flux)


def empty_end(made):
    flux = made.flux()
    flux[-10:] = np.nan
    made.spoil_cube("1B", flux=flux)


def no_errors(made):
    err = made.cubes["1B"].err.copy()
    err[::4] = 0
    made.spoil_cube("1B", err=err)


def oversubtracted(made):
    made.spoil_cube("1B", flux=made.flux() - np.float32(4))


def other_unit(made):
    made.spoil_cube("1B", science=Cards([Card("BUNIT", "DN/s")]))


def aperture_at_the_edge(made):
    made.spectra = {band: replace(s, position=(26.0, 15.0)) for band, s in made.spectra.items()}


def aperture_off_the_field(made):
    made.spectra = {band: replace(s, position=(60.0, 15.0)) for band, s in made.spectra.items()}


def one_aperture_elsewhere(made):
    made.spectra["1B"] = replace(made.spectra["1B"], position=(9.0, 15.0))


def source_in_one_dither(made):
    weight = made.cubes["1B"].weight.copy()
    weight[:, 10:21, 10:21] /= 6
    made.spoil_cube("1B", weight=weight)


def jump(made):
    flux = made.spectra["1B"].flux * 1.2
    made.spectra["1B"] = clean_spectrum("1B", flux=flux, flux_error=1.2e-4)


def negative(made):
    made.spectra["1B"] = clean_spectrum("1B", flux=made.spectra["1B"].flux - 0.12)


def noisy(made):
    flux = made.spectra["1B"].flux + np.random.default_rng(9).normal(0, 1e-3, made.spectra["1B"].flux.size)
    made.spectra["1B"] = clean_spectrum("1B", flux=flux)


def faint(made):
    made.spectra["1B"] = clean_spectrum("1B", flux_error=0.02)


def flagged(made):
    dq = np.zeros(made.spectra["1B"].wave.size, np.uint32)
    dq[100:150] = DQ.DO_NOT_USE
    made.spectra["1B"] = clean_spectrum("1B", dq=dq)


def fringed(made):
    wave, flux = made.spectra["1B"].wave, made.spectra["1B"].flux
    made.spectra["1B"] = clean_spectrum("1B", flux=flux * (1 + 0.03 * np.sin(2 * np.pi * 1e4 / wave / 2.9)))


def outliers(made):
    made.dq[:10] = DQ.OUTLIER


def outliers_not_looked_for(made):
    made.observed[0] = observed("x", keys(S_OUTLIR="SKIPPED"), ("a", "b"))


def saturated(made):
    made.dq[:10] = DQ.SATURATED


def other_target(made):
    made.observed[0] = observed("x", keys(TARGPROP="OTHER"), ("a", "b"))


def other_time(made):
    made.observed[0] = observed("x", keys(**{"DATE-OBS": "2025-01-02"}), ("a", "b"))


def other_version(made):
    made.observed[0] = observed("x", keys(CAL_VER="1.11.4"), ("a", "b"))


def one_exposure(made):
    made.observed[0] = observed("x", keys(), ("a",))


def a_band_gone(made):
    del made.cubes["1B"], made.spectra["1B"]
    made.spectra |= {band: clean_spectrum(band) for band in ("2A", "2B", "2C")}


def small_aperture(made):
    made.spectra["1B"] = replace(clean_spectrum("1B", seed=1, npixels=np.pi * 2.5**2))


def unreadable(made):
    made.unreadable = ("cut_s3d.fits",)


DEFECTS = {
    holes: {"holes in the field"},
    no_weight: {"holes in the field"},
    empty_planes: {"planes without data"},
    empty_end: {"planes without data"},
    no_errors: {"voxels without error"},
    oversubtracted: {"sky"},
    other_unit: {"units"},
    aperture_at_the_edge: {"aperture outside the field", "source from the edge"},
    aperture_off_the_field: {"aperture outside the field", "source from the edge", "dithers at the source"},
    one_aperture_elsewhere: {"apertures of all bands"},
    source_in_one_dither: {"dithers at the source"},
    jump: {"jumps between bands"},
    negative: {"negative flux", "signal to noise"},
    noisy: {"scatter and stated error"},
    faint: {"signal to noise"},
    flagged: {"flagged wavelengths"},
    fringed: {"residual fringes"},
    outliers: {"outliers"},
    outliers_not_looked_for: {"outliers"},
    saturated: {"saturated pixels"},
    other_target: {"one observation"},
    other_time: {"one observation"},
    other_version: {"one observation"},
    one_exposure: {"exposures of each band"},
    a_band_gone: {"wavelength coverage"},
    small_aperture: {"aperture for few dithers"},
    unreadable: {"files"},
}


@pytest.mark.parametrize("spoil", DEFECTS, ids=lambda spoil: spoil.__name__)
def test_a_defect_is_seen_by_the_check_about_it_and_by_no_other(spoil):
    made = Made()
    spoil(made)
    found = made.quality()
    seen = {check.name for check in found.checks if check.verdict in ("warning", "bad")}
    related = {"negative": {"residual fringes"}, "fringed": {"scatter and stated error"}, "jump": set()}
    assert DEFECTS[spoil] <= seen
    assert seen <= DEFECTS[spoil] | related.get(spoil.__name__, set())
    assert found.verdict == worst_of(found.checks) in ("warning", "bad")
    assert found.checks[0].verdict == found.verdict, "what is worst stands first"
    for check in found.checks:
        assert (check.remedy in check.advice) == (check.verdict in ("warning", "bad"))
        assert check.badge == check.verdict


def test_four_dithers_sample_a_small_aperture_and_of_others_it_is_not_known():
    made = Made()
    small_aperture(made)
    for made.exposures, verdict in ((2, "warning"), (3, "warning"), (4, "good"), (None, "not known")):
        assert verdicts(made)["aperture for few dithers"] == verdict


def test_what_products_state_counts_where_it_is_worse():
    made = Made()
    made.stated = (replace(SATURATED, name="saturated pixels"), replace(SATURATED, name="positions of the exposures"))
    assert {name for name, verdict in verdicts(made).items() if verdict != "good"} == {c.name for c in made.stated}
    saturated(made)
    found = {check.name: check for check in made.quality().checks}
    assert found["saturated pixels"].value == "10 % in a", "what was measured here wins"


def test_exposures_of_several_bands_are_not_counted_as_dithers_of_one():
    files = ("a", "b", "c")
    assert observed("x", keys(), files).exposures == 3
    assert observed("x", keys(), files, bands=3).exposures is None


def test_the_bands_of_a_defect_are_named():
    made = Made()
    holes(made)
    found = made.quality()
    assert found.verdict_of("1B") == "warning"
    assert found.verdict_of("1A") == "good"
    assert [check.name for check in found.of_band("1B")] == ["holes in the field"]
    assert "1B" in found.of_band("1B")[0].value


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.02))
def test_holes_are_the_share_of_the_inner_field(seed, share):
    cube = clean_cube()
    lost = np.random.default_rng(seed).random(SHAPE) < share
    figures = cube_figures(CubeLayers.of(replace(cube, flux=np.where(lost, np.float32(np.nan), cube.flux))))
    assert figures.holes == pytest.approx(share, abs=0.002)
    assert figures.empty_inside == figures.empty_ends == 0


@settings(max_examples=15)
@given(st.floats(0.05, 20.0), st.integers(0, 1000))
def test_scatter_is_the_noise_whatever_the_continuum(noise, seed):
    x = np.linspace(0, 1, 2000)
    flux = 100 + 50 * x + 20 * np.sin(3 * x) + np.random.default_rng(seed).normal(0, noise, x.size)
    flux[[100, 700]] += 1e4
    assert scatter(flux) == pytest.approx(noise, rel=0.12)


@pytest.mark.parametrize("band", ["1A", "1C", "2B", "3C", "4B"])
@pytest.mark.parametrize("amplitude", [0.02, 0.1])
def test_the_amplitude_of_fringes_is_found_in_all_channels(band, amplitude):
    low, high = Band.from_name(band).wave_range
    step = {"1": 0.0008, "2": 0.0013, "3": 0.0025, "4": 0.006}[band[0]]
    wave = np.arange(low, high, step)
    flux = (wave / low) ** -2 * (1 + np.random.default_rng(1).normal(0, 1e-3, wave.size))
    assert fringe_amplitude(wave, flux) == 0
    fringes = 1 + amplitude * np.sin(2 * np.pi * 1e4 / wave / 2.85)
    assert fringe_amplitude(wave, flux * fringes) == pytest.approx(amplitude, rel=0.35)


def test_a_jump_has_sign_and_error():
    spectra = [clean_spectrum("1A"), clean_spectrum("1B", flux=clean_spectrum("1B").flux * 0.9)]
    (found,) = jumps(spectra[::-1])
    assert found.bands == "1A/1B"
    assert found.size == pytest.approx(-0.1, abs=4 * found.error)
    assert 0 < found.error < 0.01


def test_extended_sources_are_compared_by_surface_brightness():
    pair = [replace(clean_spectrum(band, surf_bright=2.0), source_type="EXTENDED") for band in ("1A", "1B")]
    pair[1] = replace(pair[1], columns=pair[1].columns | {"FLUX": pair[1].flux * 3})
    assert jumps(pair)[0].size == pytest.approx(0.0, abs=1e-9)


def test_bands_that_an_observation_did_not_take_are_not_missing():
    assert coverage_check(["1A", "2A", "3A", "4A"]).verdict == "good"
    assert "gaps 5.74 - 7.51" in coverage_check(["1A", "2A"]).value
    assert coverage_check(["3C"]).verdict == "good"
    found = coverage_check(["1A", "1B", "2A"])
    assert found.verdict == "warning"
    assert found.bands == ("2B",)
    assert coverage_check([]).verdict == coverage_check(["1A-4C"]).verdict == "not known"


def test_limits_are_met_from_either_side():
    assert [Limits(1, 2).verdict(x) for x in (1, 1.5, 3, np.nan)] == ["good", "warning", "bad", "not known"]
    assert [Limits(2, 1, low=True).verdict(x) for x in (2, 1.5, 0)] == ["good", "warning", "bad"]
    assert Limits(0.05, 1, "%").told == "at most 5 %"


def test_what_lacks_layers_is_not_known_but_judged_as_far_as_it_goes():
    layers = replace(CubeLayers.of(clean_cube()), err=None, dq=None, weight=None)
    figures = cube_figures(layers)
    assert np.isnan(figures.sky)
    assert not figures.flags
    found = quality(cubes={"1A": figures}, spectra={})
    names = {check.name: check.verdict for check in found.checks}
    assert names["holes in the field"] == "good"
    assert names["sky"] == names["signal to noise"] == "not known"


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0])
def test_nothing_at_all_is_judged_without_failing(value):
    cube = clean_cube()
    empty = cube_figures(CubeLayers.of(replace(cube, flux=np.full(SHAPE, np.float32(np.nan)))))
    spectrum = spectrum_figures(clean_spectrum(flux=value, flux_error=value))
    found = quality(cubes={"1A": empty}, spectra={"1A": spectrum})
    assert empty.empty_ends == SHAPE[0]
    assert found.verdict == "bad"
    assert "1A" in found._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("module", ["check", "quality"])
def test_examples_hold(module):
    found = doctest.testmod(import_module(f"mrsnb.core.quality.{module}"))
    assert found.attempted
    assert not found.failed
