"""The cube viewer in JupyterLab: keys, brush, drag, click and hover do what they promise, and are seen."""

import numpy as np
import pytest
from keyboard import stops

SETUP = """
import sys; sys.path[:0] = [{tests!r}]
import mrsnb, numpy as np
from cubes import a_cube
wave = 5.0 + 0.01 * np.arange(40)
y, x = np.mgrid[:21, :25]
source = np.exp(-0.5 * ((x - 12) ** 2 + (y - 10) ** 2) / 4)
flux = 1 + source * (10 + 90 * np.exp(-0.5 * ((wave - 5.2) / 0.01) ** 2))[:, None, None]
flux[:, 0] = np.nan
cube = a_cube(flux, name={name!r})
"""
HANDLE = ".mrsnb-slider .noUi-handle"
IMAGE, SPECTRUM = "mrsnb-image", "mrsnb-spectrum-figure"


@pytest.fixture
def shown(notebook, request):
    """A notebook with a viewer called ``v``, painted."""

    def show(code="v = mrsnb.view(cube); v", name="toy_s3d.fits", **options):
        notebook.open([SETUP.format(tests=str(request.path.parents[1]), name=name), code], **options)
        notebook.run_all()
        notebook.find(f".{IMAGE} svg image").first.wait_for()
        notebook.find(f".{IMAGE} .heatmapcell").first.wait_for(state="attached")
        return notebook

    return show


def inside(book):
    """Return what is painted of the image inside its axes."""
    pixels = book.pixels(f".{IMAGE}").astype(int)
    left, top, width, height = book.page.evaluate(f"""() => {{
        const figure = document.querySelector('.{IMAGE}').getBoundingClientRect();
        const area = document.querySelector('.{IMAGE} .plotarea_background').getBoundingClientRect();
        return [area.x - figure.x, area.y - figure.y, area.width, area.height].map(Math.round); }}""")
    return pixels[top : top + height, left : left + width]


def dots(book):
    """Return where the handle and then the middle of the aperture are."""
    found = book.find(f".{IMAGE} svg .object_grp path.dot")
    found.nth(1).wait_for()
    boxes = [found.nth(i).bounding_box() for i in range(2)]
    return [(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes]


def moved(point, dx, dy):
    return point[0] + dx, point[1] + dy


@pytest.mark.parametrize(("theme", "size"), [("light", (1280, 800)), ("dark", (1920, 1080))])
def test_it_fits_the_window_and_paints_the_source(shown, theme, size):
    book = shown(theme=theme, size=size)
    viewer = book.find(".mrsnb-viewer").first.bounding_box()
    assert viewer["height"] < size[1] - 110
    assert viewer["x"] + viewer["width"] <= size[0]
    for part in (f".{IMAGE}", f".{SPECTRUM}", HANDLE):
        box = book.box(part)
        assert box.x + box.width <= viewer["x"] + viewer["width"] + 1
    sky = inside(book)
    height, width = sky.shape[:2]
    assert sky[int(0.48 * height), int(0.5 * width)].mean() > sky[int(0.1 * height), int(0.1 * width)].mean() + 40
    assert np.abs(sky[-5, 10:-10:10] - [0xA9, 0xAD, 0xB3]).max() < 8  # a row without light
    book.screenshot(f"cube-{theme}")


def test_a_key_shows_the_next_plane(shown):
    book = shown()
    before = book.pixels(f".{IMAGE}")
    for _ in range(3):
        book.press("ArrowRight", HANDLE)
    book.wait_until("v.waves.plane == 23")
    book.page.wait_for_timeout(200)
    assert (book.pixels(f".{IMAGE}") != before).any()
    book.press("ArrowLeft", HANDLE)
    book.wait_until("v.waves.plane == 22 and abs(v.waves.box.value - 5.22) < 1e-6")


def test_the_player_goes_on_from_the_plane_in_view(shown):
    book = shown()
    for _ in range(5):
        book.press("ArrowLeft", HANDLE)
    book.wait_until("v.waves.plane == 15 and v.waves.play.value == 15")
    book.execute("seen = []; v.waves.slider.observe(lambda change: seen.append(change.new), 'value')")
    button = book.find(".jupyter-widgets.widget-play button").first
    button.click()
    book.wait_until("v.waves.plane >= 18")
    button.click()
    book.page.wait_for_timeout(300)
    assert book.python("seen")[:3] == [16, 17, 18]
    rest = book.python("v.waves.plane")
    book.page.wait_for_timeout(300)
    assert book.python("v.waves.plane") == rest


def test_an_aperture_is_dragged_and_resized(shown):
    book = shown()
    _, middle = dots(book)
    area = book.plot_area(IMAGE)
    scale = book.python("v.image.view.right - v.image.view.left") / area.width
    was = book.python("v.apertures.handles(v.cube)")
    flux = book.python("float(v.spectra[0]['flux'].to_value('Jy')[20])")
    book.drag(middle, moved(middle, 60, 30))
    book.wait_until(f"abs(v.apertures.handles(v.cube)[0][0] - {was[0][0] + 60 * scale}) < {3 * scale}")
    assert book.python("v.apertures.handles(v.cube)[0][1]") == pytest.approx(was[0][1] - 30 * scale, abs=3 * scale)
    assert book.python("float(v.spectra[0]['flux'].to_value('Jy')[20])") < flux / 2
    book.page.wait_for_timeout(300)
    handle, _ = dots(book)
    book.drag(handle, moved(handle, 40, 0))
    book.wait_until(f"v.aperture.shapes[0].sizes[0] > {was[1][0] - was[0][0] + 30 * scale}")
    book.page.wait_for_timeout(300)
    handle, middle = dots(book)
    radius = book.python("v.aperture.shapes[0].sizes[0]")
    assert (handle[0] - middle[0]) * scale == pytest.approx(radius, abs=3 * scale)
    book.screenshot("cube-dragged")


def test_an_aperture_is_dragged_in_a_part_of_the_image(shown):
    book = shown()
    for _ in range(3):
        book.find("[title='zoom in']").first.click()
    view = book.wait_until("v.image.view.side < 0.3 * v.image._whole.side and list(v.image.view)")
    book.page.wait_for_timeout(400)
    _, middle = dots(book)
    scale = (view[1] - view[0]) / book.plot_area(IMAGE).width
    was = book.python("v.apertures.handles(v.cube)[0]")
    book.drag(middle, moved(middle, -50, 20))
    book.wait_until(f"abs(v.apertures.handles(v.cube)[0][0] - {was[0] - 50 * scale}) < {3 * scale}")
    assert book.python("v.apertures.handles(v.cube)[0][1]") == pytest.approx(was[1] - 20 * scale, abs=3 * scale)
    assert book.python("list(v.image.view)") == view
    book.page.wait_for_timeout(300)
    _, now = dots(book)
    assert now == pytest.approx(moved(middle, -50, 20), abs=2)
    handle, now = dots(book)
    book.drag(handle, moved(handle, 30, 0))
    book.wait_until(f"v.aperture.shapes[0].sizes[0] > {(handle[0] - now[0] + 25) * scale}")
    book.screenshot("cube-dragged-near")


def test_the_spaxel_is_told_where_the_mouse_pans(shown):
    book = shown()
    book.find("[title*='drag and turn']").first.click()
    book.wait_until("v.controls.zoom.value")
    book.page.wait_for_timeout(300)
    area = book.plot_area(IMAGE)
    book.page.mouse.move(*area.at((6 + 0.5) / 25, 1 - (4 + 0.5) / 21))
    book.wait_until("'x 6 y 4' in v._readout.value")
    book.page.mouse.wheel(0, -300)
    book.wait_until("v.image.view.side < 0.9 * v.image._whole.side")
    place = area.at(0.7, 0.4)
    book.drag(area.at(0.5, 0.5), place)
    book.page.wait_for_timeout(300)
    book.page.mouse.move(*moved(place, 30, 0))
    wanted = book.python(
        f"(lambda p, n=v.cube.grid: [round(float(p[0]) / n.spaxel_size + n.n_x // 2), "
        f"round(float(p[1]) / n.spaxel_size + n.n_y // 2)])(v.image.view.at(0.7 + 30 / {area.width}, 0.6))"
    )
    book.wait_until(f"'x {wanted[0]} y {wanted[1]} ' in v._readout.value")


def test_every_control_is_reached_by_tab(shown):
    found = stops(shown(), ".mrsnb-viewer")
    assert found.order == list(range(len(found.controls)))
    assert len(found.order) > 40
    assert not found.unseen
    assert found.back == [len(found.order) - 1 - i for i in range(3)]


def test_a_brushed_range_is_mapped_at_once(shown):
    book = shown()
    area = book.plot_area(SPECTRUM)
    book.drag(area.at(0.45, 0.5), area.at(0.6, 0.5))
    low, high = book.wait_until("v.wavelength_range is not None and list(v.wavelength_range.value)")
    assert 5.1 < low < 5.2 < high < 5.3
    assert book.python("(v.picture.what, v.controls.is_map.value)") == ["sum", True]
    book.find(".mrsnb-viewer input[type=checkbox]").nth(2).click()
    book.wait_until("v.about.count('less continuum')")


def test_a_click_and_a_hover_tell_the_spaxel(shown):
    book = shown()
    area = book.plot_area(IMAGE)
    place = area.at((6 + 0.5) / 25, 1 - (4 + 0.5) / 21)
    book.page.mouse.move(*place)
    book.wait_until("'x 6 y 4' in v._readout.value")
    book.click(place)
    book.wait_until("v.aperture.source == 'spaxel 6, 4'")
    told = book.find(".mrsnb-readout").first.inner_text()
    assert "RA 13:30:00" in told
    assert "± 0.1 MJy/sr" in told


def test_the_marker_is_dragged_along_the_spectrum(shown):
    book = shown()
    start = book.box(f".{SPECTRUM} svg .object_grp path.dot").at(0.5, 0.4)
    book.drag(start, moved(start, 100, 0))
    book.wait_until("v.waves.plane > 22")


def test_bands_share_an_aperture(shown):
    code = "v = mrsnb.view([cube, a_cube(flux[:, 3:], start=5.35, name='b_s3d.fits', band='1B')]); v"
    book = shown(code)
    book.find(".mrsnb-viewer select").first.select_option(index=0)
    book.wait_until("v.band == '1A'")
    assert book.python("len(v.apertures.curves()[0][0].wave)") == 82
    book.page.wait_for_timeout(300)
    _, middle = dots(book)
    book.drag(middle, moved(middle, 20, 0))
    book.wait_until("v.apertures.handles(v.cube)[0][0] > 0.1")


def test_a_hostile_name_is_text(shown):
    evil = "<img src=x onerror=window.evil=1>.fits"
    book = shown(name=evil)
    assert evil in book.find(".mrsnb-viewer-title").first.inner_text()
    assert book.page.evaluate("window.evil") is None
    assert book.find(".mrsnb-viewer img").count() == 0
