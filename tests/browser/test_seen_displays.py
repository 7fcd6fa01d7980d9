"""What a notebook shows: text stays text, and can be read, live and dead."""

import nbconvert
import nbformat
import pytest
from lab import unfold
from painted import contrast
from payloads import LIVE, PAYLOADS

from mrsnb.display.text import clean

SHOW = """
from pathlib import Path
import hostile
unshown = hostile.show_all(Path())
"""
ERROR = "hostile.read('<img src=x onerror=window.pwned=1>_cal.fits.gz')"
ASSOCIATION = """
from mrsnb.core.association import Association, Member
Association(name="star", members=(Member("first_cal.fits"), Member("sky_x1d.fits", "background")))
"""
STRANGE = """() => {
const known = new Set(['DIV', 'STYLE', 'DETAILS', 'SUMMARY', 'B', 'I', 'SPAN', 'TABLE', 'THEAD', 'TBODY',
                       'TR', 'TH', 'TD', 'IMG', 'PROGRESS']);
return [...document.querySelectorAll('.mrsnb *')].filter(element => !known.has(element.tagName)
    || [...element.attributes].some(attribute => attribute.name.startsWith('on'))
    || (element.tagName === 'IMG' && !element.src.startsWith('data:image/png;base64,'))
    || (element.tagName === 'STYLE' && !element.textContent.includes('.mrsnb'))).map(element => element.outerHTML); }"""
"""Elements that mrsnb does not make, inside what it shows."""


def check_text(page, css):
    """Check that the payloads are to be read, and did nothing."""
    unfold(page)
    assert page.evaluate(STRANGE) == []
    assert page.evaluate(LIVE) == []
    assert page.evaluate("[window.pwned, document.querySelectorAll('.mrsnb').length > 20]") == [None, True]
    text = words("\n".join(page.locator(css).all_inner_texts()))
    assert [payload for payload in PAYLOADS if words(clean(payload)) not in text] == []


def words(text):
    """Return a text with single spaces, which is how HTML shows it."""
    return " ".join(text.split())


@pytest.mark.slow
def test_hostile_text_is_text_in_everything_that_is_shown(notebook, browser):
    notebook.open([SHOW, ERROR])
    with pytest.raises(AssertionError, match="no such file"):
        notebook.run_all(timeout=240)
    assert notebook.python("unshown") == []
    check_text(notebook.page, ".jp-OutputArea-output")
    notebook.screenshot("hostile")
    html, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.read(notebook.save(), as_version=4))
    page_file = notebook.folder / "dead.html"
    page_file.write_text(html)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(page_file.as_uri())
    check_text(page, ".jp-OutputArea-output")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_displays_can_be_read_in_both_themes(notebook, theme):
    notebook.open([ASSOCIATION, "import mrsnb; mrsnb.Spec3Params()"], theme=theme, scale=2)
    notebook.run_all()
    notebook.unfold()
    parts = (".mrsnb-card > summary", ".mrsnb-section > summary", ".mrsnb-rows td", ".mrsnb-rows td + td", "th", "td")
    for part in parts:
        assert contrast(notebook.pixels(f".mrsnb {part}")) >= 4.5, part
    notebook.screenshot(f"displays-{theme}")
