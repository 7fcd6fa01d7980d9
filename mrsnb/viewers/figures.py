"""Figures as viewers want them: no room about the marks, no animation, no toolbar."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bqplot import Figure


def plain_figure(css_class: str, **options: Any) -> Figure:
    """Return a figure without padding, animation and toolbar, with a CSS class; `options` are those of the figure."""
    toolbar = {"display_toolbar": False} if "display_toolbar" in Figure.class_trait_names() else {}  # bqplot 0.12: none
    figure = Figure(padding_x=0, padding_y=0, animation_duration=0, **toolbar, **options)
    figure.add_class(css_class)
    return figure


def dead_brushes() -> str:
    """Return why brushes and drags will not answer here, in one line; nothing if they will."""
    try:
        gl, own = version("bqplot-gl"), version("bqplot")
    except PackageNotFoundError:
        return ""
    if gl.startswith("0.1.") and own.startswith("0.13"):
        return f"bqplot-gl {gl} disables brushes and drags of bqplot {own}: uninstall it, or take bqplot 0.12"
    return ""
