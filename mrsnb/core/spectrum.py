"""An extracted spectrum with the columns of an ``_x1d`` product."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.exposure import frozen
from mrsnb.display import Picture, Row, Shown

COLUMNS = {
    "WAVELENGTH": "um",
    "FLUX": "Jy",
    "FLUX_ERROR": "Jy",
    "FLUX_VAR_POISSON": "Jy^2",
    "FLUX_VAR_RNOISE": "Jy^2",
    "FLUX_VAR_FLAT": "Jy^2",
    "SURF_BRIGHT": "MJy/sr",
    "SB_ERROR": "MJy/sr",
    "SB_VAR_POISSON": "(MJy/sr)^2",
    "SB_VAR_RNOISE": "(MJy/sr)^2",
    "SB_VAR_FLAT": "(MJy/sr)^2",
    "DQ": "",
    "BACKGROUND": "MJy/sr",
    "BKGD_ERROR": "MJy/sr",
    "BKGD_VAR_POISSON": "(MJy/sr)^2",
    "BKGD_VAR_RNOISE": "(MJy/sr)^2",
    "BKGD_VAR_FLAT": "(MJy/sr)^2",
    "NPIXELS": "",
    "RF_FLUX": "Jy",
    "RF_SURF_BRIGHT": "MJy/sr",
    "RF_BACKGROUND": "MJy/sr",
}
"""Columns of an MRS ``_x1d`` table (jwst 3.0.0, ``MRSMultiSpecModel``) in order, with their units."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum(Shown):
    """A spectrum of one band.

    Parameters
    ----------
    name : str
        File name that the product has or would have, e.g. ``"target_ch1-short_x1d.fits"``.
    bands : tuple of Band
        The bands it was made of.
    columns : dict of str to ndarray
        One array of shape (n_wave,) for each of `COLUMNS`; ``DQ`` uint32, the rest float64. The RF_ columns are NaN
        where no residual-fringe correction was made.
    source_type : str
        ``"POINT"`` or ``"EXTENDED"``, as extracted.
    position : tuple of float
        Centre of the aperture in spaxels, 0-based ``(x, y)``.
    ra, dec : float
        Sky position that SLIT_RA, SLIT_DEC state; deg.
    primary, science : Cards
        Keywords for the primary and EXTRACT1D headers.
    history : dict
        Provenance: software, parameters, inputs, references; plain values.
    """

    name: str
    bands: tuple[Band, ...]
    columns: dict[str, NDArray[Any]]
    source_type: str
    position: tuple[float, float]
    ra: float
    dec: float
    primary: Cards
    science: Cards
    history: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in self.columns.values():
            frozen(array)

    @property
    def label(self) -> str:
        """Bands as people say them, e.g. ``"1A"``."""
        return "+".join(band.name for band in self.bands)

    @property
    def wave(self) -> NDArray[np.float64]:
        """Wavelength, shape (n_wave,), micron."""
        return self.columns["WAVELENGTH"]

    @property
    def flux(self) -> NDArray[np.float64]:
        """Flux density, shape (n_wave,), Jy."""
        return self.columns["FLUX"]

    @property
    def err(self) -> NDArray[np.float64]:
        """Error of the flux density, shape (n_wave,), Jy."""
        return self.columns["FLUX_ERROR"]

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Spectrum {self.name}"

    def to_specutils(self, column: str = "FLUX") -> Any:
        """Return a column as a ``specutils.Spectrum`` (version 2 or later, which is optional).

        Wavelengths are in micron, uncertainties standard deviations; what DQ forbids to use and what is NaN is
        masked; ``meta`` holds the keywords, the name, and the place on the sky.

        Parameters
        ----------
        column : str
            ``"FLUX"``, ``"SURF_BRIGHT"``, ``"RF_FLUX"``, ...

        Raises
        ------
        InputError
            If there is no such column or it is all NaN, or specutils is missing.
        """
        from mrsnb.core.specutils_bridge import to_specutils

        return to_specutils(self, column)

    @classmethod
    def from_specutils(cls, spectrum: Any, name: str | None = None) -> "Spectrum":
        """Return the spectrum that a ``specutils.Spectrum`` holds, in Jy or MJy/sr; columns that it lacks are NaN.

        Masked samples get the flag DO_NOT_USE. The bands are those of the keywords CHANNEL and BAND if ``meta`` has
        them, or else those whose middle the wavelengths reach.

        Parameters
        ----------
        spectrum : specutils.Spectrum
            Of one dimension, in any unit of flux density or surface brightness.
        name : str, optional
            File name of the product; what ``meta`` says if None.

        Raises
        ------
        InputError
            If it is of more dimensions, or in a unit that is no flux.
        """
        from mrsnb.core.specutils_bridge import from_specutils

        return from_specutils(spectrum, name)

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        good = np.isfinite(self.flux) & (self.columns["DQ"] == 0)
        median = f"{np.median(self.flux[good]):.4g}" if good.any() else "-"
        return [
            Row("band", self.label),
            Row("wavelength", f"{self.wave[0]:.4f} - {self.wave[-1]:.4f}", "micron"),
            Row("extracted as", self.source_type),
            Row("centre", f"x {self.position[0]:.2f}, y {self.position[1]:.2f}", "spaxel"),
            Row("median flux", median, "Jy"),
            Row("good wavelengths", f"{int(good.sum())} of {len(good)}"),
        ]

    def pictures(self) -> list[Picture]:
        """Return the plot of flux over wavelength."""
        from mrsnb.core.lines import lines_between
        from mrsnb.display.plots import spectrum_picture

        marks = [(line.wave, line.name) for line in lines_between(self.wave[0], self.wave[-1])]
        curves = [(self.label, self.wave, self.flux)]
        return [spectrum_picture(f"{self.label} spectrum", curves, err=[self.err], marks=marks)]

    def __repr__(self) -> str:
        return f"<Spectrum {self.name} {self.label} {len(self.wave)} wavelengths>"
