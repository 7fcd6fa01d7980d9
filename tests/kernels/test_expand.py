import numpy as np
import pytest

from mrsnb.kernels.expand import expand

TABLE = 5.0 + 0.01 * np.arange(101)
ZERO = np.zeros(101)


def test_a_straight_line_is_found_again_in_any_order():
    wave = np.linspace(5.0, 6.0, 777)
    shuffled = np.random.default_rng(1).permutation(TABLE)
    value, error, unknown = expand(shuffled, 3 * shuffled, 0.1 * shuffled, wave, 2, 10)
    np.testing.assert_allclose(value, 3 * wave, rtol=1e-12)
    np.testing.assert_allclose(error, 0.1 * wave, rtol=1e-12)
    assert not unknown.any()


def test_the_ends_hold_a_little_beyond_the_table():
    wave = np.array([4.9799, 4.9801, 6.0199, 6.0201])
    value, _, unknown = expand(TABLE, TABLE, ZERO, wave, 2, 10)
    assert unknown.tolist() == [True, False, False, True]
    assert value[1:3].tolist() == [TABLE[0], TABLE[-1]]


def test_short_gaps_are_bridged_and_long_ones_not():
    value = TABLE.copy()
    value[20:25] = np.nan
    value[50:70] = np.nan
    wave = np.array([5.22, 5.494, 5.4951, 5.6, 5.6949, 5.696])
    found, _, unknown = expand(TABLE, value, ZERO, wave, 2, 10)
    assert unknown.tolist() == [False, False, True, True, True, False]
    assert found[0] == pytest.approx(5.22)


def test_an_error_that_is_not_known_is_0_and_so_is_a_table_without_rows():
    _, error, _ = expand(TABLE, TABLE, ZERO * np.nan, TABLE, 2, 10)
    assert not error.any()
    for values in (ZERO * np.nan, np.where(np.arange(101) == 3, 1.0, np.nan)):
        _, _, unknown = expand(TABLE, values, ZERO, TABLE, 2, 10)
        assert unknown.all()
