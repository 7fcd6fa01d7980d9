"""Read a configuration file."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrsnb.errors import InputError, nearest
from mrsnb.io.config.ini import parse_ini
from mrsnb.io.config.value import Config
from mrsnb.io.places import home

_KEYS = ("class", "name", "parameters", "steps")
_NAMES = re.compile(r"""[\w.'"\t -]+""")
_MOST_BYTES = 1_000_000
_MOST_DOTS = 100
"""In a row of names, as ``[steps.cube_build]``; memory grows with their square."""


def read_config(path: Path | str) -> Config:
    """Return what a configuration file says.

    Parameters
    ----------
    path : Path or str
        A YAML or TOML file with ``steps`` (parameters of each step) and ``parameters`` (of the pipeline, or of the one
        step that ``class`` names); or one of the observatory's parameter files, ASDF or .cfg; one of the pipeline
        needs no ``class``. A step with
        ``config_file`` takes the parameters in that file, named relative to this one, under its own.

    Raises
    ------
    InputError
        If the file is missing or not laid out like that.
    """
    path = home(path)
    config = _as_written(path)
    steps, ours = (with_step_files(values, path.parent) for values in (config.steps, config.ours))
    return replace(config, steps=steps, ours=ours)


def with_step_files(steps: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    """Return the parameters of each step; those in the ``config_file`` of a step come under its own.

    Parameters
    ----------
    steps : mapping of str to mapping
        Step to parameters.
    folder : Path
        Where names of files start from.

    Raises
    ------
    InputError
        If such a file cannot be read, or is not of one step.
    """
    found: dict[str, dict[str, Any]] = {}
    for step, given in steps.items():
        told = _mapping(given, str(step))
        values = {str(name): value for name, value in told.items() if name not in ("config_file", "name")}
        other = told.get("config_file")
        if other not in (None, "", "None"):
            below = _as_written(folder / str(other))
            if below.steps or set(below.ours) - {step}:
                msg = f"{below.path}: named for {step}, but it has parameters of other steps"
                raise InputError(msg)
            under = {} if below.class_name is None else {"class": below.class_name}
            values = {**under, **below.parameters, **below.ours.get(step, {}), **values}
        found[step] = values
    return found


def _as_written(path: Path) -> Config:
    """Return what a file says, without the files that it names."""
    content, suffix = _content(path)
    if suffix not in _PARSERS:
        msg = f"{path}: unknown kind of configuration file {suffix!r}; allowed: {', '.join(_PARSERS)}"
        raise InputError(msg)
    try:
        tree = _PARSERS[suffix](content)
        config = _official(tree) if suffix in (".asdf", ".cfg") else _ours(tree)
    except (InputError, ValueError) as error:
        msg = f"{path}: {' '.join(str(error).split())}"
        raise InputError(msg) from None
    return replace(config, path=path)


def _content(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a file, and which kind it is."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(msg) from None
    if len(content) > _MOST_BYTES:
        msg = f"{path}: more than {_MOST_BYTES} bytes; a configuration file is a short text, is this one?"
        raise InputError(msg)
    return content, ".asdf" if content.startswith(b"#ASDF") else path.suffix.lower()


def _official(tree: dict[str, Any]) -> Config:
    """Return what the observatory's layout says."""
    parameters = _mapping(tree.get("parameters", {}), "parameters")
    if "class" not in tree and "class" in parameters:  # as older versions wrote it
        tree = parameters
        parameters = {name: value for name, value in tree.items() if name not in _KEYS}
    if not {"class", "steps"} & set(tree):
        msg = "it names no 'class', as a parameter file does"
        raise ValueError(msg)
    steps = tree.get("steps", {})
    if isinstance(steps, list):
        steps = {_name_of(step): _mapping(step.get("parameters", {}), "parameters") for step in steps}
    extra = _mapping(tree.get("mrsnb", {}), "mrsnb")
    return Config(
        class_name=_text_or_none(tree.get("class")),
        name=_text_or_none(tree.get("name")),
        parameters=parameters,
        steps=_sections(steps, "steps"),
        ours=_sections(extra.get("steps", {}), "mrsnb.steps"),
    )


def _ours(tree: dict[str, Any]) -> Config:
    """Return what our layout says."""
    for key in tree:
        if key not in _KEYS:
            hint = nearest(str(key), list(_KEYS))
            msg = f"unknown key {key!r}{hint} (parameters of a step go under 'steps')"
            raise ValueError(msg)
    return Config(
        class_name=_text_or_none(tree.get("class")),
        name=_text_or_none(tree.get("name")),
        parameters=_mapping(tree.get("parameters", {}), "parameters"),
        ours=_sections(tree.get("steps", {}), "steps"),
    )


def _sections(value: Any, what: str) -> dict[str, dict[str, Any]]:
    return {str(step): _mapping(given, f"{what}.{step}") for step, given in _mapping(value, what).items()}


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        msg = f"{what} = {value!r}: must be a mapping of names to values"
        raise InputError(msg)
    return dict(value)


def _name_of(step: Any) -> str:
    if not isinstance(step, dict) or not isinstance(step.get("name"), str):
        msg = "a step without 'name'"
        raise InputError(msg)
    return str(step["name"])


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _parse_yaml(content: bytes) -> dict[str, Any]:
    from mrsnb.io.yaml_text import read_yaml

    return _mapping(read_yaml(content.decode("utf-8-sig")), "the file")


def _parse_toml(content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8-sig")
    try:
        if max((names.count(".") for names in _NAMES.findall(text)), default=0) <= _MOST_DOTS:
            return tomllib.loads(text)
    except RecursionError:
        pass
    msg = "nested too deep"
    raise ValueError(msg)


def _parse_asdf(content: bytes) -> dict[str, Any]:
    from mrsnb.io.asdf_tree import read_tree

    return dict(read_tree(content).tree)


def _parse_cfg(content: bytes) -> dict[str, Any]:
    tree = parse_ini(content.decode("utf-8-sig"))
    values = {name: value for name, value in tree.items() if name not in _KEYS}
    return {**{key: tree[key] for key in ("class", "name", "steps") if key in tree}, "parameters": values}


_PARSERS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".toml": _parse_toml,
    ".asdf": _parse_asdf,
    ".cfg": _parse_cfg,
}
