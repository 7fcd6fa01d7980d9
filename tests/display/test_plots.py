"""Pictures: size, orientation, and that no data and no name can stop them."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from mrsnb.display.plots import detector_picture, image_grid_picture, image_picture, spectrum_picture
from mrsnb.display.plots.images import NOTHING, block_mean, sky_extent
from mrsnb.display.plots.spectrum import WIDTH

WAVE = np.linspace(5.0, 6.0, 200)
FLUX = 0.1 + 0.02 * np.exp(-0.5 * ((WAVE - 5.34) / 0.002) ** 2)
MARKS = [(5.34, "[Fe II]"), (5.511, "H2 S(7)"), (25.89, "outside"), (float("nan"), "nowhere")]


def pixels(picture):
    """Return the decoded file, shape (height, width, 3), values 0...255, first row on top."""
    return np.round(imread(BytesIO(picture.png))[..., :3] * 255).astype(int)


def check(picture, title):
    assert picture.title == title
    assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
    shape = pixels(picture).shape
    assert shape == (2 * picture.height, 2 * picture.width, 3)
    assert (pixels(picture)[0] == 255).all(), "the paper is white and opaque"
    assert picture.width <= 900
    return picture


def where(picture, colour, tolerance=3):
    """Return the rows and columns of the pixels of one colour."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return np.nonzero((np.abs(pixels(picture) - rgb) <= tolerance).all(axis=-1))


def one_bright(y, x, shape=(21, 21)):
    image = np.full(shape, 1.0)
    image[y : y + 3, x : x + 3] = 1000.0
    return image


@pytest.mark.parametrize("x", [2, 16])
@pytest.mark.parametrize("y", [2, 16])
def test_first_spaxel_is_at_the_lower_left(y, x):
    picture = check(image_picture("t", one_bright(y, x), 0.2), "t")
    rows, columns = where(picture, "#fcfdbf")
    frame = columns < 2 * (62 + 430)
    assert (np.median(columns[frame]) > 2 * (62 + 215)) == (x > 10)
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
    bare = len(where(image_picture("t", image, 0.1), NOTHING)[0])
    image[:10] = np.nan
    grey = len(where(image_picture("t", image, 0.1), NOTHING)[0])
    assert bare < 0.01 * grey
    assert grey == pytest.approx(0.5 * 860 * 860, rel=0.02)


def test_rotation_turns_the_arrows_but_not_the_image():
    image = one_bright(2, 2)
    plain, turned, round_again = (pixels(image_picture("t", image, 0.2, rotation=r)) for r in (0.0, 30.0, 390.0))
    assert (plain != turned).any()
    assert (turned != round_again).sum() == 0
    assert (plain[100:500, 140:900] == turned[100:500, 140:900]).all()


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
    check(image_picture(name, IMAGES[name], 0.2), name)
    check(detector_picture(name, IMAGES[name]), name)


def test_grid_has_room_for_twelve_bands_and_the_hopeless():
    panels = [(name, image, 0.13) for name, image in IMAGES.items()]
    picture = check(image_grid_picture("twelve", [*panels, ("4C", one_bright(2, 2), 0.35)]), "twelve")
    first_row = image_grid_picture("twelve", panels[:3])
    assert picture.height > 3 * first_row.height
    check(image_grid_picture("none", []), "none")


def test_each_panel_has_its_own_limits():
    faint, bright = (one_bright(9, 9) * scale for scale in (1.0, 1e6))
    one, two = (pixels(image_grid_picture("t", [("1A", image, 0.2)])) for image in (faint, bright))
    side = slice(30, 450)
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


def test_detector_image_of_full_size():
    flux = np.full((1024, 1032), np.nan, dtype=np.float32)
    flux[:, 100:400] = np.random.default_rng(3).normal(20, 5, (1024, 300))
    check(detector_picture("jw_cal.fits", flux), "jw_cal.fits")


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
    rows, columns = where(spectrum_picture("t", [("1A", WAVE, spiked)]), "#0072B2", 40)
    assert np.ptp(rows[columns < 800]) > 30


NAMES = ["$x", "$\\frac{$", "<script>", "a\nb\x1b", "\u202e", "星雲", "\U0001f52d", "%s {0}", "\udc80", ""]


def test_any_name_can_be_drawn():
    title = " ".join(NAMES)
    marks = [(5.0 + 0.1 * i, name) for i, name in enumerate(NAMES)]
    curves = [(name, WAVE, FLUX * (i + 1)) for i, name in enumerate(NAMES)]
    check(spectrum_picture(title, curves, marks=marks, y_label=title), title)
    check(spectrum_picture("", [(name, WAVE + 2 * i, FLUX) for i, name in enumerate(NAMES[:3])]), "")
    check(image_grid_picture(title, [(name, np.ones((3, 3)), 0.1) for name in NAMES]), title)
    check(image_picture(title, np.ones((3, 3)), 0.1), title)
    check(detector_picture(title, np.ones((3, 3))), title)


def test_neither_the_users_settings_nor_other_threads_matter():
    def make(_=None):
        return spectrum_picture("t", [("1A", WAVE, FLUX)], marks=MARKS).png

    reference = make()
    with mpl.rc_context({"text.usetex": True, "font.size": 40, "axes.facecolor": "black", "xtick.color": "red"}):
        before = dict(mpl.rcParams)
        with ThreadPoolExecutor(3) as pool:
            made = list(pool.map(make, range(3)))
        assert dict(mpl.rcParams) == before
    assert set(made) == {reference}


def test_spectrum_is_as_wide_as_a_notebook():
    assert WIDTH == spectrum_picture("t", []).width == 900
