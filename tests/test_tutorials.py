"""The notebooks in `notebooks/tutorials/`: they are kept without outputs, and run from a clean folder."""

import nbformat
import papermill
import pytest

from mrsnb import templates

TUTORIALS = sorted((templates.folder() / "tutorials").glob("*.ipynb"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_is_kept_without_outputs_and_explains_each_cell(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.cells[0].source.startswith("# ")
    assert len(notebook.cells) - len(code) > len(code) / 2


@pytest.mark.slow
def test_level3_mrs_runs_headless_on_a_small_case(tmp_path):
    small = {"work_dir": "made", "dithers": 1, "sub_bands": ["short"]}
    source, done = templates.folder() / "tutorials" / "level3_mrs.ipynb", tmp_path / "done.ipynb"
    papermill.execute_notebook(str(source), str(done), small, cwd=str(tmp_path), progress_bar=False)
    bands = [f"ch{channel}-short" for channel in (1, 2, 3, 4)]
    expected = {f"star_{band}_{kind}.fits" for band in bands for kind in ("s3d", "x1d")}
    assert {path.name for path in (tmp_path / "made" / "products").iterdir()} == expected
    outputs = [item for cell in nbformat.read(done, as_version=4).cells for item in cell.get("outputs", ())]
    assert sum("image/png" in item.get("data", {}) for item in outputs) == 2
    said = "".join(item.text for item in outputs if item.output_type == "stream")
    assert '"asn_type": "spec3"' in said
    assert said.index("assign_mtwcs  ") < said.index("cube_build  ") < said.index("extract_1d  ")
    assert "agree      yes" in said, "strun and spec3 make the same"
    assert "error" not in said
