"""Runs that are resumed after an interruption or damage: what is kept, and that all is the same."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main
from mrsnb.errors import OutputError
from mrsnb.io.association import read_association
from mrsnb.io.lock import LOCK, held
from mrsnb.io.manifest import MANIFEST
from mrsnb.io.verify import verify
from mrsnb.pipeline import Kept, Spec3Params, open_science, spec3
from mrsnb.stepwise import run_step

PARAMS = Spec3Params.preset("archive").updated(
    {"cube_build": {"scalexy": 0.3, "scalew": 0.01}, "extract_1d": {"ifu_autocen": False}}
)
CUBES = ["small_ch1-short_s3d.fits", "small_ch2-short_s3d.fits"]
SPECTRA = ["small_ch1-short_x1d.fits", "small_ch2-short_x1d.fits"]


@pytest.fixture(scope="module")
def run(small_dataset):
    """Runs level 3 into a folder, all of it or until there were some results; returns what came last."""
    association = read_association(small_dataset.association)
    exposures = open_science(association)

    def start(folder, *, until=None, changes=None, resume=True):
        params = PARAMS.updated({} if changes is None else changes)
        results = spec3(association, params, output_dir=folder, exposures=exposures, resume=resume)
        last = None
        for number, result in enumerate(results, 1):
            last = result
            if number == until:
                break
        results.close()
        return last

    return start


@pytest.fixture(scope="module")
def whole(run, module_folder):
    """The folder of a run that was not interrupted."""
    folder = module_folder("whole")
    run(folder, resume=False)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path, dirs_exist_ok=True))


def content(path):
    """Return all that is in a product, but for when it was made and what depends on that."""
    with fits.open(path) as hdus:
        return [
            (
                hdu.name,
                [card for card in hdu.header.items() if card[0] not in ("DATE", "CHECKSUM", "DATASUM")],
                b"" if hdu.data is None else hdu.data.tobytes(),
            )
            for hdu in hdus
        ]


def assert_same(folder, whole):
    made, wanted = ({path.name for path in place.iterdir()} for place in (folder, whole))
    assert made == wanted, "and nothing is left of what was interrupted"
    for name in wanted - {MANIFEST}:
        assert content(folder / name) == content(whole / name), name


@pytest.mark.parametrize("until", [1, 2, 3, 5])
def test_products_are_those_of_a_run_that_was_not_interrupted(run, whole, tmp_path, until):
    run(tmp_path, until=until)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.fits")}
    assert len(before) == 1 + until
    last = run(tmp_path)
    assert set(before) == last.kept
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in before} == before
    assert_same(tmp_path, whole)
    assert [product.name for product in last.products] == [CUBES[0], SPECTRA[0], CUBES[1], SPECTRA[1]]
    assert f"kept                  {1 + until} files" in repr(last)
    assert verify(tmp_path).is_intact


def test_a_run_that_is_complete_is_kept_as_it_is(run, copy):
    before = {path: path.stat().st_mtime_ns for path in copy.glob("*.fits")}
    last = run(copy)
    assert last.kept == {path.name for path in before}
    assert set(last.paths) == set(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert isinstance(run(copy, until=1), Kept)
    assert not run(copy, resume=False).kept
    assert all(path.stat().st_mtime_ns != before[path] for path in before)


def flipped(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


SPOILT = {
    "missing": Path.unlink,
    "damaged": flipped,
    "cut short": lambda path: os.truncate(path, path.stat().st_size - 2880),
    "of somebody else": lambda path: fits.PrimaryHDU().writeto(path, overwrite=True, checksum=True),
}


@pytest.mark.parametrize(
    ("name", "how"), [*zip([CUBES[1], SPECTRA[0], "*1_*_crf.fits", CUBES[0]], SPOILT, strict=True)]
)
def test_what_is_spoilt_is_seen_and_made_again(run, whole, copy, name, how):
    (path,) = copy.glob(name)
    SPOILT[how](path)
    found = verify(copy)
    assert not found.is_intact
    (bad,) = [file for file in found.files if file.state != "intact"]
    assert bad.path == path
    last = run(copy)
    assert {p.name for p in last.paths} - last.kept == {path.name}
    assert_same(copy, whole)
    assert verify(copy).is_intact


def test_only_what_a_change_matters_to_is_made_again(run, copy):
    def made(changes):
        last = run(copy, changes=changes)
        return {path.name for path in last.paths} - last.kept

    assert made({"cube_build": {"memory_limit": 3.0}}) == set()
    assert made({"extract_1d": {"ifu_rscale": 1.5}}) == set(SPECTRA)
    assert made({"extract_1d": {"ifu_rscale": 1.5}, "cube_build": {"channel": "1"}}) == set()
    assert made({"extract_1d": {"ifu_rscale": 1.5}, "cube_build": {"scalexy": 0.6}}) == {*CUBES, *SPECTRA}
    manifest = json.loads((copy / MANIFEST).read_text())
    assert {entry["run"] for entry in manifest["products"].values()} == set(manifest["runs"])


def test_changed_inputs_are_not_mistaken_for_the_same(small_dataset, tmp_path):
    raw = Path(shutil.copytree(small_dataset.association.parent, tmp_path / "raw"))
    off = Spec3Params().updated({"outlier_detection": {"skip": True}, "cube_build": {"channel": "1", "scalexy": 0.9}})

    def kept():
        *_, last = spec3(raw / small_dataset.association.name, off, output_dir=tmp_path / "out", resume=True)
        return len(last.kept)

    assert [kept(), kept()] == [0, 2]
    with fits.open(raw / small_dataset.exposures[0].name, mode="update") as hdus:
        hdus["SCI"].data[500] = 1
    assert kept() == 0


def test_a_manifest_that_says_nothing_is_no_obstacle(run, copy, caplog):
    (copy / MANIFEST).write_text('{"format": "mrsnb-manifest-1", "runs": {}, "products": {"../x": {}}}')
    assert [file.state for file in verify(copy).files].count("damaged") == 1
    assert run(copy).kept == frozenset()
    assert "remove it and run again" in caplog.text
    assert verify(copy).is_intact


def test_a_step_by_itself_leaves_no_manifest_and_knows_of_one(run, copy):
    from mrsnb.io.references import load_references
    from mrsnb.steps.extract_1d import Extract1dParams

    told = load_references()
    for _ in run_step("extract_1d", [copy / CUBES[0]], Extract1dParams(), told, copy / "alone"):
        pass
    assert [path.name for path in (copy / "alone").iterdir()] == [SPECTRA[0]]
    for _ in run_step("extract_1d", [copy / CUBES[0]], Extract1dParams(), told, copy):
        pass
    assert verify(copy).is_intact, "what it replaced is not missed"
    assert SPECTRA[0] not in run(copy).kept


def test_two_runs_in_a_folder_exclude_each_other(run, copy):
    with held(copy), pytest.raises(OutputError, match=r"another run \(in this process\) is at work there; wait for"):
        run(copy)
    run(copy)
    assert not (copy / LOCK).exists()


def test_a_run_that_was_left_in_the_middle_gives_way_to_the_next_of_its_thread(run, small_dataset, copy):
    results = spec3(small_dataset.association, PARAMS, output_dir=copy, resume=True)
    next(results)
    refused = []

    def other():
        try:
            run(copy)
        except OutputError as error:
            refused.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(refused) == 1, "another thread has to wait"
    assert len(run(copy).kept) == 6
    with pytest.raises(OutputError, match="a later run has begun there; this one was left in the middle"):
        next(results)
    assert not list(copy.glob(".*"))


def test_what_killed_runs_left_is_cleared_away(run, copy):
    (copy / ".mrsnb-0123456789abcdef.tmp").write_bytes(b"half")
    (copy / ".mrsnb-run-abc").mkdir()
    (copy / ".mrsnb-run-abc" / "plane").write_bytes(b"half")
    (copy / LOCK).write_text('{"token": "of one that was killed", "process": 1, "host": "x"}')
    assert len(run(copy).kept) == 6
    assert not list(copy.glob(".*"))


def test_a_command_that_is_killed_goes_on_where_it_was(small_dataset, whole, tmp_path):
    words = ["--steps.cube_build.scalexy=0.3", "--steps.cube_build.scalew=0.01", "--steps.extract_1d.ifu_autocen=false"]
    command = [sys.executable, "-m", "mrsnb", "spec3", small_dataset.association, "--output-dir", tmp_path, *words]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        while not (tmp_path / CUBES[0]).exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert (tmp_path / LOCK).exists()
    result = CliRunner().invoke(main, [*map(str, command[3:]), "--resume"])
    assert result.exit_code == 0, result.output
    assert re.search(r"kept +[2-4] files", result.output)
    assert_same(tmp_path, whole)
