"""The command that gets data from the archive: ``download``."""

from pathlib import Path

import click

from mrsnb.cli.failures import is_verbose, verbose_option
from mrsnb.cli.products import say

_PATH = click.Path(path_type=Path)


@click.command("download", short_help="Get an observation from the archive.")
@click.option("--program", type=click.IntRange(1, 99999), required=True, metavar="N", help="Number of the program.")
@click.option(
    "--obs", type=click.IntRange(1, 999), multiple=True, metavar="N", help="Number of an observation; can be repeated."
)
@click.option("--target", metavar="NAME", help="The one target wanted, beside the background.")
@click.option("-o", "--output-dir", type=_PATH, required=True, metavar="DIR", help="Where files go.")
@click.option("--dry-run", is_flag=True, help="Only list the files.")
@verbose_option
def download_command(
    program: int, obs: tuple[int, ...], target: str | None, output_dir: Path, *, dry_run: bool
) -> None:
    """Get the calibrated MRS exposures of a program and the spectra of its background, and associate them.

    What is there already is kept, and what broke off goes on. Name the observations of the background as well, if it
    was observed apart. Files that are not public need a token of the archive in MAST_API_TOKEN.
    """
    from mrsnb.display.progress import follow
    from mrsnb.download import Download, download, listing
    from mrsnb.io.archive import find_files

    files = find_files(program, obs)
    if dry_run:
        click.echo(listing(files, output_dir).to_text())
        known = [file.size for file in files if file.size is not None]
        click.echo(f"{len(files)} files, {sum(known) / 1e9:.2f} GB")
        return
    results = download(files, output_dir, target=target)
    for result in follow(results, len(files) + 1, show=True if is_verbose() else None):
        say(repr(result) if isinstance(result, Download) else f"{result.path} ({result.status})")
