"""Rows, tables and pictures."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from mrsnb.display import Badge, Picture, Row, Section, Table, chapter, page


def test_columns_of_numbers_are_aligned_at_the_right():
    table = Table(["name", "n", "part"], [["a", "7", "2.5%"], ["bcd", "1050", "-"]])
    assert table.to_text().split("\n") == [
        "name     n  part",
        "----  ----  ----",
        "a        7  2.5%",
        "bcd   1050     -",
    ]
    assert str(table) == table.to_text()
    assert table.to_html().count('<td align="right">') == 4


def test_text_and_html_of_a_table_have_the_same_cells():
    table = Table(["a", "b"], [["1", "x & y"], ["2", "<z>"]])
    bundle = table._repr_mimebundle_()
    assert "x &amp; y" in bundle["text/html"]
    assert "&lt;z&gt;" in bundle["text/html"]
    assert bundle["text/plain"] in table.to_text()


def test_table_without_rows_shows_its_heads():
    assert Table(["a", "b"], []).to_text() == "a  b\n-  -"
    assert ">a</th>" in Table(["a", "b"], []).to_html()


def test_ragged_table_is_refused():
    with pytest.raises(ValueError, match=r"row 2 has 1 cells: \['3'\]; there are 2 columns"):
        Table(["a", "b"], [["1", "2"], ["3"]])


def test_table_does_not_follow_later_changes_of_its_input():
    rows = [["1"]]
    table = Table(["a"], rows)
    rows[0][0] = "2"
    rows.append(["3"])
    assert table == Table(("a",), (("1",),))


def test_values_are_frozen_and_hide_bytes():
    picture = Picture("t", b"secret", 1, 2)
    assert "secret" not in repr(picture)
    for value, name in (
        (picture, "png"),
        (Row("a", "b"), "value"),
        (Table([], []), "rows"),
        (Section("t", []), "open"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


def test_importing_is_light_and_drawing_needs_no_matplotlib():
    code = (
        "import sys, mrsnb.display as d\n"
        "assert not {'numpy', 'PIL', 'astropy'} & set(sys.modules)\n"
        "from mrsnb.display.plots import spectrum_picture\n"
        "spectrum_picture('t', [])\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_badge_is_a_word_that_stands_out_and_is_escaped():
    table = Table(["verdict"], [[Badge("bad<b>", kind="bad")], [Badge("good", kind='x"y')], ["plain"]])
    html = table.to_html()
    assert '<span class="mrsnb-badge mrsnb-bad">bad&lt;b&gt;</span>' in html
    assert 'x&quot;y">good</span>' in html
    assert '<td align="left">plain</td>' in html
    assert table.to_text().split("\n")[2:] == ["bad<b>", "good", "plain"]


def test_a_page_is_made_of_chapters_in_their_order():
    parts = [Row("a", "1")], Table(["c"], [["2"]]), Picture("p", b"png", 10, 10)
    html = page("t", chapter("<one>", *parts) + chapter("", Table(["d"], [["3"]])))
    places = [html.index(text) for text in ("&lt;one&gt;</h2>", "<td>a</td>", ">2</td>", 'alt="p"', ">3</td>")]
    assert places == sorted(places)
    assert html.count("<h2>") == html.count("<style>") == 1
