"""What is drawn of a spectrum: thinned without loss of a peak or a gap, within limits, with readable labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.core.lines import Line, bright_lines, line_list
from mrsnb.viewers.decimate import decimated
from mrsnb.viewers.spectrum_shapes import (
    FARTHEST,
    LABEL_GAP,
    flux_limits,
    line_labels,
    log_ticks,
    lonely,
    shares,
    thinned,
    wave_limits,
    without_spikes,
)


@given(st.integers(0, 400), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_thinning_keeps_extremes_ends_and_gaps(n, n_bins, seed):
    rng = np.random.default_rng(seed)
    flux = np.where(rng.random(n) < 0.1, np.nan, rng.standard_normal(n))
    kept = decimated(np.arange(n, dtype=float), flux, n_bins)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= max(n if n <= 4 * n_bins else 0, 5 * n_bins)
    finite = np.isfinite(flux)
    if finite.any():
        assert np.nanmax(flux[kept]) == np.nanmax(flux)
        assert np.nanmin(flux[kept]) == np.nanmin(flux)
    if n:
        assert {0, n - 1} <= set(kept.tolist())
        assert (~finite).any() == (~finite[kept]).any()


def test_twenty_thousand_points_become_few_and_no_spike_is_lost():
    wave, flux = np.linspace(5, 28, 20_000), np.ones(20_000)
    spikes = np.arange(7, 20_000, 997)
    flux[spikes] = 50 + np.arange(len(spikes))
    drawn = thinned(wave, flux, np.full(20_000, 0.1), (5, 28), 900)
    assert len(drawn.x) < 4000
    assert set(flux[spikes]) <= set(drawn.y)
    assert drawn.high - drawn.low == pytest.approx(0.2)


def test_a_zoom_shows_every_point_in_sight():
    wave = np.linspace(5, 28, 20_000)
    drawn = thinned(wave, wave, None, (10.0, 10.2), 900)
    inside = wave[(wave >= 10.0) & (wave <= 10.2)]
    assert set(inside) <= set(drawn.x)
    assert drawn.x.min() > 9.8


def test_a_logarithmic_axis_has_no_place_for_what_is_not_positive():
    drawn = thinned(np.arange(1.0, 6), np.array([1, 0, -1, 2, 3.0]), np.full(5, 9.0), (1, 5), 900, log=True)
    assert np.isnan(drawn.y).tolist() == [False, True, True, False, False]
    assert (drawn.low[np.isfinite(drawn.y)] > 0).all()


def test_points_between_gaps_are_lonely():
    y = np.array([1, np.nan, 2, np.nan, 3, 4])
    drawn = thinned(np.arange(6.0), y, None, (0, 5), 900)
    assert lonely(drawn).tolist() == [True, False, True, False, False, False]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("flux", [[], [np.nan], [0.0], [-1.0, -2.0], [5.0], [1e-18, 3e-18], [1.0, 1e9]])
def test_limits_are_finite_rising_and_hold_the_flux(flux, log):
    values = np.array(flux, dtype=float)
    low, high = flux_limits([values], log=log)
    assert low < high
    assert np.isfinite([low, high]).all()
    assert not log or low > 0
    seen = values[np.isfinite(values) & ((values > 0) | (not log))]
    assert ((seen <= high) & ((seen >= low) | log)).all()


@given(st.integers(5, 60), st.integers(0, 2**32 - 1))
def test_a_spike_does_not_set_the_limits_and_a_line_does(n, seed):
    rng = np.random.default_rng(seed)
    flux = rng.random(n)
    at = int(rng.integers(1, n - 1))
    spiked, line = flux.copy(), flux.copy()
    spiked[at] = 1e4
    line[at : at + 2] = 1e4
    assert without_spikes(spiked).max() <= 1
    assert without_spikes(line).max() == 1e4


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("waves", [[], [np.zeros(0)], [np.array([5.0])], [np.linspace(5, 28, 9), np.array([3.0])]])
def test_all_wavelengths_are_within_the_limits(waves, log):
    low, high = wave_limits(waves, log=log)
    assert 0 < low < high
    assert all(low < wave.min() and wave.max() < high for wave in waves if wave.size)


def test_labels_keep_apart_and_near_their_lines():
    every = [line for name in ("H2", "fine structure", "H I") for line in line_list(name)]
    for log in (False, True):
        found = line_labels(every, 0.01, (4.9, 28.5), 780, log=log)
        forward = np.log if log else np.asarray
        pixel = 780 / float(forward(28.5) - forward(4.9))
        assert (np.diff(forward(found.text_x)) * pixel > LABEL_GAP - 1e-6).all()
        assert (np.abs(forward(found.text_x) - forward(found.x)) * pixel <= FARTHEST + 1e-6).all()
        inside = [line for line in every if 4.9 <= 1.01 * line.wave <= 28.5]
        assert len(found.names) + found.hidden == len(inside)
        assert len(found.names) > 25


def test_bright_lines_come_first():
    crowd = [Line("faint", 12.81 + 1e-4 * i) for i in range(40)]
    neon = next(line for line in bright_lines() if line.name == "[Ne II]")
    assert "[Ne II]" in line_labels([*crowd, neon], 0.0, (5, 28), 780).names


def test_labels_move_with_redshift():
    assert line_labels([Line("a", 10.0)], 0.1, (5, 28), 780).x == pytest.approx([11.0])
    assert line_labels([Line("a", 10.0)], 5.0, (5, 28), 780).names == ()


@given(st.floats(-20, 20), st.floats(0.05, 15))
def test_ticks_of_a_logarithmic_axis_are_few_and_inside(start, span):
    low, high = 10**start, 10 ** (start + span)
    ticks = log_ticks(low, high)
    assert len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)
    assert span < 0.5 or len(ticks) >= 2


def test_bins_go_where_the_samples_are():
    assert sum(shares([1000, 3000])) == pytest.approx(900, abs=2)
    assert shares([0, 0]) == [40, 40]
