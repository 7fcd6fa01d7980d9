import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels import tangent
from mrsnb.kernels.slices import Samples
from mrsnb.kernels.tangent import Telescope, corners_of, focal_plane, slice_planes

SEEDS = st.integers(0, 2**32 - 1)
HALF = 0.09


def project_corners(samples, start, beta, half_width, telescope):
    return corners_of(samples.pixel, samples, slice_planes(samples, start, beta, half_width, telescope))


def telescope_of(seed, k=4):
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[:k, :k]
    v2, v3 = rng.normal(size=(2, k, k)) * 0.01 ** np.maximum(i + j - 1, 0) * (i + j < k)
    v2[0, 0], v3[0, 0] = -503.4, -319.0
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    lon, lat = (np.deg2rad(v / 3600) for v in (-503.4, -319.0))
    centre = matrix @ [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    turn, _ = np.linalg.qr(np.column_stack([centre, rng.normal(size=(3, 2))]))
    turn[:, 0] *= np.sign(turn[:, 0] @ centre)
    return Telescope(v2, v3, np.array([1.0001, 0.9999, 0.05, -0.03]), turn.T[[1, 2, 0]] @ matrix)


def samples_of(seed, counts=(3, 0, 4)):
    rng = np.random.default_rng(seed)
    m = sum(counts)
    alpha = np.sort(rng.uniform(-2, 2, (m, 3)), axis=1)[:, [1, 0, 2]]
    which = np.repeat(np.arange(len(counts)), counts).astype(np.int16)
    start = np.concatenate([[0], np.cumsum(counts)])
    return Samples(np.arange(m, dtype=np.int32), which, np.full(m, 5.0), np.full(m, 1e-3), alpha), start


@given(seed=SEEDS)
def test_corners_equal_the_obvious_loops(seed):
    telescope = telescope_of(seed)
    samples, start = samples_of(seed)
    beta = np.array([-1.0, 0.0, 1.0])
    xi, eta = project_corners(samples, start, beta, HALF, telescope)
    for p in range(len(samples.pixel)):
        b = beta[samples.slice[p]]
        _, a1, a2 = samples.alpha[p]
        corners = [(a1, b - HALF), (a1, b + HALF), (a2, b + HALF), (a2, b - HALF)]
        expected = np.array([naive.project(*corner, telescope) for corner in corners])
        np.testing.assert_allclose(np.column_stack([xi[p], eta[p]]), expected, rtol=0, atol=1e-9)


@given(seed=SEEDS)
def test_the_focal_plane_is_that_of_astropy_to_the_last_bit(seed):
    from astropy.modeling.models import Polynomial2D

    telescope = telescope_of(seed, k=5)
    rng = np.random.default_rng(seed)
    alpha, which, beta = rng.uniform(-3, 3, 20), rng.integers(0, 3, 20), np.array([-1.0, 0.1, 2.0])
    v2, v3 = focal_plane(alpha, which, beta, telescope)
    scale2, scale3, shift2, shift3 = telescope.aberration
    for found, table, scale, shift in ((v2, telescope.v2, scale2, shift2), (v3, telescope.v3, scale3, shift3)):
        terms = {f"c{i}_{j}": table[i, j] for i in range(5) for j in range(5 - i)}
        np.testing.assert_array_equal(found, Polynomial2D(4, **terms)(alpha, beta[which]) * scale + shift)


@given(angle=st.one_of(st.floats(-0.03, 0.03), st.floats(-7, 7)))
def test_sine_and_cosine_are_exact(angle):
    sine, cosine = tangent._sine_cosine(angle)
    assert sine == pytest.approx(math.sin(angle), rel=4e-16, abs=1e-300)
    assert cosine == pytest.approx(math.cos(angle), rel=4e-16, abs=1e-16)


def test_a_turn_of_the_frame_turns_the_corners():
    telescope = telescope_of(3)
    samples, start = samples_of(3)
    beta = np.array([-1.0, 0.0, 1.0])
    xi, eta = project_corners(samples, start, beta, HALF, telescope)
    c, s = math.cos(0.7), math.sin(0.7)
    turned = telescope._replace(matrix=np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ telescope.matrix)
    xi_turned, eta_turned = project_corners(samples, start, beta, HALF, turned)
    np.testing.assert_allclose(xi_turned, xi * c + eta * s, atol=1e-9)
    np.testing.assert_allclose(eta_turned, eta * c - xi * s, atol=1e-9)
