"""What is typed at a terminal, read by the command's own parser."""

import shlex

import click

import mrsnb
from mrsnb.cli import main
from mrsnb.cli.options import ParamCommand, given
from mrsnb.cli.strun import _parsed, _target
from mrsnb.pipeline.official import PIPELINE, step_types
from mrsnb.simulate import SimulateParams


def parsed(line):
    """Let the parser of the command that a line names read it, and its parameters be checked; nothing runs."""
    words = shlex.split(line, comments=True)
    assert words[0] == "mrsnb"
    ctx, command, args = click.Context(main, info_name="mrsnb"), main, words[1:]
    while isinstance(command, click.Group) and args:
        _, command, args = command.resolve_command(ctx, args)
        ctx = command.make_context(command.name, list(args), parent=ctx)
        args = [*ctx._protected_args, *ctx.args] if isinstance(command, click.Group) else ctx.args
    if command.name == "strun":
        told = _parsed(ctx.args)
        target = PIPELINE if told.words[0].endswith(".cfg") else _target(told.words[0])[0]
        steps = told.steps if target == PIPELINE else {target: told.parameters}
        for step, values in steps.items():
            for name, text in values.items():
                step_types()[step].spec(name).from_text(text)
    elif isinstance(command, ParamCommand):
        kinds = {command.name: step_types().get(command.name, SimulateParams)}
        given(ctx, mrsnb.Spec3Params.steps() if command.name in ("spec3", "params") else kinds)
    return command
