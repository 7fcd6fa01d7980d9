"""The controls beside a detector image: what to show, flags, zoom, the pixel in hand."""

from collections.abc import Callable, Mapping
from typing import Any

from ipywidgets import (
    HTML,
    BoundedIntText,
    Button,
    Checkbox,
    Dropdown,
    HBox,
    Layout,
    Play,
    ToggleButton,
    ToggleButtons,
    VBox,
)

from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube_controls import note, together
from mrsnb.viewers.shade_controls import ShadeControls

AFTER, BEFORE, DIFFERENCE = "after", "before", "difference"
FLAG_COLOURS = ("#ff3b30", "#34c759", "#0a84ff", "#ffd60a", "#bf5af2", "#ff9f0a", "#64d2ff", "#ff6fb5", "#a3e635")
"""Of the flags, in order; more of them begin again."""
_BLINK = 600
"""Milliseconds."""


class DetectorControls:
    """Widgets without behaviour, which the viewer gives them.

    Parameters
    ----------
    names : list of str
        Of the exposures.
    has_before : bool
        Whether there is a step to look at, before and after.
    """

    def __init__(self, names: list[str], *, has_before: bool) -> None:
        self.exposure = Dropdown(
            options=[(name, i) for i, name in enumerate(names)], layout=Layout(width="auto", flex="0 1 420px")
        )
        self.layer = ToggleButtons(options=["SCI"], layout=Layout(margin="0"))
        self.state = ToggleButtons(options=[AFTER, BEFORE, DIFFERENCE])
        for buttons in (self.layer, self.state):
            buttons.style.button_width = "auto"
        self.blink = Play(min=0, max=1, step=1, interval=_BLINK, repeat=True, show_repeat=False)
        self._step = (note("step", "mrsnb-viewer-head"), _row(self.state, self.blink))
        self.shades = ShadeControls()
        self.outlines = Checkbox(value=True, description="slices", indent=False, layout=Layout(width="84px"))
        self.pan = ToggleButton(icon="arrows", tooltip="drag to pan, scroll to zoom", layout=Layout(width="34px"))
        self.nearer = _button("search-plus", "look nearer, at the pixel in hand")
        self.farther = _button("search-minus", "look from farther away")
        self.home = _button("home", "show the whole detector")
        self.to_marks = _button("crosshairs", "go to the next pixels that are marked")
        number: dict[str, Any] = {
            "layout": Layout(width="112px", flex="0 0 auto"),
            "style": {"description_width": "14px"},
        }
        self.x = BoundedIntText(description="x", min=0, max=1, **number)
        self.y = BoundedIntText(description="y", min=0, max=1, **number)
        self.flags = VBox([], layout=Layout(width="100%"))
        self.status = note()
        self._chosen: set[str] = set()
        self._boxes: dict[str, Checkbox] = {}
        self._on_flags: Callable[[], None] = lambda: None
        self.offer_before(is_there=has_before)

    def offer_before(self, *, is_there: bool) -> None:
        """Offer to look at what was before a step, or do not."""
        state, options = self.state.value, [AFTER, BEFORE, DIFFERENCE] if is_there else [AFTER]
        if list(self.state.options) != options:
            self.state.options = options
            self.state.value = state if state in options else AFTER
        for part in self._step:
            part.layout.display = None if is_there else "none"

    def boxes(self) -> VBox:
        """Return them all, arranged."""

        def head(text: str) -> HTML:
            return note(text, "mrsnb-viewer-head")

        shades, row = self.shades, _row
        parts: list[Any] = [
            head("image"),
            row(self.layer),
            row(shades.stretch, shades.limits),
            row(shades.low, shades.high),
            row(shades.colours, self.outlines),
            *self._step,
            head("pixel and view"),
            row(together(self.x, self.y), together(self.pan, self.nearer, self.farther, self.home, self.to_marks)),
            head("flags"),
            self.flags,
            self.status,
        ]
        return VBox(
            parts,
            layout=Layout(
                flex="1 1 300px", min_width="290px", max_width="480px", padding="0 0 0 6px", overflow="hidden"
            ),
        )

    def on_flags(self, call: Callable[[], None]) -> None:
        """Call a function when the user has chosen other flags."""
        self._on_flags = call

    @property
    def chosen_flags(self) -> list[str]:
        """Flags that are painted, in order."""
        return [name for name, box in self._boxes.items() if box.value]

    @chosen_flags.setter
    def chosen_flags(self, names: list[str]) -> None:
        for name, box in self._boxes.items():
            box.value = name in names

    def colour_of(self, name: str) -> str:
        """Return the colour of a flag that the exposure has."""
        return FLAG_COLOURS[list(self._boxes).index(name) % len(FLAG_COLOURS)]

    def list_flags(self, counts: Mapping[str, int]) -> None:
        """Offer flags, with the number of pixels that have each; those that were chosen stay so."""
        old = self.flags.children
        self._boxes = {
            name: Checkbox(
                value=name in self._chosen, description=f"{name}  {n:,}", indent=False, layout=Layout(width="auto")
            )
            for name, n in counts.items()
        }
        rows = []
        for name, box in self._boxes.items():
            box.observe(lambda change, name=name: self._flagged(name, is_on=change["new"]), "value")
            colour = HTML(
                f'<span class="mrsnb-swatch" style="background:{self.colour_of(name)}"></span>',
                layout=Layout(width="18px", margin="0 2px 0 0", flex="0 0 auto"),
            )
            rows.append(HBox([colour, box], layout=Layout(align_items="center", height="22px", flex="0 0 auto")))
        self.flags.children = rows or [note("no pixel is flagged")]
        close_all(old)

    def _flagged(self, name: str, *, is_on: bool) -> None:
        (self._chosen.add if is_on else self._chosen.discard)(name)
        self._on_flags()


def _row(*parts: Any) -> HBox:
    return HBox(list(parts), layout=Layout(width="100%", align_items="center", flex_flow="row wrap"))


def _button(icon: str, tip: str) -> Button:
    return Button(icon=icon, tooltip=tip, layout=Layout(width="34px", flex="0 0 auto"))
