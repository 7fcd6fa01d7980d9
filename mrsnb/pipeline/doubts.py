"""What is doubtful about a run, and how it gets into the provenance of its products."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mrsnb.core.quality.check import Check, doubts_of, recorded_doubts, stated_doubts
from mrsnb.core.quality.doubts import Input, input_doubts
from mrsnb.core.quality.observed import observed, saturated_share
from mrsnb.io.exposures import ExposureFile
from mrsnb.kernels.threads import ahead
from mrsnb.pipeline.result import ProductSummary


def with_doubts(history: Mapping[str, Any], checks: Iterable[Check]) -> dict[str, Any]:
    """Return a provenance that states these checks, as far as they are not good, beside those that it states."""
    return {**history, "warnings": recorded_doubts([*stated_doubts(history), *checks])}


def doubts_about(exposures: Sequence[ExposureFile]) -> tuple[Check, ...]:
    """Return what is doubtful about the exposures of an association; of their arrays, only DQ is read.

    Raises
    ------
    InputError
        If a DQ image cannot be read.
    """
    return input_doubts([_input(exposure, share) for exposure, share in ahead(_saturated, exposures)])


def doubts_in(history: Mapping[str, Any], products: Sequence[ProductSummary]) -> tuple[Check, ...]:
    """Return all that is doubtful about a run: what its provenance states, and what was found of its products."""
    return doubts_of([*stated_doubts(history), *(check for each in products for check in each.warnings)])


def _saturated(exposure: ExposureFile) -> float:
    return saturated_share(exposure.flags())


def _input(exposure: ExposureFile, saturated: float) -> Input:
    ra, dec = exposure.science.number("RA_REF"), exposure.science.number("DEC_REF")
    unknown = ra is None or dec is None or exposure.is_moving
    said = observed(exposure.name, exposure.primary)
    return Input(said, exposure.bands, None if unknown else (float(ra or 0), float(dec or 0)), saturated)
