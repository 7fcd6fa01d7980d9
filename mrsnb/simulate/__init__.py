"""Simulated MRS observations, as the archive would deliver them.

Examples
--------
>>> from mrsnb.simulate import PointSource, Scene, ThermalBackground
>>> scene = Scene().add(PointSource(flux10=0.2), ThermalBackground())
>>> scene.source_type
'POINT'

``simulate("raw", scene)`` observes it.
"""

from mrsnb.simulate.dataset import SimulatedDataset, SimulateParams, read_masks, simulate
from mrsnb.simulate.layers import (
    BadPixels,
    CosmicRays,
    EmissionLine,
    ExtendedSource,
    Fringes,
    HotPixels,
    MovingTarget,
    Noise,
    PointSource,
    SpectralLeak,
    ThermalBackground,
)
from mrsnb.simulate.scene import GALAXY, GALAXY_REDSHIFT, LINES, STAR, Scene

__all__ = [
    "GALAXY",
    "GALAXY_REDSHIFT",
    "LINES",
    "STAR",
    "BadPixels",
    "CosmicRays",
    "EmissionLine",
    "ExtendedSource",
    "Fringes",
    "HotPixels",
    "MovingTarget",
    "Noise",
    "PointSource",
    "Scene",
    "SimulateParams",
    "SimulatedDataset",
    "SpectralLeak",
    "ThermalBackground",
    "read_masks",
    "simulate",
]
