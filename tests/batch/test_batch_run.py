"""Jobs that run, fail, are too large or too slow, and what is left of them."""

import json
import os
import re
import threading
import time

import nbformat
import pytest
from astropy.table import Table
from click.testing import CliRunner

from mrsnb.batch import BatchResult, Job, Outcome, plan, run_batch
from mrsnb.batch.report import report_html
from mrsnb.cli import main
from mrsnb.errors import OutputError, ParamError
from mrsnb.io.lock import LOCK, held, is_held
from mrsnb.io.versions import SOURCE, versions


def begun(folder):
    """Return what each process noted that began a job: process, association, number, threads."""
    path = folder / "begun.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def ran(module_folder, template_folder):
    """A batch of which some jobs fail: its result, what was said, and its output directory."""
    patch = pytest.MonkeyPatch()
    patch.setattr("mrsnb.templates.folder", lambda: template_folder)
    folder, said = module_folder("ran"), []
    association = folder / "one_asn.json"
    (folder / "one_cal.fits").write_bytes(b"one")
    content = {"products": [{"name": "one", "members": [{"expname": "one_cal.fits", "exptype": "science"}]}]}
    association.write_text(json.dumps(content))
    told = {"asn_file": str(association)}
    kinds = {"good": {}, "fails": {"doing": "fail"}, "large": {"doing": "fill"}, "slow": {"seconds": 60.0}}
    jobs = [Job(name, "tiny", told | more) for name, more in kinds.items()]
    result = run_batch(jobs, folder / "out", workers=2, timeout=12, memory_limit=300_000_000, say=said.append)
    yield result, said, jobs
    patch.undo()


def test_each_job_has_its_outcome(ran):
    result, said, jobs = ran
    states = {"good": "done", "fails": "failed", "large": "failed", "slow": "failed"}
    assert {outcome.name: outcome.state for outcome in result.outcomes} == states
    errors = {outcome.name: outcome.error for outcome in result.failed}
    assert (
        errors["fails"]
        == "MrsnbError: tiny.ipynb: cell 3 failed: ValueError: <b>no</b> such light; the notebook shows the rest"
    )
    assert re.fullmatch(r"it held \d+ MB; the limit of memory is 300 MB", errors["large"])
    assert errors["slow"] == "it took more than 12 s, the limit of time"
    assert len(said) == len(jobs)
    assert all(re.match(r"\[\d/4\] \w+: (done|failed), ", line) for line in said)
    assert all(line.endswith(" left") for line in said[:-1])
    good = result.outcomes[0]
    assert 0 < good.cpu_seconds <= good.seconds * 2
    assert 3e7 < good.peak_memory < 3e8
    assert good.input_bytes == sum(path.stat().st_size for path in result.output_dir.parent.glob("one_*"))


def test_folders_are_complete_and_nothing_else_is_there(ran):
    out = ran[0].output_dir
    assert {path.name for path in out.iterdir()} == {
        *("good", "fails", "large", "slow"),
        *("begun.txt", "report.html", "results.ecsv"),
    }
    assert {path.name for path in (out / "good").iterdir()} == {"first.txt", "last.txt", "tiny.ipynb", "job.json"}
    assert (out / "good" / "last.txt").read_text() == "1"
    assert f"writing to {out / 'good'}\\n" in (out / "good" / "tiny.ipynb").read_text()
    for name in ("fails", "large", "slow"):
        assert {path.name for path in (out / name).iterdir()} == {"first.txt", "tiny.ipynb", "job.json"}


def test_threads_are_divided_among_the_workers(ran):
    from mrsnb.kernels.threads import n_threads

    assert {line[3] for line in begun(ran[0].output_dir)} == {str(max(n_threads() // 2, 1))}


@pytest.mark.parametrize("name", ["fails", "large", "slow"])
def test_the_error_is_on_top_of_the_notebook(ran, name):
    outcome = next(outcome for outcome in ran[0].outcomes if outcome.name == name)
    notebook = nbformat.read(outcome.notebook, as_version=4)
    nbformat.validate(notebook)
    top = notebook.cells[0].source
    assert top.startswith("<b")
    assert outcome.error.replace("<", "&lt;").replace(">", "&gt;") in top
    assert notebook.metadata.papermill.output_path == str(outcome.notebook)
    assert not [path for cell in notebook.cells[1:] for path in re.findall(r"\.mrsnb-job\S*", json.dumps(cell))]


def test_the_results_are_a_table(ran):
    result = ran[0]
    table = Table.read(result.table, format="ascii.ecsv")
    assert list(table["name"]) == [outcome.name for outcome in result.outcomes]
    assert str(table["peak_memory"].unit) == "byte"
    assert json.loads(table["parameters"][1])["doing"] == "fail"
    assert list(table["state"]) == ["done", "failed", "failed", "failed"]


def test_the_report_is_complete_in_itself_and_its_links_lead_somewhere(ran):
    result = ran[0]
    html = result.report.read_text(encoding="utf-8")
    assert "&lt;b&gt;no&lt;/b&gt; such light" in html
    assert html.count("<script>") == 1
    assert "script-src 'sha256-" in html
    assert "://" not in html
    links = re.findall(r'href="([^"]+)"', html)
    assert len(links) == 9
    assert all((result.output_dir / link).exists() for link in links)
    assert "<th><button>doing</button></th>" in html


def test_a_result_shows_itself(ran):
    result = ran[0]
    text = repr(result)
    assert re.search(r"done +1\n +failed +3", text)
    assert "it took more than 12 s" in text
    bundle = result._repr_mimebundle_()
    assert "such light" in bundle["text/html"]
    assert "<b>no</b>" not in bundle["text/html"]


@pytest.mark.usefixtures("tiny")
def test_only_what_failed_or_changed_is_run_again(association, tmp_path):
    (association.parent / "two_asn.json").write_text(association.read_text().replace("one", "two"))
    (association.parent / "two_cal.fits").write_bytes(b"two")
    jobs = [Job(n, "tiny", {"asn_file": str(association.with_name(f"{n}_asn.json"))}) for n in ("one", "two")]
    out = tmp_path / "out"

    def run(which=jobs):
        before = len(begun(out))
        result = run_batch(which, out, workers=2)
        assert all(outcome.state == "done" for outcome in result.outcomes)
        ran = [line[1].removesuffix("_asn") for line in begun(out)[before:]]
        assert sorted(outcome.name for outcome in result.outcomes if not outcome.kept) == sorted(ran)
        return sorted(ran)

    assert run() == ["one", "two"]
    assert run() == []
    os.utime(association.with_name("one_cal.fits"))
    assert run() == []
    association.with_name("one_cal.fits").write_bytes(b"ONE")
    (out / "one" / "notes.txt").write_text("mine")
    assert run() == ["one"]
    assert (out / "one" / "notes.txt").read_text() == "mine"
    (out / "two" / "last.txt").unlink()
    assert run(jobs[1:]) == ["two"]
    more = [jobs[0], Job("two", "tiny", {**jobs[1].parameters, "number": 2})]
    assert [job.name for job in plan(more, out).waiting] == ["two"]
    table = Table.read(out / "results.ecsv", format="ascii.ecsv")
    assert [tuple(row) for row in table["name", "kept"]] == [("two", False), ("one", True)]
    rows = re.findall(r"<b>(\w+)</b>.*?</td><td>(\w+)</td><td>(\w+)</td>", (out / "report.html").read_text())
    assert rows == [("two", "done", "now"), ("one", "done", "before")], "those of earlier commands are there, too"
    (out / "one" / "job.json").write_text('{"state": "done", "inputs": 3}')
    assert [job.name for job in plan(jobs, out).waiting] == ["one"]


def test_another_version_runs_all_again(ran, monkeypatch):
    result, _, jobs = ran
    done = jobs[:1]
    assert not plan(done, result.output_dir).waiting
    edited = versions() | {SOURCE: "edited"}
    monkeypatch.setattr("mrsnb.batch.records.versions", lambda: edited)
    assert len(plan(done, result.output_dir).waiting) == 1


@pytest.mark.usefixtures("tiny")
def test_what_failed_is_run_again_as_often_as_is_said(association, tmp_path):
    jobs = [Job(name[:4], "tiny", {"asn_file": str(association), "doing": name}) for name in ("fail once", "fail")]
    jobs[1] = Job("always", "tiny", jobs[1].parameters)
    result = run_batch(jobs, tmp_path / "out", workers=2, retries=1)
    assert [(o.state, o.attempts) for o in result.outcomes] == [("done", 2), ("failed", 2)]
    assert len(begun(tmp_path / "out")) == 4


@pytest.mark.usefixtures("tiny")
def test_two_batches_exclude_each_other(association, tmp_path):
    jobs = [Job("one", "tiny", {"asn_file": str(association)})]
    with held(tmp_path) as hold:
        assert is_held(tmp_path, hold.token)
        with pytest.raises(OutputError, match=r"another run \(in this process\) is at work there"):
            run_batch(jobs, tmp_path)
        hold.stop()
        assert not is_held(tmp_path, hold.token)
    assert not (tmp_path / LOCK).exists()
    (tmp_path / LOCK).write_text('{"token": "of one that was killed", "process": 1, "host": "x"}')
    with held(tmp_path) as hold:
        assert is_held(tmp_path, hold.token)


@pytest.mark.usefixtures("tiny")
def test_a_job_whose_batch_has_ended_ends(association, tmp_path, monkeypatch):
    """What is seen by a job on a cluster after its command was killed."""
    from mrsnb.batch.task import Limits, Task, run_task

    monkeypatch.setattr("mrsnb.batch.task.LATE", 0)
    job = Job("one", "tiny", {"asn_file": str(association), "seconds": 60.0})
    with held(tmp_path) as hold:
        timer = threading.Timer(1.5, hold.stop)
        timer.start()
        start = time.monotonic()
        assert run_task(Task(job, tmp_path, hold.token, Limits())).state == "left"
        assert time.monotonic() - start < 20
        timer.join()
    assert run_task(Task(job, tmp_path, hold.token, Limits())).state == "left"
    other = run_task(Task(job, tmp_path, hold.token, Limits(), software={"mrsnb": "0"}))
    assert "where the command has 0; install the same on all machines" in other.error
    gone = run_task(Task(job, tmp_path / "gone", hold.token, Limits()))
    assert "does not see" in gone.error
    assert not list(tmp_path.glob(".mrsnb-*"))


@pytest.mark.usefixtures("tiny")
def test_the_command_says_what_failed(association, tmp_path):
    command = ["batch", str(association), "--template", "tiny", "-o", str(tmp_path / "out"), "--sweep"]
    result = CliRunner().invoke(main, [*command, "doing=write,fail"])
    assert result.exit_code == 1
    assert "one_doing-fail: failed, MrsnbError" in result.stdout
    assert "one_doing-write: done, " in result.stdout
    assert str(tmp_path / "out" / "report.html") in result.stdout


def test_wrong_numbers_are_refused(tmp_path):
    for wrong in ({"workers": 0}, {"threads": 0}, {"retries": -1}):
        with pytest.raises(ParamError, match="must be >="):
            run_batch([], tmp_path, **wrong)


def test_a_page_of_thousands_of_jobs_is_made_at_once(tmp_path):
    outcomes = [Outcome(f"job{i}", "tiny", "done", tmp_path / f"job{i}", {"number": i}) for i in range(3000)]
    start = time.process_time()
    html = report_html(BatchResult(tmp_path, tuple(outcomes), 1.0, 2))
    assert time.process_time() - start < 5
    assert len(html) < 2_000_000
