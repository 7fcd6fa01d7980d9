"""How much of a run's time looking for doubts takes: of the exposures, of each cube, of each spectrum.

    python tests/benchmarks/doubts_cost.py ../scratch/point2/my_point_source_lvl3_asn.json

CPU seconds of the threads that look, and of the whole process; the least of some runs, the first of which is left out.
The exit status is 1 if they take 2 % or more.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from mrsnb.io.exposures import ExposureFile
from mrsnb.pipeline import Spec3Params, chain, doubts, run_spec3

LIMIT = 0.02
LOOKS = (
    (ExposureFile, "flags"),
    (doubts, "saturated_share"),
    (doubts, "input_doubts"),
    (chain, "cube_doubts"),
    (chain, "spectrum_doubts"),
)


def timed(function, spent):
    """Return a function that adds its CPU seconds to a list."""

    def call(*arguments, **options):
        start = time.thread_time()
        try:
            return function(*arguments, **options)
        finally:
            spent.append(time.thread_time() - start)

    return call


def share(association):
    """Return CPU seconds of the doubts, and of a whole run."""
    spent, whole = [], time.process_time()
    for place, name in LOOKS:
        mock.patch.object(place, name, timed(getattr(place, name), spent)).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            run_spec3(association, Spec3Params.preset("archive"), output_dir=folder)
    finally:
        mock.patch.stopall()
    return sum(spent), time.process_time() - whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    a = parser.parse_args()
    found = [share(a.association) for _ in range(a.runs + 1)][1:]
    looking, whole = (min(column) for column in zip(*found, strict=True))
    print(f"| doubts | run | share |\n|---|---|---|\n| {looking:.3f} s | {whole:.2f} s | {looking / whole:.2%} |")
    return 0 if looking / whole < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
