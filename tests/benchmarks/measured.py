"""Run a command in a process of its own, and measure its wall time and peak memory."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCES = ROOT.parent / "shared" / "data" / "references"


@dataclass(frozen=True)
class Measured:
    """What a process took."""

    seconds: float
    cpu: float
    """Seconds of all cores, of the process and its children."""
    peak: float
    """MB, of the process or the largest of its children."""
    output: str


def measure(command, **variables):
    """Run `command` (a list) to its end, with these environment variables besides.

    Raises
    ------
    RuntimeError
        With the end of its output, if it fails.
    """
    with tempfile.TemporaryFile() as output:
        environment = os.environ | {name: str(value) for name, value in variables.items()}
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        message = f"{' '.join(map(str, command))}: exit status {process.returncode}\n{text[-2000:]}"
        raise RuntimeError(message)
    scale = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale, text)


def references_option(references):
    """Return the option that names a folder of reference files; none, so that they are built in, if it is not there."""
    return ["--references", str(references)] if references.is_dir() else []


def spec3_command(association, folder, references=REFERENCES, options=(), preset="archive"):
    """Return the command line that runs mrsnb; `options` are ``step.parameter=value``."""
    program = [sys.executable, "-c", "from mrsnb.cli import main; main()", "spec3", str(association)]
    chosen = ["--output-dir", str(folder), "--preset", preset, *references_option(references)]
    return [*program, *chosen, *(f"--steps.{option}" for option in options)]
