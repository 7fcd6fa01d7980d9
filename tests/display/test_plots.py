"""Pictures: size, orientation, and that no data and no name can stop them."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mrsnb.display.plots import (
    DetectorImage,
    SkyImage,
    detector_picture,
    image_grid_picture,
    image_picture,
    shift_picture,
    spectrum_picture,
)
from mrsnb.display.plots.axes import Scale, linear_ticks, log_ticks
from mrsnb.display.plots.canvas import Box, Canvas
from mrsnb.display.plots.colours import CYCLE, INK, NOTHING, colour_map, rgba
from mrsnb.display.plots.colours import MARKS as SHADES_OF_MARKS
from mrsnb.display.plots.curves import Stroke, draw_curves, extent
from mrsnb.display.plots.detectors import block_mean
from mrsnb.display.plots.glyphs import elided, length, readable
from mrsnb.display.plots.images import sky_extent
from mrsnb.display.plots.png import indexed_png
from mrsnb.display.plots.spectrum import WIDTH

WAVE = np.linspace(5.0, 6.0, 200)
FLUX = 0.1 + 0.02 * np.exp(-0.5 * ((WAVE - 5.34) / 0.002) ** 2)
MARKS = [(5.34, "[Fe II]"), (5.511, "H2 S(7)"), (25.89, "outside"), (float("nan"), "nowhere")]


def pixels(picture):
    """Return the decoded file, shape (height, width, 4), values 0...255, first row on top."""
    with Image.open(BytesIO(picture.png)) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def check(picture, title):
    assert picture.title == title
    assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
    decoded = pixels(picture)
    assert decoded.shape == (2 * picture.height, 2 * picture.width, 4)
    assert (decoded[0, :, 3] == 0).all(), "there is no paper"
    assert picture.width <= 960
    assert len(picture.png) < 140_000
    return picture


def where(picture, colour, tolerance=3):
    """Return the rows and columns of the pixels of one colour, opaque."""
    return np.nonzero((np.abs(pixels(picture) - colour) <= tolerance).all(axis=-1))


def sky(image, size=0.2, **more):
    return SkyImage("1A", image, size, **more)


def of_sky(title, image, size=0.2, rotation=0.0):
    return image_picture(title, [sky(image, size)], rotation)


def of_detector(title, image, **more):
    return detector_picture(title, [DetectorImage("", image, **more)])


def one_bright(y, x, shape=(21, 21)):
    image = np.full(shape, 1.0)
    image[y : y + 3, x : x + 3] = 1000.0
    return image


@pytest.mark.parametrize("x", [2, 16])
@pytest.mark.parametrize("y", [2, 16])
def test_first_spaxel_is_at_the_lower_left(y, x):
    picture = check(of_sky("t", one_bright(y, x)), "t")
    rows, columns = where(picture, rgba("#fcfdbf"))
    frame = columns < 2 * (64 + 430)
    assert (np.median(columns[frame]) > 2 * (64 + 215)) == (x > 10)
    assert (np.median(rows[frame]) < picture.height) == (y > 10)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 0.5))
def test_axes_count_from_the_middle_spaxel_and_toward_east(n_y, n_x, size):
    east, west, south, north = sky_extent((n_y, n_x), size)
    assert east - west == pytest.approx(n_x * size)
    assert north - south == pytest.approx(n_y * size)
    x, y = n_x // 2, n_y // 2
    assert east - (x + 0.5) * size == pytest.approx(0, abs=1e-9)
    assert south + (y + 0.5) * size == pytest.approx(0, abs=1e-9)


def test_nan_is_grey():
    image = np.ones((20, 20))
    bare = len(where(of_sky("t", image), NOTHING)[0])
    image[:10] = np.nan
    grey = len(where(of_sky("t", image), NOTHING)[0])
    assert bare < 0.01 * grey
    assert grey == pytest.approx(0.5 * 860 * 860, rel=0.02)


def test_rotation_turns_the_arrows_but_not_the_image():
    image = one_bright(2, 2)
    plain, turned, round_again = (pixels(of_sky("t", image, rotation=r)) for r in (0.0, 30.0, 390.0))
    assert (plain != turned).any()
    assert (turned != round_again).sum() == 0
    assert (plain[100:500, 140:600] == turned[100:500, 140:600]).all()


IMAGES = {
    "all NaN": np.full((20, 30), np.nan),
    "no pixels": np.zeros((0, 5)),
    "one pixel": np.array([[3.0]]),
    "zeros": np.zeros((5, 5)),
    "flat": np.full((5, 5), 1e-13),
    "negative": -np.arange(1.0, 26.0).reshape(5, 5),
    "infinite": np.array([[np.inf, 1.0], [-np.inf, 2.0]]),
    "noise": np.random.default_rng(1).normal(0, 1, (40, 20)),
    "wide range": np.geomspace(1e-30, 1e30, 100).reshape(10, 10),
    "single precision": np.float32(3e38) * np.linspace(-1, 1, 25, dtype=np.float32).reshape(5, 5),
    "integers": np.arange(25).reshape(5, 5),
}


@pytest.mark.parametrize("name", IMAGES)
def test_any_image_can_be_drawn(name):
    check(of_sky(name, IMAGES[name]), name)
    check(image_picture(name, [sky(IMAGES[name]), sky(IMAGES[name], colours="viridis")]), name)
    check(of_detector(name, IMAGES[name]), name)


def test_grid_has_room_for_twelve_bands_and_the_hopeless():
    panels = [sky(image) for image in IMAGES.values()]
    check(image_grid_picture("eleven", panels), "eleven")
    twelve = check(image_grid_picture("twelve", [*panels, sky(one_bright(2, 2), 0.35)]), "twelve")
    first_row = image_grid_picture("four", panels[:4])
    assert twelve.width == first_row.width
    assert twelve.height > 2.5 * first_row.height
    check(image_grid_picture("none", []), "none")


def test_bands_of_a_channel_stand_below_each_other():
    panels = [sky(np.full((9, 9), np.nan)) for _ in range(12)]
    panels[1] = sky(np.ones((9, 9)))
    rows, columns = where(image_grid_picture("t", panels), (*colour_map("magma", 96)[48], 255), 6)
    height, width = 2 * 556, 2 * 904
    assert len(rows) > 50_000
    assert (columns < width / 4).all()
    assert ((rows > height / 3) & (rows < 0.7 * height)).all()


def test_each_panel_has_its_own_limits():
    faint, bright = (one_bright(9, 9) * scale for scale in (1.0, 1e6))
    one, two = (pixels(image_grid_picture("t", [sky(image)])) for image in (faint, bright))
    side = slice(20, 450)
    assert (one[100:500, side] == two[100:500, side]).all()


def test_detector_is_binned_without_losing_flux_or_gaining_nan():
    image = np.random.default_rng(2).normal(5, 1, (6, 7))
    image[0, 0] = np.nan
    image[2:4, 2:4] = np.nan
    binned = block_mean(image, 2)
    assert binned.shape == (3, 4)
    assert binned[0, 0] == pytest.approx(np.mean([image[0, 1], image[1, 0], image[1, 1]]))
    assert np.isnan(binned[1, 1])
    assert np.isfinite(binned).sum() == binned.size - 1
    assert (block_mean(image[:, :6], 1) == image[:, :6])[np.isfinite(image[:, :6])].all()


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_large_images_are_binned_as_small_ones(factor):
    image = np.random.default_rng(5).normal(5, 1, (420, 1050)).astype(np.float32)
    image[:, 100:110], image[7], image[200, ::3] = np.nan, np.inf, np.nan
    blocks = np.where(np.isfinite(image), image, np.nan).reshape(420 // factor, factor, 1050 // factor, factor)
    good = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3), dtype=float)
    expected = np.where(good > 0, total / np.maximum(good, 1), np.nan)
    np.testing.assert_allclose(block_mean(image, factor), expected, rtol=1e-6)


def test_marks_stand_out_from_noise():
    noise = np.random.default_rng(6).normal(30, 5, (516, 516)).astype(np.float32)
    mark = (
        {"bad": (np.array([200]), np.array([300]))},
        {"bad": tuple(np.random.default_rng(8).integers(0, 516, (2, 900)))},
    )
    few, many = (detector_picture("t", [DetectorImage("1", noise, marks=m)] * 2) for m in mark)
    assert len(where(few, rgba(SHADES_OF_MARKS[0]), 0)[0]) > 2 * 50
    assert len(where(many, rgba(SHADES_OF_MARKS[0]), 0)[0]) > 2 * 900 * 40


def test_detector_image_of_full_size():
    flux = np.full((1024, 1032), np.nan, dtype=np.float32)
    flux[:, 100:400] = np.random.default_rng(3).normal(20, 5, (1024, 300))
    check(of_detector("jw_cal.fits", flux), "jw_cal.fits")
    six = [DetectorImage(f"jw_{i}", flux) for i in range(6)]
    check(detector_picture("all", six), "all")


SPECTRA = {
    "nothing": [],
    "no samples": [("1A", np.array([]), np.array([]))],
    "all NaN": [("1A", WAVE, np.full(200, np.nan))],
    "NaN wavelengths": [("1A", np.full(200, np.nan), FLUX)],
    "one sample": [("1A", WAVE[:1], FLUX[:1])],
    "zeros": [("1A", WAVE, np.zeros(200))],
    "negative": [("1A", WAVE, -FLUX)],
    "infinite": [("1A", WAVE, np.where(WAVE > 5.5, np.inf, FLUX))],
    "holes": [("1A", WAVE, np.where(np.arange(200) % 3 > 0, FLUX, np.nan))],
    "two decades": [("1A", WAVE, FLUX * np.geomspace(1, 300, 200))],
    "one band and an empty one": [("1A", WAVE, FLUX), ("1B", WAVE, np.full(200, np.nan))],
    "same range": [("a", WAVE, FLUX), ("b", WAVE, 2 * FLUX)],
    "many": [(f"spectrum number {i}", WAVE, i * FLUX) for i in range(14)],
    "full range": [(f"{i}A", WAVE * 1.2**i, FLUX / (i + 1) ** 2) for i in range(9)],
    "falling wavelengths": [("1A", WAVE[::-1], FLUX)],
}


@pytest.mark.parametrize("name", SPECTRA)
def test_any_spectrum_can_be_drawn(name):
    curves = SPECTRA[name]
    check(spectrum_picture(name, curves, err=[0.1 * flux for _, _, flux in curves], marks=MARKS), name)


def test_only_lines_within_the_curves_are_marked():
    inside, with_outside, none = (
        pixels(spectrum_picture("t", [("1A", WAVE, FLUX)], marks=m)) for m in (MARKS[:2], MARKS, ())
    )
    assert (inside == with_outside).all()
    assert (inside != none).any()


def test_more_lines_than_fit_keep_the_brightest():
    crowd = [(5.0 + i / 200, f"line {i}") for i in range(190)]
    bright = (5.34, "[Fe II]")
    with_it = spectrum_picture("t", [("1A", WAVE, FLUX)], marks=[*crowd, bright])
    without = spectrum_picture("t", [("1A", WAVE, FLUX)], marks=crowd)
    assert (pixels(with_it) != pixels(without)).any()


def test_order_of_samples_and_of_marks_is_irrelevant():
    first = spectrum_picture("t", [("1A", WAVE, FLUX)], [0.1 * FLUX], MARKS[:2])
    again = spectrum_picture("t", [("1A", WAVE[::-1], FLUX[::-1])], [0.1 * FLUX[::-1]], MARKS[1::-1])
    assert first.png == again.png


def test_one_wild_sample_does_not_flatten_the_spectrum():
    spiked = FLUX.copy()
    spiked[100] = 1e6
    rows, columns = where(spectrum_picture("t", [("1A", WAVE, spiked)]), rgba(CYCLE[0]), 40)
    assert np.ptp(rows[columns < 800]) > 30


NAMES = ["$x", "$\\frac{$", "<script>", "a\nb\x1b", "\u202e", "星雲", "\U0001f52d", "%s {0}", "\udc80", ""]


def test_any_name_can_be_drawn():
    title = " ".join(NAMES)
    marks = [(5.0 + 0.1 * i, name) for i, name in enumerate(NAMES)]
    curves = [(name, WAVE, FLUX * (i + 1)) for i, name in enumerate(NAMES)]
    check(spectrum_picture(title, curves, marks=marks, y_label=title), title)
    check(spectrum_picture("", [(name, WAVE + 2 * i, FLUX) for i, name in enumerate(NAMES[:3])]), "")
    check(image_grid_picture(title, [SkyImage(name, np.ones((3, 3)), 0.1) for name in NAMES]), title)
    check(of_sky(title, np.ones((3, 3))), title)
    check(of_detector(title, np.ones((3, 3))), title)
    check(shift_picture(title, [(0.1, 0.2)]), title)


def test_other_threads_do_not_matter():
    def make(_=None):
        return spectrum_picture("t", [("1A", WAVE, FLUX)], marks=MARKS).png

    reference = make()
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(make, range(6))) == {reference}


def test_spectrum_is_as_wide_as_a_notebook():
    assert WIDTH == spectrum_picture("t", []).width == 900


@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_files_hold_what_was_drawn(n_row, n_col, random):
    drawn = np.array([[random.randrange(4) for _ in range(n_col)] for _ in range(n_row)], np.uint8)
    palette = [(0, 0, 0, 0), (255, 0, 0, 255), (0, 255, 0, 100), (1, 2, 3, 255)]
    with Image.open(BytesIO(indexed_png(drawn, palette, "t"))) as image:
        assert (np.asarray(image.convert("RGBA")) == np.array(palette)[drawn]).all()


def test_noise_is_packed_another_way():
    noise = np.random.default_rng(4).integers(0, 250, (700, 700)).astype(np.uint8)
    with Image.open(BytesIO(indexed_png(noise, [(i, i, i, 255) for i in range(250)], "t"))) as image:
        assert (np.asarray(image.convert("RGBA"))[..., 0] == noise).all()


def test_worst_noise_is_a_small_file():
    noise = np.random.default_rng(4).uniform(0, 1, (1024, 1032)).astype(np.float32)
    for n in (1, 2, 3, 6):
        assert len(detector_picture("t", [DetectorImage("1", noise)] * n).png) < 145_000


@pytest.mark.parametrize("n", [40, 4000, 60_000])
def test_marked_pixels_are_marked_where_they_are(n):
    flux = np.zeros((1024, 1032), np.float32)
    y, x = np.random.default_rng(n).integers(0, 500, (2, n))
    marked = of_detector("t", flux, marks={"bad": (y, x)})
    rows, columns = where(marked, rgba(SHADES_OF_MARKS[0]), 0)
    inside = rows > 130  # below the key
    rows, columns = rows[inside], columns[inside]
    assert len(rows) >= min(n, 2000)
    assert (columns < 2 * (62 + 0.5 * 516)).all()
    assert (rows > 0.5 * 2 * marked.height - 60).all()
    assert len(marked.png) < 145_000


def test_holes_are_marked():
    holes = np.zeros((21, 21), bool)
    plain = image_picture("t", [sky(np.ones((21, 21)), holes=holes)])
    holes[3, 5] = True
    marked = image_picture("t", [sky(np.ones((21, 21)), holes=holes.copy())])
    assert len(where(plain, rgba(SHADES_OF_MARKS[2]), 0)[0]) == 0
    rows, columns = where(marked, rgba(SHADES_OF_MARKS[2]), 0)
    assert columns.mean() == pytest.approx(2 * (64 + 430 * 5.5 / 21), abs=2)
    assert rows.mean() == pytest.approx(2 * (38 + 430 * (1 - 3.5 / 21)), abs=2)


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(3, 9))
def test_linear_ticks_are_round_within_and_few(low, span, about):
    high = low + span
    if high - low < 1e-9 * abs(low):
        return
    ticks = linear_ticks(low, high, about)
    assert 1 <= len(ticks.values) <= 2.6 * about
    assert all(low - 1e-6 * span <= v <= high + 1e-6 * span for v in ticks.values)
    assert len(ticks.labels) == len(ticks.values)


@given(st.floats(1e-20, 1e20), st.floats(1.5, 1e20))
def test_logarithmic_ticks_are_within_and_few(low, ratio):
    ticks = log_ticks(low, low * ratio)
    assert all(low <= v <= low * ratio for v in ticks.values)
    assert len(ticks.values) <= 12


@pytest.mark.parametrize("log", [False, True])
def test_scales_put_limits_at_the_ends_and_bear_zero(log):
    scale = Scale(1.0, 100.0, 10.0, 50.0, log=log)
    assert scale([1.0, 100.0]).tolist() == [10.0, 50.0]
    assert np.isnan(scale(np.nan))
    assert np.isfinite(scale([0.0, -1.0])).all()


@given(st.lists(st.floats(0, 90), min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_a_curve_covers_its_samples(ys, random):
    x = np.sort([random.uniform(0, 90) for _ in ys])
    first, top, bottom = extent(x, np.array(ys))
    column = np.floor(2 * x).astype(int) - first
    assert (top[column] <= 2 * np.array(ys) + 1e-9).all()
    assert (bottom[column] >= 2 * np.array(ys) - 1e-9).all()
    assert np.nanmin(top) >= 2 * min(ys) - 1e-6
    assert np.nanmax(bottom) <= 2 * max(ys) + 1e-6


def test_a_lone_sample_is_seen_and_a_gap_stays_open():
    canvas = Canvas(60, 40)
    y = np.array([20.0, np.nan, 20.0, np.nan, 20.0, 20.0])
    draw_curves(canvas, Box(5, 5, 50, 30), [Stroke(np.array([10.0, 15.0, 20.0, 30.0, 40.0, 50.0]), y, INK)])
    inked = (canvas.pixels > 0).any(axis=0)
    assert inked[[20, 40, 80, 90, 100]].all()
    assert not inked[[30, 60, 70]].any()


def test_curves_stay_within_their_frame():
    canvas = Canvas(60, 40)
    draw_curves(canvas, Box(5, 10, 50, 20), [Stroke(np.linspace(10, 50, 30), np.linspace(-500, 500, 30), INK)])
    assert not canvas.pixels[:20].any()
    assert not canvas.pixels[60:].any()
    assert canvas.pixels.any()


def test_text_is_cut_to_its_room_and_missing_letters_are_replaced():
    for width in (20.0, 60.0, 200.0):
        assert length(elided("a name that is far too long.fits", 12.0, width), 12.0) <= width
    assert elided("short", 12.0, 100.0) == "short"
    assert readable("1″ \u661f") == "1″ \N{REPLACEMENT CHARACTER}"


def test_ink_is_seen_on_white_and_on_black():
    def luminance(colour):
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for colour, least in ((INK, 3.6), *((rgba(c), 2.5) for c in CYCLE)):
        own, page = luminance(colour), luminance((0x21, 0x21, 0x21))
        assert 1.05 / (own + 0.05) > least
        assert (own + 0.05) / (page + 0.05) > least


@pytest.mark.parametrize("ring", [(5.0, 5.0, 3.0), (0.0, 0.0, 4.0), (-40.0, 5.0, 2.0), (5.0, 5.0, np.nan)])
def test_an_aperture_is_drawn_as_far_as_it_is_on_the_image(ring):
    image = np.tile(np.arange(11.0), (11, 1))
    plain, ringed = (pixels(image_picture("x", [sky(image, ring=r)])) for r in (None, ring))
    changed = (plain != ringed).any(axis=-1)
    assert changed.any() == (ring[0] >= 0 and np.isfinite(ring[2]))
    assert (ringed[changed][:, 3] == 255).all()
