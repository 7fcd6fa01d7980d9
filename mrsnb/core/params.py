"""Parameters declared once: checks, text and dictionary forms, and all that forms, options and help need to know."""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from math import isfinite
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from mrsnb.display import Row, Section, Shown, Table
from mrsnb.errors import ParamError, nearest

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value and what would be right, or None."""

_NONE = ("none", "null", "")


def param(
    default: Any,
    help: str,  # noqa: A002
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    check: Check | None = None,
    advanced: bool = False,
    file: bool = False,
) -> Any:
    """Declare a field of a `Params` class.

    Parameters
    ----------
    default : object
        Value when not given; immutable.
    help : str
        One sentence for a person choosing the value.
    unit : str, optional
        Unit of the value, as shown beside it.
    low, high : float, optional
        Smallest and largest allowed number, inclusive.
    check : callable, optional
        Called with a value of the right type; returns what is wrong with it, or None.
    advanced : bool
        True for a parameter that most people never change.
    file : bool
        True if the value names a file that is read.
    """
    meta = {"help": help, "unit": unit, "low": low, "high": high, "check": check, "advanced": advanced, "file": file}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class ParamSpec:
    """All there is to know about one parameter."""

    name: str
    type: Any
    default: Any
    help: str
    unit: str | None
    low: float | None
    high: float | None
    check: Check | None
    advanced: bool
    file: bool

    @property
    def optional(self) -> bool:
        """True if None is allowed."""
        return type(None) in get_args(self.type)

    @property
    def base(self) -> Any:
        """The type without None."""
        rest = [t for t in get_args(self.type) if t is not type(None)] if _is_union(self.type) else [self.type]
        return rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """The allowed values of a ``Literal``, or None."""
        return get_args(self.base) if get_origin(self.base) is Literal else None

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        text = _in_words(self.base)
        if self.low is not None and self.high is not None:
            text += f" from {self.low:g} to {self.high:g}"
        elif self.low is not None:
            text += f" >= {self.low:g}"
        elif self.high is not None:
            text += f" <= {self.high:g}"
        return text + (f" ({self.unit})" if self.unit else "") + (" or None" if self.optional else "")

    def checked(self, value: Any) -> Any:
        """Return `value`, ints made floats where a float is wanted.

        Raises
        ------
        ParamError
            If the type or the value is not allowed.
        """
        if value is None and self.optional:
            return None
        try:
            value = _cast(value, self.base)
        except (TypeError, OverflowError):
            raise ParamError(self._complaint(value)) from None
        if isinstance(value, str) and self._is_none(value):  # else a file or command line could not say it
            raise ParamError(self._complaint(value))
        for number in _flat(value):
            if isinstance(number, float) and not isfinite(number):
                raise ParamError(self._complaint(value))
            if isinstance(number, int | float) and not isinstance(number, bool):
                too_low = self.low is not None and number < self.low
                if too_low or (self.high is not None and number > self.high):
                    raise ParamError(self._complaint(value))
        wrong = self.check(value) if self.check else None
        if wrong:
            msg = f"{self.name} = {value!r}: {wrong}"
            raise ParamError(msg)
        return value

    def from_plain(self, value: Any) -> Any:
        """Return the value that a YAML, JSON or papermill `value` stands for.

        A list is a tuple, and so is text such as ``"7 7"`` where a tuple is wanted; 2 is choice ``"2"``; the text
        ``"none"`` is None where that is allowed.
        """
        if isinstance(value, str) and (get_origin(self.base) is tuple or self._is_none(value)):
            return self.from_text(value)
        if isinstance(value, list):
            value = _tuples(value)
        if self.choices and value not in self.choices and str(value) in self.choices and not isinstance(value, bool):
            value = str(value)
        return self.checked(value)

    def from_text(self, text: str) -> Any:
        """Return the value that `text`, as typed at a command line or in a form, stands for."""
        if self._is_none(text):
            return None
        try:
            value = _parse(text if self.base is str else text.strip(), self.base)
        except ValueError:
            raise ParamError(self._complaint(text)) from None
        return self.checked(value)

    def to_text(self, value: Any) -> str:
        """Return the text that `from_text` turns into `value`.

        Examples
        --------
        >>> from mrsnb.steps.outlier_detection import OutlierDetectionParams
        >>> OutlierDetectionParams.spec("kernel_size").to_text((3, 5))
        '3,5'
        """
        return "none" if value is None else _text(value)

    def _is_none(self, text: str) -> bool:
        return self.optional and text.strip().lower() in _NONE

    def _complaint(self, value: Any) -> str:
        found = f"{self.name} = {value!r}"
        if self.choices:
            return f"{found}: not allowed{nearest(str(value), [str(c) for c in self.choices])}"
        return f"{found}: must be {self.allowed}"


@dataclass(frozen=True, kw_only=True)
class Params(Shown):
    """Base of every step's parameters: frozen, checked when made, equal when their values are equal."""

    def __post_init__(self) -> None:
        for spec in self.specs():
            object.__setattr__(self, spec.name, spec.checked(getattr(self, spec.name)))

    @classmethod
    def specs(cls) -> tuple[ParamSpec, ...]:
        """Return what is known of each parameter, in order of declaration."""
        return _specs(cls)  # type: ignore[arg-type]

    @classmethod
    def spec(cls, name: str) -> ParamSpec:
        """Return what is known of the parameter called `name`."""
        for spec in cls.specs():
            if spec.name == name:
                return spec
        msg = f"unknown parameter {name!r}{nearest(name, [s.name for s in cls.specs()])}"
        raise ParamError(msg)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return parameters from a plain dictionary; names not given keep their defaults."""
        return cls().updated(values)

    def updated(self, values: Mapping[str, Any]) -> Self:
        """Return a copy with some values replaced, given as plain values (YAML, JSON, papermill)."""
        return replace(self, **{name: self.spec(str(name)).from_plain(value) for name, value in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python (tuples as lists), fit for YAML or JSON."""
        return {spec.name: _lists(getattr(self, spec.name)) for spec in self.specs()}

    def changed(self) -> dict[str, Any]:
        """Return only the values that differ from the defaults, as in `to_dict`."""
        default = {spec.name: spec.default for spec in self.specs()}
        return {name: value for name, value in self.to_dict().items() if getattr(self, name) != default[name]}

    @property
    def title(self) -> str:
        """Name of the class."""
        return type(self).__name__

    def rows(self) -> list[Row]:
        """Return the values that differ from the defaults."""
        return self.changed_rows() or [Row("changed", "nothing", note="all values are the defaults")]

    def changed_rows(self) -> list[Row]:
        """Return the values that differ from the defaults; none if none does."""
        specs = (self.spec(name) for name in self.changed())
        return [
            Row(spec.name, str(getattr(self, spec.name)), spec.unit or "", f"changed from {spec.default}")
            for spec in specs
        ]

    def sections(self) -> list[Section]:
        """Return all values as tables: those that most people choose, and the others."""
        tables = (("Basic", self.table(advanced=False), True), ("Advanced", self.table(advanced=True), False))
        return [Section(title, table, open=is_open) for title, table, is_open in tables if table.rows]

    def table(self, *, advanced: bool) -> Table:
        """Return one row a parameter, those that differ from their defaults first."""
        changed = self.changed()
        specs = sorted((s for s in self.specs() if s.advanced == advanced), key=lambda spec: spec.name not in changed)
        rows = [
            (s.name, str(getattr(self, s.name)), s.unit or "", "changed" if s.name in changed else "", s.help)
            for s in specs
        ]
        return Table(("parameter", "value", "unit", "", "meaning"), rows)


@cache
def _specs(cls: type[Params]) -> tuple[ParamSpec, ...]:
    hints = get_type_hints(cls)
    found = []
    for f in fields(cls):
        if f.default is MISSING or "help" not in f.metadata:
            msg = f"{cls.__name__}.{f.name} is not declared with param()"
            raise TypeError(msg)
        found.append(ParamSpec(name=f.name, type=hints[f.name], default=f.default, **f.metadata))
    return tuple(found)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(repr(c) for c in get_args(kind))
    if get_origin(kind) is tuple:
        items = [a for a in get_args(kind) if a is not Ellipsis]
        count = "" if Ellipsis in get_args(kind) else f"{len(items)} "
        return f"{count}values, each {_in_words(items[0])}"
    return {bool: "True or False", int: "a whole number", float: "a number", str: "text"}.get(kind, str(kind))


def _cast(value: Any, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if not any(value == c and type(value) is type(c) for c in get_args(kind)):
            raise TypeError
        return value
    if get_origin(kind) is tuple:
        items = [a for a in get_args(kind) if a is not Ellipsis]
        if not isinstance(value, tuple) or (Ellipsis not in get_args(kind) and len(value) != len(items)):
            raise TypeError
        if Ellipsis in get_args(kind):
            items = items * len(value)
        return tuple(_cast(v, k) for v, k in zip(value, items, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise TypeError
    return value


def _parse(text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return next((c for c in get_args(kind) if str(c).lower() == text.lower()), text)
    if get_origin(kind) is tuple:
        items = [a for a in get_args(kind) if a is not Ellipsis]
        if get_origin(items[0]) is tuple:
            words = [part for part in text.split(";") if part.strip()]
        else:
            words = text.strip().strip("()[]").replace(",", " ").split()
        return tuple(_parse(w, items[min(i, len(items) - 1)]) for i, w in enumerate(words))
    if kind is bool:
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise ValueError
        return text.lower() in ("true", "yes", "1")
    return kind(text)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return (";" if any(isinstance(part, tuple) for part in value) else ",").join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flat(value: Any) -> tuple[Any, ...]:
    return tuple(part for item in value for part in _flat(item)) if isinstance(value, tuple) else (value,)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, tuple) else value
