"""The application, `mrsnb app`: nobody comes in without the token, nothing comes from other hosts, and it works."""

import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from optional import is_absent

pytestmark = pytest.mark.skipif(is_absent("voila"), reason="no voila: pip install 'mrsnb[app]'")


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def status(url, **headers):
    try:
        with build_opener(Stay).open(Request(url, headers=headers), timeout=60) as answer:  # noqa: S310
            return answer.status
    except HTTPError as error:
        return error.code


@contextmanager
def app(association, folder, *options):
    code = "from mrsnb.cli import main; main()"
    command = [sys.executable, "-c", code, "app", str(association), "--output-dir", str(folder / "out"), *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.match(r"(http://127.0.0.1:\d+)(/voila/render/\S+)\?token=(\S+)", process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("options", [("--dark",)], ids=["dark"])
def test_the_application_works_without_network_and_needs_its_token(
    browser, small_dataset, tmp_path, screenshots, options
):
    with app(small_dataset.association, tmp_path, *options) as said:
        root, book, token = said.groups()
        for wrong in ("", "?token=wrong"):
            assert status(root + book + wrong) == 302  # to the page that asks for the token
            assert status(f"{root}/api/kernels{wrong}") == 403
        assert status(f"{root}/api/kernels", Authorization=f"token {token}") == 200
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        errors, asked = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("response", lambda answer: asked.append(answer.url))
        page.goto(said[0], timeout=120_000)
        page.locator(".mrsnb-image svg image").first.wait_for(timeout=120_000)
        readout = page.locator(".mrsnb-bench-cube .mrsnb-readout").first
        before = readout.inner_text()
        page.locator(".mrsnb-slider .noUi-handle").first.press("ArrowRight")
        page.wait_for_function("([node, was]) => node.innerText !== was", arg=[readout.element_handle(), before])
        page.locator(".mrsnb-bench-head button:has-text('Detector')").click()
        page.locator(".mrsnb-detector svg image").first.wait_for(timeout=60_000)
        page.screenshot(path=screenshots / f"app-{'dark' if options else 'light'}.png")
        page.locator(".mrsnb-run-row button:has-text('Run')").click()
        page.locator(".mrsnb-told:has-text('done')").wait_for(timeout=120_000)
        assert list((tmp_path / "out").glob("*_s3d.fits"))
        assert not errors
        assert all(url.startswith((root, "data:", "blob:")) for url in asked)
        page.context.close()
