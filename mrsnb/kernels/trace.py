"""The light of a slice across the dispersion: splines fitted row by row, each to the rows around it.

A slice cuts the detector at a slant, so the pixels of a hundred rows sample the same profile at many places alpha. The
window of points slides along the slice; its points stay sorted, a row being merged in and another taken out::

    row - reach  |  . . . . . |
                 |   . . . . .|    -> all points of the window, by alpha -> one spline, scaled to the row
    row + reach  |. . . . . . |
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.clip import clipped_limits
from mrsnb.kernels.jit import njit
from mrsnb.kernels.spline import DEGREE, Knots, evaluate, fill_knots, fit_clipped, nth_largest
from mrsnb.kernels.threads import go_on, share

REACH = 50
"""Rows to either side of a row that its spline is fitted to."""
LEAST = 8
"""A row with no more good pixels than this has no spline."""
PIECES = 36
"""Steps between knots along a slice."""
FEWER = 3
"""Steps less in the second attempt."""
SPACE_RATIO = 1.2
SIGMA = 2.5
ROUNDS = 3
_ROWS = 64
"""Rows that are done at a time: of a part of one thread, or before the next look whether to go on."""


class Traces(NamedTuple):
    """The splines of `n` slices; in a row without one, the scale is NaN."""

    knots: NDArray[np.float64]
    """Start, first inner, step, number of inner ones, end; shape (n, n_row, 5), arcsec."""
    coefficients: NDArray[np.float64]
    """Those of the B-splines, shape (n, n_row, 40)."""
    bounds: NDArray[np.float64]
    """Range of alpha that the spline holds for, shape (n, n_row, 2), arcsec."""
    scale: NDArray[np.float64]
    """Flux of the row over the spline, shape (n, n_row)."""


class Ends(NamedTuple):
    """What is steep, and what is done at the ends of a row."""

    limit: float
    """A pixel is steep if the spline, before scaling, differs by more from that of the next column."""
    head: int
    """How many pixels at the right end are never steep; at least 1."""
    tail: int
    """How many pixels at the left end are never steep."""
    blank: bool
    """True leaves the first and the last pixel of the model NaN."""


@njit(cache=True, nogil=True)
def _leave(x, y, row, n, gone):
    """Take the points of a row out of the window, and return how many stay."""
    m = 0
    for i in range(n):
        if row[i] != gone:
            x[m], y[m], row[m] = x[i], y[i], row[i]
            m += 1
    return m


@njit(cache=True, nogil=True)
def _enter(x, y, row, n, new, flux, alpha, norm, mine):
    """Merge the good points of a row into the window, and return how many there are then."""
    fresh_x = np.empty(flux.size, np.float32)
    fresh_y = np.empty(flux.size, np.float32)
    m = 0
    for i in range(flux.size):
        if norm == 0 or not mine[i] or not np.isfinite(alpha[i]):
            continue
        value = flux[i] / norm
        if not np.isfinite(value):
            continue
        j = m - 1
        while j >= 0 and fresh_x[j] > alpha[i]:
            fresh_x[j + 1], fresh_y[j + 1] = fresh_x[j], fresh_y[j]
            j -= 1
        fresh_x[j + 1], fresh_y[j + 1] = alpha[i], value
        m += 1
    old, fresh, to = n - 1, m - 1, n + m - 1
    while fresh >= 0:
        if old >= 0 and x[old] > fresh_x[fresh]:
            x[to], y[to], row[to] = x[old], y[old], row[old]
            old -= 1
        else:
            x[to], y[to], row[to] = fresh_x[fresh], fresh_y[fresh], new
            fresh -= 1
        to -= 1
    return n + m


@njit(cache=True, nogil=True)
def _scale(flux, model):
    """Return flux over model, the mean weighted with the model, without negative and deviating pixels."""
    m = flux.size
    ratio = flux / model
    weight = model.copy()
    for i in range(m):
        if not np.isfinite(ratio[i]) or ratio[i] < 0 or model[i] < 0:
            weight[i] = 0.0
    strong = nth_largest(weight, 5)
    mean, spread = clipped_limits(ratio[(weight >= strong) & np.isfinite(ratio)], 3.0, 5)
    total = 0.0
    whole = 0.0
    for i in range(m):
        if weight[i] > 0 and not abs(mean - ratio[i]) > 2 * spread:
            total += ratio[i] * weight[i]
            whole += weight[i]
    return total / whole if whole > 0 else np.nan


@njit(cache=True, nogil=True)
def _scaled_to_row(flux, alpha, mine, knots, t, coefficients, low, high):
    """Return the factor between the flux of a row and a spline."""
    here = np.empty(flux.size)
    model = np.empty(flux.size)
    m = 0
    for i in range(flux.size):
        if mine[i] and low <= alpha[i] <= high:
            here[m] = flux[i]
            model[m] = evaluate(knots, t, coefficients, alpha[i])
            m += 1
    return _scale(here[:m], model[:m]) if m > 0 else np.nan


@njit(cache=True, nogil=True)
def _fit_window(x, y, has_saved, coefficients):
    """Return the knots of the spline of a window; their ``inner`` is 0 if there is no fit.

    If there is none to fall back on, a second attempt is made with fewer knots.
    """
    if x.size < 10:
        return Knots(0.0, 0.0, 1.0, 0, 0.0)
    knots = fit_clipped(x.copy(), y.copy(), PIECES, SPACE_RATIO, SIGMA, ROUNDS, coefficients)
    if knots.inner == 0 and not has_saved:
        knots = fit_clipped(x.copy(), y.copy(), PIECES - FEWER, SPACE_RATIO, SIGMA, ROUNDS, coefficients)
    return knots


class _Window(NamedTuple):
    """The points that a spline is fitted to, and the last spline that fitted; goes along a slice."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    row: NDArray[np.int64]
    coefficients: NDArray[np.float64]


class _Last(NamedTuple):
    """How many points there are in a window, and the last spline that fitted: its knots, and where it holds."""

    n: int
    knots: Knots
    low: float
    high: float


@njit(cache=True, nogil=True)
def _fit_rows(flux, alpha, label, place, norm, steps, window, last, out):
    """Fit some rows of a slice: its steps go from the first row to the middle, then from the last.

    A failing row takes the spline before it. Returns what the next steps go on with.
    """
    name, left, right = place
    mine = label[:, left:right] == name
    flux, alpha = flux[:, left:right], alpha[:, left:right]
    n_row, n_col = flux.shape
    half = n_row // 2
    x, y, row, saved_coefficients = window
    knots, coefficients, bounds, scale = out
    t = np.empty(PIECES + 2 * (DEGREE + 1))
    found = np.empty(coefficients.shape[1])
    n, saved, low, high = last
    for k in range(steps[0], steps[1]):
        i = k if k <= half else n_row - 1 - (k - half - 1)
        if k in (0, half + 1):
            n = 0
            for r in range(max(i - REACH, 0), min(i + REACH, n_row)):
                n = _enter(x, y, row, n, r, flux[r], alpha[r], norm[r], mine[r])
        else:
            gone, new = (i - REACH - 1, i + REACH - 1) if k <= half else (i + REACH, i - REACH)
            n = _leave(x, y, row, n, gone)
            if 0 <= new < n_row:
                n = _enter(x, y, row, n, new, flux[new], alpha[new], norm[new], mine[new])
        good = 0
        for c in range(n_col):
            good += mine[i, c] and np.isfinite(flux[i, c])
        if good <= LEAST:
            continue
        found[:] = 0.0
        now = _fit_window(x[:n], y[:n], saved.inner > 0, found)
        if now.inner > 0:
            saved, low, high = now, float(x[0]), float(x[n - 1])
            saved_coefficients[:] = found
        if saved.inner == 0:
            continue
        fill_knots(saved, t)
        knots[i, 0], knots[i, 1], knots[i, 2], knots[i, 3], knots[i, 4] = saved
        coefficients[i] = saved_coefficients
        bounds[i, 0], bounds[i, 1] = low, high
        scale[i] = _scaled_to_row(flux[i], alpha[i], mine[i], saved, t, saved_coefficients, low, high)
    return _Last(n, saved, low, high)


def fit_traces(flux, alpha, label, slices, norm):
    """Return the splines of some slices, row by row.

    Parameters
    ----------
    flux : ndarray of float32, shape (n_row, n_col)
        NaN where not to be used.
    alpha : ndarray of float32, shape (n_row, n_col), arcsec
    label : ndarray of int16, shape (n_row, n_col)
        Slice of each pixel.
    slices : ndarray of int64, shape (n, 3)
        Label, first column and the column after the last of the slices to fit.
    norm : ndarray of float32, shape (n, n_row)
        What each row is divided by, to be comparable with others.

    Returns
    -------
    Traces
    """
    n, n_row = slices.shape[0], flux.shape[0]
    traces = Traces(
        np.zeros((n, n_row, 5)),
        np.zeros((n, n_row, PIECES + DEGREE + 1)),
        np.full((n, n_row, 2), np.nan),
        np.full((n, n_row), np.nan),
    )

    def part(s: int) -> None:
        most = (2 * REACH + 1) * (slices[s, 2] - slices[s, 1])
        points, ranks = np.empty((2, most), np.float32), np.empty(most, np.int64)
        window = _Window(points[0], points[1], ranks, np.empty(PIECES + DEGREE + 1))
        last = _Last(0, Knots(0.0, 0.0, 1.0, 0, 0.0), 0.0, 0.0)
        mine = Traces(*(values[s] for values in traces))
        for k in range(0, n_row, _ROWS):
            go_on()
            steps = k, min(k + _ROWS, n_row)
            last = _fit_rows(flux, alpha, label, slices[s], norm[s], steps, window, last, mine)

    share(part, n)
    return traces


@njit(cache=True, nogil=True)
def _evaluate_slice(traces, s, alpha, label, place, ends, model, steep):
    """Do one slice of `evaluate_traces`, from right to left."""
    name, first, last = place
    knots, bounds = traces.knots[s], traces.bounds[s]
    t = np.empty(PIECES + 2 * (DEGREE + 1))
    value = np.empty(last - first)
    column = np.empty(last - first, np.int64)
    for y in range(alpha.shape[0]):
        inner = int(knots[y, 3])
        if inner == 0:
            continue
        mine = Knots(knots[y, 0], knots[y, 1], knots[y, 2], inner, knots[y, 4])
        fill_knots(mine, t)
        m = 0
        for x in range(last - 1, first - 1, -1):
            if label[y, x] == name and bounds[y, 0] <= alpha[y, x] <= bounds[y, 1]:
                value[m] = evaluate(mine, t, traces.coefficients[s, y], alpha[y, x])
                column[m] = x
                m += 1
        for i in range(m):
            if not (ends.blank and i in (0, m - 1)):
                model[y, column[i]] = value[i] * traces.scale[s, y]
            if ends.head <= i < m - ends.tail:
                steep[y, column[i]] = abs(value[i] - value[i - 1]) > ends.limit


def evaluate_traces(traces, alpha, label, slices, ends):
    """Return the splines at pixels, and where they are steep.

    Parameters
    ----------
    traces : Traces
    alpha : ndarray, shape (n_row, n_col), arcsec
        On the detector or on an oversampled image.
    label : ndarray of int16, shape (n_row, n_col)
    slices : ndarray of int64, shape (n, 3)
        Label, first column and the column after the last of the slices in `traces`, in this image.
    ends : Ends

    Returns
    -------
    model : ndarray of float32, shape (n_row, n_col)
        NaN outside the bounds of the splines.
    steep : ndarray of bool, shape (n_row, n_col)
    """
    model = np.full(alpha.shape, np.nan, np.float32)
    steep = np.zeros(alpha.shape, np.bool_)
    alpha = np.ascontiguousarray(alpha, dtype=np.float64)
    ends = Ends(float(ends.limit), int(ends.head), int(ends.tail), bool(ends.blank))

    def part(s: int) -> None:
        _evaluate_slice(traces, s, alpha, label, slices[s], ends, model, steep)

    share(part, len(slices))
    return model, steep


@njit(cache=True, nogil=True)
def _widen_row(image, mine, first, oversample, least, out):
    """Interpolate one slice in one row into `out`; `first` is the column of the first pixel."""
    there = np.flatnonzero(mine)
    good = np.flatnonzero(mine & np.isfinite(image))
    if good.size <= least:
        return
    left, right = first + there[0], first + there[-1]
    k = 0
    for column in range(int(left * oversample), min(int(np.ceil((right + 1) * oversample)), out.size)):
        x = (column - (oversample - 1) / 2) / oversample
        if not left <= np.floor(x + 0.5) <= right:
            continue
        while k < good.size - 1 and first + good[k + 1] <= x:
            k += 1
        before = float(first + good[k])
        if x <= before or k == good.size - 1:
            out[column] = image[good[k]]
        else:
            share = (x - before) / (good[k + 1] - good[k])
            out[column] = image[good[k]] + share * (float(image[good[k + 1]]) - float(image[good[k]]))


@njit(cache=True, nogil=True)
def _widen_rows(image, label, slices, oversample, least, rows, out):
    for y in range(rows[0], rows[1]):
        for s in range(slices.shape[0]):
            name, first, last = slices[s]
            _widen_row(image[y, first:last], label[y, first:last] == name, first, oversample, least, out[y])


def widen(image, label, slices, oversample, least):
    """Return an image with more columns, interpolated linearly along the rows, slice by slice.

    Parameters
    ----------
    image : ndarray, shape (n_row, n_col)
        NaN is not used.
    label : ndarray of int16, shape (n_row, n_col)
    slices : ndarray of int64, shape (n, 3)
        Label, first column and the column after the last of each slice.
    oversample : float
        Columns of the result for each column of the image.
    least : int
        A slice with no more good pixels than this in a row has none there in the result.

    Returns
    -------
    ndarray of float32, shape (n_row, ceil(n_col * oversample))
        NaN between the slices; beyond the outermost good pixels of a slice, their values.
    """
    n_row, n_col = image.shape
    out = np.full((n_row, int(np.ceil(n_col * oversample))), np.float32(np.nan))

    def part(i: int) -> None:
        rows = i * _ROWS, min((i + 1) * _ROWS, n_row)
        _widen_rows(image, label, slices, float(oversample), least, rows, out)

    share(part, -(-n_row // _ROWS))
    return out
