"""Single steps and comparisons as the templates do them: what they are told, what they make, what they show."""

import ast
import json
import subprocess
import sys
from dataclasses import replace

import nbformat
import numpy as np
import pytest

from mrsnb import templates
from mrsnb.core.changes import Change, Changes, Look
from mrsnb.errors import InputError, ParamError
from mrsnb.io.input_files import listed_files
from mrsnb.io.run_changes import cube_changes, origins, spectrum_changes
from mrsnb.template_cells import notebook_in
from mrsnb.template_values import checked
from mrsnb.tuning import step_params, tune

INJECTED = "# Parameters\n"


def code_cells(name):
    cells = notebook_in(templates.folder() / f"{name}.ipynb")["cells"]
    return [(cell["id"], "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


def run(name, **given):
    """Run the cells of a template here, without a kernel; return what each shows, by the cell's id."""
    variables, shown = {"In": [""]}, {}
    for i, (key, source) in enumerate(code_cells(name)):
        variables["In"].append(source)
        *body, last = ast.parse(source).body
        if not isinstance(last, ast.Expr):
            body, last = [*body, last], None
        exec(compile(ast.Module(body, []), key, "exec"), variables)  # noqa: S102
        if last is not None:
            shown[key] = eval(compile(ast.Expression(last.value), key, "eval"), variables)  # noqa: S307
        if i == 0:
            variables["In"].append(INJECTED + "\n".join(f"{key} = {value!r}" for key, value in given.items()))
            variables |= given
    return shown


@pytest.fixture(scope="module")
def made(module_folder, small_dataset):
    """Cubes of one observation, built in two ways, and the spectra of each."""
    folder = module_folder("tuned")
    shown = {}
    for name, changed in (("fine", {}), ("coarse", {"scalexy": 0.2})):
        cubes = run("cube_build", files=str(small_dataset.association), output_dir=str(folder / name), **changed)
        pattern = str(folder / name / "*_s3d.fits")
        shown[name] = cubes, run("extract_1d", files=pattern, output_dir=str(folder / name), ifu_rscale=1.5)
    return folder, shown


# what they make and show


def test_cubes_are_written_and_shown_against_those_of_the_defaults(made):
    folder, shown = made
    (usual, _), (cubes, _) = shown["fine"], shown["coarse"]
    assert sorted(path.name for path in (folder / "coarse").glob("*_s3d.fits")) == [
        "small_ch1-short_s3d.fits",
        "small_ch2-short_s3d.fits",
    ]
    assert "scalexy" in [row.name for row in cubes["task"].rows()]
    assert cubes["done"].title == "cube_build: small"
    changes = cubes["changes"]
    assert [change.label for change in changes.changes] == ["1A", "2A"]
    (spaxel,) = (row for row in changes.sections()[0].content.rows if row[:2] == ("1A", "spaxel"))
    assert spaxel[2:] == ("0.130 arcsec", "0.200 arcsec")
    assert changes.drawn[0].png
    assert not usual["changes"].changes
    assert "the parameters are the defaults" in repr(usual["changes"])
    files = [row[0] for row in cubes["written"].sections()[0].content.rows]
    assert files == ["small_ch1-short_s3d.fits", "small_ch2-short_s3d.fits"]


def test_spectra_of_all_cubes_are_one_result(made):
    _, shown = made
    spectra = shown["fine"][1]
    assert [s.label for s in spectra["done"].spectra] == ["1A", "2A"]
    assert len(spectra["done"].centres) == 2
    spaxels = [row for row in spectra["changes"].sections()[0].content.rows if row[1] == "spaxels"]
    assert all(float(row[3]) < float(row[2]) for row in spaxels), "a smaller aperture"


def test_outliers_go_and_the_cube_of_the_band_shows_it(small_dataset, tmp_path):
    shown = run(
        "outlier_detection",
        files=str(small_dataset.association),
        output_dir=str(tmp_path),
        compare_band="2a",
        snr=[8, 6],
    )
    assert {path.name.rpartition("_")[2] for path in tmp_path.iterdir()} == {"crf.fits"}
    (change,) = shown["changes"].changes
    assert change.label == "2A"
    assert np.nanmax(change.after.flux) < np.nanmax(change.before.flux)
    assert np.isfinite(change.percent).any()


def test_a_background_is_taken_out(made, small_dataset, tmp_path):
    folder, _ = made
    exposures = [str(path) for path in small_dataset.exposures]
    shown = run(
        "master_background", files=exposures, backgrounds=str(folder / "fine" / "*_x1d.fits"), output_dir=str(tmp_path)
    )
    assert len(list(tmp_path.glob("*_mbsub.fits"))) == 2
    (change,) = shown["changes"].changes
    assert np.nanmedian(change.percent) < 0


def test_runs_are_compared_by_origin_image_spectrum_and_number(made):
    folder, _ = made
    shown = run("compare_runs", dir_a=str(folder / "fine"), dir_b=str(folder / "coarse"))
    assert ("cube_build", "scalexy", "None", "0.2") in shown["origins"].differences
    assert [change.label for change in shown["cube-changes"].changes] == ["1A", "2A"]
    assert "of other spaxels" in shown["cube-changes"].rows()[-1].value
    assert shown["spectrum-changes"].names == ("fine", "coarse")
    assert not shown["numbers-table"].agree
    assert next(section.title for section in shown["numbers-table"].sections()) == "Parts that differ"


def test_inputs_of_other_kinds_are_counted_and_others_named(made, tmp_path):
    fine = made[0] / "fine"
    copy = tmp_path / "copy"
    copy.mkdir()
    cube, spectrum = sorted(fine.glob("*_ch1-short_*.fits"))
    for name, source in ((cube.name, cube), (spectrum.name, spectrum)):
        (copy / name).symlink_to(source)
    assert origins(fine, copy).products == 2
    assert not origins(fine, copy).differences
    (copy / spectrum.name).unlink()
    (copy / spectrum.name).symlink_to(fine / spectrum.name.replace("ch1", "ch2"))
    found = {row[:2] for row in origins(fine, copy).differences}
    assert found == {("inputs", cube.name), ("inputs", cube.name.replace("ch1", "ch2"))}


def test_a_run_is_identical_with_itself(made):
    folder, _ = made
    fine = folder / "fine"
    assert not origins(fine, fine).differences
    for same in (cube_changes(fine, fine), spectrum_changes(fine, fine)):
        assert {row.value for row in same.rows()} == {"identical"}
        assert same.names == ("first", "second")


def test_folders_that_cannot_be_compared_are_told(made, tmp_path):
    with pytest.raises(InputError, match="gone: no such directory"):
        origins(tmp_path / "gone", tmp_path)
    assert "no file *_s3d.fits is in both" in repr(cube_changes(made[0] / "fine", tmp_path))


# what they are told


@pytest.mark.parametrize(
    ("step", "given", "name", "expected"),
    [
        ("cube_build", {"channel": 1}, "channel", "1"),
        ("cube_build", {"channel": "1"}, "channel", "1"),
        ("cube_build", {"scalexy": 1}, "scalexy", 1.0),
        ("cube_build", {"scalexy": "0.2"}, "scalexy", 0.2),
        ("cube_build", {"scalexy": "None"}, "scalexy", None),
        ("cube_build", {"linear_wave": "True"}, "linear_wave", True),
        ("cube_build", {"nspax_x": "51"}, "nspax_x", 51),
        ("cube_build", {"debug_spaxel": [1, 2, 3]}, "debug_spaxel", (1, 2, 3)),
        ("outlier_detection", {"snr": [8, 6]}, "snr", (8.0, 6.0)),
        ("outlier_detection", {"snr": "8 6"}, "snr", (8.0, 6.0)),
        ("extract_1d", {}, "ifu_autocen", True),
    ],
)
def test_values_are_read_however_papermill_spells_them(step, given, name, expected):
    value = getattr(step_params(step, given | {"something": "else"}), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weighting": "emms"}, "weighting = 'emms': not allowed; did you mean 'emsm'?"),
        ({"scalexy": True}, "scalexy = True: must be a number from 0.01 to 2"),
        ({"linear_wave": 2}, "linear_wave = 2: must be True or False or None"),
        (
            {"output_dir": 2024},
            "output_dir = 2024: must be text; papermill takes it for a number: say -r output_dir 2024",
        ),
        ({"references": ["a"]}, "references = ['a']: must be text or None"),
        ({"overrides": "cubepar"}, "overrides = 'cubepar': must be a mapping; with papermill say -y 'overrides: ...'"),
        ({"files": 3}, "files = 3: must be text or a list"),
        ({"wieghting": "emsm"}, "cube_build: unknown parameter 'wieghting'; did you mean 'weighting'?"),
        ({"files": "no/*_cal.fits"}, "no/*_cal.fits: no such files in "),
        ({"files": "[a, b"}, "files = '[a, b': not a list; give it as [a.fits, b.fits]"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_computed(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ParamError, InputError)) as caught:
        run("cube_build", **given)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_band_that_nobody_observed_is_told(small_dataset):
    variables = {"files": str(small_dataset.association), "output_dir": "x", "compare_band": "4c"}
    with pytest.raises(ParamError, match=r"compare_band = '4c': no exposure has it; allowed: '1A', '2A'"):
        tune("outlier_detection", variables)


def test_a_background_must_be_known(small_dataset):
    with pytest.raises(InputError, match="no spectrum of the background; give backgrounds or user_background"):
        tune("master_background", {"files": str(small_dataset.association), "output_dir": "x"})


def test_a_cell_of_the_user_may_declare_more():
    injected = INJECTED + "mine = 3"
    assert checked("compare_runs", {"In": ["mine = 2", injected], "mine": 3}).values == {}
    assert checked("compare_runs", {"In": ["%matplotlib inline", "mine = 2"]}).rows()[0].name == "given"
    with pytest.raises(ParamError, match="unknown parameter 'dir_c'; did you mean 'dir_"):
        checked("compare_runs", {"In": ["mine = 2", INJECTED + "dir_c = 3"]})


def test_files_are_named_in_many_ways(tmp_path):
    for name in ("b.fits", "a.fits", "[1].fits"):
        (tmp_path / name).touch()
    a, b = tmp_path / "a.fits", tmp_path / "b.fits"
    assert listed_files(str(tmp_path / "?.fits")) == (a, b)
    assert listed_files([b, str(a)]) == (b, a)
    assert listed_files(f"[{b}, {a}]") == (b, a)
    assert listed_files(tmp_path / "[1].fits") == (tmp_path / "[1].fits",)
    with pytest.raises(InputError, match=r"a folder; give its files, as '.*\*\.fits'"):
        listed_files(tmp_path)
    for nothing in ("", [], None, [3]):
        with pytest.raises(ParamError, match="files = "):
            listed_files(nothing)


# how changes are told


def _look(flux, image=None):
    return Look("1A", {"flux": "1 Jy"}, np.linspace(5, 6, len(flux)), np.asarray(flux, float), image, 0.1)


def test_the_difference_of_spectra_is_in_percent_of_the_median():
    change = Change(_look([1.0, 2.0, 3.0]), _look([1.0, 2.0, 4.0]))
    np.testing.assert_allclose(change.percent, [0, 0, 50])
    assert change.told() == "median +0 %, largest +50 % of the median flux"
    assert Change(change.before, change.before).told() == "identical"
    moved = change.after._replace(wave=change.after.wave + 5)
    assert Change(change.before, moved).told() == "no wavelength in common"


@pytest.mark.parametrize("n", [0, 1, 3, 4, 12])
@pytest.mark.parametrize("value", [np.nan, 0.0, 2.0])
def test_any_number_of_changes_can_be_looked_at(n, value):
    image = np.full((5, 7), value)
    one = _look(np.full(9, value), image)
    other = one._replace(image=image + 1, flux=one.flux + 1)
    changes = Changes("Cubes", ("a", "b"), (Change(one, other),) * n)
    assert len(changes.drawn) == (0 if n == 0 else 2 if n > 3 else len(changes.drawn))
    assert "Cubes: a and b" in repr(changes)
    assert changes._repr_mimebundle_()["text/html"]
    spectra = replace(changes, changes=(Change(_look(one.flux), _look(other.flux)),) * n)
    assert spectra._repr_html_()


# with papermill alone


def papermill(*words, folder):
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR", *map(str, words)]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_papermill_alone_runs_a_template_where_the_user_is(small_dataset, tmp_path):
    (tmp_path / "in").symlink_to(small_dataset.association.parent)
    template = templates.copied("cube_build", tmp_path / "mine" / "cubes.ipynb")
    files = f"[in/{small_dataset.exposures[0].name}]"
    done = papermill(
        template, "done.ipynb", "-p", "files", files, "-p", "channel", "1", "-p", "output_dir", "made", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["cube_ch1-short_s3d.fits"]
    outputs = [item for cell in nbformat.read(tmp_path / "done.ipynb", 4).cells for item in cell.get("outputs", ())]
    assert {item.output_type for item in outputs} == {"execute_result"}


def test_papermill_alone_leaves_a_bad_name_as_one_line_in_the_notebook(tmp_path):
    source = templates.folder() / "spec3_mrs.ipynb"
    done = papermill(source, "done.ipynb", "-p", "asn_fiel", "x.json", folder=tmp_path)
    assert done.returncode != 0
    outputs = [item for cell in nbformat.read(tmp_path / "done.ipynb", 4).cells for item in cell.get("outputs", ())]
    (error,) = (item for item in outputs if item.output_type == "error")
    assert error.traceback == ["ParamError: spec3_mrs: unknown parameter 'asn_fiel'; did you mean 'asn_file'?"]
    assert "Traceback" not in "".join(json.dumps(item) for item in outputs)
