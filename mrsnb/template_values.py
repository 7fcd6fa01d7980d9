"""What a notebook was told: the variables of its parameters cell, checked before anything is computed.

papermill takes whatever it is given: text that looks like a number as a number, and names that nobody knows.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import ParamError, nearest
from mrsnb.template_cells import TemplateParam, step_of
from mrsnb.templates import template

_INJECTED = "# Parameters\n"
"""Begins the cell that papermill adds after the one that declares the parameters."""
_KINDS = {"str": str, "int": int, "float": float, "bool": bool, "dict": dict, "list": list}
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "dict": "a mapping",
    "list": "a list",
}


@dataclass(frozen=True)
class Given(Shown):
    """The parameters of a notebook, as it runs.

    Parameters
    ----------
    name : str
        Of the template.
    values : dict
        By name.
    declared : tuple of TemplateParam
        What the template says of them.
    """

    name: str
    values: dict[str, Any]
    declared: tuple[TemplateParam, ...]

    @property
    def title(self) -> str:
        """What it is."""
        return f"Parameters of {self.name}"

    def changed(self) -> dict[str, Any]:
        """Return the values that are not those that the template has."""
        usual = {p.name: p.default for p in self.declared}
        return {
            name: value for name, value in self.values.items() if name not in usual or value != _literal(usual[name])
        }

    def rows(self) -> list[Row]:
        """Return the values that were given."""
        told = [Row(name, str(value)) for name, value in self.changed().items()]
        return told or [Row("given", "nothing", note="all values are those of the template")]

    def sections(self) -> list[Section]:
        """Return all values as a table."""
        changed = self.changed()
        rows = [
            (p.name, str(self.values[p.name]), "given" if p.name in changed else "", p.help)
            for p in self.declared
            if p.name in self.values
        ]
        return [Section("All parameters", Table(("parameter", "value", "", "meaning"), rows))]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def checked(name: str, variables: Mapping[str, Any]) -> Given:
    """Return the parameters of a template among the variables of a notebook, names and types checked.

    Parameters
    ----------
    name : str
        Of the template.
    variables : mapping
        ``vars()`` of the notebook.

    Raises
    ------
    ParamError
        If papermill was given a name that the template does not have, or a value is of another type; parameters of a
        step are left to the step.

    Examples
    --------
    >>> checked("compare_runs", {"dir_a": "one", "dir_b": "two", "rtol": 1e-5}).values["dir_b"]
    'two'
    """
    declared = template(name).parameters
    _refuse_unknown(name, [p.name for p in declared], variables)
    check_kinds(name, declared, variables, _remedy)
    return Given(name, {p.name: variables[p.name] for p in declared if p.name in variables}, declared)


def check_kinds(
    name: str,
    declared: tuple[TemplateParam, ...],
    values: Mapping[str, Any],
    remedy: Callable[[TemplateParam, Any], str] = lambda *_: "",
) -> None:
    """Refuse values of another type than a template declares; parameters of its step are left to the step.

    Parameters
    ----------
    name : str
        Of the template.
    declared : tuple of TemplateParam
        Its parameters.
    values : mapping
        By name; others are passed over.
    remedy : callable
        Given a parameter and its wrong value, returns what to do, for the end of the message.

    Raises
    ------
    ParamError
        If a value is of another type.
    """
    for parameter in _without_step(name, declared):
        if parameter.name in values and (wrong := _wrong(parameter, values[parameter.name])) is not None:
            value = values[parameter.name]
            msg = f"{parameter.name} = {value!r}: must be {wrong}{remedy(parameter, value)}"
            raise ParamError(msg)


def _without_step(name: str, declared: tuple[TemplateParam, ...]) -> tuple[TemplateParam, ...]:
    from mrsnb.pipeline.official import step_types

    step = step_of(name)
    names = set() if step is None else {spec.name for spec in step_types()[step].specs()}
    return tuple(p for p in declared if p.name not in names)


def _refuse_unknown(name: str, known: list[str], variables: Mapping[str, Any]) -> None:
    """Refuse what papermill was given and nobody knows; a cell that the user wrote may declare more."""
    before: set[str] = set()
    for source in variables.get("In", ()):
        names = _assigned(source)
        if source.startswith(_INJECTED):
            for given in names:
                if given not in known and given not in before:
                    msg = f"{name}: unknown parameter {given!r}{nearest(given, known)}"
                    raise ParamError(msg)
        before |= set(names)


def _assigned(source: str) -> list[str]:
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # with magics of IPython
        return []
    targets: list[ast.expr] = [s.target for s in statements if isinstance(s, ast.AnnAssign)]
    targets += [target for s in statements if isinstance(s, ast.Assign) for target in s.targets]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _wrong(parameter: TemplateParam, value: Any) -> str | None:
    """Return what a value must be, in words; None if it is."""
    kinds, optional = _kinds(parameter), parameter.default == "None"
    if not kinds or (value is None and optional):
        return None
    wanted = tuple(_KINDS[kind] for kind in kinds)
    if isinstance(value, wanted) and (not isinstance(value, bool) or bool in wanted):
        return None
    if _is_number(value) and float in wanted:
        return None
    return " or ".join(_WORDS[kind] for kind in kinds) + (" or None" if optional else "")


def _remedy(parameter: TemplateParam, value: Any) -> str:
    """Return how papermill is told what it took for something else."""
    kinds = _kinds(parameter)
    if _is_number(value) and "str" in kinds:
        return f"; papermill takes it for a number: say -r {parameter.name} {value}"
    if isinstance(value, str) and {"dict", "list"} & {*kinds}:
        return f"; with papermill say -y '{parameter.name}: ...'"
    return ""


def _kinds(parameter: TemplateParam) -> list[str]:
    return [kind for kind in parameter.kind.split("|") if kind in _KINDS]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
