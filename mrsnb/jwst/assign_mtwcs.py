"""The step assign_mtwcs of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["AssignMTWcsStep"]


class AssignMTWcsStep(Step):
    """Give the exposures of a moving target one frame; returns the exposures."""

    class_alias = "assign_mtwcs"
