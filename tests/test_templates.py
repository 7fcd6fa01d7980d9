"""The notebooks in `notebooks/`: what they hold, what they take, and that they run."""

import ast
import re

import nbconvert
import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError

from mrsnb import templates
from mrsnb.demo import demo
from mrsnb.errors import InputError, MrsnbError, ParamError
from mrsnb.pipeline import presets
from mrsnb.template_cells import fresh, notebook_in, written

SMALL = {"name": "tiny", "sub_bands": ["short"], "detectors": ["MIRIFULONG"], "dithers": 1}


@pytest.fixture(scope="module")
def shown(module_folder):
    """A demo of one exposure, made in a folder that holds a file of the user's."""
    folder = module_folder("demo")
    (folder / "notes.txt").write_text("mine")
    return demo(folder, progress=False, **SMALL)


def sources(name, tag=None):
    notebook = nbformat.read(templates.folder() / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source for cell in cells if tag is None or tag in cell.metadata.get("tags", [])]


# what they hold


@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_a_story_without_logic_or_outputs(name):
    notebook = nbformat.read(templates.folder() / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z0-9-]+", cell.id), "an id that says what the cell is, which no editor changes"
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    logic = (ast.For, ast.While, ast.If, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Try)
    for source in sources(name):
        assert not any(isinstance(node, logic) for node in ast.walk(ast.parse(source)))
        assert not re.search(r"^\s*#.*[=(]", source, re.MULTILINE), "an option that is commented out"


@pytest.mark.parametrize("name", templates.names())
def test_parameters_are_commented_literals_and_all_used(name):
    (cell,) = sources(name, "parameters")
    others = {
        node.id
        for source in sources(name)
        if source != cell
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name)
    }
    declared = [
        (statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]).id
        for statement in ast.parse(cell).body
    ]
    for statement in ast.parse(cell).body:
        ast.literal_eval(statement.value)
    found = templates.template(name).parameters
    assert [p.name for p in found] == declared
    for parameter in found:
        assert parameter.kind in ("str", "int", "float", "bool", "dict", "list", "str|list")
        assert len(parameter.help) > 10
        assert parameter.name in others or f'mrsnb.tune("{name}", vars())' in "\n".join(sources(name))


@pytest.mark.parametrize("name", templates.names())
def test_papermill_reads_the_parameters_as_we_do(name):
    found = papermill.inspect_notebook(str(templates.folder() / f"{name}.ipynb"))
    told = [(p["name"], p["inferred_type_name"], p["default"], p["help"]) for p in found.values()]
    assert told == [(p.name, p.kind, p.default, p.help) for p in templates.template(name).parameters]


@pytest.mark.parametrize("name", templates.names())
def test_the_parameters_of_steps_are_as_they_are_declared(name):
    path = templates.folder() / f"{name}.ipynb"
    assert written(fresh(name, notebook_in(path))) == path.read_text(encoding="utf-8"), (
        "run: python -m mrsnb.template_cells"
    )


def test_the_presets_that_the_template_names_are_all_there_are():
    (cell,) = sources("spec3_mrs", "parameters")
    assert set(
        re.findall(r'"([\w.-]+)"', next(line for line in cell.splitlines() if line.startswith("preset")))
    ) == set(presets())


def test_a_template_shows_its_parameters():
    text = repr(templates.template("spec3_mrs"))
    assert "asn_file" in text
    assert "association to process" in text
    assert "<table" in templates.template("spec3_mrs")._repr_mimebundle_()["text/html"]


# what they take


def test_unknown_names_are_refused_with_the_nearest(tmp_path):
    with pytest.raises(InputError, match="template 'spec3_mrz': unknown; did you mean 'spec3_mrs'"):
        templates.template("spec3_mrz")
    with pytest.raises(ParamError, match="unknown parameter 'asn_fiel'; did you mean 'asn_file'"):
        templates.execute("spec3_mrs", tmp_path / "out.ipynb", {"asn_fiel": "x.json"}, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_bad_value_is_one_line_in_the_notebook_and_the_error_of_the_call(tmp_path):
    output = tmp_path / "deep" / "out.ipynb"
    with pytest.raises(ParamError, match=r"^cube_build: unknown parameter 'chanel'; did you mean 'channel'\?$"):
        templates.execute("spec3_mrs", output, {"steps": {"cube_build": {"chanel": 1}}}, progress=False)
    errors = [
        item
        for cell in nbformat.read(output, as_version=4).cells
        for item in cell.get("outputs", ())
        if item.output_type == "error"
    ]
    said = ["ParamError: " + errors[0].evalue, "See notebooks/tutorials/03_tune_a_step.ipynb"]
    assert [error.traceback for error in errors] == [said]


def test_a_module_among_the_data_is_not_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mrsnb", "numpy", "astropy", "dateutil"):
        (tmp_path / f"{name}.py").write_text("import pathlib; pathlib.Path('imported').touch()\n")
    with pytest.raises(InputError, match="no such"):
        templates.execute("compare_runs", tmp_path / "a.ipynb", {"dir_a": "none", "dir_b": "none"}, progress=False)
    assert not (tmp_path / "imported").exists()


def test_an_error_that_is_not_ours_says_where_to_look(tmp_path):
    class Foreign:
        ename, evalue, exec_count = "KeyError", "'x'", 3

    error = templates._cause(Foreign, tmp_path / "out.ipynb")
    assert type(error) is MrsnbError
    assert str(error) == f"{tmp_path / 'out.ipynb'}: cell 3 failed: KeyError: 'x'; the notebook shows the rest"


# that they run


def test_a_demo_leaves_products_notebook_report_and_pictures(shown):
    made = {path.name for path in shown.folder.iterdir()}
    products = {f"tiny_ch{c}-short_{suffix}.fits" for c in (3, 4) for suffix in ("s3d", "x1d")}
    assert products | {"input", "notes.txt", "spec3_mrs.ipynb", "report.html", "cubes.png", "spectrum.png"} <= made
    assert (shown.folder / "notes.txt").read_text() == "mine"
    for place in ("spec3_mrs.ipynb", "report.html", "cubes.png", "spectrum.png"):
        assert str(shown.folder / place) in repr(shown)


def test_the_executed_notebook_can_be_read_without_a_kernel(shown):
    notebook = nbformat.read(shown.notebook, as_version=4)
    outputs = [item for cell in notebook.cells for item in cell.get("outputs", ())]
    assert {item.output_type for item in outputs} == {"execute_result"}, "no stream, no leftover progress bar"
    shown_last = [bundle for bundle in (item.data for item in outputs) if "image/png" in bundle]
    assert len(shown_last) == 1
    for bundle in (item.data for item in outputs):
        assert bundle["text/plain"]
        assert "<script" not in bundle["text/html"]
    assert "spec3: tiny" in shown_last[0]["text/plain"]
    assert "widgets" not in notebook.metadata


def test_a_process_that_falls_silent_is_no_file_that_cannot_be_written(tmp_path, monkeypatch):
    told = {}

    def silent(*_, **options):
        told.update(options)
        raise CellTimeoutError("nothing came")

    monkeypatch.setattr(papermill, "execute_notebook", silent)
    with pytest.raises(templates.KernelDied, match="sent nothing for 7 s"):
        templates.execute("compare_runs", tmp_path / "a.ipynb", {}, options=templates.KernelOptions(patience=7))
    assert told["iopub_timeout"] == 7


def test_a_form_in_an_executed_notebook_can_be_read_without_a_kernel(tmp_path, monkeypatch):
    cells = [nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell("import mrsnb; mrsnb.controls('cube_build')"))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "form.ipynb")
    monkeypatch.setattr(templates, "folder", lambda: tmp_path)
    made = templates.execute("form", tmp_path / "done.ipynb", {}, progress=False)
    page, _ = nbconvert.HTMLExporter().from_filename(str(made))
    assert "scalexy" in page.partition("mrsnb-card")[2]


def test_a_demo_uses_its_input_again_if_it_is_the_same(shown, monkeypatch):
    calls = []
    monkeypatch.setattr("mrsnb.templates.execute", lambda *_, **__: shown.notebook)
    monkeypatch.setattr("mrsnb.demo.simulate", lambda *_, **options: calls.append(options) or shown)
    demo(shown.folder, progress=False, **SMALL | {"seed": 1})
    assert (calls[0]["reuse"], calls[0]["seed"]) == (True, 1)


def test_a_demo_refuses_wrong_options_before_it_makes_anything(tmp_path):
    with pytest.raises(ParamError, match="dithers = 0"):
        demo(tmp_path / "new", dithers=0)
    assert not (tmp_path / "new").exists()
