"""Images and spectra out of cubes: what the obvious sums give, without NaN and flags, whatever the size of blocks."""

import numpy as np
import pytest
from astropy import units as u
from cubes import a_grid, layers
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.errors import InputError
from mrsnb.viewers import slicing
from mrsnb.viewers.aperture_sums import ApertureSums
from mrsnb.viewers.slicing import (
    HOWS,
    collapse,
    layer_names,
    plane,
    planes_in,
    side_bands,
    voxel,
)


@pytest.fixture
def holed():
    rng = np.random.default_rng(3)
    flux = rng.normal(1, 1, (30, 7, 9)).astype(np.float32)
    flux[rng.uniform(size=flux.shape) < 0.2] = np.nan
    flux[:, 2, 3] = np.nan
    dq = (rng.uniform(size=flux.shape) < 0.1) * 1
    return layers(flux, err=rng.uniform(0.1, 1, flux.shape), dq=dq)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(slicing, "MOST_VOXELS", 100)


def good_part(cube, here):
    flux = cube.flux.read(here).astype(float)
    flux[cube.dq.read(here) != 0] = np.nan
    return flux


@pytest.mark.filterwarnings("ignore:.*(empty slice|All-NaN)")
@pytest.mark.parametrize("how", ["sum", "mean", "median", "max"])
@pytest.mark.parametrize("blocks", [None, "small_blocks"])
def test_a_map_is_what_numpy_makes_of_the_planes(holed, how, blocks, request):
    if blocks is not None:
        request.getfixturevalue(blocks)
    found = collapse(holed, 5.05, 5.2, how)
    values = good_part(holed, slice(5, 21))
    wanted = getattr(np, f"nan{how}")(values, axis=0)
    wanted[np.isnan(values).all(axis=0)] = np.nan
    np.testing.assert_allclose(found.image, wanted, rtol=1e-5, atol=1e-6)
    assert np.isnan(found.image[2, 3])
    assert found.unit == "MJy/sr"
    if how in ("sum", "mean"):
        variance = np.where(np.isnan(values), 0, holed.err.read(slice(5, 21))) ** 2
        n = (~np.isnan(values)).sum(axis=0)[0] if how == "mean" else 1
        np.testing.assert_allclose(found.err[0], np.sqrt(variance.sum(axis=0))[0] / n, rtol=1e-4)


def test_a_flat_cube_gives_a_flat_map():
    found = collapse(layers(np.full((20, 5, 6), 2.5)), 5.0, 5.09, "sum")
    assert (found.image == 25).all()
    np.testing.assert_allclose(found.err, 0.1 * np.sqrt(10), rtol=1e-6)


@given(st.floats(5.1, 5.3), st.floats(0.02, 0.04), st.floats(0.5, 50))
def test_moments_of_a_gaussian_line_are_its_flux_place_and_width(centre, sigma, peak):
    wave = a_grid((400, 1, 1), step=0.001).wave
    cube = layers(np.tile((peak * np.exp(-0.5 * ((wave - centre) / sigma) ** 2))[:, None, None], (1, 2, 2)), step=0.001)
    maps = [collapse(cube, centre - 6 * sigma, centre + 6 * sigma, f"moment {n}") for n in range(3)]
    flux, place, width = (found.image for found in maps)
    if centre - 5 * sigma < 5.0 or centre + 5 * sigma > wave[-1]:
        return
    per_micron = (peak * u.MJy / u.sr * u.sr).to_value("W / (m2 um)", u.spectral_density(centre * u.um))
    assert maps[0].unit == "W/m2/sr"
    assert flux[0, 0] == pytest.approx(per_micron * sigma * np.sqrt(2 * np.pi), rel=2e-3)
    assert place[0, 0] == pytest.approx(centre, abs=1e-4)
    assert width[1, 1] == pytest.approx(sigma, rel=1e-2)


def test_moments_about_a_line_are_velocities():
    wave = a_grid((400, 1, 1), step=0.001).wave
    centre, sigma = 5.2 * (1 + 1e-3), 5.2 * 1e-3
    cube = layers(np.exp(-0.5 * ((wave - centre) / sigma) ** 2)[:, None, None], step=0.001)
    found = collapse(cube, 5.1, 5.3, "moment 1", reference=5.2)
    assert found.unit == "km/s"
    assert found.image.item() == pytest.approx(299.8, rel=2e-3)
    assert collapse(cube, 5.1, 5.3, "moment 2", reference=5.2).image.item() == pytest.approx(299.8, rel=2e-2)


@pytest.mark.parametrize("how", ["sum", "mean", "max", "median", "moment 0"])
def test_a_straight_continuum_leaves_nothing(how):
    rng = np.random.default_rng(4)
    wave = a_grid().wave[:, None, None]
    flux = rng.normal(0, 1, (1, 21, 25)) + rng.normal(0, 1, (1, 21, 25)) * wave
    cube = layers(flux)
    found = collapse(cube, 5.15, 5.2, how, side_bands(cube.grid, 5.15, 5.2))
    assert np.abs(found.image).max() < 1e-4


def test_a_continuum_of_one_side_is_its_mean():
    cube = layers(np.where(a_grid().wave[:, None, None] < 5.1, 2.0, 5.0) * np.ones((1, 21, 25)))
    assert collapse(cube, 5.2, 5.25, "mean", [(5.0, 5.05)]).image == pytest.approx(3.0)


def test_a_range_between_planes_is_the_nearest_plane():
    grid = a_grid()
    assert planes_in(grid, 5.012, 5.013) == slice(1, 2)
    assert planes_in(grid, 5.05, 5.02) == slice(2, 6)
    with pytest.raises(InputError, match="does not meet the cube"):
        planes_in(grid, 6.0, 6.1)


def test_side_bands_stay_in_the_cube():
    grid = a_grid()
    assert len(side_bands(grid, 5.1, 5.15)) == 2
    assert len(side_bands(grid, 4.9, 5.05)) == 1
    (left, right) = side_bands(grid, 5.1, 5.15)
    assert left[1] < 5.1
    assert right[0] > 5.15


def test_a_map_has_no_infinities():
    flux = np.ones((4, 3, 3), np.float32)
    flux[:, 1, 1] = np.inf
    assert np.isnan(collapse(layers(flux), 5.0, 5.03, "sum").image[1, 1])


def test_layers_of_a_plane():
    cube = layers(np.full((3, 2, 2), 4.0), err=[[[2.0, 0.0], [np.nan, 1.0]]])
    assert layer_names(cube) == ["SCI", "ERR", "DQ", "WMAP", "S/N"]
    assert plane(cube, 1, "S/N").tolist()[0][0] == 2
    assert np.isnan(plane(cube, 1, "S/N")).tolist() == [[False, True], [True, False]]
    assert voxel(cube, 0, 0, 0) == {"SCI": 4.0, "ERR": 2.0, "DQ": 0, "WMAP": 1.0}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 5), (5, 4, 5)])
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_no_cube_is_too_small_or_too_empty(how, shape, value):
    cube = layers(np.full(shape, value))
    found = collapse(cube, 5.0, 5.02, how, side_bands(cube.grid, 5.0, 5.02), 5.01)
    assert found.image.shape == shape[1:]
    assert ApertureSums(cube)(np.ones(shape[1:])).flux.shape == shape[:1]
