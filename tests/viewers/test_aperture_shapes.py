"""Apertures: handles lie on outlines, a drag puts a handle where the mouse is, shares add up to the area."""

import math

import numpy as np
import pytest
from cubes import a_grid
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.core.region import Shape, SkyAperture, ds9_text, parse_ds9
from mrsnb.errors import InputError
from mrsnb.geometry.shares import aperture_shares, sky_to_spaxels, spaxels_to_sky
from mrsnb.viewers.aperture import (
    KINDS,
    dragged,
    handles,
    new_shape,
    on_sky,
    outlines,
    places_of,
    spaxel_shape,
)
from mrsnb.viewers.aperture_set import one_by_one

AREAS = {
    "circle": lambda s: math.pi * s[0] ** 2,
    "ellipse": lambda s: math.pi * s[0] * s[1],
    "annulus": lambda s: math.pi * (s[1] ** 2 - s[0] ** 2),
    "box": lambda s: s[0] * s[1],
}
offsets = st.floats(-1.0, 1.0)
turns = st.sampled_from([0.0, 33.0, -140.0])


@given(st.sampled_from(sorted(AREAS)), offsets, offsets, st.floats(0.1, 0.5), turns)
def test_shares_sum_to_the_area(kind, x, y, size, rotation):
    grid = a_grid((1, 61, 61), rotation=rotation)
    shape = new_shape(kind, grid, (x, y), size)
    shares, _ = aperture_shares(grid, SkyAperture(shapes=(shape,)))
    assert shares.sum() * grid.spaxel_size**2 == pytest.approx(AREAS[kind](shape.sizes), rel=1e-6)


@given(offsets, offsets, st.floats(0.1, 0.5), turns)
def test_shares_of_a_polygon_sum_to_its_area(x, y, size, rotation):
    grid = a_grid((1, 61, 61), rotation=rotation)
    shape = new_shape("polygon", grid, (x, y), size)
    shares, _ = aperture_shares(grid, SkyAperture(shapes=(shape,)))
    assert shares.sum() * grid.spaxel_size**2 == pytest.approx(1.5 * math.sqrt(3) * size**2, rel=1e-6)


@given(st.sampled_from(KINDS), offsets, offsets, turns)
def test_a_new_shape_is_where_it_was_put(kind, x, y, rotation):
    grid = a_grid(rotation=rotation)
    shape = new_shape(kind, grid, (x, y), 0.4)
    assert handles(shape, grid)[0] == pytest.approx([x, y], abs=1e-6)
    assert all(np.isfinite(line).all() and (line[0] == pytest.approx(line[-1])) for line in outlines(shape, grid))


@given(st.sampled_from(KINDS), st.integers(0, 6), offsets, offsets, turns)
def test_a_dragged_handle_is_under_the_mouse(kind, handle, x, y, rotation):
    grid = a_grid(rotation=rotation)
    shape = new_shape(kind, grid, (0.2, -0.1), 0.3)
    handle %= len(handles(shape, grid))
    moved = dragged(shape, grid, handle, (x, y))
    if handle == 0:
        assert handles(moved, grid)[0] == pytest.approx([x, y], abs=1e-6)
        assert moved.sizes == shape.sizes
    elif kind == "polygon":
        assert handles(moved, grid)[handle] == pytest.approx([x, y], abs=1e-6)
    elif kind == "circle":
        assert moved.sizes[0] == pytest.approx(max(math.hypot(x - 0.2, y + 0.1), 0.01), abs=1e-6)
    assert all(size > 0 for size in moved.sizes)
    if kind != "polygon" and handle > 0:
        assert moved.points == shape.points


def test_an_ellipse_turns_with_its_first_handle():
    grid = a_grid(rotation=20.0)
    shape = dragged(new_shape("ellipse", grid, (0.0, 0.0), 0.5), grid, 1, (0.0, 0.8))
    assert handles(shape, grid)[1] == pytest.approx([0.0, 0.8], abs=1e-6)
    assert shape.angle == pytest.approx(110.0)
    assert shape.sizes[0] == pytest.approx(0.8)


@given(st.lists(st.tuples(st.floats(5, 9), st.integers(1, 60), st.floats(0.01, 0.2)), min_size=1, max_size=6))
def test_planes_of_several_cubes_rise_and_cover_all_of_them(cubes):
    """Whether they overlap, follow each other, or lie within each other."""
    waves = sorted((start + step * np.arange(n) for start, n, step in cubes), key=lambda wave: wave[0])
    wave, order = one_by_one(waves)
    assert (np.diff(wave) > 0).all()
    planes = np.concatenate([*waves, [np.nan]])[order]
    assert np.array_equal(planes[np.isfinite(planes)], wave[np.isfinite(planes)])
    coarsest = max(step for *_, step in cubes)
    for one in waves:
        assert np.abs(one[:, None] - wave).min(axis=1).max() <= coarsest


def test_the_rings_of_an_annulus_never_cross():
    grid = a_grid()
    shape = new_shape("annulus", grid, (0.0, 0.0), 0.5)
    for handle, to in ((1, 5.0), (2, 0.01)):
        inner, outer = dragged(shape, grid, handle, (to, 0.0)).sizes
        assert 0 < inner < outer


@given(st.integers(0, 24), st.integers(0, 20), turns)
def test_the_aperture_of_a_spaxel_is_that_spaxel(x, y, rotation):
    grid = a_grid(rotation=rotation)
    shares, _ = aperture_shares(grid, SkyAperture(shapes=(spaxel_shape(grid, x, y),)))
    wanted = np.zeros((21, 25))
    wanted[y, x] = 1
    np.testing.assert_allclose(shares, wanted, atol=1e-6)


@given(st.floats(0, 24), st.floats(0, 20), turns)
def test_spaxels_and_sky_are_each_others_inverse(x, y, rotation):
    grid = a_grid(rotation=rotation)
    sky = spaxels_to_sky(np.array([[x, y]]), grid)
    assert sky_to_spaxels(sky, grid)[0] == pytest.approx([x, y], abs=1e-6)


@pytest.mark.parametrize("kind", ["circle", "ellipse", "annulus", "box", "polygon"])
def test_a_shape_in_spaxels_covers_the_same_on_the_sky(kind):
    grid = a_grid(rotation=50.0)
    sizes = {"circle": (3.0,), "ellipse": (4.0, 2.0), "annulus": (2.0, 4.0), "box": (5.0, 3.0), "polygon": ()}[kind]
    points = ((8.0, 7.0), (15.0, 8.0), (12.0, 14.0)) if kind == "polygon" else ((11.3, 9.6),)
    shape = Shape(
        kind=kind, on_sky=False, points=points, sizes=sizes, angle=25.0 if kind in ("ellipse", "box") else 0.0
    )
    before, after = (aperture_shares(grid, SkyAperture(shapes=(s,)))[0] for s in (shape, on_sky(shape, grid)))
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_file_says_all_of_an_aperture(kind):
    grid = a_grid(rotation=12.0)
    first = new_shape(kind, grid, (0.3, 0.2), 0.4)
    aperture = SkyAperture(shapes=(first,))
    again = parse_ds9(ds9_text(aperture))
    np.testing.assert_allclose(*(aperture_shares(grid, a)[0] for a in (aperture, again)), atol=1e-6)


def test_a_region_file_keeps_what_is_cut_out_and_background():
    text = 'icrs\ncircle(1,2,3")\n-box(1,2,1",1",30)\nannulus(1,2,4",5") # background'
    aperture = parse_ds9(text)
    assert parse_ds9(ds9_text(aperture)).shapes == aperture.shapes
    image = parse_ds9("image; ellipse(3,4,2,1,20)")
    assert parse_ds9(ds9_text(image)).shapes == image.shapes


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="allowed: circle"):
        new_shape("star", a_grid(), (0, 0), 1)


def test_places_are_toward_west_and_north():
    grid = a_grid()
    shape = Shape(kind="circle", on_sky=True, points=((grid.ra + 1 / 3600, grid.dec + 0.5 / 3600),), sizes=(1.0,))
    (x, y), *_ = places_of(shape, grid)
    assert x == pytest.approx(-math.cos(math.radians(grid.dec)), rel=1e-3)
    assert y == pytest.approx(0.5, rel=1e-3)
