"""cube_build: detector pixels into cubes."""

from mrsnb.steps.cube_build.build import CubeBuildResult, build_cube, cube_build, voxel_pixels
from mrsnb.steps.cube_build.contributions import Contribution, Contributions, FedVoxel, FedVoxels
from mrsnb.steps.cube_build.feeds import feed_of, groups_of
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import usable_pixels, view_of
from mrsnb.steps.cube_build.plan import CubePlan, Offsets, check_exposures, plan_cubes, planned_bands
from mrsnb.steps.cube_build.tracer import Tracer

__all__ = [
    "Contribution",
    "Contributions",
    "CubeBuildParams",
    "CubeBuildResult",
    "CubePlan",
    "FedVoxel",
    "FedVoxels",
    "Offsets",
    "Tracer",
    "build_cube",
    "check_exposures",
    "cube_build",
    "feed_of",
    "groups_of",
    "plan_cubes",
    "planned_bands",
    "usable_pixels",
    "view_of",
    "voxel_pixels",
]
