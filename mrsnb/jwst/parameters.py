"""The parameters of the official interface: what they are if nobody sets them, and what may be said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrsnb.errors import ParamError
from mrsnb.io.config import Config, merged, read_config
from mrsnb.pipeline.official import PIPELINE, from_official, log, named, pipeline_places
from mrsnb.pipeline.settings import Settings, settings, step_settings
from mrsnb.steps.params import StepParams

PRESET = "archive"
"""The parameters that every step and the pipeline start from."""


def defaults_of(step: str) -> dict[str, Any]:
    """Return the parameters of a step, and what they are if nobody sets them."""
    params: StepParams = step_settings(step, preset=PRESET).params
    return params.to_dict() | {"save_results": False}


def check(step: str, name: str, value: Any) -> None:
    """Raise what is wrong with one parameter.

    Raises
    ------
    ParamError
        If it is unknown or its value not allowed.
    """
    was, log.disabled = log.disabled, True  # what has no effect is said when the step runs
    try:
        if step == PIPELINE:
            pipeline_places({name: value})
        else:
            from_official(step, {name: value})
    finally:
        log.disabled = was


def read_parameters(step: str, path: Path | str) -> dict[str, Any]:
    """Return the parameters in a file; those of a pipeline's steps under ``"steps"``.

    Raises
    ------
    InputError, ParamError
        If it cannot be read, or is of another step.
    """
    config = read_config(path)
    target = PIPELINE if config.class_name is None else named(config.class_name)
    if target != step:
        msg = f"{path}: parameters of {target}, not of {step}"
        raise ParamError(msg)
    steps = merged(config.steps, config.ours)
    if step == PIPELINE:
        return {**config.parameters, "steps": steps}
    return {**config.parameters, **steps.get(step, {})}


def run_settings(parameters: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]], *, save: bool) -> Settings:
    """Return what a run of the pipeline is told.

    Raises
    ------
    ParamError
        If a value is not allowed, or values contradict each other.
    """
    said = {step: dict(values) for step, values in steps.items() if values}
    if "output_file" in said.get("cube_build", {}):
        said["cube_build"]["save_results"] = True
    for step, values in said.items():
        for name in ("output_dir", "output_file"):
            if name in values and (step, name) != ("cube_build", "output_file"):
                log.warning("%s.%s = %s: products go where the pipeline's go; ignored", step, name, values[name])
    if said.get("extract_1d", {}).get("save_results"):  # the spectrum of 3A is finished by spectral_leak
        said["spectral_leak"] = {"save_results": True, **said.get("spectral_leak", {})}
    return settings(Config(parameters=dict(parameters), steps=said), preset=PRESET, save_results=save)


def single_settings(step: str, parameters: Mapping[str, Any]) -> Settings:
    """Return what a run of one step is told; errors as `run_settings`."""
    return step_settings(step, Config(class_name=step, parameters=dict(parameters)), preset=PRESET)


def is_true(value: Any) -> bool:
    """Return what a switch is set to; text as in ``"True"`` too."""
    return bool(StepParams.spec("save_results").from_text(str(value)))
