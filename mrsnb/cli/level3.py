"""The commands for whole runs: ``spec3``, ``presets``."""

from pathlib import Path

import click

from mrsnb.cli.failures import is_verbose, verbose_option
from mrsnb.cli.options import Groups, ParamCommand, given, overrides, step_groups
from mrsnb.cli.products import OUTPUT_DIR, PRESET, REFERENCES, say, say_products


def _all_steps() -> Groups:
    from mrsnb.pipeline import Spec3Params

    return step_groups(Spec3Params.steps())


@click.command("spec3", cls=ParamCommand, groups=_all_steps, short_help="Make cubes and spectra of an association.")
@click.argument("asn", type=click.Path(path_type=Path))
@OUTPUT_DIR
@PRESET
@REFERENCES
@click.option("--report", is_flag=True, help="Write report.html, cubes.png and spectrum.png as well.")
@verbose_option
@click.pass_context
def spec3_command(
    ctx: click.Context, asn: Path, output_dir: Path, preset: str, references: Path | None, *, report: bool
) -> None:
    """Make the cubes and spectra of the association ASN: level 3 of the MRS.

    Every parameter of every step is an option, as --steps.cube_build.channel=1
    """
    from mrsnb.display.progress import follow
    from mrsnb.io.association import read_association
    from mrsnb.io.references import load_references
    from mrsnb.pipeline import Spec3Params, Spec3Result, count_results, spec3
    from mrsnb.report import write_report

    params = Spec3Params.preset(preset).updated(given(ctx, Spec3Params.steps()))
    values = load_references(references, overrides(ctx))
    association = read_association(asn)
    results = spec3(association, params, output_dir=output_dir, references=values)
    for result in follow(results, count_results(association, params), show=True if is_verbose() else None):
        if not isinstance(result, Spec3Result):
            say_products(result, output_dir)
            for voxel in getattr(result, "contributions", ()):
                say(repr(voxel))
            continue
        say(repr(result))
        if report:
            say(repr(write_report(result, output_dir)))


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
