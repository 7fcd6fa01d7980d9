"""The observatory's names of steps and parameters, and its way to spell values, turned into ours and back."""

import logging
import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from mrsnb.core.params import ParamSpec
from mrsnb.errors import ParamError, nearest
from mrsnb.pipeline.params import Spec3Params
from mrsnb.steps.combine_1d import Combine1dParams
from mrsnb.steps.params import StepParams

log = logging.getLogger(__name__)

PIPELINE = "spec3"
"""What `named` returns for the whole pipeline."""

_ZERO_IS_NONE = ("scalexy", "scalew", "rois", "roiw")
_BY_NEIGHBOURS = ("kernel_size", "threshold_percent", "ifu_second_check")
_BY_MODEL = ("snr", "scale")
_DEFAULT_POWER = 2.0


class StepValues(NamedTuple):
    """What was said of a step.

    Parameters
    ----------
    values : dict of str to object
        Parameters in our spelling, plain, fit for `StepParams.from_dict`.
    overrides : dict of str to Path
        Files of reference values by kind, fit for `mrsnb.io.references.load_references`.
    places : dict of str to str
        ``output_dir`` and ``output_file``, where given.
    """

    values: dict[str, Any]
    overrides: dict[str, Path]
    places: dict[str, str]


@cache
def official() -> dict[str, Any]:
    """Return what is known of the observatory's steps: the content of ``official.toml``."""
    return tomllib.loads((files(__package__) / "official.toml").read_text(encoding="utf-8"))


@cache
def step_types() -> dict[str, type[StepParams]]:
    """Return the steps that can be run, and what parameters they take: those of a run, and combine_1d."""
    return {**Spec3Params.steps(), "combine_1d": Combine1dParams}


def named(identifier: str) -> str:
    """Return the step that `identifier` names, or ``"spec3"`` for the pipeline.

    Parameters
    ----------
    identifier : str
        A class (``jwst.pipeline.Spec3Pipeline``, ``CubeBuildStep``) or an alias (``calwebb_spec3``,
        ``jwst::cube_build``).

    Raises
    ------
    ParamError
        If it names neither.

    Examples
    --------
    >>> named("jwst.pipeline.Spec3Pipeline"), named("jwst::cube_build"), named("CubeBuildStep")
    ('spec3', 'cube_build', 'cube_build')
    """
    table = official()
    known = {name: entry["class"].rpartition(".")[2] for name, entry in table["steps"].items()}
    of_name = {PIPELINE: PIPELINE, table["pipeline"]["alias"]: PIPELINE, "Spec3Pipeline": PIPELINE}
    of_name |= {name: name for name in known} | {class_name: name for name, class_name in known.items()}
    package, _, last = identifier.strip().replace("::", ".").rpartition(".")
    if last in of_name and package.partition(".")[0] in ("", "jwst", "mrsnb"):
        return of_name[last]
    msg = f"{identifier!r} is not the level-3 pipeline or a step of it{nearest(last, list(of_name))}"
    raise ParamError(msg)


def from_official(step: str, values: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> StepValues:
    """Return the parameters of a step in our spelling; ours pass as they are.

    What has no effect on the cubes and spectra of the MRS is left out, with a warning if it differs from the
    observatory's default.

    Parameters
    ----------
    step : str
        Name of the step.
    values : mapping of str to object
        Parameters as the observatory's pipeline takes them: text as in ``"7 7"``, ``"None"`` and ``"True"`` too.
    others : mapping of str to object, optional
        Parameters of the step that come from elsewhere (a preset, the command line), in our spelling; they decide,
        before `values`, what has an effect.

    Raises
    ------
    ParamError
        If a parameter is unknown, or a value not allowed.

    Examples
    --------
    >>> from_official("cube_build", {"scalexy": "0.0", "channel": 1, "grating": "all"}).values
    {'scalexy': None, 'channel': '1'}
    """
    table = official()["steps"][step]
    kind = step_types()[step]
    specs = {spec.name: spec for spec in kind.specs()}
    found = StepValues({}, {}, {})
    for given, raw in values.items():
        name, value = _current(step, str(given), specs), _plain(raw)
        if name in specs:
            found.values[name] = _typed(step, specs[name], value)
        elif name.removeprefix("override_") in table.get("references", ()):
            if value not in (None, "None"):
                found.overrides[name.removeprefix("override_")] = Path(str(value))
        else:
            _left_out(step, name, value, found.places)
    return found._replace(values=_fitting(step, found.values, others or {}))


def pipeline_places(parameters: Mapping[str, Any]) -> tuple[dict[str, str], bool | None]:
    """Return the directories and files that were given to the pipeline, and its save_results if given.

    Raises
    ------
    ParamError
        If a parameter is unknown.
    """
    places: dict[str, str] = {}
    save: bool | None = None
    for name, raw in parameters.items():
        value = _plain(raw)
        if name == "save_results":
            save = bool(StepParams.spec("save_results").from_text(str(value)))
        elif name == "skip":
            if _text(value) == "true":
                log.warning("skip = True: a whole run is not skipped; ignored")
        else:
            _left_out(PIPELINE, str(name), value, places)
    if places.pop("output_file", None) is not None:
        log.warning("output_file: a run's products are named after its association; ignored")
    return places, save


def without_effect(step: str) -> bool:
    """Return whether `step` is known, but does nothing in level 3 of the MRS; warn if it exists no longer."""
    gone = official()["without_effect"].get(step)
    if gone:
        log.warning("%s: this step exists no longer; ignored", step)
    return gone is not None


def to_official(step: str, params: StepParams) -> dict[str, Any]:
    """Return the parameters that the observatory's step has too, in its spelling; none if it has no such step."""
    table = official()["steps"][step]
    if table["ours"] == "all":
        return {}
    known: dict[str, Any] = {}
    for name, value in params.to_dict().items():
        if name in table["ours"]:
            continue
        if value is None:
            known[name] = table.get("not_given", {}).get(name)
        elif name in table.get("text", ()):
            known[name] = " ".join(str(part) for part in value)
        else:
            known[name] = value
    return known


def _current(step: str, name: str, specs: Mapping[str, ParamSpec]) -> str:
    new = official()["steps"][step].get("renamed", {}).get(name)
    if new is None or name in specs:
        return name
    log.warning("%s.%s is now called %s", step, name, new)
    return str(new)


def _left_out(step: str, name: str, value: Any, places: dict[str, str]) -> None:
    """Take note of a parameter without a meaning for the products' numbers, or refuse one that does not exist."""
    table = official()["steps"].get(step, {})
    unused = official()["universal"] | table.get("unused", {})
    if name not in unused:
        known = _names_of(step_types().get(step, StepParams), table)
        every = [*known, *unused]
        hint = nearest(name, every if get_close_matches(name, every, n=1) else known)
        owners = [
            other for other, kind in Spec3Params.steps().items() if name in _names_of(kind, official()["steps"][other])
        ]
        if step == PIPELINE and owners:
            hint = f"; did you mean 'steps.{owners[0]}.{name}'?"
        msg = f"{step}: unknown parameter {name!r}{hint}"
        raise ParamError(msg)
    if _text(value) == _text(unused[name]) or name == "input_dir":  # recorded by the observatory's, of its own input
        return
    if name in ("output_dir", "output_file"):
        places[name] = str(value)
    else:
        log.warning("%s.%s = %s: has no effect here; ignored", step, name, value)


def _names_of(kind: type[StepParams], table: Mapping[str, Any]) -> list[str]:
    return [*(spec.name for spec in kind.specs()), *(f"override_{ref}" for ref in table.get("references", ()))]


def _plain(value: Any) -> Any:
    """Return a value as plain Python: numpy's scalars and arrays, and tuples."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str):
        return str(value)
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _text(value: Any) -> str:
    """Return a value as text, the same for all ways to spell it."""
    if isinstance(value, list):
        return " ".join(map(_text, value)) or "none"
    try:
        return f"{float(value):g}" if not isinstance(value, bool) else str(value).lower()
    except (OverflowError, TypeError, ValueError):
        return str(value).strip().lower() or "none"


def _typed(step: str, spec: ParamSpec, value: Any) -> Any:
    """Return `value` as the parameter takes it, checked."""
    if spec.name in _ZERO_IS_NONE and _text(value) == "0":
        return None
    if spec.base is bool and isinstance(value, int | float) and value in (0, 1):
        value = bool(value)
    if spec.base is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if spec.base is str and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        value = ",".join(value)
    try:
        if isinstance(value, str) and not (spec.base is str and not spec.optional):
            checked = spec.from_text(value)
        else:
            checked = spec.from_plain(value)
    except ParamError as error:
        msg = f"{step}.{error}"
        raise ParamError(msg) from None
    return list(checked) if isinstance(checked, tuple) else checked


def _fitting(step: str, values: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` without those that the observatory's step would not look at."""
    fit: Callable[[dict[str, Any], Mapping[str, Any]], None] | None = _FIT.get(step)
    if fit is not None:
        fit(values, {**values, **others})
    return values


def _fit_outliers(values: dict[str, Any], all_values: Mapping[str, Any]) -> None:
    method = all_values.get("method")
    given = [name for name in _BY_NEIGHBOURS if name in values]
    if method is None and given:
        log.info("outlier_detection.method = 'neighbours', as %s is given", given[0])
        method = values["method"] = "neighbours"
    if method == "neighbours":
        for name in _BY_MODEL:
            default = list(step_types()["outlier_detection"].spec(name).default)
            if values.get(name, default) != default:
                del values[name]
                log.warning("outlier_detection.%s: has no effect on the MRS; ignored", name)


def _fit_cubes(values: dict[str, Any], all_values: Mapping[str, Any]) -> None:
    if any(index < 0 for index in values.get("debug_spaxel") or ()):
        values["debug_spaxel"] = None
    multi = all_values.get("output_type") == "multi"
    if multi and values.get("linear_wave"):
        values["linear_wave"] = None
    tabulated = multi or all_values.get("linear_wave") is False
    weighting = all_values.get("weighting", "drizzle")
    idle = (
        ("weight_power", weighting != "msm" or tabulated, "goes with weighting = 'msm' and equally spaced planes"),
        ("rois", weighting == "drizzle" or tabulated, "goes with weighting = 'emsm' or 'msm'"),
        ("roiw", weighting == "drizzle" or tabulated, "goes with weighting = 'emsm' or 'msm'"),
        ("scalew", tabulated, "goes with equally spaced planes"),
        ("cube_pa", all_values.get("coord_system") == "ifualign", "goes with coord_system = 'skyalign'"),
    )
    if idle[0][1] and values.get("weight_power") == _DEFAULT_POWER:
        values["weight_power"] = None
    _leave_out("cube_build", values, idle)


def _fit_spectra(values: dict[str, Any], all_values: Mapping[str, Any]) -> None:
    extended = all_values.get("ifu_set_srctype") == "EXTENDED" and all_values.get("extraction_region") is None
    names = ("center_xy", "ifu_rscale", "subtract_background")
    _leave_out("extract_1d", values, [(name, extended, "goes with a point source") for name in names])


def _fit_replaced(values: dict[str, Any], all_values: Mapping[str, Any]) -> None:
    other = all_values.get("algorithm") != "fit_profile"
    _leave_out("pixel_replace", values, [("n_adjacent_cols", other, "goes with algorithm = 'fit_profile'")])


def _fit_traces(values: dict[str, Any], all_values: Mapping[str, Any]) -> None:
    optimal = bool(all_values.get("psf_optimal"))
    names = ("fit_threshold", "slope_limit")
    _leave_out("adaptive_trace_model", values, [(name, optimal, "goes with psf_optimal = False") for name in names])


def _leave_out(step: str, values: dict[str, Any], idle: Iterable[tuple[str, bool, str]]) -> None:
    """Set what is idle to its default, and say so: name, whether it is idle, and why."""
    for name, is_idle, why in idle:
        default = step_types()[step].spec(name).default
        if is_idle and values.get(name, default) != default:
            log.warning("%s.%s = %s: has no effect: it %s; ignored", step, name, values[name], why)
            values[name] = default


_FIT = {
    "outlier_detection": _fit_outliers,
    "cube_build": _fit_cubes,
    "extract_1d": _fit_spectra,
    "pixel_replace": _fit_replaced,
    "adaptive_trace_model": _fit_traces,
}
