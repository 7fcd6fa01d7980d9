"""Detector images that a step keeps for inspection, such as those from which outlier flags were made."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import frozen
from mrsnb.display import Picture, Row, Shown

_EACH = 7
"""One pixel of so many, along both axes, is looked at to describe an image."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Images(Shown):
    """The images of one file.

    Parameters
    ----------
    name : str
        File name.
    primary : Cards
        Keywords of the primary header.
    arrays : dict of str to ndarray
        By extension name; shape (n_row, n_col), or (n_file, n_row, n_col).
    """

    name: str
    primary: Cards
    arrays: dict[str, NDArray[Any]]

    def __post_init__(self) -> None:
        for array in self.arrays.values():
            frozen(array)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Images {self.name}"

    def rows(self) -> list[Row]:
        """Return size and values of each image."""
        return [
            Row("detector", self.primary.text("DETECTOR") or "-"),
            *(_row(name, array) for name, array in self.arrays.items()),
        ]

    def pictures(self) -> list[Picture]:
        """Return the images side by side; not those of single files, which are many."""
        from mrsnb.display.plots import DetectorImage, detector_picture

        flat = [DetectorImage(name, array) for name, array in self.arrays.items() if array.ndim == 2]
        return [detector_picture(self.name, flat)] if flat else []

    def __repr__(self) -> str:
        return f"<Images {self.name} {', '.join(self.arrays)}>"


def _row(name: str, array: NDArray[np.float32]) -> Row:
    some = array[..., ::_EACH, ::_EACH]
    good = some[np.isfinite(some)]
    note = f"median {np.median(good):.3g}, {good.size / some.size:.1%} known" if good.size else "nothing known"
    return Row(name.lower(), " x ".join(map(str, array.shape)), "pixels", note)
