"""The step cube_build of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["CubeBuildStep"]


class CubeBuildStep(Step):
    """Build cubes of exposures; returns a container of cubes."""

    class_alias = "cube_build"
