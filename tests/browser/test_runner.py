"""The runner in JupyterLab: a step run, cancelled, run again, compared, while the kernel answers."""

import shutil
import time

import numpy as np
import pytest

CELL = """
import mrsnb
from mrsnb.steps.cube_build import CubeBuildParams
form = mrsnb.runner({step!r}, "small_lvl3_asn.json", "out")
form
"""
IN_MEMORY = """
import mrsnb, glob
from mrsnb.io.exposures import open_exposure
from mrsnb.steps.cube_build import CubeBuildParams
exposures = [open_exposure(path).load() for path in sorted(glob.glob("*_cal.fits"))]
form = mrsnb.runner("cube_build", exposures, params=CubeBuildParams(channel="1"))
form
"""


def click(notebook, label):
    notebook.find(f".mrsnb-main button:has-text('{label}')").first.click()


def open_tab(notebook, label):
    notebook.find(f".mrsnb-tabs .lm-TabBar-tab:has-text('{label}')").click()


def wait_for_end(notebook, number):
    """Wait until the run of a number is over; return how it ended."""
    return notebook.wait_until(
        f"len(form.history) == {number} and form.history[-1].state != 'running'"
        " and form.state == form.history[-1].state and form.state",
        timeout=90,
    )


@pytest.fixture
def small(notebook, small_dataset):
    """The notebook with a small observation in its folder."""
    for path in small_dataset.association.parent.iterdir():
        shutil.copy(path, notebook.folder)
    return notebook


@pytest.mark.parametrize(
    ("theme", "step", "first", "second", "third"),
    [
        ("light", "spec3", {}, {"extract_1d": {"skip": True}}, {"cube_build": {"scalexy": 0.2}}),
        ("dark", "cube_build", {"weighting": "emsm"}, {"weighting": "drizzle"}, {"scalexy": 0.2}),
    ],
)
def test_a_run_is_cancelled_run_again_and_compared(small, theme, step, first, second, third):
    small.open([CELL.format(step=step)], theme=theme)
    small.run_all()
    small.execute(f"form.params = form.params.updated({first})")
    click(small, "Run")
    small.wait_until("form.state == 'running'")
    start = time.monotonic()
    assert small.python("6 * 7") == 42
    assert time.monotonic() - start < 1
    click(small, "Cancel")
    assert wait_for_end(small, 1) == "cancelled"
    small.find(".mrsnb-state-line:has-text('run 1: cancelled after')").wait_for()
    assert not [path.name for path in (small.folder / "out").glob(".*")]

    small.execute(f"form.params = form.params.updated({second})")
    click(small, "Run")
    assert wait_for_end(small, 2) == "done"
    small.find(".mrsnb-list option:has-text('cube_build: 1A')").wait_for(state="attached")
    small.find(f".mrsnb-shown .mrsnb-card summary:has-text('{step}: small')").wait_for()
    small.execute(f"form.params = form.params.updated({third})")
    click(small, "Run")
    assert wait_for_end(small, 3) == "done"
    small.screenshot(f"runner-results-{theme}")

    open_tab(small, "Runs")
    options = small.find(".mrsnb-history option")
    assert [text.split()[0] for text in options.all_inner_texts()] == ["3", "2", "1"]
    assert "scalexy None → 0.2" in options.first.inner_text().replace("\N{NO-BREAK SPACE}", " ")
    small.find(".mrsnb-history select").select_option(index=[0, 1])
    small.screenshot(f"runner-runs-{theme}")
    click(small, "Compare")
    pictures = small.find(".mrsnb-pair img")
    pictures.nth(1).wait_for()
    assert pictures.count() == 2
    assert np.ptp(small.pixels(".mrsnb-pair img").astype(int), axis=(0, 1)).max() > 100  # something is painted
    small.screenshot(f"runner-compare-{theme}")
    for view in ("blink", "difference"):
        small.find(f".mrsnb-compare button:has-text('{view}')").click()
        small.find(".mrsnb-blinking" if view == "blink" else "figcaption:has-text('run 3 less run 2')").first.wait_for()

    open_tab(small, "Runs")
    small.find(".mrsnb-history select").select_option(index=[1])
    click(small, "Restore parameters")
    small.wait_until("getattr(form.params, 'cube_build', form.params).scalexy is None")


def test_an_error_is_one_line_and_markup_in_names_is_text(small):
    small.open(
        [CELL.format(step="cube_build").replace("small_lvl3_asn.json", "<img src=x onerror=document.title=1>.json")]
    )
    small.run_all()
    title = small.page.title()
    click(small, "Run")
    assert wait_for_end(small, 1) == "failed"
    error = small.find(".mrsnb-error")
    error.wait_for()
    assert "<img src=x" in error.inner_text()
    assert not small.find(".mrsnb-error details").count()
    assert small.page.title() == title


def test_a_change_of_a_parameter_gives_a_new_cube_at_once(small):
    small.open([IN_MEMORY])
    small.run_all()
    seconds = []
    for number, size in enumerate((0.13, 0.14, 0.15), start=1):
        small.execute(f"form.params = CubeBuildParams(channel='1', scalexy={size})")
        click(small, "Run")
        assert wait_for_end(small, number) == "done"
        seconds.append(small.python("form.history[-1].seconds"))
    assert min(seconds) < 2  # 0.2 s on a machine with nothing else to do
    assert small.python("[cube.grid.spaxel_size for cube in form.results[0].cubes]") == [0.15]
    assert not (small.folder / "out").exists()
