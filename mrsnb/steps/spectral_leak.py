"""spectral_leak: take the light of 6.1 micron, seen in second order, out of the spectrum of band 3A."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.references import LeakCorrection
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SpectralLeakParams(CompatParams):
    """Parameters of spectral_leak.

    Examples
    --------
    >>> SpectralLeakParams(skip=True).changed()
    {'skip': True}
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SpectralLeakResult(Result):
    """The spectra, that of band 3A corrected.

    Parameters
    ----------
    spectra : tuple of Spectrum
        In the order given.
    corrected : Spectrum or None
        That of band 3A after the correction; None if nothing was corrected.
    before : Spectrum or None
        That of band 3A before it.
    reason : str
        Why nothing was corrected; empty if something was.

    Examples
    --------
    >>> spectral_leak([spectrum], SpectralLeakParams(), values.mrsptcorr).title
    'spectral_leak: nothing corrected'
    """

    spectra: tuple[Spectrum, ...]
    corrected: Spectrum | None
    before: Spectrum | None
    reason: str = ""

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "spectral_leak: " + ("band 3A" if self.corrected else "nothing corrected")

    def rows(self) -> list[Row]:
        """Return what was taken out, or why nothing was."""
        if self.corrected is None or self.before is None:
            return [Row("status", "SKIPPED", note=self.reason)]
        leak = self.before.flux - self.corrected.flux
        worst = int(np.nanargmax(np.abs(leak)))
        return [
            Row("product", self.corrected.name),
            Row("largest leak", f"{leak[worst]:.3g}", "Jy", f"at {self.corrected.wave[worst]:.3f} micron"),
            Row("share of the flux there", f"{leak[worst] / self.before.flux[worst]:.2%}"),
        ]

    def pictures(self) -> list[Picture]:
        """Return the spectrum before and after, and what was taken out."""
        from mrsnb.display.plots import spectrum_picture

        if self.corrected is None or self.before is None:
            return []
        curves = [("before", self.before.wave, self.before.flux), ("after", self.corrected.wave, self.corrected.flux)]
        leak = ("leak", self.before.wave, self.before.flux - self.corrected.flux)
        return [
            spectrum_picture("Band 3A before and after", curves),
            spectrum_picture("Leak that was subtracted", [leak]),
        ]


def spectral_leak(
    spectra: Sequence[Spectrum], params: SpectralLeakParams, leak: LeakCorrection | None
) -> SpectralLeakResult:
    """Return the spectra, that of band 3A less the leak predicted from band 1B.

    Parameters
    ----------
    spectra : sequence of Spectrum
    params : SpectralLeakParams
    leak : LeakCorrection or None
        Fraction that leaks; None corrects nothing.

    Returns
    -------
    SpectralLeakResult

    Notes
    -----
    ``flux_3A(l) -= flux_1B(l / 2) * fraction(l)``, for point sources, as the spectral_leak step of jwst 3.0.0; with
    ``compat="none"`` the columns of surface brightness are corrected as well.

    Examples
    --------
    >>> result = spectral_leak([spectrum], SpectralLeakParams(), values.mrsptcorr)
    >>> result.reason
    'needs the spectra of bands 1B and 3A'
    """
    start = perf_counter()

    def result(before: Spectrum | None = None, after: Spectrum | None = None, reason: str = "") -> SpectralLeakResult:
        corrected = tuple(after if s is before and after is not None else s for s in spectra)
        seconds = perf_counter() - start
        if reason:
            log.info("spectral_leak: skipped: %s", reason)
        return SpectralLeakResult(
            params=params, seconds=seconds, spectra=corrected, corrected=after, before=before, reason=reason
        )

    if leak is None:
        return result(reason="no reference values")
    if any(s.source_type == "EXTENDED" for s in spectra):
        return result(reason="for point sources only")
    short = next((s for s in spectra if "1B" in [band.name for band in s.bands]), None)
    long = next((s for s in spectra if "3A" in [band.name for band in s.bands]), None)
    if short is None or long is None:
        return result(reason="needs the spectra of bands 1B and 3A")
    columns = dict(long.columns)
    fraction = np.interp(long.wave, leak.wave, leak.fraction)
    for prefix in ("", "RF_"):
        leaked = _leaked(short, long, prefix + "FLUX") * fraction
        columns[prefix + "FLUX"] = columns[prefix + "FLUX"] - leaked
        if params.compat == "none":
            columns[prefix + "SURF_BRIGHT"] = columns[prefix + "SURF_BRIGHT"] - leaked * _ratio(long)
    history = long.history | {
        "parameters": long.history.get("parameters", {}) | {"spectral_leak": params.to_dict()},
    }
    primary = long.primary.updated(S_SPLEAK="COMPLETE", R_MRSPT=leak.source)
    return result(before=long, after=replace(long, columns=columns, history=history, primary=primary))


def _leaked(short: Spectrum, long: Spectrum, column: str) -> NDArray[np.float64]:
    """Return the flux of 1B at half the wavelengths of 3A, from its finite values; NaN if it has none."""
    flux = short.columns[column]
    good = np.isfinite(flux)
    if not good.any():
        return np.full(len(long.wave), np.nan)
    return np.asarray(np.interp(long.wave, 2 * short.wave[good], flux[good]), float)


def _ratio(spectrum: Spectrum) -> NDArray[np.float64]:
    """Return surface brightness over flux: the same at every wavelength of a given aperture area."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = spectrum.columns["SURF_BRIGHT"] / spectrum.columns["FLUX"]
    return np.where(np.isfinite(ratio), ratio, 0.0)
