"""Run commands on a small observation while something goes wrong, and judge what they leave."""

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

PROGRAM = [sys.executable, "-c", "from mrsnb.cli import main; main()"]
LONGEST = 180
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    """Exit status; minus the number of the signal that ended it."""
    said: str
    """Standard error."""
    seconds: float


@dataclass
class Line:
    """A line of the table: what became of all runs with one kind of fault."""

    name: str
    injected: int = 0
    survived: int = 0
    errors: int = 0
    others: list = field(default_factory=list)
    corrupted: list = field(default_factory=list)
    hidden: list = field(default_factory=list)

    def add(self, ended, left, what=""):
        """Count a run: how it ended, and what `Left` it left."""
        self.injected += 1
        if ended.status == 0 and not left.missing and not ended.said.strip():
            self.survived += 1
        elif ended.status in {2, 130} and is_one_clear_line(ended.said):
            self.errors += 1
        else:
            self.others.append((what, ended.status, ended.said[-600:], left.missing))
        self.corrupted += [(what, name) for name in left.corrupted]
        self.hidden += [(what, name) for name in left.hidden]

    def cells(self):
        counts = self.injected, self.survived, self.errors, len(self.others), len(self.corrupted), len(self.hidden)
        return [self.name, *map(str, counts)]


HEAD = ["fault", "injected", "finished, right", "one clear error", "else", "products corrupted", "hidden files left"]


def is_one_clear_line(said):
    lines = said.strip().split("\n")
    return len(lines) == 1 and lines[0].startswith("mrsnb: error: ") and "unforeseen" not in lines[0]


def table(lines):
    rows = [HEAD, ["---"] * len(HEAD), *(line.cells() for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


# What a run leaves


def digest(path):
    """Return what identifies the numbers in a product, but for dates and what names its inputs."""
    found = hashlib.sha256()
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            if hdu.name not in ("ASDF", "HDRTAB") and hdu.data is not None:
                found.update(f"{hdu.name} {hdu.data.shape}".encode())
                found.update(np.ascontiguousarray(hdu.data).tobytes())
    return found.hexdigest()


@dataclass
class Left:
    """What is in the folder of a run, in comparison with what may be there."""

    missing: list
    corrupted: list
    hidden: list

    @classmethod
    def in_folder(cls, folder, *allowed):
        """Compare with the digests, by name, of one or several versions of the products."""
        from mrsnb.io.verify import verify

        if not folder.is_dir():
            return cls(list(allowed[0]), [], [])
        paths = [path for path in folder.rglob("*") if path.is_file()]
        hidden = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(".")]
        shown = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
        corrupted = [path.name for path in shown if not _is_whole(path)]
        products = {path.name: path for path in shown if path.suffix == ".fits" and path.name not in corrupted}
        for name, path in products.items():
            if verify(path).having("damaged") or digest(path) not in [one.get(name) for one in allowed]:
                corrupted.append(name)
        if not corrupted and products:
            versions = [one for one in allowed if all(digest(path) == one.get(name) for name, path in products.items())]
            corrupted += [] if versions else ["products of different inputs"]
        return cls([name for name in allowed[0] if name not in products], corrupted, hidden)


def _is_whole(path):
    """Return whether a file can be read to its end."""
    try:
        match path.suffix:
            case ".fits":
                with fits.open(path, memmap=False) as hdus:
                    for hdu in hdus:
                        _ = hdu.data
            case ".json" | ".ipynb":
                json.loads(path.read_text())
            case ".png":
                return path.read_bytes().endswith(b"IEND\xaeB`\x82")
            case ".html":
                return "</html>" in path.read_text()[-200:]
    except (OSError, ValueError, TypeError):
        return False
    return True


def digests(folder):
    return {path.name: digest(path) for path in sorted(folder.rglob("*.fits"))}


# Running


def forked(args, prepare=lambda: None, meanwhile=lambda _: None):
    """Run a command in a copy of this process, in which `prepare` was called; `meanwhile` is given its number."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as said, Path(os.devnull).open("r+b") as nothing:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            _be_child(args, prepare, said, nothing)
        helper = threading.Thread(target=meanwhile, args=(process,))
        helper.start()
        status = _waited(process)
        helper.join()
        said.seek(0)
        return Ended(status, said.read().decode(errors="replace"), time.monotonic() - start)


def _be_child(args, prepare, said, nothing):
    status = 86
    try:
        for number, file in ((0, nothing), (1, nothing), (2, said)):
            os.dup2(file.fileno(), number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from mrsnb.cli import main

        prepare()
        status = main([str(arg) for arg in args], prog_name="mrsnb", standalone_mode=False)
    except BaseException:  # noqa: BLE001 (it is what is looked for)
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def _waited(process):
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return -999


def started(args, meanwhile=lambda _: None, limits=(), **variables):
    """Run a command as a user does, in a new Python."""

    def limit():
        for what, size in limits:
            resource.setrlimit(what, (size, size))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background

    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*PROGRAM, *map(str, args)],
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=limit,  # noqa: PLW1509 (no other thread is at work)
            env=os.environ | variables,
        )
        meanwhile(process.pid)
        try:
            status = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = -999
        said.seek(0)
        return Ended(status, said.read().decode(errors="replace"), time.monotonic() - start)


# Places that fail


MOUNT, UNMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))


@contextmanager
def tmpfs(folder, options):
    """Mount a file system in memory with these options; only root may."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run([UNMOUNT, "-l", str(folder)], check=True)
        folder.rmdir()


def may_mount():
    """Return whether this user may mount a file system."""
    with (
        tempfile.TemporaryDirectory() as place,
        suppress(OSError, subprocess.CalledProcessError),
        tmpfs(Path(place) / "small", "size=4k"),
    ):
        return True
    return False


def on_open(number, below, act):
    """Call `act(path)` just before a file below a folder is opened for the `number`-th time; return all that were."""
    seen = []

    def hook(event, args):
        if event != "open" or not isinstance(args[0], str | bytes | os.PathLike):
            return
        path = os.fsdecode(args[0])
        if path.startswith(str(below)) and not re.search(r"\.mrsnb-", path):
            seen.append(path)
            if len(seen) == number:
                act(Path(path))

    sys.addaudithook(hook)
    return seen
