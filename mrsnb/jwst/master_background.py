"""The step master_background of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["MasterBackgroundStep"]


class MasterBackgroundStep(Step):
    """Subtract a background that is a spectrum from exposures; returns the exposures."""

    class_alias = "master_background"
