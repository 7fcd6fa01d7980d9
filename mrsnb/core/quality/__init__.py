"""Whether products are good: numbers measured of cubes, spectra and exposures, and what they are worth."""

from mrsnb.core.quality.check import Check, Verdict, worst_of
from mrsnb.core.quality.cubes import CubeFigures, cube_figures
from mrsnb.core.quality.observed import ExposureFigures, Observed, exposure_figures, observed
from mrsnb.core.quality.quality import Quality, quality
from mrsnb.core.quality.spectra import Jump, SpectrumFigures, jumps, spectrum_figures

__all__ = [
    "Check",
    "CubeFigures",
    "ExposureFigures",
    "Jump",
    "Observed",
    "Quality",
    "SpectrumFigures",
    "Verdict",
    "cube_figures",
    "exposure_figures",
    "jumps",
    "observed",
    "quality",
    "spectrum_figures",
    "worst_of",
]
