"""Several spectra made one: a table with the columns of a ``_c1d`` product."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.exposure import frozen
from mrsnb.display import Picture, Row, Shown

COMBINED_COLUMNS = {
    "WAVELENGTH": "um",
    "FLUX": "Jy",
    "ERROR": "Jy",
    "SURF_BRIGHT": "MJy/sr",
    "SB_ERROR": "MJy/sr",
    "DQ": "",
    "WEIGHT": "",
    "N_INPUT": "",
}
"""Columns of a ``_c1d`` table (jwst 3.0.0, ``MultiCombinedSpecModel``) in order, with their units."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CombinedSpectrum(Shown):
    """A spectrum combined from others; a product holds one or more.

    Parameters
    ----------
    name : str
        File name that the product has or would have, e.g. ``"sky_a3001_masterbg1d.fits"``.
    bands : tuple of Band
        The bands it was made of; empty if not known.
    columns : dict of str to ndarray
        One array of shape (n_wave,) for each of `COMBINED_COLUMNS`; ``DQ`` uint32, the rest float64.
    source_type : str
        ``"POINT"``, ``"EXTENDED"`` or empty, as the first input was extracted.
    ra, dec : float
        Sky position of the first input; deg, NaN if not known.
    primary : Cards
        Keywords for the primary header.
    history : dict
        Provenance; plain values.
    """

    name: str
    bands: tuple[Band, ...]
    columns: dict[str, NDArray[Any]]
    source_type: str
    ra: float
    dec: float
    primary: Cards
    history: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in self.columns.values():
            frozen(array)

    @property
    def label(self) -> str:
        """Bands as people say them, e.g. ``"1A"``."""
        return "+".join(band.name for band in self.bands) or "spectrum"

    @property
    def wave(self) -> NDArray[np.float64]:
        """Wavelength, shape (n_wave,), micron."""
        return self.columns["WAVELENGTH"]

    @property
    def surf_bright(self) -> NDArray[np.float64]:
        """Surface brightness, shape (n_wave,), MJy/sr."""
        return self.columns["SURF_BRIGHT"]

    @property
    def sb_error(self) -> NDArray[np.float64]:
        """Error of the surface brightness, shape (n_wave,), MJy/sr."""
        return self.columns["SB_ERROR"]

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Combined spectrum {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        inputs = self.columns["N_INPUT"]
        return [
            Row("band", self.label),
            Row("wavelength", f"{self.wave[0]:.4f} - {self.wave[-1]:.4f}", "micron"),
            Row("wavelengths", str(len(self.wave))),
            Row("inputs", f"{np.min(inputs):.0f} - {np.max(inputs):.0f}", "spectra"),
            Row("median surface brightness", f"{_median(self.surf_bright):.4g}", "MJy/sr"),
        ]

    def pictures(self) -> list[Picture]:
        """Return the plot of surface brightness over wavelength."""
        from mrsnb.display.plots import spectrum_picture

        curves = [(self.label, self.wave, self.surf_bright)]
        return [
            spectrum_picture(
                f"{self.label} combined", curves, err=[self.sb_error], y_label="surface brightness / (MJy/sr)"
            )
        ]

    def __repr__(self) -> str:
        return f"<CombinedSpectrum {self.name} {self.label} {len(self.wave)} wavelengths>"


@dataclass(frozen=True, kw_only=True, eq=False)
class CombinedSpectra(Shown):
    """The spectra of one file.

    Parameters
    ----------
    name : str
        File name.
    spectra : tuple of CombinedSpectrum
        One or more.
    """

    name: str
    spectra: tuple[CombinedSpectrum, ...]

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Combined spectra {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about the one, or one row for each."""
        if len(self.spectra) == 1:
            return self.spectra[0].rows()
        return [
            Row(s.label, f"{s.wave[0]:.4f} - {s.wave[-1]:.4f}", "micron", f"median {_median(s.surf_bright):.4g} MJy/sr")
            for s in self.spectra
        ]

    def pictures(self) -> list[Picture]:
        """Return the plot of all over wavelength."""
        from mrsnb.display.plots import spectrum_picture

        curves = [(s.label, s.wave, s.surf_bright) for s in self.spectra]
        return [spectrum_picture("Combined spectra", curves, y_label="surface brightness / (MJy/sr)")]

    def __repr__(self) -> str:
        return f"<CombinedSpectra {self.name} {', '.join(s.label for s in self.spectra)}>"


def _median(values: NDArray[np.float64]) -> float:
    good = values[np.isfinite(values)]
    return float(np.median(good)) if good.size else float("nan")
