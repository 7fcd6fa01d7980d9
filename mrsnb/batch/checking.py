"""All that can be wrong with jobs, found before the first one runs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mrsnb.batch.jobs import Job, anchored, is_path, is_without, matches
from mrsnb.batch.reading import INPUTS
from mrsnb.batch.records import RECORD
from mrsnb.core.association import checked_name
from mrsnb.errors import InputError, MrsnbError, OutputError, ParamError, nearest
from mrsnb.io.places import address_of
from mrsnb.io.stores import is_there
from mrsnb.template_values import check_kinds
from mrsnb.templates import Template, template

OUTPUTS = {"output_dir": ".", "report_file": "report.html"}
"""The parameters that say where products go, and what they are in a job's own folder."""

LONGEST_NAME = 180
"""Bytes; what is written beside a job's folder has a longer name."""


def checked(jobs: Sequence[Job], output_dir: Path | None) -> list[Job]:
    """Return the jobs with all paths absolute; relative ones start at the current directory.

    What is in `output_dir` is not looked at if that is in a store (None).

    Raises
    ------
    ParamError
        If a template or parameter is unknown, or a value not allowed.
    InputError
        If a file is missing, or a name is not allowed or there twice.
    OutputError
        If something else is where a job's folder would be.
    """
    _names(jobs)
    found = cache(template)
    made = []
    for job in jobs:
        try:
            parameters = anchored(job.parameters, Path.cwd())
            _parameters(found(job.template), parameters)
            _steps(parameters, found(job.template))
            _associations(parameters)
            if output_dir is not None:
                _folder(output_dir / job.name)
        except MrsnbError as error:
            msg = f"job {job.name!r}: {error}"
            raise type(error)(msg) from None
        made.append(Job(job.name, job.template, parameters))
    return made


def _names(jobs: Sequence[Job]) -> None:
    if not jobs:
        msg = "there are no jobs"
        raise InputError(msg)
    seen: dict[str, str] = {}
    for job in jobs:
        checked_name(job.name, "name of a job")
        size = len(job.name.encode(errors="replace"))
        if job.name in ("report.html", "results.ecsv") or size > LONGEST_NAME:
            msg = f"name of a job = {job.name!r}: it cannot name a folder; choose one of up to {LONGEST_NAME} bytes"
            raise InputError(msg)
        if job.name.casefold() in seen:
            msg = f"two jobs are called {job.name!r}; give each a 'name' of its own"
            raise InputError(msg)
        seen[job.name.casefold()] = job.name


def _parameters(source: Template, parameters: Mapping[str, Any]) -> None:
    declared = {p.name: p for p in source.parameters}
    for name in parameters:
        if name not in declared:
            msg = f"template {source.name}: unknown parameter {name!r}{nearest(name, list(declared))}"
            raise ParamError(msg)
        if name in OUTPUTS:
            msg = f"{name} is not for jobs to choose: each has its own folder in --output-dir"
            raise ParamError(msg)
    check_kinds(source.name, source.parameters, parameters)
    for name, parameter in declared.items():
        needed = is_path(name) and name not in OUTPUTS and name not in parameters
        if needed and re.fullmatch(r"""["'].+["']""", parameter.default):
            msg = f"{name} is not given: {parameter.help}"
            raise ParamError(msg)
    for name, path in _files(parameters):
        address = address_of(path)
        if not is_without(path) and not (matches(path) if address is None else is_there(address)):
            msg = f"{name} = {path}: there is no such file"
            raise InputError(msg)


def _files(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the files that parameters name, those of steps as well."""
    for name, value in parameters.items():
        if is_path(str(name)):
            yield from ((name, text) for text in _texts(value))
        elif isinstance(value, Mapping):
            yield from _files(value)


def _steps(parameters: Mapping[str, Any], source: Template) -> None:
    """Check the parameters of steps, if the template runs the pipeline or a step with them."""
    declared = {p.name: p.default for p in source.parameters}
    _checked_step(source.name, json.dumps(parameters, sort_keys=True, default=str))
    if {"preset", "steps"} <= set(declared):
        preset = parameters.get("preset", declared["preset"].strip("\"'"))
        _checked_steps(preset, json.dumps(parameters.get("steps", {}), sort_keys=True, default=str))


@cache
def _checked_step(step: str, parameters: str) -> None:
    from mrsnb.pipeline import Spec3Params

    kind = Spec3Params.steps().get(step)
    if kind is not None:
        names = {spec.name for spec in kind.specs()}
        kind.from_dict({name: value for name, value in json.loads(parameters).items() if name in names})


@cache
def _checked_steps(preset: str, steps: str) -> None:
    from mrsnb.pipeline import Spec3Params

    Spec3Params.preset(preset).updated(json.loads(steps))


def _associations(parameters: Mapping[str, Any]) -> None:
    """Check that associations can be read, and that their members are there."""
    from mrsnb.io.association import read_association, stored_members

    for name in INPUTS:
        for path in _texts(parameters.get(name)):
            if (address := address_of(path)) is not None:
                stored_members(address)
            elif name == INPUTS[0] or path.endswith(".json"):
                read_association(path)


def _folder(folder: Path) -> None:
    if folder.exists() and not (folder / RECORD).is_file():
        msg = f"{folder}: is there already, and not from a batch; move it away or choose another --output-dir"
        raise OutputError(msg)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
