"""Forms without a browser: what is typed, what it is worth, what is said of it, what is written."""

from dataclasses import dataclass, replace
from typing import Literal

import ipywidgets
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parameters import can_be_wrong, params, wrong_texts

import mrsnb
from mrsnb.core.params import Params, param
from mrsnb.display.markup import escape
from mrsnb.errors import InputError, ParamError
from mrsnb.pipeline import Spec3Params, presets
from mrsnb.pipeline.official import step_types
from mrsnb.steps.cube_build import CubeBuildParams
from mrsnb.steps.extract_1d import Extract1dParams
from mrsnb.steps.residual_fringe import ResidualFringeParams
from mrsnb.widgets.controls import Controls
from mrsnb.widgets.draft import Draft
from mrsnb.widgets.pipeline_controls import PipelineControls

KINDS = {**step_types(), "residual_fringe": ResidualFringeParams}
ALL = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
few = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True, kw_only=True)
class ToyParams(Params):
    """Every kind of parameter, once."""

    depth: int = param(3, "How deep.", unit="m", low=1, high=9)
    ratio: float | None = param(0.5, "How much; None leaves it open.")
    mode: Literal["a", "b"] | None = param(None, "Which; None takes both.")
    flag: bool = param(True, "Whether.")
    perhaps: bool | None = param(None, "Whether, or None.")
    pair: tuple[int, int] = param((1, 2), "Two.")
    ranges: tuple[tuple[float, float], ...] = param((), "Some.", advanced=True)
    name: str = param("x", "Called.")
    path: str | None = param(None, "A file.", file=True)


def fields(form):
    """Return the rows of a form by name, the advanced ones too."""
    form._form.build()
    if form._form._fold is not None and not form._form._advanced.children:
        form._form._fold.click()
    return form._form.fields


def type_in(form, name, text):
    widget = fields(form)[name].input
    widget.value = text == "true" if isinstance(widget, ipywidgets.Checkbox) else text


def said(form):
    """Return the lines below fields, by name."""
    lines = {name: field._line.value for name, field in fields(form).items() if field._line is not None}
    return {name: html for name, html in lines.items() if html}


def everything(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def press(form, label):
    """Press the one button with this label."""
    (button,) = [
        w
        for w in everything(form)
        if isinstance(w, ipywidgets.Button | ipywidgets.ToggleButton) and w.description == label
    ]
    if isinstance(button, ipywidgets.Button):
        button.click()
    else:
        button.value = not button.value


# values in, values out


@ALL
@given(data=st.data())
@few
def test_what_is_set_is_shown_and_read_back(kind, data):
    made = data.draw(params(kind))
    form = Controls(kind, leave_out=())
    form.params = made
    assert (form.params, form.value, form.error) == (made, made, "")
    other = Controls(kind, leave_out=())
    shown = {name: field.text for name, field in fields(form).items()}
    for name, text in data.draw(st.permutations(sorted(shown.items()))):
        type_in(other, name, text)
    assert other.params == made
    assert other._form.changes == {n for n in shown if getattr(made, n) != kind.spec(n).default}
    form.close()
    other.close()


@ALL
@given(data=st.data())
@few
def test_what_is_not_allowed_stays_and_is_explained_in_place(kind, data):
    possible = [spec for spec in kind.specs() if can_be_wrong(spec)]
    if not possible:
        return
    spec = data.draw(st.sampled_from(possible))
    text = data.draw(wrong_texts(spec))
    form = Controls(kind, leave_out=())
    before = form.value
    type_in(form, spec.name, text)
    with pytest.raises(ParamError) as reason:
        spec.from_text(text)
    assert form.error == str(reason.value)
    assert said(form) == {spec.name: f'<div class="mrsnb-wrong-line" role="alert">{escape(str(reason.value))}</div>'}
    assert Draft.of(before).typed(spec.name, text).errors == {spec.name: str(reason.value)}
    assert fields(form)[spec.name].input.value == text
    assert form.value == before
    with pytest.raises(ParamError) as reason:
        _ = form.params
    assert str(reason.value) == form.error
    fields(form)[spec.name]._reset.click()
    assert (form.params, form.error, said(form)) == (before, "", {})
    form.close()


def test_each_type_has_its_widget_and_none_is_a_state_to_return_to():
    form = Controls(ToyParams)
    kinds = {name: type(field.input).__name__ for name, field in fields(form).items()}
    assert kinds == {
        "depth": "Text",
        "ratio": "Text",
        "mode": "Dropdown",
        "flag": "Checkbox",
        "perhaps": "Dropdown",
        "pair": "Text",
        "ranges": "Text",
        "name": "Text",
        "path": "Text",
    }
    assert fields(form)["ratio"].input.placeholder == "None leaves it open"
    assert fields(form)["mode"].input.options == (("None takes both", ""), ("a", "a"), ("b", "b"))
    for text, value in (("", None), ("0", 0.0), ("none", None), ("0.25", 0.25)):
        type_in(form, "ratio", text)
        assert form.params.ratio == value
    type_in(form, "ranges", "8,8.2; 9 9.5")
    assert form.params.ranges == ((8.0, 8.2), (9.0, 9.5))
    for text in ("8", "8,9,10", "a,b"):
        type_in(form, "ranges", text)
        assert form.error.startswith("ranges = ")


def test_text_is_shown_as_text():
    form = Controls(ToyParams)
    type_in(form, "depth", "<img src=x onerror=alert(1)>")
    assert "<img" not in said(form)["depth"]
    assert "&lt;img" in said(form)["depth"]
    type_in(form, "depth", "4")
    type_in(form, "name", "</textarea><script>alert(1)</script>")
    press(form, "Python")
    assert "<script" not in form._share._shown.value
    assert not any(
        widget.description_allow_html for widget in everything(form) if hasattr(widget, "description_allow_html")
    )


def test_observers_hear_of_values_and_errors_once():
    form, heard = Controls(CubeBuildParams), []
    form.observe(lambda change: heard.append((change.name, change.new)), ["value", "error"])
    type_in(form, "channel", "2")
    assert heard == [("value", CubeBuildParams(channel="2"))]
    heard.clear()
    type_in(form, "nspax_x", "4")
    assert [name for name, _ in heard] == ["error"]
    heard.clear()
    form.params = CubeBuildParams(weighting="msm", weight_power=3.0)
    assert heard == [("value", form.params), ("error", "")] or heard == [("error", ""), ("value", form.params)]


def test_a_form_is_of_one_type():
    form = Controls(CubeBuildParams)
    with pytest.raises(ParamError, match="params = Extract1dParams: this form is of CubeBuildParams"):
        form.params = Extract1dParams()


def test_a_file_that_is_not_there_is_remarked_but_allowed(tmp_path):
    form = Controls(Extract1dParams)
    type_in(form, "extraction_region", str(tmp_path / "a.reg"))
    assert said(form)["extraction_region"] == '<div class="mrsnb-remark">no such file</div>'
    assert form.error == ""
    (tmp_path / "a.reg").touch()
    type_in(form, "extraction_region", f"{tmp_path}/./a.reg")
    assert said(form) == {}


def test_a_form_without_a_browser_says_what_it_holds():
    form = Controls(CubeBuildParams)
    type_in(form, "channel", "2")
    assert repr(form) == "Controls: params = CubeBuildParams(channel='2')"
    type_in(form, "scalexy", "x")
    assert repr(form).startswith("Controls: scalexy = 'x': must be")
    assert repr(PipelineControls()) == "PipelineControls: params = Spec3Params.preset('archive')"


# conflicts


def test_a_conflict_is_said_at_the_field_that_was_edited():
    form = Controls(CubeBuildParams)
    type_in(form, "rois", "0.2")
    assert list(said(form)) == ["rois"]
    assert "weighting = &#x27;emsm&#x27;" in said(form)["rois"]
    type_in(form, "weighting", "emsm")
    assert (said(form), form.error, form.params.rois) == ({}, "", 0.2)
    type_in(form, "weighting", "drizzle")
    assert list(said(form)) == ["weighting"]
    assert "mrsnb-wrong" in fields(form)["rois"].row._dom_classes
    assert "mrsnb-wrong" not in fields(form)["roiw"].row._dom_classes


def test_a_conflict_is_said_beside_other_errors_unless_it_comes_of_them():
    form = Controls(CubeBuildParams)
    type_in(form, "rois", "0.2")
    type_in(form, "scalexy", "x")
    assert set(said(form)) == {"rois", "scalexy"}
    assert form._state.value.count("2 problems") == 1
    other = Controls(CubeBuildParams)
    type_in(other, "ra_center", "x")
    type_in(other, "dec_center", "3")
    assert set(said(other)) == {"ra_center"}


def test_an_advanced_field_shows_itself_when_it_matters():
    form = Controls(CubeBuildParams)
    assert form._form._advanced.layout.display == "none"
    form.params = CubeBuildParams(weighting="msm", weight_power=3.0)
    assert form._form._advanced.layout.display == ""
    type_in(form, "weighting", "emsm")
    assert list(said(form)) == ["weighting"]


# changes and resets


def test_changes_are_marked_counted_and_taken_back():
    form = Controls(Extract1dParams)
    type_in(form, "ifu_rscale", "1.5")
    type_in(form, "ifu_autocen", "true")
    marked = {name for name, field in fields(form).items() if "mrsnb-changed" in field.row._dom_classes}
    assert marked == {"ifu_rscale", "ifu_autocen"}
    assert "2 changed" in form._state.value
    assert fields(form)["ifu_rscale"]._reset.tooltip == "Reset ifu_rscale to none"
    fields(form)["ifu_rscale"]._reset.click()
    assert form.params == Extract1dParams(ifu_autocen=True)
    press(form, "Reset all")
    assert form.params == Extract1dParams()
    assert "nothing changed" in form._state.value


# files


@pytest.mark.parametrize("suffix", [".yaml", ".toml", ".asdf"])
def test_a_form_is_saved_and_loaded(suffix, tmp_path):
    path = tmp_path / f"cubes{suffix}"
    form = Controls(CubeBuildParams)
    form.params = CubeBuildParams(channel="3", scalexy=0.2)
    press(form, "Save, load")
    form._share._path.value = str(path)
    press(form, "Save")
    assert "Saved" in form._share._said.value
    kept = path.read_bytes()
    type_in(form, "channel", "1")
    press(form, "Save")
    assert "is there already" in form._share._said.value
    assert path.read_bytes() == kept
    press(form, "Load")
    assert form.params == CubeBuildParams(channel="3", scalexy=0.2)
    type_in(form, "channel", "4")
    press(form, "Save")
    press(form, "Save")
    assert path.read_bytes() != kept
    assert mrsnb.controls(path).params.channel == "4"


def test_what_cannot_be_saved_or_loaded_is_said_in_place(tmp_path):
    form = Controls(CubeBuildParams)
    for name, label, words in (
        ("", "Save", "which file?"),
        (str(tmp_path / "x.txt"), "Save", "ends in .yaml"),
        (str(tmp_path / "no" / "x.yaml"), "Save", "directory does not exist"),
        (str(tmp_path / "none.yaml"), "Load", "No such file"),
    ):
        form._share._path.value = name
        press(form, label)
        assert words in form._share._said.value
    (tmp_path / "bad.yaml").write_text("steps: {cube_build: {channel: 7}}")
    before = form.params
    form._share._path.value = str(tmp_path / "bad.yaml")
    press(form, "Load")
    assert "cube_build.channel" in form._share._said.value
    assert form.params == before
    assert not list(tmp_path.glob(".mrsnb*"))
    type_in(form, "scalexy", "x")
    form._share._path.value = str(tmp_path / "x.yaml")
    press(form, "Save")
    assert "scalexy = " in form._share._said.value
    assert not (tmp_path / "x.yaml").exists()


def test_the_text_to_copy_follows_the_form():
    form = Controls(CubeBuildParams)
    press(form, "Command line")
    type_in(form, "channel", "2")
    assert "mrsnb run cube_build INPUTS --channel=2</textarea>" in form._share._shown.value
    type_in(form, "scalexy", "x")
    assert "textarea" not in form._share._shown.value
    assert "Nothing to copy yet: scalexy" in form._share._shown.value
    press(form, "YAML")
    assert not form._share._tabs["Command line"].value
    press(form, "YAML")
    assert form._share._shown.value == ""


# a whole run


def step_field(form, step, name):
    form.unfold(step)
    panel = form.steps[step]
    if name not in panel.fields:
        panel._fold.click()
    return panel.fields[name]


def test_a_run_has_its_steps_in_order_and_switches_are_skip():
    form = mrsnb.controls()
    assert list(form.steps) == list(Spec3Params.steps())
    assert form.params == Spec3Params.preset("archive")
    for step, panel in form._panels.items():
        assert panel._switch.value is not getattr(form.params, step).skip
        panel._switch.value = not panel._switch.value
        assert panel._switch.value is not getattr(form.params, step).skip
        assert "1 changed" in panel._state.value
        assert ("off" in panel._state.value) is getattr(form.params, step).skip
    assert "9 changed" in form._state.value
    press(form, "Reset all")
    assert form.params == Spec3Params.preset("archive")


def test_steps_that_contradict_each_other_are_told_at_the_field():
    form = PipelineControls()
    step_field(form, "cube_build", "weighting").input.value = "emsm"
    field = step_field(form, "extract_1d", "ifu_covar")
    field.input.value = "drizzle"
    assert form.error.startswith("extract_1d.ifu_covar = 'drizzle' and cube_build.weighting = 'emsm'")
    assert "the covariance is known of drizzled cubes only" in field._line.value
    assert form.value.extract_1d.ifu_covar == "none"
    with pytest.raises(ParamError, match="drizzled cubes only"):
        _ = form.params
    step_field(form, "cube_build", "weighting").input.value = "msm"
    assert field._line.value == ""
    assert "drizzled" in step_field(form, "cube_build", "weighting")._line.value
    step_field(form, "cube_build", "weighting").input.value = "drizzle"
    assert form.error == ""
    assert form.params.extract_1d.ifu_covar == "drizzle"


def test_an_error_of_a_step_names_it():
    form = PipelineControls()
    step_field(form, "cube_build", "scalexy").input.value = "x"
    assert form.error.startswith("cube_build.scalexy = 'x'")
    step_field(form, "cube_build", "scalexy").input.value = ""
    step_field(form, "cube_build", "rois").input.value = "1"
    assert form.error == "cube_build: rois and roiw go with weighting = 'emsm' or 'msm'"


@pytest.mark.parametrize("name", presets())
def test_another_preset_keeps_what_was_changed(name):
    form = PipelineControls()
    step_field(form, "cube_build", "channel").input.value = "2"
    form.preset = name
    assert form.params == Spec3Params.preset(name).updated({"cube_build": {"channel": "2"}})
    assert "1 changed" in form._state.value
    assert presets()[name]["help"][:20] in form._about.value
    form.reset()
    assert form.params == Spec3Params.preset(name)


def test_what_a_file_says_besides_is_kept(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "parameters: {output_dir: there}\nsteps: {extract_1d: {override_apcorr: mine.asdf, ifu_rscale: 2.0}}\n"
    )
    form = mrsnb.controls(path)
    assert form.params.extract_1d.ifu_rscale == 2.0
    assert "override_apcorr = mine.asdf, output_dir = there" in form._about.value
    press(form, "Command line")
    assert "--steps.extract_1d.override_apcorr=mine.asdf" in form._share._shown.value
    form._share._path.value = str(tmp_path / "again.yaml")
    press(form, "Save")
    assert mrsnb.controls(tmp_path / "again.yaml").told.overrides == form.told.overrides


# what there is a form for


def test_a_form_is_found_for_whatever_holds_parameters(tmp_path):
    assert mrsnb.controls("mrs_imatch").params.subtract is True  # as the step by itself does
    assert mrsnb.controls("quicklook").preset == "quicklook"
    assert mrsnb.controls(CubeBuildParams(channel="1")).params.channel == "1"
    assert mrsnb.controls(ToyParams).params == ToyParams()
    assert mrsnb.controls(Spec3Params()).params == Spec3Params()
    assert mrsnb.controls(Spec3Params).params == Spec3Params.preset("archive")
    with pytest.raises(ParamError, match="did you mean 'cube_build'"):
        mrsnb.controls("cube_buidl")
    with pytest.raises(InputError, match="cannot be read"):
        mrsnb.controls(tmp_path / "none.yaml")
    with pytest.raises(ParamError, match="must be a step"):
        mrsnb.controls(3)


def test_a_closed_form_leaves_nothing_open():
    open_before = set(ipywidgets.widgets.widget._instances)
    for form in (Controls(CubeBuildParams), PipelineControls()):
        if isinstance(form, PipelineControls):
            form.unfold("extract_1d")
        form.params = form.params if isinstance(form, PipelineControls) else replace(form.params, channel="2")
        press(form, "YAML")
        form.close()
    assert set(ipywidgets.widgets.widget._instances) <= open_before


def test_a_form_is_small_and_quick_to_build():
    before = len(ipywidgets.widgets.widget._instances)
    PipelineControls()
    assert len(ipywidgets.widgets.widget._instances) - before < 400
