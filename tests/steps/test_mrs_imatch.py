from dataclasses import replace

import numpy as np
import pytest

from mrsnb.core.references import CubePars, Sampling
from mrsnb.errors import InputError, ParamError
from mrsnb.steps.cube_build import view_of
from mrsnb.steps.mrs_imatch import BackgroundPolynomial, MrsImatchParams, mrs_imatch

SUBTRACT = MrsImatchParams(skip=False, subtract=True, bkg_degree=0)


def raised(exposure, change, *, only=None):
    """Return the exposure in memory with a background of its own: ``change(ra, dec, wave)``."""
    loaded = exposure.load()
    flux = loaded.flux.copy()
    for band in loaded.bands:
        if only in (None, band.name):
            view = view_of(loaded, band)
            ra, dec = view.sky()
            flux.ravel()[view.samples.pixel] += change(ra, dec, view.samples.wave).astype(np.float32)
    return replace(loaded, flux=flux)


@pytest.fixture(scope="module")
def pars():
    """A short piece of each band, in few planes."""
    sampling = {(1, "short"): Sampling(0.2, 0.01, 5.0, 5.2), (2, "short"): Sampling(0.25, 0.01, 8.0, 8.1)}
    return CubePars(source="a test", sampling=sampling, msm={}, emsm={})


@pytest.fixture(scope="module")
def three(clean_exposures):
    """Three exposures with backgrounds of their own."""
    first, second = clean_exposures[:2]
    third = replace(first.load(), name="third_cal.fits")
    levels = (0.0, 3.0, -6.0)
    return [
        raised(exposure, lambda ra, _dec, _wave, level=level: level + 0 * ra)
        for exposure, level in zip((first, second, third), levels, strict=True)
    ]


@pytest.fixture(scope="module")
def result(three, pars):
    return mrs_imatch(three, SUBTRACT, pars)


def test_levels_that_were_added_are_found_again(result):
    for band, size in (("1A", 3), ("2A", 3)):
        levels = [p.level for p in result.polynomials if p.band.name == band]
        assert len(levels) == size
        np.testing.assert_allclose(levels, [1.0, 4.0, -5.0], atol=0.02)
        assert sum(levels) == pytest.approx(0, abs=1e-9)


def test_backgrounds_are_equal_afterwards(three, result):
    for before, after in zip(three, result.exposures, strict=True):
        loaded = after.load()
        for polynomial in (p for p in result.polynomials if p.exposure == before.name):
            pixel = view_of(loaded, polynomial.band).samples.pixel
            taken = (before.flux.ravel() - loaded.flux.ravel())[pixel]
            np.testing.assert_allclose(taken[np.isfinite(taken)], polynomial.level, atol=0.003)
        np.testing.assert_array_equal(loaded.err, before.err)
        np.testing.assert_array_equal(loaded.dq, before.dq)
        assert (loaded.primary["BKGSUB"], loaded.primary["S_MRSMAT"]) == (True, "COMPLETE")


def test_slopes_are_found_again(clean_exposures, pars):
    first, second = clean_exposures[:2]
    centre_ra, centre_dec = first.science.number("RA_REF"), first.science.number("DEC_REF")

    def tilted(ra, dec, wave):
        return 4 + 2000 * (ra - centre_ra) - 3000 * (dec - centre_dec) + 5 * (wave - 5)

    exposures = [raised(first, tilted, only="1A"), second]
    found = mrs_imatch(exposures, MrsImatchParams(skip=False, bkg_degree=1), pars).polynomials
    one, other = (p for p in found if p.band.name == "1A")
    ra = centre_ra + np.array([0, 1e-4, 0, 2e-4])
    dec = centre_dec + np.array([0, 0, 2e-4, -1e-4])
    wave = np.array([5.0, 5.1, 5.05, 5.2])
    np.testing.assert_allclose((one.at(ra, dec, wave) - other.at(ra, dec, wave)), tilted(ra, dec, wave), atol=0.3)
    level = [p.level for p in found if p.band.name == "2A"]
    np.testing.assert_allclose(level, 0, atol=0.1)


def test_without_subtract_it_is_left_to_cube_build(three, pars, result):
    stored = mrs_imatch(three, replace(SUBTRACT, subtract=False), pars)
    assert stored.exposures == tuple(three)
    after = stored.apply(stored.exposures)
    for one, other in zip(after, result.exposures, strict=True):
        np.testing.assert_array_equal(one.load().flux, other.load().flux)
    assert result.apply(result.exposures) == result.exposures


def test_the_order_of_exposures_does_not_matter(three, pars, result):
    turned = mrs_imatch(three[::-1], SUBTRACT, pars)
    found = {(p.exposure, p.band): p.level for p in turned.polynomials}
    for p in result.polynomials:
        assert found[p.exposure, p.band] == pytest.approx(p.level, abs=1e-6)


def test_upstream_weights_later_exposures_more(three, pars, result):
    as_upstream = mrs_imatch(three, replace(SUBTRACT, compat="jwst-1.18"), pars)
    levels = [[p.level for p in r.polynomials if p.band.name == "1A"] for r in (result, as_upstream)]
    np.testing.assert_allclose(levels[1], levels[0], atol=0.05)
    assert levels[0] != levels[1]


def test_right_ascension_may_cross_0(result):
    p = replace(result.polynomials[0], centre=(359.9999, 0.0, 5.0), coefficients=np.arange(8.0).reshape(2, 2, 2))
    zero, beyond = (p.at(np.array([ra]), np.zeros(1), np.full(1, 5.0)) for ra in (0.0001, 360.0001))
    np.testing.assert_allclose(zero, 4 * 0.0002, rtol=1e-6)
    np.testing.assert_allclose(zero, beyond, rtol=1e-6)


def test_one_exposure_has_nothing_to_be_matched_with(clean_exposures, pars):
    result = mrs_imatch(clean_exposures[:1], SUBTRACT, pars)
    assert result.status == "SKIPPED"
    assert result.exposures == tuple(clean_exposures[:1])
    assert len(result.alone) == 2
    assert "no two exposures" in repr(result)
    assert result.apply(result.exposures) == result.exposures
    assert result.pictures() == []


def test_matched_exposures_are_not_matched_again(result, pars):
    with pytest.raises(InputError, match=r"clean_exposure1_cal.fits.*BKGSUB is set.*mrs_imatch.skip = True"):
        mrs_imatch(result.exposures, SUBTRACT, pars)


def test_it_is_off_unless_asked_for():
    assert MrsImatchParams().skip
    with pytest.raises(ParamError, match="bkg_degree = 60: must be a whole number from 0 to 10"):
        MrsImatchParams(bkg_degree=60)
    with pytest.raises(ParamError, match="bkg_degree = -1"):
        MrsImatchParams(bkg_degree=-1)


def test_the_result_shows_itself(result):
    assert "6 polynomials" in repr(result)
    assert "-5 to +4" in repr(result)
    assert len(result.pictures()) == 1
    assert isinstance(result.polynomials[0], BackgroundPolynomial)


def test_it_does_not_matter_how_many_planes_are_compared_at_a_time(three, pars, result, monkeypatch):
    def few(grid):
        return [(begin, min(begin + 3, grid.n_wave)) for begin in range(0, grid.n_wave, 3)]

    monkeypatch.setattr("mrsnb.steps.mrs_imatch.groups_of", few)
    monkeypatch.setattr("mrsnb.steps.mrs_imatch._GROUPS", 2)
    again = mrs_imatch(three, result.params, pars)
    for one, other in zip(result.polynomials, again.polynomials, strict=True):
        np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-7, atol=1e-9)
