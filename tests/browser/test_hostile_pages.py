"""Text out of files is text on every page and in every widget, whatever it tries."""

import contextlib

import pytest
from payloads import LIVE, PAGES, PAYLOADS, WIDGETS


@pytest.mark.parametrize("surface", PAGES)
def test_nothing_on_a_page_is_more_than_text(browser, tmp_path, surface):
    path = tmp_path / "page.html"
    path.write_text(PAGES[surface](PAYLOADS, tmp_path), encoding="utf-8", errors="backslashreplace")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert page.evaluate(LIVE) == []
    context.close()


def test_what_is_looked_for_would_be_found(browser):
    """Else the other tests here could not fail."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    harmless = []
    for payload in PAYLOADS:
        found = []
        body = f"""{payload}<a href="{payload}">x</a><b title="{payload}">x</b><b title='{payload}'>x</b>"""
        with contextlib.suppress(Exception):  # a page that leads elsewhere
            page.set_content(f"<!doctype html><body>{body}</body>", wait_until="load", timeout=3000)
            found += page.evaluate(LIVE)
        if not found:
            harmless.append(payload)
    context.close()
    assert len(PAYLOADS) - len(harmless) >= 30


def test_nothing_in_a_widget_is_more_than_text(notebook, small_dataset, request):
    path = [str(request.path.parents[1]), str(request.path.parent)]
    told = {"exposure": str(small_dataset.exposures[0]), "association": str(small_dataset.association)}
    some = [p for p in PAYLOADS if "href" in p or p.startswith(("<", '"', "'"))][::7]
    cells = [WIDGETS.format(path=path, **told), *(f"show(KINDS[{i}], {some!r}[{i % 2}::2])" for i in range(5))]
    cells.append(f"show(failed_cell, {PAYLOADS!r})")
    notebook.open(cells)
    notebook.run_all(timeout=200)
    notebook.find(".mrsnb-image svg image").first.wait_for()
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("hostile-widgets")
    assert notebook.python("wrong") == []
    assert notebook.page.evaluate(LIVE) == []
    assert notebook.find("mjx-container, .MathJax").count() == 0
    notebook.errors[:] = [error for error in notebook.errors if "ERR_" not in error]
