"""How many small observations a batch processes in an hour, by one worker and by several.

    python tests/benchmarks/batch_throughput.py FOLDER [--jobs 40] [--workers 2] [--repeat 1]

simulates an observation of two exposures in FOLDER, gives it as many names as there are jobs, and runs the batch with
the command line, on a machine that has nothing else to do. One worker uses all cores, as it does by default; the cores
are divided among several. The last column is the most that the workers could gain: they cannot take less than the
processor's time, evenly divided among the cores.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from astropy.table import Table as Results

from mrsnb.display import Table
from mrsnb.kernels.threads import n_threads
from mrsnb.simulate import simulate


def observations(folder, n):
    """Return a folder of `n` associations of the same two exposures."""
    made = folder / "raw"
    shutil.rmtree(made, ignore_errors=True)
    one = simulate(made, name="one", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False).association
    content = json.loads(one.read_text())
    for number in range(n):
        content["products"][0]["name"] = f"target{number:03d}"
        (made / f"target{number:03d}_asn.json").write_text(json.dumps(content))
    one.unlink()
    return made


def processor_time():
    """Return the processor time of all processes that this one has started and that have ended, in s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(raw, out, workers, threads):
    """Return seconds of a batch, its processor time, and that of the jobs' processes alone, in s."""
    shutil.rmtree(out, ignore_errors=True)
    more = [] if threads is None else ["--threads", str(threads)]
    command = [sys.executable, "-c", "from mrsnb.cli import main; main()", "batch", raw, "-o", out]
    before, start = processor_time(), time.perf_counter()
    subprocess.run([*map(str, command), "--workers", str(workers), *more], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    jobs = Results.read(out / "results.ecsv", format="ascii.ecsv")
    if set(jobs["state"]) != {"done"}:
        message = f"{out}: not all jobs are done"
        raise SystemExit(message)
    return seconds, processor_time() - before, float(jobs["cpu_seconds"].sum())


def main():
    """Print a table: workers, time, throughput, gain."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to work; needs 1 GB with 40 jobs")
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--repeat", type=int, default=1, help="take the best of so many")
    told = parser.parse_args()
    raw, out = observations(told.folder, told.jobs), told.folder / "out"
    cases = [(1, None), (1, 1), *((workers, None) for workers in told.workers)]
    found = {case: min(measured(raw, out, *case) for _ in range(told.repeat)) for case in cases}
    shutil.rmtree(out)
    shutil.rmtree(raw)
    alone, cores = found[1, None][0], n_threads()
    rows = [
        (
            str(workers),
            str(max(cores // workers, 1) if threads is None else threads),
            f"{seconds:.1f}",
            f"{3600 * told.jobs / seconds:.0f}",
            f"{alone / seconds:.2f}",
            f"{jobs / told.jobs:.2f}",
            f"{(cpu - jobs) / told.jobs:.2f}",
            f"{cpu / seconds / cores:.0%}",
            f"{alone / (cpu / cores):.2f}",
        )
        for (workers, threads), (seconds, cpu, jobs) in found.items()
    ]
    heads = ("workers", "threads each", "s", "jobs an hour", "gain", "processor, s a job", "beside it", "cores busy")
    print(f"{told.jobs} observations of 2 exposures; {cores} cores; load before: {os.getloadavg()[0]:.1f}")
    print(Table((*heads, "most"), rows).to_text())


if __name__ == "__main__":
    main()
