"""What a run is told: a preset, configuration files and values given by hand, in order of precedence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsnb.errors import ParamError, nearest
from mrsnb.io.config import Config, ini_text, merged, read_config, write_config
from mrsnb.pipeline.official import (
    PIPELINE,
    StepValues,
    from_official,
    log,
    named,
    official,
    pipeline_places,
    step_types,
    to_official,
    without_effect,
)
from mrsnb.pipeline.params import Spec3Params, presets

Given = Mapping[str, Mapping[str, Any]]

BY_ITSELF: dict[str, dict[str, Any]] = {"mrs_imatch": {"subtract": True}}
"""What a step by itself starts from, unlike in a run: no file can leave the subtraction to cube_build."""


AMONG_OTHERS = ("skip", "save_results")
"""Parameters that a step heeds only in a run of several; by itself it is never left out, and always writes."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run of the pipeline, or of one step, is told.

    Parameters
    ----------
    params : Spec3Params or StepParams
    overrides : dict of str to Path
        Files of reference values, by kind.
    places : dict of str to str
        ``output_dir`` and ``output_file``, where given.
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
    below = preset_values(preset)
    places, save = pipeline_places(config.parameters)
    values: dict[str, dict[str, Any]] = {}
    overrides: dict[str, Path] = {}
    for step in [step for step in {**config.steps, **config.ours} if not _is_without_effect(step)]:
        said = _said(step, parameters_of(step, config), below.get(step, {}), given.get(step, {}))
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
        Name of the parameters to start from; the step's defaults if None. `BY_ITSELF` comes before them.
    given : mapping of str to mapping, optional
        Parameters of the step in our own spelling, by step; they win over all else.
    """
    below = {**preset_values(preset).get(step, {}), **BY_ITSELF.get(step, {})}
    mine = {} if given is None else given.get(step, {})
    values = {} if config is None else parameters_of(step, config)
    said = _said(step, values, below, mine)
    params = step_types()[step].from_dict({**below, **said.values, **mine})
    return Settings(params=params, overrides=said.overrides, places=said.places)


def checked_config(path: Path | str) -> Config:
    """Return what a configuration file says, every name and value in it checked.

    Parameters
    ----------
    path : Path or str
        As `mrsnb.io.config.read_config` takes it.

    Raises
    ------
    InputError, ParamError
        If it cannot be read, or a step, parameter or value in it is not known; the message names the file.
    """
    config = read_config(path)
    was, log.disabled = log.disabled, True  # what has no effect is said when the parameters are used
    try:
        target = PIPELINE if config.class_name is None else named(config.class_name)
        if target == PIPELINE:
            pipeline_places(config.parameters)
        for step in {**config.steps, **config.ours} if target == PIPELINE else [target]:
            if step in step_types() or not _is_without_effect(step):
                from_official(step, parameters_of(step, config))
    except ParamError as error:
        msg = f"{path}: {error}"
        raise ParamError(msg) from None
    finally:
        log.disabled = was
    return config


def save_params(
    path: Path | str,
    params: Spec3Params,
    parameters: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Path] | None = None,
) -> None:
    """Write the parameters of a run to a configuration file that `mrsnb.io.config.read_config` reads.

    The observatory's pipeline reads an ASDF file as well, but for what it does not know.

    Parameters
    ----------
    path : Path or str
        Ends in .yaml, .toml or .asdf.
    params : Spec3Params
    parameters : mapping of str to object, optional
        Of the pipeline: ``output_dir``, ...
    overrides : mapping of str to Path, optional
        Files of reference values, by kind.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    config = params_config(params, parameters, overrides, suffix=Path(path).suffix.lower())
    classes = {step: entry["class"] for step, entry in official()["steps"].items()}
    write_config(path, config, classes)


def save_step_params(path: Path | str, step: str, told: Settings) -> None:
    """Write the parameters of a run of one step, as `save_params` does for a whole run."""
    write_config(path, step_config(step, told, suffix=Path(path).suffix.lower()))


def step_config(step: str, told: Settings, *, suffix: str = ".yaml") -> Config:
    """Return the parameters of a run of one step as a configuration file of the kind `suffix` has them."""
    files = _override_options(step, told.overrides)
    values = told.params.to_dict()
    name = official()["steps"][step]["class"]
    if suffix != ".asdf":
        return Config(class_name=name, parameters=values | files)
    known = to_official(step, told.params)
    ours = {name: value for name, value in _only_ours(step, values, known).items() if name != "save_results"}
    return Config(
        class_name=name,
        name=name.rpartition(".")[2],
        parameters=known | files,
        ours={step: ours} if ours else {},
    )


def params_config(
    params: Spec3Params,
    parameters: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Path] | None = None,
    *,
    suffix: str = ".yaml",
) -> Config:
    """Return the parameters of a run as a configuration file of the kind `suffix` has them; see `save_params`."""
    steps = params.to_dict()
    files = {step: _override_options(step, overrides or {}) for step in steps}
    if suffix != ".asdf":
        return Config(parameters=parameters or {}, ours=merged(steps, files))
    known = {step: to_official(step, getattr(params, step)) for step in steps}
    ours = {step: _only_ours(step, steps[step], known[step]) for step in steps}
    known = {step: values | files[step] for step, values in known.items() if values}
    return Config(
        class_name=official()["pipeline"]["class"],
        name="Spec3Pipeline",
        parameters={"save_results": True, **(parameters or {})},
        steps=known,
        ours={step: values for step, values in ours.items() if values},
    )


def preset_values(name: str | None) -> dict[str, dict[str, Any]]:
    """Return what a preset sets, by step; nothing if `name` is None.

    Raises
    ------
    ParamError
        If there is no such preset.
    """
    if name is None:
        return {}
    Spec3Params.preset(name)
    steps: dict[str, dict[str, Any]] = presets()[name]["steps"]
    return steps


def _override_options(step: str, overrides: Mapping[str, Path]) -> dict[str, str]:
    kinds = official()["steps"][step].get("references", ())
    return {f"override_{kind}": str(overrides[kind]) for kind in kinds if kind in overrides}


def _only_ours(step: str, values: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Return the values that reading `known` does not give back."""
    back = from_official(step, known, values).values
    if known and step in official()["pipeline"]["saves"]:
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
    return Config(steps=merged({target: config.parameters}, config.steps), ours=config.ours, path=config.path)


def parameters_of(step: str, config: Config) -> dict[str, Any]:
    """Return what a configuration, of the step or of a pipeline that has it, says of a step, as it is spelled there.

    Raises
    ------
    ParamError
        If it is of another step.
    """
    config = _of_pipeline(config, step)
    values = {**config.steps.get(step, {}), **config.ours.get(step, {})}
    class_name = values.pop("class", None)
    if class_name and named(str(class_name)) != step:
        msg = f"{step}: its class is {class_name!r}, which is {named(str(class_name))}"
        raise ParamError(msg)
    return values


def _said(step: str, values: Mapping[str, Any], below: Mapping[str, Any], above: Mapping[str, Any]) -> StepValues:
    """Return the parameters of a step in our spelling, as they act between those below and those above."""
    others = {name: value for name, value in below.items() if name not in values}
    return from_official(step, values, {**others, **above})


def _is_without_effect(step: str) -> bool:
    known = Spec3Params.steps()
    if step in known:
        return False
    if without_effect(step):
        return True
    msg = f"unknown step {step!r}{nearest(step, list(known))}"
    raise ParamError(msg)


def blank_cfgs() -> dict[str, str]:
    """Return .cfg files to be edited, name to text: one of the pipeline, which names one of each step that jwst has."""
    table = official()
    steps = [step for step, entry in table["steps"].items() if step in Spec3Params.steps() and entry["ours"] != "all"]
    files = {f"{step}.cfg": ini_text({"name": step, "class": table["steps"][step]["class"]}) for step in steps}
    pipeline = {"name": "Spec3Pipeline", "class": table["pipeline"]["class"]}
    named_files = {"steps": {step: {"config_file": f"{step}.cfg"} for step in steps}}
    return {f"{table['pipeline']['alias']}.cfg": ini_text(pipeline | named_files), **files}
