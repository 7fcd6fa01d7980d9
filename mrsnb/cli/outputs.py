"""The commands that look at products: ``show``, ``report``, ``compare``, ``verify``."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.products import say
from mrsnb.errors import InputError

_PATH = click.Path(path_type=Path)


@click.command("show", short_help="Describe an association, exposure, cube or spectrum.")
@click.argument("file", type=_PATH)
@click.option("--html", type=_PATH, metavar="OUT.html", help="Write a page that shows it, pictures and all.")
@click.option("--png", type=_PATH, metavar="OUT.png", help="Write its picture.")
@click.option("--provenance", is_flag=True, help="Say how it was made: steps, inputs, references, all parameters.")
@click.option("--flux-unit", metavar="UNIT", help="Unit of the flux of a table that states none, e.g. Jy.")
@verbose_option
def show_command(
    file: Path, html: Path | None, png: Path | None, flux_unit: str | None = None, *, provenance: bool
) -> None:
    """Describe FILE: an association, an exposure, a cube, spectra, or images that a step kept."""
    from mrsnb.core.association import Association
    from mrsnb.display import page, to_text
    from mrsnb.io.atomic import write_bytes
    from mrsnb.io.exposures import ExposureFile
    from mrsnb.io.read import kind_of, read, read_provenance

    value: Any = read_provenance(file) if provenance else read(file, flux_unit)
    if provenance or isinstance(value, Association):
        click.echo(value._repr_mimebundle_()["text/plain"])
    else:
        click.echo(to_text(f"{kind_of(file).capitalize()} {file.name}", value.rows()))
    if html is None and png is None:
        return
    if isinstance(value, ExposureFile):
        value = value.load()
    bundle = value._repr_mimebundle_()
    if html is not None:
        write_bytes(html, page(file.name, bundle["text/html"]).encode("utf-8"))
    if png is not None:
        if "image/png" not in bundle:
            msg = f"{file}: there is no picture of it; --html writes a page"
            raise InputError(msg)
        write_bytes(png, b64decode(bundle["image/png"]))


@click.command("report", short_help="Judge a folder of products, on one page.")
@click.argument("folder", metavar="DIR", type=_PATH)
@click.option(
    "-o", "--output", type=_PATH, default=Path("report.html"), metavar="OUT.html", help="[default: report.html]"
)
@verbose_option
@click.pass_context
def report_command(ctx: click.Context, folder: Path, output: Path) -> None:
    """Write a page on the cubes and spectra in DIR: quality, pictures, numbers of each band, provenance.

    Products of the archive and of jwst are examined as well. The exit status is 0 if nothing is bad, 1 if anything is.
    """
    from mrsnb.kernels.cache import cache_folder

    cache_folder()  # numba cannot be loaded without one
    from mrsnb.reports import report

    made = report(folder)
    click.echo(repr(made))
    say(str(made.save(output)))
    ctx.exit(1 if made.quality.verdict == "bad" else 0)


@click.command("compare", short_help="Compare the products of two runs, number by number.")
@click.argument("dir_a", type=_PATH)
@click.argument("dir_b", type=_PATH)
@click.option("--rtol", type=float, default=1e-5, show_default=True, metavar="X", help="Relative tolerance.")
@verbose_option
@click.pass_context
def compare_command(ctx: click.Context, dir_a: Path, dir_b: Path, rtol: float) -> None:
    """Compare the products of equal names in DIR_A and DIR_B, number by number.

    The exit status is 0 if they agree, 1 if anything differs by more than the tolerance.
    """
    from mrsnb.io.compare import compare_runs

    comparison = compare_runs(dir_a, dir_b, rtol)
    click.echo(comparison.table().to_text())
    click.echo(repr(comparison))
    ctx.exit(0 if comparison.agree else 1)


@click.command("verify", short_help="Say whether products are as they were written.")
@click.argument("places", type=_PATH, nargs=-1, required=True, metavar="DIR|FILE...")
@verbose_option
@click.pass_context
def verify_command(ctx: click.Context, places: tuple[Path, ...]) -> None:
    """Look at the checksums of FITS files, or of those in a folder, and at the manifest that runs leave there.

    The exit status is 1 if any file is damaged, changed since it was recorded, or missing.
    """
    from mrsnb.io.verify import verify

    found = verify(places)
    click.echo(found.table().to_text())
    click.echo(repr(found))
    ctx.exit(0 if found.is_intact else 1)
