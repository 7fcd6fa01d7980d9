"""What outlier_detection returns."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import DerivedExposure
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.steps.outlier_detection.masks import Mask


class Preview(NamedTuple):
    """Enough of one exposure of a detector to show its outliers."""

    name: str
    """The detector and the exposure."""
    image: NDArray[np.float32]
    """The exposure's flux at one pixel of `stride` along both axes, MJy/sr."""
    stride: int
    own: Mask
    """Outliers of this exposure alone."""
    common: Mask
    """Outliers of all exposures of the detector."""


class Intermediate(NamedTuple):
    """Arrays from which flags were made.

    Examples
    --------
    >>> from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection
    >>> params = OutlierDetectionParams(method="neighbours", save_intermediate_results=True)
    >>> sorted(outlier_detection(exposures, params).intermediate[0].arrays)
    ['DIFFARR', 'MINARR', 'MINNORM', 'NORMARR']
    """

    exposure: str
    """File name of the exposure, or of the first one, that they are of."""
    label: str
    """What they are, as the end of a file name."""
    model: str
    """Data model of the observatory that holds such arrays."""
    primary: Cards
    """Keywords."""
    arrays: dict[str, NDArray[np.float32]]
    """By extension name."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OutlierDetectionResult(Result):
    """The exposures with their outliers flagged.

    Parameters
    ----------
    exposures : tuple of DerivedExposure
        In the order given; flags are applied on ``load()``.
    flagged : tuple of float
        Fraction of the usable pixels of each exposure that are flagged anew.
    status : str
        ``"COMPLETE"``, ``"SKIPPED"`` or ``"FAILED"``, as in S_OUTLIR.
    reason : str
        Why, if it is not complete, or what was left out.
    masks : tuple of Mask
        The outliers of each exposure.
    common : dict of str to Mask
        Outliers that all exposures of a detector share, by detector.
    previews : tuple of Preview
        One exposure of each detector.
    intermediate : tuple of Intermediate
        Empty unless asked for.

    Examples
    --------
    >>> from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection
    >>> result = outlier_detection(exposures[:1], OutlierDetectionParams())
    >>> result.status, result.reason.partition(";")[0]
    ('SKIPPED', 'there is only one exposure')
    """

    exposures: tuple[DerivedExposure, ...]
    flagged: tuple[float, ...]
    status: str = "COMPLETE"
    reason: str = ""
    masks: tuple[Mask, ...] = ()
    common: dict[str, Mask] = field(default_factory=dict)
    previews: tuple[Preview, ...] = ()
    intermediate: tuple[Intermediate, ...] = ()

    @property
    def title(self) -> str:
        """Name of the step and of what it did."""
        if self.status != "COMPLETE":
            return f"outlier_detection: {self.status.lower()}"
        return f"outlier_detection: {sum(mask.size for mask in self.masks)} pixels of {len(self.exposures)} exposures"

    def rows(self) -> list[Row]:
        """Return the fraction flagged in each exposure, and the pixels common to all of a detector."""
        if self.status != "COMPLETE":
            return [Row("status", self.status), Row("reason", self.reason)]
        rows = [
            Row(name, str(mask.size), "pixels", "flagged in every exposure")
            for name, mask in sorted(self.common.items())
        ]
        rows += [
            Row(exposure.name, f"{100 * fraction:.3f}", "%", f"{mask.size} pixels")
            for exposure, fraction, mask in zip(self.exposures, self.flagged, self.masks, strict=True)
        ]
        return [*rows, Row("left out", self.reason)] if self.reason else rows

    def pictures(self) -> list[Picture]:
        """Return the image of one exposure of each detector, its outliers marked."""
        from mrsnb.display.plots import DetectorImage, detector_picture

        images = [
            DetectorImage(
                p.name,
                p.image,
                p.stride,
                {"in one exposure": p.own.without(p.common).places(), "in all": p.common.places()},
            )
            for p in self.previews
        ]
        seen = " and ".join(dict.fromkeys(exposure.primary.text("DETECTOR") for exposure in self.exposures))
        return [detector_picture(f"Outliers of {seen}", images)] if images else []
