"""The commands that make input: ``demo``, ``simulate``, ``associate``."""

from pathlib import Path

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.options import Groups, ParamCommand, given, param_options

_PATH = click.Path(path_type=Path)


def _simulate_options() -> Groups:
    from mrsnb.simulate import SimulateParams

    return {"Observation": param_options(SimulateParams, "simulate", are_ours=True)}


@click.command("demo", short_help="Simulate an observation and process it in a notebook.")
@click.option("--output-dir", type=_PATH, default=Path("mrsnb-demo"), metavar="DIR", help="[default mrsnb-demo]")
@verbose_option
def demo_command(output_dir: Path) -> None:
    """Simulate an observation of a star in all bands and process it in a notebook, which is kept.

    It takes a minute or two and 1.3 GB on disk. Input that is there from an earlier demo is used again.
    """
    from mrsnb.demo import demo

    click.echo(repr(demo(output_dir)))


@click.command("simulate", cls=ParamCommand, groups=_simulate_options, short_help="Write a simulated observation.")
@click.argument("output_dir", metavar="DIR", type=_PATH)
@verbose_option
@click.pass_context
def simulate_command(ctx: click.Context, output_dir: Path) -> None:
    """Write calibrated exposures of a simulated star, their association and the truth to DIR."""
    from mrsnb.simulate import SimulateParams, simulate

    options = given(ctx, {"simulate": SimulateParams}).get("simulate", {})
    click.echo(repr(simulate(output_dir, **options)))


@click.command("associate", short_help="List exposures in an association file.")
@click.argument("files", metavar="FILES...", type=_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=_PATH, required=True, metavar="ASN.json", help="The association file.")
@click.option("--product-name", required=True, metavar="NAME", help="First part of the names of the products.")
@click.option(
    "--background", type=_PATH, multiple=True, metavar="FILE", help="Spectrum of the background, _x1d; can be repeated."
)
@verbose_option
def associate_command(files: tuple[Path, ...], output: Path, product_name: str, background: tuple[Path, ...]) -> None:
    """Write the association of the calibrated exposures FILES."""
    from mrsnb.io.association import associate, write_association

    click.echo(repr(write_association(output, associate(files, product_name, background))))
