"""Inject faults into `mrsnb spec3`, `batch` and `notebook` on a small observation; a table for RESULTS.md.

    python tests/benchmarks/faults.py --scratch ../scratch/faults
    python tests/benchmarks/faults.py --only disk,inputs --times 5

Full and read-only disks need root, which may mount file systems; they are left out without.

What is good: a command ends with all its products, right to the last bit, or in one clear line; none of its products is
damaged or of mixed inputs, and nothing hidden is left. What is not is listed below the table.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from astropy.io import fits
from fault_floods import floods
from faulted import Left, Line, digests, forked, may_mount, on_open, started, table, tmpfs

QUICK = ["--steps.cube_build.channel=1", "--steps.cube_build.wavemax=5.2"]
LONG = [
    *QUICK,
    "--steps.adaptive_trace_model.skip=False",
    "--steps.adaptive_trace_model.save_results=True",
    "--steps.outlier_detection.save_intermediate_results=True",
    "--steps.pixel_replace.skip=False",
    "--steps.pixel_replace.save_results=True",
    "--steps.mrs_imatch.skip=False",
]
SAVED = [*QUICK, "--steps.pixel_replace.skip=False", "--steps.pixel_replace.save_results=True"]
LARGE = ["--steps.cube_build.channel=1", "--steps.cube_build.memory_limit=0.1", "--steps.outlier_detection.skip=True"]


class Bench:
    """The observation, and what is right.

    Parameters
    ----------
    folder : Path
    times : int
        How often each fault is injected, about.
    seed : int
    """

    def __init__(self, folder, times, seed):
        from mrsnb.kernels.cache import compile_missing
        from mrsnb.simulate import simulate

        compile_missing()
        self.folder, self.times, self.random = folder, times, random.Random(seed)  # noqa: S311
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made = simulate(folder / "in", name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False)
        self.association, self.exposures = made.association, made.exposures
        self.lines, self.right, self.seconds = [], {}, {}

    def command(self, options=QUICK, out=None, association=None):
        given = self.association if association is None else association
        return ["spec3", given, "--output-dir", self.out if out is None else out, *options]

    @property
    def out(self):
        return self.folder / "out"

    def baseline(self, options):
        """Return the digests of the right products, by name, and the seconds that they take."""
        key = " ".join(options)
        if key not in self.right:
            self.clean()
            ended = forked(self.command(options))
            if ended.status or ended.said:
                raise RuntimeError(ended.said)
            self.right[key], self.seconds[key] = digests(self.out), ended.seconds
            shutil.copytree(self.out, self.copy_of(options), dirs_exist_ok=True)
        return self.right[key], self.seconds[key]

    def copy_of(self, options):
        """Return the folder of the right products."""
        return self.folder / f"right-{len(' '.join(options))}"

    def clean(self):
        shutil.rmtree(self.out, ignore_errors=True)

    def size(self, options):
        """Return the bytes of the right products."""
        return sum(path.stat().st_size for path in self.copy_of(options).iterdir())

    def line(self, name):
        self.lines.append(Line(name))
        print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        return self.lines[-1]

    def steps(self, largest, least=0):
        """Return numbers from `least` to `largest`."""
        n = max(self.times, 2)
        return [least + (largest - least) * i // (n - 1) for i in range(n)]


# Disks


def full_disks(bench):
    if not may_mount():
        return
    for what, options in (("spec3", QUICK), ("spec3, all steps, all files", LONG), ("spec3 through the disk", LARGE)):
        right, _ = bench.baseline(options)
        line, size = bench.line(f"disk full, {what}"), bench.size(options)
        for kilobytes in bench.steps(int(1.6 * size / 1024), 4):
            with tmpfs(bench.folder / "small", f"size={kilobytes}k") as place:
                ended = forked(bench.command([*options, "--report"], place))
                line.add(ended, Left.in_folder(place, right), f"{kilobytes} kB")
    right, _ = bench.baseline(LONG)
    line = bench.line("no room for more files")
    for n in range(2, 2 + min(bench.times, 20)):
        with tmpfs(bench.folder / "small", f"nr_inodes={n}") as place:
            line.add(forked(bench.command(LONG, place)), Left.in_folder(place, right), f"{n} inodes")
    right, _ = bench.baseline(QUICK)
    line = bench.line("disk full, over older products")
    for kilobytes in bench.steps(int(2.2 * bench.size(QUICK) / 1024), bench.size(QUICK) // 1024 + 64):
        with tmpfs(bench.folder / "small", f"size={kilobytes}k") as place:
            shutil.copytree(bench.copy_of(QUICK), place, dirs_exist_ok=True)
            ended = forked(bench.command(QUICK, place))
            line.add(ended, Left.in_folder(place, right), f"{kilobytes} kB")


def full_disks_of_notebooks(bench):
    if not may_mount():
        return
    right, _ = bench.baseline(QUICK)
    steps = "{cube_build: {channel: '1', wavemax: 5.2}}"
    given = ["-p", "asn_file", bench.association, "-y", f"steps: {steps}"]
    for what in ("notebook", "batch"):
        line = bench.line(f"disk full, {what}")
        for kilobytes in bench.steps(bench.size(QUICK) // 1024 * 2, 4)[: max(2, bench.times // 2)]:
            with tmpfs(bench.folder / "small", f"size={kilobytes}k") as place:
                if what == "notebook":
                    args = ["notebook", "spec3_mrs", place / "a.ipynb", *given, "-p", "output_dir", place]
                else:
                    args = ["batch", bench.association, "-o", place, *given[2:], "--workers", 1]
                    args = ["batch", bench.association, "-o", place, "-p", "cube_build.channel", "1"]
                ended = started(args)
                line.add(ended, Left.in_folder(place, right), f"{kilobytes} kB")


def read_only(bench):
    if not may_mount():
        return
    right, _ = bench.baseline(QUICK)
    line = bench.line("read-only directory")
    with tmpfs(bench.folder / "fixed", "size=1m,ro") as place:
        for args in (
            bench.command(QUICK, place),
            bench.command(QUICK, place / "new"),
            bench.command([*LONG, "--report"], place),
            bench.command([*QUICK, "--save-parameters", place / "p.asdf"]),
            ["batch", bench.association, "-o", place],
            ["batch", bench.association, "-o", place / "new"],
            ["notebook", "spec3_mrs", place / "a.ipynb", "-p", "asn_file", bench.association],
            ["report", bench.out, "-o", place / "report.html"],
            ["simulate", place / "raw"],
            ["params", "-o", place / "p.yaml"],
            ["templates", "cube_build", "--copy", place],
            ["associate", "-o", place / "a.json", "--product-name", "x", *bench.exposures],
            ["run", "cube_build", "--help"],
        ):
            line.add(forked(args), Left([], [], [str(path) for path in place.rglob("*")]), str(args[:4]))
    assert right


def removed(bench):
    for what, options in (("", QUICK), (", all steps", LONG)):
        right, seconds = bench.baseline(options)
        line = bench.line(f"output directory removed during the run{what}")
        for _ in range(bench.times):
            wait = bench.random.uniform(0, seconds)

            def remove(_, wait=wait):
                time.sleep(wait)
                shutil.rmtree(bench.out, ignore_errors=True)

            bench.clean()
            ended = forked(bench.command(options), meanwhile=remove)
            line.add(ended, Left.in_folder(bench.out, right) if ended.status else Left([], [], []), f"{wait:.2f} s")


# Inputs


def _changed(path, *, keep):
    """Change the content of an exposure, not its size; `keep` its time too."""
    before = path.stat()
    with fits.open(path, mode="update", memmap=False) as hdus:
        hdus["SCI"].data += 5
    if keep:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(path, *, keep):
    """Replace an exposure as `mv` does."""
    before = path.stat()
    new = path.with_name("new.fits")
    shutil.copy(path, new)
    _changed(new, keep=False)
    if keep:
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def _truncated(path):
    os.truncate(path, path.stat().st_size // 2880 // 2 * 2880)


CHANGES = {
    "vanishes": Path.unlink,
    "is cut short": _truncated,
    "changes": partial(_changed, keep=False),
    "changes, its time and size do not": partial(_changed, keep=True),
    "is replaced": partial(_replaced, keep=False),
    "is replaced by one of the same time and size": partial(_replaced, keep=True),
    "is touched": Path.touch,
}


def changing_inputs(bench, options=SAVED):
    """Change an exposure just before it is opened for the k-th time."""
    right, _ = bench.baseline(options)
    first = bench.exposures[0]
    kept = first.read_bytes()
    _changed(first, keep=False)
    bench.right.pop(" ".join(options))
    other, _ = bench.baseline(options)
    first.write_bytes(kept)
    bench.right[" ".join(options)] = right
    n = _opened(bench, options)
    places = sorted(bench.random.sample(range(1, n + 1), min(bench.times, n)))
    for what, change in CHANGES.items():
        line = bench.line(f"an exposure {what}")
        for k in places:
            bench.clean()
            done = []

            def act(path, change=change, done=done):
                if not done and path.exists():
                    done.append(1)
                    change(path)

            ended = forked(bench.command(options), lambda k=k, act=act: on_open(k, first, act))
            line.add(ended, Left.in_folder(bench.out, right, other), f"open {k}")
            first.write_bytes(kept)


def _opened(bench, options):
    """Return how often a run opens the first exposure."""
    note = bench.folder / "opened"
    bench.clean()

    def prepare():
        seen = on_open(-1, bench.exposures[0], None)
        original = os._exit

        def leave(status):
            note.write_text(str(len(seen)))
            original(status)

        os._exit = leave

    forked(bench.command(options), prepare)
    return int(note.read_text())


# Clocks


def backwards():
    """Let every clock of the day go back by an hour at each look, in this process."""
    import datetime as dt

    now = [time.time()]

    def back():
        now[0] -= 3600
        return now[0]

    class Back(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(back(), tz)

    time.time, time.time_ns = back, lambda: int(back() * 1e9)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("mrsnb") and getattr(module, "datetime", None) is dt.datetime:
            module.datetime = Back


def clocks(bench):
    right, _ = bench.baseline(QUICK)
    line = bench.line("clock goes backwards")
    for _ in range(3):
        bench.clean()
        line.add(forked(bench.command(QUICK), backwards), Left.in_folder(bench.out, right))
    line.add(forked(bench.command(QUICK), backwards), Left.in_folder(bench.out, right), "over older products")
    line = bench.line("inputs and products of other times (1970, 2100)")
    for at in (0, 4102444800):
        for paths in (bench.exposures, [bench.association], list(bench.out.iterdir())):
            for path in paths:
                os.utime(path, (at, at))
        line.add(forked(bench.command(QUICK)), Left.in_folder(bench.out, right), f"{at} s")


# Memory


def memory(bench):
    right, _ = bench.baseline(LARGE)
    line = bench.line("address space limited (RLIMIT_AS)")
    for megabytes in bench.steps(3000, 150):
        bench.clean()
        ended = started(bench.command(LARGE[:1]), limits=[(resource.RLIMIT_AS, megabytes << 20)])
        line.add(ended, Left.in_folder(bench.out, bench.baseline(LARGE[:1])[0]), f"{megabytes} MB")
    line = bench.line("cubes too large, refused beforehand")
    for options in (
        ["--steps.cube_build.scalexy=0.01", "--steps.cube_build.scalew=1e-5"],
        ["--steps.cube_build.nspax_x=9999", "--steps.cube_build.nspax_y=9999"],
        ["--steps.cube_build.scalexy=0.01", "--steps.cube_build.scalew=1e-5", "--steps.cube_build.memory_limit=0.5"],
        ["--steps.mrs_imatch.skip=False", "--steps.cube_build.memory_limit=0.1"],
    ):
        bench.clean()
        line.add(forked(bench.command(options)), Left.in_folder(bench.out, right), str(options))


# Processes


def signals(bench):
    right, _ = bench.baseline(LONG)
    for number in (signal.SIGINT, signal.SIGTERM):
        line = bench.line(f"{number.name} at random times")
        for _ in range(bench.times):
            wait = bench.random.uniform(0, 5.0)

            def send(process, wait=wait, number=number):
                time.sleep(wait)
                with suppress(ProcessLookupError):
                    os.kill(process, number)

            bench.clean()
            ended = started(bench.command(LONG), send)
            line.add(ended, Left.in_folder(bench.out, right), f"{wait:.2f} s")


def dead_kernels(bench):
    right, _ = bench.baseline(QUICK)
    steps = "{cube_build: {channel: '1', wavemax: 5.2}}"
    line = bench.line("notebook's process killed")
    for _ in range(max(3, bench.times // 4)):
        wait = bench.random.uniform(0, 5)

        def kill(process, wait=wait):
            end = time.monotonic() + 60
            with suppress(psutil.Error):
                while time.monotonic() < end:
                    for child in psutil.Process(process).children():
                        if "ipykernel" in " ".join(child.cmdline()):
                            time.sleep(wait)
                            child.kill()
                            return
                    time.sleep(0.05)

        bench.clean()
        bench.out.mkdir()
        given = ["-p", "asn_file", bench.association, "-p", "output_dir", bench.out, "-y", f"steps: {steps}"]
        ended = started(["notebook", "spec3_mrs", bench.out / "done.ipynb", *given], kill)
        line.add(ended, Left.in_folder(bench.out, right), f"{wait:.2f} s")


FAULTS = {
    "disk": [full_disks, read_only, removed],
    "notebooks": [full_disks_of_notebooks, dead_kernels],
    "inputs": [changing_inputs],
    "clock": [clocks],
    "memory": [memory],
    "signals": [signals],
    "floods": [floods],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scratch", type=Path, required=True, help="folder to work in; it is emptied")
    parser.add_argument("--only", default=",".join(FAULTS), help="kinds of faults, of: " + ", ".join(FAULTS))
    parser.add_argument("--times", type=int, default=40, help="how often each fault is injected, about")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    bench = Bench(told.scratch.absolute(), told.times, told.seed)
    bench.baseline(QUICK)
    for kind in told.only.split(","):
        for inject in FAULTS[kind]:
            inject(bench)
            print(table(bench.lines), flush=True)
    for line in bench.lines:
        for what in ("others", "corrupted", "hidden"):
            for found in getattr(line, what):
                print(json.dumps([line.name, what, *map(str, found)]))
    sys.exit(any(line.others or line.corrupted or line.hidden for line in bench.lines))


if __name__ == "__main__":
    main()
