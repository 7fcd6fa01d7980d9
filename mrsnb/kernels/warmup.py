"""Calls kernels once, on next to nothing, so that they are compiled: all that level 3 needs by default, and more.

A kernel is compiled for the types that it is called with, and read-only arrays are a type of their own, so the calls
here are as in the steps. Groups may be called in processes side by side; what shares compiled functions is in one.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.alike import mark_alike
from mrsnb.kernels.aperture import SUBPIXEL
from mrsnb.kernels.centroid import Limits, find_source
from mrsnb.kernels.covariance import add_variances, correlated_variances
from mrsnb.kernels.drizzle import Pixels, Planes, Sorted, deposit, sort_by_plane, sort_pixels
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.knotted import KnottedSpline
from mrsnb.kernels.light import mean_light
from mrsnb.kernels.matching import background_only, pair_sums
from mrsnb.kernels.median import windowed_median
from mrsnb.kernels.neighbours import lower_to_differences
from mrsnb.kernels.normalize import Product, normalize
from mrsnb.kernels.photometry import Apertures, empty_coefficients, sum_extended, sum_point, sum_region
from mrsnb.kernels.predict import Crossing, lower_median, predict
from mrsnb.kernels.replace import fit_profiles, smaller_gradient
from mrsnb.kernels.rows import Look, slice_rows
from mrsnb.kernels.shapes import add_ellipse, add_polygon
from mrsnb.kernels.shepard import EMSM, MSM, Points, Reach, deposit_points, point_ranges
from mrsnb.kernels.sines import strongest_frequency
from mrsnb.kernels.slices import Samples, SlicePolynomials, sample_slices, slice_pixels
from mrsnb.kernels.spikes import stand_out, stand_out_alone, with_neighbours
from mrsnb.kernels.subtract import subtract
from mrsnb.kernels.tangent import Telescope, centres_of, corners_of, focal_plane, slice_planes
from mrsnb.kernels.trace import Ends, evaluate_traces, fit_traces, widen
from mrsnb.kernels.usable import count_found, gather_usable

Array = NDArray[np.float64]

_ROWS, _COLUMNS, _SLICES, _WIDTH = 24, 21, 3, 7
_STEP = 0.01
"""Wavelengths of a row, micron."""


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that cannot be written, as those of a chain and of a grid."""
    array.flags.writeable = False
    return array


def _image(kind: Any = np.float32) -> NDArray[Any]:
    """Return an image as an exposure holds it."""
    return _fixed(np.ones((_ROWS, _COLUMNS), kind))


def _samples() -> tuple[Samples, NDArray[np.int64]]:
    """Return what the pixels of three slices of five columns see, and where the slices start; nothing is compiled."""
    labels = np.repeat(np.arange(_SLICES, dtype=np.int16), _WIDTH)
    inside = np.tile(np.arange(_WIDTH), _SLICES)
    used = np.flatnonzero((inside > 0) & (inside < _WIDTH - 1))
    which = np.repeat(np.arange(_SLICES), _ROWS * (_WIDTH - 2))
    y = np.tile(np.repeat(np.arange(_ROWS), _WIDTH - 2), _SLICES)
    x = used.reshape(_SLICES, 1, -1).repeat(_ROWS, axis=1).ravel()
    alpha = 0.2 * (inside[x] - _WIDTH // 2).astype(np.float64)
    edges = np.stack([alpha, alpha - 0.1, alpha + 0.1], axis=1)
    pixel = (y * _COLUMNS + x).astype(np.int32)
    wave = 5.0 + _STEP * y.astype(np.float64)
    start = np.searchsorted(which, np.arange(_SLICES + 1))
    return Samples(pixel, labels[x], wave, np.full(wave.size, _STEP), edges), start


def geometry() -> None:
    """From detector pixels to places on the sky."""
    labels = np.arange(101, 101 + _SLICES, dtype=np.int16)
    slice_map = _fixed(np.tile(np.repeat(labels, _WIDTH), (_ROWS, 1)))
    alpha, wave = np.zeros((_SLICES, 2, 2)), np.zeros((_SLICES, 2, 2))
    alpha[:, 0, 1], wave[:, 0, 0], wave[:, 1, 0] = 0.2, 5.0, _STEP
    beta: Array = 0.2 * np.arange(-1.0, 2.0)
    middle: Array = -3.0 - _WIDTH * np.arange(float(_SLICES))
    polynomials = SlicePolynomials(labels, beta, alpha, middle, wave, middle)
    index, start = slice_pixels(slice_map, labels, 0, _COLUMNS)
    samples = sample_slices(polynomials, index, start, _COLUMNS, 4.0, 7.0, 1.0)
    v2, v3 = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 0.0]])
    telescope = Telescope(v2, v3, _fixed(np.array([1.0, 1.0, 0.0, 0.0])), np.eye(3)[[1, 2, 0]])
    focal_plane(np.ascontiguousarray(samples.alpha[:, 0]), samples.slice, beta, telescope)
    sides = slice_planes(samples, start, beta, 0.1, telescope)
    planes = _planes()
    in_field = np.zeros((_ROWS, planes.x.size * planes.y.size), np.bool_)
    xi, eta = corners_of(np.arange(start[-1], dtype=np.int32), samples, sides)
    mark_field(field_corners(samples, start, 0, _SLICES - 1, xi, eta, planes), planes, in_field)


def _planes() -> Planes:
    x = 0.2 * np.arange(-3.0, 4.0)
    return Planes(x, x.copy(), 0.2, _fixed(5.0 + _STEP * np.arange(_ROWS)), _fixed(np.full(_ROWS, _STEP)))


class _Seen(NamedTuple):
    """What an exposure puts into a cube."""

    pixels: Pixels
    in_order: Sorted
    which: NDArray[np.int32]
    corners: tuple[Array, Array]


def _seen(planes: Planes) -> _Seen:
    samples, start = _samples()
    others = (_image(), _image(), _image(), _image())
    flux, err = gather_usable(_image(), _image(), _image(np.uint32), others, samples.pixel, start, np.uint32(2))
    pixels, in_order = Pixels(flux, err, samples.wave, samples.width), sort_pixels(samples.wave, samples.width, planes)
    which = in_order.reaching(0, _ROWS)
    xi, eta = (np.tile([-0.1, -0.1, 0.1, 0.1][shift:] + [-0.1, -0.1][:shift], (which.size, 1)) for shift in (0, 1))
    return _Seen(pixels, in_order, which, (xi, eta))


def _deposited(*, as_upstream: bool) -> Array:
    """Return the sums of a cube."""
    planes = _planes()
    sums: Array = np.zeros((_ROWS, planes.x.size * planes.y.size, 4))
    deposit(*_seen(planes), planes, 0, sums, as_upstream=as_upstream)
    return sums


def cubes() -> None:
    """From pixels to a cube."""
    sums = _deposited(as_upstream=False)
    in_field, side = np.zeros(sums.shape[:2], np.bool_), int(sums.shape[1] ** 0.5)
    normalize(sums, in_field, Product.empty((_ROWS, side, side)))


def points() -> None:
    """From pixels, taken as points, to a cube."""
    samples, start = _samples()
    planes, beta = _planes(), np.zeros(_SLICES)
    still = Telescope(np.eye(2), np.eye(2), _fixed(np.array([1.0, 1.0, 0.0, 0.0])), np.eye(3)[[1, 2, 0]])
    place = centres_of(samples, slice_planes(samples, start, beta, 0.0, still))
    reach = Reach(*(np.full(1, value) for value in (5.0, 0.3, 2 * _STEP, 0.1, 2.0, 0.01)))
    row, first, number = point_ranges(samples.wave, planes, reach)
    in_order = sort_by_plane(first, number, planes.wave.size)
    seen = Points(np.ones(row.size, np.float32), np.ones(row.size, np.float32), samples.wave, *place)
    sums = np.zeros((_ROWS, planes.x.size * planes.y.size, 4))
    for kind in (EMSM, MSM):
        deposit_points(seen, in_order, in_order.reaching(0, _ROWS), row, planes, reach, kind, 0, sums)


def official() -> None:
    """Do what the observatory's package does in another way."""
    _deposited(as_upstream=True)
    _summed(as_upstream=True)


def _look() -> Look:
    samples, start = _samples()
    row, column = np.divmod(samples.pixel, _COLUMNS)
    n = samples.pixel.size
    return Look(
        np.ones(n, np.float32),
        np.ones(n, np.float32),
        samples.wave.astype(np.float32),
        samples.alpha[:, 0].astype(np.float32),
        row.astype(np.int16),
        column.astype(np.int16),
        start,
        *slice_rows(samples.pixel, start, _ROWS, _COLUMNS),
    )


def outliers() -> None:
    """Outliers by what other exposures saw."""
    look = _look()
    n = look.flux.size
    out, grown, found = np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros(n, bool)
    stand_out_alone(look, 1.0, 3.0, 1.2, out)
    nodes = np.tile(np.linspace(-0.4, 0.4, 5), (_SLICES, 1))
    ranks = np.repeat(np.arange(float(_SLICES)), 5).reshape(_SLICES, 5)
    way = Crossing(nodes[:, 0].copy(), np.full(_SLICES, 0.2), nodes, ranks, np.arange(_SLICES))
    predict(look, look, way, out)
    lower_median(np.ones((2, n), np.float32), out)
    stand_out(look, out, 1.0, 3.0, 0.5, 0.5, out.copy(), grown)
    with_neighbours(look, found, grown, 3.0, found.copy())
    counts = (np.zeros(_ROWS * _COLUMNS, np.uint16) for _ in range(3))
    pixel = np.arange(n, dtype=np.int32)
    count_found(pixel, out, grown, 3.0, *counts)
    _marked()


def differences() -> None:
    """Outliers by differences from neighbours."""
    least, own = _image(np.float64).copy(), _image(np.float64).copy()
    lower_to_differences(_image(), own > 0, True, least, own)
    windowed_median(own, (7, 7))
    windowed_median(own, (11, 1))
    _marked()


def _marked() -> None:
    mark_alike((_image(),) * 5, _image(np.uint32), np.uint32(1))


def backgrounds() -> None:
    """Exposures less a background."""
    subtract(_image(), _image(), _image(np.float64), _image(np.float64))


def _summed(*, as_upstream: bool, wanted: bool = False) -> NDArray[np.float32]:
    """Return a cube that a circle was summed of; `wanted` are the coefficients, too."""
    n, side = 2, 15
    flux = _fixed(np.ones((n, side, side), np.float32))
    radius, inner, outer = (np.full(n, length) for length in (2.0, 3.0, 5.0))
    apertures = Apertures(7.0, 7.0, radius, inner, outer, np.full(n, True), SUBPIXEL, 5)
    sum_point(flux, flux, flux, apertures, 3.0, as_upstream, empty_coefficients(flux.shape) if wanted else None)
    return flux


def covariances() -> None:
    """Errors of spectra from pixels that spaxels share."""
    flux, planes = _summed(as_upstream=False, wanted=True), _planes()
    ratio, out = np.zeros((2, _ROWS, planes.x.size * planes.y.size)), np.zeros((2, _ROWS + 1))
    add_variances(*_seen(planes), planes, 0, ratio, out[:, :_ROWS])
    correlated_variances(flux.copy(), flux, np.ones((3, 3)), np.zeros(len(flux)))


def matching() -> None:
    """Backgrounds of exposures that are made equal."""
    flux = np.arange(_ROWS * 4, dtype=np.float32).reshape(_ROWS, 2, 2)
    background_only(flux, np.ones_like(flux))
    flat, weight = flux.reshape(_ROWS, 4), np.ones((_ROWS, 4), np.float32)
    pair_sums(flat, weight, flat, weight, np.arange(float(_ROWS)), 1)


def spectra() -> None:
    """From a cube to a spectrum, of a point source and of an extended one."""
    flux = _summed(as_upstream=False)
    sum_extended(flux, flux, flux, 3.0)


def regions() -> None:
    """From a cube to the spectrum of a region."""
    share = np.zeros((15, 15))
    add_polygon(share, np.array([3.0, 9.0, 6.0]), np.array([3.0, 3.0, 9.0]), 1.0)
    add_ellipse(share, 7.0, 7.0, 3.0, 2.0, 0.5, 1.0)
    flux = _fixed(np.ones((2, 15, 15), np.float32))
    sum_region(flux, flux, flux, share, share, True, 3.0)


def sources() -> None:
    """Where the source of a cube is."""
    flux = _fixed(np.ones((2, 15, 15), np.float32))
    mean_light(flux, flux, flux, 0.1)
    image = np.ones((15, 15))
    find_source(image, image, np.ones((15, 15), bool), 1.5, Limits())


def fringes() -> None:
    """Residual fringes of a spectrum."""
    x = np.linspace(100.0, 110.0, 50)
    strongest_frequency(x, np.sin(x), np.ones(50), 0.1, 0.3)
    KnottedSpline(x, x[10:11], 2).fitted(x, np.ones(50))


def _labels() -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return the slices of an image: the label of each pixel, and where each is."""
    label = np.tile(np.repeat(np.arange(101, 101 + _SLICES, dtype=np.int16), _WIDTH), (_ROWS, 1))
    ends = _WIDTH * np.arange(_SLICES + 1)
    return label, np.stack([label[0, ends[:-1]], ends[:-1], ends[1:]], axis=1).astype(np.int64)


def traces() -> None:
    """Splines along the slices, and exposures with more columns."""
    label, slices = _labels()
    slice_pixels(np.asfortranarray(label), slices[:, 0].astype(np.int16), 0, _COLUMNS)
    alpha = np.tile(np.arange(_COLUMNS, dtype=np.float32), (_ROWS, 1))
    fitted = fit_traces(_image().copy(), alpha, label, slices, np.ones((_SLICES, _ROWS), np.float32))
    evaluate_traces(fitted, alpha, label, slices, Ends(0.1, 2, 1, blank=True))
    for image in (_image(), _image().copy()):
        widen(image, label, slices, 2.0, 3)
    _marked()


def replacements() -> None:
    """Estimates of bad pixels."""
    label, slices = _labels()
    bad = np.arange(label.size).reshape(label.shape) % 5 == 0
    smaller_gradient(_image(), bad, label, 1)
    fit_profiles(_image(), np.ones((4, *label.shape), np.float32), bad, ~bad, label, slices, 3, True)
    _marked()


GROUPS: dict[str, Callable[[], None]] = {
    group.__name__: group
    for group in (
        traces,
        replacements,
        outliers,
        geometry,
        official,
        cubes,
        spectra,
        sources,
        differences,
        covariances,
        points,
        fringes,
        regions,
        backgrounds,
        matching,
    )
}
"""By name; what takes longest comes first."""


def work() -> None:
    """Read names of groups from standard input, call them, and say after each: its name, how many were compiled.

    A name is answered at once, so that whoever sends them can share them among processes.
    """
    from numba.core import event

    compiled = 0

    class _Listener(event.Listener):  # type: ignore[misc]
        def on_start(self, _event: event.Event) -> None:
            nonlocal compiled
            compiled += 1

        def on_end(self, _event: event.Event) -> None:
            pass

    event.register("numba:compile", _Listener())
    for line in sys.stdin:
        before = compiled
        GROUPS[line.strip()]()
        sys.stdout.write(f"{line.strip()} {compiled - before}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    work()
