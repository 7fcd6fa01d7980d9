"""Are the products the same with any number of threads, and with another numba?

    python tests/benchmarks/reproducibility.py ../scratch/point2/my_point_source_lvl3_asn.json
    python tests/benchmarks/reproducibility.py ASN --other another_venv/bin/python --weightings drizzle emsm msm

Each run is a process of its own. Products of 1 and of more threads must be equal bit for bit, whatever the weighting.
``--other`` is a Python with other versions of numba, numpy or scipy; what differs there is told, and the exit status is
1 if a number is off by more than 1e-6, or a flag at all. Relative differences are of the largest absolute value of a
plane or, in tables, of a column, since a difference of two equal numbers may be anything.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-6
RUN = """
import json, sys
from importlib.metadata import version
from mrsnb.pipeline import Spec3Params, run_spec3
params = Spec3Params.preset("archive").updated({"cube_build": {"weighting": sys.argv[3]}})
run_spec3(sys.argv[1], params, output_dir=sys.argv[2])
print(json.dumps({name: version(name) for name in ("numba", "llvmlite", "numpy", "scipy", "astropy")}))
"""


def run(python, association, folder, weighting, threads, cache=None):
    """Process an association in a process of its own, and return the versions that it used.

    Another numba needs a `cache` of its own for compiled kernels.
    """
    there = {"MRSNB_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    there |= {} if cache is None else {"NUMBA_CACHE_DIR": str(cache)}
    environment = os.environ | there
    done = subprocess.run(
        [python, "-c", RUN, str(association), str(folder / "out"), weighting],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{python}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def arrays(path):
    """Return what a product holds, without what says when and where it was made: extension and column to array."""
    found = {}
    with fits.open(path) as hdus:
        for hdu in hdus[1:]:
            if hdu.name in ("ASDF", "HDRTAB") or hdu.data is None:
                continue
            columns = (
                {f".{name}": hdu.data[name] for name in hdu.columns.names} if hdu.is_image is False else {"": hdu.data}
            )
            found |= {hdu.name + name: np.array(data) for name, data in columns.items()}
    return found


def digest(folder):
    """Return a checksum of all numbers of the products in a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.fits")):
        for name, data in arrays(path).items():
            total.update(f"{path.name} {name} {data.shape}".encode() + np.ascontiguousarray(data).tobytes())
    return total.hexdigest()


def largest_difference(one, other):
    """Return the largest relative difference of the products in two folders, where it is, and how many flags differ."""
    worst, where, flags = 0.0, "", 0
    for path in sorted(one.glob("*.fits")):
        a, b = arrays(path), arrays(other / path.name)
        for name, first in a.items():
            second = b[name]
            if first.dtype.kind in "uib":
                flags += int(np.count_nonzero(first != second))
                continue
            if first.dtype.kind != "f":
                continue
            flags += int(np.count_nonzero(np.isnan(first) != np.isnan(second)))
            planes = (first, second) if first.ndim == 3 else (first[None], second[None])
            for x, y in zip(*planes, strict=True):
                good = np.isfinite(x) & np.isfinite(y)
                scale = np.abs(x[good]).max(initial=0.0)
                size = float(np.abs(x[good].astype(float) - y[good]).max(initial=0.0) / scale) if scale else 0.0
                if size > worst:
                    worst, where = size, f"{path.name} {name}"
    return worst, where, flags


def compared(a, weighting, here, caches):
    """Yield what was compared: in words, how many flags differ, the largest relative difference in words, if good."""
    versions, sums = {}, set()
    first = here / f"threads{a.threads[0]}"
    for n in a.threads:
        folder = here / f"threads{n}"
        versions = run(sys.executable, a.association, folder, weighting, n)
        sums.add(digest(folder / "out"))
    threads = f"{', '.join(map(str, a.threads))} threads"
    yield threads, 0 if len(sums) == 1 else "?", told(0.0) if len(sums) == 1 else "NOT IDENTICAL", len(sums) == 1
    for i, python in enumerate(a.other):
        others = run(python, a.association, here / f"other{i}", weighting, 2, caches / str(i))
        changed = ", ".join(f"{k} {versions[k]} and {v}" for k, v in others.items() if versions[k] != v)
        worst, where, flags = largest_difference(first / "out", here / f"other{i}" / "out")
        yield changed, flags, told(worst, where), worst <= TOLERANCE and not flags


def told(worst, where=""):
    """Return a difference in words."""
    return f"{worst:.1e} ({where})" if worst else "0 (bit-identical)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2, 3, 8])
    parser.add_argument("--weightings", nargs="*", default=["drizzle"])
    parser.add_argument("--other", nargs="*", default=[], help="other Pythons to compare with")
    parser.add_argument("--scratch", type=Path, help="where products go  [default: a temporary folder]")
    a = parser.parse_args()
    verdicts = []
    print("| weighting | compared | flags that differ | largest relative difference |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=a.scratch) as caches:
        for weighting in a.weightings:
            with tempfile.TemporaryDirectory(dir=a.scratch) as here:
                for what, flags, difference, is_good in compared(a, weighting, Path(here), Path(caches)):
                    print(f"| {weighting} | {what} | {flags} | {difference} |", flush=True)
                    verdicts.append(is_good)
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
