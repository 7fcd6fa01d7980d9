"""Parameters from files and to files: options of several commands, and the command ``params``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.options import Groups, ParamCommand, given, overrides, step_groups
from mrsnb.cli.products import PRESET

if TYPE_CHECKING:
    from mrsnb.pipeline.settings import Settings

_PATH = click.Path(path_type=Path)
CONFIG = click.option(
    "--config", type=_PATH, metavar="FILE", help="Parameters: .yaml, .toml, or the observatory's .asdf and .cfg."
)
SAVE_PARAMETERS = click.option(
    "--save-parameters", type=_PATH, metavar="FILE", help="Write all parameters: .yaml, .toml or .asdf."
)


def all_steps() -> Groups:
    """Return the options ``--steps.STEP.PARAM``."""
    from mrsnb.pipeline import Spec3Params

    return step_groups(Spec3Params.steps())


def run_told(ctx: click.Context, config: Path | None, preset: str) -> "Settings":
    """Return what a run is told by a command line, a configuration file and a preset."""
    from dataclasses import replace

    from mrsnb.pipeline import Spec3Params
    from mrsnb.pipeline.settings import checked_config, settings

    read = None if config is None else checked_config(config)
    told = settings(read, preset=preset, given=given(ctx, Spec3Params.steps()), save_results=True)
    return replace(told, overrides=told.overrides | overrides(ctx))


def folder_told(ctx: click.Context, output_dir: Path, told: "Settings") -> Path:
    """Return where products go: as the command line says, else the configuration file."""
    typed = ctx.get_parameter_source("output_dir") is click.core.ParameterSource.COMMANDLINE
    return output_dir if typed else folder(told, output_dir)


def folder(told: "Settings", default: Path = Path()) -> Path:
    """Return where products go, as parameters say."""
    from os.path import expandvars

    return Path(expandvars(told.places["output_dir"])) if "output_dir" in told.places else default


def save(path: Path, told: "Settings", **parameters: Any) -> None:
    """Write the parameters of a run, and where its products go."""
    from mrsnb.io.places import shown
    from mrsnb.pipeline.settings import save_params

    places = {name: shown(value) for name, value in {**told.places, **parameters}.items() if name == "output_dir"}
    save_params(path, told.params, places, told.overrides)


@click.command("params", cls=ParamCommand, groups=all_steps, short_help="Print or write the parameters of a run.")
@PRESET
@CONFIG
@click.option(
    "-o", "--output", type=_PATH, metavar="FILE", help="Write them: .yaml, .toml, or .asdf, which jwst reads."
)
@verbose_option
@click.pass_context
def params_command(ctx: click.Context, preset: str, config: Path | None, output: Path | None) -> None:
    """Print all parameters that a run would have, as YAML, or write them to a file for --config.

    Options such as --steps.cube_build.channel=1 win over --config, that over a file named in it, that over --preset.
    """
    from mrsnb.io.config import config_text
    from mrsnb.pipeline.settings import params_config

    told = run_told(ctx, config, preset)
    if output is None:
        click.echo(config_text(params_config(told.params, told.places, told.overrides), ".yaml"), nl=False)
    else:
        save(output, told)
        click.echo(str(output))
