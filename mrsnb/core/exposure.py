"""One calibrated detector image of the MRS, with all that level 3 needs to know about it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.display import Picture, Row, Shown
from mrsnb.kernels.threads import go_on

DETECTOR_SHAPE = (1024, 1032)
"""Rows (dispersion) and columns of an MRS detector image."""


class ExposureSource(Protocol):
    """What the steps need of an exposure: its description at once, its arrays on demand.

    `Exposure` itself is one (arrays in memory); ``mrsnb.io.ExposureFile`` is another (arrays on disk), and that is
    how a step streams through a hundred exposures in the memory of one.
    """

    @property
    def name(self) -> str:
        """File name, for messages and provenance."""

    @property
    def primary(self) -> Cards:
        """Keywords of the primary header."""

    @property
    def science(self) -> Cards:
        """Keywords of the SCI header."""

    @property
    def wcs(self) -> Any:
        """Geometry: what ``mrsnb.geometry`` evaluates."""

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands on this detector in this setting."""

    def load(self) -> "Exposure":
        """Return the exposure with its arrays."""


class Described(Shown):
    """What the keywords of an exposure say, for every kind of exposure."""

    name: str
    primary: Cards
    science: Cards

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """The bands on this detector in this setting, e.g. 1A and 2A."""
        sub_band = self.primary.text("BAND").lower()
        return tuple(Band(int(digit), sub_band) for digit in self.primary.text("CHANNEL"))

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Exposure {self.name}"

    def rows(self) -> list[Row]:
        """Return what its keywords say; arrays are not touched."""
        return describe(self)  # type: ignore[arg-type]

    @property
    def detector(self) -> str:
        """``"MIRIFUSHORT"`` or ``"MIRIFULONG"``."""
        return self.primary.text("DETECTOR")

    @property
    def source_type(self) -> str:
        """SRCTYPE as level 2 left it: POINT, EXTENDED, UNKNOWN or empty."""
        return self.science.text("SRCTYPE").upper()

    @property
    def is_moving(self) -> bool:
        """True for a target of the solar system."""
        return self.primary.text("TARGTYPE").upper() == "MOVING"


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array`, made read-only."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure(Described):
    """One exposure with its arrays in memory.

    Parameters
    ----------
    name : str
        File name, for messages and provenance.
    primary, science : Cards
        Keywords of the primary and SCI headers.
    wcs : object
        Geometry, as ``mrsnb.geometry`` evaluates it.
    flux, err : ndarray
        Shape (1024, 1032), or more columns if oversampled; float32, MJy/sr; NaN where invalid.
    dq : ndarray
        Shape of `flux`, uint32; bits of `mrsnb.core.dq.DQ`.
    variances : dict of str to ndarray
        ``var_poisson``, ``var_rnoise``, ``var_flat`` where present; shape of `flux`, (MJy/sr)^2.
    """

    name: str
    primary: Cards
    science: Cards
    wcs: Any
    flux: NDArray[np.float32]
    err: NDArray[np.float32]
    dq: NDArray[np.uint32]
    variances: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.flux, self.err, self.dq, *self.variances.values()):
            frozen(array)

    def load(self) -> "Exposure":
        """Return itself: the arrays are here."""
        return self

    def pictures(self) -> list[Picture]:
        """Return the detector image."""
        from mrsnb.display.plots import DetectorImage, detector_picture

        return [detector_picture(self.name, [DetectorImage("", self.flux)])]

    def __repr__(self) -> str:
        return f"<Exposure {self.name} {'+'.join(b.name for b in self.bands)}>"


@dataclass(frozen=True, kw_only=True, eq=False)
class DerivedExposure(Described):
    """An exposure as a step leaves it: its arrays are made from its source's when they are asked for.

    A step that changes exposures returns these, so that a chain of steps holds the arrays of one exposure at a time.

    Parameters
    ----------
    source : ExposureSource
        The exposure before the step.
    change : callable
        Takes the loaded exposure and returns the changed one; does not touch its argument.
    primary, science : Cards
        Keywords after the step, e.g. with its status.
    new_wcs : object, optional
        Geometry after the step; that of the source if not given.
    """

    source: ExposureSource
    change: Callable[[Exposure], Exposure]
    primary: Cards
    science: Cards
    new_wcs: Any = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """File name of the source."""
        return self.source.name

    @property
    def wcs(self) -> Any:
        """Geometry: what ``mrsnb.geometry`` evaluates."""
        return self.source.wcs if self.new_wcs is None else self.new_wcs

    def load(self) -> Exposure:
        """Return the changed exposure with its arrays."""
        go_on()
        changed = self.change(self.source.load())
        return replace(changed, primary=self.primary, science=self.science, wcs=self.wcs)

    def __repr__(self) -> str:
        return f"<DerivedExposure {self.name} {'+'.join(b.name for b in self.bands)}>"


def describe(exposure: ExposureSource) -> list[Row]:
    """Return the rows that describe an exposure, arrays untouched."""
    primary, science = exposure.primary, exposure.science
    time = primary.number("EFFEXPTM")
    return [
        Row("bands", " + ".join(b.name for b in exposure.bands)),
        Row("detector", primary.text("DETECTOR")),
        Row("target", primary.text("TARGPROP") or primary.text("TARGNAME") or "-"),
        Row("source type", science.text("SRCTYPE") or "-"),
        Row("dither", f"{primary.text('PATT_NUM', '-')} of {primary.text('NUMDTHPT', '-')}"),
        Row("exposure time", "-" if time is None else f"{time:.1f}", "s"),
        Row("roll", science.text("ROLL_REF", "-"), "deg"),
    ]
