"""The notebooks in `notebooks/tutorials/`: their form, and one of them run; `.ci/binder` runs them all."""

import ast
import tomllib
from pathlib import Path

import nbformat
import papermill
import pytest
from packaging.requirements import Requirement

from mrsnb import templates

TUTORIALS = sorted((templates.folder() / "tutorials").glob("*.ipynb"))
ROOT = Path(__file__).parents[1]


@pytest.fixture(params=TUTORIALS, ids=lambda path: path.stem)
def cells(request):
    notebook = nbformat.read(request.param, as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    return notebook.cells


def test_a_tutorial_is_kept_without_outputs_and_explains_its_cells(cells):
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert cells[0].source.startswith("# ")
    assert len(cells) - len(code) > len(code) / 2
    assert [cell.metadata.get("tags", []) for cell in code].count(["parameters"]) == 1


def test_a_tutorial_has_no_functions_and_leads_on(cells):
    code = [cell.source for cell in cells if cell.cell_type == "code" and not cell.source.startswith("!")]
    made = [node for source in code for node in ast.walk(ast.parse(source))]
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in made)
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for path in TUTORIALS:
        text = text.replace(path.name, "")
    assert ".ipynb`" not in text.replace("`cube_build.ipynb`", "")  # no notebook is named that is not there


def test_numbered_tutorials_have_exercises_and_say_what_goes_wrong():
    assert [path.stem[:2] for path in TUTORIALS if path.stem[0] == "0"] == ["01", "02", "03", "04", "05", "06"]
    for path in TUTORIALS[:6]:
        text = path.read_text(encoding="utf-8")
        assert "## Exercises" in text, path.stem
        assert "What can go wrong" in text, path.stem


def test_binder_pins_all_that_is_needed():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for text in (*project["project"]["dependencies"], *project["build-system"]["requires"]):
        needed = Requirement(text)
        assert needed.name.lower() in pins, needed
        assert needed.specifier.contains(pins[needed.name.lower()]), needed


@pytest.mark.slow
def test_level3_mrs_runs_headless_on_a_small_case(tmp_path):
    small = {"work_dir": "made", "dithers": 1, "sub_bands": ["short"]}
    source, done = templates.folder() / "tutorials" / "level3_mrs.ipynb", tmp_path / "done.ipynb"
    papermill.execute_notebook(str(source), str(done), small, cwd=str(tmp_path), progress_bar=False)
    bands = [f"ch{channel}-short" for channel in (1, 2, 3, 4)]
    expected = {f"star_{band}_{kind}.fits" for band in bands for kind in ("s3d", "x1d")}
    assert {path.name for path in (tmp_path / "made" / "products").glob("*.fits")} == expected
    outputs = [item for cell in nbformat.read(done, as_version=4).cells for item in cell.get("outputs", ())]
    assert sum("image/png" in item.get("data", {}) for item in outputs) == 2
    said = "".join(item.text for item in outputs if item.output_type == "stream")
    assert '"asn_type": "spec3"' in said
    assert said.index("assign_mtwcs  ") < said.index("cube_build  ") < said.index("extract_1d  ")
    assert "agree      yes" in said, "strun and spec3 make the same"
    assert "error" not in said
