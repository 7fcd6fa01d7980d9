"""The spectrum viewer in JupyterLab: brush, zoom, redshift, units, under light and dark."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from spectra import spectrum_of

from mrsnb.io.x1d import write_x1d

CENTRE = 9.66491
CELL = """
from astropy import units as u
from mrsnb.viewers.spectrum import SpectrumViewer
viewer = SpectrumViewer(".")
viewer.line_lists = ("H2",)
viewer
"""
FIGURE = "mrsnb-spectrum-figure"


def star(band, low, high, name):
    wave = np.arange(low, high, 0.0013)
    flux = 1 + 0.5 * np.exp(-0.5 * ((wave - CENTRE) / 0.003) ** 2)
    flux = flux + 0.002 * np.random.default_rng(1).standard_normal(wave.size)
    flux[40:60] = np.nan
    dq = np.zeros(wave.size, np.uint32)
    dq[100] = 16
    more = {"surf_bright": flux / 2.4e-4, "npixels": np.full(wave.size, 60.0)}
    return spectrum_of(wave, band=band, name=name, flux=flux, flux_error=0.002, dq=dq, **more)


@pytest.fixture
def viewer(notebook, request):
    theme, size = getattr(request, "param", ("light", (1280, 800)))
    for band, low, high in (("2A", 7.51, 8.77), ("2B", 8.67, 10.13)):
        write_x1d(
            star(band, low, high, f"<img src=x onerror=document.title='gotcha'>_{band}_x1d.fits"), notebook.folder
        )
    notebook.open([CELL], theme=theme, size=size)
    notebook.run_all()
    notebook.box(f".{FIGURE}")
    notebook.wait_until("viewer._canvas.plot.figure._view_count != 0")
    return notebook


def painted(book, colour):
    """Return how many pixels of the figure are near a colour."""
    target = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(book.pixels(f".{FIGURE}").astype(int) - target).sum(axis=-1) < 60).sum())


def press(book, text):
    book.find(f".mrsnb-viewer button:has-text('{text}')").first.click()


@pytest.mark.parametrize(
    "viewer", [("light", (1280, 800)), ("dark", (1920, 1080))], indirect=True, ids=["light", "dark"]
)
def test_a_brush_is_measured_kept_and_removed(viewer):
    viewer.execute("viewer.view = (9.5, 9.8) * u.um")
    assert painted(viewer, "#e0662f") > 100
    press(viewer, "Range")
    viewer.wait_until("viewer.mode.value == 'Range'")
    viewer.page.wait_for_timeout(500)  # the brush is in the page only when the kernel has answered
    area = viewer.plot_area(FIGURE)
    viewer.drag(area.at(0.3, 0.5), area.at(0.8, 0.5))
    low, high = viewer.wait_until("viewer.range is not None and list(viewer.range.value)")
    assert [low, high] == pytest.approx([9.59, 9.74], abs=0.003)
    viewer.find(".mrsnb-pending").first.wait_for()
    assert "H2 S(3) 9.66" in viewer.find(".mrsnb-pending").first.inner_text()
    assert painted(viewer, "#d0453c") > 60  # the fit
    press(viewer, "keep")
    viewer.wait_until("len(viewer.measurements) == 1")
    centre = viewer.python("viewer.measurements[0].measured.gaussian.centre.value")
    assert centre == pytest.approx(CENTRE, abs=1e-4)
    viewer.screenshot("spectrum-measured", ".mrsnb-viewer")
    viewer.find(".mrsnb-viewer .mrsnb-remove").first.click()
    viewer.wait_until("len(viewer.measurements) == 0")


def test_wheel_and_drag_move_the_view_and_home_brings_it_back(viewer):
    whole = viewer.python("list(viewer.view.value)")
    area = viewer.plot_area(FIGURE)
    viewer.page.mouse.move(*area.at(0.5, 0.5))
    for _ in range(4):
        viewer.page.mouse.wheel(0, -240)
    viewer.wait_until(f"viewer.view[1].value - viewer.view[0].value < 0.8 * {whole[1] - whole[0]}")
    low = viewer.python("viewer.view[0].value")
    viewer.drag(area.at(0.6, 0.5), area.at(0.3, 0.5))
    viewer.wait_until(f"viewer.view[0].value > {low} + 0.05")
    viewer.find(".mrsnb-viewer button:has(.fa-home)").first.click()
    viewer.wait_until(f"abs(viewer.view[0].value - {whole[0]}) < 1e-6")


def test_a_slider_key_shifts_the_lines(viewer):
    viewer.press("ArrowRight", ".mrsnb-viewer .noUi-handle")
    redshift = viewer.wait_until("viewer.redshift > 0 and viewer.redshift")
    found = viewer.python("viewer._canvas.plot._leaders.x[::5]")
    assert min(abs(x - CENTRE * (1 + redshift)) for x in found) < 1e-9
    box = viewer.find(".mrsnb-viewer .widget-text input[type=number]").first
    box.fill("0.01")
    box.press("Enter")
    viewer.wait_until("viewer.redshift == 0.01")
    box.fill("-2")
    box.press("Enter")
    viewer.find(".mrsnb-wrong").first.wait_for()
    assert viewer.python("viewer.redshift") == 0.01


def test_units_axes_and_cursor(viewer):
    before = viewer.pixels(f".{FIGURE}")
    viewer.find(".mrsnb-viewer select").nth(1).select_option("W/m2/um")
    viewer.wait_until("viewer.unit == 'W/m2/um'")
    viewer.find(f".{FIGURE} .axislabel:has-text('W/m2/um')").first.wait_for()
    press(viewer, "log y")
    viewer.wait_until("type(viewer._canvas.plot.y).__name__ == 'LogScale'")
    assert (viewer.pixels(f".{FIGURE}") != before).any()
    press(viewer, "Inspect")
    area = viewer.plot_area(FIGURE)
    viewer.click(area.at(0.3, 0.5))
    viewer.page.mouse.move(*area.at(0.5, 0.5), steps=4)
    viewer.wait_until("viewer._cursor is not None and abs(viewer._cursor - viewer.view.value.mean()) < 0.1")
    viewer.find(".mrsnb-readout:has-text('W/m2/um')").first.wait_for()
    press(viewer, "slice here")
    viewer.wait_until("viewer.wavelength is not None")
    viewer.screenshot("spectrum-inspected", ".mrsnb-viewer")
    assert viewer.page.title() != "gotcha"


def test_saving_says_where(viewer):
    press(viewer, "PNG")
    viewer.find(".mrsnb-readout:has-text('written: spectrum.png')").first.wait_for()
    assert (viewer.folder / "spectrum.png").read_bytes().startswith(b"\x89PNG")
