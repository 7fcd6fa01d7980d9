import math

import naive
import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st
from photutils.aperture import CircularAnnulus, CircularAperture, aperture_photometry

from mrsnb.kernels.aperture import EXACT, SUBPIXEL
from mrsnb.kernels.photometry import Apertures, sum_extended, sum_point

SHAPE = (3, 21, 23)
SEEDS = st.integers(0, 2**32 - 1)


def apertures_of(radius=3.217, inner=5.031, outer=8.513, *, subtract=True, method=SUBPIXEL, at=(11.317, 9.829)):
    n = SHAPE[0]
    sides = [np.full(n, float(r)) for r in (radius, inner, outer)]
    return Apertures(*at, *sides, np.full(n, subtract), method, 5)


def cube_of(seed, *, level=20.0, noise=0.5, empty=0.1):
    """Return flux, err and weight of a uniform sky with noise, NaN where there is no light."""
    rng = np.random.default_rng(seed)
    flux = (level + noise * rng.normal(size=SHAPE)).astype(np.float32)
    err = rng.uniform(0.4, 0.6, SHAPE).astype(np.float32)
    weight = rng.integers(1, 5, SHAPE).astype(np.float32)
    gone = rng.random(SHAPE) < empty
    flux[gone] = err[gone] = np.nan
    weight[gone] = 0
    return flux, err, weight


@given(seed=SEEDS, as_upstream=st.booleans())
def test_the_sum_is_that_of_photutils(seed, as_upstream):
    flux, err, weight = cube_of(seed)
    a = apertures_of()
    sums = sum_point(flux, err, weight, a, 3.0, as_upstream)
    circle = CircularAperture((a.x, a.y), a.radius[0])
    annulus = CircularAnnulus((a.x, a.y), a.inner[0], a.outer[0])
    for k in range(SHAPE[0]):
        empty = weight[k] == 0

        def total(values, aperture, mask=empty):
            return float(
                aperture_photometry(np.nan_to_num(values), aperture, method="subpixel", subpixels=5, mask=mask)[
                    "aperture_sum"
                ][0]
            )

        ones = np.ones(SHAPE[1:])
        around = annulus.to_mask(method="subpixel", subpixels=5).to_image(SHAPE[1:])
        used = ~empty if as_upstream else ~empty & (around > 0)
        mean, _, spread = sigma_clipped_stats(flux[k][used].astype(float), sigma=3.0, maxiters=5)
        clipped = empty | ~((flux[k] >= mean - 3 * spread) & (flux[k] <= mean + 3 * spread))
        area, background = total(ones, circle), total(flux[k], annulus, clipped)
        divisor = total(ones, annulus, empty if as_upstream else clipped)
        variance = err[k] * err[k]
        background_variance = total(variance, annulus, empty if as_upstream else clipped)
        assert sums.area[k] == pytest.approx(area, rel=1e-9)
        assert sums.background[k] == pytest.approx(background, rel=1e-6)
        assert sums.background_area[k] == pytest.approx(divisor, rel=1e-9)
        assert sums.background_variance[k] == pytest.approx(background_variance, rel=1e-6)
        expected = total(flux[k], circle) - background * area / divisor
        assert sums.flux[k] == pytest.approx(expected, abs=1e-4)
        expected = total(variance, circle) + background_variance * (area / divisor) ** 2
        assert sums.variance[k] == pytest.approx(expected, rel=1e-6)
        assert sums.empty[k] == 0


@given(seed=SEEDS)
def test_without_clipping_it_equals_the_obvious_loops(seed):
    flux, err, weight = cube_of(seed)
    a = apertures_of()
    sums = sum_point(flux, err, weight, a, 1e3, False)
    total, area = naive.sum_plane(flux[0], weight[0], a.x, a.y, a.radius[0], a.inner[0], a.outer[0], 5)
    assert sums.flux[0] == pytest.approx(total, abs=1e-6)
    assert sums.area[0] == pytest.approx(area, rel=1e-12)


@given(level=st.floats(-50, 50, width=32), as_upstream=st.booleans())
def test_a_uniform_sky_is_found_and_nothing_is_left_of_it(level, as_upstream):
    flux, err, weight = cube_of(1, level=level, noise=0.0)
    sums = sum_point(flux, err, weight, apertures_of(), 3.0, as_upstream)
    np.testing.assert_allclose(sums.background / sums.background_area, level, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(sums.flux, 0, atol=1e-4)


def test_a_source_on_a_uniform_sky_is_what_is_left():
    flux, err, weight = cube_of(1, noise=0.0, empty=0.0)
    flux[:, 9:11, 10:13] += 100.0
    sums = sum_point(flux, err, weight, apertures_of(), 3.0, False)
    np.testing.assert_allclose(sums.flux, 600.0, rtol=1e-6)


def test_outliers_in_the_annulus_bias_the_background_of_the_official_package_only():
    flux, err, weight = cube_of(1, empty=0.0)
    flux[:, 9, 17:19] = 5000.0
    right, upstream = (sum_point(flux, err, weight, apertures_of(), 3.0, flag) for flag in (False, True))
    np.testing.assert_allclose(right.background / right.background_area, 20.0, atol=0.2)
    assert (upstream.background / upstream.background_area < 19.8).all()


def test_without_subtraction_the_annulus_is_not_looked_at():
    flux, err, weight = cube_of(1, empty=0.0, noise=0.0)
    sums = sum_point(flux, err, weight, apertures_of(subtract=False, method=EXACT), 3.0, False)
    np.testing.assert_allclose(sums.flux, 20 * math.pi * 3.217**2, rtol=1e-6)
    assert not sums.background.any()
    assert not sums.background_area.any()


def test_spaxels_without_light_do_not_count_whatever_they_hold():
    flux, err, weight = cube_of(3)
    spoiled, spoiled_err = flux.copy(), err.copy()
    spoiled[weight == 0], spoiled_err[weight == 0] = 1e9, 1e9
    for one, two in (
        [sum_point(f, e, weight, apertures_of(), 3.0, False) for f, e in ((flux, err), (spoiled, spoiled_err))],
        [sum_extended(f, e, weight, 3.0) for f, e in ((flux, err), (spoiled, spoiled_err))],
    ):
        for found, expected in zip(two, one, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_plane_without_light_is_said_to_be_empty():
    flux, err, weight = cube_of(3, empty=0.0)
    weight[1] = 0
    flux[1] = err[1] = np.nan
    for sums in (sum_point(flux, err, weight, apertures_of(), 3.0, False), sum_extended(flux, err, weight, 3.0)):
        np.testing.assert_array_equal(sums.empty, [0, 1, 0])
        assert sums.flux[1] == 0
        assert sums.area[1] > 0
        assert all(np.isfinite(column).all() for column in sums)


def test_an_aperture_beside_the_cube_is_empty():
    flux, err, weight = cube_of(3)
    sums = sum_point(flux, err, weight, apertures_of(at=(99.0, 99.0)), 3.0, False)
    assert sums.empty.all()


@given(seed=SEEDS)
def test_an_extended_source_is_summed_over_the_field(seed):
    flux, err, weight = cube_of(seed)
    flux[:, 4, 4], weight[:, 4, 4], err[:, 4, 4] = 900.0, 1.0, 0.5
    sums = sum_extended(flux, err, weight, 3.0)
    seen = weight > 0
    for k in range(SHAPE[0]):
        values, variance = flux[k][seen[k]].astype(float), (err[k][seen[k]] ** 2).astype(float)
        mean, _, spread = sigma_clipped_stats(values, sigma=3.0, maxiters=5)
        kept = abs(values - mean) <= 3 * spread
        assert sums.flux[k] == pytest.approx(values.sum(), rel=1e-9)
        assert sums.variance[k] == pytest.approx(variance.sum(), rel=1e-6)
        assert sums.area[k] == seen[k].sum()
        assert sums.background[k] == pytest.approx(values[kept].sum(), rel=1e-9)
        assert sums.background_area[k] == kept.sum() < seen[k].sum()
        assert sums.background_variance[k] == pytest.approx(variance[kept].sum(), rel=1e-6)
