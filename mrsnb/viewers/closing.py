"""Free what the browser and the kernel hold of widgets."""

from collections.abc import Iterable, Mapping
from typing import Any

from ipywidgets import Widget


def close_all(roots: Iterable[Any]) -> None:
    """Close widgets and all that they are made of: children, marks, scales, layouts, styles.

    Parameters
    ----------
    roots : iterable of Widget
        What is shared with widgets that stay must not be below them.
    """
    found: dict[int, Widget] = {}
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if isinstance(one, Widget):
            if id(one) not in found:
                found[id(one)] = one
                waiting += [getattr(one, name) for name in one.keys if not name.startswith("_")]
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
    for one in found.values():
        Widget.close(one)
