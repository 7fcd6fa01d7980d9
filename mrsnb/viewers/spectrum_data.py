"""The curves of a spectrum viewer: what they are called, in which units they can be had, and to what scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.flux_units import UNITS, unit_factor
from mrsnb.core.stitch import BandScale, band_scales
from mrsnb.errors import InputError, ParamError, nearest
from mrsnb.viewers.spectrum_curves import curves_of, named

Array = NDArray[np.float64]
Values = tuple[Array, Array | None]
"""Fluxes and errors of a curve, shape (n_wave,) each."""
UNSCALED = BandScale(1.0, 0.0, 0)


class SpectrumData:
    """Curves in order of wavelength.

    Parameters
    ----------
    spectra, flux_unit
        See `mrsnb.viewers.spectrum_curves.curves_of`.

    Raises
    ------
    InputError
        If there is no curve.
    """

    def __init__(self, spectra: Any, flux_unit: str | None = None) -> None:
        self.curves: list[Curve] = []
        self.names: list[str] = []
        self.columns: list[str] = []
        self.put(curves_of(spectra, flux_unit))

    def put(self, curves: Sequence[Curve]) -> bool:
        """Take these curves in place of all others; return whether names and columns are as before."""
        if not curves:
            raise InputError("no spectrum to show; give a path, a Spectrum, or a list of these")
        before = self.names, [curve.columns.keys() for curve in self.curves]
        self.curves[:] = sorted(curves, key=_middle)
        self.names = named(self.curves)
        self.columns = list(dict.fromkeys(key for curve in self.curves for key in curve.columns))
        return before == (self.names, [curve.columns.keys() for curve in self.curves])

    def unit_of(self, column: str) -> str:
        """Return the unit that the first curve with this column has."""
        own = next(curve.columns[column].unit for curve in self.curves if column in curve.columns)
        return next((name for name, unit in UNITS.items() if own in {name, unit.to_string()}), own)

    def units(self, column: str) -> list[str]:
        """Return the units that all curves with this column can be had in."""
        own, having = self.unit_of(column), [curve for curve in self.curves if column in curve.columns]

        def is_possible(unit: str) -> bool:
            try:
                for curve in having:
                    unit_factor([1.0], curve.columns[column].unit, unit, None if curve.area is None else [1.0])
            except InputError:
                return False
            return True

        return [*([own] if own not in UNITS else []), *(unit for unit in UNITS if is_possible(unit))]

    def checked(self, name: str, value: str, column: str) -> str:
        """Return the name of a column, or that of a unit of a column.

        Raises
        ------
        ParamError
            If there is none.
        """
        allowed = self.columns if name == "column" else self.units(column)
        if value not in allowed:
            msg = f"{name} = {value!r} cannot be shown{nearest(value, allowed)}"
            if name == "unit" and value in UNITS:
                msg = f"unit = {value!r}: the area of the aperture is not known; allowed: {', '.join(allowed)}"
            raise ParamError(msg)
        return value

    def values(self, column: str, unit: str) -> list[Values]:
        """Return the values of each curve in a unit; NaN for curves without this column."""
        return [
            c.values(column, unit) if column in c.columns else (np.full(c.wave.shape, np.nan), None)
            for c in self.curves
        ]

    def scales(self, values: Sequence[Values], reference: int) -> list[BandScale]:
        """Return the factor of each curve that makes it agree with its neighbour; see `band_scales`."""
        pairs = [(c.wave[c.usable], y[c.usable]) for c, (y, _) in zip(self.curves, values, strict=True)]
        return band_scales(pairs, reference)

    def index(self, name: str) -> int:
        """Return the place of the curve of this name."""
        return self.names.index(name)


def scaled(values: Sequence[Values], scales: Sequence[BandScale]) -> list[Values]:
    """Return values and errors times the factors."""
    return [
        (y * scale.factor, None if e is None else e * scale.factor)
        for (y, e), scale in zip(values, scales, strict=True)
    ]


def limits_of(limits: Any) -> tuple[float, float] | None:
    """Return two wavelengths in micron as numbers; None of None."""
    return None if limits is None else (float(limits[0].value), float(limits[1].value))


def _middle(curve: Curve) -> float:
    return float(curve.wave[0] + curve.wave[-1]) if curve.wave.size else np.inf
