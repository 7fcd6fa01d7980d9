"""HTML: every text escaped, one style sheet, light and dark."""

import base64
import re
from collections.abc import Collection, Sequence
from functools import cache
from hashlib import sha256
from html import escape as escape_html
from importlib.resources import files

from mrsnb.display.badge import Badge
from mrsnb.display.text import clean, shortened

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of a page: its own style, pictures inside it, nothing else."""

LITERAL = "mathjax_ignore tex2jax_ignore"
"""Classes of what a notebook must not typeset: a ``$`` out of a file begins no formula, which may hold links."""


def escape(text: str) -> str:
    """Return `text` safe in HTML, as content and as a quoted attribute.

    Examples
    --------
    >>> escape("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return escape_html(clean(text), quote=True)


def policy(script: str = "") -> str:
    """Return the Content-Security-Policy of a page whose only script, if it has one, is `script`."""
    if not script:
        return POLICY
    digest = base64.b64encode(sha256(script.encode()).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"


@cache
def style() -> str:
    """Return the ``<style>`` element, read once, without its comments and spaces."""
    sheet = (files(__package__) / "style.css").read_text(encoding="utf-8")
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    sheet = re.sub(r"\s*([{}:;,>])\s+", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}")
    return f"<style>{sheet.strip()}</style>"


def block(body: str) -> str:
    """Return `body` styled for a notebook cell."""
    return f'<div class="mrsnb {LITERAL}">{style()}\n{body}\n</div>'


def fold(title: str, body: str, *, is_open: bool, kind: str) -> str:
    """Return `body` below `title`, in a ``<details>`` of class ``mrsnb-<kind>``."""
    state = " open" if is_open else ""
    return (
        f'<details class="mrsnb-{kind}"{state}><summary><b>{escape(title)}</b></summary>\n'
        f'<div class="mrsnb-body">{body}</div></details>'
    )


def pairs(items: Sequence[tuple[str, str, str, str]]) -> str:
    """Return ``(name, value, unit, note)`` items as a table of two columns."""
    lines = []
    for name, value, unit, note in items:
        after = "".join(f" <{tag}>{escape(text)}</{tag}>" for tag, text in (("span", unit), ("i", note)) if text)
        lines.append(f"<tr><td>{escape(name)}</td><td>{escape(value)}{after}</td></tr>")
    return '<table class="mrsnb-rows"><tbody>' + "\n".join(lines) + "</tbody></table>" if lines else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Return a ``<table>``; the columns in `right` hold numbers."""
    kind = ['align="right"' if i in right else 'align="left"' for i in range(len(columns))]

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag} {k}>{_cell(c)}</{tag}>" for c, k in zip(cells, kind, strict=True)) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return (
        f'<div class="mrsnb-wide"><table class="mrsnb-table"><thead>{line("th", columns)}</thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    if not isinstance(text, Badge):
        return escape(text)
    return f'<span class="mrsnb-badge mrsnb-{escape(text.kind)}">{escape(text)}</span>'


def image(title: str, png: bytes, width: int) -> str:
    """Return an ``<img>`` that carries its PNG."""
    data = base64.b64encode(png).decode("ascii")
    words = escape(shortened(title))
    return f'<img class="mrsnb-picture" alt="{words}" width="{width}" src="data:image/png;base64,{data}">'
