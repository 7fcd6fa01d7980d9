"""Checks of what belongs together: one observation, enough exposures, steps that ran, files that can be read."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import cos, hypot, isfinite, radians

from mrsnb.core.blend import spaxel_sky
from mrsnb.core.quality.check import Check, Limits, Verdict, Words, graded, judged, named
from mrsnb.core.quality.cubes import CubeFigures
from mrsnb.core.quality.observed import ExposureFigures, Observed
from mrsnb.core.quality.spectra import SpectrumFigures

APART = Limits(0.5, 2.0, "arcsec")
"""Distance of the apertures of two bands. Clean: at most 0.35 arcsec; bands are aligned to 0.1 arcsec."""
DITHERS = 2
"""Exposures of a band at least, to tell cosmic rays from light. Law et al. 2023 (AJ 166, 45) advise four."""
OUTLIERS = Limits(0.03, 0.15, "%")
"""Share of the pixels of an exposure. Clean: 0.1 to 1.2 %; with more, light of the source is flagged."""
SATURATED = Limits(0.001, 0.02, "%")
"""Share of the pixels of an exposure. Clean: none."""
_DAYS = 30
"""Between observations, after which background and throughput differ."""

_FILES = Words(
    "files",
    "Whether all cubes, spectra and exposures here can be read.",
    "Fetch or make again those that the list below names.",
)
_ONE = Words(
    "one observation",
    "Whether all is of one target, one program, one time and one version of the software.",
    "What is of different observations or versions should not be joined: make an association of each, keep its products"
    " in a folder of its own.",
)
_PLACE = Words(
    "apertures of all bands",
    "How far the apertures of the bands are from each other on the sky.",
    "Give all bands one place: extract_1d.center_xy, or skip extract_1d.ifu_autocen for faint ones.",
)
_DITHER = Words(
    "exposures of each band",
    "How many exposures (dithers) made each cube.",
    "With one exposure, cosmic rays stay and the PSF is undersampled: use larger apertures, beware of single peaks.",
)
_OUTLIER = Words(
    "outliers",
    "Share of the pixels that outlier_detection flagged in an exposure.",
    "Where it is skipped or failed, cosmic rays stay; where too much is flagged, light of the source is lost: "
    "outlier_detection.method=model, or less strict limits.",
)
_SATURATION = Words(
    "saturated pixels",
    "Share of the pixels of an exposure that are saturated.",
    "The flux of the brightest spaxels is too low: leave them out, or observe with fewer groups.",
)


def set_checks(
    products: Sequence[Observed],
    cubes: Mapping[str, CubeFigures],
    spectra: Mapping[str, SpectrumFigures],
    exposures: Sequence[ExposureFigures],
    unreadable: Sequence[str],
) -> list[Check]:
    """Return what a set of products is worth as a whole.

    Parameters
    ----------
    products : sequence of Observed
        What each file says.
    cubes, spectra : mapping of str to figures
        By band.
    exposures : sequence of ExposureFigures
        Of ``_crf`` files beside the products, as far as there are any.
    unreadable : sequence of str
        Names of files that should be products and cannot be read.
    """
    return [
        _files(products, unreadable),
        one_observation(products),
        _place(cubes, spectra),
        _dithers(products),
        _outliers(products, exposures),
        saturation({e.name: e.saturated for e in exposures}),
    ]


def _files(products: Sequence[Observed], unreadable: Sequence[str]) -> Check:
    value = f"{len(products)} read"
    value += f", not {named(tuple(unreadable))}" if unreadable else ""
    return judged(_FILES, value, "all", "bad" if unreadable else "good" if products else "not known")


def one_observation(products: Sequence[Observed]) -> Check:
    """Return whether all is of one target, one program, one time and one version of the software."""
    limit = f"one target and program, within {_DAYS} days"
    parts: list[str] = []
    verdict: Verdict = "good" if products else "not known"
    for what, values, weight in (
        ("targets", {p.target for p in products}, "bad"),
        ("programs", {p.program for p in products}, "warning"),
        ("versions", {p.software for p in products}, "warning"),
    ):
        said = sorted(value for value in values if value)
        if len(said) > 1:
            parts.append(f"{len(said)} {what}: {named(said)}")
            verdict = "bad" if "bad" in (weight, verdict) else "warning"
    days = sorted(found for p in products if (found := _day(p.date)) is not None)
    if days and (days[-1] - days[0]).days > _DAYS:
        parts.append(f"{(days[-1] - days[0]).days} days apart")
        verdict = "bad" if verdict == "bad" else "warning"
    targets = sorted({p.target for p in products if p.target})
    return judged(_ONE, "; ".join(parts) or (targets[0] if targets else "-"), limit, verdict)


def saturation(shares: Mapping[str, float]) -> Check:
    """Return whether exposures are saturated, of the share of the pixels of each."""
    return graded(_SATURATION, shares, SATURATED)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _place(cubes: Mapping[str, CubeFigures], spectra: Mapping[str, SpectrumFigures]) -> Check:
    places = {}
    for band, spectrum in spectra.items():
        if band in cubes and spectrum.source_type != "EXTENDED" and all(map(isfinite, spectrum.position)):
            places[band] = spaxel_sky(cubes[band].grid, *spectrum.position)
    apart: dict[str, float] = {}
    if len(places) > 1:
        ra, dec = sorted(places.values())[len(places) // 2]
        for band, (its_ra, its_dec) in places.items():
            east = ((its_ra - ra + 180.0) % 360.0 - 180.0) * cos(radians(dec))
            apart[band] = 3600.0 * hypot(east, its_dec - dec)
    return graded(_PLACE, apart, APART)


def _dithers(products: Sequence[Observed]) -> Check:
    counts = {p.file: p.exposures for p in products if p.exposures is not None}
    limit = f"at least {DITHERS}, better 4"
    if not counts:
        return judged(_DITHER, "-", limit, "not known")
    least, most = min(counts.values()), max(counts.values())
    value = str(least) if least == most else f"{least} - {most}"
    return judged(_DITHER, value, limit, "warning" if least < DITHERS else "good")


def _outliers(products: Sequence[Observed], exposures: Sequence[ExposureFigures]) -> Check:
    statuses = {p.outliers for p in products if p.outliers}
    for status in ("FAILED", "SKIPPED"):
        if status in statuses:
            return judged(_OUTLIER, f"outlier_detection: {status}", OUTLIERS.told, "warning")
    check = graded(_OUTLIER, {e.name: e.outliers for e in exposures}, OUTLIERS)
    if check.verdict == "not known" and statuses:
        return judged(_OUTLIER, "found; how many is not known without _crf files", OUTLIERS.told, "good")
    return check
