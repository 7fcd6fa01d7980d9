"""Time mrsnb against the observatory's package: the same job, by turns, each time in a fresh process.

The inputs and the official package are made ready apart (see ../shared/oracle/README.md):

    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point2 --dithers 2
    python tests/benchmarks/run_speed.py ../scratch/point2/my_point_source_lvl3_asn.json

Both leave outlier_detection and residual fringes out, write all products, and use the same reference files. mrsnb runs
once beforehand, so that its kernels are compiled and cached. It prints, and writes with ``--output``, the medians of
wall time and peak memory, and where mrsnb's time goes. ``--repeat 0`` leaves the official package out. Let nothing else
run on the machine.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from measured import REFERENCES, ROOT, measure, spec3_command

OPTIONS = ("outlier_detection.skip=true", "extract_1d.ifu_rfcorr=false")
OFFICIAL_PYTHON = ROOT.parent / "oracle-env" / "bin" / "python"
OFFICIAL_SCRIPT = ROOT.parent / "shared" / "oracle" / "run_jwst.py"


def phases(association, folder, references, preset, options):
    """Print, as JSON, the seconds of each part of a run; meant for a process of its own."""
    start = time.perf_counter()
    from run_parity import asked

    from mrsnb.io.references import load_references
    from mrsnb.pipeline import Spec3Params, spec3

    seconds = {"import": time.perf_counter() - start}
    values = load_references(references)
    params = Spec3Params.preset(preset).updated(asked(options))
    before = time.perf_counter()
    for result in spec3(association, params, output_dir=folder, references=values):
        name = type(result).__name__.removesuffix("Result")
        if name == "Spec3":
            seconds["whole call"] = result.seconds
            continue
        now = time.perf_counter()
        seconds[name] = seconds.get(name, 0.0) + result.seconds
        seconds["writing and the rest"] = seconds.get("writing and the rest", 0.0) + now - before - result.seconds
        before = now
    print(json.dumps(seconds))


def rounds(a, folder, options):
    """Return the measurements of both programs, by turns."""
    ours, official = [], []
    for k in range(max(a.repeat, 1)):
        ours.append(measure(spec3_command(a.association, folder / "mrsnb", a.references, options, a.preset)))
        if a.repeat:
            command = [a.official_python, a.official_script, a.association, folder / "jwst", *options]
            official.append(measure(list(map(str, command))))
        print(f"round {k + 1}: " + ", ".join(f"{m[-1].seconds:.1f} s" for m in (ours, official) if m), file=sys.stderr)
    return ours, official


def report(ours, official, parts):
    """Return the lines of the tables."""
    lines = ["| program | runs | wall time (median) | least | peak memory (largest) |", "|---|---|---|---|---|"]
    for name, runs in (("mrsnb spec3", ours), ("jwst Spec3Pipeline", official)):
        if runs:
            times = [run.seconds for run in runs]
            peak = max(run.peak for run in runs)
            lines.append(f"| {name} | {len(runs)} | {median(times):.1f} s | {min(times):.1f} s | {peak:.0f} MB |")
    if official:
        call = re.findall(r"jwst Spec3Pipeline: ([\d.]+) s", " ".join(run.output for run in official))
        ratio = median(run.seconds for run in official) / median(run.seconds for run in ours)
        lines += ["", f"Ratio of whole processes: {ratio:.1f}"]
        if call:
            ratio = median(map(float, call)) / parts["whole call"]
            lines.append(f"Ratio of the calls alone, imports left out: {ratio:.1f}")
    lines += ["", "| part of mrsnb | seconds |", "|---|---|", *(f"| {k} | {v:.2f} |" for k, v in parts.items())]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("options", nargs="*", help="step.parameter=value, for both, in place of the usual two")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--preset", default="archive")
    parser.add_argument("--references", type=Path, default=REFERENCES)
    parser.add_argument("--official-python", type=Path, default=OFFICIAL_PYTHON)
    parser.add_argument("--official-script", type=Path, default=OFFICIAL_SCRIPT)
    parser.add_argument("--output", type=Path, help="file for the tables")
    parser.add_argument("--phases", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    options = tuple(a.options) or OPTIONS
    if a.phases is not None:
        phases(a.association, a.phases, a.references, a.preset, options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(spec3_command(a.association, folder / "mrsnb", a.references, options, a.preset))
        ours, official = rounds(a, folder, options)
        itself = [sys.executable, __file__, str(a.association), *options, "--preset", a.preset]
        child = measure([*itself, "--references", str(a.references), "--phases", str(folder / "mrsnb")])
    parts = json.loads(child.output.strip().splitlines()[-1])
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine}: {a.association.name}, preset {a.preset}, {' '.join(options)}"
    text = "\n".join([head, "", *report(ours, official, parts), ""])
    print(text)
    if a.output is not None:
        a.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
