"""Spectra to and from specutils, which is optional."""

from typing import Any

import numpy as np
from astropy import units as u

from mrsnb.core.bands import seen_bands
from mrsnb.core.cards import Card, Cards
from mrsnb.core.curve import Curve, curve_of, make_curve
from mrsnb.core.dq import DQ
from mrsnb.core.flux_units import parsed_unit, per_solid_angle
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.errors import InputError

_OWN = ("name", "source_type", "position", "ra", "dec")


def specutils_class() -> Any:
    """Return the class ``specutils.Spectrum``.

    Raises
    ------
    InputError
        If specutils is missing, or older than version 2.
    """
    try:
        import specutils
    except ImportError as error:
        msg = f"specutils cannot be imported ({error}); install it with: pip install 'specutils>=2.0'"
        raise InputError(msg) from None
    if not hasattr(specutils, "Spectrum"):
        msg = f"specutils {specutils.__version__} is too old; install a newer one with: pip install 'specutils>=2.0'"
        raise InputError(msg)
    return specutils.Spectrum


def to_specutils(spectrum: Spectrum, column: str = "FLUX") -> Any:
    """Return a column of `spectrum` as a ``specutils.Spectrum``; see `Spectrum.to_specutils`."""
    from astropy.nddata import StdDevUncertainty

    make = specutils_class()
    curve = curve_of(spectrum)
    flux, err = curve.values(column)
    unit = parsed_unit(curve.columns[column].unit)
    keywords = {card.key: card.value for cards in (spectrum.primary, spectrum.science) for card in cards.cards()}
    meta = {"header": keywords, **{key: getattr(spectrum, key) for key in _OWN}}
    return make(
        flux=flux * unit,
        spectral_axis=curve.wave * u.um,
        uncertainty=None if err is None else StdDevUncertainty(err * unit),
        mask=~curve.usable | ~np.isfinite(flux),
        meta=meta,
    )


def from_specutils(spectrum: Any, name: str | None = None) -> Spectrum:
    """Return a `Spectrum` made of a one-dimensional ``specutils.Spectrum``; see `Spectrum.from_specutils`."""
    curve = curve_of_specutils(spectrum, name or "spectrum")
    [(key, _)] = curve.columns.items()
    is_bright = key == "SURF_BRIGHT"
    flux, err = curve.values(key, "MJy/sr" if is_bright else "Jy")
    n = len(curve.wave)
    columns: dict[str, Any] = {column: np.full(n, np.nan) for column in COLUMNS}
    columns |= {"WAVELENGTH": curve.wave.copy(), "DQ": curve.dq.copy(), key: flux.copy()}
    if err is not None:
        columns["SB_ERROR" if is_bright else "FLUX_ERROR"] = err.copy()
    meta = dict(spectrum.meta or {})
    header = meta.get("header")
    values = dict(header).items() if header is not None else ()
    cards = Cards([Card(str(k), v) for k, v in values if isinstance(v, bool | int | float | str)])
    return Spectrum(
        name=name if name is not None else str(meta.get("name", "spectrum_x1d.fits")),
        bands=seen_bands(cards, curve.wave),
        columns=columns,
        source_type=str(meta.get("source_type", "")),
        position=tuple(meta.get("position", (np.nan, np.nan))),
        ra=float(meta.get("ra", np.nan)),
        dec=float(meta.get("dec", np.nan)),
        primary=cards,
        science=Cards(),
    )


def curve_of_specutils(spectrum: Any, label: str) -> Curve:
    """Return the curve of a one-dimensional ``specutils.Spectrum`` or of what has its attributes.

    Raises
    ------
    InputError
        If it is no spectrum of one dimension, or in a unit that is no flux.
    """
    if np.ndim(spectrum.flux) != 1:
        msg = f"{label}: flux of shape {np.shape(spectrum.flux)}; a spectrum of one dimension is needed"
        raise InputError(msg)
    unit = parsed_unit(spectrum.flux.unit)
    err = None
    if spectrum.uncertainty is not None:
        from astropy.nddata import StdDevUncertainty

        err = spectrum.uncertainty.represent_as(StdDevUncertainty).quantity.to_value(unit)
    flux = np.asarray(spectrum.flux.value, dtype=float)
    mask = np.zeros(flux.shape, bool) if spectrum.mask is None else np.asarray(spectrum.mask, dtype=bool)
    key = "SURF_BRIGHT" if per_solid_angle(unit) else "FLUX"
    return make_curve(
        label,
        spectrum.spectral_axis.to_value(u.um, u.spectral()),
        {key: (flux, err, unit.to_string())},
        dq=np.where(mask, np.uint32(DQ.DO_NOT_USE), np.uint32(0)),
        source=spectrum,
    )
