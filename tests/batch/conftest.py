"""Notebooks that do next to nothing, as templates for batches."""

from textwrap import dedent

import nbformat
import pytest

from mrsnb import templates

PARAMETERS = """\
asn_file: str = "none_asn.json"  # association to process
output_dir: str = "out"  # folder for products
doing: str = "write"  # what to do
seconds: float = 0.0  # how long to wait
number: int = 1  # a number
steps: dict = {}  # changes by step and name
files: dict = {}  # files by kind
note = None  # type: str anything
sizes: list = [1, 2]  # numbers
"""

BODY = """\
import os, pathlib, time
scratch = pathlib.Path(output_dir, ".mrsnb-x")  # as the pipeline has it while it runs
scratch.mkdir()
(scratch / "half.txt").write_text("half")
print("writing to", pathlib.Path(output_dir).absolute())
started = pathlib.Path(output_dir).absolute().parent / "begun.txt"
with started.open("a") as log:
    log.write(f"{os.getpid()} {pathlib.Path(asn_file).stem} {number} {os.environ['MRSNB_NUM_THREADS']}\\n")
pathlib.Path(output_dir, "first.txt").write_text("first")
time.sleep(seconds)
if doing == "fail":
    raise ValueError("<b>no</b> such light")
if doing == "fill":
    held = bytearray(400_000_000)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(20)
if doing == "fail once" and not started.with_name("failed.txt").exists():
    started.with_name("failed.txt").touch()
    raise ValueError("the first time")
pathlib.Path(output_dir, "last.txt").write_text(f"{number}")
"""


def make_template(folder):
    cells = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(BODY)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "tiny.ipynb")


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory):
    """A folder of templates with one that does what it is told."""
    folder = tmp_path_factory.mktemp("templates")
    make_template(folder)
    return folder


@pytest.fixture
def tiny(template_folder, monkeypatch):
    """The template ``tiny``."""
    monkeypatch.setattr(templates, "folder", lambda: template_folder)
    return templates.template("tiny")


@pytest.fixture
def association(tmp_path):
    """An association of one file, which is no exposure."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "one_cal.fits").write_bytes(b"one")
    text = '{"products": [{"name": "one", "members": [{"expname": "one_cal.fits", "exptype": "science"}]}]}'
    (folder / "one_asn.json").write_text(dedent(text))
    return folder / "one_asn.json"
