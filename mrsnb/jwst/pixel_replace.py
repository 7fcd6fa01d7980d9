"""The step pixel_replace of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["PixelReplaceStep"]


class PixelReplaceStep(Step):
    """Estimate the flux of bad pixels of exposures; returns the exposures."""

    class_alias = "pixel_replace"
