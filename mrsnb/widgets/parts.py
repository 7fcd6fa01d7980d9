"""Small parts of forms: sheets of style, buttons, lines of text; and how widgets are closed."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import ipywidgets as w

from mrsnb.display.markup import escape


@cache
def sheet(name: str) -> str:
    """Return a style sheet of this package as HTML, read once."""
    return f"<style>{(files(__package__) / name).read_text(encoding='utf-8')}</style>"


def button(label: str, tooltip: str, clicked: Callable[[], None], kind: str = "") -> w.Button:
    """Return a button that calls `clicked`, of the class ``mrsnb-button`` and perhaps one more."""
    made = w.Button(description=label, tooltip=tooltip)
    made.add_class("mrsnb-button")
    if kind:
        made.add_class(kind)
    made.on_click(lambda _: clicked())
    return made


def line(text: str, kind: str) -> str:
    """Return a line of text as HTML of the class `kind`, empty if there is none; read out when it is wrong."""
    role = ' role="alert"' if kind == "mrsnb-wrong-line" else ""
    return f'<div class="{kind}"{role}>{escape(text)}</div>' if text else ""


def with_record(bundle: dict[str, Any], text: str, html: str) -> dict[str, Any]:
    """Return how a widget shows itself, with what is left of it where no kernel is: on GitHub, in an HTML file."""
    note = "<small><i>As it was when this cell ran; the form itself needs a kernel.</i></small>"
    return {**bundle, "text/plain": text, "text/html": html + note}


def close_all(widget: w.Widget) -> None:
    """Close a widget with all that is in it."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), w.Widget):
            getattr(widget, part).close()
    w.Widget.close(widget)
