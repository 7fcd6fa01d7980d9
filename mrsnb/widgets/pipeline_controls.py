"""A form for a whole run: the steps in order, each to be switched on or off and unfolded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as w
import traitlets as t

from mrsnb.core.params import Params
from mrsnb.errors import ParamError
from mrsnb.pipeline import Spec3Params, presets
from mrsnb.pipeline.parameter_files import read_params
from mrsnb.pipeline.settings import Settings
from mrsnb.pipeline.snippets import PRESET, as_python
from mrsnb.widgets.controls import state
from mrsnb.widgets.draft import Draft, concerned
from mrsnb.widgets.parts import button, close_all, line, sheet, with_record
from mrsnb.widgets.share import Share
from mrsnb.widgets.step_form import StepForm


class PipelineControls(w.VBox):  # type: ignore[misc]
    """A form for the parameters of a whole run.

    Parameters
    ----------
    params : Spec3Params, optional
        What stands in the form at first; if not given, what the preset says.
    preset : str
        Name of the parameters that changes are marked against, and that a reset goes back to.
    told : Settings, optional
        The same with files of reference values and places for products, as from a file; in place of `params`.

    Attributes
    ----------
    value : Spec3Params
        The last valid parameters; can be observed.
    error : str
        What is wrong with what stands in the form now; empty if nothing is. Can be observed.

    Raises
    ------
    ParamError
        If there is no such preset.

    Examples
    --------
    >>> form = PipelineControls(preset="jwst-3.0")
    >>> form.params.cube_build.compat
    'jwst-3.0'
    """

    value = t.Instance(Spec3Params)
    error = t.Unicode()

    def __init__(
        self, params: Spec3Params | None = None, *, preset: str = PRESET, told: Settings | None = None
    ) -> None:
        kind = Spec3Params if params is None else type(params)
        base = kind.preset(preset)
        if params is None:
            params = base if told is None else told.params
        self.told = Settings(params=params, overrides={}, places={}) if told is None else told
        self._preset = w.Dropdown(options=list(presets()), value=preset, description="Preset")
        self._preset.observe(self._rebase, "value")
        self._about = w.HTML()
        self._state = w.HTML()
        self._explain = w.ToggleButton(description="Explain", tooltip="Say below each field what it means")
        self._explain.add_class("mrsnb-button")
        self._explain.observe(self._show_help, "value")
        self._reset_all = button("Reset all", "Set every parameter to what the preset says", self.reset)
        head = w.HBox([w.HTML(line("spec3", "mrsnb-title")), self._state, self._explain, self._reset_all])
        head.add_class("mrsnb-head")
        chooser = w.HBox([self._preset, self._about])
        chooser.add_class("mrsnb-presets")
        self._panels = {
            step: _Panel(step, getattr(params, step), getattr(base, step), self._edited) for step in params.steps()
        }
        self._last: str | None = None
        self._share = Share(self._told, self._load, lambda: str(self._preset.value))
        panels = [panel.box for panel in self._panels.values()]
        super().__init__([w.HTML(sheet("form.css")), head, chooser, *panels, self._share.box], value=params)
        self.add_class("mrsnb-controls")
        self._tell()

    @property
    def params(self) -> Spec3Params:
        """The parameters that stand in the form.

        Raises
        ------
        ParamError
            If they are not valid.
        """
        values: dict[str, Any] = {}
        for step, panel in self._panels.items():
            try:
                values[step] = panel.form.draft.value
            except ParamError as error:
                msg = f"{step}.{error}" if panel.form.draft.errors else f"{step}: {error}"
                raise ParamError(msg) from None
        return type(self.value)(**values)

    @params.setter
    def params(self, params: Spec3Params) -> None:
        if type(params) is not type(self.value):
            msg = f"params = {type(params).__name__}: this form is of {type(self.value).__name__}"
            raise ParamError(msg)
        for step, panel in self._panels.items():
            panel.put(Draft.of(getattr(params, step)))
        self._tell()

    @property
    def preset(self) -> str:
        """Name of the preset that changes are marked against; setting it keeps what was changed."""
        return str(self._preset.value)

    @preset.setter
    def preset(self, name: str) -> None:
        Spec3Params.preset(name)
        self._preset.value = name

    @property
    def steps(self) -> dict[str, StepForm]:
        """The form of each step."""
        return {step: panel.form for step, panel in self._panels.items()}

    def unfold(self, step: str, *, is_open: bool = True) -> None:
        """Show the parameters of a step, or fold them away."""
        self._panels[step].unfold(is_open)

    def reset(self) -> None:
        """Set every parameter to what the preset says."""
        self.params = type(self.value).preset(self.preset)

    def close(self) -> None:
        """Close the form with all that is in it."""
        close_all(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return with_record(super()._repr_mimebundle_(**kwargs), repr(self), self.value._repr_html_())

    def __repr__(self) -> str:
        said = self.error or as_python(self.params, preset=self.preset).splitlines()[-1]
        return f"PipelineControls: {said}"

    def _told(self) -> Settings:
        return replace(self.told, params=self.params)

    def _load(self, path: str) -> None:
        told = read_params(path, type(self.value), preset=self.preset)
        self.told = told
        self.params = told.params

    def _rebase(self, _: Any) -> None:
        base = type(self.value).preset(self.preset)
        for step, panel in self._panels.items():
            panel.put(panel.form.draft.on(panel.form.base, getattr(base, step)), getattr(base, step))
        self._tell()

    def _edited(self, step: str) -> None:
        self._last = step
        self._tell()

    def _tell(self) -> None:
        """Bring the traits, the marks and the texts to copy in line with the form."""
        error, params = "", None
        try:
            params = self.params
        except ParamError as wrong:
            error = str(wrong)
        self._say_between("" if any(p.form.draft.error for p in self._panels.values()) else error)
        with self.hold_trait_notifications():
            self.error = error
            if params is not None:
                self.value = params
        for panel in self._panels.values():
            panel.refresh()
        n_changed = sum(len(panel.form.changes) for panel in self._panels.values())
        n_wrong = sum(max(len(panel.form.marks.lines), bool(panel.form.marks.rest)) for panel in self._panels.values())
        self._state.value = state(n_changed, n_wrong, error if error and not n_wrong else "")
        self._reset_all.disabled = n_changed == 0
        self._about.value = line(presets()[self.preset]["help"] + _kept(self.told), "mrsnb-about")
        self._share.refresh()

    def _say_between(self, conflict: str) -> None:
        """Say in the form of the step that was edited last, or of the first it speaks of, what contradicts others."""
        names = {f"{step}.{name}": step for step, panel in self._panels.items() for name in panel.form.names}
        steps = [names[found] for found in concerned(conflict, names)]
        place = self._last if self._last in steps else next(iter(steps), None)
        for step, panel in self._panels.items():
            panel.form.outside = conflict if step == place else ""

    def _show_help(self, change: Any) -> None:
        (self.add_class if change.new else self.remove_class)("mrsnb-explained")


class _Panel:
    """A step of a run: a line with its switch and state, and its form below, made when it is first unfolded."""

    def __init__(self, step: str, params: Params, base: Params, edited: Callable[[str], None]) -> None:
        self.step = step
        self._edited = edited
        self.form = StepForm(params, base, self._changed, ("skip",), step)
        self._fold = button(f"\u25b8 {step}", f"Show the parameters of {step}", self._toggle, "mrsnb-fold")
        self._switch = w.Checkbox(description="on", indent=False, tooltip=f"Run {step}, or leave it out")
        self._switch.observe(self._switched, "value")
        self._is_put = False
        self._state = w.HTML()
        head = w.HBox([self._switch, self._fold, self._state])
        head.add_class("mrsnb-step-head")
        self.form.box.layout.display = "none"
        self.box = w.VBox([head, self.form.box])
        self.box.add_class("mrsnb-step")
        self.box.add_class(f"mrsnb-step-{step}")

    def unfold(self, is_open: bool) -> None:
        """Show the form, or hide it."""
        if is_open:
            self.form.build()
        self.form.box.layout.display = "" if is_open else "none"
        self._fold.description = f"{chr(0x25BE) if is_open else chr(0x25B8)} {self.step}"

    def put(self, draft: Draft, base: Params | None = None) -> None:
        """Show another draft, perhaps against another base."""
        self.form.put(draft, base)

    def refresh(self) -> None:
        """Show whether the step runs, what is changed and what is wrong."""
        is_on = self.form.draft.texts["skip"] != "true"
        self._is_put = True
        self._switch.value = is_on
        self._is_put = False
        marks = self.form.marks
        self.form.refresh()
        if marks.lines and self.form.box.layout.display == "none":
            self.unfold(True)
        says = state(len(self.form.changes), len(marks.lines), marks.rest)
        is_told = self.form.changes or marks.lines or marks.rest
        self._state.value = ("" if is_on else line("off", "mrsnb-state")) + (says if is_told else "")
        (self.box.remove_class if is_on else self.box.add_class)("mrsnb-off")

    def _changed(self) -> None:
        self._edited(self.step)

    def _switched(self, change: Any) -> None:
        if not self._is_put:
            self.form.put(self.form.draft.typed("skip", "false" if change.new else "true"))
            self._edited(self.step)

    def _toggle(self) -> None:
        self.unfold(self.form.box.layout.display == "none")


def _kept(told: Settings) -> str:
    """Return what a file said besides parameters."""
    files: dict[str, Path] = told.overrides
    said = [f"override_{kind} = {path}" for kind, path in files.items()]
    said += [f"{name} = {value}" for name, value in told.places.items()]
    return f" From the file: {', '.join(said)}." if said else ""
