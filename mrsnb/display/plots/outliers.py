"""Pictures of detector images with pixels marked."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import draw, readable
from mrsnb.display.plots.images import detector_axes
from mrsnb.display.values import Picture

_MOST = 5000
"""Pixels of a mask that are marked at most; of more, every so many."""
_COLOURS = ("#39c5ff", "#7dff5a", "#ff5ad1")


def outlier_picture(title: str, image: NDArray[Any], stride: int, masks: Mapping[str, NDArray[np.bool_]]) -> Picture:
    """Return a detector image with pixels marked.

    Parameters
    ----------
    title : str
        Title.
    image : ndarray
        One pixel of `stride` along both axes of the detector image, MJy/sr.
    stride : int
    masks : mapping of str to ndarray of bool
        Pixels to mark, shape of the detector image, by what they are.
    """

    def paint(figure: Any) -> None:
        axes = detector_axes(figure, image, stride)
        axes.set_title(readable(title), pad=26)
        for (label, mask), colour in zip(masks.items(), _COLOURS, strict=False):
            rows, columns = np.nonzero(mask)
            some = slice(None, None, rows.size // _MOST + 1)
            axes.scatter(
                columns[some],
                rows[some],
                s=9,
                facecolors="none",
                edgecolors=colour,
                linewidths=0.6,
                label=f"{rows.size} {label}",
            )
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=len(masks), frameon=False, fontsize=9)

    return draw(title, 730, 670, paint)
