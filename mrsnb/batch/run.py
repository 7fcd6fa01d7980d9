"""Run jobs on any executor: threads of this process, each with a notebook's process, or the workers of a cluster."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from mrsnb.batch.checking import checked
from mrsnb.batch.cluster import Place, connected
from mrsnb.batch.handing import DEATHS, Handed
from mrsnb.batch.jobs import Job
from mrsnb.batch.outcomes import BatchResult, Outcome
from mrsnb.batch.records import judged, recorded
from mrsnb.batch.report import write_reports
from mrsnb.batch.shelf import Shelf
from mrsnb.batch.task import Limits, Task, clear, run_task
from mrsnb.display.progress import follow
from mrsnb.errors import ParamError
from mrsnb.io.atomic import output_folder
from mrsnb.io.lock import ENDING, held, stopped_on_failure
from mrsnb.kernels.threads import n_threads


class BatchInterrupted(KeyboardInterrupt):
    """A batch that was stopped; what was done until then is kept, and is not done again.

    Parameters
    ----------
    result : BatchResult
        What became of the jobs until then.
    """

    def __init__(self, result: BatchResult) -> None:
        self.result = result
        names = [outcome.name for outcome in result.left]
        which = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
        super().__init__(f"interrupted: {len(names)} of {len(result.outcomes)} jobs are left ({which}); run it again")


@dataclass(frozen=True)
class Plan:
    """Which jobs will be run, and which are done.

    Parameters
    ----------
    jobs : tuple of Job
        All, checked.
    done : dict of str to Outcome
        Of those that need not be run again.
    others : tuple of Outcome
        Jobs of earlier commands that are not among these.
    """

    jobs: tuple[Job, ...]
    done: dict[str, Outcome]
    others: tuple[Outcome, ...] = ()

    @property
    def waiting(self) -> tuple[Job, ...]:
        """The jobs that will be run."""
        return tuple(job for job in self.jobs if job.name not in self.done)


def plan(jobs: Sequence[Job], output_dir: Path | str) -> Plan:
    """Return which of the jobs would be run, and which are done already in `output_dir`; nothing is written.

    Raises
    ------
    MrsnbError
        If a job cannot be run as it is, see `mrsnb.batch.checking.checked`.
    """
    return _planned(jobs, Shelf.at(output_dir))


def _planned(jobs: Sequence[Job], shelf: Shelf) -> Plan:
    good = checked(jobs, shelf.folder if shelf.address is None else None)
    records = shelf.records()
    done, others = {}, []
    for job in good:
        if job.name in records:
            outcome = judged(job, shelf.folder / job.name, *records.pop(job.name))
            if outcome is not None:
                done[job.name] = outcome
    for name, record in records.items():
        earlier = recorded(shelf.folder / name, record.content)
        if earlier is not None:
            others.append(earlier)
    return Plan(tuple(good), done, tuple(others))


def run_batch(
    jobs: Sequence[Job],
    output_dir: Path | str,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    threads: int | None = None,
    retries: int = 0,
    timeout: float | None = None,
    memory_limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> BatchResult:
    """Run jobs, each in its own folder of `output_dir`, and return what became of them.

    Jobs that are done there, of the same template, parameters, inputs and versions, are not run again.

    Parameters
    ----------
    jobs : sequence of Job
        With different names.
    output_dir : Path or str
        Made if missing; holds ``report.html`` and ``results.ecsv`` at the end.
    workers : int, optional
        How many run at a time; as many as there are cores if not given.
    scheduler : str, optional
        Address of a dask scheduler, whose workers run the jobs instead.
    threads : int, optional
        That each job may use; if not given the cores divided by the workers, and one on a cluster.
    retries : int
        How often a job that failed is run again.
    timeout : float, optional
        Seconds that a job may take.
    memory_limit : int, optional
        Bytes of resident memory that a job's processes may hold.
    say : callable
        Told in a line what became of each job.

    Raises
    ------
    MrsnbError
        If a job cannot be run as it is, the directory not be used, or the scheduler not be reached: before any is run.
    BatchInterrupted
        After Ctrl-C, when all processes have ended.

    Examples
    --------
    >>> import mrsnb
    >>> told = {"asn_file": "raw/star_lvl3_asn.json", "steps": {"cube_build": {"channel": "1", "wavemin": 5.5}}}
    >>> result = mrsnb.run_batch([mrsnb.Job("star", "spec3_mrs", told)], "jobs", workers=1)
    >>> [outcome.name for outcome in result.failed]
    []
    """
    _check(workers, scheduler, threads, retries)
    start = monotonic()
    shelf = Shelf.at(output_dir)
    todo = _planned(jobs, shelf)
    shelf.check_writable()
    folder = output_folder(shelf.folder)
    if scheduler is None:
        workers = min(n_threads() if workers is None else workers, max(len(todo.waiting), 1))
        threads = max(n_threads() // workers, 1) if threads is None else threads
    limits = Limits(1 if threads is None else threads, timeout, memory_limit)
    made = dict(todo.done)

    def result() -> BatchResult:
        outcomes = [
            made.get(job.name) or Outcome(job.name, job.template, "left", folder / job.name, job.parameters)
            for job in todo.jobs
        ]
        return BatchResult(folder, tuple(outcomes), monotonic() - start, workers, todo.others, shelf.address)

    with held(folder) as hold:
        clear(folder)
        shelf.clear()
        where = _threads(workers) if scheduler is None else connected(scheduler, folder, say)
        tasks = [Task(job, folder, hold.token, limits, address=shelf.address) for job in todo.waiting]
        try:
            with where as place, stopped_on_failure(hold):
                for outcome in follow(_each(tasks, place, retries), len(tasks)):
                    made[outcome.name] = outcome
                    say(_line(outcome, len(made) - len(todo.done), len(tasks), monotonic() - start))
        except KeyboardInterrupt:
            raise BatchInterrupted(_reported(result(), shelf)) from None
        finally:
            clear(folder, 0 if scheduler is None or len(made) == len(todo.jobs) else ENDING)
        return _reported(result(), shelf)


def _check(workers: int | None, scheduler: str | None, threads: int | None, retries: int) -> None:
    if scheduler is not None and workers is not None:
        msg = f"workers = {workers} and scheduler = {scheduler!r}: a scheduler has its workers; give one of the two"
        raise ParamError(msg)
    for name, value, least in (("workers", workers, 1), ("threads", threads, 1), ("retries", retries, 0)):
        if value is not None and value < least:
            msg = f"{name} = {value}: must be >= {least}"
            raise ParamError(msg)


def _each(tasks: Sequence[Task], place: Place, retries: int) -> Iterator[Outcome]:
    """Yield what became of each task as it is known; those that died or failed are run again as often as is allowed."""
    handed, again = Handed(place, run_task), Counter[tuple[str, str]]()
    allowed = {"died": DEATHS, "failed": retries}
    for task in tasks:
        handed.add(task)
    for task, future in handed.ready():
        outcome = _outcome(task, future)
        if again[outcome.state, outcome.name] < allowed.get(outcome.state, 0):
            again[outcome.state, outcome.name] += 1
            handed.add(replace(task, attempt=task.attempt + 1))
        else:
            yield replace(outcome, state="failed") if outcome.state == "died" else outcome


def _outcome(task: Task, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except (Exception, CancelledError) as error:  # noqa: BLE001 (of the machinery between here and there)
        why = f"its worker was lost: {type(error).__name__}: {' '.join(str(error).split())}"
        folder = task.output_dir / task.job.name
        return Outcome(
            task.job.name, task.job.template, "died", folder, task.job.parameters, why, attempts=task.attempt
        )


@contextmanager
def _threads(workers: int | None) -> Iterator[Place]:
    """Yield threads of this process: each waits for the process of a notebook."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="mrsnb-job")
    try:
        yield Place(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _reported(result: BatchResult, shelf: Shelf) -> BatchResult:
    shelf.fetch_pictures([outcome.name for outcome in result.recorded if outcome.state != "left"])
    write_reports(result)
    shelf.send(result.report, result.table)
    return result


def _line(outcome: Outcome, done: int, total: int, elapsed: float) -> str:
    left = "" if done == total else f"; {_duration(elapsed / done * (total - done))} left"
    what = outcome.cost if outcome.error is None else outcome.error
    return f"[{done}/{total}] {outcome.name}: {outcome.state}, {what}{left}"


def _duration(seconds: float) -> str:
    """Return a time as a person says it.

    Examples
    --------
    >>> _duration(42), _duration(600), _duration(7300)
    ('42 s', '10 min', '2 h 2 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
