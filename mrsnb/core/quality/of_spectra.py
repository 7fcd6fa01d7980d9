"""Checks of spectra: signal, errors, flagged wavelengths, negative flux, fringes, jumps between bands, coverage.

Each limit is beyond what was measured on clean data; see `mrsnb.core.quality.of_cubes`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite

from mrsnb.core.bands import ALL_BANDS
from mrsnb.core.quality.check import Check, Limits, Verdict, Words, graded, judged, named
from mrsnb.core.quality.spectra import Jump, SpectrumFigures

SIGNAL = Limits(10.0, 3.0, low=True)
"""Median flux over error: below 10 the continuum is noisy, below 3 it is not detected at single wavelengths."""
NOISE = Limits(5.0, 20.0, "times the error")
"""Scatter over stated error. Clean: 1.6 to 3.2, as neighbouring voxels share pixels; with cosmic rays left in:
7 to 17."""
UNUSABLE = Limits(0.01, 0.1, "%")
"""Share of the wavelengths. Clean: none."""
NEGATIVE = Limits(0.0, 0.1, "%")
"""Share of the band. Clean: none."""
FRINGES = Limits(0.015, 0.05, "%")
"""Amplitude. Clean: none found; after the official corrections below 1.5 % (Argyriou et al. 2023, A&A 675, A111)."""
JUMP = Limits(0.05, 0.15, "%")
"""Difference in an overlap. Clean: at most 0.8 %; the absolute calibration was 5.6 % (Argyriou et al. 2023)."""
SURE = 3.0
"""Errors that a jump must have to count."""

_SIGNAL = Words(
    "signal to noise",
    "Median over the band of flux over the stated error.",
    "The continuum is faint: average wavelengths, or look whether the aperture is on the source"
    " (extract_1d.ifu_autocen, center_xy).",
)
_NOISE = Words(
    "scatter and stated error",
    "How much the spectrum scatters from one wavelength to the next, compared with its error.",
    "Errors are too small (raise extract_1d.ifu_covar_scale), or cosmic rays are left:"
    " outlier_detection.method=model, skip=false.",
)
_UNUSABLE = Words(
    "flagged wavelengths",
    "Wavelengths of the spectrum without flux, or with a flag.",
    "The aperture has spaxels without data: see the holes, set pixel_replace.skip=false.",
)
_NEGATIVE = Words(
    "negative flux",
    "How much of the spectrum is below zero by more than the noise allows.",
    "Too much was subtracted: set extract_1d.subtract_background=false, or master_background.skip=true.",
)
_FRINGES = Words(
    "residual fringes",
    "Amplitude of the fringes of the detector that are left in the spectrum.",
    "Set extract_1d.ifu_rfcorr=true and use the column RF_FLUX, or run residual_fringe in level 2.",
)
_JUMPS = Words(
    "jumps between bands",
    "Difference of neighbouring bands where they overlap (extended sources: of surface brightness).",
    "Use one aperture in all bands (extract_1d.center_xy from one of them, extract_1d.ifu_rscale), check the background"
    " or scale them: mrsnb.core.stitch.band_scales.",
)
_COVERAGE = Words(
    "wavelength coverage",
    "Which bands there are, and where wavelengths are missing between them.",
    "Products of some bands are missing: look for them, or for exposures that the association lacks.",
)


def spectrum_checks(spectra: Mapping[str, SpectrumFigures], jumps: Sequence[Jump]) -> list[Check]:
    """Return what spectra are worth.

    Parameters
    ----------
    spectra : mapping of str to SpectrumFigures
        By band.
    jumps : sequence of Jump
        Between them.
    """
    return [
        graded(_SIGNAL, {band: s.signal_to_noise for band, s in spectra.items()}, SIGNAL),
        graded(_NOISE, {band: s.noise_ratio for band, s in spectra.items()}, NOISE),
        graded(_UNUSABLE, {band: s.unusable for band, s in spectra.items()}, UNUSABLE),
        graded(_NEGATIVE, {band: s.negative for band, s in spectra.items()}, NEGATIVE),
        _fringes(spectra),
        _jumps(jumps),
    ]


def coverage_check(bands: Sequence[str]) -> Check:
    """Return whether bands are missing.

    An observation has every channel in every setting that it used; a band that would complete that is missing. Other
    gaps are how it was observed.

    Parameters
    ----------
    bands : sequence of str
        Such as ``"1A"``; names that are no single band are not judged.
    """
    limit = "every channel in every setting"
    here = [band for band in ALL_BANDS if band.name in bands]
    if not here:
        return judged(_COVERAGE, "-", limit, "not known")
    channels, settings = {b.name[0] for b in here}, {b.name[1] for b in here}
    missing = [b.name for b in ALL_BANDS if b.name[0] in channels and b.name[1] in settings and b not in here]
    gaps = [
        f"{a.wave_range[1]:.2f} - {b.wave_range[0]:.2f}" for a, b in pairwise(here) if b.wave_range[0] > _reach(a.name)
    ]
    value = f"{here[0].wave_range[0]:.2f} - {here[-1].wave_range[1]:.2f} micron, {len(here)} of 12 bands"
    value += f"; missing {named(missing)}" if missing else ""
    value += f"; gaps {', '.join(gaps)}" if gaps else ""
    return judged(_COVERAGE, value, limit, "warning" if missing else "good", missing)


def _reach(name: str) -> float:
    """Return where the band after the one of this name begins, at most."""
    names = [band.name for band in ALL_BANDS]
    after = names[min(names.index(name) + 1, len(names) - 1)]
    return next(band for band in ALL_BANDS if band.name == after).wave_range[0]


def _fringes(spectra: Mapping[str, SpectrumFigures]) -> Check:
    check = graded(_FRINGES, {band: s.fringes for band, s in spectra.items()}, FRINGES)
    before = [s.fringes_before for s in spectra.values() if isfinite(s.fringes_before)]
    value = "none found" if check.value.startswith("0 %") else check.value
    value += f"; before the correction {FRINGES.text(max(before))}" if before and max(before) > 0 else ""
    return judged(_FRINGES, value, check.limit, check.verdict, check.bands)


def _jumps(jumps: Sequence[Jump]) -> Check:
    limit = f"{JUMP.told}, or {SURE:g} errors"
    known = [jump for jump in jumps if isfinite(jump.size) and isfinite(jump.error)]
    if not known:
        return judged(_JUMPS, "-", limit, "not known")
    sure = [jump for jump in known if abs(jump.size) > SURE * jump.error]
    worst = max(sure or known, key=lambda jump: abs(jump.size))
    verdict: Verdict = JUMP.verdict(abs(worst.size)) if sure else "good"
    beyond = tuple(jump.bands for jump in sure if JUMP.verdict(abs(jump.size)) != "good")
    value = f"{100 * worst.size:+.2g} ± {100 * worst.error:.1g} % at {worst.bands}"
    value += f"; beyond the limit at {named(beyond)}" if len(beyond) > 1 else ""
    return judged(_JUMPS, value, limit, verdict, beyond)
