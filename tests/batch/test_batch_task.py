"""Folders of jobs get their names, give way to new ones, and come back after a kill; locks on slow file systems."""

import json
import threading
import time

import pytest

from mrsnb.batch import BatchResult, Job, Outcome
from mrsnb.batch.records import files_left, read_record, recorded, sizes_in
from mrsnb.batch.report import report_html
from mrsnb.batch.task import Limits, Task, _handed_in, _named, clear
from mrsnb.errors import OutputError
from mrsnb.io import lock
from mrsnb.io.lock import LOCK, held, is_held
from mrsnb.io.versions import digest

JOB = Job("a-b", "tiny", {})


def folder(path, *ours, theirs=()):
    """Make the folder of a job that failed, with files that it left and others; each file says where it was made."""
    path.mkdir()
    for name in (*ours, *theirs):
        (path / name).write_text(path.name)
    (path / "job.json").write_text(json.dumps({"state": "failed", "files": dict.fromkeys(ours, 1)}))
    return path


def files(path):
    return {file.name: file.read_text() for file in path.iterdir() if file.name != "job.json"}


def test_new_products_are_not_replaced_by_old_files(tmp_path):
    final = folder(tmp_path / "a-b", "gone.txt", theirs=("notes.txt", "cube.fits"))
    staging = folder(tmp_path / ".mrsnb-job-a-b-01234567", "cube.fits")
    _named(staging, JOB, Outcome("a-b", "tiny", "done", final))
    assert files(final) == {"notes.txt": "a-b", "cube.fits": staging.name}
    assert [path.name for path in tmp_path.iterdir()] == ["a-b"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_what_was_to_be_replaced_comes_back_after_a_kill(tmp_path, is_replaced):
    folder(tmp_path / ".mrsnb-job-a-b-01234567-old", "gone.txt", theirs=("notes.txt",))
    if is_replaced:
        folder(tmp_path / "a-b", "cube.fits")
    else:
        folder(tmp_path / ".mrsnb-job-a-b-01234567", "cube.fits")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a-b"]
    assert set(files(tmp_path / "a-b")) == ({"notes.txt", "cube.fits"} if is_replaced else {"notes.txt", "gone.txt"})


@pytest.mark.usefixtures("tiny")
def test_a_result_that_nobody_wants_any_more_gets_no_name(tmp_path):
    staging = folder(tmp_path / ".mrsnb-job-a-b-01234567", "cube.fits")
    outcome = Outcome("a-b", "tiny", "done", tmp_path / "a-b")
    task = Task(JOB, tmp_path, "of a command that has ended", Limits())
    assert _handed_in(task, outcome, staging, []).state == "left"
    assert not outcome.folder.exists()


def test_jobs_elsewhere_have_time_to_end(tmp_path):
    staging = folder(tmp_path / ".mrsnb-job-a-b-01234567")
    start = time.monotonic()
    timer = threading.Timer(0.3, staging.rename, [tmp_path / "a-b"])
    timer.start()
    clear(tmp_path, patience=20)
    timer.join()
    assert 0.3 <= time.monotonic() - start < 10
    assert (tmp_path / "a-b").is_dir()


def test_a_lock_that_cannot_be_read_now_and_then_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PAUSE", 0)
    troubles = [OSError("stale file handle"), ValueError("half of it")]
    real = lock._facts

    def facts(path):
        if troubles:
            raise troubles.pop()
        return real(path)

    monkeypatch.setattr(lock, "_facts", facts)
    with held(tmp_path) as hold:
        assert is_held(tmp_path, hold.token)
        assert not troubles
        (tmp_path / LOCK).write_text('{"token": ')
        assert not is_held(tmp_path, hold.token), "it stays so"


def test_a_lock_that_shows_late_is_waited_for(tmp_path):
    timer = threading.Timer(0.3, (tmp_path / LOCK).write_text, ['{"token": "mine"}'])
    timer.start()
    assert not is_held(tmp_path, "mine")
    assert is_held(tmp_path, "mine", patience=10)
    timer.join()


def test_the_digest_of_a_package_is_that_of_its_sources(tmp_path):
    package = tmp_path / "package"
    for name in ("a.py", "__pycache__/a.pyc", "notebooks/a.ipynb", "data/.hidden"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("1")
    before = digest(package)
    for name in ("__pycache__/a.pyc", "notebooks/a.ipynb", "data/.hidden"):
        (package / name).write_text("2")
    assert digest(package) == before
    (package / "data" / "values.toml").write_text("1")
    assert digest(package) != before
    (package / "data" / "values.toml").unlink()
    (package / "a.py").write_text("2")
    assert digest(package) != before


def test_links_in_a_folder_lead_nobody_out_of_it(tmp_path):
    """Who may write there may not have us write, move or remove elsewhere."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    folder(elsewhere, "cube.fits", theirs=("secret.txt",))
    (out / "a-b").symlink_to(elsewhere)
    staging = folder(out / ".mrsnb-job-a-b-01234567", "cube.fits")
    _named(staging, JOB, Outcome("a-b", "tiny", "done", out / "a-b"))
    assert not (out / "a-b").is_symlink()
    assert files(out / "a-b") == {"cube.fits": staging.name}
    assert files(elsewhere) == {"cube.fits": "elsewhere", "secret.txt": "elsewhere"}

    (out / "gone").symlink_to(tmp_path / "nothing")
    staging = folder(out / ".mrsnb-job-gone-01234567", "cube.fits")
    _named(staging, JOB, Outcome("gone", "tiny", "done", out / "gone"))
    assert files(out / "gone") == {"cube.fits": staging.name}
    assert not (tmp_path / "nothing").exists()

    (out / "c").symlink_to(elsewhere)
    folder(out / ".mrsnb-job-c-01234567-old", theirs=("planted.txt",))
    folder(out / ".mrsnb-job-..-01234567-old", theirs=("planted.txt",))
    folder(out / ".mrsnb-job--01234567-old", theirs=("planted.txt",))
    clear(out)
    assert files(elsewhere) == {"cube.fits": "elsewhere", "secret.txt": "elsewhere"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    out, precious = tmp_path / "out", tmp_path / "precious.txt"
    out.mkdir()
    precious.write_text("precious")
    (out / LOCK).symlink_to(precious)
    with pytest.raises(OutputError, match="is a link; remove it"), held(out):
        pass
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", ".", "a\0b"])
def test_records_name_files_of_their_folder_only(tmp_path, name):
    folder(tmp_path / "a-b", "cube.fits")
    record = {"name": "a-b", "template": "tiny", "state": "done", "parameters": {}, "files": {name: 1}}
    (tmp_path / "a-b" / "job.json").write_text(json.dumps(record))
    assert recorded(tmp_path / "a-b", record) is None
    assert sizes_in(tmp_path / "a-b", record) == {}
    assert files_left(tmp_path / "a-b") == {"job.json"}
    (tmp_path / "a-b" / "job.json").write_text('{"a":' * 10**6)
    assert read_record(tmp_path / "a-b") is None


def test_a_page_shows_pictures_of_jobs_and_no_other_files(tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n but secret")
    outcome = Outcome("a-b", "tiny", "done", tmp_path / "a-b")
    outcome.folder.mkdir()
    picture = outcome.folder / "thumbnail.png"
    picture.symlink_to(secret)
    assert "<img" not in report_html(BatchResult(tmp_path, (outcome,), 1.0, 1))
    picture.unlink()
    picture.write_text("secret")
    assert "<img" not in report_html(BatchResult(tmp_path, (outcome,), 1.0, 1))
    picture.unlink()
    picture.write_bytes(secret.read_bytes())
    assert "<img" in report_html(BatchResult(tmp_path, (outcome,), 1.0, 1))
