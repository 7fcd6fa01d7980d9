"""The command ``strun``: the observatory's command line, word for word."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mrsnb.cli.configured import folder, save
from mrsnb.cli.examples import example_text
from mrsnb.cli.failures import be_verbose, log, log_to
from mrsnb.cli.options import ParamCommand, param_options
from mrsnb.cli.products import say
from mrsnb.errors import OutputError
from mrsnb.io.places import home

if TYPE_CHECKING:
    from mrsnb.io.config import Config

_SWITCHES = ("debug", "disable_crds_steppars", "verbose", "version", "help")
_SHORT = {"-h": "--help", "-v": "--verbose"}
_OURS = ("save_parameters", "logcfg", "log_level", "log_file", "log_stream", "preset", "references")
_PARAMETER_FILES = (".asdf", ".cfg", ".yaml", ".yml", ".toml")
_HELP = """Run the pipeline or a step as the observatory's strun does.

WHAT is a class (jwst.pipeline.Spec3Pipeline), an alias (calwebb_spec3, jwst::cube_build), or a parameter file (.asdf,
.cfg, .yaml, .toml). Any parameter is an option: --steps.STEP.NAME=VALUE for the pipeline, --NAME=VALUE for a step,
which 'mrsnb strun STEP --help' lists; --output_dir, --save_results, --override_cubepar, ... too. Parameters that are
not given have the values of the preset 'archive'.

\b
Also:
  --preset NAME            Values to start from: 'mrsnb presets' lists them.
  --references DIR         Folder of reference files; what it lacks is built in (pipeline only).
  --save-parameters FILE   Write all parameters: .asdf, which jwst reads too, .yaml or .toml (pipeline only).
  --log-level LEVEL        Say no less than this: debug, info, warning, error or critical.
  --log-file FILE          Write the log to this file as well.
  --log-stream STREAM      Where the log goes: stderr, stdout or null.
  --verbose, --debug       Say what is done, and show where an unforeseen error comes from.
  --disable-crds-steppars, --logcfg   Accepted; nothing is fetched from a server anyway.
"""


@dataclass
class _Line:
    """A command line, taken apart.

    Parameters
    ----------
    words : list of str
        What is no option: what to run, and its input.
    options : dict of str to str
        Options of the command itself.
    parameters : dict of str to str
        Of the pipeline or step.
    steps : dict of str to dict
        Of each step of the pipeline.
    """

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)


class _Words(click.Command):
    """A command that gets its arguments as they were typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments for the command."""
        ctx.args = list(args)
        return []

    def collect_usage_pieces(self, _ctx: click.Context) -> list[str]:
        """Return what to type, for help."""
        return ["WHAT", "INPUT", "[OPTIONS]"]


@click.command("strun", cls=_Words, help=_HELP, short_help="Run a pipeline or step by the observatory's command line.")
@click.pass_context
def strun_command(ctx: click.Context) -> None:
    """Run what the arguments say."""
    from mrsnb import __version__
    from mrsnb.pipeline.official import PIPELINE

    line = _parsed(ctx.args)
    if "version" in line.options:
        click.echo(f"mrsnb {__version__}")
        return
    if not line.words:
        if "help" not in line.options:
            msg = "missing: what to run, as calwebb_spec3, cube_build or a parameter file"
            raise click.UsageError(msg, ctx)
        click.echo(ctx.get_help())
        return
    target, config = _target(line.words[0])
    if "help" in line.options:
        click.echo(ctx.get_help() if target == PIPELINE else _help_of(target))
        return
    if len(line.words) != 2:
        found = f"{len(line.words) - 1}: {' '.join(line.words[1:])}" if line.words[1:] else "none"
        msg = f"{line.words[0]}: one input file is wanted, found {found}"
        raise click.UsageError(msg, ctx)
    path = _input(line.words[1], line.parameters)
    _log_as_told(ctx, line.options)
    if target == PIPELINE:
        _run_pipeline(path, line, config)
    else:
        _run_step(target, path, line, config)


def _parsed(args: Sequence[str]) -> _Line:
    """Take a command line apart: ``--name=value``, ``--name value``, switches, words."""
    line, left = _Line(), list(args)
    while left:
        word = left.pop(0)
        word = _SHORT.get(word, word)
        if not word.startswith("--"):
            line.words.append(word)
            continue
        typed, equals, value = word[2:].partition("=")
        name = typed.replace("-", "_")
        if not equals:
            value = "true" if name in _SWITCHES else _next(left, typed)
        if name in (*_SWITCHES, *_OURS):
            line.options[name] = value
        elif name.startswith("steps."):
            step, _, parameter = name.removeprefix("steps.").partition(".")
            if not parameter:
                msg = f"--{typed}: must be --steps.STEP.PARAMETER=VALUE"
                raise click.UsageError(msg)
            line.steps.setdefault(step, {})[parameter] = value
        else:
            line.parameters[name] = value
    return line


def _next(left: list[str], name: str) -> str:
    """Return the value of the option `name`, the next word."""
    if left and not left[0].startswith("--"):
        return left.pop(0)
    if name == "save_results":
        return "true"
    msg = f"--{name}: a value is missing: --{name}=VALUE"
    raise click.UsageError(msg)


def _target(word: str) -> tuple[str, "Config"]:
    """Return what to run, and what the parameter file says if it is one."""
    from mrsnb.io.config import Config
    from mrsnb.pipeline.official import PIPELINE, named
    from mrsnb.pipeline.settings import checked_config

    path = home(word)
    if path.is_file() or path.suffix in _PARAMETER_FILES:
        config = checked_config(path)
        return (PIPELINE if config.class_name is None else named(config.class_name)), config
    return named(word), Config()


def _input(word: str, parameters: dict[str, str]) -> Path:
    folder = parameters.pop("input_dir", None)
    return home(word) if folder is None else home(folder) / word


def _log_as_told(ctx: click.Context, options: dict[str, str]) -> None:
    if "verbose" in options or "debug" in options:
        be_verbose()
    log_to(options.get("log_level"), options.get("log_stream"))
    if "log_file" in options:
        try:
            handler = logging.FileHandler(home(options["log_file"]), mode="w", encoding="utf-8")
        except OSError as error:
            msg = f"--log-file={options['log_file']}: cannot be written: {error.strerror or error}"
            raise OutputError(msg) from None
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        log.addHandler(handler)
        ctx.call_on_close(handler.close)
        ctx.call_on_close(partial(log.removeHandler, handler))
    if "logcfg" in options:
        log.warning("--logcfg: files that set up a log are not read; ignored")


def _run_pipeline(path: Path, line: _Line, config: "Config") -> None:
    from mrsnb.cli.level3 import process
    from mrsnb.io.config import Config, with_step_files
    from mrsnb.pipeline.settings import settings

    said = Config(parameters=line.parameters, steps=with_step_files(line.steps, Path())).over(config)
    told = settings(said, preset=line.options.get("preset", "archive"), save_results=True)
    if "save_parameters" in line.options:
        save(Path(line.options["save_parameters"]), told)
    references = Path(line.options["references"]) if "references" in line.options else None
    process(path, told, folder(told), references)


def _run_step(step: str, path: Path, line: _Line, config: "Config") -> None:
    """Run one step by its class in `mrsnb.jwst`, which names products as the observatory's."""
    from mrsnb.io.config import Config
    from mrsnb.jwst.combine_1d import Combine1dStep
    from mrsnb.jwst.pipeline import Spec3Pipeline
    from mrsnb.jwst.single import write_single
    from mrsnb.pipeline.settings import parameters_of, preset_values, save_step_params, step_settings

    if "references" in line.options or line.steps:
        wrong = "references" if "references" in line.options else f"steps.{next(iter(line.steps))}"
        msg = f"--{wrong}: goes with the pipeline, not with {step}; give --override_KIND=FILE, --PARAMETER=VALUE"
        raise click.UsageError(msg)
    said = Config(steps={step: line.parameters}).over(config)
    preset = line.options.get("preset", "archive")
    parameters = preset_values(preset).get(step, {}) | parameters_of(step, said)
    if "save_parameters" in line.options:
        save_step_params(line.options["save_parameters"], step, step_settings(step, said, preset=preset))
    kinds = {**Spec3Pipeline.step_defs, "combine_1d": Combine1dStep}
    for made in write_single(kinds[step](name=config.name, **parameters), path):
        say(str(made))


def _help_of(step: str) -> str:
    from mrsnb.pipeline.official import step_types
    from mrsnb.pipeline.settings import BY_ITSELF

    command = ParamCommand(
        f"strun {step}",
        groups=lambda: {"Parameters": param_options(step_types()[step], step, defaults=BY_ITSELF.get(step))},
        help=f"Run {step} on INPUT, a file or association.  'mrsnb strun --help' lists what goes with every step.",
        params=[click.Argument(["input"])],
        epilog=example_text([f"mrsnb strun {step} INPUT --output_dir=out"]),
    )
    return command.get_help(click.Context(command, info_name=f"mrsnb strun {step}", max_content_width=100))
