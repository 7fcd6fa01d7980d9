"""The commands for whole runs: ``spec3``, ``presets``."""

import ctypes
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mrsnb.cli.configured import CONFIG, SAVE_PARAMETERS, all_steps, folder_told, run_told, save
from mrsnb.cli.failures import is_verbose, verbose_option
from mrsnb.cli.options import ParamCommand
from mrsnb.cli.products import OUTPUT_DIR, PRESET, REFERENCES, say, say_products
from mrsnb.cli.warmup import compile_before
from mrsnb.errors import ParamError

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""

if TYPE_CHECKING:
    from mrsnb.io.storage import Delivery
    from mrsnb.pipeline.settings import Settings


@click.command("spec3", cls=ParamCommand, groups=all_steps, short_help="Make cubes and spectra of an association.")
@click.argument("asn", type=click.Path(path_type=Path))
@OUTPUT_DIR
@PRESET
@CONFIG
@SAVE_PARAMETERS
@REFERENCES
@click.option("--resume", is_flag=True, help="Keep what an earlier run of the same left intact there; make the rest.")
@click.option("--report", is_flag=True, help="Write report.html, cubes.png and spectrum.png as well.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers make the bands: tcp://host:8786.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Cores for each part on a cluster.  [default: 1]")
@verbose_option
@click.pass_context
def spec3_command(
    ctx: click.Context,
    asn: Path,
    output_dir: Path,
    preset: str,
    config: Path | None,
    save_parameters: Path | None,
    references: Path | None,
    scheduler: str | None,
    threads: int | None,
    *,
    resume: bool,
    report: bool,
) -> None:
    """Make the cubes and spectra of the association ASN: level 3 of the MRS.

    Every parameter of every step is an option: --steps.STEP.PARAMETER=VALUE.

    ASN, --output-dir, --references and files that parameters name may be in a store: s3://bucket/my_asn.json
    """
    told = run_told(ctx, config, preset)
    folder = folder_told(ctx, output_dir, told)
    if save_parameters is not None:
        save(save_parameters, told, output_dir=folder)
    if threads is not None and scheduler is None:
        msg = f"--threads={threads}: is for parts on a cluster (--scheduler); else set MRSNB_NUM_THREADS"
        raise ParamError(msg)
    process(
        asn,
        told,
        folder,
        references,
        resume=resume,
        report=report,
        scheduler=scheduler,
        threads=1 if threads is None else threads,
    )


def _share_arenas() -> None:
    """Have threads share two arenas of the C library's allocator, where it has any: each keeps memory for itself."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def process(
    asn: Path,
    told: "Settings",
    folder: Path,
    references: Path | None,
    *,
    resume: bool = False,
    report: bool = False,
    scheduler: str | None = None,
    threads: int = 1,
) -> None:
    """Run the pipeline on an association, and say what it makes."""
    from mrsnb.kernels.cache import cache_folder

    _share_arenas()
    cache_folder()  # numba cannot be loaded without one
    from mrsnb.display.progress import follow
    from mrsnb.io.association import read_association
    from mrsnb.io.places import address_of
    from mrsnb.io.references import load_references
    from mrsnb.io.storage import delivered
    from mrsnb.pipeline import Spec3Result, count_results, kernels_of, open_science, spec3
    from mrsnb.reports import write_report

    values = load_references(references, told.overrides)
    association = read_association(asn)
    if "output_file" in told.places:
        association = replace(association, name=Path(told.places["output_file"]).name.removesuffix(".fits"))
    if resume and address_of(folder) is not None:
        msg = f"--resume: {folder}: what is in a store is not looked at; resume in a folder of this machine"
        raise ParamError(msg)
    exposures = open_science(association)
    compile_before(kernels_of(told.params))
    with delivered(folder) as there:
        results: Any
        if scheduler is None:
            results = spec3(
                association,
                told.params,
                output_dir=there.folder,
                references=values,
                exposures=exposures,
                resume=resume,
            )
            total = count_results(association, told.params, exposures)
        else:
            from mrsnb.batch.level3 import count_parts, spec3_on

            total = count_parts(exposures, told.params)
            results = spec3_on(
                scheduler,
                association,
                told.params,
                output_dir=there.folder,
                references=values,
                exposures=exposures,
                threads=threads,
                say=say,
                resume=resume,
            )
        with closing(results):
            for result in follow(results, total, show=True if is_verbose() else None):
                there.send()
                _say(result, there)
                if report and isinstance(result, Spec3Result):
                    say(there.shown(repr(write_report(result, there.folder))))
                del result  # what it holds makes room for the next


def _say(result: Any, there: "Delivery") -> None:
    """Say what a step made, and where it is."""
    from mrsnb.pipeline import Kept

    if hasattr(result, "association"):
        say(there.shown(repr(result)))
        return
    if isinstance(result, Kept):
        for path in result.paths:
            say(f"{there.shown(str(path))} (kept)")
        return
    paths = getattr(result, "paths", ())
    if paths:
        say(there.shown("\n".join(map(str, paths))))
    else:
        say_products(result, there.folder, there.shown)
    for voxel in getattr(result, "contributions", ()):
        say(repr(voxel))


@click.command("presets", short_help="List the named sets of parameters.")
def presets_command() -> None:
    """List the named sets of parameters for 'mrsnb spec3 --preset', and what each changes from the defaults."""
    from mrsnb.display import Table
    from mrsnb.pipeline import presets

    rows = []
    for name, preset in presets().items():
        steps = preset["steps"].items()
        changes = [f"{step}.{key} = {value}" for step, values in steps for key, value in values.items()]
        first, *others = changes or ["(none)"]
        rows += [(name, first, preset["help"]), *(("", other, "") for other in others)]
    click.echo(Table(("preset", "changes", "what it is for"), rows).to_text())
