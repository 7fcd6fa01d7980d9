"""The commands for whole runs: ``spec3``, ``presets``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mrsnb.cli.configured import CONFIG, SAVE_PARAMETERS, all_steps, folder_told, run_told, save
from mrsnb.cli.failures import is_verbose, verbose_option
from mrsnb.cli.options import ParamCommand
from mrsnb.cli.products import OUTPUT_DIR, PRESET, REFERENCES, say, say_products
from mrsnb.cli.warmup import compile_before

if TYPE_CHECKING:
    from mrsnb.pipeline.settings import Settings


@click.command("spec3", cls=ParamCommand, groups=all_steps, short_help="Make cubes and spectra of an association.")
@click.argument("asn", type=click.Path(path_type=Path))
@OUTPUT_DIR
@PRESET
@CONFIG
@SAVE_PARAMETERS
@REFERENCES
@click.option("--report", is_flag=True, help="Write report.html, cubes.png and spectrum.png as well.")
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
    *,
    report: bool,
) -> None:
    """Make the cubes and spectra of the association ASN: level 3 of the MRS.

    Every parameter of every step is an option: --steps.STEP.PARAMETER=VALUE.
    """
    told = run_told(ctx, config, preset)
    folder = folder_told(ctx, output_dir, told)
    if save_parameters is not None:
        save(save_parameters, told, output_dir=folder)
    process(asn, told, folder, references, report=report)


def process(asn: Path, told: "Settings", folder: Path, references: Path | None, *, report: bool = False) -> None:
    """Run the pipeline on an association, and say what it makes."""
    from mrsnb.kernels.cache import cache_folder

    cache_folder()  # numba cannot be loaded without one
    from mrsnb.display.progress import follow
    from mrsnb.io.association import read_association
    from mrsnb.io.references import load_references
    from mrsnb.pipeline import Spec3Result, count_results, kernels_of, open_science, spec3
    from mrsnb.reports import write_report

    values = load_references(references, told.overrides)
    association = read_association(asn)
    if "output_file" in told.places:
        association = replace(association, name=Path(told.places["output_file"]).name.removesuffix(".fits"))
    exposures = open_science(association)
    compile_before(kernels_of(told.params))
    results = spec3(association, told.params, output_dir=folder, references=values, exposures=exposures)
    total = count_results(association, told.params, exposures)
    for result in follow(results, total, show=True if is_verbose() else None):
        if not isinstance(result, Spec3Result):
            say_products(result, folder)
            for voxel in getattr(result, "contributions", ()):
                say(repr(voxel))
            del result  # what it holds makes room for the next
            continue
        say(repr(result))
        if report:
            say(repr(write_report(result, folder)))


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
