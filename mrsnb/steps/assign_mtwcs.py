"""assign_mtwcs: follow a moving target, so that its exposures fall on one another."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from time import perf_counter
from typing import Any

import numpy as np

from mrsnb.core.exposure import DerivedExposure, ExposureSource
from mrsnb.core.params import param
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.tangent import tangent_matrix, to_sky
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)

Place = tuple[float, float]
"""Right ascension and declination, deg."""


@dataclass(frozen=True, kw_only=True)
class AssignMtwcsParams(CompatParams):
    """Parameters of assign_mtwcs.

    Examples
    --------
    >>> AssignMtwcsParams(save_results=True).changed()
    {'save_results': True}
    """

    save_results: bool = param(False, "Write the exposures with the new WCS.")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AssignMtwcsResult(Result):
    """The exposures, their target in one place.

    Parameters
    ----------
    exposures : tuple of ExposureSource
        In the order given; those given if nothing was changed.
    place : tuple of float or None
        Where the target is now: mean right ascension and declination, deg.
    shifts : tuple of tuple of float
        How far each exposure was moved, to the east and the north, arcsec.
    status : str
        ``"COMPLETE"``, ``"SKIPPED"`` or ``"FAILED"``.
    reason : str
        Why nothing was changed; empty if it was.

    Examples
    --------
    >>> assign_mtwcs(exposures, AssignMtwcsParams()).title
    'assign_mtwcs: nothing changed'
    """

    exposures: tuple[ExposureSource, ...]
    place: Place | None = None
    shifts: tuple[Place, ...] = ()
    status: str = "COMPLETE"
    reason: str = ""

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "assign_mtwcs: " + (f"{len(self.exposures)} exposures" if self.place else "nothing changed")

    def rows(self) -> list[Row]:
        """Return where the target is and how far the exposures moved, or why they did not."""
        if self.place is None:
            return [Row("status", self.status, note=self.reason)]
        moved = [math.hypot(*shift) for shift in self.shifts]
        return [
            Row("target at", f"RA {self.place[0]:.6f}, Dec {self.place[1]:+.6f}", "deg"),
            Row("largest shift", f"{max(moved):.3f}", "arcsec", self.exposures[int(np.argmax(moved))].name),
            Row("exposures", str(len(self.exposures))),
        ]

    def pictures(self) -> list[Picture]:
        """Return how far each exposure moved, numbered in order; nothing if none did."""
        from mrsnb.display.plots import shift_picture

        return [shift_picture("Exposures moved with the target", self.shifts)] if self.shifts else []


def assign_mtwcs(exposures: Sequence[ExposureSource], params: AssignMtwcsParams) -> AssignMtwcsResult:
    """Return the exposures of a moving target with their WCS moved to the target's mean place.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        With MT_RA and MT_DEC, the target's place at the middle of the exposure; those of a target that does not move
        are returned as they are.
    params : AssignMtwcsParams

    Returns
    -------
    AssignMtwcsResult

    Raises
    ------
    InputError
        If some exposures have a moving target and others not, or some were moved before and others not, or an
        exposure does not say where its target is.

    Notes
    -----
    The assign_mtwcs step of jwst 3.0.0 takes the mean of the coordinates (nonsense for targets on both sides of
    right ascension 0) and adds the differences to right ascension and declination, so the field is stretched where
    the declination changes: by 6 mas in 4 arcsec for a target that moves by 4 arcmin at declination 50. It goes on
    without moving anything if a place is missing, and moves exposures that were moved before again. With
    ``compat="none"`` the mean is that of directions, and each exposure is turned on the sphere, so that it looks the
    same from the target, with the same north. Exposures whose WCS is not the official chain are shifted in
    coordinates, the shortest way about.

    Examples
    --------
    >>> result = assign_mtwcs(exposures, AssignMtwcsParams())
    >>> result.status, result.reason
    ('SKIPPED', 'the target does not move')
    """
    start = perf_counter()

    def unchanged(status: str, reason: str) -> AssignMtwcsResult:
        log.log(logging.WARNING if status == "FAILED" else logging.INFO, "assign_mtwcs: %s: %s", status, reason)
        seconds = perf_counter() - start
        return AssignMtwcsResult(
            params=params, seconds=seconds, exposures=tuple(exposures), status=status, reason=reason
        )

    if not exposures or exposures[0].primary.text("TARGTYPE").upper() != "MOVING":
        return unchanged("SKIPPED", "the target does not move")
    as_upstream = params.compat != "none"
    if not as_upstream:
        _check_alike(exposures)
        if exposures[0].primary.text("S_MTWCS") == "COMPLETE":
            return unchanged("SKIPPED", "the exposures follow the target already")
    places = [_place(exposure) for exposure in exposures]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        lacking = ", ".join(e.name for e, place in zip(exposures, places, strict=True) if place is None)
        if as_upstream:
            return unchanged("FAILED", f"no MT_RA, MT_DEC in {lacking}: exposures are not aligned")
        msg = f"{lacking}: TARGTYPE is MOVING, but no MT_RA, MT_DEC; set assign_mtwcs.skip = True to combine as it is"
        raise InputError(msg)
    mean = _coordinate_mean(known) if as_upstream else _mean_direction(known)
    moved = tuple(_moved(e, place, mean, as_upstream) for e, place in zip(exposures, known, strict=True))
    shifts = tuple(
        ((_wrapped(mean[0] - ra)) * math.cos(math.radians(dec)) * 3600, (mean[1] - dec) * 3600) for ra, dec in known
    )
    return AssignMtwcsResult(params=params, seconds=perf_counter() - start, exposures=moved, place=mean, shifts=shifts)


def _check_alike(exposures: Sequence[ExposureSource]) -> None:
    for key, value, what in (
        ("TARGTYPE", "MOVING", "a moving target"),
        ("S_MTWCS", "COMPLETE", "a WCS that follows the target already"),
    ):
        others = [e.name for e in exposures if e.primary.text(key).upper() != value]
        if 0 < len(others) < len(exposures):
            msg = f"{', '.join(others)}: {key} is not {value}, but other exposures have {what}; process them apart"
            raise InputError(msg)


def _place(exposure: ExposureSource) -> Place | None:
    ra, dec = exposure.science.number("MT_RA"), exposure.science.number("MT_DEC")
    return None if ra is None or dec is None else (ra, dec)


def _coordinate_mean(places: Sequence[Place]) -> Place:
    ra, dec = np.array(places).T
    return float(ra.mean()), float(dec.mean())


def _mean_direction(places: Sequence[Place]) -> Place:
    toward = np.sum([tangent_matrix(*place)[2] for place in places], axis=0)
    ra, dec = to_sky(toward)
    return float(ra), float(dec)


def _wrapped(angle: float) -> float:
    """Return an angle in deg between -180 and 180."""
    return (angle + 180.0) % 360.0 - 180.0


def _moved(exposure: ExposureSource, place: Place, mean: Place, as_upstream: bool) -> DerivedExposure:
    turn = None if as_upstream else tangent_matrix(*mean).T @ tangent_matrix(*place)
    d_ra = mean[0] - place[0]
    shift = (d_ra if as_upstream else _wrapped(d_ra), mean[1] - place[1])
    return DerivedExposure(
        source=exposure,
        change=lambda loaded: loaded,
        primary=exposure.primary.updated(S_MTWCS="COMPLETE"),
        science=exposure.science.updated(MT_AVRA=mean[0], MT_AVDEC=mean[1]),
        new_wcs=followed(exposure.wcs, shift, turn),
    )


@singledispatch
def followed(wcs: Any, shift: Place, turn: Any = None) -> Any:
    """Return a WCS moved on the sky.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
    shift : tuple of float
        Added to right ascension and declination, deg.
    turn : ndarray, shape (3, 3), optional
        Turns equatorial directions; takes the place of `shift` where the WCS is an `MrsChain`.

    Examples
    --------
    >>> followed(exposure.wcs, (0.001, 0.0)).sky_shift
    (0.001, 0.0)
    """
    del turn
    return _shifted_gwcs(wcs, shift)


@followed.register
def _(wcs: MrsChain, shift: Place, turn: Any = None) -> MrsChain:
    if turn is not None:
        return replace(wcs, matrix=turn @ wcs.matrix)
    return replace(wcs, sky_shift=(wcs.sky_shift[0] + shift[0], wcs.sky_shift[1] + shift[1]))


def _shifted_gwcs(wcs: Any, shift: Place) -> Any:
    """Return a gwcs.WCS with one more frame, ``moving_target``, as the observatory's package makes it."""
    from copy import deepcopy

    from astropy.modeling.models import Identity, Shift
    from gwcs import WCS

    frame = deepcopy(wcs.output_frame)
    frame.name = "moving_target"
    to_target = Shift(shift[0]) & Shift(shift[1]) & Identity(1)
    steps = [(step.frame, step.transform) for step in wcs.pipeline[:-1]]
    return WCS([*steps, (wcs.output_frame, to_target), (frame, None)])
