"""The star of the fixtures, and the wavelengths of their reference values."""

import numpy as np

from mrsnb.simulate import PointSource

STAR = PointSource(flux10=0.05, slope=-1.0)
WAVE = np.linspace(4.5, 28.5, 241)
