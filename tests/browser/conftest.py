"""Fixtures for tests in a real browser.

JupyterLab and Chromium start once for all tests of this folder, and end before other tests run: a thread in which
Playwright is active cannot run another event loop.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _cannot(reason: str):
    if os.environ.get("MRSNB_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser():
    """Chromium; tests are skipped without, or fail if all is required."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _cannot("no playwright: pip install 'mrsnb[browser]'")
    told = os.environ.get("MRSNB_CHROMIUM")
    program = shutil.which(told or "chromium") or shutil.which("chromium-browser")
    if program is None:
        _cannot(f"no browser {told or 'chromium'}: install it (apt-get install chromium) or set MRSNB_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def lab(browser, tmp_path_factory):  # noqa: ARG001 (no server where no browser is)
    """A running JupyterLab, see `lab.Lab`."""
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")
def windows(lab, browser):
    """The windows of JupyterLab that are open."""
    opened = Windows(lab, browser)
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def screenshots(tmp_path_factory) -> Path:
    """The folder of screenshots: $MRSNB_SCREENSHOTS, or a temporary one."""
    told = os.environ.get("MRSNB_SCREENSHOTS")
    return Path(told).absolute() if told else tmp_path_factory.mktemp("screenshots")


@pytest.fixture
def notebook(lab, windows, screenshots, request):
    """A notebook to be opened, see `lab.Notebook`; what the page complains of fails the test at its end."""
    book = Notebook(lab, windows, re.sub(r"\W+", "-", request.node.name).strip("-"), screenshots)
    yield book
    book.close()
    shutil.rmtree(book.folder)
    if book.errors:
        errors = "\n".join(book.errors)
        windows.close()  # the next test gets a page without a past
        pytest.fail(errors)
