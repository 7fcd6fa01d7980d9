"""Measured lines are those that were made: without bias, with errors that are true."""

import doctest

import numpy as np
import pytest

from mrsnb.core import line_measure
from mrsnb.core.line_measure import FWHM, measure_line
from mrsnb.errors import InputError

KEYS = ("flux", "centre", "fwhm", "equivalent_width")


def made(n=80, *, peak=1.0, sigma=0.004, level=1.0, slope=2.0):
    """Return wavelengths, a line on a straight continuum, and the truth of `KEYS`."""
    wave = 9.6 + 0.0013 * np.arange(n)
    centre = wave[n // 2] + 0.0003
    flux = level + slope * (wave - centre) + peak * np.exp(-0.5 * ((wave - centre) / sigma) ** 2)
    area = peak * sigma * np.sqrt(2 * np.pi)
    return wave, flux, (area, centre, sigma * FWHM, area / level)


def measured(wave, flux, err=None, **more):
    return measure_line(wave, flux, err, low=wave[0], high=wave[-1], **more)


@pytest.mark.parametrize("signal", [100, 20])
@pytest.mark.parametrize("kind", ["gaussian", "moments"])
def test_no_bias_and_true_errors(signal, kind):
    """Monte Carlo: bias below 0.1 sigma of one measurement (and its own error), errors right to 15 %."""
    rng, (wave, flux, truth) = np.random.default_rng(4), made(100 if signal == 100 else 80)
    err = np.full(wave.size, 1 / signal)
    tries = 500
    found = np.array(
        [
            [getattr(getattr(measured(wave, flux + err * rng.standard_normal(wave.size), err), kind), k) for k in KEYS]
            for _ in range(tries)
        ]
    )
    for i, key in enumerate(KEYS):
        value, error = found[:, i].T
        good = np.isfinite(value)
        assert good.mean() > 0.98
        scatter = value[good].std()
        assert abs(value[good].mean() - truth[i]) < (0.1 + 3 / np.sqrt(tries)) * scatter, key
        if (key, kind, signal) != ("fwhm", "moments", 20):  # a second moment of so much noise is not Gaussian
            assert np.median(error[good]) / scatter == pytest.approx(1, abs=0.15), key


@pytest.mark.parametrize("scale", [1e-19, 1e-3, 1e12])
def test_scale_changes_nothing_but_scale(scale):
    wave, flux, _ = made()
    rng = np.random.default_rng(2)
    flux = flux + 0.01 * rng.standard_normal(wave.size)
    err = np.full(wave.size, 0.01)
    one, other = measured(wave, flux, err), measured(wave, scale * flux, scale * err)
    for kind in ("gaussian", "moments"):
        for key, power in zip(KEYS, (1, 0, 0, 0), strict=True):
            a, b = getattr(getattr(one, kind), key), getattr(getattr(other, kind), key)
            assert b == pytest.approx(np.array(a) * scale**power, rel=1e-5)


def test_absorption_is_negative_emission():
    wave, flux, truth = made(peak=-0.6)
    found = measured(wave, flux)
    for profile in (found.gaussian, found.moments):
        assert profile.flux.value == pytest.approx(truth[0], rel=1e-4)
        assert profile.equivalent_width.value == pytest.approx(truth[3], rel=1e-4)
        assert profile.fwhm.value == pytest.approx(truth[2], rel=1e-3)


def test_without_errors_the_scatter_counts():
    wave, flux, _ = made(300)
    noise = 0.02 * np.random.default_rng(5).standard_normal(wave.size)
    stated, found = measured(wave, flux + noise, np.full(wave.size, 0.02)), measured(wave, flux + noise)
    assert found.gaussian.flux.error == pytest.approx(stated.gaussian.flux.error, rel=0.15)
    assert found.moments.flux.error == pytest.approx(stated.moments.flux.error, rel=0.15)
    assert stated.noise == pytest.approx(1, abs=0.15)


def test_bad_samples_do_not_count():
    wave, flux, _ = made()
    spoiled, bad = flux.copy(), np.zeros(wave.size, bool)
    spoiled[[5, 38]], bad[[5, 38]] = 1e6, True
    spoiled[60] = np.nan
    clean = measured(wave, spoiled, bad=bad)
    assert clean.gaussian.flux.value == pytest.approx(measured(wave, flux).gaussian.flux.value, rel=1e-6)
    assert clean.samples == wave.size - 3


def test_order_of_samples_is_irrelevant():
    wave, flux, _ = made()
    mixed = np.random.default_rng(1).permutation(wave.size)
    found = measure_line(wave[mixed], flux[mixed], low=wave[0], high=wave[-1])
    assert found.gaussian == measured(wave, flux).gaussian


def test_the_model_goes_through_the_samples():
    wave, flux, _ = made()
    found = measured(wave, flux)
    assert found.model(wave) == pytest.approx(flux, abs=1e-6)


@pytest.mark.parametrize(
    ("wave", "flux", "message"),
    [
        ([], [], "0 good samples, 8 are needed"),
        (np.linspace(9.6, 9.7, 20), np.full(20, np.nan), "0 good samples"),
        (np.full(20, 9.65), np.ones(20), "at one wavelength"),
    ],
)
def test_too_little_is_refused(wave, flux, message):
    with pytest.raises(InputError, match=f"9.6000 - 9.7000 micron: .*{message}"):
        measure_line(np.array(wave, float), np.array(flux, float), low=9.6, high=9.7)


def test_flat_and_noisy_spectra_give_something():
    wave = np.linspace(9.6, 9.7, 60)
    rng = np.random.default_rng(8)
    for flux in (np.ones(60), np.zeros(60), rng.standard_normal(60), np.arange(60.0)):
        found = measured(wave, flux)
        assert np.isfinite(found.gaussian.flux.value)


def test_examples_in_docstrings():
    assert doctest.testmod(line_measure, extraglobs={"np": np}).failed == 0
