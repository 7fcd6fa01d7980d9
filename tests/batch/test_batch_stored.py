"""Jobs from a store, and results to it, as S3 has them."""

import json
import re
from io import BytesIO

import pytest
from astropy.table import Table
from click.testing import CliRunner

from mrsnb.batch import Job, plan
from mrsnb.batch.task import Limits, Task, run_task
from mrsnb.cli import main
from mrsnb.errors import OutputError
from mrsnb.io.lock import held

ASSOCIATION = '{"products": [{"name": "one", "members": [{"expname": "one_cal.fits", "exptype": "science"}]}]}'


@pytest.fixture
def raw(bucket):
    """A folder of two associations in a store."""
    store, name = bucket
    for job in ("one", "two"):
        store.pipe(f"{name}/raw/{job}_asn.json", ASSOCIATION.replace("one", job).encode())
        store.pipe(f"{name}/raw/{job}_cal.fits", job.encode())
    return f"s3://{name}/raw"


@pytest.mark.usefixtures("tiny")
def test_a_batch_from_a_store_to_a_store(bucket, raw, tmp_path):
    store, name = bucket
    out = f"s3://{name}/out"
    command = ["batch", raw, "--template", "tiny", "-o", out, "--workers", "2"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert f"{out}/report.html" in result.stdout
    products = ["first.txt", "job.json", "last.txt", "tiny.ipynb"]
    assert [path.removeprefix(f"{name}/out/") for path in store.find(f"{name}/out")] == [
        *(f"one/{product}" for product in products),
        *("report.html", "results.ecsv"),
        *(f"two/{product}" for product in products),
    ]
    record = json.loads(store.cat(f"{name}/out/one/job.json"))
    assert record["parameters"] == {"asn_file": f"{raw}/one_asn.json"}
    assert [item["path"] for item in record["inputs"]] == [f"{raw}/one_asn.json", f"{raw}/one_cal.fits"]
    everything = b"".join(store.cat(path) for path in store.find(f"{name}/out"))
    assert b"very-secret-indeed" not in everything
    assert b"AKIATESTINGKEY" not in everything
    assert not [path for path in (tmp_path / "cache").rglob("*.txt") if path.name != "begun.txt"], (
        "nothing is left here"
    )
    store.pipe(f"{name}/raw/two_cal.fits", b"another")
    listed = CliRunner().invoke(main, [*command, "--dry-run"])
    assert re.findall(r"^(\w+) +(done|to run)", listed.stdout, re.MULTILINE) == [("one", "done"), ("two", "to run")]
    store.rm(f"{name}/out/one/last.txt")
    assert [job.name for job in plan([Job("one", "tiny", {"asn_file": f"{raw}/one_asn.json"})], out).waiting] == ["one"]
    again = CliRunner().invoke(main, ["batch", f"{raw}/two_asn.json", *command[2:], "-p", "doing", "fail"])
    assert again.exit_code == 1
    table = Table.read(BytesIO(store.cat(f"{name}/out/results.ecsv")), format="ascii.ecsv")
    assert [tuple(row) for row in table["name", "state", "kept"]] == [("two", "failed", False), ("one", "done", True)]
    assert not store.exists(f"{name}/out/two/last.txt"), "what the job before left goes with it"


@pytest.mark.usefixtures("tiny")
def test_a_store_that_is_lost_on_the_way_is_a_failure_of_the_job(bucket, raw, tmp_path, monkeypatch):
    _, name = bucket
    out = f"s3://{name}/out"
    job = Job("one", "tiny", {"asn_file": f"{raw}/one_asn.json"})

    def lost(*_, **__):
        msg = f"{out}/one/last.txt: the store cannot be used"
        raise OutputError(msg)

    def executed(_, notebook, *__, **___):
        (notebook.parent / "last.txt").write_text("1")

    with held(tmp_path) as hold:
        task = Task(job, tmp_path, hold.token, Limits(), address=out)
        with monkeypatch.context() as away:
            away.setattr("mrsnb.batch.shelf.put", lost)
            away.setattr("mrsnb.templates.execute", executed)
            outcome = run_task(task)
        why = f"OutputError: {out}/one/last.txt: the store cannot be used; what was made is in {tmp_path / 'one'}"
        assert (outcome.state, outcome.error) == ("failed", why)
        assert plan([job], out).waiting
        task.shelf.clear()
        assert (tmp_path / "one" / "last.txt").exists(), "what could not be sent is spared"
        monkeypatch.setattr("mrsnb.templates.execute", lost)  # it is not run again, but sent
        assert run_task(task).state == "done"
        assert not plan([job], out).waiting
        task.shelf.clear()
        assert not (tmp_path / "one").exists()


def test_what_cannot_be_is_one_line(bucket, raw):
    _, name = bucket
    for words, says in {
        (f"s3://{name}/nothing", "-o", f"s3://{name}/out"): "there is no job in it",
        (raw, "-o", "s3://no-such-bucket-here/out"): "there is no such object or bucket",
        ("~nobody-of-this-name", "-o", f"s3://{name}/out"): "the folder of a user who is not known here",
        (raw, "-o", "~nobody-of-this-name"): "the folder of a user who is not known here",
    }.items():
        result = CliRunner().invoke(main, ["batch", *words])
        assert result.exit_code == 2
        assert says in result.stderr
        assert result.stderr.count("\n") == 1
