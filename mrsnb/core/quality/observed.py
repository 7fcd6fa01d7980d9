"""What the keywords of products say of the observation and of how they were made."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.dq import DQ
from mrsnb.core.status import statuses_of


class Observed(NamedTuple):
    """What one product says."""

    file: str
    target: str
    program: str
    date: str
    """Of the observation, ``"2022-07-03"``."""
    software: str
    exposures: int | None
    """How many made each of its bands; None if it does not say."""
    background: str
    """Status of master_background, or of the subtraction in level 2; empty if not stated."""
    outliers: str
    """Status of outlier_detection; empty if not stated."""


class ExposureFigures(NamedTuple):
    """Shares of the pixels of one exposure that have light of the sky."""

    name: str
    bands: str
    outliers: float
    saturated: float
    unusable: float


def observed(file: str, primary: Cards, exposures: Sequence[str] = (), bands: int = 1) -> Observed:
    """Return what a product's keywords say.

    Parameters
    ----------
    file : str
        Its name.
    primary : Cards
        Keywords of its primary header.
    exposures : sequence of str
        Those that HDRTAB lists. Without any, there is one if the file is ours, which lists them from two on.
    bands : int
        How many it is of; the exposures of several are not told apart.
    """
    statuses, software = statuses_of(primary), primary.text("CAL_VER")
    background = statuses.get("master_background", "")
    if background != "COMPLETE":
        background = primary.text("S_BKDSUB") or background
    counted = 1 if software.startswith("mrsnb") and _is_cube(primary) else None
    if exposures:
        counted = len(exposures) if bands == 1 else None
    return Observed(
        file=file,
        target=primary.text("TARGPROP") or primary.text("TARGNAME"),
        program=primary.text("PROGRAM"),
        date=primary.text("DATE-OBS"),
        software=software,
        exposures=counted,
        background=background,
        outliers=statuses.get("outlier_detection", ""),
    )


def exposure_figures(name: str, bands: str, dq: NDArray[np.uint32]) -> ExposureFigures:
    """Return the shares of flagged pixels of an exposure.

    Parameters
    ----------
    name, bands : str
        Its file and what it sees.
    dq : ndarray of uint32, shape (n_row, n_col)
        Flags; pixels between the slices (NON_SCIENCE) are left out.
    """
    light = dq[(dq & np.uint32(DQ.NON_SCIENCE)) == 0]
    count = max(light.size, 1)

    def share(bit: DQ) -> float:
        return float(np.count_nonzero(light & np.uint32(bit)) / count)

    return ExposureFigures(name, bands, share(DQ.OUTLIER), saturated_share(dq), share(DQ.DO_NOT_USE))


def saturated_share(dq: NDArray[np.uint32]) -> float:
    """Return the share of the pixels with light that are saturated; where none is, one look at each is all it takes.

    Parameters
    ----------
    dq : ndarray of uint32, shape (n_row, n_col)
    """
    if not int(np.bitwise_or.reduce(dq, axis=None)) & DQ.SATURATED:
        return 0.0
    light = (dq & np.uint32(DQ.NON_SCIENCE)) == 0
    saturated = light & ((dq & np.uint32(DQ.SATURATED)) != 0)
    return int(np.count_nonzero(saturated)) / max(int(np.count_nonzero(light)), 1)


def _is_cube(primary: Cards) -> bool:
    return primary.text("DATAMODL") == "IFUCubeModel"
