"""The rows of one set of parameters, basic ones first, advanced ones folded away."""

from collections.abc import Callable, Sequence

import ipywidgets as w

from mrsnb.core.params import Params
from mrsnb.widgets.draft import Draft, Marks
from mrsnb.widgets.fields import Field
from mrsnb.widgets.parts import button, close_all


class StepForm:
    """Rows that edit a draft; made when they are first to be seen.

    Parameters
    ----------
    params : Params
        What stands in the form at first.
    base : Params
        What changes are marked against, and what a reset goes back to.
    changed : callable
        Called after a person changed something.
    leave_out : sequence of str
        Parameters without a row; they keep their values.
    step : str
        What `outside` calls it.

    Attributes
    ----------
    draft : Draft
        What stands in it.
    last : str or None
        The parameter that was edited last.
    outside : str
        What is wrong between this form and others.
    """

    def __init__(
        self,
        params: Params,
        base: Params,
        changed: Callable[[], None],
        leave_out: Sequence[str] = (),
        step: str = "",
    ) -> None:
        self.draft = Draft.of(params)
        self.base = base
        self.last: str | None = None
        self.outside = ""
        self.fields: dict[str, Field] = {}
        self._changed = changed
        self._step = step
        self._specs = [spec for spec in params.specs() if spec.name not in leave_out]
        self._advanced: w.VBox | None = None
        self._fold: w.Button | None = None
        self._layout: w.Layout | None = None
        self.box = w.VBox()
        self.box.add_class("mrsnb-form")

    @property
    def names(self) -> list[str]:
        """The parameters that have a row."""
        return [spec.name for spec in self._specs]

    @property
    def changes(self) -> set[str]:
        """The parameters that differ from the base."""
        return self.draft.changed(self.base)

    @property
    def marks(self) -> Marks:
        """What is said of the draft."""
        return self.draft.marks(self.names, self.last, self.outside, self._step)

    def build(self) -> None:
        """Make the rows, if there are none yet."""
        if self.box.children:
            return
        basic = [spec.name for spec in self._specs if not spec.advanced]
        rows = [self._field(name).row for name in basic]
        if len(basic) < len(self._specs):
            self._fold = button("", "Parameters that most people never change", self._toggle, "mrsnb-fold")
            self._advanced = w.VBox()
            self._show_advanced(False)
            rows += [self._fold, self._advanced]
        self.box.children = rows
        self.refresh()

    def put(self, draft: Draft, base: Params | None = None) -> None:
        """Show another draft, perhaps against another base; `changed` is not called."""
        self.draft, self.last = draft, None
        self.base = self.base if base is None else base
        for name, field in self.fields.items():
            if field.text != draft.texts[name]:
                field.show(draft.texts[name])
        self.refresh()

    def refresh(self) -> None:
        """Mark what is changed and what is wrong."""
        if not self.box.children:
            return
        marks, changes = self.marks, self.changes
        advanced = {spec.name for spec in self._specs if spec.advanced}
        if advanced & (changes | marks.wrong):
            self._show_advanced(True)
        for name, field in self.fields.items():
            said = marks.lines.get(name, "")
            field.mark(getattr(self.base, name), changed=name in changes, wrong=name in marks.wrong, said=said)

    def close(self) -> None:
        """Close its widgets."""
        close_all(self.box)

    def _field(self, name: str) -> Field:
        if self._layout is None:
            self._layout = w.Layout()
        if name not in self.fields:
            self.fields[name] = Field(self.draft.kind.spec(name), self.draft.texts[name], self._typed, self._layout)
        return self.fields[name]

    def _typed(self, name: str, text: str) -> None:
        self.draft, self.last = self.draft.typed(name, text), name
        self._changed()
        self.refresh()

    @property
    def _is_folded(self) -> bool:
        return self._advanced is None or self._advanced.layout.display == "none"

    def _toggle(self) -> None:
        self._show_advanced(self._is_folded)
        self.refresh()

    def _show_advanced(self, is_shown: bool) -> None:
        """Show the advanced parameters or fold them away; their rows are made when they are first to be seen."""
        if self._advanced is None or self._fold is None:
            return
        names = [spec.name for spec in self._specs if spec.advanced]
        if is_shown and not self._advanced.children:
            self._advanced.children = [self._field(name).row for name in names]
        self._advanced.layout.display = "" if is_shown else "none"
        self._fold.description = f"{chr(0x25BE) if is_shown else chr(0x25B8)} Advanced ({len(names)})"
