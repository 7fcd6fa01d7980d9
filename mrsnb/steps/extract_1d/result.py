"""What extract_1d returns."""

from dataclasses import dataclass

import numpy as np

from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row
from mrsnb.steps.extract_1d.centre import Centre
from mrsnb.steps.residual_fringe import ResidualFringeResult

_METHODS = {
    "given": "as given",
    "found": "found in the cube",
    "target": "the target's position",
    "middle": "the middle of the cube",
    "region": "the region's",
    "field": "the whole field",
}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Extract1dResult(Result):
    """The spectra, in the order of the cubes.

    Parameters
    ----------
    spectra : tuple of Spectrum
    centres : tuple of Centre
        Where each was extracted, and why there.
    fringes : tuple of ResidualFringeResult or None
        The residual fringes of each; None where they were not looked for.

    Examples
    --------
    >>> from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
    >>> result = extract_1d(cube, Extract1dParams(), values.extract1d, values.apcorr)
    >>> result.title, result.centres[0].method
    ('extract_1d: 1A', 'target')
    """

    spectra: tuple[Spectrum, ...]
    centres: tuple[Centre, ...] = ()
    fringes: tuple[ResidualFringeResult | None, ...] = ()

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "extract_1d: " + ", ".join(spectrum.label for spectrum in self.spectra)

    def rows(self) -> list[Row]:
        """Return one row a spectrum; all there is to say if there is only one."""
        if len(self.spectra) == 1:
            own = [Row("product", self.spectra[0].name), *self.spectra[0].rows()]
            return [*own, *[_centre_row(c) for c in self.centres], *[_fringe_row(f) for f in self.fringes]]
        return [
            Row(s.label, f"{s.wave[0]:.3f} - {s.wave[-1]:.3f}", "micron", f"{s.source_type}, {s.name}")
            for s in self.spectra
        ]

    def pictures(self) -> list[Picture]:
        """Return all spectra in one plot."""
        from mrsnb.display.plots import spectrum_picture

        if len(self.spectra) == 1:
            return self.spectra[0].pictures()
        return [spectrum_picture("Spectrum", [(s.label, s.wave, s.flux) for s in self.spectra])]


def _centre_row(centre: Centre) -> Row:
    strength = f"signal to noise {centre.signal_to_noise:.0f}" if centre.signal_to_noise > 0 else ""
    return Row("centred by", _METHODS[centre.method], note=centre.reason or strength)


def _fringe_row(fringes: ResidualFringeResult | None) -> Row:
    if fringes is None:
        return Row("residual fringes", "not corrected")
    if fringes.reason:
        return Row("residual fringes", "unchanged", note=fringes.reason)
    return Row("residual fringes", f"{np.std(fringes.fringe):.2%}", "rms", "corrected in the RF_ columns")
