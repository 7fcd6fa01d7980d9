"""Pictures, drawn in milliseconds on transparent ground; numpy and Pillow are loaded at the first one."""

from mrsnb.display.plots.detectors import DetectorImage, detector_picture
from mrsnb.display.plots.images import SkyImage, image_grid_picture, image_picture
from mrsnb.display.plots.pairs import TwoImages, difference_picture, pairs_picture
from mrsnb.display.plots.shifts import shift_picture
from mrsnb.display.plots.spectrum import spectrum_picture

__all__ = [
    "DetectorImage",
    "SkyImage",
    "TwoImages",
    "detector_picture",
    "difference_picture",
    "image_grid_picture",
    "image_picture",
    "pairs_picture",
    "shift_picture",
    "spectrum_picture",
]
