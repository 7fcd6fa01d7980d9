"""The step outlier_detection of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["OutlierDetectionStep"]


class OutlierDetectionStep(Step):
    """Flag cosmic rays and bad pixels of exposures; returns the exposures."""

    class_alias = "outlier_detection"
