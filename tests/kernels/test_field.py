import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, Polygon

from mrsnb.kernels.drizzle import Planes
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.normalize import HOLE, OUTSIDE, Product, normalize
from mrsnb.kernels.slices import Samples

HALF = 0.5


def planes_of(n_wave=3, n=9):
    centres = 0.5 * (np.arange(n) - n // 2)
    return Planes(centres, centres.copy(), 0.5, 1.0 + 0.1 * np.arange(n_wave), np.full(n_wave, 0.1))


def slices(planes, betas=(-1.0, 0.0, 1.0), *, missing=()):
    """Return samples, where slices start, and corners, of slices that see alpha -1.5 to 1.5 in every plane.

    The tangent plane is (alpha, beta) itself. Plane k of slice s has no pixels if (s, k) is missing.
    """
    index, which, wave, alpha, beta = [], [], [], [], []
    for s, b in enumerate(betas):
        for k, w in enumerate(planes.wave):
            if (s, k) in missing:
                continue
            for a in (-1.0, 0.0, 1.0):
                index.append(len(index))
                which.append(s)
                wave.append(w)
                alpha.append((a, a - HALF, a + HALF))
                beta.append(b)
    start = np.searchsorted(which, np.arange(len(betas) + 1))
    alpha, beta = np.array(alpha), np.array(beta)
    samples = Samples(
        np.array(index, np.int32), np.array(which, np.int16), np.array(wave), np.full(len(wave), 0.05), alpha
    )
    xi = alpha[:, [1, 1, 2, 2]]
    eta = beta[:, None] + HALF * np.array([-1, 1, 1, -1])
    return samples, start.astype(np.int64), xi, eta


def corners_of_field(samples, start, low, high, xi, eta, planes):
    there = np.r_[start[low] : start[low + 1], start[high] : start[high + 1]]
    return field_corners(samples, start, low, high, xi[there], eta[there], planes)


def marked(corners, planes):
    out = np.zeros((len(planes.wave), len(planes.x) * len(planes.y)), bool)
    mark_field(corners, planes, out)
    return out.reshape(len(planes.wave), len(planes.y), len(planes.x))


def test_the_corners_are_those_of_the_outermost_slices_in_every_plane():
    planes = planes_of()
    samples, start, xi, eta = slices(planes)
    corners = corners_of_field(samples, start, 0, 2, xi, eta, planes)
    for plane in corners:
        np.testing.assert_allclose(plane, [[-1.5, -1.5], [1.5, -1.5], [1.5, 1.5], [-1.5, 1.5]])


def test_a_mirrored_slicer_has_the_same_corners():
    planes = planes_of()
    samples, start, xi, eta = slices(planes, betas=(1.0, 0.0, -1.0))
    corners = corners_of_field(samples, start, 2, 0, xi, eta, planes)
    np.testing.assert_allclose(corners[0], [[-1.5, -1.5], [1.5, -1.5], [1.5, 1.5], [-1.5, 1.5]])


def test_a_plane_that_an_outermost_slice_does_not_reach_has_no_field():
    planes = planes_of()
    samples, start, xi, eta = slices(planes, missing={(2, 1), (1, 0)})
    corners = corners_of_field(samples, start, 0, 2, xi, eta, planes)
    np.testing.assert_array_equal(np.isfinite(corners).all(axis=(1, 2)), [True, False, True])
    np.testing.assert_array_equal(marked(corners, planes).any(axis=(1, 2)), [True, False, True])


def test_a_pixel_without_wavelength_marks_nothing():
    planes = planes_of()
    samples, start, xi, eta = slices(planes)
    samples.wave[:] = np.nan
    assert np.isnan(corners_of_field(samples, start, 0, 2, xi, eta, planes)).all()


@given(seed=st.integers(0, 2**32 - 1), mirrored=st.booleans())
def test_a_spaxel_is_marked_if_its_centre_is_inside(seed, mirrored):
    planes = planes_of(1)
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 4))
    corners = rng.uniform(-1, 1, 2) + rng.uniform(0.2, 2, 2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    corners = corners[::-1].copy() if mirrored else corners
    found = marked(corners[None], planes)[0]
    field = Polygon(corners)
    expected = [[field.contains(Point(x, y)) for x in planes.x] for y in planes.y]
    np.testing.assert_array_equal(found, expected)


def test_fields_of_several_exposures_add_up():
    planes = planes_of(1)
    square = np.array([[-0.6, -0.6], [0.6, -0.6], [0.6, 0.6], [-0.6, 0.6]])
    out = np.zeros((1, 81), bool)
    mark_field(square[None] - 1.0, planes, out)
    n = out.sum()
    mark_field(square[None] + 1.0, planes, out)
    assert out.sum() == pytest.approx(2 * n)


def test_only_what_no_pixel_fed_inside_the_field_is_a_hole():
    planes = planes_of(1)
    samples, start, xi, eta = slices(planes)
    field = marked(corners_of_field(samples, start, 0, 2, xi, eta, planes), planes)
    sums = np.where(field[..., None], 1.0, 0.0) * np.ones(4)
    sums[0, 4, 4] = 0  # the middle
    product = Product.empty((1, 9, 9))
    normalize(sums.reshape(1, 81, 4), field.reshape(1, 81), product)
    dq = product.dq[0]
    assert dq[4, 4] == HOLE
    assert np.count_nonzero(dq == HOLE) == 1
    np.testing.assert_array_equal(dq == OUTSIDE, ~field[0])
    assert (dq[[0, -1]] == OUTSIDE).all()
    assert (dq[:, [0, -1]] == OUTSIDE).all()
