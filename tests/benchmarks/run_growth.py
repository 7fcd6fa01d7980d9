"""Measure how time and memory grow with the number of exposures, each run in a process of its own.

The inputs are made apart (see ../shared/oracle/README.md):

    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point2 --dithers 2
    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point4 --dithers 4
    python tests/benchmarks/run_growth.py ../scratch/point2/my_point_source_lvl3_asn.json \
        ../scratch/point4/my_point_source_lvl3_asn.json ../scratch/point4/my_point_source_lvl3_asn.json:2

``ASN:2`` takes every exposure twice, under two names, so this is 12, 24 and 48 exposures. It prints, and writes with
``--output``, wall time and peak memory of each run, a straight line through the times, and how far off it they are.
Let nothing else run on the machine.
"""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from measured import REFERENCES, measure, spec3_command

from mrsnb.core.association import Association, Member
from mrsnb.io.association import read_association, write_association

OPTIONS = ("outlier_detection.skip=true", "extract_1d.ifu_rfcorr=false")


def repeated(text, folder):
    """Return an association with every exposure of ``ASN:n`` n times, as links in `folder`, and how many there are."""
    path, _, copies = text.partition(":")
    given = read_association(path)
    folder.mkdir()
    members = []
    for k in range(int(copies or 1)):
        for member in given.science:
            source = given.path_of(member).resolve()
            link = folder / f"copy{k}_{source.name}"
            link.symlink_to(source)
            members.append(Member(link.name))
    new = folder / "growth_lvl3_asn.json"
    write_association(new, Association("growth", tuple(members), asn_type="spec3", path=new))
    return new, len(members)


def table(rows):
    """Return the lines of the table, and what the line through the times says; rows are (n, seconds, MB)."""
    n, seconds, peak = (np.array(column, float) for column in zip(*rows, strict=True))
    lines = ["| exposures | wall time | per exposure | peak memory |", "|---|---|---|---|"]
    lines += [f"| {a:.0f} | {s:.1f} s | {s / a:.2f} s | {p:.0f} MB |" for a, s, p in zip(n, seconds, peak, strict=True)]
    if len(set(n)) > 1:
        slope, base = np.polyfit(n, seconds, 1)
        off = np.abs(seconds / (base + slope * n) - 1).max()
        spread = np.ptp(peak) / peak.min()
        line = f"Time = {base:.1f} s + {slope:.2f} s an exposure, to {off:.1%}; memory within {spread:.1%}."
        lines += ["", line]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("associations", nargs="+", help="ASN, or ASN:n for n times every exposure")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--option", action="append", help="step.parameter=value, in place of the usual two")
    parser.add_argument("--preset", default="archive")
    parser.add_argument("--references", type=Path, default=REFERENCES)
    parser.add_argument("--output", type=Path, help="file for the table")
    a = parser.parse_args()
    options = tuple(a.option or OPTIONS)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = [repeated(text, folder / str(k)) for k, text in enumerate(a.associations)]
        measure(spec3_command(jobs[0][0], folder / "out", a.references, options, a.preset))  # kernels into the cache
        for association, n in jobs:
            runs = [
                measure(spec3_command(association, folder / "out", a.references, options, a.preset))
                for _ in range(a.repeat)
            ]
            rows.append((n, median(run.seconds for run in runs), max(run.peak for run in runs)))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, preset {a.preset}, {' '.join(options)}"
    text = "\n".join([head, "", *table(rows), ""])
    print(text)
    if a.output is not None:
        a.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
