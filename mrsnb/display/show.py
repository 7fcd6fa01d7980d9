"""A titled set of rows, sections and pictures, as text, as HTML, as a notebook's MIME bundle, as a page."""

import base64
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mrsnb.display import markup
from mrsnb.display.text import align, clean, shortened
from mrsnb.display.values import Picture, Row, Section, Table, within_limit

INDENT = "  "
_AT_ONCE = 20
"""Rows that are seen before a click shows the others."""


class Shown:
    """Base of what shows itself in a notebook: text, HTML, and a picture where one makes sense.

    A subclass says what it is in `title` and `rows`, and perhaps in `sections` and `pictures`; these compute little and
    load nothing. Pictures are drawn once.
    """

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """Return what there is to say, most important first."""
        raise NotImplementedError

    def sections(self) -> list[Section]:
        """Return tables that go with it; none by default."""
        return []

    def pictures(self) -> list[Picture]:
        """Return pictures of it; none by default."""
        return []

    @cached_property
    def drawn(self) -> tuple[Picture, ...]:
        """What `pictures` returns, kept."""
        return tuple(self.pictures())

    def _all_rows(self) -> list[Row]:
        return self.rows()

    def _repr_html_(self) -> str:
        return to_html(self.title, self._all_rows(), self.drawn, self.sections())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return mimebundle(self.title, self._all_rows(), self.drawn, self.sections())


def to_text(title: str, rows: Sequence[Row], sections: Sequence[Section] = ()) -> str:
    """Return a title, aligned rows below it, and the sections.

    Examples
    --------
    >>> print(to_text("Cube", [Row("band", "1A"), Row("spaxel", "0.130", "arcsec", "default")]))
    Cube
      band    1A
      spaxel  0.130 arcsec  (default)
    """
    parts = [clean(shortened(title)), *_indent(_row_lines(rows))]
    for section in sections:
        content = section.content
        lines = content.to_text().split("\n") if isinstance(content, Table) else _row_lines(content)
        parts += [INDENT + clean(section.title), *_indent(lines, 2)]
    return "\n".join(parts)


def to_html(title: str, rows: Sequence[Row], pictures: Sequence[Picture] = (), sections: Sequence[Section] = ()) -> str:
    """Return the same as HTML for a notebook cell, with pictures.

    No script; it folds; the style follows light and dark themes. Where a viewer strips styles, tables and pictures
    remain.
    """
    items = _items(rows)
    more = markup.fold(f"{len(items) - _AT_ONCE} more", markup.pairs(items[_AT_ONCE:]), is_open=False, kind="section")
    parts = [
        markup.pairs(items[:_AT_ONCE]),
        more if len(items) > _AT_ONCE else "",
        *(markup.image(p.title, p.png, p.width) for p in pictures),
        *(markup.fold(s.title, _content(s.content), is_open=s.open, kind="section") for s in sections),
    ]
    body = "\n".join(part for part in parts if part)
    return markup.block(markup.fold(shortened(title), body, is_open=True, kind="card"))


def mimebundle(
    title: str, rows: Sequence[Row], pictures: Sequence[Picture] = (), sections: Sequence[Section] = ()
) -> dict[str, str]:
    """Return what ``_repr_mimebundle_`` returns: text, HTML, and the first picture as base64 PNG if there is one."""
    bundle = {
        "text/plain": to_text(title, rows, sections),
        "text/html": to_html(title, rows, pictures, sections),
    }
    if pictures:
        bundle["image/png"] = base64.b64encode(pictures[0].png).decode("ascii")
    return bundle


def chapter(title: str, *parts: Sequence[Row] | Table | Picture) -> str:
    """Return a part of a page: its heading, and below it rows, tables and pictures in the order given.

    Parameters
    ----------
    title : str
        Escaped; no heading if it is empty.
    *parts : sequence of Row, Table, or Picture
    """
    heading = f"<h2>{markup.escape(title)}</h2>" if title else ""
    drawn = [
        markup.image(part.title, part.png, part.width) if isinstance(part, Picture) else _content(part)
        for part in parts
    ]
    return markup.block("\n".join([heading, *drawn]))


def page(title: str, body_html: str, script: str = "") -> str:
    """Return a complete HTML document: one file, nothing loaded from elsewhere, no scripts but the one given.

    Parameters
    ----------
    title : str
        Shown as the heading; escaped.
    body_html : str
        What `to_html` and `Table.to_html` return, joined; not escaped.
    script : str
        Runs at the end of the page, and is named by its checksum as the only one that may.
    """
    heading = markup.escape(title)
    body = body_html.replace(markup.style(), "")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{markup.policy(script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{heading}</title>\n{markup.style()}\n</head>\n"
        f'<body class="mrsnb-page">\n<h1>{heading}</h1>\n{body}\n'
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def _items(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    cells = [(row.name, row.value, row.unit, row.note) for row in rows]
    return [(shortened(a), shortened(b), shortened(c), shortened(d)) for a, b, c, d in within_limit(cells)]


def _row_lines(rows: Sequence[Row]) -> list[str]:
    return align(
        [
            (name, value + (f" {unit}" if unit else "") + (f"  ({note})" if note else ""))
            for name, value, unit, note in _items(rows)
        ]
    )


def _content(content: Sequence[Row] | Table) -> str:
    return content.markup() if isinstance(content, Table) else markup.pairs(_items(content))


def _indent(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [INDENT * levels + line for line in lines]
