import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.matching import background_only, normal_equations, pair_sums, solve

N_WAVE, N_Y, N_X = 6, 5, 4
Y, X = (part.ravel() for part in np.meshgrid(np.linspace(-1, 1, N_Y), np.linspace(-1, 1, N_X), indexing="ij"))
Z = np.linspace(0, 1, N_WAVE)


def images(coefficients, seed=1):
    """Return one image a set of coefficients: the same sky and a polynomial; and weights."""
    rng = np.random.default_rng(seed)
    sky = rng.normal(size=(N_WAVE, N_Y * N_X))
    x, y, z = np.broadcast_arrays(X, Y, Z[:, None])
    flux = [sky + np.polynomial.polynomial.polyval3d(x, y, z, c) for c in coefficients]
    weight = [rng.uniform(1, 5, sky.shape) for _ in coefficients]
    return [f.astype(np.float32) for f in flux], [w.astype(np.float32) for w in weight]


def equations(flux, weight, degree, pairs):
    return {
        (n, m): normal_equations(pair_sums(flux[n], weight[n], flux[m], weight[m], Z, degree), X, Y, degree)
        for n, m in pairs
    }


@given(st.integers(0, 2), st.integers(2, 4))
def test_polynomials_are_found_again_less_their_mean(degree, n):
    c = np.random.default_rng(degree).normal(size=(n, *(degree + 1,) * 3))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    found = solve(equations(*images(c), degree, pairs), n)
    expected = c - c.mean(axis=0)
    np.testing.assert_allclose(found, expected.reshape(n, -1), atol=2e-4)


def test_a_chain_of_overlaps_is_enough_and_what_is_apart_stays_0():
    c = np.array([1.0, 5.0, -3.0, 100.0]).reshape(4, 1, 1, 1)
    found = solve(equations(*images(c), 0, [(0, 1), (1, 2)]), 4)
    np.testing.assert_allclose(found.ravel(), [0, 4, -4, 0], atol=1e-5)


def test_groups_that_do_not_touch_have_means_of_their_own():
    c = np.array([1.0, 5.0, 10.0, 30.0]).reshape(4, 1, 1, 1)
    found = solve(equations(*images(c), 0, [(0, 1), (2, 3)]), 4)
    np.testing.assert_allclose(found.ravel(), [-2, 2, -10, 10], atol=1e-5)


def test_nothing_that_overlaps_gives_nothing():
    assert not solve({}, 3).any()


def test_the_sums_are_those_of_the_plain_formula():
    rng = np.random.default_rng(5)
    flux, weight = images(rng.normal(size=(2, 2, 2, 2)), seed=5)
    flux[0][rng.random(flux[0].shape) < 0.3] = np.nan
    flux[1] = (flux[1] + rng.normal(size=flux[1].shape)).astype(np.float32)
    ((matrix, right),) = equations(flux, weight, 1, [(0, 1)]).values()
    terms = [(a, b, c) for a in range(2) for b in range(2) for c in range(2)]
    expected, side = np.zeros((8, 8)), np.zeros(8)
    for k in range(N_WAVE):
        for s in range(N_Y * N_X):
            if np.isnan(flux[0][k, s]):
                continue
            w = 1 / (1 / weight[0][k, s] + 1 / weight[1][k, s])
            phi = np.array([X[s] ** a * Y[s] ** b * Z[k] ** c for a, b, c in terms])
            expected += w * np.outer(phi, phi)
            side += w * (flux[0][k, s] - flux[1][k, s]) * phi
    np.testing.assert_allclose(matrix, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(right, side, rtol=1e-4, atol=1e-4)


def test_voxels_far_from_the_median_of_their_plane_are_left_out():
    rng = np.random.default_rng(6)
    flux = (10 + rng.normal(size=(4, 30, 30))).astype(np.float32)
    flux[:, 10:13, 10:13] += 100
    weight = np.ones_like(flux)
    weight[:, :5] = 0
    kept = background_only(flux, weight)
    assert np.isnan(kept[:, 10:13, 10:13]).all()
    assert np.isnan(kept[:, :5]).all()
    for plane, original in zip(kept, flux, strict=True):
        _, middle, spread = sigma_clipped_stats(original[5:].astype(float))
        expected = np.abs(original[5:].astype(float) - middle) <= 3 * spread
        np.testing.assert_array_equal(np.isfinite(plane[5:]), expected)
    same = np.isfinite(kept)
    np.testing.assert_array_equal(kept[same], flux[same])


def test_a_plane_without_light_stays_empty():
    flux = np.full((2, 4, 4), np.nan, np.float32)
    assert np.isnan(background_only(flux, np.zeros_like(flux))).all()


@pytest.mark.parametrize("name", ["flux", "weight"])
def test_the_arguments_stay_as_they_are(name):
    arrays = {"flux": np.ones((1, 3, 3), np.float32), "weight": np.ones((1, 3, 3), np.float32)}
    before = arrays[name].copy()
    background_only(**arrays)
    np.testing.assert_array_equal(arrays[name], before)
