"""The widgets that choose how values become shades: stretch, limits, colours."""

from collections.abc import Callable
from typing import Any

from ipywidgets import Dropdown, FloatText, Layout
from numpy.typing import NDArray

from mrsnb.display.plots.stretch import Stretch
from mrsnb.viewers.picture import LIMITS, STRETCHES, shading
from mrsnb.viewers.raster import COLOURS


class ShadeControls:
    """Stretch, limits and colours of an image.

    Attributes
    ----------
    stretch, limits, low, high, colours : Widget
        To be arranged; `low` and `high` are seen for fixed limits only.
    """

    def __init__(self) -> None:
        self.stretch = Dropdown(options=STRETCHES, description="stretch", **_row())
        self.limits = Dropdown(options=LIMITS, description="limits", **_row())
        self.low = FloatText(description="low", **_row())
        self.high = FloatText(description="high", **_row())
        self.colours = Dropdown(options=COLOURS, description="colours", **_row())
        self._last: Stretch | None = None
        self._is_telling = False
        self._on_change: Callable[[Any], None] = lambda _: None
        for box in (self.low, self.high):
            box.layout.display = "none"
            box.observe(self._changed, "value")
        self.stretch.observe(self._changed, "value")
        self.limits.observe(self._limited, "value")

    def on_change(self, call: Callable[[Any], None]) -> None:
        """Call a function when the user has changed stretch or limits."""
        self._on_change = call

    def of(self, image: NDArray[Any], *, are_flags: bool = False) -> Stretch | None:
        """Return the stretch of an image as chosen, a plain one for flags; None if nothing in it is finite."""
        kind, limits = ("linear", "min - max") if are_flags else (self.stretch.value, self.limits.value)
        self._last = shading(image, kind, limits, (self.low.value, self.high.value))
        return self._last

    def _changed(self, change: dict[str, Any]) -> None:
        if not self._is_telling:
            self._on_change(change)

    def _limited(self, change: dict[str, Any]) -> None:
        """Show the boxes of fixed limits, which begin with those that are in use."""
        is_fixed = change["new"] == "fixed"
        if is_fixed and self._last is not None:
            self._is_telling = True
            try:
                self.low.value, self.high.value = float(f"{self._last.low:.6g}"), float(f"{self._last.high:.6g}")
            finally:
                self._is_telling = False
        for box in (self.low, self.high):
            box.layout.display = None if is_fixed else "none"
        self._changed(change)


def _row() -> dict[str, Any]:
    return {
        "layout": Layout(flex="1 1 130px", width="auto", min_width="120px"),
        "style": {"description_width": "58px"},
    }
