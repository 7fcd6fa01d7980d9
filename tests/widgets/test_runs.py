"""Runs: done, failed, cancelled at any time, remembered; each with its own log."""

import logging
import threading
import time
from hashlib import sha256
from pathlib import Path
from random import Random

import numpy as np
import pytest

from mrsnb.errors import InputError, ParamError
from mrsnb.io.association import read_association
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import Spec3Params
from mrsnb.widgets.runs import Job, Runs
from mrsnb.widgets.work import work_of


def test_a_run_ends_with_its_results(toy, toy_params):
    run = Job(toy().work, toy_params(n=2), 7).wait(10)
    assert (run.state, run.number, run.total, run.error) == ("done", 7, 2, "")
    assert [summary.title for summary in run.results] == ["toy: 0", "toy: 1"]
    assert 0 <= run.times[0] <= run.times[1] <= run.seconds


def test_a_known_error_is_one_line(toy, toy_params):
    made = toy()
    made.errors["x"] = ParamError("n = 1: must be odd, e.g. 3")
    run = Job(made.work, toy_params(wrong="x")).wait(10)
    assert (run.state, run.error, run.details) == ("failed", "n = 1: must be odd, e.g. 3", "")
    assert len(run.results) == 1
    assert made.closed == 1


def test_an_unforeseen_error_says_where_it_came_from(toy, toy_params):
    made = toy()
    made.errors["x"] = ZeroDivisionError("by <nothing>")
    run = Job(made.work, toy_params(wrong="x")).wait(10)
    assert run.state == "failed"
    assert run.error.startswith("unforeseen ZeroDivisionError: by <nothing>; please report it")
    assert "conftest.py" in run.details


def test_a_run_stops_when_it_is_cancelled(toy, toy_params):
    made = toy(held=True)
    job = Job(made.work, toy_params())
    made.gate.release()
    while not job.run.results:
        time.sleep(0.001)
    assert job.run.state == "running"
    job.cancel()
    run = job.wait(10)
    assert (run.state, len(run.results), run.error, made.closed) == ("cancelled", 1, "", 1)
    job.cancel()  # once more does nothing
    assert job.run.state == "cancelled"


def test_each_run_has_its_own_log(toy, toy_params):
    logger, before = logging.getLogger("mrsnb"), logging.getLogger("mrsnb").level
    one, other = toy("one", held=True), toy("other", held=True)
    jobs = [Job(made.work, toy_params()) for made in (one, other)]
    logger.warning("nobody's")
    for _ in range(3):
        one.gate.release()
        other.gate.release()
    logs = [[line.split(maxsplit=2)[2] for line in job.wait(10).log] for job in jobs]
    assert logs == [[f"{name} makes {i}" for i in range(3)] for name in ("one", "other")]
    assert logger.level == before
    assert not [handler for handler in logger.handlers if "Capture" in type(handler).__name__]


def test_one_run_at_a_time(toy, toy_params):
    made = toy(held=True)
    runs = Runs(made.work)
    job = runs.start(toy_params())
    with pytest.raises(InputError, match="is running; wait for its end, or cancel it"):
        runs.start(toy_params())
    with pytest.raises(InputError, match="run 1: is not over"):
        runs.remove(1)
    job.cancel()
    job.wait(10)
    made.gate = None
    assert runs.start(toy_params()).wait(10).state == "done"
    assert [run.state for run in runs.history] == ["cancelled", "done"]
    runs.remove(1)
    assert [run.number for run in runs.history] == [2]
    with pytest.raises(InputError, match=r"run 1: not in the history, which has \[2\]"):
        runs.numbered(1)


def test_so_many_runs_are_remembered(toy, toy_params):
    runs = Runs(toy().work, most=3)
    for _ in range(5):
        runs.start(toy_params(n=1)).wait(10)
    assert [run.number for run in runs.history] == [3, 4, 5]


def test_what_is_left_is_told_from_the_run_before(toy, toy_params):
    made = toy(held=True)
    runs = Runs(made.work)
    first = runs.start(toy_params(n=2))
    assert runs.left(first.run)[1] is None
    for _ in range(2):
        time.sleep(0.05)
        made.gate.release()
    first.wait(10)
    second = runs.start(toy_params(n=2))
    time.sleep(0.04)
    share, left = runs.left(second.run)
    assert 0.1 < share < 0.9
    assert 0 < left < 1
    second.cancel()
    second.wait(10)


@pytest.fixture(scope="module")
def work(small_dataset, references):
    def made(folder):
        return work_of("spec3", read_association(small_dataset.association), folder, references)

    return made


@pytest.fixture(scope="module")
def params():
    others = {step: {"skip": True} for step in ("adaptive_trace_model", "pixel_replace")}
    return Spec3Params.preset("archive").updated(others)


def digests(folder: Path) -> dict:
    """Return what is in the products: all but the dates."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith("_s3d.fits"):
            cube = read_s3d(path)
            found[path.name] = [sha256(a.tobytes()).hexdigest() for a in (cube.flux, cube.err, cube.dq, cube.weight)]
        else:
            found[path.name] = []
    return found


def test_cancelled_at_any_time_nothing_stays_behind_and_the_next_run_is_the_same(work, params, tmp_path):
    Job(work(tmp_path / "whole"), params).wait(60)  # what is done but once in a process
    whole = Job(work(tmp_path / "whole"), params).wait(60)
    assert (whole.state, whole.error) == ("done", "")
    n_threads = threading.active_count()
    dice, states, latest = Random(5), [], 0.0  # noqa: S311 (no secret)
    for i in range(5):
        folder = tmp_path / f"run{i}"
        job = Job(work(folder), params)
        job.wait(dice.uniform(0.02, 0.7) * whole.seconds)
        start = time.perf_counter()
        job.cancel()
        run = job.wait(10)
        latest = max(latest, time.perf_counter() - start)
        states.append(run.state)
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        assert not [name for name in names if name.startswith(".")]
        assert set(names) <= {path.name for path in (tmp_path / "whole").iterdir()}
        assert threading.active_count() <= n_threads + 1
    assert "cancelled" in states
    assert latest < 2
    again = Job(work(tmp_path / "again"), params).wait(60)
    assert again.state == "done"
    assert digests(tmp_path / "again") == digests(tmp_path / "whole")


def test_what_was_made_can_be_had_again(work, params, tmp_path):
    params = params.updated({"outlier_detection": {"skip": True}, "cube_build": {"channel": "1"}})
    small = Runs(work(tmp_path), kept_bytes=0)  # no result stays in memory
    run = small.start(params).wait(60)
    assert small.results(run) == ()
    titles = [summary.title for summary in run.results]
    index = titles.index("cube_build: 1A")
    assert "1A" in small.html(run, index)
    assert "<img" in small.html(run, index)
    name = run.results[index].products[0].name
    np.testing.assert_array_equal(small.cube(run, name).flux, read_s3d(tmp_path / name).flux)
    small.start(params).wait(60)
    assert small.cube(run, name) is None  # its file is that of another run now
    kept = Runs(work(tmp_path))
    run = kept.start(params).wait(60)
    assert len(kept.results(run)) == len(run.results)
    assert kept.cube(run, name) is not None
