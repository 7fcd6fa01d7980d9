"""Find the source in an image with holes and noisy edges, and its centre.

At every spaxel a Gaussian and a constant are fitted to the window around it, weighted by the noise. What is found must
be seen well above the noise, lie whole enough in the field, and look like a Gaussian: light that the fit leaves counts
against it, so that a hot spaxel or a bright edge is no source however bright it is. Several widths are tried, for
sources that are larger than the PSF.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

Array = NDArray[np.float64]

FWHM_TO_SIGMA = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
WIDTHS = (1.0, 1.5, 2.25, 3.4, 5.0)
"""Widths that are tried, in PSFs."""
_REACH = 2.2
"""Half side of the window, in standard deviations of the Gaussian."""
_CORE = 0.6
"""Width of a source's core, relative to its own."""
_APART = 0.3
"""Most that the centres of a source and of its core may differ, spaxels, unless noise can move them so far."""
_ROUNDS = 25
_AROUND = tuple(np.ndindex(3, 3))

NOTHING, EDGE, SHAPE, VAGUE = range(4)
"""Why there is no source: nothing above the noise, brightest thing at the edge, not like a source, centre too vague."""


class Found(NamedTuple):
    """A source, or why there is none."""

    x: float
    y: float
    """0-based, spaxels."""
    error: float
    """Of each coordinate, spaxels."""
    signal_to_noise: float
    width: float
    """Standard deviation of the Gaussian that fits best, spaxels."""
    failure: int
    """-1 for a source, else one of `NOTHING`, `EDGE`, `SHAPE`, `VAGUE`."""


class Limits(NamedTuple):
    """What a source must have."""

    signal_to_noise: float = 7.0
    coverage: float = 0.8
    """Share of its light that lies in the field."""
    misfit: float = 1.0
    """Most light that the fit may leave above the noise, squared and relative to what it takes."""
    error: float = 0.15
    """Most uncertain centre, spaxels."""


@njit(cache=True, nogil=True)
def _fit_everywhere(image, noise, good, sigma, out):
    """Add to `out`, shape (3, n_y, n_x), signal-to-noise, coverage and misfit of a Gaussian at every spaxel."""
    n_y, n_x = image.shape
    reach = math.ceil(_REACH * sigma) + 1
    side = 2 * reach + 1
    profile = np.empty((side, side))
    total = 0.0
    for j in range(side):
        for i in range(side):
            profile[j, i] = math.exp(-0.5 * ((i - reach) * (i - reach) + (j - reach) * (j - reach)) / (sigma * sigma))
            total += profile[j, i]
    for y in range(n_y):
        for x in range(n_x):
            if not good[y, x]:
                continue
            s = sp = spp = sd = spd = sdd = seen = 0.0
            n = 0
            for j in range(max(0, y - reach), min(n_y, y + reach + 1)):
                for i in range(max(0, x - reach), min(n_x, x + reach + 1)):
                    if not good[j, i]:
                        continue
                    p = profile[j - y + reach, i - x + reach]
                    w = 1.0 / (noise[j, i] * noise[j, i])
                    d = image[j, i]
                    s += w
                    sp += w * p
                    spp += w * p * p
                    sd += w * d
                    spd += w * p * d
                    sdd += w * d * d
                    seen += p
                    n += 1
            spread = spp - sp * sp / s
            if n < 8 or spread <= 1e-9 * spp:
                continue
            taken = (spd - sp * sd / s) / math.sqrt(spread)  # squared: the drop of chi squared
            left = sdd - sd * sd / s - taken * taken
            out[0, y, x] = taken
            out[1, y, x] = seen / total
            out[2, y, x] = (left - (n - 2)) / (taken * taken) if taken > 0.0 else np.inf


def find_source(image: Array, noise: Array, good: NDArray[np.bool_], sigma: float, limits: Limits) -> Found:
    """Return the most certain source in an image.

    Parameters
    ----------
    image : ndarray, shape (n_y, n_x)
        Need not be background subtracted.
    noise : ndarray, shape (n_y, n_x)
        Standard deviation of each spaxel, up to a factor that is found from the image if it is above 1.
    good : ndarray of bool, shape (n_y, n_x)
        Spaxels to be used; those beside others that are not good are left out as well.
    sigma : float
        Standard deviation of the PSF, spaxels.
    limits : Limits
    """
    inner = eroded(good)
    if np.count_nonzero(inner) < 9:
        return Found(math.nan, math.nan, math.inf, 0.0, sigma, NOTHING)
    unit = float(np.median(noise[inner]))  # so that the fits are well conditioned whatever the unit
    image, noise = np.where(inner, image / unit, 0.0), np.where(inner, noise / unit, 1.0)
    noise = noise * _noise_factor(image, noise, inner, sigma)
    best = Found(math.nan, math.nan, math.inf, 0.0, sigma, NOTHING)
    rejected = best
    for width in WIDTHS:
        fit = np.zeros((3, *image.shape))
        _fit_everywhere(image, noise, inner, width * sigma, fit)
        found, failed = _candidate(image, noise, inner, fit, width * sigma, limits)
        best = found if found is not None and found.signal_to_noise > best.signal_to_noise else best
        if width == WIDTHS[0]:
            rejected = failed
    return best if best.failure < 0 else rejected


def eroded(good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `good` without the spaxels at its edge: those with a neighbour (of four) that is not good."""
    padded = np.pad(good, 1)
    around = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return good & around


def _noise_factor(image: Array, noise: Array, good: NDArray[np.bool_], sigma: float) -> float:
    """Return what the noise must be multiplied by, at least 1, so that most fitted Gaussians agree with none."""
    fit = np.zeros((3, *image.shape))
    _fit_everywhere(image, np.where(good, noise, 1.0), good, sigma, fit)
    values = fit[0][good & (fit[1] > 0.8)]
    if values.size < 9:
        return 1.0
    return max(1.0, 1.4826 * float(np.median(np.abs(values - np.median(values)))))


def _candidate(
    image: Array, noise: Array, good: NDArray[np.bool_], fit: Array, sigma: float, limits: Limits
) -> tuple[Found | None, Found]:
    """Return the best source of one width, if any, and what came nearest to be one."""
    strength, coverage, misfit = fit
    nearest = Found(math.nan, math.nan, math.inf, float(strength.max()), sigma, NOTHING)
    padded = np.pad(strength, 1, constant_values=-np.inf)
    highest = strength >= np.max([padded[j : j + len(strength), i : i + strength.shape[1]] for j, i in _AROUND], axis=0)
    for k in np.argsort(-strength, axis=None)[:200]:
        y, x = divmod(int(k), strength.shape[1])
        if strength[y, x] < limits.signal_to_noise:
            break
        if not highest[y, x]:
            continue
        failure = EDGE if coverage[y, x] < limits.coverage else SHAPE if misfit[y, x] > limits.misfit else -1
        if failure < 0:
            found = _confirmed(image, noise, good, (x, y), sigma, float(strength[y, x]), limits)
            if found.failure < 0:
                return found, found
            failure = found.failure
        if nearest.failure == NOTHING:
            nearest = Found(x, y, math.inf, float(strength[y, x]), sigma, failure)
    return None, nearest


def _confirmed(
    image: Array,
    noise: Array,
    good: NDArray[np.bool_],
    start: tuple[int, int],
    sigma: float,
    strength: float,
    limits: Limits,
) -> Found:
    """Return the source near a spaxel, if its core has the centre that all of it has: light from the side has not."""
    found = _centred(image, noise, good, start, sigma, strength, limits)
    if found.failure >= 0:
        return found
    at = (round(found.x), round(found.y))
    core = _centred(image, noise, good, at, _CORE * sigma, strength, limits._replace(error=math.inf))
    apart = math.hypot(core.x - found.x, core.y - found.y)
    if core.failure >= 0 or apart > max(_APART, 3.0 * core.error):
        return found._replace(failure=VAGUE)
    return found


def _centred(
    image: Array,
    noise: Array,
    good: NDArray[np.bool_],
    start: tuple[int, int],
    sigma: float,
    strength: float,
    limits: Limits,
) -> Found:
    """Return the source near a spaxel with its centre, by a fit of a Gaussian on a constant."""
    y, x = np.nonzero(good)
    near = np.hypot(x - start[0], y - start[1]) <= (_REACH + 0.5) * sigma + 1.0
    x, y, near_image, w = x[near], y[near], image[good][near], 1.0 / noise[good][near]
    centre = np.array(start, float)
    covariance, chi2 = np.full((4, 4), np.inf), np.inf
    for _ in range(_ROUNDS):
        dx, dy = x - centre[0], y - centre[1]
        gauss = np.exp(-0.5 * (dx**2 + dy**2) / sigma**2)
        linear = np.stack([gauss, np.ones_like(gauss)], axis=1) * w[:, None]
        height, base = np.linalg.lstsq(linear, near_image * w, rcond=None)[0]
        if height <= 0.0:
            return Found(float(centre[0]), float(centre[1]), math.inf, strength, sigma, VAGUE)
        slope = height * gauss / sigma**2
        jacobian = np.stack([slope * dx, slope * dy, gauss, np.ones_like(gauss)], axis=1) * w[:, None]
        residual = (near_image - height * gauss - base) * w
        covariance = np.linalg.pinv(jacobian.T @ jacobian)
        chi2 = float(residual @ residual)
        step = np.clip((covariance @ (jacobian.T @ residual))[:2], -0.5, 0.5)
        centre = centre + step
        if np.hypot(*step) < 1e-4:
            break
    spread = max(1.0, chi2 / max(1, x.size - 4))
    error = math.sqrt(max(covariance[0, 0], covariance[1, 1]) * spread)
    away = math.hypot(centre[0] - start[0], centre[1] - start[1])
    column, row = round(float(centre[0])), round(float(centre[1]))
    inside = 0 <= row < good.shape[0] and 0 <= column < good.shape[1] and bool(good[row, column])
    failure = EDGE if not inside else VAGUE if away > max(1.5, sigma) or error > limits.error else -1
    return Found(float(centre[0]), float(centre[1]), error, strength, sigma, failure)
