"""Time mrsnb against the observatory's package: the same job, by turns, each time in a fresh process.

The inputs and the official package are made ready apart (see ../shared/oracle/README.md):

    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point2 --dithers 2
    python tests/benchmarks/run_speed.py ../scratch/point2/my_point_source_lvl3_asn.json

Both skip outlier_detection, write all products, and use the same reference files; other options are named after the
association. mrsnb runs once beforehand, so that its kernels are compiled and cached. It prints, and writes with
``--output``: medians of wall time, peak memory and ratios; then the phases of one run of mrsnb on one thread, each
beside the least time that this machine needs for it (`lower_bounds`). ``--cold`` also times a first run, with nothing
cached; ``--no-jwst`` leaves the official package out. Let nothing else run on the machine.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from measured import REFERENCES, ROOT, measure, references_option, spec3_command

OPTIONS = ("outlier_detection.skip=true",)
OFFICIAL_PYTHON = ROOT.parent / "oracle-env" / "bin" / "python"
OFFICIAL_SCRIPT = ROOT.parent / "shared" / "oracle" / "run_jwst.py"
ONE_THREAD = {"MRSNB_NUM_THREADS": 1, "NUMBA_NUM_THREADS": 1, "OMP_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}


def rounds(a, folder, options):
    """Return the measurements of both programs, by turns, and those of first runs."""
    ours, official, cold = [], [], []
    for k in range(a.repeat):
        mine = spec3_command(a.association, folder / "mrsnb", a.references, (*options, *a.ours), a.preset)
        ours.append(measure(mine))
        if a.jwst:
            command = [a.official_python, a.official_script, a.association, folder / "jwst", *options]
            official.append(measure(list(map(str, command))))
        if a.cold:
            with tempfile.TemporaryDirectory() as cache:
                cold.append(measure(mine, NUMBA_CACHE_DIR=cache))
        taken = ", ".join(f"{m[-1].seconds:.1f} s" for m in (ours, official, cold) if m)
        print(f"round {k + 1}: {taken}", file=sys.stderr)
    return ours, official, cold


def report(ours, official, cold, whole):
    """Return the lines of the table of programs, and the ratios."""
    head = "| program | runs | wall time (median) | least | CPU (median) | peak memory (largest) |"
    lines = [head, "|---|---|---|---|---|---|"]
    for name, runs in (("mrsnb spec3", ours), ("the same, nothing cached", cold), ("jwst Spec3Pipeline", official)):
        if runs:
            times = [run.seconds for run in runs]
            cpu, peak = median(run.cpu for run in runs), max(run.peak for run in runs)
            times = f"{median(times):.2f} s | {min(times):.2f} s | {cpu:.2f} s"
            lines.append(f"| {name} | {len(runs)} | {times} | {peak:.0f} MB |")
    if official:
        theirs = median(run.seconds for run in official)
        lines += ["", f"Ratio of whole processes: {theirs / median(run.seconds for run in ours):.1f}"]
        if cold:
            lines.append(f"Ratio with nothing cached: {theirs / median(run.seconds for run in cold):.1f}")
        call = re.findall(r"jwst Spec3Pipeline: ([\d.]+) s", " ".join(run.output for run in official))
        if call:
            lines.append(
                f"Ratio of the calls alone, imports left out, one thread: {median(map(float, call)) / whole:.1f}"
            )
        lines.append(f"Peak memory: {max(r.peak for r in ours) / max(r.peak for r in official):.2f} of the official")
    return lines


def phases(a, folder, options):
    """Return what the phases of a run on one thread took, as the script in a process of its own says."""
    itself = [sys.executable, __file__, str(a.association), *options, "--preset", a.preset]
    child = measure([*itself, *references_option(a.references), "--phases", str(folder)], **ONE_THREAD)
    return json.loads(child.output.strip().splitlines()[-1])


def bound_lines(a, folder, options, parts):
    """Return the lines of the table of phases and of the machine's speeds."""
    from lower_bounds import bounds, phase_table
    from machine import measure_machine
    from run_parity import asked

    from mrsnb.pipeline import Spec3Params

    machine = measure_machine(folder)
    found = bounds(parts["size"], machine, Spec3Params.preset(a.preset).updated(asked(options)))
    return ["One run on one thread:", "", *phase_table(parts, found), "", *machine.lines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("options", nargs="*", help="step.parameter=value, for both, in place of the usual one")
    parser.add_argument("--ours", nargs="*", default=(), help="step.parameter=value, for mrsnb only, as the above")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-jwst", dest="jwst", action="store_false", help="leave the official package out")
    parser.add_argument("--cold", action="store_true", help="time first runs, with nothing cached, as well")
    parser.add_argument("--preset", default="archive")
    parser.add_argument("--references", type=Path, default=REFERENCES)
    parser.add_argument("--official-python", type=Path, default=OFFICIAL_PYTHON)
    parser.add_argument("--official-script", type=Path, default=OFFICIAL_SCRIPT)
    parser.add_argument("--output", type=Path, help="file for the tables")
    parser.add_argument("--work", type=Path, help="folder for the products, on the disk to be measured")
    parser.add_argument("--phases", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    options = tuple(a.options) or OPTIONS
    if a.phases is not None:
        from phases import run

        run(a.association, a.phases, a.references if a.references.is_dir() else None, a.preset, options)
        return
    if a.repeat < 1:
        parser.error("--repeat must be at least 1")
    if a.jwst and not a.official_python.exists():
        parser.error(f"{a.official_python}: no such file; give --official-python, or --no-jwst")
    with tempfile.TemporaryDirectory(dir=a.work) as name:
        folder = Path(name)
        measure(spec3_command(a.association, folder / "mrsnb", a.references, (*options, *a.ours), a.preset))
        ours, official, cold = rounds(a, folder, options)
        mine = (*options, *a.ours)
        parts = phases(a, folder / "phases", mine)
        table = bound_lines(a, folder, mine, parts)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine}: {a.association.name}, preset {a.preset}, {' '.join(mine)}"
    text = "\n".join([head, "", *report(ours, official, cold, parts["whole call"]), "", *table, ""])
    print(text)
    if a.output is not None:
        a.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
