import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from looks import N_ROW, a_look, at, places, shift

from mrsnb.kernels.predict import lower_median, predict
from mrsnb.kernels.rows import above, beside, follow_trace, slice_rows


def predicted(target, source, crossing):
    out = np.empty(target.flux.size, np.float32)
    predict(target, source, crossing, out)
    return out


def plane(alpha, beta, wave):
    return 100 + 7 * alpha + 20 * beta + 3000 * (wave - 5)


def test_an_exposure_predicts_itself():
    look = a_look(np.random.default_rng(1).normal(size=places()[0].size))
    out = predicted(look, look, shift())
    np.testing.assert_allclose(out, look.flux, atol=2e-3)


@pytest.mark.parametrize(("d_alpha", "d_rank"), [(0.0, 0.0), (0.13, 0.0), (-0.31, 0.25), (0.07, -0.5)])
def test_light_that_varies_linearly_is_predicted_exactly(d_alpha, d_rank):
    look = a_look(plane)
    out = predicted(look, look, shift(d_alpha, d_rank))
    expected = plane(look.alpha + d_alpha, places()[5] + 0.5 * d_rank, look.wave)
    rank = np.repeat(np.arange(3), np.diff(look.start)) + d_rank
    inner = (rank >= 0) & (rank <= 2) & (abs(look.alpha) < 0.8) & (look.row > 5) & (look.row < N_ROW - 6)
    assert inner.sum() > 500
    np.testing.assert_allclose(out[inner], expected[inner], atol=5e-3)


def test_where_the_source_did_not_look_nothing_is_predicted():
    look = a_look(plane)
    assert np.isnan(predicted(look, look, shift(d_rank=2.6))).all()
    assert np.isnan(predicted(look, look, shift(d_alpha=5.0))).all()
    crossing = shift()
    crossing.alpha[1] = np.nan
    out = predicted(look, look, crossing)
    assert np.isnan(out[look.start[1] : look.start[2]]).all()
    assert np.isfinite(out[: look.start[1]]).all()


def test_other_wavelengths_are_not_predicted():
    look = a_look(plane)
    source = look._replace(wave=look.wave + np.float32(0.030))
    out = predicted(look, source, shift())
    middle = look.alpha[np.isfinite(out)], look.row[np.isfinite(out)]
    assert middle[1].min() in (28, 29, 30)
    assert np.isnan(out[look.row < 27]).all()


def test_unusable_pixels_are_left_out():
    look = a_look(5.0)
    p = at(look, 1, 30, 7)
    flux = look.flux.copy()
    flux[p] = np.nan
    out = predicted(look, look._replace(flux=flux), shift(0.02))
    assert np.isnan(out[p])
    assert out[p - 1] == out[p + 1] == 5
    assert np.isfinite(np.delete(out, p)).all()
    nothing = predicted(look, look._replace(flux=np.full_like(flux, np.nan)), shift())
    assert np.isnan(nothing).all()


def test_the_sense_of_alpha_and_of_the_rows_does_not_matter():
    look = a_look(plane)
    backward = look._replace(alpha=-look.alpha, wave=10 - look.wave)
    np.testing.assert_allclose(predicted(backward, backward, shift()), look.flux, rtol=1e-4)


@given(arrays(np.float32, (5, 4), elements=st.floats(-9, 9, width=32) | st.just(np.nan)))
def test_of_two_middle_values_the_lower_one(stack):
    out = np.empty(4, np.float32)
    lower_median(stack, out)
    for column, found in zip(stack.T, out, strict=True):
        values = np.sort(column[~np.isnan(column)])
        assert np.isnan(found) if values.size == 0 else found == values[(values.size - 1) // 2]


def test_a_trace_follows_alpha_not_the_column():
    look = a_look()
    p = at(look, 1, 30, 6)
    found = np.empty(20, np.int64)
    n = follow_trace(look, 1, p, 10, found)
    trace = found[:n]
    assert n == 20
    assert p not in trace
    assert sorted(look.row[trace]) == [y for y in range(20, 41) if y != 30]
    pitch = 0.2
    assert (abs(look.alpha[trace] - look.alpha[p]) <= 0.51 * pitch).all()
    assert np.ptp(look.column[trace]) >= 1


def test_a_trace_ends_at_the_end_of_its_slice():
    look = a_look()
    found = np.empty(20, np.int64)
    assert follow_trace(look, 0, at(look, 0, 0, 5), 10, found) == 10
    corner = follow_trace(look, 0, at(look, 0, N_ROW - 1, 5), 4, found)
    assert corner == 4


def test_neighbours_stay_in_their_slice():
    look = a_look()
    p = at(look, 1, 20, 0)
    assert beside(look, 1, p, -1) == -1
    assert look.column[beside(look, 1, p, 1)] == look.column[p] + 1
    assert above(look, 1, p, 1) == at(look, 1, 21, 0)
    assert above(look, 1, p, -1) == at(look, 1, 19, 1)  # the slice begins one column further from row 20 on
    assert above(look, 1, at(look, 1, 0, 3), -1) == -1
    assert above(look, 1, at(look, 1, 19, 0), 1) == -1


def test_a_row_counts_up_to_a_gap():
    pixel = np.array([3, 4, 6, 12, 13], np.int32)
    first, length = slice_rows(pixel, np.array([0, 5]), 3, 10)
    assert first.tolist() == [[0, 3, 0]]
    assert length.tolist() == [[2, 2, 0]]
