"""Parameters as text: what is pasted, or written to a file, is the same parameters again."""

import ast
import shlex
from dataclasses import replace
from unittest import mock

import papermill.cli
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from parameters import params, runs

import mrsnb
from mrsnb import cli, templates
from mrsnb.errors import OutputError, ParamError
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import Spec3Params, presets
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.parameter_files import read_params, write_params
from mrsnb.pipeline.settings import AMONG_OTHERS, Settings
from mrsnb.pipeline.snippets import as_command, as_papermill, as_python, as_yaml, papermill_parameters
from mrsnb.steps.cube_build import CubeBuildParams
from mrsnb.steps.residual_fringe import ResidualFringeParams

STEPS = list(step_types())
ALL = pytest.mark.parametrize("step", STEPS)
RUNS = pytest.mark.parametrize("step", list(Spec3Params.steps()))
few = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
some_preset = st.sampled_from(sorted(presets()))


def alone(made):
    """Return parameters of a step as it heeds them by itself."""
    usual = type(made)()
    return made.updated({name: getattr(usual, name) for name in AMONG_OTHERS})


def ran(line, target):
    """Return what a command line would have run with: the parameters that reach `target`."""
    with mock.patch(target) as target_called:
        target_called.return_value = iter(())
        result = CliRunner().invoke(cli.main, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return target_called.call_args.args


def injected(line):
    """Return the parameters that the template makes of a papermill command, which papermill itself reads."""
    with mock.patch("papermill.cli.execute_notebook") as execute:
        result = CliRunner().invoke(papermill.cli.papermill, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    book = load_notebook_node(str(templates.folder() / "spec3_mrs.ipynb"))
    told = parameterize_notebook(book, execute.call_args.kwargs["parameters"])
    scope = {"mrsnb": mrsnb}
    for cell in told.cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.tags) or cell.source.startswith("params = "):
            exec(cell.source, scope)  # noqa: S102
    return scope["params"]


def made_by(source):
    ast.parse(source)
    scope = {}
    exec(source, scope)  # noqa: S102
    return scope["params"]


@ALL
@few
@given(data=st.data())
def test_a_step_from_its_python(step, data):
    made = data.draw(params(step_types()[step]))
    assert made_by(as_python(made)) == made


@ALL
@pytest.mark.parametrize("suffix", [".yaml", ".toml", ".asdf"])
@few
@given(data=st.data())
def test_a_step_from_its_file(step, suffix, data, tmp_path):
    made = data.draw(params(step_types()[step]))
    path = tmp_path / f"p{suffix}"
    write_params(path, Settings(params=made, overrides={}, places={}))
    read = read_params(path, type(made)).params
    assert (alone(read), alone(made)) == (alone(made), alone(read))
    if suffix != ".asdf":
        assert read == made


@ALL
@few
@given(data=st.data())
def test_a_step_from_its_command_line(step, data):
    made = alone(data.draw(params(step_types()[step])))
    told = ran(as_command(made), "mrsnb.stepwise.run_step")[2]
    assert alone(told) == made


@RUNS
@few
@given(data=st.data(), preset=some_preset)
def test_a_step_from_its_papermill_parameters(step, data, preset):
    made = data.draw(params(step_types()[step]))
    line = as_papermill(made, preset=preset)
    try:
        replace(Spec3Params.preset(preset), **{step: made})
    except ParamError:
        reject()  # it contradicts another step of the preset
    assert getattr(injected(line), step) == made


@few
@given(made=runs(), preset=some_preset)
def test_a_run_from_its_python(made, preset):
    assert made_by(as_python(made, preset=preset)) == made


@few
@given(made=runs(), preset=some_preset)
def test_a_run_from_its_command_line(made, preset):
    told = ran(as_command(made, preset=preset), "mrsnb.cli.level3.process")[1]
    assert told.params == made


@few
@given(made=runs(), preset=some_preset)
def test_a_run_from_its_papermill_parameters(made, preset):
    assert injected(as_papermill(made, preset=preset)) == made


@pytest.mark.parametrize("suffix", [".yaml", ".toml", ".asdf"])
@few
@given(made=runs())
def test_a_run_from_its_file(suffix, made, tmp_path):
    path = tmp_path / f"p{suffix}"
    write_params(path, Settings(params=made, overrides={}, places={}))
    assert read_params(path, Spec3Params).params == made


def test_what_does_not_exist_is_not_offered():
    assert as_command(ResidualFringeParams()) is None
    assert as_papermill(step_types()["combine_1d"]()) is None


def test_only_steps_have_asdf_files(tmp_path):
    with pytest.raises(OutputError, match=r"ResidualFringeParams is of no step.* use \.yaml"):
        write_params(tmp_path / "p.asdf", Settings(params=ResidualFringeParams(), overrides={}, places={}))


@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
@few
@given(made=params(ResidualFringeParams))
def test_parameters_of_no_step_from_their_file(suffix, made, tmp_path):
    path = tmp_path / f"p{suffix}"
    write_params(path, Settings(params=made, overrides={}, places={}))
    assert read_params(path, ResidualFringeParams).params == made
    assert made_by(as_python(made)) == made


def test_the_text_of_a_file_is_the_file(tmp_path):
    made = CubeBuildParams(channel="2")
    write_params(tmp_path / "p.yaml", Settings(params=made, overrides={}, places={}))
    assert (tmp_path / "p.yaml").read_text() == as_yaml(made)


def test_a_file_that_says_what_is_not_allowed_is_named(tmp_path):
    (tmp_path / "p.yaml").write_text("parameters: {max_amp: -1}")
    with pytest.raises(ParamError, match=r"p\.yaml: max_amp = -1.*>= 0"):
        read_params(tmp_path / "p.yaml", ResidualFringeParams)


CHANGED = {
    "assign_mtwcs": {"save_results": True},
    "master_background": {"median_kernel": 5},
    "mrs_imatch": {"bkg_degree": 2},
    "outlier_detection": {"snr": (6.5, 5.5)},
    "adaptive_trace_model": {"skip": False, "fit_threshold": 8.0},
    "pixel_replace": {"skip": False, "algorithm": "trace_model"},
    "cube_build": {"channel": "1", "scalexy": 0.25, "skip_dqflagging": True},
    "extract_1d": {"ifu_rscale": 1.5},
    "spectral_leak": {"save_results": True},
}


@pytest.mark.slow
def test_a_form_to_the_results_of_all_steps_through_papermill(small_dataset, tmp_path):
    form = mrsnb.controls("quicklook")
    assert set(CHANGED) == set(form.steps)
    form.params = form.params.updated({**CHANGED, "outlier_detection": CHANGED["outlier_detection"] | {"skip": False}})
    told = papermill_parameters(form.params, preset="quicklook")
    given_files = {"asn_file": str(small_dataset.association), "output_dir": str(tmp_path / "out")}
    done = templates.execute("spec3_mrs", tmp_path / "done.ipynb", {**told, **given_files}, progress=False)
    (path,) = (tmp_path / "out").glob("*_s3d.fits")
    cube = read_s3d(path)
    assert cube.history["parameters"] == form.params.to_dict()
    assert cube.grid.spaxel_size == pytest.approx(0.25)
    assert path.name in done.read_text()
