"""What can be measured of the quality of spectra: signal, noise, fringes, jumps between bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.spectrum import Spectrum
from mrsnb.core.stitch import band_scales

Array = NDArray[np.float64]
_PARTS = 10
"""Parts of a band of which each has its own signal to noise."""
_RUN = 32
"""Wavelengths that are averaged to find negative flux."""
_SIGNIFICANT = 5.0
"""Standard errors that make a negative average."""
_NOISE = 1.482602 / np.sqrt(6.0)
"""Of the median of abs(2 f[i] - f[i-2] - f[i+2]), the standard deviation of Gaussian noise."""
_CENTRE = 0.01
"""Half width of what counts as the centre of a band, as a share of the wavelength."""
_PERIODS = (2.2, 3.6)
"""cm^-1: fringes of the detector have periods near 2.9."""
_BESIDE = (1.2, 1.9)
"""cm^-1: shorter periods, where there are no fringes."""
_LEAST_FRINGES = 100
"""Wavelengths that fringes are looked for in."""


@dataclass(frozen=True, kw_only=True)
class SpectrumFigures:
    """Numbers that tell of a spectrum's quality.

    Parameters
    ----------
    label : str
        Its bands.
    source_type : str
        ``"POINT"``, ``"EXTENDED"``, or what the file states.
    wave_range : tuple of float
        First and last wavelength with flux, micron; NaN if there is none.
    centre_flux : float
        Median flux about the middle of the band, Jy.
    signal_to_noise : float
        Median of flux over the error that is stated.
    lowest, lowest_wave : float
        Least median of a tenth of the band, and its wavelength (micron).
    noise_ratio : float
        Scatter from one wavelength to the next over the error that is stated, medians of both.
    unusable : float
        Share of the wavelengths that are flagged or have no flux.
    negative : float
        Share of the band, in averages of 32 wavelengths, where flux is negative by 5 standard errors.
    fringes, fringes_before : float
        Amplitude of fringes as a share of the flux, in the corrected columns if there are such, and before; 0 if
        nothing stands out, NaN where it was not measured.
    position : tuple of float
        Centre of the aperture, spaxels ``(x, y)``; NaN if the file does not state it.
    radii : tuple of float
        Of the aperture at both ends of the band, spaxels, as a circle of its area.
    """

    label: str
    source_type: str
    wave_range: tuple[float, float]
    centre_flux: float
    signal_to_noise: float
    lowest: float
    lowest_wave: float
    noise_ratio: float
    unusable: float
    negative: float
    fringes: float
    fringes_before: float
    position: tuple[float, float]
    radii: tuple[float, float]


class Jump(NamedTuple):
    """Where two bands overlap: flux of the second over that of the first, less 1, and its error."""

    bands: str
    size: float
    error: float
    samples: int


def spectrum_figures(spectrum: Spectrum, *, with_fringes: bool = True) -> SpectrumFigures:
    """Return what can be measured of a spectrum; looking for fringes is most of the work, and can be left out."""
    wave, flux, err = spectrum.wave, spectrum.flux, spectrum.err
    good = np.isfinite(flux) & np.isfinite(wave) & (spectrum.columns["DQ"] == 0)
    ratio = np.where(good & (err > 0), flux / np.where(err > 0, err, 1.0), np.nan)
    parts = [
        (_median(ratio[part]), float(np.mean(wave[part]))) for part in np.array_split(np.arange(len(wave)), _PARTS)
    ]
    lowest, where = min((part for part in parts if np.isfinite(part[0])), default=(np.nan, np.nan))
    cleaned = spectrum.columns["RF_FLUX"]
    is_cleaned = bool(np.isfinite(cleaned[good]).any())
    noise = scatter(np.where(good, cleaned if is_cleaned else flux, np.nan))
    middle = (wave[0] + wave[-1]) / 2
    area = spectrum.columns["NPIXELS"]
    ends = [_median(area[part]) for part in (slice(0, len(area) // 10 + 1), slice(-(len(area) // 10) - 1, None))]

    def amplitude(column: Array) -> float:
        return fringe_amplitude(wave, np.where(good, column, np.nan)) if with_fringes else np.nan

    before = amplitude(flux)
    return SpectrumFigures(
        label=spectrum.label,
        source_type=spectrum.source_type,
        wave_range=(float(wave[good].min()), float(wave[good].max())) if good.any() else (np.nan, np.nan),
        centre_flux=_median(flux[good & (np.abs(wave / middle - 1) < _CENTRE)]),
        signal_to_noise=_median(ratio),
        lowest=lowest,
        lowest_wave=where,
        noise_ratio=noise / median if (median := _median(err[good])) > 0 else np.nan,
        unusable=1.0 - float(np.mean(good)),
        negative=_negative(np.where(good, flux, np.nan), np.fmax(err, noise)),
        fringes=amplitude(cleaned) if is_cleaned else before,
        fringes_before=before if is_cleaned else np.nan,
        position=spectrum.position,
        radii=(float(np.sqrt(ends[0] / np.pi)), float(np.sqrt(ends[1] / np.pi))),
    )


def scatter(flux: Array) -> float:
    """Return the noise of a spectrum, from how much each sample differs from those two before and behind.

    What is smooth over five samples counts as signal; single lines and spikes do not matter.

    Parameters
    ----------
    flux : ndarray, shape (n_wave,)
        NaN is left out.

    References
    ----------
    Stoehr et al. 2008, ASP Conf. 394, 505 (DER_SNR).
    """
    if len(flux) < 5:
        return float("nan")
    return float(_NOISE) * _median(np.abs(2 * flux[2:-2] - flux[:-4] - flux[4:]))


def fringe_amplitude(wave: Array, flux: Array) -> float:
    """Return the amplitude of the strongest fringe of the detector as a share of the flux; 0 if none stands out.

    The spectrum is divided by its median over three periods, lines and spikes are left out, and the rest is
    transformed over wavenumber. A fringe stands out if it has five times the amplitude that shorter periods have.

    Parameters
    ----------
    wave, flux : ndarray, shape (n_wave,)
        Micron, and any unit; NaN is left out.

    Returns
    -------
    float
        NaN if there are too few wavelengths, or too coarse ones, or if flux is not positive.
    """
    from scipy.ndimage import median_filter

    good = np.isfinite(flux) & (wave > 0)
    if np.count_nonzero(good) < _LEAST_FRINGES or not np.median(flux[good]) > 0:
        return float("nan")
    number = 1e4 / wave[good][::-1]
    step = float(np.abs(np.diff(number)).max(initial=0.0, where=np.abs(np.diff(number)) < 1.0))
    if not 0 < step < _PERIODS[0] / 4:
        return float("nan")
    grid = np.arange(number[0], number[-1], step)
    values = np.interp(grid, number, flux[good][::-1])
    smooth = median_filter(values, int(3 * 2.9 / step) | 1, mode="nearest")
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(smooth > 0, values / smooth - 1, 0.0)
    away = np.abs(rest - np.median(rest))
    rest = np.where(away > 4 * 1.4826 * np.median(away), 0.0, rest)
    window = np.hanning(len(rest))
    amplitude = 2 * np.abs(np.fft.rfft(rest * window)) / window.sum()
    period = 1.0 / np.fmax(np.fft.rfftfreq(len(rest), step), 1e-9)
    here, beside = ((period >= low) & (period <= high) for low, high in (_PERIODS, _BESIDE))
    if not here.any():
        return float("nan")
    strongest = float(amplitude[here].max())
    noise = float(np.median(amplitude[beside])) if beside.any() else 0.0
    return strongest if strongest > 5 * noise else 0.0


def jumps(spectra: Sequence[Spectrum]) -> list[Jump]:
    """Return how far each band differs from the one before it, where they overlap.

    Fluxes are compared for point sources; surface brightness where both bands summed the whole field, which is of
    different size in each channel.

    Parameters
    ----------
    spectra : sequence of Spectrum
        In any order; pairs that do not overlap are left out.
    """
    found = []
    for first, second in pairwise(sorted(spectra, key=lambda s: float(np.mean(s.wave)))):
        extended = {first.source_type, second.source_type} == {"EXTENDED"}
        column = "SURF_BRIGHT" if extended else "FLUX"
        curves = [(s.wave, np.where(s.columns["DQ"] == 0, s.columns[column], np.nan)) for s in (first, second)]
        scale = band_scales(curves)[1]
        if scale.samples and scale.factor > 0:
            relative = scale.error / scale.factor
            bands = f"{first.label}/{second.label}"
            found.append(Jump(bands, 1 / scale.factor - 1, relative / scale.factor, scale.samples))
    return found


def _negative(flux: Array, noise: Array) -> float:
    """Return the share of runs whose average is significantly negative."""
    runs = len(flux) // _RUN
    if not runs:
        return float("nan")
    values, errors = (a[: runs * _RUN].reshape(runs, _RUN) for a in (flux, noise))
    count = np.isfinite(values).sum(axis=1)
    known = count >= _RUN // 2
    if not known.any():
        return float("nan")
    mean = np.nansum(values[known], axis=1) / count[known]
    error = np.sqrt(np.nanmean(errors[known] ** 2, axis=1) / count[known])
    return float(np.mean(mean < -_SIGNIFICANT * error))


def _median(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
