"""What a user can say about outliers."""

from dataclasses import dataclass
from typing import Literal

from mrsnb.core.params import param
from mrsnb.errors import ParamError
from mrsnb.steps.params import CompatParams

_ONLY = {
    "neighbours": ("kernel_size", "threshold_percent", "ifu_second_check"),
    "model": ("snr", "scale", "sharpness", "hot_fraction"),
}


def _falling(values: tuple[float, ...]) -> str | None:
    return None if values[1] <= values[0] else "the second value, for neighbours of an outlier, must not be the larger"


@dataclass(frozen=True, kw_only=True)
class OutlierDetectionParams(CompatParams):
    """Parameters of outlier_detection, named as the observatory's; options that contradict each other are refused.

    Examples
    --------
    >>> OutlierDetectionParams(snr=(6.0, 4.5)).changed()
    {'snr': [6.0, 4.5]}
    >>> OutlierDetectionParams(kernel_size=(9, 9))
    Traceback (most recent call last):
        ...
    mrsnb.errors.ParamError: kernel_size = (9, 9): acts only with method = 'neighbours'; set that, or leave it out
    """

    method: Literal["model", "neighbours"] = param(
        "model",
        "How outliers are found: pixels above what the other dithers saw of the same place (model), or the pixels of "
        "a detector that differ most from their neighbours in all its exposures (neighbours: the observatory's).",
    )
    snr: tuple[float, float] = param(
        (5.0, 4.0),
        "Method model: how far a pixel must stand out, in units of the noise; the second value is for pixels next to "
        "an outlier, and for pixels that stand out in most exposures of their detector.",
        low=1.0,
        high=1000.0,
        check=_falling,
    )
    scale: tuple[float, float] = param(
        (1.2, 0.7),
        "Method model: how wrong a predicted line may be, as a fraction of it; the second value is for pixels next to "
        "an outlier.",
        low=0.0,
        high=100.0,
        check=_falling,
    )
    sharpness: float = param(
        6.0,
        "Method model, where no other dither looked: how many times brighter than its neighbours along the slice a "
        "line may be before it is no image of the telescope.",
        low=1.0,
        high=1000.0,
        advanced=True,
    )
    hot_fraction: float = param(
        0.6,
        "Method model: fraction of a detector's exposures in which a pixel must stand out to be bad in all of them.",
        low=0.3,
        high=1.0,
        advanced=True,
    )
    kernel_size: tuple[int, int] = param(
        (7, 7),
        "Method neighbours: rows and columns of the window whose median normalises the differences; odd.",
        unit="pixel",
        low=1,
        high=401,
    )
    threshold_percent: float = param(
        99.8,
        "Method neighbours: percentile of the differences above which a pixel is flagged.",
        unit="%",
        low=0,
        high=100,
    )
    ifu_second_check: bool = param(
        False, "Method neighbours: flag as well the pixels that have no usable neighbour in any exposure."
    )
    save_intermediate_results: bool = param(False, "Keep and write the arrays from which the flags were made.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compat != "none" and self.method == "model":
            msg = f"compat = {self.compat!r}: that version has no method = 'model'; set method = 'neighbours'"
            raise ParamError(msg)
        other = "neighbours" if self.method == "model" else "model"
        for name in _ONLY[other]:
            value = getattr(self, name)
            if value != self.spec(name).default:
                msg = f"{name} = {value!r}: acts only with method = {other!r}; set that, or leave it out"
                raise ParamError(msg)
        even = [n for n in self.kernel_size if n % 2 == 0]
        if even and self.compat == "none":
            msg = (
                f"kernel_size = {self.kernel_size!r}: {even[0]} is even, so the window has no middle; "
                f"give {even[0] - 1} or {even[0] + 1}"
            )
            raise ParamError(msg)
