"""Jobs: a template with parameters under a name; given a value more, or spread over several."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from glob import escape, has_magic
from itertools import product
from pathlib import Path
from typing import Any

from mrsnb.errors import InputError, ParamError, nearest
from mrsnb.io.places import address_of, below, home
from mrsnb.io.references import WITHOUT
from mrsnb.io.yaml_text import read_yaml
from mrsnb.template_cells import TemplateParam
from mrsnb.templates import Template

_IS_PATH = re.compile(r"(^|_)(files?|dirs?|folders?|paths?|references|overrides|backgrounds)(_[ab])?$")
_SUFFIXES = {".fits", ".json", ".asdf", ".yaml", ".toml", ".cfg", ".ecsv", ".reg"}


@dataclass(frozen=True)
class Job:
    """A template to run with parameters.

    Parameters
    ----------
    name : str
        Of its folder in the output directory.
    template : str
        One of `mrsnb.templates.names`.
    parameters : mapping
        Plain values: text, numbers, lists, dictionaries.

    Examples
    --------
    >>> Job("wide", "spec3_mrs", {"asn_file": "raw/star_lvl3_asn.json", "steps": {"cube_build": {"scalexy": 0.2}}}).name
    'wide'
    """

    name: str
    template: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Values that one parameter takes in turn.

    Parameters
    ----------
    parameter : str
        A template's parameter, or ``step.parameter``.
    values : tuple of str
        As typed.
    """

    parameter: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Sweep":
        """Return what ``parameter=value,value`` says; a semicolon separates values that hold commas.

        Examples
        --------
        >>> Sweep.parse("cube_build.scalexy=0.1,0.13").values
        ('0.1', '0.13')
        >>> Sweep.parse("outlier_detection.kernel_size=7,7;9,9").values
        ('7,7', '9,9')
        """
        name, equals, values = text.partition("=")
        found = tuple(value.strip() for value in values.split(";" if ";" in values else ",") if value.strip())
        if not equals or not name.strip() or not found:
            msg = f"--sweep {text!r}: must be PARAMETER=VALUE,VALUE as in cube_build.scalexy=0.1,0.13"
            raise ParamError(msg)
        twice = {value for value in found if found.count(value) > 1}
        if twice:
            msg = f"--sweep {text!r}: {min(twice)} is there twice; give each value once"
            raise ParamError(msg)
        return cls(name.strip(), found)


def with_given(jobs: Iterable[Job], given: Sequence[tuple[str, str]], template: Template) -> list[Job]:
    """Return the jobs with parameters that are `given` as text for all; relative paths start at the current directory.

    Raises
    ------
    ParamError
        If a parameter or a value is not allowed.
    """
    made = list(jobs)
    for name, text in given:
        keys, value = placed(template, name, text)
        absolute = anchored({keys[-1]: value}, Path.cwd())[keys[-1]]
        made = [replace(job, parameters=put(job.parameters, keys, absolute)) for job in made]
    return made


def spread(jobs: Iterable[Job], sweeps: Sequence[Sweep], template: Template) -> list[Job]:
    """Return each job with every combination of the values of `sweeps`, named after them.

    Raises
    ------
    ParamError
        If a parameter or a value is not allowed.
    """
    names = [sweep.parameter for sweep in sweeps]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        msg = f"--sweep {min(twice)}: given twice; give all its values in one"
        raise ParamError(msg)
    made = []
    for job in jobs:
        for values in product(*(sweep.values for sweep in sweeps)):
            parameters, name = job.parameters, job.name
            for parameter, value in zip(names, values, strict=True):
                parameters = put(parameters, *placed(template, parameter, value))
                name += f"_{parameter.rpartition('.')[2]}-{re.sub(r'[^A-Za-z0-9.+-]+', '-', value)}"
            made.append(replace(job, name=name, parameters=parameters))
    return made


def put(parameters: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a copy of nested `parameters` with a value replaced.

    Examples
    --------
    >>> put({"steps": {"a": {"x": 1}}}, ["steps", "a", "y"], 2)
    {'steps': {'a': {'x': 1, 'y': 2}}}
    """
    first, *rest = keys
    if not rest:
        return {**parameters, first: value}
    inner = parameters.get(first)
    return {**parameters, first: put(inner if isinstance(inner, Mapping) else {}, rest, value)}


def placed(template: Template, name: str, value: Any) -> tuple[tuple[str, ...], Any]:
    """Return where the parameter called `name` stands among a template's, and its value: text gets its type.

    A step's parameter may be named with its step, and without ``steps`` before that.

    Raises
    ------
    ParamError
        If the template does not take it.
    """
    declared = {p.name: p for p in template.parameters}
    keys = tuple(name.split("."))
    if keys[0] == template.name and keys[1:]:
        keys = keys[1:]
    elif len(keys) > 1 and keys[0] not in declared and "steps" in declared:
        keys = ("steps", *keys)
    if keys[0] not in declared:
        msg = f"template {template.name}: unknown parameter {name!r}{nearest(keys[0], list(declared))}"
        raise ParamError(msg)
    if not isinstance(value, str):
        return keys, value
    return keys, _of_step(keys, value) if len(keys) > 1 else _typed(declared[keys[0]], value)


def anchored(parameters: Mapping[str, Any], base: Path | str) -> dict[str, Any]:
    """Return `parameters` with the paths in them made absolute; relative ones start at `base`, a path or an address."""
    return {name: _anchored(value, base, is_path(name)) for name, value in parameters.items()}


def is_path(name: str) -> bool:
    """Return whether a parameter of this name is a path: ``asn_file``, ``output_dir`` and the like."""
    return bool(_IS_PATH.search(name)) or name in _files_of_steps()


@cache
def _files_of_steps() -> frozenset[str]:
    from mrsnb.pipeline import Spec3Params

    return frozenset(spec.name for step in Spec3Params.steps().values() for spec in step.specs() if spec.file)


def is_without(text: str) -> bool:
    """Return whether `text` says that there is to be no file."""
    return text.strip().lower() in WITHOUT


def _anchored(value: Any, base: Path | str, certain: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _anchored(item, base, certain or is_path(str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_anchored(item, base, certain) for item in value]
    if isinstance(value, Path):
        value, certain = str(value), True
    if not isinstance(value, str) or not value.strip() or "\0" in value or is_without(value):
        return value
    if (address := address_of(value)) is not None:
        return address
    if isinstance(base, str):
        return below(base, value) if certain and not Path(value).is_absolute() else value
    told = home(value) if certain else _expanded(value)
    place = base.absolute() / told
    if has_magic(value) and matches(str(place)) != [place]:
        place = Path(escape(str(base.absolute()))) / told
    looks = certain or "/" in value or place.suffix.lower() in _SUFFIXES
    return str(place) if looks and (certain or matches(str(place))) else value


def _expanded(path: str) -> Path:
    try:
        return home(path)
    except InputError:  # "~name" of nobody who is known here
        return Path(path)


def matches(path: str) -> list[Path]:
    """Return the files that a path names; several if it is a pattern such as ``in/*_cal.fits``.

    Parameters
    ----------
    path : str
        Absolute.
    """
    place = Path(path)
    try:
        if place.exists():
            return [place]
        return sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor)))) if has_magic(path) else []
    except (OSError, ValueError):  # of names that are too long, and patterns such as "**x"
        return []


def _of_step(keys: Sequence[str], text: str) -> Any:
    """Return the value that `text` stands for, of ``steps.step.parameter`` or of any dictionary."""
    from mrsnb.pipeline import Spec3Params

    steps = Spec3Params.steps()
    if keys[-2] not in steps:
        return _yaml(".".join(keys), text)
    try:
        value = steps[keys[-2]].spec(keys[-1]).from_text(text)
    except ParamError as error:
        msg = f"{keys[-2]}: {error}"
        raise ParamError(msg) from None
    return _plain(value)


def _typed(parameter: TemplateParam, text: str) -> Any:
    if parameter.default == "None" and text.strip().lower() in ("none", "null"):
        return None
    plain = text.strip()
    try:
        match parameter.kind:
            case "int":
                return int(plain)
            case "float":
                return float(plain)
            case "list" if not plain.startswith("["):
                return _yaml(parameter.name, f"[{plain}]")
            case kind if "str" in kind.split("|") and not ("list" in kind and plain.startswith("[")):
                return text
    except ValueError:
        msg = f"{parameter.name} = {text!r}: must be {parameter.kind}"
        raise ParamError(msg) from None
    return _yaml(parameter.name, text)


def _yaml(name: str, text: str) -> Any:
    try:
        return read_yaml(text)
    except ValueError:
        msg = f"{name} = {text!r}: not YAML; write it as {{channel: '1'}} or [1, 2]"
        raise ParamError(msg) from None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
