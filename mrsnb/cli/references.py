"""The command that lists and fetches reference values: ``references``."""

from pathlib import Path

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.options import OVERRIDES
from mrsnb.cli.products import REFERENCES
from mrsnb.errors import InputError

_PATH = click.Path(path_type=Path)


@click.command("references", short_help="List the reference values in use, or fetch the observatory's.")
@click.argument("files", metavar="[FILES...]", type=_PATH, nargs=-1)
@REFERENCES
@click.option("--crds", is_flag=True, help="Fetch the best references for FILES from CRDS; needs the package crds.")
@click.option("-o", "--output-dir", type=_PATH, metavar="DIR", help="Where fetched files go.")
@verbose_option
def references_command(
    files: tuple[Path, ...], references: Path | None, output_dir: Path | None, *, crds: bool
) -> None:
    """List which reference values a run takes and where they come from: built in, or files of --references.

    With --crds, fetch the best ones for FILES, exposures or an association, into -o DIR; 'mrsnb spec3 --references DIR'
    takes them. CRDS_PATH, CRDS_SERVER_URL and CRDS_CONTEXT are heeded. A run never needs CRDS.
    """
    from mrsnb.io.references import load_references

    if crds:
        if not files or output_dir is None:
            msg = "--crds: give the exposures or the association, and -o DIR for what is fetched"
            raise InputError(msg)
        from mrsnb.io.best_references import fetch_best_references

        fetched = fetch_best_references(files, output_dir)
        click.echo(repr(fetched))
        references = fetched.folder
    elif files or output_dir is not None:
        msg = "FILES and -o are for --crds; without it, the values in use are listed"
        raise InputError(msg)
    steps = {kind: step for step, kinds in OVERRIDES.items() for kind in kinds}
    click.echo(load_references(references).table(steps).to_text())
