r"""How far a pixel stands out from what is expected of it, in units of the noise.

Two expectations. *By others*: the level of the pixel's own trace over some rows, plus what the prediction from other
exposures says of structure at this very wavelength, such as an emission line. Only the difference between data and
prediction is taken from the trace, so a source that the interpolation between coarse slices gets wrong by a fifth is
wrong by a fifth all along its trace and does no harm::

    flux  |        #            expected = median along the trace of (flux - predicted)
          |  ^^^^ _#_ ^^^^                 + median along the trace of predicted
          |      line                      + gain * (predicted here - its median along the trace)

*By itself*, where no other exposure looked: the level of the trace, plus as much of a spectral line as the neighbours
along the slice allow; a telescope's image is never as sharp as a hit pixel. The noise is the larger of the stated error
and the scatter along the trace.
"""

import math

import numpy as np

from mrsnb.kernels.jit import njit
from mrsnb.kernels.median import median_of
from mrsnb.kernels.rows import above, beside, follow_trace
from mrsnb.kernels.threads import share

HALF = 10
"""Rows above and below that make the level of a trace."""
LEAST = 5
"""Pixels of a trace that make a level."""
MAX_GAIN = 3.0
"""Largest ratio of flux to prediction by which a predicted line is scaled."""
BRIGHT = 5.0
"""Prediction, in units of the noise, above which its ratio to the flux is known."""
RIPPLE = 2.0
"""A predicted line is one from so many times the scatter of the prediction along its trace, or the noise."""


@njit(cache=True, nogil=True, inline="always")
def _scatter(values, n, level, work):
    """Return the standard deviation of the first `n` values, from their median distance from `level`."""
    for i in range(n):
        work[i] = abs(values[i] - level)
    return 1.4826 * median_of(work, n)


@njit(cache=True, nogil=True)
def _gather(values, trace, n, sign, out):
    """Copy what is finite of `values` on a trace, times `sign`; return the number."""
    found = 0
    for i in range(n):
        value = values[trace[i]]
        if math.isfinite(value):
            out[found] = sign * value
            found += 1
    return found


@njit(cache=True, nogil=True)
def _is_plain(look, s, p, sign, least):
    """Return whether a pixel is less than `least` above most of a few pixels of its column: no outlier then."""
    value = sign * look.flux[p]
    above_it = 0
    below_it = 0
    for step in (-8, -4, 4, 8):
        q = above(look, s, p, step)
        if q >= 0 and math.isfinite(look.flux[q]):
            if value - sign * look.flux[q] > least:
                below_it += 1
            else:
                above_it += 1
    return above_it > below_it


@njit(cache=True, nogil=True)
def _allowed_line(look, s, p, sign, sharpness, trace, values):
    """Return how much of a line the neighbours of a pixel along the slice allow in it; NaN if there are none.

    An image falls off ever more steeply, so a pixel at the end of a slice, with one neighbour, is allowed the square.
    """
    line = 0.0
    known = 0
    for step in (-1, 1):
        q = beside(look, s, p, step)
        if q < 0 or not math.isfinite(look.flux[q]):
            continue
        n = _gather(look.flux, trace, follow_trace(look, s, q, HALF, trace), sign, values)
        if n >= LEAST:
            known += 1
            line = max(line, sign * look.flux[q] - median_of(values, n))
    if known == 0:
        return np.nan
    return line * (sharpness if known == 2 else sharpness * sharpness)


@njit(cache=True, nogil=True)
def _stand_out_alone(look, s, sign, least, sharpness, out):
    """Do one slice of `stand_out_alone`."""
    trace = np.empty(2 * HALF, np.int64)
    values = np.empty(2 * HALF)
    work = np.empty(2 * HALF)
    for p in range(look.start[s], look.start[s + 1]):
        out[p] = np.nan
        if not math.isfinite(look.flux[p]):
            continue
        if _is_plain(look, s, p, sign, least * look.err[p]):
            out[p] = 0.0
            continue
        n = _gather(look.flux, trace, follow_trace(look, s, p, HALF, trace), sign, values)
        if n < LEAST:
            continue
        level = median_of(values, n)
        noise = max(look.err[p], _scatter(values, n, level, work))
        excess = sign * look.flux[p] - level
        out[p] = excess / noise
        if excess <= least * noise:
            continue
        out[p] = (excess - _allowed_line(look, s, p, sign, sharpness, trace, values)) / noise


def stand_out_alone(look, sign, least, sharpness, out):
    """Set `out` to how far each pixel stands out from what its own exposure leads to expect.

    Parameters
    ----------
    look : Look
    sign : float
        1 for pixels that are too high, -1 for pixels that are too low.
    least : float
        Pixels that stand out less than this need not be worked out: they may get 0.
    sharpness : float
        Largest ratio of a line's flux in a pixel to that in the brighter of its neighbours along the slice.
    out : ndarray of float32, shape (m,)
        Receives the distance in units of the noise; NaN where it cannot be told.
    """

    def part(s: int) -> None:
        _stand_out_alone(look, s, sign, least, sharpness, out)

    share(part, look.start.size - 1)


@njit(cache=True, nogil=True)
def _predicted_line(look, s, p, predicted, sign, least, trace, values):
    """Return by how much the prediction is above its level along the trace: at most, in a pixel or next to it.

    Less than `least` is no line.
    """
    line = 0.0
    for step in (-1, 0, 1):
        q = p if step == 0 else beside(look, s, p, step)
        if q < 0:
            continue
        n = _gather(predicted, trace, follow_trace(look, s, q, HALF, trace), sign, values)
        if n < LEAST:
            continue
        level = median_of(values, n)
        for up in (-1, 0, 1):
            r = above(look, s, q, up)
            if r >= 0:
                value = sign * predicted[r] - level
                if math.isfinite(value):
                    line = max(line, value)
    return line if line >= least else 0.0


@njit(cache=True, nogil=True)
def _stand_out(look, s, predicted, sign, least, scale, grown_scale, out, grown):
    """Do one slice of `stand_out`."""
    trace = np.empty(2 * HALF, np.int64)
    flux = np.empty(2 * HALF)
    model = np.empty(2 * HALF)
    rest = np.empty(2 * HALF)
    work = np.empty(2 * HALF)
    for p in range(look.start[s], look.start[s + 1]):
        out[p] = np.nan
        grown[p] = np.nan
        if not math.isfinite(look.flux[p]) or not math.isfinite(predicted[p]):
            continue
        if sign * (look.flux[p] - predicted[p]) <= least * look.err[p]:
            out[p] = 0.0
            grown[p] = 0.0
            continue
        n = 0
        for i in range(follow_trace(look, s, p, HALF, trace)):
            q = trace[i]
            if math.isfinite(look.flux[q]) and math.isfinite(predicted[q]):
                flux[n] = sign * look.flux[q]
                model[n] = sign * predicted[q]
                rest[n] = flux[n] - model[n]
                n += 1
        if n < LEAST:
            continue
        offset = median_of(rest, n)
        noise = max(look.err[p], _scatter(rest, n, offset, work))
        level = median_of(model, n)
        excess = sign * look.flux[p] - offset - level
        if excess <= least * noise:
            out[p] = excess / noise
            grown[p] = excess / noise
            continue
        gain = 1.0
        if abs(level) > BRIGHT * noise:
            gain = min(max(median_of(flux, n) / level, 1.0), MAX_GAIN)
        ripple = min(noise, _scatter(model, n, level, work))
        line = gain * _predicted_line(look, s, p, predicted, sign, RIPPLE * ripple, trace, work)
        out[p] = (excess - (1.0 + scale) * line) / noise
        grown[p] = (excess - (1.0 + grown_scale) * line) / noise


def stand_out(look, predicted, sign, least, scale, grown_scale, out, grown):
    """Set `out` to how far each pixel stands out from what other exposures lead to expect.

    Parameters
    ----------
    look : Look
    predicted : ndarray of float32, shape (m,)
        What the others predict, MJy/sr; NaN where they did not look.
    sign : float
        1 for pixels that are too high, -1 for pixels that are too low.
    least : float
        Pixels that stand out less than this need not be worked out: they may get 0.
    scale, grown_scale : float
        How wrong a predicted line may be, as a fraction of it: for `out`, and for `grown`.
    out, grown : ndarray of float32, shape (m,)
        Receive the distance in units of the noise; NaN where it cannot be told.
    """

    def part(s: int) -> None:
        _stand_out(look, s, predicted, sign, least, scale, grown_scale, out, grown)

    share(part, look.start.size - 1)


@njit(cache=True, nogil=True)
def with_neighbours(look, found, grown, least, out):
    """Set `out` to True at the pixels `found` and at those next to one that stand out by more than `least`.

    Parameters
    ----------
    look : Look
    found : ndarray of bool, shape (m,)
    grown : ndarray of float32, shape (m,)
        How far the pixels stand out.
    least : float
    out : ndarray of bool, shape (m,)
        Changed in place.
    """
    for s in range(look.start.size - 1):
        for p in range(look.start[s], look.start[s + 1]):
            if not found[p]:
                continue
            out[p] = True
            for step in (-1, 1):
                q = beside(look, s, p, step)
                if q >= 0 and grown[q] > least:
                    out[q] = True
                q = above(look, s, p, step)
                if q >= 0 and grown[q] > least:
                    out[q] = True
