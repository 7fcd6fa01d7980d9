"""The workbench in JupyterLab: open, scrub, drag, change a parameter, run, cancel, compare; nothing breaks."""

import shutil

import pytest
from keyboard import stops
from playing import EACH_ONCE, measured, opened, play, play_by_hand


@pytest.fixture
def small(notebook, small_dataset):
    """The notebook with a small observation in its folder."""
    for path in small_dataset.association.parent.iterdir():
        shutil.copy(path, notebook.folder)
    return notebook


def shown(book, given="small_lvl3_asn.json", **options):
    return opened(book, given, **options)


def click(book, label):
    book.find(f".mrsnb-run-row button:has-text('{label}')").first.click()


@pytest.mark.parametrize(("theme", "size"), [("light", (1280, 800)), ("dark", (1920, 1080))])
def test_it_fits_the_window(small, theme, size):
    book = shown(small, theme=theme, size=size)
    bench = book.find(".mrsnb-bench").first.bounding_box()
    assert bench["x"] + bench["width"] <= size[0]
    assert bench["height"] < size[1] - 100
    for part in (".mrsnb-side", ".mrsnb-bench-middle", ".mrsnb-main >> nth=1"):
        box = book.find(part).first.bounding_box()
        assert box["width"] > 250
        assert box["x"] + box["width"] <= bench["x"] + bench["width"] + 1
    book.screenshot(f"bench-{theme}-{size[0]}")
    book.execute("wb.place = 'detector'; wb.wait()")
    book.find(".mrsnb-detector svg image").first.wait_for()
    book.page.wait_for_timeout(300)
    area, bench = book.plot_area("mrsnb-detector"), book.find(".mrsnb-bench").first.bounding_box()
    assert area.width == pytest.approx(area.height, abs=2)
    assert area.width > 200
    assert bench["height"] < size[1] - 100
    book.screenshot(f"bench-detector-{theme}-{size[0]}")


def test_a_parameter_changes_the_cube_at_once(small):
    book = shown(small)
    handle = ".mrsnb-bench .mrsnb-slider .noUi-handle"
    plane = book.python("wb.viewer.waves.plane")
    for _ in range(3):
        book.press("ArrowRight", handle)
    book.wait_until(f"wb.viewer.waves.plane == {plane + 3}")
    marker = book.python("float(wb.spectrum.wavelength.value)")
    assert marker == pytest.approx(book.python("float(wb.viewer.wavelength.value)"))
    before = book.pixels(".mrsnb-image")
    book.find(".mrsnb-step-cube_build .mrsnb-fold").first.click()
    book.find(".mrsnb-step-cube_build .mrsnb-param-scalexy input").fill("0.21")
    book.wait_until("wb.viewer.cube.grid.spaxel_size == 0.21 and not wb.is_busy", timeout=10)
    assert book.python("wb._head.said.value.count('in memory')") == 1
    book.page.wait_for_timeout(300)
    after = book.pixels(".mrsnb-image")
    assert after.shape != before.shape or (after != before).any()
    assert book.python("float(wb.viewer.wavelength.value)") == pytest.approx(marker, abs=0.002)
    assert not (book.folder / "out").exists()


def test_every_control_is_reached_by_tab(small):
    book = shown(small)
    for place in ("cube", "detector"):
        book.execute(f"wb.place = {place!r}; wb.wait()")
        book.page.wait_for_timeout(500)
        found = stops(book, ".mrsnb-bench")
        assert found.order == list(range(len(found.controls)))
        assert not found.unseen
        assert found.back == [len(found.order) - 1 - i for i in range(3)]
    book.find(".mrsnb-tabs .lm-TabBar-tab:has-text('Results')").focus()
    for _ in range(2):
        book.press("ArrowRight")
    book.press("Enter")
    book.wait_until("wb.runner._tabs.selected_index == 2")


def test_apertures_ranges_and_the_marker_go_both_ways(small):
    book = shown(small)
    dots = book.find(".mrsnb-image svg .object_grp path.dot")
    dots.nth(1).wait_for()
    box = dots.nth(1).bounding_box()
    start = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    book.execute(
        "total = lambda: float(__import__('numpy').nansum("
        "wb.spectrum.data.curves[wb.spectrum.data.index('aperture 1')].values('FLUX', 'Jy')[0]))"
    )
    flux = "total()"
    before = book.python(flux)
    book.drag(start, (start[0] + 40, start[1] + 30))
    book.wait_until(f"abs({flux} - {before}) > 0.2 * {before}")
    knob = book.box(".mrsnb-spectrum-figure svg .object_grp path.dot").at(0.5, 0.2)
    plane = book.python("wb.viewer.waves.plane")
    book.drag(knob, (knob[0] + 80, knob[1]))
    book.wait_until(f"wb.viewer.waves.plane > {plane + 5}")
    book.find(".mrsnb-linked-spectrum button:has-text('Range')").first.click()
    area = book.plot_area("mrsnb-spectrum-figure")
    book.drag(area.at(0.3, 0.5), area.at(0.4, 0.5))
    book.wait_until("wb.viewer.wavelength_range is not None and wb.viewer.controls.is_map.value")
    book.screenshot("bench-map")


def test_runs_are_cancelled_and_compared(small):
    book = shown(small)
    click(book, "Run")
    book.wait_until("wb.runner.state == 'running'")
    click(book, "Cancel")
    book.wait_until("wb.runner.state == 'cancelled'", timeout=60)
    for number, size in enumerate((0.13, 0.2), start=2):
        book.execute(f"wb.live = False; wb.params = wb.params.updated({{'cube_build': {{'scalexy': {size}}}}})")
        click(book, "Run")
        book.wait_until(f"len(wb.runner.history) == {number} and wb.runner.state == 'done'", timeout=90)
    book.wait_until("wb.viewer.cube.grid.spaxel_size == 0.2 and wb.viewer.cube.path is not None")
    assert "1A (run 3)" in [" ".join(t.split()) for t in book.find(".mrsnb-bench-band option").all_inner_texts()]
    book.screenshot("bench-run")
    book.find(".mrsnb-tabs .lm-TabBar-tab:has-text('Runs')").click()
    book.find(".mrsnb-history select").select_option(index=[0, 1])
    click(book, "Compare")
    book.find(".mrsnb-pair img").nth(1).wait_for()
    book.screenshot("bench-compare")
    products = book.python("[p.parent.name for p in __import__('pathlib').Path('out').glob('*_s3d.fits')]")
    assert products
    book.execute("other = mrsnb.workbench('out')")
    book.execute("size = (other.runner, other.viewer.band, len(other.viewer.cubes)); other.close()")
    assert book.python("size") == [None, "2A", 2]


def test_interactions_leave_nothing_behind(small):
    book = shown(small)
    session = book.page.context.new_cdp_session(book.page)
    play_by_hand(book, 4)
    play(book, EACH_ONCE)
    play(book, EACH_ONCE)
    before = measured(book, session)
    play(book, [*range(100), *range(19, 1019, 20)])
    after = measured(book, session)
    assert after.more_than(before) == {}
    assert after.comms == before.comms
    assert after.views <= before.views + 10
    assert after.nodes < before.nodes + 2000
    assert after.heap < before.heap + 10
