"""extract_1d: a spectrum from a cube."""

from mrsnb.steps.extract_1d.centre import Centre, check_centre
from mrsnb.steps.extract_1d.covariance import DrizzleCovariance
from mrsnb.steps.extract_1d.params import Extract1dParams
from mrsnb.steps.extract_1d.result import Extract1dResult
from mrsnb.steps.extract_1d.step import extract_1d, spectrum_name

__all__ = [
    "Centre",
    "DrizzleCovariance",
    "Extract1dParams",
    "Extract1dResult",
    "check_centre",
    "extract_1d",
    "spectrum_name",
]
