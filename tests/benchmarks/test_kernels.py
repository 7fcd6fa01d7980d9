"""Kernels against the obvious loops of ``tests/naive.py``, on input that the loops can bear.

    python -m pytest tests/benchmarks/test_kernels.py --benchmark-only --benchmark-group-by=group

Each group holds a kernel and its loops; the kernel has one thread, as the loops have. They are left out of a plain run
of the tests.
"""

import naive
import numba
import numpy as np
import pytest

from mrsnb.kernels.aperture import SUBPIXEL
from mrsnb.kernels.drizzle import Pixels, Planes, deposit, order_by_plane, plane_ranges
from mrsnb.kernels.normalize import normalize
from mrsnb.kernels.overlap import MAX_VERTICES, shared_area
from mrsnb.kernels.photometry import Apertures, sum_point
from mrsnb.kernels.slices import Samples, SlicePolynomials, sample_slices, slice_pixels
from mrsnb.kernels.tangent import Telescope, project_corners

RNG = np.random.default_rng(1)
SIZE = 0.13


@pytest.fixture(autouse=True)
def _one_thread():
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def pixels_and_planes(m=200, n=15, n_wave=20):
    """Return pixels of 0.19 x 0.177 arcsec, turned, in a small cube."""
    x = SIZE * (np.arange(n) - n // 2)
    planes = Planes(x, x.copy(), SIZE, 5.0 + 0.001 * np.arange(n_wave), np.full(n_wave, 0.001))
    u, v = 0.095 * np.array([-1, -1, 1, 1]), 0.0885 * np.array([-1, 1, 1, -1])
    middle = RNG.uniform(x[0], x[-1], (2, m, 1))
    xi, eta = middle + np.array([u * np.cos(0.5) - v * np.sin(0.5), u * np.sin(0.5) + v * np.cos(0.5)])[:, None]
    wave = RNG.uniform(5.0, planes.wave[-1], m)
    return Pixels(RNG.normal(9, 1, m), np.ones(m), wave, np.full(m, 0.0012), xi, eta), planes


def drizzled(pixels, planes):
    sums = np.zeros((len(planes.wave), len(planes.x) * len(planes.y), 4))
    first, count = plane_ranges(pixels, planes)
    deposit(pixels, planes, first, count, *order_by_plane(first, count, len(planes.wave)), False, sums)
    return sums


@pytest.mark.benchmark(group="drizzle")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_drizzle(benchmark, how):
    pixels, planes = pixels_and_planes()
    found = benchmark(drizzled if how == "kernel" else naive.drizzle, pixels, planes)
    assert found[..., 3].sum() > 0


@pytest.mark.benchmark(group="shared area")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_shared_area(benchmark, how):
    corners = np.array([[-0.3, -0.2, 0.7, 0.5], [-0.4, 0.5, 0.6, -0.2]])
    work = np.empty((4, MAX_VERTICES))
    if how == "kernel":
        found = benchmark(shared_area, *corners, (-0.5, 0.5, -0.5, 0.5), False, *work)
    else:
        found = benchmark(naive.shared_area, *corners, -0.5, 0.5, -0.5, 0.5)
    assert 0 < found < 1


@pytest.mark.benchmark(group="normalize")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_normalize(benchmark, how):
    sums = RNG.uniform(0, 2, (20, 400, 4)) * (RNG.random((20, 400, 1)) > 0.3)
    in_field = np.ones((20, 400), bool)
    found = benchmark(normalize if how == "kernel" else naive.normalize, sums, in_field, 20, 20)
    assert np.isnan(found[0]).any()


@pytest.mark.benchmark(group="slices")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_slices(benchmark, how):
    triangle = 0.1 ** np.add.outer(np.arange(6), np.arange(6))
    alpha, wave = RNG.normal(size=(2, 3, 6, 6)) * triangle
    labels = np.array([101, 102, 103], np.int16)
    polynomials = SlicePolynomials(labels, np.arange(3.0), alpha, np.full(3, -9.0), wave, np.full(3, -9.0))
    slice_map = np.repeat(RNG.choice([0, *labels], 20).astype(np.int16)[None], 50, axis=0)

    def kernel():
        index, start = slice_pixels(slice_map, labels, 0, 20)
        return sample_slices(polynomials, index, start, 20, -1e9, 1e9).wave

    def loops():
        return naive.samples(polynomials, slice_map, (0, 20), (-1e9, 1e9))

    assert len(benchmark(kernel if how == "kernel" else loops))


@pytest.mark.benchmark(group="corners")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_corners(benchmark, how):
    coefficients = RNG.normal(size=(2, 4, 4)) * 0.01 ** np.add.outer(np.arange(4), np.arange(4))
    telescope = Telescope(*coefficients, np.array([1.0, 1.0, 0.0, 0.0]), np.eye(3)[[1, 2, 0]])
    m = 400
    alpha = RNG.uniform(-2, 2, (m, 3))
    samples = Samples(np.arange(m, dtype=np.int32), np.zeros(m, np.int16), np.full(m, 5.0), np.full(m, 1e-3), alpha)

    def kernel():
        return project_corners(samples, np.array([0, m]), np.zeros(1), 0.09, telescope)

    def loops():
        return [naive.project(a, b, telescope) for _, a1, a2 in alpha for a in (a1, a2) for b in (-0.09, 0.09)]

    assert len(benchmark(kernel if how == "kernel" else loops))


@pytest.mark.benchmark(group="photometry")
@pytest.mark.parametrize("how", ["kernel", "loops"])
def test_photometry(benchmark, how):
    n = 5
    flux, err = RNG.normal(20, 1, (n, 41, 41)).astype(np.float32), np.ones((n, 41, 41), np.float32)
    weight = np.ones_like(flux)
    radii = [np.full(n, r) for r in (4.2, 7.1, 10.3)]
    apertures = Apertures(20.2, 19.7, *radii, np.full(n, True), SUBPIXEL, 5)

    def loops():
        return [naive.sum_plane(f, w, 20.2, 19.7, 4.2, 7.1, 10.3, 5)[0] for f, w in zip(flux, weight, strict=True)]

    def kernel():
        return sum_point(flux, err, weight, apertures, 3.0, False).flux

    assert len(benchmark(kernel if how == "kernel" else loops)) == n
