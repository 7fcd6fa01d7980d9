"""What can be said of painted pixels."""

import numpy as np


def luminance(colours: np.ndarray) -> np.ndarray:
    """Return the relative luminance (WCAG 2) of sRGB colours, shape ``(..., 3)``, 0-255."""
    part = colours / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(pixels: np.ndarray) -> float:
    """Return the contrast of what is painted against its background, 1-21: 4.5 can be read (WCAG 2 AA).

    The background is the most frequent colour; of the rest that counts which stands out most, as a letter's edges are
    blends.
    """
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    bright, ground = luminance(colours), luminance(colours[np.argmax(counts)])
    return float(np.max((np.maximum(bright, ground) + 0.05) / (np.minimum(bright, ground) + 0.05)))
