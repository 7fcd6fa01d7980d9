"""One line that declares a parameter is all it takes: form, command line, template, help and file have it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click
from click.testing import CliRunner

import mrsnb
from mrsnb import templates
from mrsnb.cli.options import ParamCommand, given, param_options
from mrsnb.core.params import param
from mrsnb.pipeline import Spec3Params
from mrsnb.pipeline.parameter_files import read_params, write_params
from mrsnb.pipeline.settings import Settings
from mrsnb.pipeline.snippets import as_python
from mrsnb.steps.params import StepParams
from mrsnb.widgets.controls import Controls
from mrsnb.widgets.pipeline_controls import PipelineControls

LINE = '    glow: float | None = param(None, "How much a cube glows.", unit="Jy", low=0.0, high=5.0)\n'
BEFORE = "    scalew: float | None = param(\n"
ALL_FIVE = """
import mrsnb, papermill
from click.testing import CliRunner
from pathlib import Path
from unittest import mock
from mrsnb.cli import main

form = mrsnb.controls("cube_build")
form._form.fields["glow"].input.value = "9"
assert form.error == "glow = 9.0: must be a number from 0 to 5 (Jy) or None", form.error
form._form.fields["glow"].input.value = "2.5"
assert form.params.glow == 2.5

with mock.patch("mrsnb.stepwise.run_step", return_value=iter(())) as run:
    assert CliRunner().invoke(main, ["run", "cube_build", "x.fits", "--glow=2.5"]).exit_code == 0
assert run.call_args.args[2] == form.params

help = " ".join(CliRunner().invoke(main, ["run", "cube_build", "--help"]).output.split())
assert "--glow X|none How much a cube glows. [Jy; 0 to 5; default none]" in help, help
help = " ".join(CliRunner().invoke(main, ["spec3", "--help"]).output.split())
assert "--steps.cube_build.glow X|none How much a cube glows." in help

told = CliRunner().invoke(main, ["params", "--steps.cube_build.glow=2.5", "-o", "run.toml"])
assert told.exit_code == 0, told.output
assert "glow = 2.5" in Path("run.toml").read_text()
assert mrsnb.controls("run.toml").params.cube_build.glow == 2.5

from mrsnb import template_cells, templates, tuning

(told,) = (p for p in templates.template("cube_build").parameters if p.name == "glow")
assert told.help == "[Jy; 0 to 5] How much a cube glows.", told
assert tuning.step_params("cube_build", {"glow": "2.5"}).glow == 2.5
template_cells._update()
assert papermill.inspect_notebook("notebooks/cube_build.ipynb")["glow"]["help"] == told.help

papermill.execute_notebook("template.ipynb", "done.ipynb", {"steps": {"cube_build": {"glow": 2.5}}},
                           kernel_name="python3", progress_bar=False)
text = Path("done.ipynb").read_text()
assert "How much a cube glows." in text and "2.5" in text
"""


@dataclass(frozen=True, kw_only=True)
class ToyParams(StepParams):
    """Parameters of a step that does nothing."""

    depth: int = param(3, "How deep to dig.", unit="m", low=1, high=9)


@dataclass(frozen=True, kw_only=True)
class ToySpec3Params(Spec3Params):
    """Parameters of a run with one step more."""

    toy: ToyParams = field(default_factory=ToyParams)


def test_a_toy_step_is_in_the_form_of_its_run():
    form = PipelineControls(ToySpec3Params())
    form.unfold("toy")
    form.steps["toy"].fields["depth"].input.value = "5"
    assert form.params == ToySpec3Params(toy=ToyParams(depth=5))
    assert "'toy': {'depth': 5}" in repr(form)


def test_one_line_in_a_step_is_enough(tmp_path):
    """In a copy of the sources, with nothing changed but one line in ``cube_build/params.py``."""
    package = Path(mrsnb.__file__).parent
    shutil.copytree(package, tmp_path / "mrsnb", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(templates.folder(), tmp_path / "notebooks")
    source = tmp_path / "mrsnb" / "steps" / "cube_build" / "params.py"
    text = source.read_text()
    assert text.count(BEFORE) == 1
    source.write_text(text.replace(BEFORE, LINE + BEFORE))
    _cut_template(tmp_path / "template.ipynb")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALL_FIVE],
        cwd=tmp_path, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def _cut_template(path):
    """Write the template up to the cell that shows the parameters: the rest computes."""
    import nbformat

    book = nbformat.read(templates.folder() / "spec3_mrs.ipynb", as_version=4)
    (last,) = (i for i, cell in enumerate(book.cells) if cell.source.startswith("params = "))
    book.cells = book.cells[: last + 1]
    nbformat.write(book, path)


def test_a_toy_step_has_form_options_help_python_and_file(tmp_path):
    form = Controls(ToyParams)
    form._form.fields["depth"].input.value = "11"
    assert form.error == "depth = 11: must be a whole number from 1 to 9 (m)"
    form._form.fields["depth"].input.value = "4"
    assert form.params == ToyParams(depth=4)

    heard = []

    @click.pass_context
    def run(ctx):
        heard.append(ToyParams.from_dict(given(ctx, {"toy": ToyParams})["toy"]))

    command = click.command("toy", cls=ParamCommand, groups=lambda: {"Toy": param_options(ToyParams, "toy")})(run)
    CliRunner().invoke(command, ["--depth=4"], catch_exceptions=False)
    assert heard == [form.params]
    assert "How deep to dig.  [m; 1 to 9; default" in CliRunner().invoke(command, ["--help"]).output

    for suffix in (".yaml", ".toml"):
        path = tmp_path / f"toy{suffix}"
        write_params(path, Settings(params=form.params, overrides={}, places={}))
        assert read_params(path, ToyParams).params == form.params
    assert as_python(form.params).endswith("params = ToyParams(depth=4)")
