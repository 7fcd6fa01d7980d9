"""The command that repeats a run from its product: ``rerun``."""

from pathlib import Path

import click

from mrsnb.cli.failures import log, verbose_option
from mrsnb.cli.products import say, say_products

_PATH = click.Path(path_type=Path)


@click.command("rerun", short_help="Repeat the run that made a product.")
@click.argument("file", type=_PATH)
@click.option(
    "--output-dir", type=_PATH, default=Path("rerun"), metavar="DIR", help="Where products go.  [default: rerun]"
)
@click.option("--inputs", type=_PATH, metavar="DIR", help="Folder to look in for inputs and reference files first.")
@click.option("--anyway", is_flag=True, help="Go on although files or built-in values have changed since.")
@verbose_option
@click.pass_context
def rerun_command(ctx: click.Context, file: Path, output_dir: Path, inputs: Path | None, *, anyway: bool) -> None:
    """Repeat the run that made FILE, with the same parameters, inputs and reference files, and compare.

    Files are told by their checksums. The exit status is 0 if the new FILE has the same numbers, 1 if not.
    """
    from mrsnb.pipeline import Spec3Result
    from mrsnb.rerun import read_run

    run = read_run(file, look_in=inputs, anyway=anyway)
    for what in run.changed:
        log.warning("%s has changed since", what)
    if run.software:
        log.warning("other versions than then: %s", ", ".join(run.software))
    for result in run.results(output_dir):
        if isinstance(result, Spec3Result):
            for path in result.exposures:
                say(str(path))
        else:
            say_products(result, output_dir)
    comparison = run.compared(output_dir)
    if not comparison.agree:
        click.echo(comparison.table().to_text())
    say(f"{output_dir / file.name}: {'equal to' if comparison.agree else 'DIFFERS FROM'} {file}")
    ctx.exit(0 if comparison.agree else 1)
