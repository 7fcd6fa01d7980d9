"""Everything that shows itself: complete, small, and harmless whatever its names and keywords say."""

import base64
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
import shown
from PIL import Image

from mrsnb.core.params import Params
from mrsnb.display.text import clean, shortened
from mrsnb.pipeline import Spec3Params
from mrsnb.steps.cube_build import CubeBuildParams

MOST = 200_000
HARMLESS = {
    *("div", "style", "details", "summary", "b", "i", "span", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Reader(HTMLParser):
    """Collects elements, attributes and the text of table cells."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.cells, self.within = [], [], [], False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag in {"td", "th"}:
            self.cells.append("")
            self.within = True

    def handle_endtag(self, tag):
        self.within = self.within and tag not in {"td", "th"}

    def handle_data(self, data):
        if self.within:
            self.cells[-1] += data


@pytest.fixture(scope="module", params=shown.EVERYTHING)
def case(request):
    value = shown.EVERYTHING[request.param]()
    return request.param, value, value._repr_mimebundle_(include=None, exclude=None)


def test_one_bundle_has_all_forms(case):
    name, value, bundle = case
    expected = {"text/plain", "text/html"} | ({"image/png"} if name in shown.WITH_PICTURE else set())
    assert set(bundle) == expected
    assert value._repr_html_() == bundle["text/html"]
    if "image/png" in bundle:
        with Image.open(BytesIO(base64.b64decode(bundle["image/png"]))) as image:
            assert image.mode == "P"
            assert min(image.size) > 400


def test_text_and_html_say_the_same(case):
    _, value, bundle = case
    cells = Reader(bundle["text/html"]).cells
    lines = bundle["text/plain"].split("\n")
    assert lines[0] == clean(shortened(value.title))
    said = value._all_rows()
    for row in said:
        name, amount = clean(shortened(row.name)), clean(shortened(row.value))
        assert any(line.strip().startswith(name) and amount.rstrip() in line for line in lines)
        k = cells.index(name)
        assert any(cell.startswith(amount) for cell in cells[k + 1 :])
    for section in value.sections():
        assert any(line.strip() == clean(section.title) for line in lines)


def test_html_is_small(case):
    _, _, bundle = case
    assert len(bundle["text/html"].encode()) < MOST
    assert len(bundle.get("image/png", "")) < MOST


def test_nothing_hostile_gets_through(case):
    _, _, bundle = case
    html, text = bundle["text/html"], bundle["text/plain"]
    reader = Reader(html)
    assert set(reader.tags) <= HARMLESS
    assert reader.tags.count("style") == 1
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in {"href", "style"}]
    sources = [value for name, value in reader.attributes if name == "src"]
    assert all(value.startswith("data:image/png;base64,") for value in sources)
    assert not set("\u202e\u2028\x1b\x00") & set(html + text)


def test_names_and_keywords_are_shown_as_text():
    told = shown.exposure()._repr_mimebundle_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in told["text/html"]
    assert "<img src=x onerror=alert(1)>" in told["text/plain"]
    cells = Reader(told["text/html"]).cells
    assert cells[cells.index("target") + 1] == clean(shown.HOSTILE)


def test_arrays_are_not_read_to_be_shown(monkeypatch):
    def refuse(*_):
        pytest.fail("read")

    monkeypatch.setattr("mrsnb.io.exposures.ExposureFile.load", refuse)
    monkeypatch.setattr("mrsnb.core.exposure.DerivedExposure.load", refuse)
    for value in (shown.EVERYTHING["ExposureFile"](), shown.derived()):
        assert "text/html" in value._repr_mimebundle_()


def test_result_shows_time_and_changed_parameters():
    text = shown.replaced()._repr_mimebundle_()["text/plain"]
    assert [line.split() for line in text.split("\n")[-2:]] == [
        ["time", "1.00", "s"],
        ["skip", "False", "(changed", "from", "True)"],
    ]


def test_parameters_show_what_changed_first_and_what_few_change_last():
    params = CubeBuildParams(weighting="emsm", scalexy=0.2)
    assert [(row.name, row.value, row.unit) for row in params.rows()] == [
        ("weighting", "emsm", ""),
        ("scalexy", "0.2", "arcsec"),
    ]
    basic, advanced = params.sections()
    assert [row[0] for row in basic.content.rows[:2]] == ["weighting", "scalexy"]
    assert [row[3] for row in basic.content.rows[:3]] == ["changed", "changed", ""]
    assert (basic.open, advanced.open) == (True, False)
    told = {row[0]: row[-1] for section in (basic, advanced) for row in section.content.rows}
    assert told == {spec.name: spec.help for spec in params.specs()}


@pytest.mark.parametrize("kind", Spec3Params.steps().values(), ids=Spec3Params.steps())
def test_parameters_of_each_step_show_themselves(kind: type[Params]):
    html = kind()._repr_html_()
    assert all(clean(spec.name) in html for spec in kind.specs())
    assert "all values are the defaults" in html


@pytest.mark.parametrize("value", [np.nan, 0.0, 1.0])
def test_cube_of_one_value_shows_itself(value):
    full = shown.cube()
    flux = np.full((3, 5, 7), value, np.float32)
    grid = type(full.grid)(
        ra=1.0, dec=2.0, spaxel_size=0.1, n_x=7, n_y=5, wave=np.array([5.0, 5.1, 5.2]), wave_step=np.full(3, 0.1)
    )
    dq = np.zeros(flux.shape, np.uint32)
    cube = type(full)(
        name="a", bands=full.bands, grid=grid, flux=flux, err=flux.copy(), dq=dq, weight=flux.copy(),
        primary=full.primary, science=full.science,
    )  # fmt: skip
    assert "image/png" in cube._repr_mimebundle_()


def test_page_made_of_a_notebook_needs_neither_kernel_nor_network():
    import nbformat
    from nbconvert import HTMLExporter

    cells, n_pictures = [], 0
    for name in ("Spec3Result", "outlier_detection", "Params", "Comparison"):
        value = shown.EVERYTHING[name]()
        n_pictures += len(value.drawn)
        output = nbformat.v4.new_output("execute_result", data=value._repr_mimebundle_(), execution_count=1)
        cells.append(nbformat.v4.new_code_cell("value", outputs=[output], execution_count=1))
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    assert n_pictures == 3
    assert html.count('class="mrsnb-picture"') == n_pictures
    assert "<img src=x" not in html
    assert html.count('<details class="mrsnb-card" open') == 4
