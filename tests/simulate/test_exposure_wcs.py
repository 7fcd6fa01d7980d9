from itertools import product

import numpy as np
import pytest

from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import CHANNELS, detector_geometry

SETTINGS = [
    *product(CHANNELS, ("short", "medium", "long")),
    ("MIRIFULONG", "long-short"),
]
POINTINGS = [
    Pointing(ra=202.4695, dec=47.1952, roll=30.0, offset=(1.14796, -0.43441)),
    Pointing(ra=0.00001, dec=-0.00001, roll=200.0, offset=(-2.0, 1.0)),
    Pointing(ra=359.9999, dec=85.0, roll=310.0, offset=(1.0, 2.0)),
    Pointing(ra=80.0, dec=-69.0, roll=0.0, va_scale=1.0, velosys=0.0),
]


def some_pixels(geometry, n=1500):
    y, x = np.nonzero(geometry.slice_map)
    some = np.random.default_rng(0).permutation(len(x))[:n]
    return x[some].astype(float), y[some].astype(float)


def unit(lon, lat):
    lon, lat = np.deg2rad(lon), np.deg2rad(lat)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def sky_by_hand(pointing, v2, v3):
    """Tangent plane about the reference point, turned by the roll: good to 1e-7 arcsec over a few arcsec."""
    ra, dec = np.deg2rad(pointing.reference())
    d2, d3 = np.deg2rad((v2 - pointing.v2_ref) / 3600), np.deg2rad((v3 - pointing.v3_ref) / 3600)
    d2 = d2 * np.cos(np.deg2rad(pointing.v3_ref / 3600))
    roll = np.deg2rad(pointing.roll)
    east, north = d2 * np.cos(roll) + d3 * np.sin(roll), -d2 * np.sin(roll) + d3 * np.cos(roll)
    x, y, z = unit(*np.rad2deg([ra, dec]))
    centre = np.array([x, y, z])
    to_east = np.array([-np.sin(ra), np.cos(ra), 0])
    to_north = np.cross(centre, to_east)
    p = centre + east * to_east + north * to_north
    return p / np.linalg.norm(p)


@pytest.mark.parametrize("setting", SETTINGS, ids="-".join)
def test_pixels_come_back_from_the_sky(setting):
    geometry = detector_geometry(*setting)
    wcs = exposure_wcs(geometry, POINTINGS[0])
    x, y = some_pixels(geometry)
    world = wcs(x, y)
    back = wcs.backward_transform(*world)
    ok = np.isfinite(world[0])
    assert ok.mean() > 0.98  # the reddest pixels of 4C are beyond the window that selects the channel
    np.testing.assert_allclose(back[0][ok], x[ok], atol=1e-3)
    np.testing.assert_allclose(back[1][ok], y[ok], atol=1e-3)


def test_frames_and_parts_are_those_that_cube_building_asks_for():
    geometry = detector_geometry("MIRIFULONG", "medium")
    wcs = exposure_wcs(geometry, POINTINGS[0])
    assert wcs.available_frames == ["detector", "alpha_beta", "v2v3", "v2v3vacorr", "world"]
    first = wcs.get_transform("detector", "alpha_beta")
    np.testing.assert_array_equal(first.label_mapper.mapper, geometry.slice_map)
    x, y = some_pixels(geometry, 300)
    alpha, beta, wave = first(x, y)
    label = geometry.slice_map[y.astype(int), x.astype(int)]
    channel = {c.band.channel: c for c in geometry.channels}
    expected = [channel[n // 100].slices[n % 100 - 1].beta for n in label]
    np.testing.assert_allclose(beta, expected)
    np.testing.assert_array_equal(wcs.get_transform("alpha_beta", wcs.output_frame.name)(alpha, beta, wave), wcs(x, y))
    assert tuple(wcs.bounding_box[0]) == (-0.5, 1031.5)
    assert tuple(wcs.bounding_box[1]) == (-0.5, 1023.5)
    outside, inside = zip(*wcs(np.array([512.0, x[0]]), np.array([512.0, y[0]])), strict=True)
    assert np.isnan(outside).all()
    assert np.isfinite(inside).all()


@pytest.mark.parametrize("pointing", POINTINGS)
def test_the_target_is_where_the_dither_puts_it(pointing):
    geometry = detector_geometry("MIRIFUSHORT", "short")
    to_sky = exposure_wcs(geometry, pointing).get_transform("v2v3vacorr", "world")
    ra, dec, _ = to_sky(pointing.v2_ref - pointing.offset[0], pointing.v3_ref + pointing.offset[1], 5.0)
    assert np.abs(unit(ra, dec) - unit(pointing.ra, pointing.dec)).max() < 1e-13
    dra, ddec = pointing.to_offsets(np.array([ra]), np.array([dec]))
    assert abs(dra[0]) < 1e-6
    assert abs(ddec[0]) < 1e-6


@pytest.mark.parametrize("pointing", POINTINGS)
def test_v2v3_reach_the_sky_by_rotation(pointing):
    to_sky = exposure_wcs(detector_geometry("MIRIFUSHORT", "short"), pointing).get_transform("v2v3vacorr", "world")
    for d2, d3 in ((0, 0), (3, 0), (0, 3), (-2, 4)):
        v2, v3 = pointing.v2_ref + d2, pointing.v3_ref + d3
        ra, dec, _ = to_sky(v2, v3, 5.0)
        assert 0 <= ra < 360
        assert np.abs(unit(ra, dec) - sky_by_hand(pointing, v2, v3)).max() * 206265 < 1e-5


def test_wavelengths_are_made_barycentric_and_positions_are_not_touched():
    geometry = detector_geometry("MIRIFUSHORT", "short")
    still, moving = (exposure_wcs(geometry, Pointing(ra=10, dec=20, velosys=v)) for v in (0.0, 12345.6))
    x, y = some_pixels(geometry, 200)
    a, b = still(x, y), moving(x, y)
    np.testing.assert_allclose(a[2] / b[2], 1 + 12345.6 / 299792458, rtol=1e-12)
    np.testing.assert_array_equal(a[0], b[0])


def test_aberration_scales_about_the_reference_point():
    geometry = detector_geometry("MIRIFUSHORT", "short")
    wcs = exposure_wcs(geometry, Pointing(ra=10, dec=20, va_scale=1.0001))
    step = wcs.get_transform("v2v3", "v2v3vacorr")
    assert step(-503.378, -318.9922, 5.0) == pytest.approx((-503.378, -318.9922, 5.0))
    assert step(-502.378, -318.9922, 5.0)[0] == pytest.approx(-503.378 + 1.0001, abs=1e-9)


def test_the_boresight_is_six_hundred_arcsec_away():
    pointing = POINTINGS[0]
    ra, dec, _ = pointing.boresight()
    separation = np.arccos(unit(ra, dec) @ unit(*pointing.reference()))
    assert np.rad2deg(separation) * 3600 == pytest.approx(np.hypot(503.378, 318.9922), abs=0.01)
