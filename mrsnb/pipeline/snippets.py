"""Parameters as text to paste elsewhere: Python, a command line, papermill, a file."""

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import join, quote
from typing import Any

from mrsnb.core.params import Params
from mrsnb.io.config import config_text
from mrsnb.pipeline.parameter_files import Told, step_named, told_config
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.settings import AMONG_OTHERS, params_config, settings, step_settings

TEMPLATE = "notebooks/spec3_mrs.ipynb"
PRESET = "archive"
"""What command lines and the template start from if nobody says."""


def as_python(params: Told, *, preset: str = PRESET) -> str:
    """Return the Python that makes `params`.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> print(as_python(CubeBuildParams(channel="1")))
    from mrsnb.steps.cube_build import CubeBuildParams
    <BLANKLINE>
    params = CubeBuildParams(channel='1')
    """
    kind = type(params)
    if isinstance(params, Params):
        changed = [spec.name for spec in params.specs() if getattr(params, spec.name) != spec.default]
        given = ", ".join(f"{name}={getattr(params, name)!r}" for name in changed)
        return f"from {_public(kind)} import {kind.__name__}\n\nparams = {kind.__name__}({given})"
    changes = changes_from(params, type(params).preset(preset))
    after = f".updated({changes!r})" if changes else ""
    place = "mrsnb" if kind is Spec3Params else _public(kind)
    return f"from {place} import {kind.__name__}\n\nparams = {kind.__name__}.preset({preset!r}){after}"


def as_command(params: Told, *, preset: str = PRESET, overrides: Mapping[str, Path] | None = None) -> str | None:
    """Return the command line that runs with `params`; None if no command runs such a step.

    `AMONG_OTHERS` are left out of the command of one step: it has no such options.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> as_command(CubeBuildParams(channel="1"))
    'mrsnb run cube_build INPUTS --channel=1'
    """
    start = [f"--preset={preset}"] if preset != PRESET else []
    files = dict(overrides or {})
    if isinstance(params, Spec3Params):
        begun = settings(preset=preset, save_results=True).params
        options = [
            f"--steps.{step}.{name}={getattr(params, step).spec(name).to_text(getattr(getattr(params, step), name))}"
            for step, names in changes_from(params, begun).items()
            for name in names
        ]
        config = params_config(params, overrides=files).ours
        options += [f"--steps.{step}.{k}={v}" for step, vs in config.items() for k, v in vs.items() if _is_file(k)]
        return join(["mrsnb", "spec3", "ASN.json", *start, *options])
    step = step_named(type(params))
    if step is None:
        return None
    begun = step_settings(step, preset=preset).params
    names = [name for name in _differing(params, begun) if name not in AMONG_OTHERS]
    options = [f"--{name}={params.spec(name).to_text(getattr(params, name))}" for name in names]
    return join(["mrsnb", "run", step, "INPUTS", *start, *options])


def papermill_parameters(
    params: Told, *, preset: str = PRESET, overrides: Mapping[str, Path] | None = None
) -> dict[str, Any] | None:
    """Return the plain values that make the template `TEMPLATE` run with `params`; None if it has no such step.

    Those of one step leave the others as the preset has them.
    """
    begun = Spec3Params.preset(preset)
    if isinstance(params, Spec3Params):
        steps = changes_from(params, begun)
    else:
        step = step_named(type(params))
        if step not in Spec3Params.steps():
            return None
        names = _differing(params, getattr(begun, step))
        steps = {step: {name: params.to_dict()[name] for name in names}} if names else {}
    told: dict[str, Any] = {"preset": preset} if preset != PRESET else {}
    told |= {"steps": steps} if steps else {}
    return told | ({"overrides": {kind: str(path) for kind, path in overrides.items()}} if overrides else {})


def as_papermill(params: Told, *, preset: str = PRESET, overrides: Mapping[str, Path] | None = None) -> str | None:
    """Return the papermill command that runs the template `TEMPLATE` with `params`; None if it has no such step.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> print(as_papermill(CubeBuildParams(channel="1")))
    papermill notebooks/spec3_mrs.ipynb done.ipynb -p asn_file ASN.json -y 'steps: {cube_build: {channel: "1"}}'
    """
    told = papermill_parameters(params, preset=preset, overrides=overrides)
    if told is None:
        return None
    return f"papermill {TEMPLATE} done.ipynb -p asn_file ASN.json" + (f" -y {quote(_flow(told))}" if told else "")


def as_yaml(params: Told, *, overrides: Mapping[str, Path] | None = None) -> str:
    """Return `params` as the YAML file that ``--config`` takes, every parameter in it."""
    return config_text(told_config(params, overrides), ".yaml")


def changes_from(params: Spec3Params, base: Spec3Params) -> dict[str, dict[str, Any]]:
    """Return the values of `params` that differ from those of `base`, plain, by step."""
    found: dict[str, dict[str, Any]] = {}
    for step in params.steps():
        names = _differing(getattr(params, step), getattr(base, step))
        if names:
            values = getattr(params, step).to_dict()
            found[step] = {name: values[name] for name in names}
    return found


def _differing(params: Params, base: Params) -> list[str]:
    return [spec.name for spec in params.specs() if getattr(params, spec.name) != getattr(base, spec.name)]


def _is_file(name: str) -> bool:
    return name.startswith("override_")


def _flow(value: Any, *, is_top: bool = True) -> str:
    """Return YAML on one line, without single quotes where that is possible."""
    import yaml

    if isinstance(value, Mapping):
        inside = ", ".join(f"{name}: {_flow(part, is_top=False)}" for name, part in value.items())
        return inside if is_top and len(value) == 1 else f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(part, is_top=False) for part in value)}]"
    style = '"' if isinstance(value, str) else None
    text = str(yaml.safe_dump(value, default_style=style, width=sys.maxsize, allow_unicode=True))
    return text.removesuffix("\n").removesuffix("\n...")


def _public(kind: type[Any]) -> str:
    """Return the package that offers a type; the module that declares it if none does."""
    parent = kind.__module__.rpartition(".")[0]
    return parent if getattr(sys.modules.get(parent), kind.__name__, None) is kind else kind.__module__
