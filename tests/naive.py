"""The obvious loops: what the kernels do, written for the eye. Slow; for small input only."""

import math

import numpy as np
from numpy.polynomial.polynomial import polyval2d


def clipped(polygon, inside, crossing):
    """Return the part of a polygon (list of (x, y)) where `inside` holds; `crossing` finds where an edge leaves it."""
    kept = []
    for k, point in enumerate(polygon):
        before = polygon[k - 1]
        if inside(point) != inside(before):
            kept.append(crossing(before, point))
        if inside(point):
            kept.append(point)
    return kept


def at_x(limit):
    """Return the function that finds where an edge crosses a vertical line."""
    return lambda p, q: (limit, p[1] + (q[1] - p[1]) * (limit - p[0]) / (q[0] - p[0]))


def at_y(limit):
    """Return the function that finds where an edge crosses a horizontal line."""
    return lambda p, q: (p[0] + (q[0] - p[0]) * (limit - p[1]) / (q[1] - p[1]), limit)


def area(polygon):
    """Return the area of a polygon."""
    return abs(sum(polygon[k - 1][0] * p[1] - p[0] * polygon[k - 1][1] for k, p in enumerate(polygon))) / 2


def shared_area(xs, ys, left, right, bottom, top):
    """Return the area that a quadrilateral shares with a rectangle."""
    polygon = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
    polygon = clipped(polygon, lambda p: p[0] > left, at_x(left))
    polygon = clipped(polygon, lambda p: p[0] < right, at_x(right))
    polygon = clipped(polygon, lambda p: p[1] > bottom, at_y(bottom))
    polygon = clipped(polygon, lambda p: p[1] < top, at_y(top))
    return area(polygon)


def drizzle(pixels, planes, least=0.0):
    """Return the sums of flux w, w, (err w)^2 and 1; shape (n_wave, n_y * n_x, 4). Areas up to `least` do not count."""
    n_wave, n_y, n_x = len(planes.wave), len(planes.y), len(planes.x)
    sums = np.zeros((n_wave, n_y * n_x, 4))
    half = planes.size / 2
    for p in range(len(pixels.flux)):
        if not np.isfinite(pixels.flux[p] + pixels.wave[p]):
            continue
        low, high = pixels.wave[p] - pixels.width[p] / 2, pixels.wave[p] + pixels.width[p] / 2
        for j, y in enumerate(planes.y):
            for i, x in enumerate(planes.x):
                shared = shared_area(pixels.xi[p], pixels.eta[p], x - half, x + half, y - half, y + half)
                if shared <= least:
                    continue
                for k, (wave, step) in enumerate(zip(planes.wave, planes.step, strict=True)):
                    extent = min(high, wave + step / 2) - max(low, wave - step / 2)
                    if extent > 0:
                        w = shared * extent
                        sums[k, j * n_x + i] += (pixels.flux[p] * w, w, (pixels.err[p] * w) ** 2, 1)
    return sums


def shepard(points, planes, reach, weight):
    """Return the sums as `drizzle`; `weight` is a function of d^2 and of the row of `reach`."""
    n_wave, n_y, n_x = len(planes.wave), len(planes.y), len(planes.x)
    sums = np.zeros((n_wave, n_y * n_x, 4))
    for flux, err, wave, xi, eta in zip(*points, strict=True):
        if not np.isfinite(flux + wave):
            continue
        row = np.argmin(abs(reach.wave - wave))
        for k, j, i in np.ndindex(n_wave, n_y, n_x):
            dx, dy, dz = planes.x[i] - xi, planes.y[j] - eta, planes.wave[k] - wave
            if math.hypot(dx, dy) <= reach.roi_spatial[row] and abs(dz) <= reach.roi_spectral[row]:
                w = weight((dx / planes.size) ** 2 + (dy / planes.size) ** 2 + (dz / planes.step[k]) ** 2, row)
                sums[k, j * n_x + i] += (flux * w, w, (err * w) ** 2, 1)
    return sums


def normalize(sums, in_field, n_y, n_x):
    """Return flux, err, dq, weight; shape (n_wave, n_y, n_x)."""
    n_wave = len(sums)
    cube = sums.reshape(n_wave, n_y, n_x, 4)
    field = in_field.reshape(n_wave, n_y, n_x)
    flux, err = np.full((2, n_wave, n_y, n_x), np.nan, np.float32)
    dq, weight = np.zeros((n_wave, n_y, n_x), np.uint32), np.zeros((n_wave, n_y, n_x), np.float32)
    for k, j, i in np.ndindex(n_wave, n_y, n_x):
        f, w, v, n = cube[k, j, i]
        if n > 0:
            flux[k, j, i], err[k, j, i], weight[k, j, i] = f / w, math.sqrt(v) / w, n
            continue
        dq[k, j, i] = 513
        if 0 < j < n_y - 1 and 0 < i < n_x - 1 and field[k, j, i]:
            near = [(j - 1, i), (j + 1, i), (j, i - 1), (j, i + 1)]
            if all(cube[k, b, a, 3] > 0 or field[k, b, a] for b, a in near):
                dq[k, j, i] = 1
    return flux, err, dq, weight


def samples(polynomials, slice_map, columns, limits, edge=0.4999):
    """Return rows (index, slice, wave, width, alpha, alpha before, alpha after) by slice, then row, then column."""
    found = []
    for s, label in enumerate(polynomials.label):
        for y, x in np.argwhere(slice_map == label):
            if not columns[0] <= x < columns[1]:
                continue
            xa, xw = x + polynomials.alpha_shift[s], x + polynomials.wave_shift[s]
            wave, low, high = (polyval2d(y + d, xw, polynomials.wave[s]) for d in (0.0, -edge, edge))
            alphas = [polyval2d(float(y), xa + d, polynomials.alpha[s]) for d in (0.0, -edge, edge)]
            wave = wave if limits[0] <= wave <= limits[1] else np.nan
            found.append((y * slice_map.shape[1] + x, s, wave, abs(high - low), *alphas))
    return np.array(found)


def focal_plane(alpha, beta, telescope):
    """Return (v2, v3) in arcsec of one place."""
    scale2, scale3, shift2, shift3 = telescope.aberration
    v2, v3 = (polyval2d(alpha, beta, c) for c in (telescope.v2, telescope.v3))
    return scale2 * v2 + shift2, scale3 * v3 + shift3


def project(alpha, beta, telescope):
    """Return (xi, eta) in arcsec of one place."""
    lon, lat = (math.radians(v / 3600) for v in focal_plane(alpha, beta, telescope))
    direction = [math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)]
    west, north, depth = telescope.matrix @ direction
    return math.degrees(west / depth) * 3600, math.degrees(north / depth) * 3600


def circle_share(x, y, radius, n):
    """Return the fraction of n x n points of the unit square about (x, y) that lies in a circle about the origin."""
    offsets = [(k + 0.5) / n - 0.5 for k in range(n)]
    return sum((x + dx) ** 2 + (y + dy) ** 2 < radius**2 for dx in offsets for dy in offsets) / n**2


def sum_plane(flux, weight, x0, y0, radius, inner, outer, n):
    """Return the sum in a circle less the unclipped background in an annulus, of one plane; and the circle's area."""
    total = area = background = around = 0.0
    for y, x in np.argwhere(weight > 0):
        share, within, without = (circle_share(x - x0, y - y0, r, n) for r in (radius, inner, outer))
        total += share * flux[y, x]
        area += share
        background += (without - within) * flux[y, x]
        around += without - within
    return total - background / around * area, area
