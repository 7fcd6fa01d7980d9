"""Lists of jobs: CSV, YAML, or the associations in a directory."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mrsnb.batch.jobs import Job, anchored, placed, put
from mrsnb.errors import InputError, ParamError
from mrsnb.io.manifest import MANIFEST
from mrsnb.io.places import address_of, below, home
from mrsnb.io.storage import local
from mrsnb.io.stores import listed
from mrsnb.io.yaml_text import read_yaml
from mrsnb.templates import Template

INPUTS = ("asn_file", "files")
"""The parameters that take an association: the first that a template has."""

Rows = Iterable[tuple[str, Mapping[str, Any]]]
"""Where it stands, for messages, and what it says."""


def read_jobs(path: Path | str, template: Template) -> list[Job]:
    """Return the jobs that a list names, paths in them made absolute.

    Parameters
    ----------
    path : Path or str
        CSV (a column ``name`` and a column each parameter), YAML (a list of such mappings, or name to parameters), an
        association, or a directory of associations. Paths in a list are relative to it. It may be in a store:
        ``s3://bucket/jobs.csv``.
    template : Template
        What takes the parameters. A step's is called ``cube_build.scalexy``.

    Raises
    ------
    InputError
        If it cannot be read, or there is no job in it.
    ParamError
        If a parameter is unknown, or a value is not of its type.
    """
    address = address_of(path)
    if address is not None:
        return _stored(address, template)
    path = home(path)
    rows = _directory(path, template) if path.is_dir() else _listed(path, path, template)
    return _jobs(path, rows, template, path.parent if path.is_file() else path)


def _stored(address: str, template: Template) -> list[Job]:
    """Return the jobs of a list, an association or a folder of them in a store."""
    if PurePosixPath(address).suffix.lower() in {".csv", ".yaml", ".yml", ".json"}:
        return _jobs(address, _listed(local(address), address, template), template, address.rpartition("/")[0])
    names = [n for n in listed(address) if n.endswith(".json") and "/" not in n and n != MANIFEST]
    files = [name for name in names if name.endswith("_asn.json")] or names
    return _jobs(address, [(below(address, name), {_input(template): name}) for name in files], template, address)


def _jobs(place: Path | str, rows: Rows, template: Template, base: Path | str) -> list[Job]:
    jobs = [_job(where, row, template, base) for where, row in rows]
    if not jobs:
        msg = f"{place}: there is no job in it"
        raise InputError(msg)
    return jobs


def _listed(path: Path, place: Path | str, template: Template) -> Rows:
    """Return what the list in a file says; `place` is where it comes from."""
    match path.suffix.lower():
        case ".csv":
            return _csv(path)
        case ".yaml" | ".yml":
            return _yaml(path)
        case ".json":
            return [(str(place), {_input(template): path.name})]
    allowed = ".csv, .yaml, an association (.json), a directory of associations"
    msg = f"{place}: no list of jobs; allowed: {allowed}"
    raise InputError(msg)


def _job(where: str, row: Mapping[str, Any], template: Template, base: Path | str) -> Job:
    parameters: dict[str, Any] = {}
    try:
        for name, value in row.items():
            if name != "name":
                parameters = put(parameters, *placed(template, name, value))
    except ParamError as error:
        msg = f"{where}: {error}"
        raise ParamError(msg) from None
    name = str(row.get("name", ""))
    if not name:
        path = next((parameters[key] for key in INPUTS if key in parameters), None)
        if not isinstance(path, str):
            msg = f"{where}: it has no name, nor an {INPUTS[0]} to be named after; give it a 'name'"
            raise InputError(msg)
        name = Path(path).stem.removesuffix("_asn")
    return Job(name, template.name, anchored(parameters, base))


def _csv(path: Path) -> Rows:
    lines = csv.reader(io.StringIO(_text(path), newline=""), skipinitialspace=True)
    try:
        head = [cell.strip() for cell in next(lines, [])]
        wrong = [name for name in head if not name or head.count(name) > 1]
        if not head or wrong:
            msg = f"{path}: its first line must name the columns, each once: name, {INPUTS[0]}, cube_build.scalexy"
            raise InputError(msg)
        for cells in lines:
            where = f"{path}, line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                msg = f"{where}: {len(cells)} cells; there are {len(head)} columns"
                raise InputError(msg)
            yield where, {name: cell.strip() for name, cell in zip(head, cells, strict=True) if cell.strip()}
    except csv.Error as error:
        msg = f"{path}: not CSV: {error}"
        raise InputError(msg) from None


def _yaml(path: Path) -> Rows:
    try:
        content = read_yaml(_text(path))
    except ValueError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from None
    if isinstance(content, Mapping):
        content = [
            {"name": name, **(row if isinstance(row, Mapping) else {"?": row} if row is not None else {})}
            for name, row in content.items()
        ]
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        msg = f"{path}: must be a list of mappings of parameters to values, or names of jobs to such mappings"
        raise InputError(msg)
    for number, row in enumerate(content, start=1):
        yield f"{path}, job {number}", {str(name): value for name, value in row.items()}


def _directory(path: Path, template: Template) -> Rows:
    files = sorted(path.glob("*_asn.json")) or sorted(p for p in path.glob("*.json") if p.name != MANIFEST)
    if not files:
        msg = f"{path}: there is no association (*_asn.json) in it"
        raise InputError(msg)
    for file in files:
        yield str(file), {_input(template): file.name}


def _input(template: Template) -> str:
    """Return the parameter of a template that takes an association.

    Raises
    ------
    InputError
        If it has none.
    """
    declared = {p.name for p in template.parameters}
    for name in INPUTS:
        if name in declared:
            return name
    msg = f"template {template.name}: it takes no association; list its jobs as CSV or YAML"
    raise InputError(msg)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{path}: not a text file"
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
    raise InputError(msg)
