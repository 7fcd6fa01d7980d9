"""master_background: subtract the spectrum of the background from every pixel of the exposures."""

from mrsnb.steps.master_background.images import NO_BACKGROUND
from mrsnb.steps.master_background.step import MasterBackgroundParams, MasterBackgroundResult, master_background

__all__ = ["NO_BACKGROUND", "MasterBackgroundParams", "MasterBackgroundResult", "master_background"]
