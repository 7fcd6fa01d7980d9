"""What a detector viewer takes: exposures in memory, files, what a step left."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mrsnb.core.exposure import DerivedExposure, Exposure, ExposureSource
from mrsnb.errors import InputError
from mrsnb.io.exposures import ExposureFile, open_exposure
from mrsnb.io.places import home

Sources = tuple[ExposureSource, ...]


def exposures_of(given: Any) -> Sources:
    """Return exposures ready to be shown.

    Parameters
    ----------
    given : ExposureSource, path, result of a step, or a sequence of exposures and paths

    Raises
    ------
    InputError
        If there is none, or one cannot be used.
    """
    given = getattr(given, "exposures", given)
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    found = tuple(_exposure_of(one) for one in several)
    if not found:
        msg = "no exposure given: give an exposure, the path of one, or several of them"
        raise InputError(msg)
    return found


def before_of(exposures: Sources, given: Any) -> tuple[ExposureSource | None, ...]:
    """Return each exposure as it was before a step; None where nothing is known of that.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        After the step.
    given : as for `exposures_of`, or None
        Before it, in the same order; None takes what a step's exposures were made of.

    Raises
    ------
    InputError
        If the numbers differ.
    """
    if given is None:
        return tuple(e.source if isinstance(e, DerivedExposure) else None for e in exposures)
    before: Sequence[ExposureSource] = exposures_of(given)
    if len(before) != len(exposures):
        msg = f"before: {len(before)} exposures, but {len(exposures)} after the step; give one for each"
        raise InputError(msg)
    return tuple(before)


def _exposure_of(one: Any) -> ExposureSource:
    if isinstance(one, Exposure | ExposureFile | DerivedExposure):
        return one
    if isinstance(one, str | Path):
        return open_exposure(home(one))
    if all(hasattr(one, name) for name in ("name", "wcs", "bands", "load")):
        return one  # type: ignore[no-any-return]
    msg = f"{type(one).__name__} is no exposure: give an Exposure, the path of one, or several of them"
    raise InputError(msg)
