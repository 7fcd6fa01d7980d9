"""combine_1d: average spectra of the same band."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.dq import DQ, flagged
from mrsnb.core.params import param
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError
from mrsnb.kernels.combine import binned, interpolated_places, nearest_places, output_wavelengths, weighted_mean
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)

_TIME = {
    "exposure_time": "EFFEXPTM",
    "effexptm": "EFFEXPTM",
    "integration_time": "EFFINTTM",
    "effinttm": "EFFINTTM",
}
_FEWEST_TO_CLIP = 3


@dataclass(frozen=True, kw_only=True)
class Combine1dParams(CompatParams):
    """Parameters of combine_1d, named as the observatory's.

    Examples
    --------
    >>> Combine1dParams(exptime_key="unit_weight", sigma_clip=3.0).changed()
    {'exptime_key': 'unit_weight', 'sigma_clip': 3.0}
    """

    skip: bool = param(True, "Leave this step out.")
    exptime_key: Literal["exposure_time", "effexptm", "integration_time", "effinttm", "unit_weight", "unit weight"] = (
        param("exposure_time", "What spectra are weighted with.")
    )
    sigma_clip: float | None = param(
        None,
        "Leave out values further than this from the median of the spectra; None leaves out none.",
        unit="median absolute deviation",
        low=0.0,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Combine1dResult(Result):
    """The combined spectra, in order of wavelength.

    Parameters
    ----------
    spectra : tuple of CombinedSpectrum
        One for each band; a single one with ``compat="jwst-3.0"``.
    unused : tuple of str
        Names of the spectra that could not be used.

    Examples
    --------
    >>> combine_1d([spectrum, spectrum], Combine1dParams()).title
    'combine_1d: 1A'
    """

    spectra: tuple[CombinedSpectrum, ...]
    unused: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "combine_1d: " + ", ".join(spectrum.label for spectrum in self.spectra)

    def rows(self) -> list[Row]:
        """Return one row a spectrum; all there is to say if there is only one."""
        left_out = [Row("not usable", name) for name in self.unused]
        if len(self.spectra) == 1:
            return [*self.spectra[0].rows(), *left_out]
        rows = [
            Row(s.label, f"{s.wave[0]:.3f} - {s.wave[-1]:.3f}", "micron", f"{len(s.wave)} wavelengths")
            for s in self.spectra
        ]
        return [*rows, *left_out]

    def pictures(self) -> list[Picture]:
        """Return all spectra in one plot."""
        from mrsnb.display.plots import spectrum_picture

        curves = [(s.label, s.wave, s.columns["FLUX"]) for s in self.spectra]
        return [spectrum_picture("Combined spectra", curves)]


class _Stack(NamedTuple):
    """Spectra on the common grid; ``n`` inputs, ``m`` wavelengths; NaN and weight 0 where an input has no value."""

    flux: NDArray[np.float64]
    flux_error: NDArray[np.float64]
    surf_bright: NDArray[np.float64]
    sb_error: NDArray[np.float64]
    weight: NDArray[np.float64]


def combine_1d(
    spectra: Sequence[Spectrum], params: Combine1dParams, *, name: str = "combined_c1d.fits"
) -> Combine1dResult:
    """Return the weighted mean of spectra, band by band.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of one target.
    params : Combine1dParams
    name : str
        File name that the product would have.

    Returns
    -------
    Combine1dResult

    Raises
    ------
    InputError
        If no spectrum can be used, or one lacks the time that it should be weighted with.

    Notes
    -----
    Grid, weights and columns as in the combine_1d step of jwst 3.0.0; with ``compat="none"`` without its defects:
    bands that overlap are not averaged; two pixels of a spectrum that fall on one wavelength are averaged, where
    upstream keeps the last; the first and the last pixel of a spectrum are not lost to rounding; a value that is NaN
    in SURF_BRIGHT alone does not count as 0; clipping compares fluxes, not fluxes times weights, and wants three.

    Examples
    --------
    >>> result = combine_1d([spectrum, spectrum], Combine1dParams(), name="star_c1d.fits")
    >>> both = result.spectra[0]
    >>> both.name, int(both.columns["N_INPUT"].max())
    ('star_c1d.fits', 2)
    """
    start = perf_counter()
    usable = [spectrum for spectrum in spectra if _is_usable(spectrum)]
    if not usable:
        given = ", ".join(spectrum.name for spectrum in spectra) or "none given"
        msg = f"combine_1d: no spectrum with finite fluxes and monotonic wavelengths ({given})"
        raise InputError(msg)
    groups: dict[tuple[str, ...], list[Spectrum]] = {}
    for spectrum in usable:
        key = tuple(band.name for band in spectrum.bands) if params.compat == "none" else ()
        groups.setdefault(key, []).append(spectrum)
    combined = [_combined(group, params, name) for group in groups.values()]
    return Combine1dResult(
        params=params,
        seconds=perf_counter() - start,
        spectra=tuple(sorted(combined, key=lambda spectrum: float(spectrum.wave[0]))),
        unused=tuple(spectrum.name for spectrum in spectra if spectrum not in usable),
    )


def _is_usable(spectrum: Spectrum) -> bool:
    steps = np.diff(spectrum.wave)
    if not np.isfinite(spectrum.flux).any():
        log.warning("combine_1d: %s: no finite flux; left out", spectrum.name)
        return False
    if not ((steps > 0).all() or (steps < 0).all()) or steps.size == 0:
        log.warning("combine_1d: %s: its wavelengths do not rise or fall throughout; left out", spectrum.name)
        return False
    return True


def _combined(spectra: Sequence[Spectrum], params: Combine1dParams, name: str) -> CombinedSpectrum:
    grid = output_wavelengths([spectrum.wave for spectrum in spectra])
    as_upstream = params.compat != "none"
    place = _as_upstream if as_upstream else _averaged
    stack, dq = _stacked(spectra, [_weight(s, params) for s in spectra], grid, place)
    if params.sigma_clip is not None:
        stack = _clipped(stack, params.sigma_clip, as_upstream=as_upstream)
    count = (stack.weight > 0).sum(axis=0)
    total = stack.weight.sum(axis=0)
    mean = _upstream_mean if as_upstream else weighted_mean
    flux, flux_error = mean(stack.flux, stack.flux_error, stack.weight)
    surf_bright, sb_error = mean(stack.surf_bright, stack.sb_error, stack.weight)
    values = (grid, flux, flux_error, surf_bright, sb_error, dq, total, count.astype(float))
    names = ("WAVELENGTH", "FLUX", "ERROR", "SURF_BRIGHT", "SB_ERROR", "DQ", "WEIGHT", "N_INPUT")
    first = spectra[0]
    return CombinedSpectrum(
        name=name,
        bands=tuple(dict.fromkeys(band for spectrum in spectra for band in spectrum.bands)),
        columns={key: value[count > 0] for key, value in zip(names, values, strict=True)},
        source_type=first.source_type,
        ra=first.ra,
        dec=first.dec,
        primary=first.primary.updated(S_COMB1D="COMPLETE"),
        history=first.history
        | {"parameters": first.history.get("parameters", {}) | {"combine_1d": params.to_dict()}}
        | {"combined": [spectrum.name for spectrum in spectra]},
    )


def _weight(spectrum: Spectrum, params: Combine1dParams) -> float:
    if params.exptime_key not in _TIME:
        return 1.0
    keyword = _TIME[params.exptime_key]
    weight = spectrum.primary.number(keyword)
    if weight is None or weight <= 0:
        found = "missing" if weight is None else f"{weight:g} s"
        msg = f"{spectrum.name}: {keyword} is {found}, so it cannot be weighted; set exptime_key = 'unit_weight'"
        raise InputError(msg)
    return weight


def _stacked(
    spectra: Sequence[Spectrum], weights: Sequence[float], grid: NDArray[np.float64], place: Any
) -> tuple[_Stack, NDArray[np.uint32]]:
    n = len(spectra)
    nothing = np.full((4, n, grid.size), np.nan)
    stack = _Stack(nothing[0], nothing[1], nothing[2], nothing[3], np.zeros((n, grid.size)))
    dq = np.zeros(grid.size, np.uint32)
    for row, (spectrum, weight) in enumerate(zip(spectra, weights, strict=True)):
        good = ~flagged(spectrum.columns["DQ"], int(DQ.DO_NOT_USE))
        place(spectrum, good, weight, grid, row, stack, dq)
    return stack, dq


def _as_upstream(
    spectrum: Spectrum,
    good: NDArray[np.bool_],
    weight: float,
    grid: NDArray[np.float64],
    row: int,
    stack: _Stack,
    dq: NDArray[np.uint32],
) -> None:
    """Put each pixel at its wavelength of the grid; the last of two stays."""
    places = interpolated_places(grid, spectrum.wave)
    good = good & (places >= 0) & ~np.isnan(spectrum.flux)
    at, columns = places[good], spectrum.columns
    np.bitwise_or.at(dq, at, columns["DQ"][good])
    stack.flux[row, at], stack.flux_error[row, at] = columns["FLUX"][good], columns["FLUX_ERROR"][good]
    stack.surf_bright[row, at], stack.sb_error[row, at] = columns["SURF_BRIGHT"][good], columns["SB_ERROR"][good]
    stack.weight[row, at] = weight


def _averaged(
    spectrum: Spectrum,
    good: NDArray[np.bool_],
    weight: float,
    grid: NDArray[np.float64],
    row: int,
    stack: _Stack,
    dq: NDArray[np.uint32],
) -> None:
    """Put the mean of the pixels nearest to each wavelength of the grid there."""
    places = nearest_places(grid, spectrum.wave)
    valued = np.isfinite(spectrum.flux) | np.isfinite(spectrum.columns["SURF_BRIGHT"])
    good = good & (places >= 0) & valued
    at, columns = places[good], spectrum.columns
    np.bitwise_or.at(dq, at, columns["DQ"][good])
    for value, error, out, out_error in (
        ("FLUX", "FLUX_ERROR", stack.flux, stack.flux_error),
        ("SURF_BRIGHT", "SB_ERROR", stack.surf_bright, stack.sb_error),
    ):
        out[row], out_error[row] = binned(at, columns[value][good], columns[error][good], grid.size)
    stack.weight[row, at] = weight


def _clipped(stack: _Stack, limit: float, *, as_upstream: bool) -> _Stack:
    """Return `stack` without the values that are far from the median of their wavelength."""
    compared = np.where(stack.weight > 0, stack.flux * (stack.weight if as_upstream else 1.0), np.nan)
    counted = np.isfinite(compared) & ((compared != 0) | (not as_upstream))
    known = np.where(counted, compared, np.nan)
    middle = np.full(compared.shape[1], np.nan)
    middle[counted.any(axis=0)] = np.nanmedian(known[:, counted.any(axis=0)], axis=0)
    far = np.abs(compared - middle) > limit * np.nanmedian(np.abs(known - middle))
    if not as_upstream:
        far &= counted.sum(axis=0) >= _FEWEST_TO_CLIP
    flux, flux_error, surf_bright, sb_error = (np.where(far, np.nan, values) for values in stack[:4])
    return _Stack(flux, flux_error, surf_bright, sb_error, np.where(far, 0.0, stack.weight))


def _upstream_mean(
    values: NDArray[np.float64], errors: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted mean and its error; NaN counts as 0 in the sum but has its weight in the divisor."""
    total = weights.sum(axis=0)
    total = np.where(total > 0, total, 1.0)
    mean = np.nansum(values * weights, axis=0) / total
    return mean, np.sqrt(np.nansum((errors * weights) ** 2, axis=0)) / total
