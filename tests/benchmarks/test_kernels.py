"""Kernels at full size, and against the obvious loops of ``tests/naive.py`` on input that the loops can bear.

    python -m pytest tests/benchmarks/test_kernels.py --benchmark-only --benchmark-group-by=group

The groups named ``full`` take the pixels of a whole channel, or planes of ordinary size, on one thread and on all; each
other group holds a kernel on one thread and its loops. They are left out of a plain run of the tests.
"""

from types import SimpleNamespace

import naive
import numpy as np
import pytest

from mrsnb.kernels.aperture import SUBPIXEL
from mrsnb.kernels.drizzle import Pixels, Planes, deposit, plane_ranges, sort_by_plane, sort_pixels
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.median import windowed_median
from mrsnb.kernels.neighbours import lower_to_differences
from mrsnb.kernels.normalize import Product, normalize
from mrsnb.kernels.overlap import MAX_VERTICES, shared_area
from mrsnb.kernels.photometry import Apertures, sum_point
from mrsnb.kernels.shepard import EMSM, Points, Reach, deposit_points, point_ranges
from mrsnb.kernels.sines import strongest_frequency
from mrsnb.kernels.slices import Samples, SlicePolynomials, sample_slices, slice_pixels
from mrsnb.kernels.tangent import Telescope, corners_of, slice_planes
from mrsnb.kernels.threads import at_most, n_threads, share
from mrsnb.kernels.usable import gather_usable
from mrsnb.simulate.geometry import detector_geometry

RNG = np.random.default_rng(1)
SIZE = 0.13


@pytest.fixture(params=["one thread", "all threads"])
def threads(request):
    with at_most(1 if request.param == "one thread" else n_threads()):
        yield


@pytest.fixture
def one_thread():
    with at_most(1):
        yield


def pixels_and_planes(m=200, n=15, n_wave=20):
    """Return pixels of 0.19 x 0.177 arcsec, turned, in a small cube."""
    x = SIZE * (np.arange(n) - n // 2)
    planes = Planes(x, x.copy(), SIZE, 5.0 + 0.001 * np.arange(n_wave), np.full(n_wave, 0.001))
    u, v = 0.095 * np.array([-1, -1, 1, 1]), 0.0885 * np.array([-1, 1, 1, -1])
    middle = RNG.uniform(x[0], x[-1], (2, m, 1))
    xi, eta = middle + np.array([u * np.cos(0.5) - v * np.sin(0.5), u * np.sin(0.5) + v * np.cos(0.5)])[:, None]
    wave = RNG.uniform(5.0, planes.wave[-1], m)
    flux = RNG.normal(9, 1, m).astype(np.float32)
    pixels = Pixels(flux, np.ones(m, np.float32), wave, np.full(m, 0.0012))
    return pixels, (xi, eta), planes


def drizzled(pixels, corners, planes):
    sums = np.zeros((len(planes.wave), len(planes.x) * len(planes.y), 4))
    in_order = sort_pixels(pixels.wave, pixels.width, planes)
    which = in_order.reaching(0, len(sums))
    deposit(pixels, in_order, which, tuple(c[which] for c in corners), planes, 0, sums)
    return sums


def drizzled_naively(pixels, corners, planes):
    return naive.drizzle(SimpleNamespace(**pixels._asdict(), xi=corners[0], eta=corners[1]), planes)


@pytest.mark.benchmark(group="drizzle")
@pytest.mark.parametrize("how", ["kernel", "loops"])
@pytest.mark.usefixtures("one_thread")
def test_drizzle(benchmark, how):
    found = benchmark(drizzled if how == "kernel" else drizzled_naively, *pixels_and_planes())
    assert found[..., 3].sum() > 0


@pytest.mark.benchmark(group="shared area")
@pytest.mark.parametrize("how", ["kernel", "loops"])
@pytest.mark.usefixtures("one_thread")
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
@pytest.mark.usefixtures("one_thread")
def test_normalize(benchmark, how):
    sums = RNG.uniform(0, 2, (20, 400, 4)) * (RNG.random((20, 400, 1)) > 0.3)
    in_field = np.ones((20, 400), bool)

    def kernel():
        product = Product.empty((20, 20, 20))
        normalize(sums, in_field, product)
        return product

    found = benchmark(kernel if how == "kernel" else lambda: naive.normalize(sums, in_field, 20, 20))
    assert np.isnan(found[0]).any()


@pytest.mark.benchmark(group="slices")
@pytest.mark.parametrize("how", ["kernel", "loops"])
@pytest.mark.usefixtures("one_thread")
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
@pytest.mark.usefixtures("one_thread")
def test_corners(benchmark, how):
    coefficients = RNG.normal(size=(2, 4, 4)) * 0.01 ** np.add.outer(np.arange(4), np.arange(4))
    telescope = Telescope(*coefficients, np.array([1.0, 1.0, 0.0, 0.0]), np.eye(3)[[1, 2, 0]])
    m = 400
    alpha = RNG.uniform(-2, 2, (m, 3))
    samples = Samples(np.arange(m, dtype=np.int32), np.zeros(m, np.int16), np.full(m, 5.0), np.full(m, 1e-3), alpha)

    def kernel():
        sides = slice_planes(samples, np.array([0, m]), np.zeros(1), 0.09, telescope)
        return corners_of(np.arange(m, dtype=np.int32), samples, sides)

    def loops():
        return [naive.project(a, b, telescope) for _, a1, a2 in alpha for a in (a1, a2) for b in (-0.09, 0.09)]

    assert len(benchmark(kernel if how == "kernel" else loops))


@pytest.mark.benchmark(group="photometry")
@pytest.mark.parametrize("how", ["kernel", "loops"])
@pytest.mark.usefixtures("one_thread")
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


class Channel:
    """Channel 1 of a whole exposure, simulated, and the planes of its cube."""

    def __init__(self):
        geometry = detector_geometry("MIRIFUSHORT", "short")
        channel = geometry.channels[0]
        slices = channel.slices
        labels = np.array([s.label for s in slices], np.int16)
        shift = -np.array([s.column for s in slices])
        alpha, wave = np.stack([s.alpha for s in slices]), np.stack([s.wave for s in slices])
        beta = np.array([s.beta for s in slices])
        self.polynomials = SlicePolynomials(labels, beta, alpha, shift, wave, shift)
        self.map = geometry.slice_map.astype(np.int16)
        v2, v3 = (np.array([[0.0, row[2]], [row[1], 0.0]]) for row in channel.to_v2v3)
        self.telescope = Telescope(v2, v3, np.array([1.0, 1.0, 0.0, 0.0]), np.eye(3)[[1, 2, 0]])
        self.index, self.start = slice_pixels(self.map, labels, 0, self.map.shape[1])
        self.half_width = channel.band.slice_width / 2
        self.samples = self.sample()
        self.every = np.arange(self.index.size, dtype=np.int32)
        self.corners = self.project()
        low, high = np.nanmin(self.samples.wave), np.nanmax(self.samples.wave)
        n_x, n_y = (int(np.ptp(c) / SIZE) + 2 for c in self.corners)
        x, y = (SIZE * (np.arange(n) - n // 2) + c.mean() for n, c in zip((n_x, n_y), self.corners, strict=True))
        wave = np.linspace(low, high, int((high - low) / 0.0008))
        self.planes = Planes(x, y, SIZE, wave, np.full(wave.size, 0.0008))
        self.shape = wave.size, n_y * n_x
        m = self.index.size
        self.flux, self.err = RNG.normal(9.0, 1.0, m).astype(np.float32), np.ones(m, np.float32)
        self.pixels = Pixels(self.flux, self.err, self.samples.wave, self.samples.width)
        self.in_order = sort_pixels(self.pixels.wave, self.pixels.width, self.planes)
        self.groups = [(k, min(k + 32, wave.size)) for k in range(0, wave.size, 32)]

    def sample(self):
        return sample_slices(self.polynomials, self.index, self.start, self.map.shape[1], 0.0, 100.0)

    def project(self):
        beta = self.polynomials.beta
        return corners_of(
            self.every, self.samples, slice_planes(self.samples, self.start, beta, self.half_width, self.telescope)
        )

    def by_group(self, add):
        """Return the sums of all groups of planes, shared among threads as a cube's are."""
        sums = np.zeros((*self.shape, 4))
        share(lambda i: add(self.groups[i][0], sums[slice(*self.groups[i])]), len(self.groups))
        return sums

    def deposit(self):
        def add(begin, sums):
            which = self.in_order.reaching(begin, begin + len(sums))
            corners = tuple(c[which] for c in self.corners)
            deposit(self.pixels, self.in_order, which, corners, self.planes, begin, sums)

        return self.by_group(add)


@pytest.fixture(scope="module")
def channel():
    return Channel()


@pytest.fixture(scope="module")
def exposure():
    flux = RNG.normal(9.0, 1.0, (1024, 1032)).astype(np.float32)
    return flux, np.ones_like(flux), (RNG.random(flux.shape) < 0.003).astype(np.uint32)


@pytest.mark.benchmark(group="full: slice pixels")
def test_full_slice_pixels(benchmark, channel):
    index, _ = benchmark(slice_pixels, channel.map, channel.polynomials.label, 0, channel.map.shape[1])
    assert len(index) > 300_000


@pytest.mark.benchmark(group="full: polynomials of the slices")
@pytest.mark.usefixtures("threads")
def test_full_sample_slices(benchmark, channel):
    assert np.isfinite(benchmark(channel.sample).wave).all()


@pytest.mark.benchmark(group="full: corners")
def test_full_corners(benchmark, channel):
    assert np.isfinite(benchmark(channel.project)[0]).all()


@pytest.mark.benchmark(group="full: usable pixels")
def test_full_gather_usable(benchmark, channel, exposure):
    flux, err, dq = exposure
    found, _ = benchmark(gather_usable, flux, err, dq, (err,) * 4, channel.index, channel.start, np.uint32(1))
    assert np.isnan(found).any()


@pytest.mark.benchmark(group="full: planes of the pixels")
def test_full_plane_ranges(benchmark, channel):
    assert benchmark(plane_ranges, channel.pixels.wave, channel.pixels.width, channel.planes)[1].max() > 1


@pytest.mark.benchmark(group="full: order by plane")
def test_full_sort_by_plane(benchmark, channel):
    first, number = plane_ranges(channel.pixels.wave, channel.pixels.width, channel.planes)
    found = benchmark(sort_by_plane, first, number, len(channel.planes.wave))
    assert len(found.order) == np.count_nonzero(number)


@pytest.mark.benchmark(group="full: deposit")
@pytest.mark.usefixtures("threads")
def test_full_deposit(benchmark, channel):
    assert benchmark(channel.deposit)[..., 3].sum() > 4e6


@pytest.mark.benchmark(group="full: deposit, emsm")
@pytest.mark.usefixtures("threads")
def test_full_deposit_points(benchmark, channel):
    centres = (c.mean(axis=1) for c in channel.corners)
    points = Points(channel.flux, channel.err, channel.samples.wave, *centres)
    reach = Reach(*(np.array([value]) for value in (5.0, 0.2, 0.0016, 0.02, 2.0, 0.01)))

    def emsm():
        row, first, number = point_ranges(points.wave, channel.planes, reach)
        in_order = sort_by_plane(first, number, channel.shape[0])

        def add(begin, sums):
            which = in_order.reaching(begin, begin + len(sums))
            deposit_points(points, in_order, which, row, channel.planes, reach, EMSM, begin, sums)

        return channel.by_group(add)

    assert benchmark(emsm)[..., 3].sum() > 4e6


@pytest.mark.benchmark(group="full: field of view")
def test_full_field(benchmark, channel):
    low, high = int(channel.polynomials.beta.argmin()), int(channel.polynomials.beta.argmax())
    edges = np.concatenate([channel.every[channel.start[s] : channel.start[s + 1]] for s in (low, high)])
    places = channel.samples, channel.start, low, high, *(c[edges] for c in channel.corners)

    def field():
        in_field = np.zeros(channel.shape, bool)
        mark_field(field_corners(*places, channel.planes), channel.planes, in_field)
        return in_field

    assert benchmark(field).any()


@pytest.mark.benchmark(group="full: normalize")
def test_full_normalize(benchmark, channel):
    sums, in_field = channel.deposit(), np.ones(channel.shape, bool)
    product = Product.empty((len(sums), len(channel.planes.y), len(channel.planes.x)))
    benchmark(normalize, sums, in_field, product)
    assert np.isfinite(product.flux).any()


@pytest.mark.benchmark(group="full: photometry")
@pytest.mark.usefixtures("threads")
def test_full_sum_point(benchmark):
    n = 1050
    flux = RNG.normal(20, 1, (n, 47, 57)).astype(np.float32)
    one = np.ones_like(flux)
    radii = [np.linspace(low, 1.1 * low, n) for low in (6.0, 9.0, 14.0)]
    apertures = Apertures(27.2, 22.7, *radii, np.full(n, True), SUBPIXEL, 5)
    found = benchmark(sum_point, flux, one, one, apertures, 3.0, False)
    assert np.isfinite(found.flux).all()


@pytest.mark.benchmark(group="full: running median")
@pytest.mark.parametrize("window", [(7, 7), (11, 1)], ids=["7 x 7", "11 x 1"])
@pytest.mark.usefixtures("threads")
def test_full_windowed_median(benchmark, exposure, window):
    assert np.isfinite(benchmark(windowed_median, exposure[0].astype(float), window)).all()


@pytest.mark.benchmark(group="full: differences from neighbours")
@pytest.mark.usefixtures("threads")
def test_full_lower_to_differences(benchmark, exposure):
    flux, _, dq = exposure
    least, own = np.full((2, *flux.shape), np.nan)
    benchmark(lower_to_differences, flux, dq == 0, False, least, own)
    assert np.isfinite(least).any()


@pytest.mark.benchmark(group="full: periodogram")
def test_full_strongest_frequency(benchmark):
    nu = np.linspace(1742.0, 2040.0, 1050)
    ratio = 0.02 * np.sin(2 * np.pi * nu / 2.9) + RNG.normal(0, 0.001, nu.size)
    found, _ = benchmark(strongest_frequency, nu, ratio, np.ones(nu.size), 1 / 4.4, 1 / 1.4)
    assert abs(1 / found - 2.9) < 0.05
