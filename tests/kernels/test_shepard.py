import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.drizzle import Planes, sort_by_plane
from mrsnb.kernels.shepard import EMSM, MSM, Points, Reach, deposit_points, point_ranges

SEEDS = st.integers(0, 2**32 - 1)
SIZE, STEP = 0.13, 0.001


def planes_of(n_wave=6, n_x=7, n_y=5):
    x, y = (SIZE * (np.arange(n) - n // 2) for n in (n_x, n_y))
    wave = 5.0 + STEP * np.arange(n_wave)
    return Planes(x, y, SIZE, wave, STEP * (1 + 0.1 * np.arange(n_wave)))


def points_of(seed, planes, m=15):
    """Return points in and around a cube, some of them no numbers."""
    rng = np.random.default_rng(seed)
    xi, eta = rng.uniform(-1.6, 1.6, (2, m)) * [[planes.x[-1]], [planes.y[-1]]]
    wave = rng.uniform(planes.wave[0] - 3 * STEP, planes.wave[-1] + 3 * STEP, m)
    flux, err = rng.normal(10, 3, m).astype(np.float32), rng.uniform(1, 2, m).astype(np.float32)
    flux[0] = wave[1] = np.nan
    return Points(flux, err, wave, xi, eta)


def reach_of(power=2.0, widest=2.4):
    """Return a table of three rows."""
    wave = np.array([5.0, 5.002, 5.004])
    roi_spatial, roi_spectral = SIZE * np.array([0.7, 1.5, widest]), STEP * np.array([0.8, 1.6, 2.4])
    return Reach(wave, roi_spatial, roi_spectral, np.array([0.05, 0.1, 0.2]), np.full(3, power), np.full(3, 0.3))


def smoothed(points, planes, reach, kind, *, into=None, n=4):
    """Return the sums of a cube made in groups of `n` planes."""
    sums = np.zeros((len(planes.wave), len(planes.x) * len(planes.y), 4)) if into is None else into
    row, first, number = point_ranges(points.wave, planes, reach)
    in_order = sort_by_plane(first, number, len(planes.wave))
    for begin in range(0, len(planes.wave), n):
        group = sums[begin : begin + n]
        which = in_order.reaching(begin, begin + len(group))
        deposit_points(points, in_order, which, row, planes, reach, kind, begin, group)
    return sums


@given(seed=SEEDS)
def test_emsm_equals_the_obvious_loops(seed):
    planes, reach = planes_of(), reach_of()
    points = points_of(seed, planes)
    expected = naive.shepard(points, planes, reach, lambda d2, row: np.exp(-d2 * SIZE / reach.scale[row]))
    np.testing.assert_allclose(smoothed(points, planes, reach, EMSM), expected, rtol=1e-12)


@pytest.mark.parametrize("power", [2.0, 1.5])
@given(seed=SEEDS)
def test_msm_equals_the_obvious_loops(power, seed):
    planes, reach = planes_of(), reach_of(power)
    points = points_of(seed, planes)
    expected = naive.shepard(points, planes, reach, lambda d2, row: 1 / max(d2 ** (power / 2), reach.soft[row]))
    np.testing.assert_allclose(smoothed(points, planes, reach, MSM), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [EMSM, MSM])
def test_a_point_may_reach_every_spaxel(kind):
    planes, reach = planes_of(), reach_of(widest=50.0)
    points = points_of(1, planes)
    points.wave[2:] = planes.wave[-1]
    assert (smoothed(points, planes, reach, kind)[-1, :, 3] == len(points.wave) - 2).all()


@pytest.mark.parametrize("scale", [0.1, 0.02, 0.005, 0.001])
def test_no_weight_is_so_small_that_its_square_is_lost(scale):
    planes = planes_of()
    one = Points(*(np.array([v], t) for v, t in ((10, "f4"), (1, "f4"), (5.0005, "f8"), (0.01, "f8"), (0.0, "f8"))))
    table = [np.array([v]) for v in (5.0, 50 * SIZE, 50 * STEP, scale, 2.0, 0.3)]
    sums = smoothed(one, planes, Reach(*table), EMSM).reshape(6, 5, 7, 4)
    d2 = ((planes.wave - one.wave) / planes.step)[:, None, None] ** 2
    d2 = d2 + (planes.y[:, None] / SIZE) ** 2 + ((planes.x - one.xi) / SIZE) ** 2
    exponent = -d2 * SIZE / scale
    is_fed = sums[..., 3] > 0
    np.testing.assert_array_equal(is_fed, exponent >= -320)
    assert is_fed.all() == (scale >= 0.02)
    np.testing.assert_allclose(sums[is_fed][:, 1], np.exp(exponent[is_fed]), rtol=1e-12)
    np.testing.assert_allclose(sums[is_fed][:, 2], np.exp(2 * exponent[is_fed]), rtol=1e-12)
    assert not sums[~is_fed].any()


@pytest.mark.parametrize("kind", [EMSM, MSM])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_groups_of_planes_do_not_change_a_bit(kind, n):
    planes, reach = planes_of(13), reach_of()
    points = points_of(n, planes, 40)
    expected = smoothed(points, planes, reach, kind, n=13)
    np.testing.assert_array_equal(smoothed(points, planes, reach, kind, n=n), expected)


@given(seed=SEEDS, kind=st.sampled_from([EMSM, MSM]))
def test_the_order_of_exposures_is_irrelevant(seed, kind):
    planes, reach = planes_of(), reach_of()
    one, two = points_of(seed, planes), points_of(seed + 1, planes)
    forth = smoothed(two, planes, reach, kind, into=smoothed(one, planes, reach, kind))
    back = smoothed(one, planes, reach, kind, into=smoothed(two, planes, reach, kind))
    np.testing.assert_allclose(forth, back, rtol=1e-12, atol=1e-12)
