"""Keywords that state what became of each step: COMPLETE, SKIPPED or FAILED."""

from collections.abc import Iterable

from mrsnb.core.cards import Card, Cards

STATUS = {
    "assign_mtwcs": ("S_MTWCS", "Assign Moving Target WCS"),
    "master_background": ("S_MSBSUB", "Master Background Subtraction"),
    "mrs_imatch": ("S_MRSMAT", "MIRI MRS Image Matching"),
    "outlier_detection": ("S_OUTLIR", "Outlier Detection"),
    "adaptive_trace_model": ("S_TRCMOD", "Adaptive Trace Model"),
    "pixel_replace": ("S_PXREPL", "Pixel Replacement"),
    "cube_build": ("S_IFUCUB", "IFU Cube Creation"),
    "extract_1d": ("S_EXTR1D", "1-D Spectral Extraction"),
    "spectral_leak": ("S_SPLEAK", "MRS Spectral Leak Correction"),
    "combine_1d": ("S_COMB1D", "1-D Spectral Combination"),
}
"""Keyword and comment of each step."""

_COMMENTS = dict(STATUS.values()) | {
    "ASNTABLE": "Name of the association file",
    "ASNPOOL": "Name of the association's pool",
}


def with_skipped(primary: Cards, steps: Iterable[str]) -> Cards:
    """Return keywords that state these steps as SKIPPED; one that was COMPLETE before this run stays so.

    Examples
    --------
    >>> dict(with_skipped(Cards([Card("S_MSBSUB", "COMPLETE")]), ["master_background", "pixel_replace"]))
    {'S_MSBSUB': 'COMPLETE', 'S_PXREPL': 'SKIPPED'}
    """
    keys = [STATUS[step][0] for step in steps]
    return primary.updated(**{key: "SKIPPED" for key in keys if primary.text(key) != "COMPLETE"})


def commented(primary: Cards) -> Cards:
    """Return keywords, a comment given to those of this module that have none."""
    return Cards([Card(c.key, c.value, c.comment or _COMMENTS.get(c.key, "")) for c in primary.cards()])


def statuses_of(primary: Cards) -> dict[str, str]:
    """Return what the keywords state: step to status, in the order of the steps; level 2's by keyword."""
    ours = {step: primary.text(key) for step, (key, _) in STATUS.items() if key in primary}
    others = {key: primary.text(key) for key in primary if key.startswith("S_") and key not in _COMMENTS}
    return others | ours
