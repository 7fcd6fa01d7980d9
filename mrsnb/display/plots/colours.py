"""Colours of pictures, which have no paper of their own: they are seen on white and on a dark theme alike."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

INK = (0x77, 0x7B, 0x83, 255)
"""Of frames and text: four times as bright as a dark page and four times as dark as a white one."""
FAINT = (0x77, 0x7B, 0x83, 150)
GRID = (0x77, 0x7B, 0x83, 60)
NOTHING = (0x93, 0x97, 0x9E, 255)
"""Where an image has no value."""
LIGHT = (255, 255, 255, 255)
SHADE = (0x20, 0x22, 0x26, 255)
"""Behind light text on an image."""
CYCLE = ("#2583c7", "#d9681d", "#16a077", "#b65fb0", "#c59512", "#5b74d6")
"""Of curves, after Okabe & Ito, made to stand out alike on light and dark; neighbours differ most."""
MARKS = ("#39c5ff", "#7dff5a", "#ff5ad1")
"""Of pixels marked on an image."""

Colour = tuple[int, int, int, int]

_ANCHORS = {
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 "
    "cf4070 e55064 f4695c fb8761 fea571 fec287 fde0a1 fcfdbf",
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
    "1f9f88 27ad81 3dbc74 5cc863 81d34d aadc32 d5e21a fde725",
    "difference": "2166ac f7f7f7 b2182b",
}


def rgba(colour: str, alpha: int = 255) -> Colour:
    """Return ``"#rrggbb"`` as numbers.

    Examples
    --------
    >>> rgba("#0a00ff", 128)
    (10, 0, 255, 128)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), alpha


@cache
def colour_map(name: str, n: int = 256) -> NDArray[np.uint8]:
    """Return `n` colours, shape (n, 3): from dark to bright, or for ``"difference"`` from blue over white to red.

    Parameters
    ----------
    name : str
        ``"magma"``, ``"viridis"`` or ``"difference"``.
    n : int
    """
    anchors = np.array([rgba("#" + anchor)[:3] for anchor in _ANCHORS[name].split()], float)
    places = np.linspace(0, len(anchors) - 1, n)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, k]) for k in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)
