"""A form for the parameters of one step, or of anything else that is declared as `Params`."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as w
import traitlets as t

from mrsnb.core.params import Params
from mrsnb.errors import ParamError
from mrsnb.pipeline.parameter_files import read_params, step_named
from mrsnb.pipeline.settings import AMONG_OTHERS, Settings
from mrsnb.pipeline.snippets import as_python
from mrsnb.widgets.draft import Draft
from mrsnb.widgets.parts import button, close_all, line, sheet, with_record
from mrsnb.widgets.share import Share
from mrsnb.widgets.step_form import StepForm


class Controls(w.VBox):  # type: ignore[misc]
    """A form for parameters: one row each, checked while typing.

    Parameters
    ----------
    params : Params or type of Params
        What stands in the form at first; a class stands for its defaults.
    leave_out : sequence of str, optional
        Parameters without a row; they keep their values. If not given, those that a step by itself does not heed.

    Attributes
    ----------
    value : Params
        The last valid parameters; can be observed.
    error : str
        What is wrong with what stands in the form now; empty if nothing is. Can be observed.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> form = Controls(CubeBuildParams)
    >>> form.params = CubeBuildParams(channel="1")
    >>> form.value.channel, form.error
    ('1', '')
    """

    value = t.Instance(Params)
    error = t.Unicode()

    def __init__(self, params: Params | type[Params], *, leave_out: Sequence[str] | None = None) -> None:
        start = params() if isinstance(params, type) else params
        kind = type(start)
        step = step_named(kind)
        if leave_out is None:
            leave_out = () if step is None else AMONG_OTHERS
        self._form = StepForm(start, kind(), self._tell, leave_out)
        self._form.build()
        self._state = w.HTML()
        self._explain = w.ToggleButton(description="Explain", tooltip="Say below each field what it means")
        self._explain.add_class("mrsnb-button")
        self._explain.observe(self._show_help, "value")
        self._reset_all = button("Reset all", "Set every parameter to its default", self.reset)
        name = w.HTML(line(kind.__name__ if step is None else step, "mrsnb-title"))
        head = w.HBox([name, self._state, self._explain, self._reset_all])
        head.add_class("mrsnb-head")
        self._share = Share(lambda: Settings(params=self.params, overrides={}, places={}), self._load)
        super().__init__([w.HTML(sheet("form.css")), head, self._form.box, self._share.box], value=start)
        self.add_class("mrsnb-controls")
        self._tell()

    @property
    def params(self) -> Any:
        """The parameters that stand in the form.

        Raises
        ------
        ParamError
            If they are not valid.
        """
        return self._form.draft.value

    @params.setter
    def params(self, params: Params) -> None:
        kind = self._form.draft.kind
        if type(params) is not kind:
            msg = f"params = {type(params).__name__}: this form is of {kind.__name__}"
            raise ParamError(msg)
        self._form.put(Draft.of(params))
        self._tell()

    def reset(self) -> None:
        """Set every parameter that has a row to its default."""
        texts = Draft.of(self._form.base).texts
        draft = self._form.draft
        for name in self._form.names:
            draft = draft.typed(name, texts[name])
        self._form.put(draft)
        self._tell()

    def close(self) -> None:
        """Close the form with all that is in it."""
        close_all(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return with_record(super()._repr_mimebundle_(**kwargs), repr(self), self.value._repr_html_())

    def __repr__(self) -> str:
        return f"Controls: {self.error or as_python(self.params).splitlines()[-1]}"

    def _load(self, path: str) -> None:
        self.params = read_params(path, self._form.draft.kind).params

    def _tell(self) -> None:
        """Bring the traits, the line of state and the texts to copy in line with the form."""
        draft, marks = self._form.draft, self._form.marks
        with self.hold_trait_notifications():
            self.error = draft.error
            if not draft.error:
                self.value = draft.value
        n_changed = len(self._form.changes)
        self._state.value = state(n_changed, len(marks.lines), marks.rest)
        self._reset_all.disabled = n_changed == 0
        self._share.refresh()

    def _show_help(self, change: Any) -> None:
        (self.add_class if change.new else self.remove_class)("mrsnb-explained")


def state(n_changed: int, n_wrong: int, rest: str = "") -> str:
    """Return how many parameters were changed and how many are wrong, as HTML."""
    if rest:
        return line(rest, "mrsnb-wrong-line")
    if n_wrong:
        return line("1 problem" if n_wrong == 1 else f"{n_wrong} problems", "mrsnb-state mrsnb-bad")
    return line(f"{n_changed} changed" if n_changed else "nothing changed", "mrsnb-state")
