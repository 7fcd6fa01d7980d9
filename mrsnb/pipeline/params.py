"""The parameters of a whole run, and named sets of them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Self, get_type_hints

from mrsnb.core.params import Params
from mrsnb.display import Row, Section, Shown, Table
from mrsnb.errors import ParamError, nearest
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams
from mrsnb.steps.assign_mtwcs import AssignMtwcsParams
from mrsnb.steps.cube_build import CubeBuildParams
from mrsnb.steps.extract_1d import Extract1dParams
from mrsnb.steps.master_background import MasterBackgroundParams
from mrsnb.steps.mrs_imatch import MrsImatchParams
from mrsnb.steps.outlier_detection import OutlierDetectionParams
from mrsnb.steps.params import StepParams
from mrsnb.steps.pixel_replace import PixelReplaceParams
from mrsnb.steps.spectral_leak import SpectralLeakParams


@dataclass(frozen=True, kw_only=True)
class Spec3Params(Shown):
    """The parameters of every step, one field a step.

    Examples
    --------
    >>> params = Spec3Params.preset("archive").updated({"cube_build": {"channel": "1"}})
    >>> params.cube_build.channel
    '1'
    """

    assign_mtwcs: AssignMtwcsParams = field(default_factory=AssignMtwcsParams)
    master_background: MasterBackgroundParams = field(default_factory=MasterBackgroundParams)
    mrs_imatch: MrsImatchParams = field(default_factory=MrsImatchParams)
    outlier_detection: OutlierDetectionParams = field(default_factory=OutlierDetectionParams)
    adaptive_trace_model: AdaptiveTraceModelParams = field(default_factory=AdaptiveTraceModelParams)
    pixel_replace: PixelReplaceParams = field(default_factory=PixelReplaceParams)
    cube_build: CubeBuildParams = field(default_factory=CubeBuildParams)
    extract_1d: Extract1dParams = field(default_factory=Extract1dParams)
    spectral_leak: SpectralLeakParams = field(default_factory=SpectralLeakParams)

    def __post_init__(self) -> None:
        if self.extract_1d.ifu_covar == "drizzle" and self.cube_build.weighting != "drizzle":
            msg = (
                f"extract_1d.ifu_covar = 'drizzle' and cube_build.weighting = {self.cube_build.weighting!r}: the "
                "covariance is known of drizzled cubes only; use weighting = 'drizzle', or ifu_covar_scale"
            )
            raise ParamError(msg)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return the parameters called `name`, one of `presets`.

        Raises
        ------
        ParamError
            If there is no such preset.
        """
        known = presets()
        if name not in known:
            msg = f"preset = {name!r}: unknown{nearest(name, list(known))}"
            raise ParamError(msg)
        return cls().updated(known[name]["steps"])

    @classmethod
    def steps(cls) -> dict[str, type[StepParams]]:
        """Return the steps in order, and what parameters they take."""
        hints = get_type_hints(cls)
        return {f.name: hints[f.name] for f in fields(cls)}

    def updated(self, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return a copy with some values replaced: ``{step: {parameter: value}}``, plain values as in YAML.

        Raises
        ------
        ParamError
            If a step or parameter is unknown, or a value not allowed.
        """
        changed: dict[str, Params] = {}
        for step, given in values.items():
            if step not in self.steps():
                msg = f"unknown step {step!r}{nearest(str(step), list(self.steps()))}"
                raise ParamError(msg)
            if not isinstance(given, Mapping):
                msg = f"{step} = {given!r}: must be a mapping of parameters to values"
                raise ParamError(msg)
            try:
                changed[step] = getattr(self, step).updated(given)
            except ParamError as error:
                msg = f"{step}.{error}" if not str(error).startswith("unknown") else f"{step}: {error}"
                raise ParamError(msg) from None
        return replace(self, **changed)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return all values as plain Python."""
        return {step: getattr(self, step).to_dict() for step in self.steps()}

    def table(self) -> Table:
        """Return one row a parameter."""
        rows = []
        for step, kind in self.steps().items():
            values: StepParams = getattr(self, step)
            changed = values.changed()
            rows += [
                (step, spec.name, str(getattr(values, spec.name)), "changed" if spec.name in changed else "", spec.help)
                for spec in kind.specs()
            ]
        return Table(("step", "parameter", "value", "", "meaning"), tuple(rows))

    @property
    def title(self) -> str:
        """What it is."""
        return "Spec3Params"

    def rows(self) -> list[Row]:
        """Return the values that differ from the defaults."""
        rows = [
            replace(row, name=f"{step}.{row.name}")
            for step in self.steps()
            for row in getattr(self, step).changed_rows()
        ]
        return rows or [Row("changed", "nothing", note="all values are the defaults")]

    def sections(self) -> list[Section]:
        """Return the parameters of each step as a table, those that differ from their defaults first."""
        shown = []
        for step in self.steps():
            values: StepParams = getattr(self, step)
            some, others = (values.table(advanced=advanced) for advanced in (False, True))
            marks = [f"{len(values.changed())} changed"] * bool(values.changed()) + ["skipped"] * values.skip
            title = step + (f" ({', '.join(marks)})" if marks else "")
            shown.append(Section(title, Table(some.columns, (*some.rows, *others.rows))))
        return shown

    def __repr__(self) -> str:
        return self.table().to_text()


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Return the named sets of parameters: name to ``{"help": ..., "steps": {step: {parameter: value}}}``."""
    return tomllib.loads((files(__package__) / "presets.toml").read_text(encoding="utf-8"))
