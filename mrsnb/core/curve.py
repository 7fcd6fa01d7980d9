"""A spectrum of any origin as it is drawn and measured: wavelengths, and quantities with errors and units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import frozen
from mrsnb.core.flux_units import unit_factor
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row, Shown
from mrsnb.errors import InputError

Array = NDArray[np.float64]
_ERRORS = {
    "FLUX": "FLUX_ERROR",
    "SURF_BRIGHT": "SB_ERROR",
    "RF_FLUX": "FLUX_ERROR",
    "RF_SURF_BRIGHT": "SB_ERROR",
    "BACKGROUND": "BKGD_ERROR",
    "RF_BACKGROUND": "BKGD_ERROR",
}
_COMBINED_ERRORS = {"FLUX": "ERROR", "SURF_BRIGHT": "SB_ERROR"}


class Column(NamedTuple):
    """One quantity over wavelength: values and errors (or None) of shape (n_wave,), and their unit."""

    flux: Array
    err: Array | None
    unit: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve(Shown):
    """One spectrum to draw, in order of wavelength.

    Parameters
    ----------
    label : str
        What people call it, e.g. ``"1A"``.
    wave : ndarray
        Shape (n_wave,), micron, finite and rising; may be empty.
    columns : mapping of str to Column
        What was measured, by the name of the column: ``"FLUX"``, ``"SURF_BRIGHT"``, ``"RF_FLUX"``, ...
    dq : ndarray
        Shape (n_wave,), uint32.
    area : ndarray, optional
        Solid angle of the aperture, shape (n_wave,), sr; None if not known.
    name : str
        Of the file or the target.
    source : object, optional
        What it was made of.
    """

    label: str
    wave: Array
    columns: Mapping[str, Column]
    dq: NDArray[np.uint32]
    area: Array | None = None
    name: str = ""
    source: Any = None

    def __post_init__(self) -> None:
        for array in (self.wave, self.dq):
            frozen(array)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Spectrum {self.name or self.label}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        ends = f"{self.wave[0]:.4f} - {self.wave[-1]:.4f}" if self.wave.size else "-"
        errors = {key: "with" if column.err is not None else "without" for key, column in self.columns.items()}
        return [
            Row("wavelength", ends, "micron", f"{self.wave.size} samples"),
            *(Row(key.lower(), column.unit, note=f"{errors[key]} errors") for key, column in self.columns.items()),
            Row("usable", f"{int(self.usable.sum())} of {self.wave.size}"),
        ]

    def pictures(self) -> list[Picture]:
        """Return the plot of the first column over wavelength."""
        from mrsnb.display.plots import spectrum_picture

        if not self.wave.size or not self.columns:
            return []
        column = next(iter(self.columns.values()))
        curves = [(self.label, self.wave, column.flux)]
        return [spectrum_picture(self.title, curves, err=[column.err], y_label=column.unit)]

    def __repr__(self) -> str:
        return f"<Curve {self.label} {self.wave.size} wavelengths>"

    @property
    def usable(self) -> NDArray[np.bool_]:
        """True where no flag forbids the use, shape (n_wave,)."""
        return ~flagged(self.dq, int(DQ.DO_NOT_USE))

    def values(self, column: str, unit: str | None = None) -> tuple[Array, Array | None]:
        """Return a column and its errors, shape (n_wave,) each, in a unit (its own if None).

        Raises
        ------
        InputError
            If there is no such column, or the unit cannot be had.
        """
        if column not in self.columns:
            msg = f"{self.label}: no column {column!r}; it has {', '.join(self.columns) or 'none'}"
            raise InputError(msg)
        flux, err, own = self.columns[column]
        if unit is None or unit == own:
            return flux, err
        factor = unit_factor(self.wave, own, unit, self.area, self.label)
        return flux * factor, None if err is None else err * factor


def make_curve(
    label: str,
    wave: ArrayLike,
    columns: Mapping[str, tuple[ArrayLike, ArrayLike | None, str]],
    *,
    dq: ArrayLike | None = None,
    area: ArrayLike | None = None,
    name: str = "",
    source: Any = None,
) -> Curve:
    """Return a `Curve` of arrays in any order: sorted by wavelength, samples without a wavelength left out.

    Columns without a finite value are left out as well, unless all are; infinite values become NaN.
    """
    waves = np.atleast_1d(np.asarray(wave, dtype=float))
    order = np.argsort(waves, kind="stable")[: int(np.isfinite(waves).sum())]

    def sorted_by_wave(values: ArrayLike) -> Array:
        array = np.broadcast_to(np.asarray(values, dtype=float), waves.shape)[order]
        return np.where(np.isfinite(array), array, np.nan)

    kept = {
        key: Column(sorted_by_wave(flux), None if err is None else sorted_by_wave(err), unit)
        for key, (flux, err, unit) in columns.items()
    }
    some = {key: column for key, column in kept.items() if np.isfinite(column.flux).any()}
    flags = np.zeros(waves.shape, np.uint32) if dq is None else np.asarray(dq, dtype=np.uint32)
    return Curve(
        label=label,
        wave=waves[order],
        columns=some or dict(list(kept.items())[:1]),
        dq=flags[order],
        area=None if area is None else sorted_by_wave(area),
        name=name,
        source=source,
    )


def curve_of(spectrum: Spectrum | CombinedSpectrum) -> Curve:
    """Return the curve of an extracted or a combined spectrum."""
    errors = _ERRORS if isinstance(spectrum, Spectrum) else _COMBINED_ERRORS
    found, table = {}, spectrum.columns
    for column, error in errors.items():
        if column in table:
            unit = "MJy/sr" if "FLUX" not in column else "Jy"
            err = table.get(error)
            found[column] = (table[column], err if err is not None and np.isfinite(err).any() else None, unit)
    return make_curve(
        spectrum.label,
        spectrum.wave,
        found,
        dq=table["DQ"],
        area=aperture_area(table),
        name=spectrum.name,
        source=spectrum,
    )


def aperture_area(columns: Mapping[str, NDArray[Any]]) -> Array | None:
    """Return the solid angle of the aperture, shape (n_wave,), sr; None if the columns do not tell.

    Flux is surface brightness times area, and the area is NPIXELS spaxels of one size, which is the median of what the
    wavelengths tell: a flux that the spectral-leak step corrected alone does not change it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        area = columns["FLUX"] / (columns["SURF_BRIGHT"] * 1e6)
        count = np.asarray(columns.get("NPIXELS", np.nan), dtype=float)
        spaxel = area / count
    for one, times in ((spaxel, count), (area, 1.0)):
        good = one[np.isfinite(one) & (one > 0)]
        if good.size:
            return (
                np.broadcast_to(np.median(good) * times, area.shape)
                if times is count
                else np.where(area > 0, area, np.nan)
            )
    return None
