"""Sums of sines: where in frequency they are, and how strong, by robust least squares.

Frequencies are found one by one with a Lomb-Scargle periodogram on a regular grid: from one frequency to the next every
point's phasor is turned by the same angle, so that the trigonometry is done once a point. All sines found so far are
then fitted together; at fixed frequency the amplitudes are linear, and the frequencies follow by damped Gauss-Newton
steps.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

Array = NDArray[np.float64]

_OVERSAMPLING = 12.0
_ROUNDS = 30
_TOLERANCE = 1e-6
_TWO_PI = 2.0 * np.pi


class SineFit(NamedTuple):
    """A sum of ``n`` sines, ``cosine cos(2 pi frequency x) + sine sin(2 pi frequency x)`` each."""

    frequency: Array
    """Shape (n,), cycles a unit of x."""
    cosine: Array
    """Shape (n,)."""
    sine: Array
    """Shape (n,)."""
    weights: Array
    """Shape (m,): the weights given, times the robust ones."""
    chi2: float
    """Sum of weights x squared residuals."""
    log_det: float
    """Logarithm of the determinant of the normal matrix, frequencies included; NaN if it is singular."""

    def at(self, x: Array) -> Array:
        """Return the sum of the sines at `x`, shape (m,)."""
        phase = _TWO_PI * np.outer(x, self.frequency)
        total: Array = np.cos(phase) @ self.cosine + np.sin(phase) @ self.sine
        return total


@njit(cache=True, nogil=True, fastmath=True)
def _phasor_sums(x, y, w, start, step, n):
    """Return, for each frequency, the weighted sums of c, s, c^2, c s, y c and y s; shape (n, 6)."""
    m = x.size
    c, s, turn_c, turn_s = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    for i in range(m):
        c[i], s[i] = math.cos(_TWO_PI * start * x[i]), math.sin(_TWO_PI * start * x[i])
        turn_c[i], turn_s[i] = math.cos(_TWO_PI * step * x[i]), math.sin(_TWO_PI * step * x[i])
    out = np.empty((n, 6))
    for k in range(n):
        s1 = s2 = s3 = s4 = s5 = s6 = 0.0
        for i in range(m):
            a, b = c[i], s[i]
            u, v = w[i] * a, w[i] * b
            s1 += u
            s2 += v
            s3 += u * a
            s4 += u * b
            s5 += y[i] * u
            s6 += y[i] * v
            c[i] = a * turn_c[i] - b * turn_s[i]
            s[i] = a * turn_s[i] + b * turn_c[i]
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = s1, s2, s3, s4, s5, s6
    return out


def strongest_frequency(x: Array, y: Array, weights: Array, low: float, high: float) -> tuple[float, float]:
    """Return the frequency of the sine that, with a constant, leaves the least of `y`, and how much it stands out.

    Parameters
    ----------
    x, y, weights : ndarray, shape (m,)
        Finite.
    low, high : float
        Limits of the frequency, cycles a unit of x.

    Returns
    -------
    frequency : float
        To a twelfth of the resolution ``1 / (x.max() - x.min())``.
    prominence : float
        Its power, in medians of the power between the limits; 0 if there is nothing.

    References
    ----------
    Zechmeister & Kuerster 2009, A&A 496, 577 (generalised Lomb-Scargle periodogram).
    """
    n = max(2, int(np.ceil((high - low) * np.ptp(x) * _OVERSAMPLING)))
    step = (high - low) / (n - 1)
    w = weights / weights.sum()
    c, s, cc, cs, yc, ys = _phasor_sums(x - x.mean(), y - w @ y, w, low, step, n).T
    ss = 1.0 - cc - s * s
    cc, cs = cc - c * c, cs - c * s
    det = cc * ss - cs * cs
    power = np.divide(ss * yc**2 + cc * ys**2 - 2.0 * cs * yc * ys, det, out=np.zeros(n), where=det > 1e-12)
    k, typical = int(np.argmax(power)), float(np.median(power))
    return low + step * k, float(power[k]) / typical if typical > 0.0 else 0.0


def fit_sines(x: Array, y: Array, weights: Array, frequency: Array, domain: float) -> SineFit:
    """Return the sum of sines that fits `y` best in the robust sense, its frequencies near those given.

    Parameters
    ----------
    x, y, weights : ndarray, shape (m,)
    frequency : ndarray, shape (n,)
        Where to start.
    domain : float
        Residuals beyond this many standard deviations have no weight (Tukey's biweight).

    Returns
    -------
    SineFit

    Raises
    ------
    numpy.linalg.LinAlgError
        If the sines cannot be told apart, or outnumber the data.
    """
    origin = float(x.mean())
    x = x - origin
    n = frequency.size
    amplitude: Array = np.zeros(2 * n)
    robust = weights
    for _ in range(_ROUNDS):
        before, basis = amplitude, _basis(x, frequency)
        amplitude = np.asarray(np.linalg.solve((basis.T * robust) @ basis, basis.T @ (robust * y)), np.float64)
        robust = weights * _biweight(y - basis @ amplitude, robust, 2 * n, domain)
        if np.abs(amplitude - before).max() <= 1e-4 * np.abs(amplitude).max():
            break
    damping = 1e-3
    for _ in range(_ROUNDS):
        robust = weights * _biweight(y - basis @ amplitude, robust, 3 * n, domain)
        found = _improved(x, y, robust, frequency, amplitude, basis, damping)
        if found is None:
            break
        gain, frequency, amplitude, basis, damping = found
        if gain <= _TOLERANCE:
            break
    jacobian = _jacobian(x, basis, amplitude)
    sign, log_det = np.linalg.slogdet((jacobian.T * robust) @ jacobian)
    cosine, sine, turn = amplitude[:n], amplitude[n:], _TWO_PI * frequency * origin
    return SineFit(
        frequency,
        cosine * np.cos(turn) - sine * np.sin(turn),
        cosine * np.sin(turn) + sine * np.cos(turn),
        robust,
        float(robust @ (y - basis @ amplitude) ** 2),
        float(log_det) if sign > 0 else np.nan,
    )


def _improved(
    x: Array, y: Array, robust: Array, frequency: Array, amplitude: Array, basis: Array, damping: float
) -> tuple[float, Array, Array, Array, float] | None:
    """Return the relative gain, frequencies, amplitudes, basis and damping after a Gauss-Newton step; None if none."""
    n = frequency.size
    residual = y - basis @ amplitude
    chi2 = float(robust @ residual**2)
    jacobian = _jacobian(x, basis, amplitude)
    normal, gradient = (jacobian.T * robust) @ jacobian, jacobian.T @ (robust * residual)
    while damping < 1e6 and chi2 > 0.0:
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient)
        trial_f, trial_a = frequency + step[2 * n :], amplitude + step[: 2 * n]
        trial_basis = _basis(x, trial_f)
        trial = float(robust @ (y - trial_basis @ trial_a) ** 2)
        if trial <= chi2:
            return 1.0 - trial / chi2, trial_f, trial_a, trial_basis, 0.1 * damping
        damping *= 10.0
    return None


def _basis(x: Array, frequency: Array) -> Array:
    """Return cosines and sines, shape (m, 2 n)."""
    phase = _TWO_PI * np.outer(x, frequency)
    return np.hstack([np.cos(phase), np.sin(phase)])


def _jacobian(x: Array, basis: Array, amplitude: Array) -> Array:
    """Return the derivatives by cosine, sine and frequency, shape (m, 3 n)."""
    n = amplitude.size // 2
    by_phase = amplitude[n:] * basis[:, :n] - amplitude[:n] * basis[:, n:]
    return np.hstack([basis, _TWO_PI * x[:, None] * by_phase])


def _biweight(residual: Array, weights: Array, n_parameters: int, domain: float) -> Array:
    """Return Tukey's weights of residuals, on the scale that the weighted residuals have."""
    freedom = float(weights.sum()) - n_parameters
    if freedom <= 0.0:
        msg = "more parameters than data"
        raise np.linalg.LinAlgError(msg)
    scale2 = float(weights @ residual**2) / freedom
    if scale2 == 0.0:
        return np.ones_like(residual)
    inside = 1.0 - residual**2 / (domain**2 * scale2)
    return np.where(inside > 0.0, inside, 0.0) ** 2
