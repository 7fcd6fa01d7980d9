"""The commands that open a workbench in the browser: ``lab`` and ``app``."""

from pathlib import Path

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.products import OUTPUT_DIR

_PATH = click.Path(path_type=Path)
_PORT = click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Port.  [default: a free one]")


@click.command("lab", short_help="Open a workbench in JupyterLab.")
@click.argument("paths", type=_PATH, nargs=-1)
@OUTPUT_DIR
@_PORT
@verbose_option
def lab_command(paths: tuple[Path, ...], output_dir: Path, port: int | None) -> None:
    """Start JupyterLab with a workbench on PATHS: an association, exposures, products, or a folder of such.

    It listens on this machine only, and its address has a token. Ctrl-C stops it.
    """
    from mrsnb.bench.server import serve

    serve("lab", paths, output_dir, click.echo, port)


@click.command("app", short_help="Open a workbench as an application (needs voila).")
@click.argument("asn", type=_PATH)
@OUTPUT_DIR
@_PORT
@click.option("--dark", "is_dark", is_flag=True, help="Light letters on a dark ground.")
@verbose_option
def app_command(asn: Path, output_dir: Path, port: int | None, *, is_dark: bool) -> None:
    """Start the workbench on ASN as an application in the browser, without a notebook around it.

    It listens on this machine only, and its address has a token. Ctrl-C stops it.
    """
    from mrsnb.bench.server import serve

    serve("app", [asn], output_dir, click.echo, port, is_dark=is_dark)
