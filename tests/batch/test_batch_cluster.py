"""The same on a cluster: a scheduler and workers that were started on their own."""

import json
import shutil
import subprocess
import sys
import time

import pytest
from astropy.io import fits
from click.testing import CliRunner
from optional import is_absent

from mrsnb import templates
from mrsnb.batch import Job, run_batch
from mrsnb.batch import cluster as on_cluster
from mrsnb.cli import main
from mrsnb.errors import InputError, OutputError
from mrsnb.io.versions import SOURCE, versions

if is_absent("distributed"):
    pytest.skip("no dask: pip install 'mrsnb[cluster]'", allow_module_level=True)
from distributed import Client

WORKER = """\
import pathlib, sys
from mrsnb import templates
folder = pathlib.Path(sys.argv.pop(1))
templates.folder = lambda: folder
from distributed.cli.dask_worker import main
main()
"""


@pytest.fixture(scope="module")
def cluster(module_folder, template_folder):
    """The address of a scheduler on this machine, and its two workers; all are ended at last."""
    folder = module_folder("cluster")
    shutil.copy(templates.folder() / "spec3_mrs.ipynb", template_folder)
    place = folder / "scheduler.json"
    scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [_started(folder, *scheduler, "--scheduler-file", place)]
    worker = ["-c", WORKER, template_folder, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes += [_started(folder, *worker, "--scheduler-file", place) for _ in range(2)]
    end = time.monotonic() + 60
    while not place.exists() or not place.stat().st_size:
        assert time.monotonic() < end
        time.sleep(0.1)
    address = json.loads(place.read_text())["address"]
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    yield address, processes[1:]
    for process in reversed(processes):
        process.kill()
        process.wait()


def _started(folder, *words):
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, *map(str, words)], cwd=folder, stdout=quiet, stderr=quiet)


CHANGING = ("DATE", "DATASUM", "CHECKSUM")


def content(folder):
    """Return the headers, but for what dates change, and the data of all products in a folder, as bytes."""
    found = {}
    for path in sorted(folder.glob("*.fits")):
        with fits.open(path) as file:
            for i, hdu in enumerate(file):
                cards = [card.image for card in hdu.header.cards if not card.keyword.startswith(CHANGING)]
                found[path.name, i] = (cards, None if hdu.data is None or hdu.name == "ASDF" else hdu.data.tobytes())
    return found


def test_the_products_are_those_of_a_local_run(cluster, small_dataset, tmp_path):
    job = Job(
        "small", "spec3_mrs", {"asn_file": str(small_dataset.association), "steps": {"cube_build": {"channel": "1"}}}
    )
    here = run_batch([job], tmp_path / "here", workers=1)
    there = run_batch([job], tmp_path / "there", scheduler=cluster[0])
    assert [outcome.error for outcome in (*here.outcomes, *there.outcomes)] == [None, None]
    products = content(tmp_path / "here" / "small")
    assert len({name for name, _ in products}) == 4
    assert products == content(tmp_path / "there" / "small")
    assert (tmp_path / "there" / "small" / "thumbnail.png").stat().st_size > 1000
    assert run_batch([job], tmp_path / "there", workers=1).outcomes[0].kept


@pytest.mark.usefixtures("tiny")
def test_a_worker_that_dies_loses_its_job_only(cluster, association, tmp_path):
    address, workers = cluster
    jobs = [Job(f"j{i}", "tiny", {"asn_file": str(association), "seconds": 0.5, "number": i}) for i in range(4)]

    def kill_one(_said):
        if workers[0].poll() is None:
            workers[0].kill()

    result = run_batch(jobs, tmp_path / "out", scheduler=address, say=kill_one)
    assert {outcome.name: outcome.state for outcome in result.outcomes} == {f"j{i}": "done" for i in range(4)}
    begun = [line.split()[2] for line in (tmp_path / "out" / "begun.txt").read_text().splitlines()]
    assert len(begun) <= 5, "only what the worker was about is begun again"
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.usefixtures("tiny")
def test_nobody_who_answers_is_one_line(association, tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "SECONDS", 1)
    command = ["batch", str(association), "--template", "tiny", "-o", str(tmp_path / "out"), "--scheduler"]
    start = time.monotonic()
    result = CliRunner().invoke(main, [*command, "tcp://127.0.0.1:9"])
    assert time.monotonic() - start < 10
    assert result.exit_code == 2
    assert result.stderr.startswith("mrsnb: error: scheduler tcp://127.0.0.1:9: no answer within 1 s")
    assert result.stderr.count("\n") == 1
    result = CliRunner().invoke(main, [*command, "nonsense://x"])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_a_scheduler_that_is_lost_is_not_waited_for(monkeypatch):
    class Lost:
        status = "connecting"

    heard = on_cluster._Heard(Lost(), "tcp://s:1")
    heard.check()
    monkeypatch.setattr(on_cluster, "LOST", -1)
    with pytest.raises(OutputError, match="scheduler tcp://s:1: lost; what was done is kept"):
        heard.check()


def test_workers_of_another_version_are_refused():
    here = versions()
    answers = {
        "has mrsnb 0 where the command has": (here | {"mrsnb": "0"}, True),
        "has python 2.7 where the command has": (here | {"python": "2.7"}, True),
        "has source of mrsnb x where the command has": (here | {SOURCE: "x"}, True),
        "does not see out; all machines": (here, False),
        r"cannot use mrsnb .* \(ImportError: none\)": ImportError("none"),
    }
    for says, answer in answers.items():

        class Workers:
            def run(self, *_, answer=answer, **__):
                return {"tcp://w:1": answer}

        with pytest.raises(InputError, match=f"scheduler tcp://s:1: its worker tcp://w:1 {says}"):
            on_cluster._check(Workers(), "tcp://s:1", "out", print)


def test_a_scheduler_without_workers_is_said():
    class Scheduler:
        def run(self, *_, **__):
            return {}

    said = []
    on_cluster._check(Scheduler(), "tcp://s:1", "out", said.append)
    assert said == ["scheduler tcp://s:1: no workers yet; waiting for them"]
