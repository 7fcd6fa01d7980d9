"""The cell of a template that declares its parameters: read, and written from the parameters of a step.

Run as ``python -m mrsnb.template_cells``, it brings the templates of a source tree up to date.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

from mrsnb.core.params import ParamSpec
from mrsnb.io.json_text import read_json
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.settings import AMONG_OTHERS, step_settings

TAG = "parameters"
_TYPE = re.compile(r"type:\s*(\S+)\s*")


@dataclass(frozen=True)
class TemplateParam:
    """One parameter of a template.

    Parameters
    ----------
    name, kind, default, help : str
        As the template's parameters cell states them; `default` as Python text.
    """

    name: str
    kind: str
    default: str
    help: str


def notebook_in(path: Path) -> dict[str, Any]:
    """Return a notebook as it is in its file."""
    content: dict[str, Any] = read_json(path.read_bytes())
    return content


def step_of(name: str) -> str | None:
    """Return the step that a template is of; None if it is of none."""
    return name if name in step_types() else None


def fresh(name: str, notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook of a template, the parameters of its step as they are declared now.

    Parameters
    ----------
    name : str
        Of the template.
    notebook : mapping
        As `notebook_in` reads it.
    """
    step = step_of(name)
    if step is None:
        return dict(notebook)
    cells = [
        cell | {"source": _lines(_written(step, "".join(cell["source"])))} if _declares(cell) else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def declared(notebook: Mapping[str, Any]) -> tuple[TemplateParam, ...]:
    """Return what the parameters cell of a notebook declares, as papermill understands it."""
    source = "".join("".join(cell["source"]) for cell in notebook["cells"] if _declares(cell))
    lines, found = source.splitlines(), []
    for statement in ast.parse(source).body:
        target: ast.expr
        if isinstance(statement, ast.AnnAssign):
            target, kind = statement.target, ast.unparse(statement.annotation)
        elif isinstance(statement, ast.Assign):
            target, kind = statement.targets[0], "None"
        else:
            continue
        if isinstance(target, ast.Name) and statement.value is not None:
            comment = lines[(statement.end_lineno or 1) - 1][statement.end_col_offset :].partition("#")[2].strip()
            told = _TYPE.match(comment)
            default = ast.get_source_segment(source, statement.value)
            help_text = comment if told is None else comment[told.end() :]
            found.append(TemplateParam(target.id, kind if told is None else told[1], str(default), help_text))
    return tuple(found)


def headline(notebook: Mapping[str, Any]) -> str:
    """Return the heading of a notebook."""
    first = next(("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"), "")
    return first.partition("\n")[0].lstrip("# ")


def _declares(cell: Mapping[str, Any]) -> bool:
    return TAG in cell["metadata"].get("tags", ())


def _written(step: str, source: str) -> str:
    """Return the source of a cell, what comes from the first mention of the step's parameters on written anew."""
    own = source.partition(_head(step))[0].rstrip()
    return "\n".join([own, *_step_lines(step)])


def _head(step: str) -> str:
    return f"# parameters of {step}"


def _step_lines(step: str) -> Iterator[str]:
    """Yield the lines that declare the parameters of a step: those that most people choose, and the others."""
    params = step_settings(step, preset="archive").params
    told = [spec for spec in params.specs() if spec.name not in AMONG_OTHERS]
    for is_advanced, head in ((False, _head(step)), (True, f"{_head(step)} that most people leave alone")):
        lines = [_line(spec, params.to_dict()[spec.name]) for spec in told if spec.advanced == is_advanced]
        if lines:
            yield from ("", head, *lines)


def _line(spec: ParamSpec, value: Any) -> str:
    """Return the line that declares a parameter; it has one ``=``, or papermill would not understand it."""
    kind = list if get_origin(spec.base) is tuple else type(spec.choices[0]) if spec.choices else spec.base
    remarks = "; ".join(
        part for part in (spec.unit or "", ", ".join(map(str, spec.choices or ())), _limits(spec)) if part
    )
    told = (f"[{remarks}] " if remarks else "") + spec.help.replace("=", "is")
    if value is None:
        return f"{spec.name} = None  # type: {kind.__name__} {told}"
    return f"{spec.name}: {kind.__name__} = {_literal(value)}  # {told}"


def _literal(value: Any) -> str:
    """Return a value as Python, text in double quotes."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _limits(spec: ParamSpec) -> str:
    if spec.low is None:
        return "" if spec.high is None else f"up to {spec.high:g}"
    return f"at least {spec.low:g}" if spec.high is None else f"{spec.low:g} to {spec.high:g}"


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def written(notebook: Mapping[str, Any]) -> str:
    """Return a notebook as the text of its file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _update() -> None:
    """Write the templates beside the sources anew where they are out of date."""
    for path in sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb")):
        text = written(fresh(path.stem, notebook_in(path)))
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"{path.name}: written anew")  # noqa: T201 (for whoever runs this)


if __name__ == "__main__":
    _update()
