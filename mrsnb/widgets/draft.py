"""What stands in a form: a text for each parameter, valid or not; knows no widgets."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from mrsnb.core.params import Params, ParamSpec
from mrsnb.errors import ParamError


@dataclass(frozen=True)
class Draft:
    """Parameters as texts, each as a person typed it; only a valid draft has a value.

    Parameters
    ----------
    kind : type of Params
        What is being filled in.
    texts : mapping of str to str
        What stands in the field of each parameter.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> draft = Draft.of(CubeBuildParams()).typed("scalexy", "0.x")
    >>> draft.errors["scalexy"]
    "scalexy = '0.x': must be a number from 0.01 to 2 (arcsec) or None"
    >>> draft.typed("scalexy", "0.13").value.scalexy
    0.13
    """

    kind: type[Params]
    texts: Mapping[str, str]

    @classmethod
    def of(cls, params: Params) -> Self:
        """Return the draft whose value is `params`."""
        return cls(type(params), {spec.name: shown(spec, getattr(params, spec.name)) for spec in params.specs()})

    def typed(self, name: str, text: str) -> Self:
        """Return the draft with another text in one field."""
        return replace(self, texts={**self.texts, name: text})

    def on(self, below: Params, other: Params) -> Self:
        """Return the draft on another base: fields that say what `below` says take what `other` says."""
        changed = self.changed(below)
        texts = Draft.of(other).texts
        return replace(self, texts={name: self.texts[name] if name in changed else texts[name] for name in texts})

    @cached_property
    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for spec in self.kind.specs():
            try:
                values[spec.name] = spec.from_text(self.texts[spec.name])
            except ParamError as error:
                errors[spec.name] = str(error)
        return values, errors

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong with single fields, by name."""
        return self._read[1]

    @cached_property
    def conflict(self) -> str:
        """What is wrong with fields together, each of them being right; empty if nothing is."""
        try:
            self.kind(**self._read[0])
        except ParamError as error:
            return "" if concerned(str(error), self.errors) else str(error)
        return ""

    @property
    def error(self) -> str:
        """The first that is wrong; empty if nothing is."""
        return next(iter(self.errors.values()), self.conflict)

    @cached_property
    def value(self) -> Params:
        """The parameters.

        Raises
        ------
        ParamError
            If a text is not allowed, or some contradict each other.
        """
        if self.error:
            raise ParamError(self.error)
        return self.kind(**self._read[0])

    def changed(self, base: Params) -> set[str]:
        """Return the names of the fields that do not say what `base` says."""
        values, errors = self._read
        return {*errors, *(name for name, value in values.items() if value != getattr(base, name))}

    def marks(self, names: Collection[str], last: str | None = None, outside: str = "", step: str = "") -> "Marks":
        """Return what to say beside which of the fields called `names`.

        Parameters
        ----------
        names : collection of str
            The fields that can be seen.
        last : str, optional
            The field that was edited last.
        outside : str
            What is wrong between this form and others, which speaks of ``step.name``; said only if this form is right
            in itself.
        step : str
            The step that this form is of.
        """
        lines = {name: line for name, line in self.errors.items() if name in names}
        conflict = self.conflict if self.error else outside
        if not conflict:
            return Marks(lines, frozenset(lines), "" if lines or not self.error else self.error)
        if self.conflict:
            spoken = concerned(conflict, names)
        else:
            spoken = [name.removeprefix(f"{step}.") for name in concerned(conflict, [f"{step}.{n}" for n in names])]
        default = {spec.name: spec.default for spec in self.kind.specs()}
        set_here = [name for name in spoken if self._read[0][name] != default[name]]
        if not spoken:
            return Marks(lines, frozenset(lines), conflict)
        place = last if last in spoken else (set_here or spoken)[0]
        return Marks({**lines, place: conflict}, frozenset({*lines, place, *set_here}), "")


@dataclass(frozen=True)
class Marks:
    """What to say of a draft.

    Parameters
    ----------
    lines : dict of str to str
        What is wrong, by the field below which to say it.
    wrong : frozenset of str
        Fields that have to do with it.
    rest : str
        What no field can say.
    """

    lines: dict[str, str]
    wrong: frozenset[str]
    rest: str


def shown(spec: ParamSpec, value: Any) -> str:
    """Return what stands in a field for a value: nothing for None."""
    return "" if value is None else spec.to_text(value)


def concerned(message: str, names: Collection[str]) -> list[str]:
    """Return those of `names` that a message speaks of, in its order.

    Examples
    --------
    >>> concerned("rois and roiw go with weighting = 'emsm'", ["roi", "roiw", "rois", "weighting"])
    ['rois', 'roiw', 'weighting']
    """
    words = dict.fromkeys(re.findall(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", message))
    return [word for word in words if word in names]
