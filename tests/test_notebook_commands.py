"""The commands `mrsnb templates` and `mrsnb notebook`."""

import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mrsnb import templates
from mrsnb.cli import main
from mrsnb.template_cells import notebook_in


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


def test_templates_are_listed_with_what_they_do():
    told = mrsnb("templates").stdout
    assert all(name in told for name in templates.names())
    assert "exposures to cubes" in told


def test_a_template_tells_its_parameters():
    told = mrsnb("templates", "cube_build").stdout
    assert "[drizzle, emsm, msm] How detector pixels share their flux among voxels." in told
    assert "did you mean 'cube_build'?" in mrsnb("templates", "cube_buidl").stderr
    assert "which one?" in mrsnb("templates", "--copy", "x").stderr


def test_a_template_is_copied_and_nothing_is_overwritten(tmp_path):
    copied = mrsnb("templates", "extract_1d", "--copy", tmp_path / "mine")
    assert copied.stdout.strip() == str(tmp_path / "mine" / "extract_1d.ipynb")
    assert notebook_in(tmp_path / "mine" / "extract_1d.ipynb") == notebook_in(templates.folder() / "extract_1d.ipynb")
    again = mrsnb("templates", "extract_1d", "--copy", tmp_path / "mine")
    assert again.exit_code == 2
    assert "there is a file already" in again.stderr


def test_an_installed_package_has_the_templates_inside(tmp_path, monkeypatch):
    root = Path(templates.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
        assert build["wheel"]["force-include"] == {"notebooks": "mrsnb/notebooks"}
    shutil.copytree(templates.folder(), tmp_path / "mrsnb" / "notebooks")
    monkeypatch.setattr(templates, "__file__", str(tmp_path / "mrsnb" / "templates.py"))
    assert templates.folder() == tmp_path / "mrsnb" / "notebooks"
    assert "cube_build" in templates.names()


def test_a_notebook_is_run_with_values_as_papermill_reads_them(monkeypatch, tmp_path):
    heard = []
    monkeypatch.setattr(templates, "execute", lambda *given: heard.append(given) or given[1])
    given = ["-y", "snr: [8, 6]", "-p", "hot_fraction", "0.5", "-p", "method", "model", "-p", "compare_band", "None"]
    done = mrsnb("notebook", "outlier_detection", tmp_path / "out.ipynb", *given)
    assert done.stdout.strip() == str(tmp_path / "out.ipynb")
    assert heard[0][2] == {"snr": [8, 6], "hot_fraction": 0.5, "method": "model", "compare_band": None}


@pytest.mark.parametrize("text", ["snr", "[8, 6]", "snr: ["])
def test_yaml_that_is_no_mapping_is_refused(text, tmp_path):
    refused = mrsnb("notebook", "outlier_detection", tmp_path / "out.ipynb", "-y", text)
    assert refused.exit_code == 2
    assert "must be a mapping of parameters to values" in refused.stderr
    assert not list(tmp_path.iterdir())
