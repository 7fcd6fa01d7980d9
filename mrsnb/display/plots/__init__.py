"""Pictures drawn with matplotlib, which is loaded at the first one and never asked to keep a figure."""

from mrsnb.display.plots.images import detector_picture, image_grid_picture, image_picture
from mrsnb.display.plots.spectrum import spectrum_picture

__all__ = ["detector_picture", "image_grid_picture", "image_picture", "spectrum_picture"]
