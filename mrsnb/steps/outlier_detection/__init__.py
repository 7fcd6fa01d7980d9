"""outlier_detection: flag hits of cosmic rays and bad pixels that level 2 left."""

from mrsnb.steps.outlier_detection.found import Found, Tally
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.params import OutlierDetectionParams
from mrsnb.steps.outlier_detection.result import Intermediate, OutlierDetectionResult
from mrsnb.steps.outlier_detection.step import outlier_detection, search, searches

__all__ = [
    "Found",
    "Intermediate",
    "Mask",
    "OutlierDetectionParams",
    "OutlierDetectionResult",
    "Tally",
    "outlier_detection",
    "search",
    "searches",
]
