"""Flux, centre, width and equivalent width of one line, by moments and by a Gaussian, with errors."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.errors import InputError

Array = NDArray[np.float64]
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
"""Of a Gaussian of sigma 1."""
LEAST = 8
"""Good samples that a measurement needs."""
REACH = 2.0
"""The line is within so many FWHM of its centre; the rest of the range is continuum."""
_STEPS = 60


class Value(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


_UNKNOWN = Value(np.nan, np.nan)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one method found; nothing is corrected for the width of the instrument's own profile.

    Parameters
    ----------
    flux : Value
        Integral over wavelength of what is above the continuum; unit of the flux density times micron.
    centre, fwhm : Value
        Micron.
    equivalent_width : Value
        Flux over the continuum at the centre, micron; positive in emission.
    """

    flux: Value
    centre: Value
    fwhm: Value
    equivalent_width: Value


@dataclass(frozen=True, kw_only=True)
class LineMeasurement:
    """A line as measured in a range of wavelengths.

    Parameters
    ----------
    low, high : float
        The range, micron.
    moments, gaussian : Profile
        Sums over the line's window, and the fit of a Gaussian. A width is NaN where noise leaves none.
    continuum : Value
        Flux density of the continuum under the line's centre.
    slope : float
        Of the continuum, per micron.
    window : tuple of float
        Where the sums were taken, micron.
    samples : int
        Good samples in the range.
    noise : float
        Scatter about the continuum over the stated errors; the errors are those stated, or that scatter if none are.
    """

    low: float
    high: float
    moments: Profile
    gaussian: Profile
    continuum: Value
    slope: float
    window: tuple[float, float]
    samples: int
    noise: float

    def model(self, wave: Array) -> Array:
        """Return continuum and Gaussian at `wave` (micron)."""
        sigma = self.gaussian.fwhm.value / FWHM
        height = self.gaussian.flux.value / (sigma * np.sqrt(2 * np.pi))
        bell = height * np.exp(-0.5 * ((wave - self.gaussian.centre.value) / sigma) ** 2)
        return np.asarray(self.continuum.value + self.slope * (wave - self.gaussian.centre.value) + bell)


class _Samples(NamedTuple):
    """Good samples about the middle of the range: offset (micron), flux, error, and the width each stands for."""

    x: Array
    y: Array
    e: Array
    dx: Array


def measure_line(
    wave: Array, flux: Array, err: Array | None = None, *, low: float, high: float, bad: NDArray[np.bool_] | None = None
) -> LineMeasurement:
    """Return the measurement of the one line that a range holds, in emission or absorption.

    A straight continuum and a Gaussian are fitted to the whole range. About the Gaussian's centre a window of
    `REACH` widths to each side is taken as the line; the continuum of the moments is a straight line through the
    samples outside it. Errors follow from those of the samples, taken as independent.

    Parameters
    ----------
    wave, flux : ndarray
        Shape (n_wave,); micron, and a flux density *per micron*.
    err : ndarray, optional
        Standard errors, same shape; the scatter about the fit if None.
    low, high : float
        Range, micron; it should hold continuum on both sides of the line.
    bad : ndarray of bool, optional
        Samples to leave out, beside those that are not finite.

    Raises
    ------
    InputError
        If the range holds too few good samples, or no continuum beside the line.

    Examples
    --------
    >>> x = np.linspace(9.6, 9.8, 81)
    >>> found = measure_line(x, 1 + 5 * np.exp(-0.5 * ((x - 9.7) / 0.01) ** 2), low=9.6, high=9.8)
    >>> round(found.gaussian.flux.value, 4), round(found.gaussian.fwhm.value, 4)
    (0.1253, 0.0235)
    """
    middle = (low + high) / 2
    given = _good(wave, flux, err, bad, (low, high))
    s = given._replace(x=given.x - middle)
    p, cov, chi = _fit(s, _start(s))
    if err is None:
        chi = max(chi, 1e-12 * float(np.abs(s.y).max()), 1e-100)
        s, cov = s._replace(e=s.e * chi), cov * chi**2
    half = min(REACH * abs(p[4]) * FWHM, 0.4 * (high - low))
    inside = np.abs(s.x - p[3]) <= half
    if (~inside).sum() < 4 or inside.sum() < 3:
        msg = f"{low:.4f} - {high:.4f} micron: no continuum beside the line; choose a wider range"
        raise InputError(msg)
    line, line_cov = _straight(_taken(s, ~inside))
    under = Value(float(p[0] + p[1] * p[3]), float(np.sqrt(_variance(np.array([1, p[3], 0, p[1], 0]), cov))))
    gaussian = _gaussian(p, cov, middle)
    scatter = (s.y - line[0] - line[1] * s.x)[~inside] / s.e[~inside]
    return LineMeasurement(
        low=low,
        high=high,
        moments=_moments(_taken(s, inside), line, line_cov, middle),
        gaussian=gaussian,
        continuum=under,
        slope=float(p[1]),
        window=(float(p[3] - half + middle), float(p[3] + half + middle)),
        samples=len(s.x),
        noise=float(np.sqrt(np.mean(scatter**2) * len(scatter) / max(len(scatter) - 2, 1))),
    )


def _good(
    wave: Array, flux: Array, err: Array | None, bad: NDArray[np.bool_] | None, limits: tuple[float, float]
) -> _Samples:
    low, high = limits
    good = (wave >= low) & (wave <= high) & np.isfinite(flux)
    if err is not None:
        good &= np.isfinite(err) & (err > 0)
    if bad is not None:
        good &= ~bad
    if good.sum() < LEAST:
        msg = f"{low:.4f} - {high:.4f} micron: {int(good.sum())} good samples, {LEAST} are needed; choose a wider range"
        raise InputError(msg)
    order = np.argsort(wave[good])
    x, y = wave[good][order].astype(float), flux[good][order].astype(float)
    if x[0] == x[-1]:
        msg = f"{low:.4f} - {high:.4f} micron: all samples at one wavelength; nothing to measure"
        raise InputError(msg)
    e = np.ones_like(x) if err is None else err[good][order].astype(float)
    return _Samples(x, y, e, np.gradient(x))


def _taken(s: _Samples, mask: NDArray[np.bool_]) -> _Samples:
    return _Samples(*(array[mask] for array in s))


def _straight(s: _Samples) -> tuple[Array, Array]:
    """Return the offset and slope of the best straight line and their covariance."""
    design = np.stack([np.ones_like(s.x), s.x], axis=1) / s.e[:, None]
    scale = _scale(design)
    cov = np.linalg.pinv((design / scale).T @ (design / scale)) / np.outer(scale, scale)
    return np.asarray(cov @ design.T @ (s.y / s.e)), cov


def _start(s: _Samples) -> Array:
    """Return a first guess: the outer samples are continuum, the largest deviation is the line."""
    n = len(s.x)
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) < max(n // 5, 2)
    line, _ = _straight(_taken(s, edge))
    rest = s.y - line[0] - line[1] * s.x
    smooth = np.convolve(rest / s.e, np.ones(3) / 3, mode="same")
    peak = int(np.argmax(np.abs(smooth)))
    sign = np.sign(smooth[peak]) or 1.0
    above = sign * rest > 0.5 * sign * rest[peak]
    left, right = peak, peak
    while left > 0 and above[left - 1]:
        left -= 1
    while right < n - 1 and above[right + 1]:
        right += 1
    width = max(s.x[right] - s.x[left] + s.dx[peak], 2 * s.dx[peak]) / FWHM
    return np.array([line[0], line[1], rest[peak] * width * np.sqrt(2 * np.pi), s.x[peak], width])


def _model(p: Array, s: _Samples) -> tuple[Array, Array]:
    """Return offset + slope x + Gaussian of area p[2], centre p[3], sigma p[4], and its derivatives, (n, 5)."""
    t = (s.x - p[3]) / p[4]
    bell = np.exp(-0.5 * t**2) / (p[4] * np.sqrt(2 * np.pi))
    slopes = [np.ones_like(t), s.x, bell, p[2] * bell * t / p[4], p[2] * bell * (t**2 - 1) / p[4]]
    return p[0] + p[1] * s.x + p[2] * bell, np.stack(slopes, axis=1)


def _fit(s: _Samples, p: Array) -> tuple[Array, Array, float]:
    """Return the parameters, their covariance, and the scatter per degree of freedom (Levenberg-Marquardt)."""
    least, most = 0.3 * float(s.dx.min()), 0.5 * float(s.x[-1] - s.x[0])
    damping = 1e-3
    value, slopes = _model(p, s)
    chi = float((((s.y - value) / s.e) ** 2).sum())
    for _ in range(_STEPS):
        design = slopes / s.e[:, None]
        scale = _scale(design)
        design = design / scale
        normal = design.T @ design + damping * np.eye(5)
        trial = p + np.linalg.solve(normal, design.T @ ((s.y - value) / s.e)) / scale
        trial[3] = np.clip(trial[3], s.x[0], s.x[-1])
        trial[4] = np.clip(abs(trial[4]), least, most)
        trial_value, trial_slopes = _model(trial, s)
        trial_chi = float((((s.y - trial_value) / s.e) ** 2).sum())
        if trial_chi <= chi:
            done = chi - trial_chi <= 1e-10 * chi
            p, value, slopes, chi, damping = trial, trial_value, trial_slopes, trial_chi, damping / 5
            if done:
                break
        else:
            damping *= 4
            if damping > 1e12:
                break
    design = slopes / s.e[:, None]
    scale = _scale(design)
    cov = np.linalg.pinv((design / scale).T @ (design / scale)) / np.outer(scale, scale)
    return p, cov, float(np.sqrt(chi / max(len(s.x) - 5, 1)))


def _scale(design: Array) -> Array:
    """Return the length of each column, so that parameters of very different size can be solved for together."""
    length = np.sqrt((design**2).sum(axis=0))
    return np.where(length > 0, length, 1.0)


def _variance(slopes: Array, cov: Array) -> float:
    return max(float(slopes @ cov @ slopes), 0.0)


def _gaussian(p: Array, cov: Array, middle: float) -> Profile:
    error = np.sqrt(np.maximum(np.diag(cov), 0))
    level = p[0] + p[1] * p[3]
    width = p[2] / level if level else np.nan
    slopes = np.array([-width / level, -width * p[3] / level, 1 / level, -width * p[1] / level, 0]) if level else None
    return Profile(
        flux=Value(float(p[2]), float(error[2])),
        centre=Value(float(p[3] + middle), float(error[3])),
        fwhm=Value(float(p[4] * FWHM), float(error[4] * FWHM)),
        equivalent_width=Value(float(width), np.nan if slopes is None else float(np.sqrt(_variance(slopes, cov)))),
    )


def _moments(s: _Samples, line: Array, line_cov: Array, middle: float) -> Profile:
    """Return the sums of order 0, 1 and 2; their errors hold those of the samples and of the continuum."""
    base = np.stack([np.ones_like(s.x), s.x], axis=1)
    rest = s.y - base @ line

    def total(weights: Array) -> tuple[float, float]:
        var = ((weights * s.e) ** 2).sum() + _variance(weights @ base, line_cov)
        return float((weights * rest).sum()), float(np.sqrt(var))

    flux, flux_err = total(s.dx)
    if flux == 0:
        return Profile(flux=Value(flux, flux_err), **dict.fromkeys(("centre", "fwhm", "equivalent_width"), _UNKNOWN))
    centre = float((s.dx * rest * s.x).sum() / flux)
    _, centre_err = total(s.dx * (s.x - centre) / flux)
    second = float((s.dx * rest * (s.x - centre) ** 2).sum() / flux)
    _, second_err = total(s.dx * ((s.x - centre) ** 2 - second) / flux)
    fwhm = (
        Value(float(FWHM * np.sqrt(second)), float(FWHM * second_err / (2 * np.sqrt(second))))
        if second > 0
        else _UNKNOWN
    )
    level = float(line[0] + line[1] * centre) if line.any() else np.nan
    width = flux / level
    from_line = -(s.dx @ base) / level - width / level * np.array([1.0, centre])
    width_err = np.sqrt(((s.dx * s.e / level) ** 2).sum() + _variance(from_line, line_cov))
    inside = s.x[0] <= centre <= s.x[-1]
    return Profile(
        flux=Value(flux, flux_err),
        centre=Value(centre + middle, centre_err) if inside else _UNKNOWN,
        fwhm=fwhm,
        equivalent_width=Value(width, float(width_err)),
    )
