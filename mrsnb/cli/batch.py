"""The command for many jobs: ``batch``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mrsnb.cli.failures import INTERRUPTED, UNFORESEEN, verbose_option
from mrsnb.cli.products import say
from mrsnb.cli.warmup import compile_before
from mrsnb.errors import ParamError

if TYPE_CHECKING:
    from mrsnb.batch import Plan

_PATH = click.Path(path_type=Path)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@click.command("batch", short_help="Run a template on many observations, here or on a cluster.")
@click.argument("jobs", type=_PATH)
@click.option("--template", default="spec3_mrs", show_default=True, metavar="NAME", help="Notebook to run.")
@click.option("-o", "--output-dir", type=_PATH, required=True, metavar="OUT", help="Gets a folder for each job.")
@click.option(
    "-p",
    "given",
    type=(str, str),
    multiple=True,
    metavar="NAME VALUE",
    help="Parameter of all jobs, before what JOBS says; 'cube_build.channel' of a step; can be repeated.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=V,V",
    help="Run each job with each value (cube_build.scalexy=0.1,0.13); repeated, with each combination.",
)
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Jobs at a time.  [default: one a core]")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers run the jobs: tcp://host:8786.")
@click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Cores for each job.  [default: divided; 1 on a cluster]"
)
@click.option("--retries", type=click.IntRange(0), default=0, metavar="N", help="Times a failed job is run again.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Longest time of a job.")
@click.option("--memory-limit", metavar="SIZE", help="Largest resident memory of a job, as 2G or 500M.")
@click.option("--dry-run", is_flag=True, help="Only list the jobs, and which are done.")
@verbose_option
@click.pass_context
def batch_command(  # noqa: PLR0917 (click gives them by name)
    ctx: click.Context,
    jobs: Path,
    template: str,
    output_dir: Path,
    given: tuple[tuple[str, str], ...],
    sweeps: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    threads: int | None,
    retries: int,
    timeout: float | None,
    memory_limit: str | None,
    *,
    dry_run: bool,
) -> None:
    """Run a template notebook on each of JOBS: CSV, YAML, an association, or a directory of associations.

    JOBS, what it names, and OUT may be in a store: s3://bucket/raw

    Each job gets a folder with its executed notebook, also if it fails. What is done already, of the same input,
    parameters and version, is not run again. The exit status is 1 if a job failed.
    """
    from mrsnb import templates
    from mrsnb.batch import BatchInterrupted, Sweep, plan, read_jobs, run_batch, spread
    from mrsnb.batch.jobs import with_given
    from mrsnb.kernels.cache import GROUPS

    memory = _bytes(memory_limit)
    source = templates.template(template)
    told = with_given(read_jobs(jobs, source), given, source)
    told = spread(told, [Sweep.parse(text) for text in sweeps], source)
    if dry_run:
        click.echo(_listed(plan(told, output_dir)))
        return
    compile_before(GROUPS)
    try:
        result = run_batch(
            told,
            output_dir,
            workers=workers,
            scheduler=scheduler,
            threads=threads,
            retries=retries,
            timeout=timeout,
            memory_limit=memory,
            say=say,
        )
    except BatchInterrupted as stopped:
        click.echo(f"mrsnb: {stopped}", err=True)
        ctx.exit(INTERRUPTED)
    say(repr(result))
    ctx.exit(UNFORESEEN if result.failed or result.left else 0)


def _listed(plan: "Plan") -> str:
    from mrsnb.display import Table

    rows = [
        (
            job.name,
            "done" if job.name in plan.done else "to run",
            ", ".join(f"{k} = {v}" for k, v in job.parameters.items()),
        )
        for job in plan.jobs
    ]
    table = Table(("job", "state", "parameters"), rows)
    return f"{table.to_text()}\n{len(plan.jobs)} jobs, {len(plan.waiting)} to run"


def _bytes(text: str | None) -> int | None:
    """Return the number of bytes that a text such as ``2G`` says."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if found is None or float(found[1]) == 0:
        msg = f"--memory-limit={text}: must be a size as 2G or 500M"
        raise ParamError(msg)
    return int(float(found[1]) * _UNITS[found[2]])
