"""The shape of the source: who imports whom, how long modules are, what is loaded when, what is committed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "mrsnb").rglob("*.py"))
LONGEST = 400
HEAVY = ("ipywidgets", "bqplot", "matplotlib", "papermill", "asdf", "gwcs", "stdatamodels", "jwst")


def committed():
    """Return the text files under version control; in an unpacked release, those that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S607
    names = listed.stdout.split("\0")[:-1] if listed.returncode == 0 else []
    paths = [ROOT / name for name in names] or [
        p for f in ("mrsnb", "tests", "notebooks") for p in (ROOT / f).rglob("*")
    ]
    kinds = {".py", ".md", ".toml", ".ipynb", ".yaml", ".yml", ".css", ".csv", ".ecsv", ".json", ".txt", ""}
    return [path for path in paths if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts]


def test_imports_go_down_only():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", result.stdout)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST


@pytest.mark.parametrize(
    "modules",
    [
        "mrsnb",
        "mrsnb.cli",
        "mrsnb.core, mrsnb.steps, mrsnb.io",
        "mrsnb.pipeline, mrsnb.simulate",
        "mrsnb.jwst.pipeline, mrsnb.jwst.datamodels, mrsnb.jwst.associations.asn_from_list",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(modules):
    code = f"import {modules}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_help_needs_no_numbers():
    code = "import sys, mrsnb.cli; print([m for m in ('numpy', 'astropy', 'numba', 'tqdm') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_there_is_no_second_place_for_things():
    names = {path.stem for path in SOURCES}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_no_path_of_a_machine_is_committed():
    places = re.compile(r"(?<![\w.~])/(?:work|home|root|Users|scratch|mnt|media)/\w|[A-Z]:\\\\?Users")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed()
        for match in places.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_only_known_hosts_are_named():
    known = {"github.com", "jwst-crds.stsci.edu", "127.0.0.1", "mybinder.org"}  # hooks, references, here, tutorials
    hosts = {
        (match.group(1), path.name)
        for path in committed()
        for match in re.finditer(r"https?://([\w.-]+)", path.read_text(encoding="utf-8"))
    }
    assert {(host, name) for host, name in hosts if host not in known} == set()


def test_files_of_tests_have_names_of_their_own():
    """Else pytest cannot collect them all at once."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
