"""Pictures of pairs of images: one, the other, and their difference."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import Box, Canvas
from mrsnb.display.plots.images import SkyImage, image_grid_picture, plane, sky_panel
from mrsnb.display.plots.stretch import even_stretch, stretch_of
from mrsnb.display.values import Picture

Array = NDArray[Any]
_LEFT, _GAP, _BAR = 8, 12, 64
"""CSS pixels: left of all, below each row, right of each panel for its shades."""


class TwoImages(NamedTuple):
    """Two images on the same spaxels."""

    label: str
    before: Array
    after: Array
    """Shape (n_y, n_x) both, MJy/sr; NaN where there is nothing."""
    spaxel_size: float
    """arcsec."""
    rotation: float = 0.0
    """Direction of the y axis, deg east of north."""


def pairs_picture(title: str, pairs: Sequence[TwoImages], names: tuple[str, str]) -> Picture:
    """Return one row a pair: both images in the same shades, and the second less the first.

    Parameters
    ----------
    title : str
        Title above all.
    pairs : sequence of TwoImages
    names : tuple of str
        What is in the first and the second column.
    """
    side = 218 if len(pairs) < 4 else 150
    head = 40
    canvas = Canvas(_LEFT + 3 * (side + _BAR), head + (side + _GAP) * max(1, len(pairs)))
    canvas.title(_LEFT, title)
    for row, pair in enumerate(pairs):
        for column, image in enumerate(_panels(pair, names)):
            cell = Box(_LEFT + column * (side + _BAR), head + row * (side + _GAP), side, side)
            sky_panel(canvas, cell, image, pair.rotation)
    return canvas.picture(title)


def difference_picture(title: str, pairs: Sequence[TwoImages]) -> Picture:
    """Return the second less the first image of many pairs, each in its own shades.

    Parameters
    ----------
    title : str
        Title above all.
    pairs : sequence of TwoImages
        One at least.
    """
    return image_grid_picture(title, [_difference(pair, pair.label) for pair in pairs], pairs[0].rotation)


def _panels(pair: TwoImages, names: tuple[str, str]) -> tuple[SkyImage, ...]:
    before, after = plane(pair.before), plane(pair.after)
    both = stretch_of(np.concatenate([before.ravel(), after.ravel()]))
    size = pair.spaxel_size
    return (
        SkyImage(f"{pair.label} {names[0]}", before, size, stretch=both),
        SkyImage(f"{pair.label} {names[1]}", after, size, stretch=both),
        _difference(pair, "difference"),
    )


def _difference(pair: TwoImages, label: str) -> SkyImage:
    apart = np.asarray(plane(pair.after), float) - plane(pair.before)
    return SkyImage(label, apart, pair.spaxel_size, colours="difference", stretch=even_stretch(apart))
