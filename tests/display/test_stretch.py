"""Stretch of images, ticks of colour bars, places of labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.display.plots.placement import spread
from mrsnb.display.plots.stretch import KINDS, Stretch, compact, limits_of, percentiles, stretch_between, stretch_of

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
images = st.lists(st.one_of(numbers, st.just(float("nan"))), min_size=1, max_size=30).map(np.array)


@given(images)
def test_stretch_keeps_order_and_nan(image):
    stretch = stretch_of(image)
    if stretch is None:
        assert np.isnan(image).all()
        return
    assert stretch.high > stretch.low
    shades = stretch(image)
    assert (np.isnan(shades) == np.isnan(image)).all()
    good = np.sort(image[np.isfinite(image)])
    assert (np.diff(stretch(good)) >= 0).all()
    assert stretch(np.array([stretch.low, stretch.high])) == pytest.approx([0, 1])
    assert ((shades >= 0) & (shades <= 1) | np.isnan(shades)).all()


@given(st.lists(numbers, min_size=1, max_size=40).map(np.array), st.lists(st.floats(0, 100), min_size=1, max_size=4))
def test_percentiles_are_those_of_numpy(values, shares):
    assert percentiles(values.copy(), *shares) == pytest.approx(np.percentile(values, shares), rel=1e-9, abs=1e-6)
    assert percentiles(np.full(9, values[0]), *shares) == [values[0]] * len(shares)


@given(images)
def test_one_value_is_shown_as_an_array_of_it_is(image):
    for kind in KINDS:
        stretch = stretch_between(image, kind, 1.0, 7.0)
        ticks = stretch.ticks()
        assert [stretch.share(tick) for tick in ticks] == pytest.approx(stretch(np.array(ticks)), abs=1e-9)


@given(images, st.floats(0.05, 0.3))
def test_ticks_are_within_the_limits_and_apart(image, apart):
    stretch = stretch_of(image)
    if stretch is None:
        return
    ticks = stretch.ticks(apart)
    assert ticks == sorted(ticks)
    assert all(stretch.low <= tick <= stretch.high for tick in ticks)
    assert (np.diff(stretch(np.array(ticks))) >= 0.98 * apart).all()


@pytest.mark.parametrize(
    ("stretch", "ticks"),
    [
        (Stretch(30.0, 20000.0, "log"), [30, 100, 300, 1000, 3000, 10000]),
        (Stretch(0.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Stretch(-150.0, 3000.0, "asinh", 50.0), [-100, 0, 100, 1000]),
    ],
)
def test_ticks_are_round(stretch, ticks):
    assert stretch.ticks() == pytest.approx(ticks)


def test_kind_follows_the_data():
    point = np.r_[np.full(1000, 10.0), np.geomspace(10, 1e4, 100)]
    assert stretch_of(point).kind == "log"
    assert stretch_of(point - 10.5).kind == "asinh"
    assert stretch_of(np.linspace(100, 120, 50)).kind == "linear"
    assert stretch_of(np.full(9, np.nan)) is None


def test_outliers_do_not_set_the_limits():
    image = np.random.default_rng(5).uniform(1, 100, 10_000)
    image[0], image[1] = 1e9, -1e9
    stretch = stretch_of(image)
    assert 0 < stretch.low < 3
    assert 90 < stretch.high < 101


@given(st.floats(0.1, 10), images)
def test_brightness_scales_out(factor, image):
    one, two = stretch_of(image), stretch_of(image * factor)
    if one is None or np.nanmin(image) == np.nanmax(image) or np.nanmax(np.abs(image)) < 1e-3:
        return
    if one.kind == two.kind:
        assert one(image) == pytest.approx(two(image * factor), abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.3, "0.3"),
        (1500.0, "1500"),
        (-20.0, "\N{MINUS SIGN}20"),
        (1e6, "10⁶"),
        (3e-5, "3\N{MULTIPLICATION SIGN}10⁻⁵"),
        (-1e-4, "\N{MINUS SIGN}10⁻⁴"),
    ],
)
def test_compact_numbers(value, text):
    assert compact(value) == text


places = st.lists(st.floats(0, 100), max_size=20).map(sorted)


@given(places, st.floats(0.1, 20))
def test_labels_keep_order_distance_and_limits(wanted, gap):
    found = spread(wanted, gap, 0.0, 100.0)
    room = min(gap, 100.0 / max(len(wanted) - 1, 1))
    assert len(found) == len(wanted)
    assert all(-1e-9 <= place <= 100 + 1e-9 for place in found)
    assert (np.diff(found) >= room - 1e-9).all()


@given(places)
def test_labels_that_have_room_stay(wanted):
    gap = min(np.diff(wanted), default=1.0)
    if gap > 0.01:
        assert spread(wanted, 0.99 * gap, 0.0, 100.0) == pytest.approx(wanted)


def test_labels_are_as_near_as_can_be():
    rng = np.random.default_rng(6)
    wanted = np.sort(rng.uniform(20, 80, 8))
    found = np.array(spread(list(wanted), 5.0, 0.0, 100.0))
    cost = ((found - wanted) ** 2).sum()
    for _ in range(2000):
        trial = found + rng.normal(0, 0.3, 8)
        if (np.diff(trial) >= 5.0).all():
            assert ((trial - wanted) ** 2).sum() >= cost - 1e-9


@given(images, st.sampled_from(KINDS), numbers, numbers)
def test_any_stretch_between_any_limits_keeps_order(image, kind, one, other):
    stretch = stretch_between(image, kind, one, other)
    assert stretch.high > stretch.low
    assert stretch(np.array([stretch.low, stretch.high])) == pytest.approx([0, 1])
    assert (np.diff(stretch(np.sort(image[np.isfinite(image)]))) >= 0).all()
    assert (np.isnan(stretch(image)) == np.isnan(image)).all()


@given(images, st.one_of(st.floats(50, 100), st.just("zscale")))
def test_limits_lie_within_the_values(image, how):
    limits = limits_of(image, how)
    good = image[np.isfinite(image)]
    if limits is None:
        assert good.size == 0
        return
    slack = 1e-9 * np.abs(good).max()
    assert good.min() - slack <= limits[0] <= limits[1] <= good.max() + slack


def test_the_square_root_shows_a_quarter_as_half():
    assert Stretch(1.0, 5.0, "power")(np.array([2.0])) == pytest.approx([0.5])
    assert Stretch(0.0, 100.0, "power").ticks() == [0, 20, 40, 60, 100]


def test_limits_of_large_images_come_from_all_parts():
    image = np.random.default_rng(1).normal(10, 1, (1024, 1032))
    image[:, ::8] += 50
    stretch = stretch_of(image)
    low, high = np.percentile(image, [1, 99.9])
    assert stretch.low == pytest.approx(low, abs=0.3)
    assert stretch.high == pytest.approx(high, abs=0.5)


def test_a_logarithmic_bar_of_a_narrow_range_has_labels():
    assert len(Stretch(24.0, 38.0, "log").ticks(0.15)) >= 3
