"""The step mrs_imatch of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["MRSIMatchStep"]


class MRSIMatchStep(Step):
    """Make the backgrounds of exposures equal, and subtract what differs; returns the exposures."""

    class_alias = "mrs_imatch"
