"""What a search for outliers found, before it is applied."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.kernels.usable import count_found
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.result import Intermediate

STRIDE = 2
"""A preview shows one pixel of so many, along both axes."""


_LEAST_HIGH, _LEAST_LOW = 2, 3
"""Exposures in which a pixel must at least be too high, or too low, to be bad in all."""


class Tally(NamedTuple):
    """In how many exposures of a detector each pixel was examined, was too high, was too low; uint16 images.

    Examples
    --------
    >>> Tally.empty((1024, 1032)).bad(0.6).size
    0
    """

    examined: NDArray[np.uint16]
    high: NDArray[np.uint16]
    low: NDArray[np.uint16]

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> "Tally":
        """Return one of no exposures."""
        return cls(*(np.zeros(shape, np.uint16) for _ in range(3)))

    def add(self, pixel: NDArray[np.int32], high: NDArray[np.float32], low: NDArray[np.float32], least: float) -> None:
        """Count the pixels of one exposure that stand out by `least` or more, up or down."""
        count_found(pixel, high, low, least, *(image.ravel() for image in self))

    def with_those_of(self, other: "Tally") -> "Tally":
        """Return the sum of two, of different exposures."""
        return Tally(*(one + two for one, two in zip(self, other, strict=True)))

    def bad(self, fraction: float) -> Mask:
        """Return the pixels that stand out in this fraction of the exposures or more."""
        most = np.float32(fraction) * self.examined
        high = (self.high >= _LEAST_HIGH) & (self.high >= most)
        return Mask.of(high | ((self.low >= _LEAST_LOW) & (self.low >= most)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What was found; exposures are known by their place in the sequence.

    Parameters
    ----------
    own : dict of int to Mask
        Outliers of one exposure.
    common : dict of str to Mask
        Outliers of all exposures of a detector.
    tallies : dict of str to Tally
        From which those follow, once all exposures of a detector were counted.
    usable : dict of int to Mask
        What was usable before, of each exposure that was examined.
    shown : dict of int to ndarray
        Flux of one exposure of each detector, every second pixel of every second row, MJy/sr.
    intermediate : list of Intermediate
    notes : list of str
        What was left out, and why.

    Examples
    --------
    >>> first, second = Found(notes=["1A"]), Found(notes=["2A"])
    >>> first.with_those_of(second).notes
    ['1A', '2A']
    """

    own: dict[int, Mask] = field(default_factory=dict)
    common: dict[str, Mask] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    usable: dict[int, Mask] = field(default_factory=dict)
    shown: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    intermediate: list[Intermediate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def with_those_of(self, other: "Found") -> "Found":
        """Return what both found, in different exposures; without what is for the eye."""
        tallies = dict(self.tallies)
        for detector, tally in other.tallies.items():
            tallies[detector] = tallies[detector].with_those_of(tally) if detector in tallies else tally
        return Found(
            own=self.own | other.own,
            common=self.common | other.common,
            tallies=tallies,
            usable=self.usable | other.usable,
            notes=[*self.notes, *other.notes],
        )


def by_detector(exposures: Sequence[ExposureSource], only: Collection[int] | None = None) -> dict[str, list[int]]:
    """Return the places of the exposures of each detector, or of `only` some."""
    groups: dict[str, list[int]] = {}
    for index in range(len(exposures)) if only is None else sorted(only):
        exposure = exposures[index]
        groups.setdefault(exposure.primary.text("DETECTOR").upper(), []).append(index)
    return groups


def preview_of(exposure: Exposure) -> NDArray[np.float32]:
    """Return the flux of every second pixel of every second row."""
    return exposure.flux[::STRIDE, ::STRIDE].copy()
