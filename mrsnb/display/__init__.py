"""Rows, tables and pictures as text, HTML and PNG; knows nothing of what it shows.

Every value that appears in a notebook describes itself as rows and pictures; this package alone draws them, so text
and HTML cannot disagree. `plots` is imported by those who draw.
"""

from mrsnb.display.badge import Badge
from mrsnb.display.show import Shown, chapter, mimebundle, page, to_html, to_text
from mrsnb.display.values import Picture, Row, Section, Table

__all__ = [
    "Badge",
    "Picture",
    "Row",
    "Section",
    "Shown",
    "Table",
    "chapter",
    "mimebundle",
    "page",
    "to_html",
    "to_text",
]
