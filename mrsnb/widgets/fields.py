"""One row of a form: the widget for a parameter, its unit, help, mark of change, reset and error."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from mrsnb.core.params import ParamSpec
from mrsnb.display.markup import escape
from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.widgets.draft import shown
from mrsnb.widgets.parts import button, close_all, line

Typed = Callable[[str, str], None]
"""Called with the name of a parameter and the text that was typed for it."""

_LONGEST_CLAUSE = 32


class Field:
    """A row for one parameter; what stands in it is a text.

    Parameters
    ----------
    spec : ParamSpec
        The parameter.
    text : str
        What stands in it at first.
    typed : callable
        Told what a person changed.
    layout : Layout
        Of all its widgets; shared among rows, since each layout is a message to the browser.
    """

    def __init__(self, spec: ParamSpec, text: str, typed: Typed, layout: w.Layout) -> None:
        self.spec = spec
        self._layout = layout
        self._typed = typed
        self._is_shown = False
        self.input = _input(spec, text, layout)
        self.input.observe(self._changed, "value")
        unit = f'<span class="mrsnb-unit">{escape(spec.unit)}</span>' if spec.unit else ""
        note = w.HTML(f'{unit}<div class="mrsnb-help">{escape(_explained(spec))}</div>', layout=layout)
        self.row = w.HBox([self.input, note], layout=layout)
        self._reset: w.Button | None = None
        self._line: w.HTML | None = None
        self._base: Any = spec.default
        self._classes((), _kind(spec))

    @property
    def text(self) -> str:
        """What stands in the field."""
        value = self.input.value
        return self.spec.to_text(value) if isinstance(value, bool) else str(value)

    def show(self, text: str) -> None:
        """Put a text into the field, which is not told as typed."""
        self._is_shown = True
        try:
            self.input.value = text == "true" if isinstance(self.input, w.Checkbox) else text
        finally:
            self._is_shown = False

    def mark(self, base: Any, *, changed: bool, wrong: bool, said: str) -> None:
        """Show whether the value differs from `base`, whether it is wrong, and what is said of it."""
        self._base = base
        if changed and self._reset is None:
            self._reset = button("\u21ba", "", self._back, "mrsnb-reset")
            self.row.children = (*self.row.children, self._reset)
        if self._reset is not None:
            self._reset.tooltip = f"Reset {self.spec.name} to {self.spec.to_text(base)}"
            self._reset.disabled = not changed
        below = line(said, "mrsnb-wrong-line") if said else line(self._remark(), "mrsnb-remark")
        if below and self._line is None:
            self._line = w.HTML(layout=self._layout)
            self.row.children = (*self.row.children, self._line)
        if self._line is not None:
            self._line.value = below
        marks = (("mrsnb-changed", changed), ("mrsnb-wrong", wrong))
        self._classes(tuple(name for name, is_so in marks if is_so), _kind(self.spec))

    def close(self) -> None:
        """Close its widgets."""
        close_all(self.row)

    def _remark(self) -> str:
        """Return what to say of a file that is allowed, but not there."""
        if not self.spec.file or not self.text:
            return ""
        try:
            return "" if home(self.text).is_file() else _missing(self.text)
        except (OSError, ValueError, InputError):
            return "not the name of a file"

    def _classes(self, marks: tuple[str, ...], kind: str) -> None:
        names = ("mrsnb-row", kind, f"mrsnb-param-{self.spec.name}", *marks)
        if tuple(self.row._dom_classes) != names:  # noqa: SLF001
            self.row._dom_classes = names  # noqa: SLF001

    def _changed(self, _: Any) -> None:
        if not self._is_shown:
            self._typed(self.spec.name, self.text)

    def _back(self) -> None:
        self.show(shown(self.spec, self._base))
        self._typed(self.spec.name, self.text)


def _missing(name: str) -> str:
    return "no such file" if Path(name).is_absolute() else f"no such file in {Path.cwd()}"


def _kind(spec: ParamSpec) -> str:
    return "mrsnb-switch" if spec.base is bool and not spec.optional else "mrsnb-entry"


def _input(spec: ParamSpec, text: str, layout: w.Layout) -> w.DOMWidget:
    common = {"layout": layout, "description": spec.name}
    if spec.base is bool and not spec.optional:
        return w.Checkbox(value=text == "true", indent=False, **common)
    choices = (True, False) if spec.base is bool else spec.choices
    if choices is None:
        placeholder = _if_none(spec) if spec.optional else "\u200b"
        return w.Text(value=text, placeholder=placeholder, continuous_update=True, **common)
    options = [(str(choice), spec.to_text(choice)) for choice in choices]
    if spec.optional:
        said = _if_none(spec)
        options.insert(0, (said if len(said) <= _LONGEST_CLAUSE else "None", ""))
    return w.Dropdown(options=options, value=text, **common)


def _if_none(spec: ParamSpec) -> str:
    """Return what None means, as the help has it: ``"None takes the reference value"``."""
    found = re.search(r"\bNone [^;.]+", spec.help)
    return found[0] if found else "None"


def _explained(spec: ParamSpec) -> str:
    """Return the help of a parameter, its limits and its default."""
    low, high = (None if limit is None else f"{limit:g}" for limit in (spec.low, spec.high))
    limits = {
        (False, False): f" From {low} to {high}.",
        (False, True): f" At least {low}.",
        (True, False): f" At most {high}.",
        (True, True): "",
    }[low is None, high is None]
    default = "" if spec.default in (None, ()) else f" Default: {spec.to_text(spec.default)}."
    return f"{spec.help}{limits}{default}"
