"""Write a configuration file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mrsnb.errors import OutputError
from mrsnb.io.asdf_extension import KEY, asdf_head
from mrsnb.io.atomic import write_bytes
from mrsnb.io.config.value import Config, merged
from mrsnb.io.places import home


def write_config(path: Path | str, config: Config, classes: Mapping[str, str] | None = None) -> None:
    """Write a configuration file, of the kind that the name's suffix tells; `read_config` reads it.

    Parameters
    ----------
    path : Path or str
        Ends in one of `WRITTEN`.
    config : Config
        What to write. The observatory's pipeline reads an ASDF file as well, and leaves out what is `ours`.
    classes : mapping of str to str, optional
        Class of each step, for ASDF.

    Raises
    ------
    OutputError
        If the suffix is another, or the file cannot be written.
    """
    path = home(path)
    if path.suffix.lower() not in WRITTEN:
        msg = f"{path}: a configuration file ends in {', '.join(WRITTEN)}"
        raise OutputError(msg)
    write_bytes(path, config_text(config, path.suffix.lower(), classes).encode("utf-8"))


def config_text(config: Config, suffix: str, classes: Mapping[str, str] | None = None) -> str:
    """Return the text of a configuration file of the kind `suffix`, one of `WRITTEN`."""
    return _WRITERS[suffix](config, classes or {})


def _tree(config: Config) -> dict[str, Any]:
    steps = merged(config.steps, config.ours)
    known = {"class": config.class_name, "name": config.name}
    tree: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    if config.parameters:
        tree["parameters"] = dict(config.parameters)
    return {**tree, "steps": steps} if steps else tree


def _yaml(tree: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True))


def _yaml_text(config: Config, _classes: Mapping[str, str]) -> str:
    return _yaml(_tree(config))


def _asdf_text(config: Config, classes: Mapping[str, str]) -> str:
    tree: dict[str, Any] = {"class": config.class_name, "name": config.name, "parameters": dict(config.parameters)}
    if config.steps:
        tree["steps"] = [
            {"class": classes[step], "name": step, "parameters": dict(values)} for step, values in config.steps.items()
        ]
    if config.ours:
        tree[KEY] = {"steps": {step: dict(values) for step, values in config.ours.items()}}
    return f"{asdf_head()}{_yaml(tree)}...\n"


def _toml_text(config: Config, _classes: Mapping[str, str]) -> str:
    tree = _tree(config)
    lines = [f"{key} = {_toml(tree[key])}\n" for key in ("class", "name") if key in tree]
    sections = {"parameters": tree["parameters"]} if "parameters" in tree else {}
    sections |= {f"steps.{_toml_key(step)}": values for step, values in tree.get("steps", {}).items()}
    for name, values in sections.items():
        lines += [f"\n[{name}]\n", *(f"{_toml_key(key)} = {_toml(value)}\n" for key, value in values.items())]
    return "".join(lines).lstrip("\n")


def _toml_key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; TOML has no None, so that is the text "none"."""
    if value is None:
        return '"none"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower() if isinstance(value, bool) else repr(value)


_WRITERS: dict[str, Callable[[Config, Mapping[str, str]], str]] = {
    ".yaml": _yaml_text,
    ".yml": _yaml_text,
    ".toml": _toml_text,
    ".asdf": _asdf_text,
}

WRITTEN = tuple(_WRITERS)
"""Suffixes of the files that can be written."""
