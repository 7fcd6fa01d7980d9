"""Command-line options made from the declarations of parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from mrsnb.core.params import Params, ParamSpec
from mrsnb.errors import ParamError, nearest

OVERRIDES = {"cube_build": ("cubepar",), "extract_1d": ("extract1d", "apcorr"), "spectral_leak": ("mrsptcorr",)}
"""Kinds of reference values that each step takes."""

LONGEST_FORM = 40
"""Characters of choices that fit beside an option's name."""

_GIVEN = "mrsnb.given"

Groups = Mapping[str, Sequence[click.Option]]


class ParamOption(click.Option):
    """An option that stands for one parameter; what is typed is kept for `given` as text.

    Parameters
    ----------
    spec : ParamSpec
        The parameter.
    prefix : str
        What comes before its name, ``"--"`` or ``"--steps.cube_build."``.
    step : str
        The step it belongs to.
    is_ours : bool
        True if neither name nor form is the observatory's: ``--sub-bands``, and ``--moving`` without a value.
    """

    def __init__(self, spec: ParamSpec, prefix: str, step: str, *, is_ours: bool = False) -> None:
        self.spec, self.step = spec, step
        switch = is_ours and spec.base is bool
        name = prefix + (spec.name.replace("_", "-") if is_ours else spec.name)
        super().__init__(
            [name, identifier(name)],
            is_flag=switch,
            metavar=None if switch else metavar(spec),
            help=spec.help if switch else f"{spec.help}  [{_remarks(spec)}]",
            default=None,
            expose_value=False,
            callback=self._keep,
        )

    def _keep(self, ctx: click.Context, _option: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            ctx.meta.setdefault(_GIVEN, {}).setdefault(self.step, {})[self.spec.name] = str(value)


class OverrideOption(click.Option):
    """An option that names a file of reference values, kept for `overrides`."""

    def __init__(self, kind: str, prefix: str, step: str) -> None:
        self.kind, self.step = kind, step
        name = f"{prefix}override_{kind}"
        super().__init__(
            [name, identifier(name)],
            metavar="FILE",
            help=f"File of {kind} reference values, before those of --references.",
            expose_value=False,
            callback=self._keep,
        )

    def _keep(self, ctx: click.Context, _option: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.meta.setdefault("mrsnb.overrides", {})[self.kind] = Path(value)


class ParamCommand(click.Command):
    """A command with options made from parameters, under a heading for each step, when they are needed.

    Parameters
    ----------
    groups : callable
        Returns heading to options.
    """

    def __init__(self, *args: Any, groups: Callable[[], Groups], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._groups = groups
        self._made: Groups | None = None

    @property
    def groups(self) -> Groups:
        """Heading to options."""
        if self._made is None:
            self._made = self._groups()
        return self._made

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all options and arguments."""
        return [*super().get_params(ctx), *(option for group in self.groups.values() for option in group)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse a command line.

        Raises
        ------
        ParamError
            If an option names an unknown step or parameter.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            self._refuse(error.option_name)
            raise

    def _refuse(self, name: str) -> None:
        """Raise the error that says best what is wrong with ``--steps.STEP.PARAM``."""
        if not name.startswith("--steps."):
            return
        names: dict[str, list[str]] = {}
        for group in self.groups.values():
            for option in group:
                _, step, parameter = option.opts[0].split(".")
                names.setdefault(step, []).append(parameter)
        step, _, parameter = name.removeprefix("--steps.").partition(".")
        if step not in names:
            msg = f"{name}: unknown step {step!r}{nearest(step, list(names))}"
        else:
            msg = f"{name}: unknown parameter {parameter!r} of {step}{nearest(parameter, names[step])}"
        raise ParamError(msg)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of each group under its heading."""
        grouped = {id(option) for group in self.groups.values() for option in group}
        general = [
            param
            for param in self.get_params(ctx)
            if id(param) not in grouped and not isinstance(param, click.Argument)
        ]
        for heading, options in {"Options": general, **self.groups}.items():
            records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
            with formatter.section(heading):
                formatter.write_dl(records, col_max=26)


def step_groups(steps: Mapping[str, type[Params]]) -> Groups:
    """Return the options ``--steps.STEP.PARAM`` of all steps."""
    return {
        f"Parameters of {step}": [
            *(ParamOption(spec, f"--steps.{step}.", step) for spec in kind.specs()),
            *(OverrideOption(kind_of, f"--steps.{step}.", step) for kind_of in OVERRIDES.get(step, ())),
        ]
        for step, kind in steps.items()
    }


def param_options(
    params: type[Params],
    step: str,
    *,
    leave_out: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
    are_ours: bool = False,
) -> list[click.Option]:
    """Return the options ``--PARAM`` of one step, whose help states `defaults` before those of `params`."""
    specs = [spec for spec in params.specs() if spec.name not in leave_out]
    if defaults is not None:
        specs = [replace(spec, default=defaults.get(spec.name, spec.default)) for spec in specs]
    options: list[click.Option] = [ParamOption(spec, "--", step, is_ours=are_ours) for spec in specs]
    return options + [OverrideOption(kind, "--", step) for kind in OVERRIDES.get(step, ())]


def given(ctx: click.Context, steps: Mapping[str, type[Params]]) -> dict[str, dict[str, Any]]:
    """Return the values given on the command line: ``{step: {parameter: value}}``.

    Raises
    ------
    ParamError
        If a value is not allowed.
    """
    texts: dict[str, dict[str, str]] = ctx.meta.get(_GIVEN, {})
    values: dict[str, dict[str, Any]] = {}
    for step, typed in texts.items():
        try:
            values[step] = {name: steps[step].spec(name).from_text(text) for name, text in typed.items()}
        except ParamError as error:
            msg = f"{step}.{error}" if len(steps) > 1 else str(error)
            raise ParamError(msg) from None
    return values


def overrides(ctx: click.Context) -> dict[str, Path]:
    """Return the files of reference values given on the command line: kind to path."""
    files: dict[str, Path] = ctx.meta.get("mrsnb.overrides", {})
    return files


def identifier(option: str) -> str:
    """Return the Python name of an option.

    Examples
    --------
    >>> identifier("--steps.cube_build.channel")
    'steps_cube_build_channel'
    """
    return option.lstrip("-").replace(".", "_").replace("-", "_")


def metavar(spec: ParamSpec) -> str:
    """Return what to type for a parameter, as help shows it: ``"X,Y"``, ``"1|2|3|4|all"``."""
    form = _form(spec.base)
    if len(form) > LONGEST_FORM:
        form = "NAME,..." if form.endswith(",...") else "NAME"
    return form + ("|none" if spec.optional else "")


def _form(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        items = [item for item in get_args(kind) if item is not Ellipsis]
        between = ";" if get_origin(items[0]) is tuple else ","
        return f"{_form(items[0])}{between}..." if len(items) < len(get_args(kind)) else between.join(map(_form, items))
    return {bool: "true|false", int: "N", float: "X", Path: "FILE"}.get(kind, "TEXT")


def _remarks(spec: ParamSpec) -> str:
    limits = "" if spec.low is None and spec.high is None else _limits(spec)
    form = _form(spec.base)
    choices = form.removesuffix(",...").replace("|", ", ") if len(form) > LONGEST_FORM else ""
    default = f"default {spec.to_text(spec.default)}"
    return "; ".join(part for part in (spec.unit or "", choices, limits, default) if part)


def _limits(spec: ParamSpec) -> str:
    if spec.high is None:
        return f">= {spec.low:g}"
    return f"<= {spec.high:g}" if spec.low is None else f"{spec.low:g} to {spec.high:g}"
