"""Estimates of bad detector pixels from their neighbours: across the smaller gradient, or from the slice's profile."""

import numpy as np

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

ALONG_ROW, ALONG_COLUMN = np.int8(0), np.int8(1)
"""Where the two neighbours lie that a pixel is replaced from."""


@njit(cache=True, nogil=True)
def smaller_gradient(flux, bad, label, margin):
    """Return the bad pixels that can be replaced, and along which axis the flux changes least across each.

    Parameters
    ----------
    flux : ndarray, shape (n_row, n_col)
        NaN where invalid.
    bad : ndarray of bool, shape (n_row, n_col)
        The pixels to replace.
    label : ndarray of int16, shape (n_row, n_col)
        A neighbour with another label than the pixel's is not used.
    margin : int
        Pixels nearer to the first row or column are left alone; so are those in the last row and column.

    Returns
    -------
    pixel : ndarray of int64, shape (m,)
        Flat indices.
    axis : ndarray of int8, shape (m,)
        `ALONG_ROW` or `ALONG_COLUMN`; the row if both are equal.
    """
    n_row, n_col = flux.shape
    pixel = np.empty(bad.sum(), np.int64)
    axis = np.empty(pixel.size, np.int8)
    m = 0
    for y in range(margin, n_row - 1):
        for x in range(margin, n_col - 1):
            if not bad[y, x]:
                continue
            across = abs(flux[y, x - 1] - flux[y, x + 1])
            along = abs(flux[y - 1, x] - flux[y + 1, x])
            if label[y, x - 1] != label[y, x] or label[y, x + 1] != label[y, x] or not np.isfinite(across):
                across = np.float32(np.inf)
            if label[y - 1, x] != label[y, x] or label[y + 1, x] != label[y, x] or not np.isfinite(along):
                along = np.float32(np.inf)
            if np.isinf(across) and np.isinf(along):
                continue
            pixel[m] = y * n_col + x
            axis[m] = ALONG_ROW if across <= along else ALONG_COLUMN
            m += 1
    return pixel[:m], axis[:m]


@njit(cache=True, nogil=True)
def _median(values, n):
    """Return the median of the first `n` values, which it sorts; NaN of none."""
    if n == 0:
        return np.nan
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value
    half = n // 2
    return values[half] if n % 2 else (values[half - 1] + values[half]) / 2


@njit(cache=True, nogil=True)
def _row_scales(flux, err, out, rows, scale):
    """Fill `scale` with the largest value of each of the rows, or 1 if none of them reaches five times its error."""
    best = 0.0
    for k in range(rows.size):
        scale[k] = np.nan
        for x in range(flux.shape[1]):
            value = abs(flux[rows[k], x])
            if out[rows[k], x] or np.isnan(value):
                continue
            if not scale[k] >= value:
                scale[k] = value
            if value > best * err[rows[k], x]:
                best = value / err[rows[k], x] if err[rows[k], x] > 0 else np.inf
    if best < 5:
        scale[: rows.size] = 1.0


@njit(cache=True, nogil=True)
def _profile(image, out, rows, scale, profile):
    """Fill `profile` with the median over the rows, each divided by its scale."""
    values = np.empty(rows.size)
    for x in range(image.shape[1]):
        m = 0
        for k in range(rows.size):
            value = image[rows[k], x] / scale[k]
            if not out[rows[k], x] and not np.isnan(value):
                values[m] = value
                m += 1
        profile[x] = _median(values, m)


@njit(cache=True, nogil=True)
def _amplitude(current, profile, signed):
    """Return what the profile has to be multiplied with to meet the good pixels of a row, by least squares."""
    top = -np.inf
    for value in current:
        if not np.isnan(value):
            top = max(top, value)
    cross = 0.0
    square = 0.0
    for i in range(current.size):
        if np.isnan(current[i]) or np.isnan(profile[i]):
            continue
        value = current[i] if signed else abs(current[i] / top)
        model = profile[i] if signed else abs(profile[i])
        cross += value * model
        square += model * model
    if square == 0:
        return 1.0
    return cross / square if signed else cross / square * top


@njit(cache=True, nogil=True)
def _neighbours(usable, y, reach):
    """Return the usable rows within `reach` of row y."""
    rows = np.empty(2 * reach, np.int64)
    n = 0
    for k in range(max(y - reach, 0), min(y + reach + 1, usable.size)):
        if k != y and usable[k]:
            rows[n] = k
            n += 1
    return rows[:n]


@njit(cache=True, nogil=True)
def _fit_slice(flux, errors, out, shut, reach, signed, flux_out, errors_out, replaced):
    """Do one slice of `fit_profiles`; `out` and `shut` hold for pixels of other slices as well."""
    n_row, n_col = flux.shape
    usable = np.zeros(n_row, np.bool_)
    wanting = np.zeros(n_row, np.bool_)
    for y in range(n_row):
        for x in range(n_col):
            usable[y] |= not (out[y, x] or shut[y, x])
            wanting[y] |= out[y, x] and not shut[y, x]
    scale = np.empty(2 * reach)
    profile = np.empty(n_col)
    for y in range(n_row):
        if not (usable[y] and wanting[y]):
            continue
        rows = _neighbours(usable, y, reach)
        current = np.where(out[y], np.nan, flux[y].astype(np.float64))
        if rows.size == 0 or np.isnan(current).all():
            continue
        _row_scales(flux, errors[0], out, rows, scale)
        _profile(flux, out, rows, scale, profile)
        flat = np.nanmedian(scale[: rows.size]) == 1.0
        amplitude = 1.0 if flat else _amplitude(current, profile, signed)
        wanted = np.flatnonzero(out[y] & ~shut[y])
        for c in wanted:
            flux_out[y, c] = profile[c] * amplitude
            replaced[y, c] = not np.isnan(flux_out[y, c])
        for k in range(errors.shape[0]):
            _profile(errors[k], out, rows, scale, profile)
            factor = abs(amplitude) if signed else amplitude
            for c in wanted:
                errors_out[k, y, c] = profile[c] * factor


def fit_profiles(flux, errors, bad, dead, label, slices, reach, signed):
    """Return flux and errors with bad pixels replaced from the profile of their slice in the neighbouring rows.

    Parameters
    ----------
    flux : ndarray, shape (n_row, n_col)
    errors : ndarray, shape (k, n_row, n_col)
        Standard deviations; those of the first image decide whether a profile is significant.
    bad : ndarray of bool, shape (n_row, n_col)
        Pixels not to be used.
    dead : ndarray of bool, shape (n_row, n_col)
        Pixels that see no sky, and are not replaced.
    label : ndarray of int16, shape (n_row, n_col)
        Slice of each pixel.
    slices : ndarray of int64, shape (n, 3)
        Label, first column and the column after the last of each slice.
    reach : int
        How many rows to either side make the profile.
    signed : bool
        False fits the absolute values, as the observatory's package does.

    Returns
    -------
    flux : ndarray, shape (n_row, n_col)
    errors : ndarray, shape (k, n_row, n_col)
    replaced : ndarray of bool, shape (n_row, n_col)

    Notes
    -----
    The median profile m of the neighbouring rows is scaled to the good pixels f of a row, ``sum (f - a m)^2`` least
    at ``a = sum f m / sum m^2``.
    """
    flux_out = flux.copy()
    errors_out = errors.copy()
    replaced = np.zeros(flux.shape, np.bool_)

    def part(s: int) -> None:
        name, first, last = slices[s]
        elsewhere = label[:, first:last] != name
        _fit_slice(
            flux[:, first:last],
            errors[:, :, first:last],
            elsewhere | bad[:, first:last],
            elsewhere | dead[:, first:last],
            reach,
            signed,
            flux_out[:, first:last],
            errors_out[:, :, first:last],
            replaced[:, first:last],
        )

    share(part, len(slices))
    return flux_out, errors_out, replaced
