"""DAOFIND: stars as local maxima of an image convolved with a Gaussian of zero sum.

Stetson 1987, PASP 99, 191, in the form and with the limits of ``photutils.detection.DAOStarFinder`` 3.x: sharpness from
0.2 to 1, both measures of roundness from -1 to 1, centres from fits of Gaussians to the marginal sums. Beyond the image
all is 0.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SIGMA_RADIUS = 1.5
_SHARPNESS = (0.2, 1.0)
_ROUNDNESS = (-1.0, 1.0)
_SEPARATION = 2.5
"""Of two peaks nearer than this many FWHM, the higher counts."""


class Star(NamedTuple):
    """A star as DAOFIND sees it; pixels are counted from 0."""

    x: float
    y: float
    sharpness: float
    roundness1: float
    roundness2: float
    peak: float
    flux: float
    """Sum over the kernel's pixels."""


class _Kernel(NamedTuple):
    radius: int
    sigma: float
    gaussian: Array
    """Without mask, 1 in the middle."""
    mask: NDArray[np.bool_]
    weights: Array
    """Of zero sum; gives the height of a star."""
    relative_error: float


def find_stars(image: Array, fwhm: float, threshold: float) -> list[Star]:
    """Return the stars in an image.

    Parameters
    ----------
    image : ndarray, shape (n_y, n_x)
        Background subtracted; finite.
    fwhm : float
        pixels.
    threshold : float
        Least height, in the unit of the image.
    """
    kernel = _kernel(fwhm)
    r = kernel.radius
    padded = np.pad(np.asarray(image, float), r)
    convolved = np.zeros(image.shape)
    for j, i in np.argwhere(kernel.mask):
        convolved += kernel.weights[j, i] * padded[j : j + image.shape[0], i : i + image.shape[1]]
    stars = [
        _measured(padded[j : j + 2 * r + 1, i : i + 2 * r + 1], np.pad(convolved, r), i, j, kernel)
        for j, i in _peaks(convolved, threshold * kernel.relative_error, _SEPARATION * fwhm)
    ]
    return [star for star in stars if star is not None and _is_star(star, image.shape)]


def _kernel(fwhm: float) -> _Kernel:
    sigma = fwhm / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    radius = int(max(2.0, _SIGMA_RADIUS * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    exponent = (x**2 + y**2) / (2.0 * sigma**2)
    mask = (exponent <= _SIGMA_RADIUS**2 / 2.0) | (np.hypot(x, y) <= 2.0)
    gaussian = np.exp(-exponent)
    inside = gaussian * mask
    n = int(mask.sum())
    variance = float((inside**2).sum() - inside.sum() ** 2 / n)
    weights = np.where(mask, (inside - inside.sum() / n) / variance, 0.0)
    return _Kernel(radius, sigma, gaussian, mask, weights, 1.0 / math.sqrt(variance))


def _peaks(image: Array, threshold: float, separation: float) -> list[tuple[int, int]]:
    """Return (y, x) of the pixels above the threshold that are the highest within a distance."""
    ys, xs = np.nonzero(image > threshold)
    values = image[ys, xs]
    found = []
    for k in np.argsort(-values, kind="stable"):
        near = np.hypot(ys - ys[k], xs - xs[k]) <= separation
        higher = (values > values[k]) | ((values == values[k]) & (np.arange(values.size) < k))
        if not (near & higher).any():
            found.append((int(ys[k]), int(xs[k])))
    return found


def _measured(cutout: Array, convolved: Array, i: int, j: int, kernel: _Kernel) -> Star | None:
    """Return what is measured of the star whose highest pixel is (i, j), or None if no Gaussian fits."""
    r = kernel.radius
    around = convolved[j : j + 2 * r + 1, i : i + 2 * r + 1].copy()
    height, peak = around[r, r], cutout[r, r]
    mean = (float((cutout * kernel.mask).sum()) - peak) / (int(kernel.mask.sum()) - 1)
    around[r, r] = 0.0
    quadrants = (
        -around[: r + 1, r + 1 :].sum() + around[:r, : r + 1].sum() - around[r:, :r].sum() + around[r + 1 :, r:].sum()
    )
    total = np.abs(around).sum()
    along_x, along_y = _marginal(cutout, kernel, -1.0), _marginal(cutout.T, kernel, 1.0)
    if along_x is None or along_y is None or total == 0.0:
        return None
    (dx, hx), (dy, hy) = along_x, along_y
    roundness1, roundness2 = float(2.0 * quadrants / total), 2.0 * (hx - hy) / (hx + hy)
    flux = float((cutout * kernel.mask).sum())
    return Star(i + dx, j + dy, float((peak - mean) / height), roundness1, roundness2, float(peak), flux)


def _marginal(cutout: Array, kernel: _Kernel, sign: float) -> tuple[float, float] | None:
    """Return shift and height of the Gaussian fitted to the sums over rows; None if its height is not positive.

    `sign` is that of DAOFIND for the mean offset, which is taken where the fit runs away.
    """
    r = kernel.radius
    offset = np.arange(-r, r + 1)
    weight = r + 1.0 - np.abs(offset)  # a triangle, along as well as across
    data, model = weight @ cutout, weight @ kernel.gaussian
    slope = -model * offset
    sum_w, sum_m, sum_d = weight.sum(), weight @ model, weight @ data
    numerator = weight @ (data * model) - sum_d * sum_m / sum_w
    denominator = weight @ model**2 - sum_m**2 / sum_w
    if numerator <= 0.0 or denominator <= 0.0:
        return None
    height = numerator / denominator
    # DAOFIND's shift; the signs of `slope` and of the offsets are its own
    moved = weight @ (model * slope) - (weight @ (data * slope) - (weight @ slope) * sum_d)
    shift = float(moved / (height * (weight @ slope**2) / kernel.sigma**2))
    half = (2 * r + 1) / 2.0
    if abs(shift) > half:
        mean = 0.0 if sum_d == 0.0 else sign * float(weight @ (data * offset) / sum_d)
        shift = 0.0 if abs(mean) > half else mean
    return shift, float(height)


def _is_star(star: Star, shape: tuple[int, ...]) -> bool:
    inside = -0.5 <= star.x <= shape[1] - 0.5 and -0.5 <= star.y <= shape[0] - 0.5
    sharp = _SHARPNESS[0] <= star.sharpness <= _SHARPNESS[1]
    round_ = all(_ROUNDNESS[0] <= value <= _ROUNDNESS[1] for value in (star.roundness1, star.roundness2))
    return inside and sharp and round_ and math.isfinite(star.flux)
