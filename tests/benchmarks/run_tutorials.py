"""Run the tutorials, each from nothing, without a network: time, memory, pictures; a table for RESULTS.md.

    python tests/benchmarks/run_tutorials.py NOTEBOOKS OUT [--offline]

Memory is that of the notebook's process and all that it starts, together, as a container counts it: what they share
counts once. It is sampled twenty times a second. The status is
1 if a tutorial fails, warns, takes more than a minute of the processor (others may keep it busy) or more than 1 GB.
"""

import argparse
import ctypes
import fcntl
import os
import resource
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import nbconvert
import nbformat
import psutil
from nbclient import NotebookClient

MOST_SECONDS, MOST_MB = 60, 1000
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP, _REQUEST = 0x8913, 0x8914, 0x1, "16sH22x"


def leave_the_network():
    """Move this process into a network of its own, which has nothing but itself; return how that was done."""
    spaces = _NEW_NETWORK if os.geteuid() == 0 else _NEW_NETWORK | _NEW_USER
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).unshare(spaces) == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            asked = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack(_REQUEST, b"lo", 0))
            flags = struct.unpack(_REQUEST, asked)[1]
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, b"lo", flags | _UP))
        with suppress(OSError), socket.create_connection(("1.1.1.1", 443), timeout=2):
            raise RuntimeError("the network is still there")
        return "in a network namespace of its own"
    for name in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = "http://127.0.0.1:9"
    os.environ["no_proxy"] = "127.0.0.1,localhost"
    return "with proxies that lead nowhere"


def memory(process):
    """Return the memory of a process, bytes; of pages that it shares with others its part."""
    place = Path(f"/proc/{process.pid}/smaps_rollup")
    if not place.exists():
        return process.memory_info().rss
    parts = dict(line.split(":") for line in place.read_text().splitlines()[1:])
    return int(parts["Pss"].split()[0]) * 1024


@contextmanager
def peak_of_children():
    """Yield a list of one value: the largest memory that all children of this process had together so far, MB."""
    over, peak = threading.Event(), [0.0]

    def look():
        while not over.wait(0.05):
            held = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, OSError):
                    held += memory(process)
            peak[0] = max(peak[0], held / 1e6)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


class Ran(NamedTuple):
    """What a tutorial took, and left."""

    seconds: float
    cpu: float
    """Seconds of all cores."""
    megabytes: float
    pictures: int
    """Outputs that have any."""
    complaints: list[str]
    """What was raised, or written as a warning."""


def busy():
    """Return the time of all cores that processes have used which this one started and which are over, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(path, folder):
    """Run a notebook where it is, keep it in `folder`, as a page as well, and return what it took."""
    book = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        book,
        timeout=600,
        kernel_name="python3",
        store_widget_state=False,  # pages take pictures in its place
        resources=place,
        allow_errors=True,
        extra_arguments=["--log-level=CRITICAL"],
    )
    start, before = time.perf_counter(), busy()
    with peak_of_children() as peak:
        client.execute()
    seconds, cpu = time.perf_counter() - start, busy() - before
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    complaints = [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    complaints += ["\n".join(o.traceback) for o in outputs if o.output_type == "error"]
    nbformat.write(book, folder / path.name)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")
    pictures = sum(
        "image/png" in output.get("data", {}) or "data:image/png" in output.get("data", {}).get("text/html", "")
        for output in outputs
    )
    return Ran(seconds, cpu, peak[0], pictures, complaints)


def main():
    """Run all, print the table, return the status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("notebooks", type=Path, help="folder of the tutorials")
    parser.add_argument("output", type=Path, help="folder for the executed ones")
    parser.add_argument("--offline", action="store_true", help="leave the network first")
    told = parser.parse_args()
    told.output.mkdir(parents=True, exist_ok=True)
    how = leave_the_network() if told.offline else "with the network"
    print("| tutorial | s | s of all cores | MB | outputs with pictures |\n|---|---|---|---|---|")
    failed = False
    for path in sorted(told.notebooks.absolute().glob("*.ipynb")):
        ran = run(path, told.output)
        print(f"| {path.stem} | {ran.seconds:.0f} | {ran.cpu:.0f} | {ran.megabytes:.0f} | {ran.pictures} |", flush=True)
        for text in ran.complaints:
            print(text, file=sys.stderr)
        failed |= bool(ran.complaints) or ran.cpu > MOST_SECONDS or ran.megabytes > MOST_MB or ran.pictures == 0
    print(f"\nrun {how}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
