"""What became of jobs, as values that show themselves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mrsnb.display import Row, Section, Shown, Table, to_text

State = Literal["done", "failed", "died", "left"]
"""``"died"``: its process ended, which is no fault of the job; ``"left"``: it was not run, or stopped."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    name, template : str
        Of the job.
    state : str
        ``"done"``, ``"failed"``, ``"died"`` or ``"left"``.
    folder : Path
        Where its notebook and products are.
    parameters : mapping
        As run.
    error : str, optional
        Why it failed, in one line.
    seconds, cpu_seconds : float
        Wall time from start to end, and of the processor.
    peak_memory, input_bytes, output_bytes : int
        Largest resident memory of its processes, size of the files it read, and of those it left; bytes.
    threads : int
        That it was allowed to use.
    attempts : int
        How often it was begun.
    host, started : str
        Machine, and time in UTC as ISO 8601.
    files : mapping of str to int
        What it left, beside its record: names and sizes.
    kept : bool
        True if it was done by an earlier command.
    """

    name: str
    template: str
    state: State
    folder: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    threads: int = 1
    attempts: int = 0
    host: str = ""
    started: str = ""
    files: Mapping[str, int] = field(default_factory=dict)
    kept: bool = False

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"{self.name} {self.state}"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / f"{self.template}.ipynb"

    @property
    def cost(self) -> str:
        """Time and memory, in words."""
        return f"{self.seconds:.1f} s, {self.peak_memory / 1e6:.0f} MB"


@dataclass(frozen=True)
class BatchResult(Shown):
    """What became of all jobs of a batch.

    Parameters
    ----------
    output_dir : Path
        Where everything is.
    outcomes : tuple of Outcome
        In the order of the jobs.
    seconds : float
        Wall time of the whole.
    workers : int, optional
        How many jobs ran at a time; None on a cluster.
    others : tuple of Outcome
        Jobs of earlier commands that are recorded in the same directory, and were not of this one.
    address : str, optional
        Where everything is in a store; `output_dir` was its place on this machine meanwhile.
    """

    output_dir: Path
    outcomes: tuple[Outcome, ...]
    seconds: float
    workers: int | None = None
    others: tuple[Outcome, ...] = ()
    address: str | None = None

    @property
    def recorded(self) -> tuple[Outcome, ...]:
        """All jobs that are recorded there: these, and those of earlier commands."""
        return (*self.outcomes, *self.others)

    @property
    def ran(self) -> tuple[Outcome, ...]:
        """Those that were not kept from an earlier command."""
        return tuple(outcome for outcome in self.outcomes if not outcome.kept and outcome.state != "left")

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "failed")

    @property
    def left(self) -> tuple[Outcome, ...]:
        """Those that were not run."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "left")

    @property
    def report(self) -> Path:
        """The report, a page that is complete in itself."""
        return self.output_dir / "report.html"

    @property
    def table(self) -> Path:
        """The table of results."""
        return self.output_dir / "results.ecsv"

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Batch of {len(self.outcomes)} jobs"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        count = Counter("kept" if outcome.kept else outcome.state for outcome in self.outcomes)
        ran = self.ran
        rows = [
            Row("done", str(count["done"] + count["kept"]), note=f"{count['kept']} before" if count["kept"] else "")
        ]
        rows += [Row(state, str(count[state])) for state in ("failed", "left") if count[state]]
        if ran:
            busy = sum(outcome.cpu_seconds for outcome in ran)
            rows += [
                Row("time", f"{self.seconds:.1f}", "s", f"{self.seconds / len(ran):.2f} s a job"),
                Row("processor time", f"{busy:.1f}", "s", f"{busy / len(ran):.2f} s a job"),
                Row("largest memory of a job", f"{max(outcome.peak_memory for outcome in ran) / 1e6:.0f}", "MB"),
            ]
        rows += [Row("workers", str(self.workers))] if self.workers is not None else []
        if self.others:
            failed = sum(outcome.state == "failed" for outcome in self.others)
            note = f"{failed} of them failed" if failed else ""
            rows.append(Row("of earlier commands", str(len(self.others)), "jobs", note))
        return [*rows, Row("report", self._shown(self.report)), Row("table", self._shown(self.table))]

    def _shown(self, path: Path) -> str:
        return str(path) if self.address is None else f"{self.address}/{path.name}"

    def sections(self) -> list[Section]:
        """Return the failures, and all jobs, as tables."""
        failures = Table(("job", "error"), [(outcome.name, outcome.error or "") for outcome in self.failed])
        jobs = Table(
            ("job", "state", "time, s", "memory, MB"),
            [(o.name, o.state, f"{o.seconds:.1f}", f"{o.peak_memory / 1e6:.0f}") for o in self.outcomes],
        )
        return [*([Section("Failures", failures, open=True)] if self.failed else []), Section("Jobs", jobs)]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections()[:-1])
