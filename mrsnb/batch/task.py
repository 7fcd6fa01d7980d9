"""Run one job, on whatever machine: paths and parameters in, files and a small outcome out."""

import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from mrsnb.batch.checking import OUTPUTS
from mrsnb.batch.executed import finish
from mrsnb.batch.jobs import Job
from mrsnb.batch.outcomes import Outcome
from mrsnb.batch.records import Seen, done_before, files_left, inputs_of, judged, key_of, seen, write_record
from mrsnb.batch.shelf import Shelf
from mrsnb.batch.versions import check_here
from mrsnb.batch.watch import Watch
from mrsnb.core.association import checked_name
from mrsnb.errors import InputError, MrsnbError
from mrsnb.io.atomic import clear_unfinished
from mrsnb.io.lock import LATE, is_held
from mrsnb.io.versions import versions

STAGING = ".mrsnb-job-"
"""Beginning of the names of folders that jobs run in; they get the job's name when all is there."""

OLD = "-old"
"""End of the names of folders that are about to be replaced, which begin as those of what replaces them."""

UNFINISHED = ".mrsnb-"
"""Beginning of the names of files and folders that are removed when they are complete, or not needed any more."""

PATIENCE = 300
"""Seconds that a kernel may take to start, on a machine that has much to do."""

_END_WITH_PARENT = "__import__('mrsnb.batch.orphan', fromlist=['orphan']).end_with_parent()"
_THREADS = (
    "MRSNB_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@dataclass(frozen=True)
class Limits:
    """What a job may take.

    Parameters
    ----------
    threads : int
        Of the processor.
    timeout : float, optional
        Seconds.
    memory : int, optional
        Bytes of resident memory of its processes together.
    """

    threads: int = 1
    timeout: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Task:
    """A job as it is sent to who runs it.

    Parameters
    ----------
    job : Job
        Its paths are absolute.
    output_dir : Path
        Where its folder will be; absolute, and the same on every machine.
    token : str
        Of the command, see `mrsnb.io.lock`.
    limits : Limits
    attempt : int
        1 for the first.
    software : mapping of str to str
        Versions where the command runs.
    address : str, optional
        In a store, where the folder goes when it is complete.
    """

    job: Job
    output_dir: Path
    token: str
    limits: Limits
    attempt: int = 1
    software: Mapping[str, str] = field(default_factory=versions)
    address: str | None = None

    @property
    def shelf(self) -> Shelf:
        """The output directory."""
        return Shelf(self.output_dir, self.address)


def run_task(task: Task) -> Outcome:
    """Return what became of a job; whatever goes wrong is in it, not raised.

    It runs in a folder of its own beside the final one, which is renamed when all is there: what has the job's name is
    complete.
    """
    begun = Outcome(
        name=task.job.name,
        template=task.job.template,
        state="failed",
        folder=task.output_dir / task.job.name,
        parameters=task.job.parameters,
        threads=task.limits.threads,
        attempts=task.attempt,
        host=socket.gethostname(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        check_here(task.software, task.output_dir)
        if not is_held(task.output_dir, task.token, LATE):
            return replace(begun, state="left")
        known = task.shelf.record(task.job.name)
        if known is not None:
            before = judged(task.job, begun.folder, *known)
            if before is not None:  # by a worker that died when it was to say so
                return replace(before, kept=False)
        unsent = done_before(task.job, begun.folder) if task.address is not None else None
        if unsent is not None:
            task.shelf.keep(unsent)
            return replace(unsent, kept=False)
        with _staging(task) as staging:
            return _run(task, begun, staging)
    except Exception as error:  # noqa: BLE001 (one job must not end the others)
        return replace(begun, error=_said(error))


def _run(task: Task, begun: Outcome, staging: Path) -> Outcome:
    from mrsnb.templates import KernelDied, KernelOptions, execute, template

    job, limits = task.job, task.limits
    notebook = staging / f"{job.template}.ipynb"
    own = {p.name: OUTPUTS[p.name] for p in template(job.template).parameters if p.name in OUTPUTS}
    failure: Exception | None = None
    with Watch(limits.timeout, limits.memory, lambda: is_held(task.output_dir, task.token)) as watch:
        inputs = seen(inputs_of(job))
        options = KernelOptions(
            cwd=staging,
            env=dict.fromkeys(_THREADS, str(limits.threads)),
            first=_END_WITH_PARENT,
            started=watch.begin,
            patience=PATIENCE,
            saves_often=False,
        )
        try:
            with _event_loop():
                execute(job.template, notebook, {**job.parameters, **own}, progress=False, options=options)
        except Exception as error:  # noqa: BLE001 (a job may fail in any way)
            failure = error
    outcome = replace(
        begun,
        seconds=round(watch.seconds, 3),
        cpu_seconds=round(watch.cpu_seconds, 3),
        peak_memory=watch.peak_memory,
        input_bytes=sum(item.size for item in inputs),
    )
    if watch.stopped:
        return replace(outcome, state="left")
    why = None if failure is None else watch.why or _said(failure)
    if why is not None:
        why = why.replace(f"{staging}{os.sep}", "").replace(str(staging), str(begun.folder))
    died = isinstance(failure, KernelDied) and watch.why is None
    outcome = replace(outcome, error=why, state="done" if why is None else "died" if died else "failed")
    try:
        return _handed_in(task, outcome, staging, inputs)
    except Exception as error:  # noqa: BLE001 (what the job itself met says more)
        return outcome if why is not None else replace(outcome, error=_said(error), state="failed")


def _handed_in(task: Task, outcome: Outcome, staging: Path, inputs: list[Seen]) -> Outcome:
    """Complete the folder of a job, and give it its name if that is still wanted."""
    finish(staging / outcome.notebook.name, outcome.folder, outcome.error)
    for path in sorted(staging.rglob(f"{UNFINISHED}*")):
        _remove(path)
    left = [path for path in sorted(staging.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = {str(path.relative_to(staging)): path.stat().st_size for path in left}
    complete = replace(outcome, files=files, output_bytes=sum(files.values()))
    write_record(staging, complete, key_of(task.job, inputs), inputs)
    if not is_held(task.output_dir, task.token):
        return replace(outcome, state="left", error=None)
    named = _named(staging, task.job, complete)
    task.shelf.keep(named)
    return named


def _named(staging: Path, job: Job, outcome: Outcome) -> Outcome:
    """Give the folder of a job its name; what had it goes, but for files that no job left."""
    final = outcome.folder
    if not os.path.lexists(final):
        staging.replace(final)
        return outcome
    if (before := done_before(job, final)) is not None:  # by a worker that was taken for dead
        return replace(before, kept=False)
    old = staging.with_name(f"{staging.name}{OLD}")
    final.replace(old)
    staging.replace(final)
    _settle(old, final)
    return outcome


def _settle(old: Path, final: Path) -> None:
    """Remove what was replaced, but for files that no job left; if nothing has its name, it has it again.

    A link is not followed: what is in the folder that it leads to is not of this directory.
    """
    with suppress(OSError):  # then it is kept, and this is tried again by the next command
        if old.is_symlink() or final.is_symlink():
            _remove(old)
            return
        if not final.exists():
            old.replace(final)
            return
        ours = {Path(name).parts[0] for name in files_left(old)}
        for path in old.iterdir():
            if path.name not in ours and not os.path.lexists(final / path.name):
                path.replace(final / path.name)
        _remove(old)


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def _event_loop() -> Iterator[None]:
    """Close what the notebook's client opens for this thread."""
    import asyncio

    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)


@contextmanager
def _staging(task: Task) -> Iterator[Path]:
    path = task.output_dir / f"{STAGING}{task.job.name}-{secrets.token_hex(4)}"
    path.mkdir()
    try:
        yield path
    finally:
        _remove(path)


def clear(output_dir: Path, patience: float = 0.0) -> None:
    """Remove what commands that were killed have left unfinished in `output_dir`; what they had replaced comes back.

    Parameters
    ----------
    output_dir : Path
    patience : float
        Seconds that jobs which still run have to end.
    """
    end = monotonic() + patience
    while monotonic() < end and any(output_dir.glob(f"{STAGING}*")):
        sleep(0.2)
    for path in output_dir.glob(f"{STAGING}*{OLD}"):
        job = path.name.removeprefix(STAGING).removesuffix(OLD).rpartition("-")[0]
        with suppress(InputError):  # no job is called so: somebody else made it
            _settle(path, output_dir / checked_name(job, "job"))
    for path in output_dir.glob(f"{STAGING}*"):
        if not path.name.endswith(OLD):
            _remove(path)
    clear_unfinished(output_dir)


def _said(error: Exception) -> str:
    if isinstance(error, MrsnbError):
        return f"{type(error).__name__}: {error}"
    return f"unforeseen {type(error).__name__}: {error}"
