"""Apertures go to the package regions and come back, and through its files; its regions lie where it says."""

import math

import numpy as np
import pytest
import regions
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from cubes import a_grid
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.core.blend import wcs_keywords
from mrsnb.core.region import Shape, SkyAperture, as_aperture, ds9_text, parse_ds9
from mrsnb.errors import InputError
from mrsnb.geometry.shares import aperture_shares
from mrsnb.io.regions import aperture_of, write_region

CENTRE = SkyCoord(202.5, 47.2, unit="deg")
MEASURES = st.floats(0.01, 30.0)
TURNS = st.floats(-360.0, 360.0)


@st.composite
def shapes(draw):
    kind = draw(st.sampled_from(["circle", "ellipse", "ring", "annulus", "box", "polygon"]))
    on_sky = draw(st.booleans())
    places = st.tuples(st.floats(0.0, 359.99), st.floats(-89.0, 89.0)) if on_sky else st.tuples(MEASURES, MEASURES)
    corners = draw(st.integers(3, 7)) if kind == "polygon" else 1
    sizes = tuple(draw(MEASURES) for _ in range({"circle": 1, "ring": 2, "polygon": 0}.get(kind, 2)))
    if kind == "annulus":
        sizes = (sizes[0], sizes[0] + sizes[1])
    if kind == "ring":
        sizes = (*sizes, *(2 * size for size in sizes))
    return Shape(
        kind="ellipse" if kind == "ring" else kind,
        on_sky=on_sky,
        points=tuple(draw(places) for _ in range(corners)),
        sizes=sizes,
        angle=draw(TURNS) if kind in ("ellipse", "ring", "box") else 0.0,
        excluded=draw(st.booleans()),
        background=draw(st.booleans()),
    )


def apertures():
    def with_source(several):
        return SkyAperture(shapes=(*several, parse_ds9("image; circle(3, 4, 5)").shapes[0]))

    return st.lists(shapes(), max_size=4).map(with_source)


def assert_same(found, wanted, rel):
    assert len(found.shapes) == len(wanted.shapes)
    for one, other in zip(found.shapes, wanted.shapes, strict=True):
        for name in ("kind", "on_sky", "excluded", "background"):
            assert getattr(one, name) == getattr(other, name)
        for mine, given_ in zip(one.points, other.points, strict=True):
            assert mine == pytest.approx(given_, rel=rel, abs=rel)
        assert one.sizes == pytest.approx(other.sizes, rel=rel)
        assert math.remainder(one.angle - other.angle, 360.0) == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(apertures())
def test_regions_there_and_back(aperture):
    assert_same(as_aperture(aperture.to_regions()), aperture, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(apertures())
def test_text_of_theirs_and_of_ours_is_read_by_both(aperture):
    assert_same(parse_ds9(ds9_text(aperture)), aperture, rel=1e-8)
    assert_same(parse_ds9(aperture.to_regions().serialize(format="ds9", precision=12)), aperture, rel=1e-6)
    theirs = as_aperture(regions.Regions.parse(ds9_text(aperture), format="ds9"))
    assert [(s.kind, s.excluded) for s in theirs.shapes] == [(s.kind, s.excluded) for s in aperture.shapes]


@pytest.mark.parametrize("rotation", [0.0, 35.0])
@pytest.mark.parametrize(
    "region",
    [
        regions.CircleSkyRegion(CENTRE, 0.9 * u.arcsec),
        regions.EllipseSkyRegion(CENTRE, 2.2 * u.arcsec, 1.1 * u.arcsec, 25 * u.deg),
        regions.CircleAnnulusSkyRegion(CENTRE, 0.4 * u.arcsec, 1.0 * u.arcsec),
        regions.EllipseAnnulusSkyRegion(
            CENTRE, 0.6 * u.arcsec, 2.2 * u.arcsec, 0.4 * u.arcsec, 1.4 * u.arcsec, 70 * u.deg
        ),
        regions.RectangleSkyRegion(CENTRE, 2.0 * u.arcsec, 0.8 * u.arcsec, 40 * u.deg),
        regions.PolygonSkyRegion(SkyCoord([202.5, 202.5003, 202.5001], [47.2, 47.2001, 47.2003], unit="deg")),
        regions.EllipseSkyRegion(CENTRE.galactic, 2.2 * u.arcsec, 1.1 * u.arcsec, 25 * u.deg),
        regions.RectangleSkyRegion(CENTRE.fk5, 2.0 * u.arcsec, 0.8 * u.arcsec, 40 * u.deg),
        regions.RegularPolygonPixelRegion(regions.PixCoord(12.0, 9.0), 5, 4.0, 15 * u.deg),
        regions.EllipsePixelRegion(regions.PixCoord(12.2, 9.6), 9.0, 5.0, 30 * u.deg),
    ],
    ids=lambda region: type(region).__name__,
)
def test_a_region_covers_the_spaxels_that_it_says_it_covers(region, rotation):
    grid = a_grid((2, 21, 25), rotation=rotation)
    ours, _ = aperture_shares(grid, as_aperture(region))
    wcs = WCS(fits.Header(list(wcs_keywords(grid).items()))).celestial
    flat = region.to_pixel(wcs) if hasattr(region, "to_pixel") else region
    parts = (np.arange(10) - 4.5) / 10
    fine = [(np.arange(n)[:, None] + parts).ravel() for n in (21, 25)]
    y, x = np.meshgrid(*fine, indexing="ij")
    theirs = flat.contains(regions.PixCoord(x, y)).reshape(21, 10, 25, 10).mean(axis=(1, 3))
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.01)
    assert np.abs(ours - theirs).max() < 0.06


def test_what_has_no_area_is_left_out_and_what_cannot_be_summed_is_refused():
    circle, point = regions.CircleSkyRegion(CENTRE, 1 * u.arcsec), regions.PointSkyRegion(CENTRE)
    assert len(as_aperture([point, circle]).shapes) == 1
    assert len(as_aperture(circle | circle).shapes) == 2
    ring = regions.RectangleAnnulusSkyRegion(CENTRE, 1 * u.arcsec, 2 * u.arcsec, 1 * u.arcsec, 2 * u.arcsec)
    for bad in (circle & circle, ring):
        with pytest.raises(InputError, match=f"{type(bad).__name__} is no shape that can be summed; allowed: Circle"):
            as_aperture(bad)
    with pytest.raises(InputError, match="no region to extract"):
        as_aperture(point)


def test_files_of_several_regions(tmp_path):
    aperture = as_aperture('icrs; circle(202.5, 47.2, 1")\n-circle(202.5, 47.2, 0.5")')
    path = write_region(aperture, tmp_path / "a.reg")
    assert aperture_of(path).shapes == aperture_of(str(path)).shapes == aperture.shapes
    theirs = tmp_path / "b.reg"
    aperture.to_regions().write(theirs, format="ds9", precision=12)
    assert_same(aperture_of(theirs), aperture, rel=1e-8)
    assert [shape.excluded for shape in as_aperture(regions.Regions.read(path)).shapes] == [False, True]
