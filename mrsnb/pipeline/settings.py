"""What a run is told: a preset, configuration files and values given by hand, in order of precedence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsnb.errors import ParamError, nearest
from mrsnb.io.config import Config, write_config
from mrsnb.pipeline.official import (
    PIPELINE,
    StepValues,
    from_official,
    named,
    official,
    pipeline_places,
    step_types,
    to_official,
    without_effect,
)
from mrsnb.pipeline.params import Spec3Params, presets

Given = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run of the pipeline, or of one step, is told.

    Parameters
    ----------
    params : Spec3Params or StepParams
    overrides : dict of str to Path
        Files of reference values, by kind.
    places : dict of str to str
        ``output_dir``, ``input_dir`` and ``output_file``, where given.
    """

    params: Any
    overrides: dict[str, Path]
    places: dict[str, str]


def settings(
    config: Config | None = None,
    *,
    preset: str = "archive",
    given: Given | None = None,
    save_results: bool | None = None,
) -> Settings:
    """Return what a run of the pipeline is told.

    Parameters
    ----------
    config : Config, optional
        What configuration files, or a caller of the observatory's kind, say; wins over the preset.
    preset : str
        Name of the parameters to start from.
    given : mapping of str to mapping, optional
        Parameters of each step in our own spelling; they win over all else.
    save_results : bool, optional
        Whether the pipeline is to write its products; None takes that of `config`, or leaves it to the steps.

    Raises
    ------
    ParamError
        If a preset, step or parameter is unknown, or a value not allowed.
    """
    config = _of_pipeline(Config() if config is None else config)
    given = {} if given is None else given
    below = _preset_values(preset)
    places, save = pipeline_places(config.parameters)
    values: dict[str, dict[str, Any]] = {}
    overrides: dict[str, Path] = {}
    for step in [step for step in {**config.steps, **config.ours} if not _is_without_effect(step)]:
        said = _said(step, config, {**below.get(step, {}), **given.get(step, {})})
        values[step] = said.values
        overrides |= said.overrides
        if step == "cube_build" and "output_file" in said.places:
            places["output_file"] = said.places["output_file"]
    for step in official()["pipeline"]["saves"]:
        saves = save if save_results is None else save_results
        if saves is not None and "save_results" not in config.ours.get(step, {}):
            own = values.setdefault(step, {})
            own["save_results"] = saves or own.get("save_results", False)
    return Settings(
        params=Spec3Params().updated(below).updated(values).updated(given), overrides=overrides, places=places
    )


def step_settings(
    step: str, config: Config | None = None, *, preset: str | None = None, given: Given | None = None
) -> Settings:
    """Return what a run of one step is told; parameters and errors as `settings`.

    Parameters
    ----------
    step : str
        Its name.
    config : Config, optional
        Of that step, or of a pipeline that has it.
    preset : str, optional
        Name of the parameters to start from; the step's defaults if None.
    given : mapping of str to mapping, optional
        Parameters of the step in our own spelling, by step; they win over all else.
    """
    config = _of_pipeline(Config() if config is None else config, step)
    below = _preset_values(preset).get(step, {})
    mine = {} if given is None else given.get(step, {})
    said = _said(step, config, {**below, **mine})
    params = step_types()[step].from_dict({**below, **said.values, **mine})
    return Settings(params=params, overrides=said.overrides, places=said.places)


def save_params(path: Path | str, params: Spec3Params, parameters: Mapping[str, Any] | None = None) -> None:
    """Write the parameters of a run to a configuration file that `mrsnb.io.config.read_config` reads.

    The observatory's pipeline reads an ASDF file as well, but for what it does not know.

    Parameters
    ----------
    path : Path or str
        Ends in .yaml, .toml or .asdf.
    params : Spec3Params
    parameters : mapping of str to object, optional
        Of the pipeline: ``output_dir``, ...

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_config(path, params_config(params, parameters, Path(path).suffix.lower()), _classes())


def params_config(params: Spec3Params, parameters: Mapping[str, Any] | None = None, suffix: str = ".yaml") -> Config:
    """Return the parameters of a run as a configuration file of the kind `suffix` has them."""
    steps = params.to_dict()
    if suffix != ".asdf":
        return Config(parameters=parameters or {}, ours=steps)
    known = {step: to_official(step, getattr(params, step)) for step in steps}
    known = {step: values for step, values in known.items() if values}
    ours = {step: _only_ours(step, steps[step], known.get(step)) for step in steps}
    return Config(
        class_name=official()["pipeline"]["class"],
        name="Spec3Pipeline",
        parameters={"save_results": True, **(parameters or {})},
        steps=known,
        ours={step: values for step, values in ours.items() if values},
    )


def _preset_values(name: str | None) -> dict[str, dict[str, Any]]:
    if name is None:
        return {}
    Spec3Params.preset(name)
    steps: dict[str, dict[str, Any]] = presets()[name]["steps"]
    return steps


def _classes() -> dict[str, str]:
    return {step: entry["class"] for step, entry in official()["steps"].items()}


def _only_ours(step: str, values: dict[str, Any], known: dict[str, Any] | None) -> dict[str, Any]:
    """Return the values that reading `known` does not give back."""
    back = {} if known is None else from_official(step, known, values).values
    if known is not None and step in official()["pipeline"]["saves"]:
        back["save_results"] = True
    missing = object()
    return {name: value for name, value in values.items() if back.get(name, missing) != value}


def _of_pipeline(config: Config, step: str | None = None) -> Config:
    """Return `config` with the parameters of its one step, if it is of one, under that step's name."""
    target = PIPELINE if config.class_name is None else named(config.class_name)
    if target == PIPELINE:
        return config
    if step is not None and target != step:
        msg = f"{config.path or config.class_name}: parameters of {target}, not of {step}"
        raise ParamError(msg)
    return Config(steps={target: config.parameters}, ours=config.ours, path=config.path)


def _said(step: str, config: Config, others: Mapping[str, Any]) -> StepValues:
    values = {**config.steps.get(step, {}), **config.ours.get(step, {})}
    class_name = values.pop("class", None)
    if class_name and named(str(class_name)) != step:
        msg = f"{step}: its class is {class_name!r}, which is {named(str(class_name))}"
        raise ParamError(msg)
    return from_official(step, values, others)


def _is_without_effect(step: str) -> bool:
    known = Spec3Params.steps()
    if step in known:
        return False
    if without_effect(step):
        return True
    msg = f"unknown step {step!r}{nearest(step, list(known))}"
    raise ParamError(msg)
