"""One run at a time in a folder: locks, and what becomes of them."""

import subprocess
import sys
import threading
import time

import pytest

from mrsnb.errors import OutputError
from mrsnb.io import lock
from mrsnb.io.atomic import atomic_write, clear_unfinished
from mrsnb.io.lock import LOCK, held

HOLD = """\
import sys, time
from pathlib import Path
from mrsnb.io.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_free_as_soon_as_its_process_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(OutputError, match=rf"another run \(process {process.pid} on .*\) is at work"),
            held(tmp_path),
        ):
            pass
        process.kill()
        process.wait()
        assert (tmp_path / LOCK).exists()
        with held(tmp_path):
            pass
    assert not list(tmp_path.iterdir())


def test_one_of_many_threads_gets_it_at_a_time(tmp_path):
    at_work, most, done = 0, 0, []

    def work():
        nonlocal at_work, most
        with held(tmp_path, patience=60):
            at_work += 1
            most = max(most, at_work)
            time.sleep(0.01)
            at_work -= 1
            done.append(1)

    lock_pause, lock._PAUSE = lock._PAUSE, 0.005
    try:
        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        lock._PAUSE = lock_pause
    assert (most, len(done)) == (1, 6)


def test_a_folder_without_locks_is_used_all_the_same(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock.fcntl, "flock", refused)
    with held(tmp_path) as hold:
        assert not hold.is_alone, "so nothing of others is cleared away"


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    said = "missing: cannot be written: No such file or directory"
    with pytest.raises(OutputError, match=said), held(tmp_path / "missing"):
        pass


def test_a_file_that_is_being_written_is_not_cleared_away(tmp_path):
    (tmp_path / ".mrsnb-dead.tmp").write_bytes(b"half")
    with atomic_write(tmp_path / "a") as file:
        file.write(b"1")
        clear_unfinished(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_file_and_then_its_name_reach_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(lock.os.readlink(f"/proc/self/fd/{file}")))
    with atomic_write(tmp_path / "a"):
        pass
    assert [place.endswith(".tmp") for place in synced] == [True, False]
    assert synced[1] == str(tmp_path)
