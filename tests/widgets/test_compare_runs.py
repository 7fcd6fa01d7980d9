"""Two runs compared: what is equal is not listed, what differs is."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from mrsnb.core.image_pair import ImagePair
from mrsnb.display import Row
from mrsnb.pipeline import ProductSummary, Spec3Params
from mrsnb.steps.cube_build import CubeBuildParams
from mrsnb.widgets.compare import changes, common_products, differences, residual
from mrsnb.widgets.pair_html import VIEWS, pair_html
from mrsnb.widgets.runs import Run
from mrsnb.widgets.summaries import Summary


def run(number, params, rows=(), products=()):
    made = Summary(title="cube_build: 1A", rows=rows, products=products, written=(None,) * len(products))
    return Run(
        number=number,
        step="cube_build",
        params=params,
        inputs=("a",),
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        state="done",
        results=(made,),
    )


def image(name="a_s3d.fits", value=None, size=0.13):
    value = np.arange(12.0).reshape(3, 4) if value is None else value
    return ProductSummary(label="1A", name=name, path=None, image=value, spaxel_size=size)


def spectrum(wave, flux):
    return ProductSummary(label="1A", name="a_x1d.fits", path=None, wave=wave, flux=flux)


def test_parameters_that_differ_are_named_with_their_step():
    before = Spec3Params()
    after = before.updated({"cube_build": {"scalexy": 0.2}, "extract_1d": {"ifu_rscale": 1.5}})
    assert [str(change) for change in changes(before, after)] == [
        "cube_build.scalexy None → 0.2",
        "extract_1d.ifu_rscale None → 1.5",
    ]
    assert changes(after, after) == ()


def test_only_what_differs_is_in_the_table():
    one = run(1, CubeBuildParams(), [Row("band", "1A"), Row("holes", "3", "voxels")])
    other = run(2, CubeBuildParams(channel="1"), [Row("band", "1A"), Row("holes", "5", "voxels"), Row("more", "x")])
    assert differences(one, other).rows == (
        ("parameter", "channel", "all", "1"),
        ("cube_build: 1A", "holes", "3 voxels", "5 voxels"),
        ("cube_build: 1A", "more", "-", "x"),
    )
    assert differences(one, one).rows == ()
    alone = replace(one, results=())
    assert differences(alone, other).rows == (("parameter", "channel", "all", "1"),)


def test_products_of_equal_names_are_compared():
    one = run(1, CubeBuildParams(), products=(image("a_s3d.fits"), image("b_s3d.fits")))
    other = run(2, CubeBuildParams(), products=(image("b_s3d.fits"), image("c_s3d.fits")))
    assert common_products(one, other) == ("b_s3d.fits",)


def test_equal_images_are_identical_and_others_are_told_by_how_much():
    flat = np.full((4, 5), 2.0)
    assert ImagePair.of(flat, flat, 0.1, 0.1).told() == "identical"
    other = flat.copy()
    other[1, 1] = 5.0
    other[0, 0] = np.nan
    told = ImagePair.of(flat, other, 0.1, 0.1).told()
    assert told == "typical difference 0 MJy/sr (0 of the median), largest 3; 1 spaxels in one of them only"
    nothing = np.full((4, 5), np.nan)
    assert ImagePair.of(nothing, nothing, 0.1, 0.1).told() == "identical"


@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_the_middle_of_images_of_other_spaxels_coincides(ratio):
    fine = np.zeros((11, 13))
    fine[5, 6] = 1.0
    coarse = np.zeros((5, 5))
    coarse[2, 2] = 1.0
    pair = ImagePair.of(coarse, fine, 0.1 * ratio, 0.1)
    assert pair.after.shape == coarse.shape
    assert pair.after[2, 2] == 1.0
    assert np.nansum(pair.after) == 1.0
    assert "of other spaxels" in pair.note


def test_a_residual_is_at_the_wavelengths_of_the_first():
    wave = np.linspace(5, 6, 11)
    one, other = spectrum(wave, wave * 2), spectrum(wave[::2] + 0.01, (wave[::2] + 0.01) * 2 + 1)
    left = residual(one, other)
    assert np.isnan(left[0])
    np.testing.assert_allclose(left[1:], 1.0)
    assert not residual(one, one).any()
    with pytest.raises(ValueError, match="no spectrum"):
        residual(one, image())


class _Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("value", [np.nan, 0.0, 1.0, -3.0])
def test_every_pair_of_images_can_be_looked_at(view, value):
    first = np.full((3, 4), value)
    second = first.copy()
    second[0, 0] = 7.0
    for pair in (ImagePair(first, second, 0.1), ImagePair(first, first, 0.1)):
        tags = _Tags(pair_html(pair, view, ("run <1>", "run 2")))
        pictures = [attrs for tag, attrs in tags.found if tag == "img"]
        assert len(pictures) == (1 if view == "difference" else 2)
        assert all(attrs["src"].startswith("data:image/png;base64,") for attrs in pictures)
        assert "run <1>" in tags.text


def test_a_blinking_pair_is_small():
    pair = ImagePair(*np.random.default_rng(1).normal(size=(2, 60, 60)), 0.1)
    assert len(pair_html(pair, "blink", ("a", "b"))) < 20_000
