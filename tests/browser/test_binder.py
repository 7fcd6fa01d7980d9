"""What comes of `binder/`, in a real browser; `.ci/binder` makes it, a home and an environment in a folder."""

import os
import time
from pathlib import Path

import pytest
from lab import Window, served

MADE = os.environ.get("MRSNB_BINDER")
pytestmark = pytest.mark.skipif(MADE is None, reason="needs an environment made from binder/: run .ci/binder")
PATIENCE = 60 * max(os.getloadavg()[0] / os.cpu_count(), 1)
"""Seconds from nothing to the first picture: a minute, where nobody else keeps the machine busy."""
TUTORIAL = "notebooks/tutorials/02_explore_a_cube.ipynb"


def image_server(folder):
    """Run JupyterLab as Binder does: through ``start``, with the files and the environment of the image alone."""
    home, programs = Path(MADE) / "home", Path(MADE) / "venv" / "bin"
    variables = {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",
        "MPLCONFIGDIR": "",
        "IPYTHONDIR": str(home / ".ipython"),
    }
    return served([str(home / "binder" / "start"), "jupyter", "lab"], home, folder / "own", variables)


@pytest.fixture
def opened(browser):
    """Opens a place of a server in a window, which is closed at the end; its page must not have complained."""
    windows = []

    def opened_at(server, place):
        windows.append(Window(server, browser, 1, place))
        windows[-1].prepare("light", (1280, 800))
        return windows[-1]

    yield opened_at
    errors = [error for window in windows for error in window.errors]
    for window in windows:
        window.close()
    assert errors == []


def test_the_workspace_opens_and_its_first_picture_comes_soon(opened, tmp_path, screenshots):
    start = time.monotonic()
    with image_server(tmp_path) as server:
        page = opened(server, "lab/workspaces/mrsnb").page
        tabs = page.locator(".lm-DockPanel .lm-TabBar-tab")
        for name in ("01_quick_start.ipynb", "workbench.ipynb"):
            tabs.filter(has_text=name).wait_for(timeout=60_000)
        assert page.locator(".jp-NotebookPanel:visible").count() == 2  # beside each other
        tabs.filter(has_text="workbench.ipynb").click()
        page.locator(".jp-NotebookPanel:visible .jp-Cell").nth(1).wait_for()
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'"
        )
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.locator(".mrsnb-image svg image").first.wait_for(timeout=60_000)
        seconds = time.monotonic() - start
        (Path(MADE) / "startup.txt").write_text(f"{seconds:.1f}\n")
        page.locator(".mrsnb-spectrum-figure svg .line").first.wait_for(state="attached")
        page.screenshot(path=screenshots / "binder-workspace.png")
    assert seconds < PATIENCE


def test_a_tutorial_runs_in_the_browser(opened, tmp_path, screenshots):
    with image_server(tmp_path) as server:
        page = opened(server, "lab?reset").page
        page.evaluate("path => window.lab.open(path)", TUTORIAL)
        page.wait_for_function("window.lab.isIdle()", timeout=90_000)
        assert page.evaluate("seconds => window.lab.runAll(seconds)", 120) == []
        viewers = page.locator(".mrsnb-image")
        viewers.first.locator("svg image").first.wait_for()
        assert viewers.count() == 2
        for k in range(2):
            viewers.nth(k).scroll_into_view_if_needed()
            page.screenshot(path=screenshots / f"binder-tutorial-{k}.png")
