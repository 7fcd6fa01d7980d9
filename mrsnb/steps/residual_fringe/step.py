"""residual_fringe: divide out the fringes that level 2 left in a spectrum.

Fringes are sines in wavenumber: light reflected back and forth in the detector (period near 2.9 cm^-1) or in the
dichroics (near 0.4 cm^-1, channels 3 and 4), with a few nearby periods that beat. The spectrum is divided by a smooth
continuum; the strongest sine of what is left is found, all sines so far are fitted together, and one more is accepted
as long as the evidence for it is large enough. Lines are left out of the fit, not out of the correction.
"""

import logging
import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.params import Params, param
from mrsnb.errors import InputError, ParamError
from mrsnb.kernels.sines import SineFit, fit_sines, strongest_frequency
from mrsnb.steps.continuum import envelopes, featureless, spline_continuum
from mrsnb.steps.residual_fringe.result import FamilyFit, ResidualFringeResult

log = logging.getLogger(__name__)

Array = NDArray[np.float64]


class Family(NamedTuple):
    """Fringes of one origin."""

    name: str
    period: float
    """cm^-1."""
    half_range: float
    """Periods are looked for this far to each side, cm^-1."""
    most: int
    """Largest number of sines."""
    degree: int
    """Of the spline through the continuum, with a knot every period."""

    @property
    def frequencies(self) -> tuple[float, float]:
        """Lowest and highest frequency, cm."""
        return 1.0 / (self.period + self.half_range), 1.0 / (self.period - self.half_range)


DETECTOR = Family("detector", 2.9, 1.5, 10, 2)
DICHROIC = Family("dichroic", 0.4, 0.15, 15, 1)

LONGEST_WAVE = 27.6
"""micron: beyond, the calibration is too uncertain to look for fringes."""
LEAST_PERIODS = 5
"""A spectrum with fewer periods of a family is too short for it."""
LEAST_SAMPLING = 1.5
"""A spectrum with fewer wavelengths in a period of a family is too coarse for it, and for a spline with its knots."""
LEAST_POINTS = 60
MOST_NEGATIVE = 0.05
"""Largest share of points without flux; a spectrum with more is too noisy."""
LEAST_GAIN = math.log(10.0)
"""Gain of the logarithm of the evidence that a further sine must bring."""
LEAST_PROMINENCE = 12.0
"""Power of a further sine, in medians of the power in the family's range: what lines leave is broad, fringes are not.

Noise alone reaches 12 in about one spectrum of 30."""
LEAST_SEPARATION = 0.5
"""Of the frequencies of two sines, in units of one period over the whole spectrum."""
DOMAIN = 6.0
"""Points beyond this many standard deviations do not take part in the fit."""
_UPSTREAM_DOMAIN = 10.0
_UPSTREAM_PRIOR = 1002.0
"""Range of every amplitude and frequency (in units of the smallest wavenumber), from -2 to 1000."""
_NOISE_RANGE = math.log(1.0 / 0.001)
_ROUNDING = 1e-12
"""A spectrum nearer to its continuum than this, relatively, has no noise, let alone fringes."""

_TINY = 1e-8


def _rising(ranges: tuple[tuple[float, float], ...]) -> str | None:
    return None if all(low < high for low, high in ranges) else "each range must rise, as (8.0, 8.2)"


@dataclass(frozen=True, kw_only=True)
class ResidualFringeParams(Params):
    """Parameters of `residual_fringe_1d`, named as those of the observatory's function.

    Examples
    --------
    >>> ResidualFringeParams(ignore_regions=((8.9, 9.1),)).changed()
    {'ignore_regions': [[8.9, 9.1]]}
    """

    dichroic_only: bool = param(False, "Correct the dichroic's fringes only; channels 3 and 4.")
    max_amp: float = param(0.4, "Leave out the beats in which the fringes are stronger, peak to peak.", low=0.0)
    clip_sigma: float = param(5.0, "Points further from the envelopes' middle count as lines.", unit="sigma", low=1.0)
    ignore_regions: tuple[tuple[float, float], ...] = param(
        (), "Ranges to leave out of the fit.", unit="micron", check=_rising
    )
    compat: Literal["none", "jwst-3.0"] = param(
        "none", "Accept sines as that version of the observatory's package does: the first one always.", advanced=True
    )


def residual_fringe_1d(
    wave: Any, flux: Any, channel: int, params: ResidualFringeParams | None = None
) -> ResidualFringeResult:
    """Return a spectrum of one band without its residual fringes.

    Parameters
    ----------
    wave : ndarray or Quantity
        Rising, shape (n_wave,), micron.
    flux : ndarray or Quantity
        Shape (n_wave,), any unit. NaN, infinite and non-positive values stay as they are.
    channel : int
        1 to 4.
    params : ResidualFringeParams, optional

    Returns
    -------
    ResidualFringeResult
        Its flux is a Quantity if `flux` was one. The spectrum is unchanged, and the reason told, if it is too short or
        too noisy or has no fringes.

    Raises
    ------
    InputError
        If the arrays do not fit, the wavelengths do not rise or are no lengths, or the flux is logarithmic.
    ParamError
        If there is no such channel, or no dichroic's fringes in it.

    Notes
    -----
    Continuum, range of periods, features, robust fit and evidence as in ``fit_residual_fringes_1d`` of jwst 3.0.0. With
    ``compat="none"`` the first sine must be accepted like the others, amplitudes have a sensible prior, a sine must
    also stand out from the periodogram of its family, the continuum is fitted again once the fringes are known, and
    nothing is corrected beyond `LONGEST_WAVE`, where nothing is fitted.

    References
    ----------
    Kester 2002 (evidence of a model by Laplace's approximation), in Bayesian inference and maximum entropy methods in
    science and engineering, AIP; Argyriou et al. 2020, A&A 641, A150 (fringes of the MRS).

    Examples
    --------
    >>> wave = np.linspace(8.0, 8.7, 1000)
    >>> flux = 1.0 + 0.02 * np.sin(2 * np.pi * 1e4 / wave / 2.9)
    >>> result = residual_fringe_1d(wave, flux, channel=2)
    >>> f"{result.families[0].period[0]:.2f}", bool(np.std(result.flux) < 0.1 * np.std(flux))
    ('2.90', True)
    """
    start = perf_counter()
    params = ResidualFringeParams() if params is None else params
    families = _families(channel, params)
    wave, before = _checked(wave, flux)
    used = np.isfinite(before) & (before > 0) & np.isfinite(wave)
    fringe = np.ones(len(wave))
    with np.errstate(over="ignore", under="ignore"):
        reason = _unusable(before, used, params)
        if reason:
            fits = [FamilyFit(name=f.name, period=np.empty(0), amplitude=np.empty(0), reason=reason) for f in families]
        else:
            fringe[used], fits = _fringes(wave[used], before[used], families, params)
    unit = flux.unit if hasattr(flux, "to_value") else 1
    return ResidualFringeResult(
        params=params,
        seconds=perf_counter() - start,
        wave=wave,
        before=before * unit,
        flux=np.where(used, before / fringe, before) * unit,
        fringe=fringe,
        families=tuple(fits),
    )


def _families(channel: int, params: ResidualFringeParams) -> list[Family]:
    if channel not in (1, 2, 3, 4):
        msg = f"channel = {channel!r}: must be 1, 2, 3 or 4"
        raise ParamError(msg)
    if params.dichroic_only and channel < 3:
        msg = f"dichroic_only = True: channel {channel} has no dichroic's fringes; they are in channels 3 and 4"
        raise ParamError(msg)
    if params.dichroic_only:
        return [DICHROIC]
    return [DETECTOR] if channel < 3 else [DETECTOR, DICHROIC]


def _checked(wave: Any, flux: Any) -> tuple[Array, Array]:
    if hasattr(wave, "to_value"):
        if not wave.unit.is_equivalent("micron"):
            msg = f"wave: its unit is {wave.unit}; give a wavelength, such as micron"
            raise InputError(msg)
        wave = wave.to_value("micron")
    if hasattr(flux, "to_value") and (hasattr(flux.unit, "physical_unit") or flux.unit.is_equivalent("mag")):
        msg = f"flux: its unit {flux.unit} is logarithmic; give a flux, such as Jy"
        raise InputError(msg)
    wave, flux = np.array(wave, float), np.array(getattr(flux, "value", flux), float)
    if wave.ndim != 1 or wave.shape != flux.shape:
        msg = f"wave and flux have shapes {wave.shape} and {flux.shape}; both must be (n_wave,)"
        raise InputError(msg)
    known = wave[np.isfinite(wave)]
    if (np.diff(known) <= 0).any() or (known <= 0).any():
        msg = "wave: must be positive and rise; correct the residual fringes of one band at a time"
        raise InputError(msg)
    return wave, flux


def _unusable(flux: Array, used: NDArray[np.bool_], params: ResidualFringeParams) -> str:
    """Return why there is no point in looking for fringes, or nothing."""
    count, finite = int(used.sum()), int(np.isfinite(flux).sum())
    if params.compat != "none":
        return "" if count else "no positive flux"
    if count < LEAST_POINTS:
        return f"too short: {count} wavelengths with flux, at least {LEAST_POINTS} needed"
    if count < (1.0 - MOST_NEGATIVE) * finite:
        return f"too noisy: no positive flux at {1.0 - count / finite:.0%} of the wavelengths"
    return ""


def _fringes(
    wave: Array, flux: Array, families: list[Family], params: ResidualFringeParams
) -> tuple[Array, list[FamilyFit]]:
    """Return the fringes of a spectrum with positive flux, as a factor, and what was found of each family."""
    as_upstream = params.compat != "none"
    nu = 1e4 / wave
    scaled = flux / np.median(flux)
    weights = np.where(wave > LONGEST_WAVE, 0.0, scaled)
    for low, high in params.ignore_regions:
        weights[(wave > low) & (wave < high)] = 0.0
    left = flux if as_upstream else scaled
    weights *= featureless(flux, params.clip_sigma)
    seen = weights > 0.0
    weights[~seen] = _TINY
    fringe, fits = np.ones(len(nu)), []
    for family in families:
        sines, reason, periods = None, f"too short: fewer than {LEAST_PERIODS} periods", np.ptp(nu) / family.period
        if len(nu) < LEAST_SAMPLING * periods:
            reason = f"too coarse: fewer than {LEAST_SAMPLING} wavelengths a period"
        elif seen.any() and periods >= LEAST_PERIODS:
            sines = (_sines_as_upstream if as_upstream else _sines)(nu, left / fringe, weights, family)
            reason = "none found"
        if sines is None:
            fits.append(FamilyFit(name=family.name, period=np.empty(0), amplitude=np.empty(0), reason=reason))
            continue
        factor = 1.0 + _within(sines.at(nu), params.max_amp)
        fringe *= factor if as_upstream else np.where(wave > LONGEST_WAVE, 1.0, factor)
        strength = np.hypot(sines.cosine, sines.sine)
        fits.append(FamilyFit(name=family.name, period=1.0 / sines.frequency, amplitude=strength))
    return fringe, fits


def _sines_as_upstream(nu: Array, flux: Array, weights: Array, family: Family) -> SineFit | None:
    """Return the sines that jwst 3.0.0 finds; None only if a fit fails.

    Its evidence without fringes is that of a spectrum twice as bright as its continuum, so one sine is always accepted.
    """
    ratio = flux / spline_continuum(nu, flux, weights, family.period, family.degree) - 1.0
    seen = weights > 1e-5
    ones = np.ones(int(seen.sum()))
    best, evidence, found, left = None, -np.inf, np.empty(0), ratio
    prior = 3.0 * math.log(_UPSTREAM_PRIOR)
    for _ in range(family.most):
        frequency, _ = strongest_frequency(nu[seen], left[seen], ones, *family.frequencies)
        found = np.append(found, frequency)
        fit = _fitted(nu, ratio, weights, found, _UPSTREAM_DOMAIN)
        gained = -np.inf if fit is None else _fit_evidence(fit, nu, prior)
        if fit is None or not gained > evidence + LEAST_GAIN:
            break
        best, evidence, left = fit, gained, ratio - fit.at(nu)
    return best


def _sines(nu: Array, flux: Array, weights: Array, family: Family) -> SineFit | None:
    """Return the sines whose evidence and prominence are large enough, or None."""

    def ratio_to_continuum(fringe: Array) -> Array:
        return flux / spline_continuum(nu, flux / fringe, weights, family.period, family.degree, scaled=True) - 1.0

    low, high = family.frequencies
    ratio = ratio_to_continuum(np.ones(len(nu)))
    seen = weights > _TINY
    spread = 1.4826 * float(np.median(np.abs(ratio[seen])))
    if spread < _ROUNDING:
        return None
    robust = weights * np.clip(1.0 - (ratio / (DOMAIN * spread)) ** 2, 0.0, None) ** 2
    evidence = _evidence(float(robust @ ratio**2), float(robust.sum()), 0, 0.0)
    best, found, left = None, np.empty(0), ratio
    prior = math.log((high - low) * nu.min())  # amplitudes: range 1
    for _ in range(family.most):
        frequency, prominence = strongest_frequency(nu[seen], left[seen], robust[seen], low, high)
        if prominence < LEAST_PROMINENCE:
            break
        found = np.append(found, frequency)
        fit = _fitted(nu, ratio, weights, found, DOMAIN)
        if fit is None or not _distinct(fit, nu, family) or not _fit_evidence(fit, nu, prior) > evidence + LEAST_GAIN:
            break
        best, evidence, robust, left = fit, _fit_evidence(fit, nu, prior), fit.weights, ratio - fit.at(nu)
    if best is None:
        return None
    again = _fitted(nu, ratio_to_continuum(1.0 + best.at(nu)), weights, best.frequency, DOMAIN)
    return best if again is None else again


def _distinct(fit: SineFit, nu: Array, family: Family) -> bool:
    """Return whether all sines are in the family's range, and none so near another that they may cancel."""
    low, high = family.frequencies
    inside = (fit.frequency > low - 1.0 / np.ptp(nu)) & (fit.frequency < high + 1.0 / np.ptp(nu))
    apart = np.diff(np.sort(fit.frequency)) * np.ptp(nu) >= LEAST_SEPARATION
    return bool(inside.all() and apart.all())


def _fitted(nu: Array, ratio: Array, weights: Array, frequency: Array, domain: float) -> SineFit | None:
    try:
        fit = fit_sines(nu, ratio, weights, frequency, domain)
    except np.linalg.LinAlgError:
        return None
    return fit if math.isfinite(fit.log_det) and fit.chi2 > 0.0 else None


def _fit_evidence(fit: SineFit, nu: Array, prior: float) -> float:
    """Return the logarithm of the evidence of a fit; `prior` is that of the volume allowed to one sine."""
    n = fit.frequency.size
    log_det = fit.log_det - 2.0 * n * math.log(nu.min())  # frequencies in units of 1 / (smallest wavenumber)
    return _evidence(fit.chi2, float(fit.weights.sum()), 3 * n, log_det) - n * prior


def _evidence(chi2: float, data: float, n: int, log_det: float) -> float:
    """Return the logarithm of the evidence for `n` parameters and noise unknown, by Laplace's approximation."""
    freedom = data - n
    if freedom <= 0.0 or chi2 <= 0.0:
        return -np.inf
    scale = math.log(2.0 * math.pi * chi2 / freedom)
    value = -0.5 * (data * scale + freedom) + 0.5 * math.log(math.pi * freedom) - _NOISE_RANGE
    return value if n == 0 else value - math.log(_NOISE_RANGE) + 0.5 * (n * scale - log_det)


def _within(fringe: Array, max_amp: float) -> Array:
    """Return the fringes, 0 in the beats where they are stronger than allowed."""
    low, high = envelopes(fringe, 1)
    wild = np.flatnonzero(np.abs(low) + np.abs(high) > max_amp)
    node = 1 + np.flatnonzero((high[1:-1] < high[:-2]) & (high[1:-1] < high[2:]))
    node = np.concatenate([[0], node, [len(fringe) - 1]])
    kept = fringe.copy()
    for beat in np.unique(np.searchsorted(node, wild)):
        kept[node[beat - 1] : node[beat]] = 0.0
    return kept
