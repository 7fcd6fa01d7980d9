"""residual_fringe: the fringes that level 2 left in a spectrum."""

from mrsnb.steps.residual_fringe.result import FamilyFit, ResidualFringeResult
from mrsnb.steps.residual_fringe.step import LONGEST_WAVE, ResidualFringeParams, residual_fringe_1d

__all__ = ["LONGEST_WAVE", "FamilyFit", "ResidualFringeParams", "ResidualFringeResult", "residual_fringe_1d"]
