"""Text, HTML and pages: they say the same, and nothing in a name can break them."""

import base64
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.display import Picture, Row, Section, Shown, Table, mimebundle, page, to_html, to_text
from mrsnb.display.text import align, clean

EVIL = '<script>alert("1")</script>'
PICTURE = Picture('a "b" <c>', b"\x89PNG", 40, 30)
ALLOWED = {
    *("div", "style", "details", "summary", "b", "i", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Collects elements and attributes, and the whole text of each element; checks that elements nest."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.texts.append([tag, ""])
            self.open.append(self.texts[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[1] += data


def content(html, tag):
    """Return the text of each element of a kind."""
    return [text for kind, text in Reader(html).texts if kind == tag]


words = st.text(max_size=12)
some_rows = st.lists(st.builds(Row, name=words, value=words, unit=words, note=words), max_size=5)


@given(words, some_rows)
def test_text_and_html_list_the_same_rows(title, rows):
    text, html = to_text(title, rows), to_html(title, rows)
    lines = text.split("\n")
    assert len(lines) == 1 + len(rows)
    assert content(html, "summary") == [clean(title)] == lines[:1]
    cells = content(html, "td")
    assert cells[::2] == [clean(row.name) for row in rows]
    for row, said, line in zip(rows, cells[1::2], lines[1:], strict=True):
        parts = [clean(part) for part in (row.value, row.unit, row.note)]
        assert said == parts[0] + "".join(f" {part}" for part in parts[1:] if part)
        assert all(part.rstrip() in line for part in parts)


@given(words, some_rows)
def test_html_nests_and_runs_nothing(title, rows):
    table = Table([title, "b"], [[row.name, row.value] for row in rows])
    sections = [Section(title, rows), Section("table", table, open=True)]
    html = page(title, to_html(title, rows, [PICTURE], sections) + table.to_html())
    reader = Reader(html)
    assert "script" not in reader.tags
    assert "<script" not in html.lower()
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    links = [value for name, value in reader.attributes if name in {"src", "href"}]
    assert all(value.startswith("data:image/png;base64,") for value in links)
    assert html.count("<style>") == 1


@pytest.mark.parametrize("name", [EVIL, "<img src=x onerror=alert(1)>", '"><b>', "a & b", "</pre>", "<x>"])
def test_names_are_shown_as_they_are(name):
    html = to_html(name, [Row(name, name, name, name)], [], [Section(name, Table([name], [[name]]))])
    reader = Reader(html)
    assert set(reader.tags) <= ALLOWED
    assert content(html, "th") == [name]
    assert content(html, "td") == [name, f"{name} {name} {name}", name]


def test_nothing_is_lost_where_styles_are_stripped():
    rows, sections = [Row("band", "1A")], [Section("more", Table(["a"], [["1"]]))]
    html = to_html("Cube", rows, [PICTURE], sections)
    reader = Reader(html)
    assert not [name for name, _ in reader.attributes if name == "style"]
    assert {"summary", "td", "img"} <= set(reader.tags)


def test_pictures_are_embedded_with_size_and_description():
    attributes = Reader(to_html("Cube", [], [PICTURE])).attributes
    assert ("alt", PICTURE.title) in attributes
    assert ("width", "40") in attributes
    assert ("src", "data:image/png;base64," + base64.b64encode(PICTURE.png).decode()) in attributes


def test_many_rows_are_folded_and_too_many_counted():
    rows = [Row(f"exposure {i}", str(i)) for i in range(1000)]
    html, text = to_html("t", rows), to_text("t", rows)
    assert content(html, "td")[::2] == [*(row.name for row in rows[:199]), "... and 801 more"]
    assert len(text.split("\n")) == 201
    assert "801 more" in text
    table = Table(["n"], [[str(i)] for i in range(1000)])
    assert content(table.to_html(), "td")[-1] == "... and 801 more" in table.to_text()


def test_long_values_are_cut():
    row = Row("name", "x" * 100_000)
    for said in (to_text("t", [row]), to_html("t", [row]), Table(["a"], [[row.value]]).to_html()):
        assert "(100000 characters)" in said
        assert len(said) < 5000


class Counted(Shown):
    """Counts how often it draws."""

    def __init__(self):
        self.count = 0

    @property
    def title(self):
        return "counted"

    def rows(self):
        return [Row("a", "1")]

    def pictures(self):
        self.count += 1
        return [PICTURE]


def test_pictures_are_drawn_once():
    shown = Counted()
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    assert shown._repr_html_() == bundle["text/html"]
    assert shown.count == 1


def test_mimebundle_offers_text_html_and_the_first_picture():
    second = Picture("second", b"2", 1, 1)
    bundle = mimebundle("Cube", [Row("band", "1A")], [PICTURE, second])
    assert list(bundle) == ["text/plain", "text/html", "image/png"]
    assert base64.b64decode(bundle["image/png"]) == PICTURE.png
    assert Reader(bundle["text/html"]).tags.count("img") == 2
    assert "image/png" not in mimebundle("Cube", [])


def test_page_is_a_document_that_loads_nothing():
    html = page(EVIL, to_html("Cube", [Row("band", "1A")]))
    reader = Reader(html)
    assert html.startswith("<!DOCTYPE html>")
    assert ("charset", "utf-8") in reader.attributes
    policy = next(value for name, value in reader.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert content(html, "title") == content(html, "h1") == [EVIL]
    assert "http://" not in html
    assert "https://" not in html
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html


def test_sections_fold():
    html = to_html("t", [], [], [Section("shut", [Row("a", "1")]), Section("open", [Row("b", "2")], open=True)])
    assert '<details class="mrsnb-section"><summary><b>shut' in html
    assert '<details class="mrsnb-section" open><summary><b>open' in html
    text = to_text("t", [], [Section("shut", [Row("a", "1")])])
    assert text == "t\n  shut\n    a  1"


def test_text_of_nothing():
    assert to_text("t", []) == "t"
    assert Reader(to_html("t", [])).tags.count("table") == 0


@given(st.text())
def test_clean_text_is_one_printable_line_and_clean_again(text):
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)
    assert text.isprintable() == (clean(text) == text)


def test_clean_shows_what_could_deceive():
    assert clean("a\u202eb\x1b[2Jc\u00a0d\udc80") == "a\\u202eb\\x1b[2Jc d\\udc80"


@given(st.lists(st.lists(words, min_size=2, max_size=2), min_size=1, max_size=5))
def test_columns_start_below_each_other(lines):
    width = max(len(clean(line[0])) for line in lines)
    for said, (first, second) in zip(align(lines), lines, strict=True):
        assert said == (clean(first).ljust(width) + "  " + clean(second)).rstrip()
