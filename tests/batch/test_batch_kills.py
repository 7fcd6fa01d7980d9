"""Processes that are killed, as by a machine that runs out of memory or a person who loses patience."""

import json
import re
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from astropy.table import Table

RUN = """\
import pathlib, sys
from mrsnb import templates
folder = pathlib.Path(sys.argv.pop(1))
templates.folder = lambda: folder
from mrsnb.cli import main
main()
"""


@pytest.fixture
def command(template_folder, association, tmp_path):
    """Starts the command on four jobs; its processes are ended at last."""
    out, started = tmp_path / "out", []
    options = ["--template", "tiny", "-o", out, "--workers", "2"]

    def start(*more):
        more = more or ["-p", "seconds", "0.4", "--sweep", "number=" + ",".join(map(str, range(4)))]
        words = [sys.executable, "-c", RUN, template_folder, "batch", association, *options, *more]
        process = subprocess.Popen(
            list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
        )
        started.append(process)
        return process

    start.out = out
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kernels(process):
    """Return the processes of the notebooks that a command runs."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children():
            with suppress(psutil.Error):  # it has just ended
                found += [child] if "ipykernel" in " ".join(child.cmdline()) else []
    return found


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def begun(out):
    """Return the numbers of the jobs that were begun, each as often as it was."""
    path = out / "begun.txt"
    return [int(line.split()[2]) for line in path.read_text().splitlines()] if path.exists() else []


def done(out):
    records = [json.loads(path.read_text()) for path in out.glob("*/job.json")]
    return sorted(record["parameters"].get("number") for record in records if record["state"] == "done")


def all_is_whole(out):
    """Return whether every job is done, and nothing is left of what was killed."""
    left = [path.name for path in out.rglob(".*")]
    products = [folder / "last.txt" for folder in out.iterdir() if folder.is_dir()]
    return done(out) == list(range(4)) and not left and all(path.exists() for path in products)


def test_jobs_whose_processes_are_killed_are_run_again(command):
    process, killed = command(), set()
    while len(killed) < 3:
        seen = len(begun(command.out))
        wait_for(lambda seen=seen: len(begun(command.out)) > seen or process.poll() is not None)
        for victim in [kernel for kernel in kernels(process) if kernel.pid not in killed][:1]:
            victim.kill()
            killed.add(victim.pid)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert all_is_whole(command.out)
    assert len(begun(command.out)) <= 4 + 3
    assert said.count(": done, ") == 4


def test_a_command_that_is_killed_goes_on_where_it_was(command):
    process = command()
    wait_for(lambda: len(done(command.out)) >= 1 and len(begun(command.out)) >= 3)
    orphans = kernels(process)
    assert orphans
    process.kill()
    process.wait()
    wait_for(lambda: not any(orphan.is_running() for orphan in orphans), 10)
    before, runs = done(command.out), begun(command.out)
    again = command()
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert all_is_whole(command.out)
    assert sorted(begun(command.out)[len(runs) :]) == sorted(set(range(4)) - set(before))


def test_an_interruption_stops_all_and_says_what_is_left(command):
    process = command("--sweep", "seconds=0,60,61,62")
    wait_for(lambda: done(command.out) and len(begun(command.out)) == 3)
    running = kernels(process)
    start = time.monotonic()
    process.terminate()
    said, _ = process.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert process.returncode == 130
    assert "interrupted: 3 of 4 jobs are left (one_seconds-60, one_seconds-61, one_seconds-62); run it again" in said
    assert not any(kernel.is_running() for kernel in running)
    assert {path.name for path in command.out.iterdir()} == {
        "one_seconds-0",
        "begun.txt",
        "report.html",
        "results.ecsv",
    }
    table = Table.read(command.out / "results.ecsv", format="ascii.ecsv")
    assert [json.loads(told)["seconds"] for told in table["parameters"]] == [0, 60, 61, 62]
    assert re.search(r"<td>left</td>\s*<td>3</td>", (command.out / "report.html").read_text())
