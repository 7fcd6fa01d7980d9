"""Lines measured in a viewer: what was found, which line it is, and a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.flux_units import parsed_unit, per_solid_angle, unit_factor
from mrsnb.core.line_measure import LineMeasurement, Profile, measure_line
from mrsnb.core.lines import Line
from mrsnb.core.redshift import LIGHT_SPEED, velocity
from mrsnb.errors import InputError

Array = NDArray[np.float64]
_NOISY = 1.5
"""Scatter over the stated errors from which it is said."""
_CLOSE = 0.004
"""A line is named if its centre is so near, relative to the wavelength."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the table.

    Parameters
    ----------
    spectrum : str
        Name of the curve.
    line : Line or None
        The known line that it is, if one is near.
    redshift : float
        That was assumed for it.
    measured : LineMeasurement
        In W/m2/um, or W/m2/um/sr.
    unit : str
        ``"W/m2"`` or ``"W/m2/sr"``, of the integrated flux.
    """

    spectrum: str
    line: Line | None
    redshift: float
    measured: LineMeasurement
    unit: str

    @property
    def speed(self) -> float:
        """Velocity of the fitted centre against the line at the redshift, km/s; NaN if no line is known."""
        if self.line is None:
            return float("nan")
        return float(velocity(self.measured.gaussian.centre.value, self.line.wave * (1 + self.redshift)))

    @property
    def found_redshift(self) -> float:
        """Redshift that puts the known line at the fitted centre; NaN if no line is known."""
        return float("nan") if self.line is None else self.measured.gaussian.centre.value / self.line.wave - 1


def measure(
    name: str,
    curve: Curve,
    column: str,
    limits: tuple[float, float],
    *,
    factor: float = 1.0,
    lines: Sequence[Line] = (),
    redshift: float = 0.0,
) -> Entry:
    """Return the measurement of the line that a curve has between two wavelengths.

    Raises
    ------
    InputError
        If there is too little to measure.
    """
    is_bright = per_solid_angle(parsed_unit(curve.columns[column].unit))
    flux, err = curve.values(column, "W/m2/um/sr" if is_bright else "W/m2/um")
    found = measure_line(
        curve.wave,
        flux * factor,
        None if err is None or not (err > 0).any() else err * factor,
        low=limits[0],
        high=limits[1],
        bad=~curve.usable,
    )
    unit = "W/m2/sr" if is_bright else "W/m2"
    return Entry(
        spectrum=name,
        line=identified(found.gaussian.centre.value, lines, redshift),
        redshift=redshift,
        measured=found,
        unit=unit,
    )


def measure_all(
    curves: Sequence[tuple[str, Curve, float]],
    column: str,
    limits: tuple[float, float],
    lines: Sequence[Line],
    redshift: float,
) -> tuple[list[Entry], InputError | None]:
    """Return the measurement in a range of each curve that reaches it, and what was wrong with the last that failed.

    Parameters
    ----------
    curves : sequence of (str, Curve, float)
        Name, curve, and what its fluxes are multiplied by.
    column, limits, lines, redshift
        See `measure`.
    """
    entries, problem = [], None
    for name, curve, factor in curves:
        if column not in curve.columns or not ((curve.wave > limits[0]) & (curve.wave < limits[1])).any():
            continue
        try:
            entries.append(measure(name, curve, column, limits, factor=factor, lines=lines, redshift=redshift))
        except InputError as error:
            problem = error
    return entries, problem


def fitted(
    entries: Sequence[Entry], names: Sequence[str], curves: Sequence[Curve], unit: str
) -> tuple[Array, Array, Array]:
    """Return wavelengths, fits and continua in a unit, one entry after the other with gaps between; shape (n,)."""
    x, y, base = (np.zeros(0),) * 3
    for entry in entries:
        m, curve = entry.measured, curves[names.index(entry.spectrum)]
        wave = np.linspace(m.low, m.high, 160)
        area = None if curve.area is None else np.interp(wave, curve.wave, curve.area)
        factor = unit_factor(wave, _per_micron(entry.unit), unit, area, entry.spectrum)
        factor[-1] = np.nan
        line = m.continuum.value + m.slope * (wave - m.gaussian.centre.value)
        x, y, base = np.append(x, wave), np.append(y, m.model(wave) * factor), np.append(base, line * factor)
    return x, y, base


def identified(wave: float, lines: Sequence[Line], redshift: float) -> Line | None:
    """Return the line nearest to a wavelength seen, if it is near enough."""
    rest = wave / (1 + redshift)
    near = min(lines, key=lambda line: abs(line.wave - rest), default=None)
    return near if near is not None and abs(near.wave / rest - 1) < _CLOSE else None


def redshift_of(entries: Sequence[Entry]) -> float:
    """Return the redshift that the first line with a known name tells.

    Raises
    ------
    InputError
        If there is none.
    """
    found = [entry.found_redshift for entry in entries if entry.line]
    if not found:
        raise InputError("no line with a known name is measured; brush one whose list is shown")
    return round(found[0], 7)


def noise_note(entries: Sequence[Entry]) -> str:
    """Return what there is to say about errors that are too small; nothing if none is."""
    noise = [f"{entry.measured.noise:.1f}" for entry in entries if entry.measured.noise > _NOISY]
    return f", scatter about the continuum {', '.join(noise)} times the stated errors" if noise else ""


def quantity_table(entries: Sequence[Entry]) -> Any:
    """Return an astropy table with units of all that was measured: ``gauss_`` of the fit, ``sum_`` of the moments."""
    from astropy import units as u
    from astropy.table import QTable

    if not entries:
        return QTable()
    table = QTable()
    table["spectrum"] = [entry.spectrum for entry in entries]
    table["line"] = ["" if entry.line is None else entry.line.name for entry in entries]
    table["rest_wave"] = [np.nan if entry.line is None else entry.line.wave for entry in entries] * u.um
    table["redshift"] = [entry.redshift for entry in entries]
    table["velocity"] = [entry.speed for entry in entries] * u.km / u.s
    units = {"flux": None, "centre": u.um, "fwhm": u.um, "equivalent_width": u.um}
    for kind, pick in (("gauss", "gaussian"), ("sum", "moments")):
        for key, unit in units.items():
            found = [getattr(getattr(entry.measured, pick), key) for entry in entries]
            for suffix, i in (("", 0), ("_error", 1)):
                values = [value[i] for value in found]
                table[f"{kind}_{key}{suffix}"] = values if unit is None else values * unit
    table["continuum"] = [entry.measured.continuum.value for entry in entries]
    table["continuum_error"] = [entry.measured.continuum.error for entry in entries]
    table["flux_unit"] = [entry.unit for entry in entries]
    table["low"] = [entry.measured.low for entry in entries] * u.um
    table["high"] = [entry.measured.high for entry in entries] * u.um
    table["noise"] = [entry.measured.noise for entry in entries]
    table.meta["comments"] = [
        "fluxes in flux_unit, continua in flux_unit per micron; nothing is corrected for the instrument's profile",
        "noise: scatter about the continuum over the stated errors",
    ]
    return table


def heads(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the heads of the table that shows `cells` of entries; units of fluxes are there if all have the same."""
    units = {entry.unit for entry in entries}
    flux = continuum = ""
    if len(units) == 1:
        flux, continuum = f" / {next(iter(units))}", f" / {_per_micron(next(iter(units)))}"
    return (
        "spectrum", "line", "centre / um", "velocity / km/s", f"flux{flux}", "FWHM / km/s", "EW / nm",
        f"continuum{continuum}",
    )  # fmt: skip


def cells(entry: Entry) -> tuple[str, ...]:
    """Return what the viewer's table shows of an entry: the Gaussian fit, one text for each of `heads`."""
    fit: Profile = entry.measured.gaussian
    to_speed = LIGHT_SPEED / fit.centre.value
    return (
        entry.spectrum,
        "-" if entry.line is None else f"{entry.line.name} {entry.line.wave:.2f}",
        plus_minus(*fit.centre),
        "-" if entry.line is None else plus_minus(entry.speed, fit.centre.error * to_speed),
        plus_minus(*fit.flux),
        plus_minus(fit.fwhm.value * to_speed, fit.fwhm.error * to_speed),
        plus_minus(fit.equivalent_width.value * 1e3, fit.equivalent_width.error * 1e3),
        plus_minus(*entry.measured.continuum),
    )


def _per_micron(unit: str) -> str:
    return unit.replace("W/m2", "W/m2/um")


def plus_minus(value: float, error: float) -> str:
    """Return a number and its error, to two figures of the error.

    Examples
    --------
    >>> plus_minus(12.813552, 0.000123), plus_minus(1.234e-17, 5.6e-19), plus_minus(-3.21, 12.0), plus_minus(2.0, 0.0)
    ('12.81355 ± 0.00012', '(1.234 ± 0.056)e-17', '-3 ± 12', '2')
    """
    if not np.isfinite(value):
        return "-"
    if not np.isfinite(error) or error <= 0:
        return f"{value:.6g}"
    power = int(np.floor(np.log10(max(abs(value), error))))
    if not -3 <= power <= 4:
        digits = max(min(power - int(np.floor(np.log10(error))) + 1, 9), 0)
        return f"({value / 10**power:.{digits}f} ± {error / 10**power:.{digits}f})e{power:+03d}"
    digits = max(min(1 - int(np.floor(np.log10(error))), 6), 0)
    return f"{value:.{digits}f} ± {error:.{digits}f}"
