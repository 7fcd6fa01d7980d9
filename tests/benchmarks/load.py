"""Process many observations in a row in one process: memory, files and threads; lines of a table for RESULTS.md.

python tests/benchmarks/load.py --scratch ../scratch/load --observations 200
"""

import argparse
import gc
import shutil
import threading
from pathlib import Path

import psutil

from mrsnb import Spec3Params, run_spec3
from mrsnb.simulate import simulate


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--scratch", type=Path, required=True, help="folder to work in; it is emptied")
    parser.add_argument("--observations", type=int, default=200)
    parser.add_argument("--every", type=int, default=20, help="print a line after so many")
    told = parser.parse_args()
    shutil.rmtree(told.scratch, ignore_errors=True)
    made = [
        simulate(told.scratch / f"in{i}", sub_bands=["short"], detectors=["MIRIFUSHORT"], seed=i, progress=False)
        for i in range(2)
    ]
    params = Spec3Params.preset("archive").updated({"cube_build": {"channel": "1"}})
    process = psutil.Process()
    print("| observations | resident memory, MB | open files | threads | hidden files |\n|---|---|---|---|---|")
    for number in range(1, told.observations + 1):
        out = told.scratch / "out" / str(number % 4)
        run_spec3(made[number % 2].association, params, output_dir=out)
        if number % told.every == 0 or number == 1:
            gc.collect()
            hidden = sum(path.name.startswith(".") for path in told.scratch.rglob("*"))
            counts = process.num_fds(), threading.active_count(), hidden
            print("|", " | ".join(map(str, (number, process.memory_info().rss // 1_000_000, *counts))), "|", flush=True)
    shutil.rmtree(told.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
