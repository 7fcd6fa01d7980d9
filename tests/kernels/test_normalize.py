import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.normalize import HOLE, OUTSIDE, Product, normalize, torn_planes

SEEDS = st.integers(0, 2**32 - 1)
NO_FIELD = np.zeros((0, 0), bool)


def normalized(sums, in_field, n_y, n_x):
    out = Product.empty((len(sums), n_y, n_x))
    normalize(sums, in_field, out)
    return out


def random_sums(seed, shape=(3, 5, 6), empty=0.3):
    rng = np.random.default_rng(seed)
    n_wave, n_y, n_x = shape
    sums = rng.uniform(0.5, 2, (n_wave, n_y * n_x, 4))
    sums[..., 3] = rng.integers(1, 9, sums.shape[:2])
    sums[rng.random(sums.shape[:2]) < empty] = 0
    return sums, rng.random((n_wave, n_y * n_x)) < 0.8


@given(seed=SEEDS, empty=st.sampled_from([0.0, 0.3, 0.8, 1.0]))
def test_it_equals_the_obvious_loops(seed, empty):
    sums, in_field = random_sums(seed, empty=empty)
    for found, expected in zip(normalized(sums, in_field, 5, 6), naive.normalize(sums, in_field, 5, 6), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(seed=SEEDS)
def test_there_is_a_flag_exactly_where_there_is_no_light(seed):
    sums, in_field = random_sums(seed)
    for field in (in_field, NO_FIELD):
        flux, err, dq, weight = normalized(sums, field, 5, 6)
        np.testing.assert_array_equal(np.isnan(flux), dq != 0)
        np.testing.assert_array_equal(np.isnan(err), dq != 0)
        np.testing.assert_array_equal(weight == 0, dq != 0)
        assert set(np.unique(dq)) <= {0, HOLE, OUTSIDE}


def test_without_a_field_there_are_no_holes():
    sums, _ = random_sums(1)
    dq = normalized(sums, NO_FIELD, 5, 6)[2]
    assert set(np.unique(dq)) == {0, OUTSIDE}


def test_a_hole_in_the_middle_is_flagged_and_an_empty_border_is_outside():
    sums = np.ones((1, 49, 4))
    field = np.ones((1, 49), bool)
    for j, i in [(3, 3), (0, 3), (6, 0), (3, 6)]:
        sums[0, 7 * j + i] = 0
    dq = normalized(sums, field, 7, 7)[2][0]
    assert dq[3, 3] == HOLE
    assert dq[0, 3] == dq[6, 0] == dq[3, 6] == OUTSIDE
    assert np.count_nonzero(dq) == 4


def test_beside_the_outside_there_is_no_hole():
    sums = np.zeros((1, 49, 4))
    field = np.zeros((7, 7), bool)
    field[2:5, 2:5] = True
    dq = normalized(sums, field.reshape(1, 49), 7, 7)[2][0]
    assert dq[3, 3] == HOLE
    assert np.count_nonzero(dq == HOLE) == 1


@pytest.mark.parametrize(
    ("good", "expected"),
    [
        ([80] * 60, []),
        ([10, *[80] * 60, 20], [0, 61]),
        ([0, 10, *[80] * 60, 0], [1]),
        ([60, *[80] * 60], []),  # three quarters are enough
        ([59, *[80] * 60], [0]),
        ([0] * 5, []),
    ],
)
def test_planes_with_much_fewer_good_voxels_than_the_poorest_are_torn(good, expected):
    np.testing.assert_array_equal(np.flatnonzero(torn_planes(np.array(good))), expected)


def test_pixels_whose_weights_are_0_feed_nothing():
    sums = np.ones((1, 49, 4))
    sums[0, 24] = 0, 0, 0, 1
    sums[0, 0] = 0, 0, 0, 1
    flux, err, dq, weight = normalized(sums, np.ones((1, 49), bool), 7, 7)
    assert (dq[0, 3, 3], dq[0, 0, 0], np.count_nonzero(dq)) == (HOLE, OUTSIDE, 2)
    assert weight[0, 3, 3] == 0
    assert np.isnan(flux[0, 3, 3])
    assert np.isnan(err[0, 3, 3])
