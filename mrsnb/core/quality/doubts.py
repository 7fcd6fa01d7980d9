"""What is doubtful about a run, known while it runs: of the exposures it takes, and of each product it makes.

The checks are those of reports, as far as they cost little; what is not good travels with the product.
"""

from collections import Counter
from collections.abc import Sequence
from math import cos, radians
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
from mrsnb.core.quality.check import Check, Words, doubts_of, judged, named
from mrsnb.core.quality.cubes import CubeFigures, sampled_figures
from mrsnb.core.quality.observed import Observed
from mrsnb.core.quality.of_cubes import cube_checks
from mrsnb.core.quality.of_sets import one_observation, saturation
from mrsnb.core.quality.of_spectra import spectrum_checks
from mrsnb.core.quality.spectra import spectrum_figures
from mrsnb.core.spectrum import Spectrum

LINK = 8.0
"""arcsec: exposures further apart than the largest field is wide see nothing in common."""
_OF_CUBES = ("sky",)
_OF_SPECTRA = (
    "aperture outside the field",
    "source from the edge",
    "dithers at the source",
    "aperture for few dithers",
    "negative flux",
)
"""Checks of products that are worth a warning, rather than a line of a report."""

_POSITIONS = Words(
    "positions of the exposures",
    "Whether all exposures see the same piece of sky, or pieces that touch.",
    "A cube of pieces that do not touch is large and mostly empty: make an association for each position.",
)
_SETTINGS = Words(
    "settings of the exposures",
    "Whether every band has as many exposures, all with standard or all with crossed gratings.",
    "Look whether the association lacks exposures, or has some of another observation.",
)


class Input(NamedTuple):
    """What one exposure says, and how much of it is saturated."""

    said: Observed
    bands: tuple[Band, ...]
    position: tuple[float, float] | None
    """Right ascension and declination, deg; None if not stated, or if the target moves."""
    saturated: float
    """Share of its pixels."""


def input_doubts(inputs: Sequence[Input]) -> tuple[Check, ...]:
    """Return what is doubtful about the exposures of an association.

    Parameters
    ----------
    inputs : sequence of Input
        One for each exposure.
    """
    return doubts_of(
        [
            one_observation([each.said for each in inputs]),
            _positions(inputs),
            _settings(inputs),
            saturation({each.said.file: each.saturated for each in inputs}),
        ]
    )


def cube_doubts(cube: Cube) -> tuple[CubeFigures, tuple[Check, ...]]:
    """Return what a few planes of a cube tell, and what is doubtful about it."""
    figures = sampled_figures(cube)
    return figures, _named(cube_checks({cube.label: figures}, {}), _OF_CUBES)


def spectrum_doubts(figures: CubeFigures, spectrum: Spectrum) -> tuple[Check, ...]:
    """Return what is doubtful about a spectrum, and about its aperture in the cube that these figures are of."""
    measured = {spectrum.label: spectrum_figures(spectrum, with_fringes=False)}
    checks = [*cube_checks({spectrum.label: figures}, measured), *spectrum_checks(measured, [])]
    return _named(checks, _OF_SPECTRA)


def _named(checks: Sequence[Check], names: Sequence[str]) -> tuple[Check, ...]:
    return doubts_of(check for check in checks if check.name in names)


def _positions(inputs: Sequence[Input]) -> Check:
    limit = f"each within {LINK:g} arcsec of another"
    known = [each for each in inputs if each.position is not None]
    if not known:
        return judged(_POSITIONS, "-", limit, "not known")
    sky = np.array([each.position for each in known], dtype=float)
    groups = _groups(sky)
    if len(groups) == 1:
        return judged(_POSITIONS, "together", limit, "good")
    first = [known[group[0]].said.file for group in groups]
    apart = float(_distances(sky, sky[groups[0][0]]).max())
    value = f"{len(groups)} groups, up to {apart:.3g} arcsec apart, such as {named(first)}"
    return judged(_POSITIONS, value, limit, "warning")


def _groups(sky: NDArray[np.float64]) -> list[list[int]]:
    """Return the places of positions that chains of less than `LINK` join."""
    left, groups = np.ones(len(sky), bool), []
    while left.any():
        group = waiting = [int(np.argmax(left))]
        left[group] = False
        while waiting:
            near = left & np.any([_distances(sky, sky[i]) <= LINK for i in waiting], axis=0)
            left[near] = False
            waiting = [int(i) for i in np.flatnonzero(near)]
            group = [*group, *waiting]
        groups.append(group)
    return groups


def _distances(sky: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far positions are from a place, arcsec; what is far is only told to be far."""
    east = ((sky[:, 0] - place[0] + 180.0) % 360.0 - 180.0) * cos(radians(place[1]))
    return np.asarray(3600.0 * np.hypot(east, sky[:, 1] - place[1]))


def _settings(inputs: Sequence[Input]) -> Check:
    limit = "as many of each band, one kind of setting"
    counts = Counter(band for each in inputs for band in each.bands)
    if not counts:
        return judged(_SETTINGS, "-", limit, "not known")
    parts = []
    most = max(counts.values())
    fewer = sorted(band.name for band, count in counts.items() if count < most)
    if fewer:
        parts.append(f"{min(counts.values())} to {most} exposures of a band, fewer in {named(fewer)}")
    kinds = sorted({band.sub_band.upper() for band in counts})
    if len({"-" in kind for kind in kinds}) > 1:
        parts.append(f"standard and crossed settings: {', '.join(kinds)}")
    return judged(_SETTINGS, "; ".join(parts) or f"{most} of each band", limit, "warning" if parts else "good")
