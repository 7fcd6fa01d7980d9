"""The detector viewer, and the light of a cube traced to it, in JupyterLab."""

import re

import numpy as np
import pytest

SETUP = """
import mrsnb
from dataclasses import replace
from pathlib import Path
import numpy as np
from mrsnb.core.exposure import DerivedExposure
from mrsnb.io.exposures import open_exposure
exposures = [open_exposure(path) for path in {paths!r}]
"""
STEP = """
def change(loaded):
    flux, dq = loaded.flux.copy(), loaded.dq.copy()
    flux[400:600], dq[400:600] = np.nan, dq[400:600] | 16
    return replace(loaded, flux=flux, dq=dq)
first = exposures[0]
d = mrsnb.view(DerivedExposure(source=first, change=change, primary=first.primary, science=first.science))
d
"""
TRACED = """
from mrsnb.steps.cube_build import CubeBuildParams, cube_build
from mrsnb.io.references import load_references
params = CubeBuildParams(channel="1", wavemin=5.2, wavemax=5.25)
(cube,) = cube_build(exposures, params, load_references().cubepar).cubes
v = mrsnb.view(cube, exposures=exposures, params=params)
v
"""
CUBE, DETECTOR = ".mrsnb-image:not(.mrsnb-detector)", "mrsnb-detector"


@pytest.fixture
def shown(notebook, small_dataset):
    """A notebook with exposures and a viewer, painted."""

    def show(code, **options):
        notebook.open([SETUP.format(paths=[str(path) for path in small_dataset.exposures]), code], **options)
        notebook.run_all()
        notebook.find(f".{DETECTOR} svg image").first.wait_for()
        notebook.find(f".{DETECTOR} .heatmapcell").first.wait_for(state="attached")
        return notebook

    return show


def hover(book, point):
    """Move the mouse to a point and a little on, as a hand does: cells become fine where it is."""
    for step in range(4):
        book.page.mouse.move(point[0] - 3 + step, point[1])
        book.page.wait_for_timeout(120)


@pytest.mark.parametrize("theme", ["light"])
def test_the_mouse_tells_and_chooses_pixels_and_keys_step(shown, theme):
    book = shown("d = mrsnb.view(exposures)\nd", theme=theme)
    viewer = book.find(".mrsnb-viewer").first.bounding_box()
    assert viewer["height"] < 800 - 110
    assert viewer["x"] + viewer["width"] <= 1280
    area = book.plot_area(DETECTOR)
    hover(book, area.at(0.3, 0.6))
    told = book.wait_until("d._at")
    assert told == pytest.approx([0.3 * 1032, 0.4 * 1032], abs=20)
    book.click(area.at(0.3, 0.6))
    x, y = book.wait_until("d.pixel")
    assert abs(x - told[0]) <= 4
    assert abs(y - told[1]) <= 4
    told = [int(word) for word in re.findall(r"x (\d+) y (\d+)", book.find(".mrsnb-readout").first.inner_text())[0]]
    assert told == pytest.approx([x, y], abs=8)  # what is under the mouse, as finely as cells are laid
    book.press("ArrowUp", "input[type=number] >> nth=-1")
    book.wait_until(f"d.pixel == ({x}, {y + 1})")
    book.find("[title*='look nearer']").first.click(click_count=3, delay=30)
    book.wait_until("d.panel.view.side < 300")
    book.screenshot(f"detector-{theme}")


def test_flags_are_painted_in_their_colours(shown):
    book = shown("d = mrsnb.view(exposures)\nd")
    colour = np.array([0x34, 0xC7, 0x59])  # of NON_SCIENCE, the second flag

    def near():
        return (np.abs(book.pixels(f".{DETECTOR}").astype(int) - colour).sum(axis=-1) < 40).sum()

    assert near() == 0
    book.find(".mrsnb-viewer label:has-text('NON_SCIENCE') input").first.click()
    book.wait_until("d.flags == ['NON_SCIENCE']")
    book.page.wait_for_timeout(300)
    assert near() > 1000


def test_a_step_blinks(shown):
    book = shown(STEP)
    after = book.pixels(f".{DETECTOR}")
    book.execute("seen = []\nd.controls.state.observe(lambda change: seen.append(change['new']), 'value')")
    book.find(".widget-play button").first.click()
    book.wait_until("seen[:3] == ['before', 'after', 'before']")
    book.find(".widget-play button").first.click()
    book.execute("d.state = 'before'")
    book.page.wait_for_timeout(300)
    before = book.pixels(f".{DETECTOR}")
    changed = (after != before).any(axis=-1).mean(axis=1)
    assert changed.max() > 0.3  # rows that the step took away are back
    assert (changed == 0).mean() > 0.5
    book.execute("d.state = 'difference'")
    book.page.wait_for_timeout(200)
    book.screenshot("detector-difference")


@pytest.mark.parametrize("theme", ["dark"])
def test_a_voxel_tells_its_pixels_and_a_pixel_its_voxels(shown, theme):
    book = shown(TRACED, theme=theme)
    area = book.box(f"{CUBE} .plotarea_background")
    hover(book, area.at(0.55, 0.45))
    book.click(area.at(0.55, 0.45))
    x, y, z = book.wait_until("v.cube.voxel")
    n = book.wait_until("v.contributions is not None and len(v.contributions.pixels)")
    assert book.python("v.contributions.voxel") == [x, y, z]
    assert book.find(".mrsnb-traced tr").count() == n + 1
    marks = book.python("len(v.detector.panel._marks.x)")
    assert book.find(f".{DETECTOR} path.dot").count() == marks > 0
    book.find(".mrsnb-traced").first.evaluate("element => element.scrollIntoView({block: 'start'})")
    book.screenshot(f"traced-{theme}")
    pixel = book.python("[(p.x, p.y) for p in v.contributions.pixels if p.exposure == v.detector.exposure.name][0]")
    view = book.python("list(v.detector.panel.view)")
    area = book.plot_area(DETECTOR)
    inset = 0.012  # room that the figure keeps for markers
    across, down = (pixel[0] - view[0]) / (view[1] - view[0]), (view[3] - pixel[1]) / (view[3] - view[2])
    point = area.at(*(inset + (1 - 2 * inset) * part for part in (across, down)))
    hover(book, point)
    book.click(point)
    book.wait_until(f"v.detector.pixel == ({pixel[0]}, {pixel[1]})")
    book.wait_until(f"({x}, {y}, {z}) in [tuple(fed[:3]) for fed in v.fed.voxels]")
    assert book.find(f"{CUBE} path.dot").count() >= book.python("len(v.cube.image._fed.x)") > 0
    book.find(CUBE).first.evaluate("element => element.scrollIntoView({block: 'start'})")
    book.screenshot(f"fed-{theme}")


def test_the_mouse_pans_and_zooms_and_then_chooses_again(shown):
    book = shown("d = mrsnb.view(exposures)\nd")
    whole = book.python("list(d.panel.view)")
    book.find("[title*='drag to pan']").first.click()
    book.wait_until("d.controls.pan.value")
    area = book.plot_area(DETECTOR)
    book.page.mouse.move(*area.at(0.5, 0.5))
    book.page.mouse.wheel(0, -400)
    book.wait_until(f"d.panel.view.side < {0.9 * (whole[3] - whole[2])}")
    before = book.wait_until("list(d.panel.view)")
    book.drag(area.at(0.5, 0.5), area.at(0.7, 0.5))
    book.wait_until(f"d.panel.view.left < {before[0] - 20}")
    book.page.wait_for_timeout(300)
    hover(book, area.at(0.5, 0.4))
    left, right = book.python("list(d.panel.view)")[:2]
    assert book.wait_until("d._at")[0] == pytest.approx((left + right) / 2, abs=0.02 * (right - left))
    book.find("[title*='drag to pan']").first.click()
    book.page.wait_for_timeout(300)
    left, right = book.python("list(d.panel.view)")[:2]
    hover(book, area.at(0.5, 0.4))
    book.click(area.at(0.5, 0.4))
    assert book.wait_until("d.pixel")[0] == pytest.approx((left + right) / 2, abs=0.02 * (right - left))
