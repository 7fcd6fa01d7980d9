"""README.md: what it tells to type can be typed, what it names is there, what its Python says is so."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from typed import parsed

from mrsnb import templates
from mrsnb.cli import main

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
TYPED = re.findall(r"^ {4}(\S.*)$", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL), re.MULTILINE)
TYPED += [line for line in re.findall(r"`(mrsnb [^`]+)`", TEXT) if "COMMAND" not in line]
ROW = re.compile(r"^\| \[(\d\d)(\w+)\]\((\S+)\) \| .+ \| \[!\[Binder\]\[badge\]\]\[(\d\d)\] \|$", re.MULTILINE)
LINK = re.compile(
    r"^\[(\d\d)\]: https://[^/]+/v2/gh/[\w-]+/mrsnb/HEAD\?urlpath=lab/(?:workspaces/mrsnb/)?tree/(\S+)$", re.MULTILINE
)
FIRST = [
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/mrsnb demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest -n auto",
]


def test_the_two_commands_come_first():
    assert TYPED[:2] == FIRST


@pytest.mark.parametrize("line", [line for line in TYPED if line.startswith("mrsnb ")])
def test_what_is_typed_is_understood(line):
    parsed(line)


def test_what_is_named_is_there():
    named = set(re.findall(r"(?:notebooks|tests|\.pictures|\.ci)(?:/[\w.-]+)+", TEXT))
    assert len(named) > 5
    has_tutorials = (templates.folder() / "tutorials" / "01_quick_start.ipynb").exists()
    lacking = {name for name in named if not (ROOT / name).exists()}
    assert {name for name in lacking if has_tutorials or "/tutorials/0" not in name} == set()


def test_every_tutorial_has_its_badge():
    """Reference links, so that the owner of the repository is put in at one place."""
    listed, links = ROW.findall(TEXT), dict(LINK.findall(TEXT))
    assert {number: path for number, _, path, _ in listed} == links
    assert all(number == badge and path.endswith(f"/{number}{name}.ipynb") for number, name, path, badge in listed)
    there = sorted((templates.folder() / "tutorials").glob("0*.ipynb"))
    assert not there or [path.name for path in there] == [Path(path).name for path in links.values()]


def test_the_picture_is_small():
    for name in re.findall(r"!\[[^\]]+\]\((\S+\.png)\)", TEXT):
        assert (ROOT / name).stat().st_size < 150_000


def test_the_python_runs(tmp_path, monkeypatch):
    """All blocks, one after the other, as in one notebook; the association comes from the line that makes one."""
    assert len(PYTHON) > 4
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in PYTHON:
        if "my_target_lvl3_asn.json" in block and not Path("my_target_lvl3_asn.json").exists():
            (line,) = (line for line in TYPED if line.startswith("mrsnb associate "))
            words = [str(path) for word in line.split()[1:] for path in (sorted(tmp_path.glob(word)) or [word])]
            assert CliRunner().invoke(main, words).exit_code == 0
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    table = names["lines"].table
    assert table["line"].tolist() == ["[Ne II]"]
    assert table["gauss_flux"][0] == pytest.approx(7.97e-18 * 1.13, rel=0.03), "the line's, and the aperture correction"
    assert 0 < table["gauss_flux_error"][0] < table["gauss_flux"][0] / 20
    assert Path("report.html").exists()
    for value in list(names.values()):
        if hasattr(value, "close"):
            value.close()
