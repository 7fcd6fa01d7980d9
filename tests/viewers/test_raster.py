"""Images for the browser: what comes out of the PNG is what went in, and nothing piles up."""

from io import BytesIO

import numpy as np
import pytest
from bqplot import LinearScale
from ipywidgets import Widget
from PIL import Image

from mrsnb.errors import InputError
from mrsnb.viewers.raster import COLOURS, Raster, colour_table, palette_png, shade_index


def decoded(png):
    """Return red, green, blue and opacity of an image, the first row at the bottom."""
    return np.array(Image.open(BytesIO(png)).convert("RGBA"))[::-1]


def raster(**more):
    return Raster(LinearScale(), LinearScale(), x=(0, 1), y=(0, 1), **more)


@pytest.mark.parametrize("colours", COLOURS)
def test_each_pixel_has_the_colour_of_its_shade(colours):
    shades = np.random.default_rng(1).uniform(size=(7, 11))
    index, table = shade_index(shades), colour_table(colours)
    shown = decoded(palette_png(index, table))
    assert (shown[..., :3] == table[index]).all()
    assert (shown[..., 3] == 255).all()


def test_what_is_not_known_is_transparent():
    shades = np.array([[0.2, np.nan, np.nan], [np.nan, 0.0, 1.0]])
    assert (decoded(palette_png(shade_index(shades), colour_table("magma")))[..., 3] == 0).tolist() == [
        [False, True, True],
        [True, False, False],
    ]


def test_shades_rise_and_are_clipped():
    index = shade_index(np.array([-3.0, -0.1, *np.linspace(0, 1, 1001), 1.1, 9.0, np.inf, -np.inf], np.float32))
    assert (np.diff(index[:-1].astype(int)) >= 0).all()
    assert index[:-1].min() == 1
    assert index[:-1].max() == 255
    assert index[-1] == 1


def test_an_unknown_colour_map_is_refused():
    with pytest.raises(InputError, match="did you mean 'magma'"):
        raster(colours="magmo")


def test_each_image_is_another_one_to_the_mark():
    one = raster()
    seen = []
    one.mark.observe(lambda change: seen.append(change["new"]), "image")
    for level in (0.1, 0.9, 0.1):
        one.show(np.full((3, 3), level))
        assert one.mark.image.value == one.png
    assert len(seen) == 3
    assert seen[0] is seen[2] is not seen[1]


def test_other_colours_show_the_same_image():
    one = raster(colours="gray")
    one.show(np.array([[0.0, 1.0, np.nan]]))
    one.colours = "gray_r"
    assert decoded(one.mark.image.value)[0, :, 0].tolist()[:2] == [255, 0]
    assert decoded(one.mark.image.value)[0, 2, 3] == 0


def test_a_thousand_images_leave_no_widget_behind():
    from ipywidgets.widgets.widget import _instances

    one = raster()
    before = len(_instances)
    for level in np.linspace(0, 1, 1000):
        one.show(np.full((4, 4), level))
    assert len(_instances) == before
    one.close()
    assert len(_instances) < before
    assert isinstance(one.mark, Widget)
