"""What a user can say about traces."""

from dataclasses import dataclass

from mrsnb.core.params import param
from mrsnb.errors import ParamError
from mrsnb.steps.params import CompatParams


def _cores(value: str) -> str | None:
    if value in ("none", "quarter", "half", "all") or (value.isdecimal() and int(value) > 0):
        return None
    return "must be none, quarter, half, all, or a number of cores such as 4"


@dataclass(frozen=True, kw_only=True)
class AdaptiveTraceModelParams(CompatParams):
    """Parameters of adaptive_trace_model, named as the observatory's.

    Examples
    --------
    >>> AdaptiveTraceModelParams(oversample=2.0, fit_threshold=0.0).changed()
    {'fit_threshold': 0.0, 'oversample': 2.0}
    """

    fit_threshold: float = param(
        10.0,
        "A slice is modelled if its profile peaks this many standard deviations above the mean of its channel; all "
        "slices if 0 or less.",
        unit="sigma",
    )
    oversample: float = param(
        1.0,
        "Columns to make of each column of the detector; 1 leaves the exposure as it is and only adds the trace.",
        low=1.0,
        high=10.0,
    )
    slope_limit: float = param(
        0.1,
        "The model is used near places where it changes by more than this share of a row's flux from one pixel to the "
        "next; everywhere if 0 or less.",
    )
    psf_optimal: bool = param(
        False,
        "Take the exposure to be one isolated point source: use the model everywhere and nothing but the model.",
    )
    save_intermediate_results: bool = param(
        False, "Write the whole model, the model as used, the interpolation and the residuals.", advanced=True
    )
    maximum_cores: str = param(
        "all", "Cores to compute on: none (one), quarter, half, all, or a number.", check=_cores, advanced=True
    )
    skip: bool = param(True, "Leave this step out.")
    save_results: bool = param(False, "Write the exposures after the step.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("fit_threshold", "slope_limit") if self.psf_optimal else ():
            value = getattr(self, name)
            if value not in (self.spec(name).default, 0.0):
                msg = f"{name} = {value:g}: psf_optimal = True models every slice and pixel; leave one of them out"
                raise ParamError(msg)

    @property
    def threshold(self) -> float | None:
        """The `fit_threshold` that applies; None models every slice."""
        return None if self.psf_optimal or self.fit_threshold <= 0 else self.fit_threshold

    @property
    def slope(self) -> float | None:
        """The `slope_limit` that applies; None uses the model everywhere."""
        return None if self.psf_optimal or self.slope_limit <= 0 else self.slope_limit
