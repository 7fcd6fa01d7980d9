from typing import NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.drizzle import Pixels, Planes, deposit, order_by_plane, plane_ranges, sort_pixels

SEEDS = st.integers(0, 2**32 - 1)
SIZE = 0.13


class Seen(NamedTuple):
    """Pixels and their corners."""

    flux: np.ndarray
    err: np.ndarray
    wave: np.ndarray
    width: np.ndarray
    xi: np.ndarray
    eta: np.ndarray

    @property
    def pixels(self):
        return Pixels(*self[:4])


def planes_of(n_wave=6, n_x=7, n_y=5, step=0.001):
    x, y = (SIZE * (np.arange(n) - n // 2) for n in (n_x, n_y))
    wave = 5.0 + step * np.arange(n_wave)
    return Planes(x, y, SIZE, wave, np.full(n_wave, step))


def pixels_of(seed, m=12, *, planes, spread=1.2, widest=3.0):
    """Return parallelograms, some across the border of the cube (of `spread` times its size), some with NaN."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-spread, spread, (2, m)) * [[planes.x[-1]], [planes.y[-1]]]
    angle = rng.uniform(0, 2 * np.pi, m)
    a, b = rng.uniform(0.3, 1.0, (2, m)) * SIZE
    u, v = np.array([-1, -1, 1, 1]), np.array([-1, 1, 1, -1])
    xi = middle[0][:, None] + a[:, None] * u * np.cos(angle)[:, None] - b[:, None] * v * np.sin(angle)[:, None]
    eta = middle[1][:, None] + a[:, None] * u * np.sin(angle)[:, None] + b[:, None] * v * np.cos(angle)[:, None]
    length, step = planes.wave[-1] - planes.wave[0], planes.step[0]
    wave = planes.wave[0] + rng.uniform(-0.1, 1.1, m) * length
    width = rng.uniform(0.2, widest, m) * step
    return Seen(rng.normal(10, 3, m), rng.uniform(1, 2, m), wave, width, xi, eta)


def inside(pixels, planes):
    """Return the pixels moved so that they lie within the cube."""

    def moved(values, low, high):
        spare = np.clip(values, low - values.min(-1, keepdims=True) + values, None)
        return np.minimum(spare, spare - (spare.max(-1, keepdims=True) - high).clip(0))

    half = planes.size / 2
    half_width, half_step = pixels.width / 2, planes.step[0] / 2
    wave = np.clip(pixels.wave, planes.wave[0] - half_step + half_width, planes.wave[-1] + half_step - half_width)
    xi = moved(pixels.xi, planes.x[0] - half, planes.x[-1] + half)
    eta = moved(pixels.eta, planes.y[0] - half, planes.y[-1] + half)
    return pixels._replace(xi=xi, eta=eta, wave=wave)


def drizzled(seen, planes, *, as_upstream=False, into=None, n=4):
    """Return the sums of a cube made in groups of `n` planes."""
    sums = np.zeros((len(planes.wave), len(planes.x) * len(planes.y), 4)) if into is None else into
    in_order = sort_pixels(seen.wave, seen.width, planes)
    for begin in range(0, len(planes.wave), n):
        group = sums[begin : begin + n]
        which = in_order.reaching(begin, begin + len(group))
        corners = seen.xi[which], seen.eta[which]
        deposit(seen.pixels, in_order, which, corners, planes, begin, group, as_upstream=as_upstream)
    return sums


def areas(pixels):
    x, y = pixels.xi, pixels.eta
    return abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1)) / 2


def part(pixels, chosen):
    return Seen(*(column[chosen] for column in pixels))


@given(seed=SEEDS)
def test_it_equals_the_obvious_loops(seed):
    planes = planes_of()
    pixels = pixels_of(seed, planes=planes)
    expected = naive.drizzle(pixels, planes, least=1e-12 * SIZE**2)
    np.testing.assert_allclose(drizzled(pixels, planes), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 5, 13, 50])
@pytest.mark.parametrize("as_upstream", [False, True])
def test_pixels_that_span_several_groups_of_planes_are_whole(n, as_upstream):
    planes = planes_of(13, 3, 3)
    pixels = pixels_of(n, 40, planes=planes, widest=9.0)
    expected = drizzled(pixels, planes, as_upstream=as_upstream, n=13)
    np.testing.assert_array_equal(drizzled(pixels, planes, as_upstream=as_upstream, n=n), expected)
    if not as_upstream:
        np.testing.assert_allclose(expected, naive.drizzle(pixels, planes), rtol=1e-9, atol=1e-15)


@given(seed=SEEDS)
def test_flux_is_conserved(seed):
    planes = planes_of()
    pixels = inside(pixels_of(seed, planes=planes), planes)
    sums = drizzled(pixels, planes)
    weight = areas(pixels) * pixels.width
    assert sums[..., 1].sum() == pytest.approx(weight.sum(), rel=1e-9)
    assert sums[..., 0].sum() == pytest.approx((pixels.flux * weight).sum(), rel=1e-9)


@pytest.mark.parametrize("as_upstream", [False, True])
def test_flat_in_flat_out(as_upstream):
    planes = planes_of()
    pixels = pixels_of(1, 60, planes=planes)._replace(flux=np.full(60, 7.25))
    sums = drizzled(pixels, planes, as_upstream=as_upstream)
    fed = sums[..., 3] > 0
    assert fed.sum() > 50
    np.testing.assert_allclose(sums[fed, 0] / sums[fed, 1], 7.25, rtol=1e-12)


@given(seed=SEEDS, factor=st.sampled_from([-3.0, 0.125, 1e6]))
def test_scaling_the_input_scales_the_output(seed, factor):
    planes = planes_of()
    pixels = pixels_of(seed, planes=planes)
    sums = drizzled(pixels, planes)
    scaled = drizzled(pixels._replace(flux=factor * pixels.flux, err=factor * pixels.err), planes)
    np.testing.assert_allclose(scaled, sums * [factor, 1, factor**2, 1], rtol=1e-12)


@given(seed=SEEDS)
def test_the_order_of_exposures_is_irrelevant(seed):
    planes = planes_of()
    one, two = pixels_of(seed, planes=planes), pixels_of(seed + 1, 8, planes=planes)
    forth = drizzled(two, planes, into=drizzled(one, planes))
    back = drizzled(one, planes, into=drizzled(two, planes))
    np.testing.assert_allclose(forth, back, rtol=1e-12)
    together = drizzled(Seen(*(np.concatenate(pair) for pair in zip(one, two, strict=True))), planes)
    np.testing.assert_allclose(together, forth, rtol=1e-12)
    np.testing.assert_allclose(forth, drizzled(one, planes) + drizzled(two, planes), rtol=1e-12)


@given(seed=SEEDS, column=st.sampled_from(["flux", "wave"]))
def test_a_pixel_with_nan_never_contributes(seed, column):
    planes = planes_of()
    pixels = pixels_of(seed, planes=planes)
    bad = np.random.default_rng(seed).random(len(pixels.flux)) < 0.5
    holed = pixels._replace(**{column: np.where(bad, np.nan, getattr(pixels, column))})
    sums = drizzled(holed, planes)
    np.testing.assert_array_equal(sums, drizzled(part(pixels, ~bad), planes))
    assert np.isfinite(sums).all()


@given(seed=SEEDS)
def test_the_last_sum_counts_pixels(seed):
    planes = planes_of()
    pixels = pixels_of(seed, planes=planes)
    alone = [drizzled(part(pixels, [p]), planes)[..., 1] > 0 for p in range(len(pixels.flux))]
    np.testing.assert_array_equal(drizzled(pixels, planes)[..., 3], np.sum(alone, axis=0))


def test_a_pixel_beside_the_cube_in_any_direction_feeds_nothing():
    planes = planes_of()
    pixel = part(inside(pixels_of(3, planes=planes), planes), [0])
    for away in (-2.0, 2.0):
        assert not drizzled(pixel._replace(xi=pixel.xi + away), planes).any()
        assert not drizzled(pixel._replace(eta=pixel.eta + away), planes).any()
        assert not drizzled(pixel._replace(wave=pixel.wave + away), planes).any()


@given(seed=SEEDS)
def test_the_defects_of_the_official_package_are_invisible_inside_the_cube(seed):
    planes = planes_of(3, 9, 9)
    pixels = inside(pixels_of(seed, planes=planes, spread=0.5), planes)
    right, upstream = drizzled(pixels, planes), drizzled(pixels, planes, as_upstream=True)
    largest = (areas(pixels) * pixels.width).max()
    np.testing.assert_allclose(upstream[..., 1], right[..., 1], rtol=0, atol=1e-6 * largest)
    np.testing.assert_allclose(upstream[..., 0], right[..., 0], rtol=0, atol=1e-6 * largest * 25)


@pytest.mark.parametrize("along_y", [False, True])
def test_the_official_package_folds_the_lower_edges(along_y):
    """A pixel that sticks out by three spaxels on the left loses its share of the two leftmost (fact 3.6.10)."""
    right, upstream = (bar(-2.75, 3.5, along_y=along_y, as_upstream=flag) for flag in (False, True))
    np.testing.assert_allclose(right, [1, 1, 1, 0.5, 0, 0, 0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(upstream, [0, 0, 1, 0.5, 0, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("along_y", [False, True])
def test_the_official_package_does_not_fold_the_upper_edges(along_y):
    right, upstream = (bar(5.5, 11.75, along_y=along_y, as_upstream=flag) for flag in (False, True))
    np.testing.assert_allclose(right, [0, 0, 0, 0, 0, 0.5, 1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(upstream, right, atol=1e-6)


def bar(low, high, *, along_y, as_upstream):
    """Return the shares that a pixel from `low` to `high`, in spaxels from the edge of the cube, has of a row."""
    planes = planes_of(1, 9, 9)
    long = planes.x[:1] - SIZE / 2 + SIZE * np.array([[low, low, high, high]])
    wide = SIZE * np.array([[-0.5, 0.5, 0.5, -0.5]])
    corners = (wide, long) if along_y else (long, wide)
    pixel = Seen(np.ones(1), np.ones(1), planes.wave, planes.step, *corners)
    cube = drizzled(pixel, planes, as_upstream=as_upstream).reshape(9, 9, 4)[..., 1] / (SIZE**2 * planes.step[0])
    return cube[:, 4] if along_y else cube[4]


@given(seed=SEEDS)
def test_plane_ranges_are_the_planes_that_share_wavelengths(seed):
    planes = planes_of(9)
    pixels = pixels_of(seed, planes=planes)
    first, count = plane_ranges(pixels.wave, pixels.width, planes)
    for p in range(len(pixels.flux)):
        low, high = pixels.wave[p] - pixels.width[p] / 2, pixels.wave[p] + pixels.width[p] / 2
        shared = np.minimum(high, planes.wave + planes.step / 2) - np.maximum(low, planes.wave - planes.step / 2)
        used = np.flatnonzero(shared > 1e-15)
        assert set(used) <= set(range(first[p], first[p] + count[p]))
        assert count[p] <= len(used) + 1


@given(seed=SEEDS)
def test_pixels_are_ordered_by_their_first_plane(seed):
    rng = np.random.default_rng(seed)
    first, count = rng.integers(0, 6, 30).astype(np.int32), rng.integers(0, 3, 30).astype(np.int32)
    order, start = order_by_plane(first, count, 6)
    used = np.flatnonzero(count)
    np.testing.assert_array_equal(order, used[np.argsort(first[used], kind="stable")])
    for k in range(6):
        assert set(first[order[start[k] : start[k + 1]]]) <= {k}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of plain Python, not compiled
@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e12, -1e12])
@pytest.mark.parametrize("corner", [slice(0, 1), slice(2, 3), slice(0, 4)])
def test_pixels_that_are_nowhere_feed_nothing_and_harm_nothing(place, corner):
    planes = Planes(np.arange(9.0), np.arange(7.0), 1.0, np.array([5.0, 5.1]), np.full(2, 0.1))
    one = np.ones(2, np.float32)
    pixels = Pixels(one, one, np.full(2, 5.0), np.full(2, 0.1))
    xi = np.array([[1.0, 2.0, 2.0, 1.0], [3.0, 4.0, 4.0, 3.0]])
    eta = np.array([[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]])
    in_order = sort_pixels(pixels.wave, pixels.width, planes)
    right = np.zeros((2, 63, 4))
    deposit(pixels, in_order, in_order.reaching(0, 2)[1:], (xi[1:], eta[1:]), planes, 0, right)
    assert right.any()
    for coordinates in (xi, eta):
        kept = coordinates.copy()
        coordinates[0, corner] = place
        sums = np.zeros((2, 63, 4))
        deposit(pixels, in_order, in_order.reaching(0, 2), (xi, eta), planes, 0, sums)
        assert np.array_equal(sums, right)
        coordinates[:] = kept
