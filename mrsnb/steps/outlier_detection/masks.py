"""Masks of detector pixels, eight to a byte, and what they do to an exposure."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import DQ
from mrsnb.core.exposure import Exposure
from mrsnb.steps.validity import marked_alike


class Mask(NamedTuple):
    """A mask of detector pixels.

    Examples
    --------
    >>> mask = Mask.of(np.eye(4, dtype=bool))
    >>> mask.size, mask.places()[0].tolist()
    (4, [0, 1, 2, 3])
    """

    bits: NDArray[np.uint8]
    """Eight pixels to a byte, row by row."""
    shape: tuple[int, int]
    """Rows and columns."""

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> "Mask":
        """Return the packed form of a boolean image."""
        return cls(np.packbits(mask), (mask.shape[0], mask.shape[1]))

    def none(self) -> "Mask":
        """Return a mask of the same shape with no pixel set."""
        return Mask(np.zeros_like(self.bits), self.shape)

    def image(self) -> NDArray[np.bool_]:
        """Return a boolean image."""
        return np.unpackbits(self.bits, count=self.shape[0] * self.shape[1]).astype(bool).reshape(self.shape)

    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and columns of the pixels that are set, without unpacking the others."""
        some = np.flatnonzero(self.bits != 0)
        byte, bit = np.divmod(np.flatnonzero(np.unpackbits(self.bits[some]).view(np.bool_)), 8)
        row, column = np.divmod(some[byte] * 8 + bit, self.shape[1])
        return row, column

    def without(self, other: "Mask") -> "Mask":
        """Return the pixels that are not set in the other."""
        return Mask(self.bits & ~other.bits, self.shape)

    @property
    def size(self) -> int:
        """Number of pixels that are set."""
        return int(np.bitwise_count(self.bits).sum())

    def both(self, other: "Mask") -> "Mask":
        """Return the pixels set in both."""
        return Mask(self.bits & other.bits, self.shape)

    def either(self, other: "Mask") -> "Mask":
        """Return the pixels set in one or both."""
        return Mask(self.bits | other.bits, self.shape)


def with_outliers(exposure: Exposure, mask: Mask) -> Exposure:
    """Return the exposure with the pixels of `mask` flagged DO_NOT_USE and OUTLIER, all invalid pixels NaN."""
    dq = exposure.dq.copy()
    dq[mask.places()] |= np.uint32(DQ.DO_NOT_USE | DQ.OUTLIER)
    return marked_alike(replace(exposure, dq=dq))
