import numpy as np
import pytest
from astropy import units as u
from astropy.stats import circmean
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.geometry.grid import _circular_mean, choose_grid, linear_waves
from mrsnb.geometry.tangent import to_plane

OFFICIAL = np.array(
    [
        [98.83006930071556, -66.8274397956464],
        [98.8334511693978, -66.82720255674548],
        [98.83217303911556, -66.82798122840644],
        [98.83139113841862, -66.82665445039441],
    ]
)
"""Corners in a unit test of jwst 3.0.0 (facts: 41 x 41 x 1092)."""


def single(value):
    """Return what single precision makes of a number of a reference file."""
    return float(np.float32(value))


def test_the_grid_of_the_official_example():
    grid = choose_grid(OFFICIAL, 0.13, linear_waves(6.420, 7.511, 0.001))
    assert (grid.n_x, grid.n_y, grid.n_wave) == (41, 41, 1092)


def test_planes_start_at_the_lower_limit_and_reach_the_upper():
    wave, step = linear_waves(single(4.9), single(5.74), single(0.0008))
    assert len(wave) == 1050
    assert wave[0] == single(4.9) + single(0.0008) / 2
    assert wave[-1] + step[-1] / 2 >= 5.74 - 1e-6
    np.testing.assert_allclose(step, 0.0008, rtol=1e-6)
    assert (step[:-1] == np.diff(wave)).all()


@settings(max_examples=100)
@given(low=st.floats(4, 28), length=st.floats(0.01, 3), step=st.floats(0.0005, 0.01))
def test_planes_cover_the_range_and_no_more_than_one_beyond(low, length, step):
    wave, thickness = linear_waves(low, low + length, step)
    assert len(wave) == len(thickness)
    assert wave[-1] + step / 2 > low + length - 1e-9
    assert wave[-1] - step / 2 < low + length + 1e-9


def test_a_single_plane_is_as_thick_as_asked_for():
    wave, thickness = linear_waves(5.0, 5.0005, 0.001)
    np.testing.assert_allclose([wave, thickness], [[5.0005], [0.001]])


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), ra=st.sampled_from([0.0, 0.0004, 120.0, 359.9999]), dec=st.floats(-85, 85))
def test_all_corners_are_inside_also_where_ra_crosses_0(seed, ra, dec):
    rng = np.random.default_rng(seed)
    corners = np.array([ra, dec]) + rng.uniform(-4, 4, (8, 2)) / 3600 / [np.cos(np.deg2rad(dec)), 1]
    corners[:, 0] %= 360
    grid = choose_grid(corners, 0.17, linear_waves(5.0, 5.01, 0.001))
    xi, eta = to_plane(corners[:, 0], corners[:, 1], grid.ra, grid.dec)
    assert np.abs(xi).max() < grid.x[-1]
    assert np.abs(eta).max() < grid.y[-1]
    assert np.abs(xi).max() > grid.x[-1] - 3 * 0.17
    assert grid.n_x % 2 == grid.n_y % 2 == 1
    assert 0 <= grid.ra < 360
    assert abs(grid.x[grid.n_x // 2]) < 1e-12
    np.testing.assert_allclose(np.diff(grid.x), 0.17, rtol=1e-9)


def test_the_centre_is_the_middle_also_with_as_many_corners_on_either_side_of_ra_0():
    corners = np.array([[359.999, 0.0], [0.0002, 0.0], [359.9998, -0.001], [0.002, 0.001]])
    grid = choose_grid(corners, 0.17, linear_waves(5.0, 5.01, 0.001))
    assert grid.ra == pytest.approx(0.0005, abs=1e-9)


def test_north_up_unless_turned():
    waves = linear_waves(5.0, 5.01, 0.001)
    corners = np.array([[10.0, 0.0], [10.002, 0.0], [10.0, 0.0005], [10.002, 0.0005]])
    upright, turned = (choose_grid(corners, 0.2, waves, rotation=r) for r in (0.0, 90.0))
    assert upright.n_x > upright.n_y
    assert (turned.n_x, turned.n_y) == (upright.n_y, upright.n_x)


def test_a_centre_and_sizes_of_ones_own():
    waves = linear_waves(5.0, 5.01, 0.001)
    grid = choose_grid(OFFICIAL, 0.2, waves, centre=(98.83, -66.82), n_x=11, n_y=7)
    assert (grid.ra, grid.dec, grid.n_x, grid.n_y) == (98.83, -66.82, 11, 7)
    assert grid.x[5] == pytest.approx(0, abs=1e-12)


@given(st.floats(-180, 360), st.floats(0, 30))
def test_the_middle_of_two_angles_is_that_of_astropy(one, apart):
    expected = float(circmean(np.array([one, one + apart]) * u.deg).to_value(u.deg)) % 360.0
    assert _circular_mean(one, one + apart) == expected
