"""A titled set of rows, sections and pictures, as text, as HTML, as a notebook's MIME bundle, as a page."""

import base64
from collections.abc import Sequence

from mrsnb.display import markup
from mrsnb.display.text import align, clean
from mrsnb.display.values import Picture, Row, Section, Table

INDENT = "  "


def to_text(title: str, rows: Sequence[Row], sections: Sequence[Section] = ()) -> str:
    """Return a title, aligned rows below it, and the sections.

    Examples
    --------
    >>> print(to_text("Cube", [Row("band", "1A"), Row("spaxel", "0.130", "arcsec", "default")]))
    Cube
      band    1A
      spaxel  0.130 arcsec  (default)
    """
    parts = [clean(title), *_indent(_row_lines(rows))]
    for section in sections:
        content = section.content
        lines = content.to_text().split("\n") if isinstance(content, Table) else _row_lines(content)
        parts += [INDENT + clean(section.title), *_indent(lines, 2)]
    return "\n".join(parts)


def to_html(title: str, rows: Sequence[Row], pictures: Sequence[Picture] = (), sections: Sequence[Section] = ()) -> str:
    """Return the same as HTML for a notebook cell, with pictures.

    No script; the style follows light and dark themes. Where a viewer strips styles, the plain text shows.
    """
    images = "\n".join(markup.image(p.title, p.png, p.width, p.height) for p in pictures)
    folds = "\n".join(markup.fold(s.title, _content(s.content), is_open=s.open, kind="section") for s in sections)
    body = "\n".join(part for part in (markup.pairs(_items(rows)), images, folds) if part)
    return markup.block(to_text(title, rows, sections), markup.fold(title, body, is_open=True, kind="card"))


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


def page(title: str, body_html: str) -> str:
    """Return a complete HTML document: one file, no scripts, nothing loaded from elsewhere.

    Parameters
    ----------
    title : str
        Shown as the heading; escaped.
    body_html : str
        What `to_html` and `Table.to_html` return, joined; not escaped.
    """
    heading = markup.escape(title)
    body = body_html.replace(markup.style(), "")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{markup.POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{heading}</title>\n{markup.style()}\n</head>\n"
        f'<body class="mrsnb-page">\n<h1>{heading}</h1>\n{body}\n</body>\n</html>\n'
    )


def _items(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    return [(row.name, row.value, row.unit, row.note) for row in rows]


def _row_lines(rows: Sequence[Row]) -> list[str]:
    return align(
        [(r.name, r.value + (f" {r.unit}" if r.unit else "") + (f"  ({r.note})" if r.note else "")) for r in rows]
    )


def _content(content: Sequence[Row] | Table) -> str:
    return content.markup() if isinstance(content, Table) else markup.pairs(_items(content))


def _indent(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [INDENT * levels + line for line in lines]
