"""What residual_fringe returns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.results import Result
from mrsnb.display import Picture, Row

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FamilyFit:
    """What was found of one family of fringes.

    Parameters
    ----------
    name : str
        ``"detector"`` or ``"dichroic"``.
    period : ndarray
        Shape (n,), cm^-1; strongest first, as they were found.
    amplitude : ndarray
        Shape (n,), share of the continuum.
    reason : str
        Why nothing was corrected; empty if something was.

    Examples
    --------
    >>> fit = FamilyFit(name="detector", period=np.array([2.9]), amplitude=np.array([0.02]))
    >>> f"{fit.name}: {fit.amplitude[0]:.0%} with a period of {fit.period[0]} cm^-1"
    'detector: 2% with a period of 2.9 cm^-1'
    """

    name: str
    period: Array
    amplitude: Array
    reason: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ResidualFringeResult(Result):
    """A spectrum without its residual fringes.

    Parameters
    ----------
    wave : ndarray
        Shape (n_wave,), micron.
    before, flux : ndarray or Quantity
        The spectrum as given, and corrected; shape (n_wave,), with the unit it came with.
    fringe : ndarray
        What it was divided by, shape (n_wave,); 1 where nothing was corrected.
    families : tuple of FamilyFit

    Examples
    --------
    >>> from mrsnb.steps.residual_fringe import residual_fringe_1d
    >>> residual_fringe_1d(spectrum.wave, spectrum.flux, channel=1).title
    'residual_fringe: nothing corrected'
    """

    wave: Array
    before: Any
    flux: Any
    fringe: Array
    families: tuple[FamilyFit, ...]

    @property
    def reason(self) -> str:
        """Why nothing was corrected; empty if something was."""
        reasons = [f"{fit.name}: {fit.reason}" for fit in self.families]
        return "" if any(not fit.reason for fit in self.families) else "; ".join(reasons)

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "residual_fringe: " + ("nothing corrected" if self.reason else "corrected")

    def rows(self) -> list[Row]:
        """Return the periods found, or why nothing was corrected."""
        rows = []
        for fit in self.families:
            periods = ", ".join(f"{period:.3f}" for period in fit.period)
            note = fit.reason or f"amplitudes {', '.join(f'{a:.2%}' for a in fit.amplitude)}"
            rows.append(Row(f"{fit.name} fringes", periods or "-", "cm^-1", note))
        return [*rows, Row("correction", f"{np.std(self.fringe):.2%}", "rms")]

    def pictures(self) -> list[Picture]:
        """Return the spectrum before and after, and what it was divided by."""
        from mrsnb.display.plots import spectrum_picture

        before, after = (np.asarray(getattr(flux, "value", flux)) for flux in (self.before, self.flux))
        curves = [("before", self.wave, before), ("after", self.wave, after)]
        if self.reason:
            return [spectrum_picture("Spectrum, nothing corrected", curves[:1], y_label="flux")]
        fringe = ("fringe", self.wave, 100 * (self.fringe - 1))
        return [
            spectrum_picture("Spectrum before and after", curves, y_label="flux"),
            spectrum_picture("Fringes that were divided out", [fringe], y_label="share of the flux / %"),
        ]
