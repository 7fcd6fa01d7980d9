import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.geometry.tangent import from_plane, offset_by, separation, tangent_matrix, to_plane, to_sky

CENTRES = [(202.4695, 47.1952), (0.0, 0.0), (359.99999, 85.0), (80.0, -89.5)]
ROTATIONS = [0.0, 33.0, -170.0]


def places(n=50, reach=6.0):
    return np.random.default_rng(1).uniform(-reach, reach, (2, n))


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_there_and_back(centre, rotation):
    xi, eta = places()
    back = to_plane(*from_plane(xi, eta, *centre, rotation), *centre, rotation)
    np.testing.assert_allclose(back, [xi, eta], rtol=0, atol=2e-9)


@pytest.mark.parametrize("centre", CENTRES)
def test_it_is_the_gnomonic_projection_of_astropy(centre):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], centre, [1, 1]
    wcs.wcs.cdelt, wcs.wcs.cunit = [1 / 3600, 1 / 3600], ["deg", "deg"]
    xi, eta = places()
    ra, dec = wcs.all_pix2world(-xi, eta, 0)  # the first axis of TAN runs east, xi runs west
    found = to_plane(ra, dec, *centre)
    np.testing.assert_allclose(found, [xi, eta], rtol=0, atol=2e-9)


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_the_matrix_is_the_same_projection(centre, rotation):
    xi, eta = places()
    ra, dec = (np.deg2rad(part) for part in from_plane(xi, eta, *centre, rotation))
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    matrix = tangent_matrix(*centre, rotation)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-15)
    west, north, depth = matrix @ vectors
    np.testing.assert_allclose(np.rad2deg([west / depth, north / depth]) * 3600, [xi, eta], rtol=0, atol=2e-9)


def test_xi_runs_west_and_eta_north():
    xi, eta = to_plane(np.array([10.0, 9.999]), np.array([20.001, 20.0]), 10.0, 20.0)
    np.testing.assert_allclose(xi, [0, 3.6 * np.cos(np.deg2rad(20))], atol=1e-6)
    np.testing.assert_allclose(eta, [3.6, 0], atol=1e-4)


def test_a_rotation_turns_the_axes_from_north_to_east():
    """Cubes turned by the angle of the WCS keywords: PC1_1 = -cos r, PC1_2 = PC2_1 = sin r, PC2_2 = cos r."""
    r = np.deg2rad(25.0)
    xi, eta = places()
    east = -xi * np.cos(r) + eta * np.sin(r)
    north = xi * np.sin(r) + eta * np.cos(r)
    np.testing.assert_allclose(
        from_plane(xi, eta, 100.0, 30.0, 25.0), from_plane(-east, north, 100.0, 30.0), rtol=0, atol=1e-11
    )


@settings(max_examples=50)
@given(ra=st.floats(0, 360, exclude_max=True), dec=st.floats(-89.9, 89.9))
def test_vectors_become_the_sky(ra, dec):
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    found_ra, found_dec = to_sky(np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)]))
    assert 0 <= found_ra <= 360
    assert ((found_ra - ra + 180) % 360 - 180) * np.cos(d) == pytest.approx(0, abs=1e-12)
    assert found_dec == pytest.approx(dec, abs=1e-12)


@pytest.mark.parametrize("centre", CENTRES)
def test_offsets_are_those_of_astropy(centre):
    sky = SkyCoord(*centre, unit="deg").spherical_offsets_by(12.0 * u.arcsec, -7.0 * u.arcsec)
    ra, dec = offset_by(*(np.array([c]) for c in centre), 12.0, -7.0)
    assert separation(np.array([[ra[0], dec[0]], [sky.ra.deg, sky.dec.deg]]))[0, 1] < 1e-8


def test_separations_are_those_of_astropy():
    sky = SkyCoord([10.0, 10.001, 359.9], [0.0, 0.001, -80.0], unit="deg")
    found = separation(np.stack([sky.ra.deg, sky.dec.deg], axis=1))
    np.testing.assert_allclose(found, sky[:, None].separation(sky[None]).arcsec, rtol=1e-7, atol=1e-8)
