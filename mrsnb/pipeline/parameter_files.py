"""Parameters of a run, of one step, or of any other kind, from files and to files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrsnb.core.params import Params
from mrsnb.errors import OutputError, ParamError
from mrsnb.io.config import WRITTEN, Config, read_config, write_config
from mrsnb.io.places import home
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.settings import (
    Settings,
    checked_config,
    params_config,
    save_params,
    save_step_params,
    settings,
    step_config,
    step_settings,
)

Told = Params | Spec3Params


def step_named(kind: type[Any]) -> str | None:
    """Return the name of the step that takes parameters of this type, None if none does.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> step_named(CubeBuildParams)
    'cube_build'
    """
    return next((step for step, other in step_types().items() if other is kind), None)


def read_params(path: Path | str, kind: type[Told], *, preset: str = "archive") -> Settings:
    """Return what a file says.

    Parameters
    ----------
    path : Path or str
        What ``--config`` takes: YAML, TOML, ASDF or .cfg.
    kind : type
        What is wanted of it: `Spec3Params`, or the parameters of a step, which a file of a whole run has too.
    preset : str
        Where a run starts from; a step, and what is not of a step, starts from its defaults.

    Raises
    ------
    InputError, ParamError
        If it cannot be read, or says what is not allowed; the message names the file.
    """
    if issubclass(kind, Spec3Params):
        return settings(checked_config(path), preset=preset)
    step = step_named(kind)
    try:
        if step is not None:
            return step_settings(step, checked_config(path))
        return Settings(params=kind.from_dict(read_config(path).parameters), overrides={}, places={})
    except ParamError as error:
        msg = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise ParamError(msg) from None


def write_params(path: Path | str, told: Settings) -> None:
    """Write parameters to a file that `read_params` reads, whole or not at all.

    Parameters
    ----------
    path : Path or str
        Ends in .yaml or .toml; those of a run and of a step can go to .asdf, which jwst reads too.
    told : Settings

    Raises
    ------
    OutputError
        If the suffix is another, or the file cannot be written.
    """
    path = home(path)
    step = step_named(type(told.params))
    if isinstance(told.params, Spec3Params):
        save_params(path, told.params, told.places, told.overrides)
    elif step is not None:
        save_step_params(path, step, told)
    elif path.suffix.lower() == ".asdf":
        kinds = ", ".join(suffix for suffix in WRITTEN if suffix != ".asdf")
        msg = f"{path}: {type(told.params).__name__} is of no step, and only those go to ASDF; use {kinds}"
        raise OutputError(msg)
    else:
        write_config(path, told_config(told.params))


def told_config(params: Told, overrides: Mapping[str, Path] | None = None) -> Config:
    """Return parameters as a configuration, in our own spelling."""
    files = dict(overrides or {})
    if isinstance(params, Spec3Params):
        return params_config(params, overrides=files)
    step = step_named(type(params))
    if step is None:
        return Config(parameters=params.to_dict())
    return step_config(step, Settings(params=params, overrides=files, places={}))
