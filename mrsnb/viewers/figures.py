"""Figures as viewers want them: no room about the marks, no animation, no toolbar."""

from typing import Any

from bqplot import Figure


def plain_figure(css_class: str, **options: Any) -> Figure:
    """Return a figure without padding, animation and toolbar, with a CSS class; `options` are those of the figure."""
    toolbar = {"display_toolbar": False} if "display_toolbar" in Figure.class_trait_names() else {}  # bqplot 0.12: none
    figure = Figure(padding_x=0, padding_y=0, animation_duration=0, **toolbar, **options)
    figure.add_class(css_class)
    return figure
