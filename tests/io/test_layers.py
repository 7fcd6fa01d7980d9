"""Cubes opened without being read: the observatory's, those of other instruments, and what is no cube."""

import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from cubes import NAME, a_cube, celestial, write_cube

from mrsnb.core.layers import CubeLayers
from mrsnb.errors import InputError
from mrsnb.geometry.shares import spaxels_to_sky
from mrsnb.io.layers import open_cube
from mrsnb.io.maps import write_map
from mrsnb.io.s3d import read_s3d, write_s3d

RNG = np.random.default_rng(8)
PIXELS = RNG.normal(size=(6, 9, 11)).astype(np.float32)


def muse(path, **keys):
    return write_cube(path, {"DATA": PIXELS, "STAT": PIXELS**2}, celestial(**keys))


@pytest.fixture
def own(tmp_path):
    """A product of ours, turned, with flags."""
    dq = np.zeros((5, 7, 9), np.uint32)
    dq[0, 0], dq[1, 1, 1] = 513, 2**31
    flux = RNG.normal(size=dq.shape)
    flux[0, 0] = np.nan
    return write_s3d(a_cube(flux, dq=dq, rotation=31.0), tmp_path)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_product_is_what_read_s3d_reads(own, is_packed):
    path = own
    if is_packed:
        path = own.with_name(own.name + ".gz")
        with fits.open(own) as hdus:
            hdus.writeto(path)
    found, whole = open_cube(path), read_s3d(own)
    assert (found.name, found.bands, found.unit) == (NAME, whole.bands, "MJy/sr")
    for name in ("flux", "err", "dq", "weight"):
        assert np.array_equal(getattr(found, name).read(...), getattr(whole, name), equal_nan=name != "dq")
    for name in ("ra", "dec", "spaxel_size", "rotation", "n_x", "n_y"):
        assert getattr(found.grid, name) == pytest.approx(getattr(whole.grid, name), rel=1e-12)
    assert found.grid.wave == pytest.approx(whole.grid.wave)
    assert repr(found).startswith("<CubeLayers toy")
    assert found.spaxel_sr == CubeLayers.of(whole).spaxel_sr


def test_files_are_not_read(tmp_path):
    path = write_cube(tmp_path / "big.fits", {"DATA": np.zeros((200, 100, 100), np.float32)}, celestial(100, 100))
    tracemalloc.start()
    cube = open_cube(path)
    cube.flux.read(17)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(cube.flux.data, np.memmap)
    assert peak < 2_000_000


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_spaxels_lie_where_astropy_says(tmp_path, mirrored, turn):
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    step, sign = 0.2 / 3600, 1 if mirrored else -1
    keys = {"CD1_1": sign * step * c, "CD1_2": step * s, "CD2_1": -sign * step * s, "CD2_2": step * c}
    path = muse(tmp_path / "a.fits", **keys)
    cube, wcs = open_cube(path), WCS(fits.getheader(path, "DATA")).celestial
    x = np.array([0, 10, 3])
    ours = spaxels_to_sky(np.stack([10 - x if mirrored else x, [0, 8, 5]], axis=1).astype(float), cube.grid)
    theirs = np.stack(wcs.pixel_to_world_values(x, [0, 8, 5]), axis=1)
    assert np.abs((ours - theirs) * 3600).max() < 1e-4
    assert np.array_equal(cube.flux.read(2), PIXELS[2, :, ::-1] if mirrored else PIXELS[2])


@pytest.mark.parametrize(
    ("keys", "wave", "step"),
    [
        ({}, 0.475, 1.25e-4),
        ({"CUNIT3": "nm", "CRVAL3": 475.0, "CD3_3": 0.125}, 0.475, 1.25e-4),
        ({"CUNIT3": "m", "CRVAL3": 5e-6, "CD3_3": None, "CDELT3": 1e-9, "CTYPE3": "WAVE"}, 5.0, 1e-3),
        ({"CUNIT3": "um", "CRVAL3": 5.0, "CD3_3": 0.002, "CRPIX3": 3.0}, 4.996, 2e-3),
        ({"CD3_3": -1.25}, 0.475 - 5 * 1.25e-4, 1.25e-4),
    ],
)
def test_wavelengths_in_any_unit(tmp_path, keys, wave, step):
    cube = open_cube(muse(tmp_path / "a.fits", **keys))
    assert cube.grid.wave[0] == pytest.approx(wave)
    assert np.diff(cube.grid.wave) == pytest.approx(step)
    assert cube.grid.wave_step == pytest.approx(step)
    backward = keys.get("CD3_3") == -1.25
    assert np.array_equal(cube.flux.read(0), PIXELS[-1 if backward else 0])


def test_logarithmic_wavelengths_are_those_of_astropy(tmp_path):
    path = muse(tmp_path / "a.fits", CTYPE3="WAVE-LOG", CUNIT3="m", CRVAL3=5e-7, CD3_3=1e-10)
    theirs = WCS(fits.getheader(path, "DATA")).spectral.pixel_to_world_values(np.arange(6)) * 1e6
    assert open_cube(path).grid.wave == pytest.approx(theirs, rel=1e-12)


def test_a_variance_is_read_as_an_error(tmp_path):
    cube = open_cube(muse(tmp_path / "a.fits"))
    np.testing.assert_allclose(cube.err.read(1), np.abs(PIXELS[1]), rtol=1e-5)
    assert cube.dq is None
    assert cube.weight is None
    assert cube.bands == ()
    assert list(cube.layers) == ["SCI", "ERR"]


def test_scaled_integers(tmp_path):
    hdu = fits.PrimaryHDU(np.arange(12, dtype=np.int16).reshape(3, 2, 2))
    hdu.header.update(celestial(2, 2) | {"BSCALE": 0.5, "BZERO": 10.0})
    hdu.header["BSCALE"], hdu.header["BZERO"] = 0.5, 10.0
    path = tmp_path / "a.fits"
    fits.HDUList([hdu]).writeto(path)
    with fits.open(path) as hdus:
        wanted = hdus[0].data.astype(float)
    assert np.array_equal(open_cube(path).flux.read(...), wanted)


@pytest.mark.parametrize("name", ["DATA", "SCI", "FLUX"])
def test_one_plane_is_a_cube(tmp_path, name):
    cube = open_cube(write_cube(tmp_path / "a.fits", {name: PIXELS[:1]}, celestial()))
    assert cube.shape == (1, 9, 11)
    assert cube.grid.wave_step[0] == pytest.approx(1.25e-4)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"CTYPE3": "FREQ"}, "no wavelengths"),
        ({"CRVAL3": None}, "no wavelengths"),
        ({"CUNIT3": "Hz"}, "CUNIT3 = 'Hz' is no unit of length"),
        ({"CRVAL1": None}, "no sky coordinates"),
        ({"CD1_1": None, "CD2_2": None, "CD1_2": None, "CD2_1": None}, "no sky coordinates"),
        ({"CD2_2": 1e-3}, "only cubes with square spaxels"),
    ],
)
def test_what_cannot_be_placed_is_refused_in_a_line(tmp_path, keys, told):
    with pytest.raises(InputError, match=told) as error:
        open_cube(muse(tmp_path / "a.fits", **keys))
    assert "\n" not in str(error.value)


def test_what_is_no_cube_is_refused(tmp_path):
    flat = write_cube(tmp_path / "a.fits", {"SCI": PIXELS[0]}, {})
    with pytest.raises(InputError, match=r"no cube.*found PRIMARY \(0-D\), SCI \(2-D\)"):
        open_cube(flat)
    with pytest.raises(InputError, match="differ in shape"):
        open_cube(write_cube(tmp_path / "b.fits", {"DATA": PIXELS, "STAT": PIXELS[:3]}, celestial()))
    with pytest.raises(InputError, match="no such file"):
        open_cube(tmp_path / "c.fits")


def test_a_map_lies_where_its_cube_lies(own, tmp_path):
    cube = open_cube(own)
    path = write_map(tmp_path / "m.fits", {"SCI": cube.flux.read(1)}, cube.grid, "MJy/sr", cube.primary, about="a test")
    with fits.open(path) as hdus:
        wcs, header = WCS(hdus["SCI"].header), hdus["SCI"].header
        assert np.array_equal(hdus["SCI"].data, cube.flux.read(1), equal_nan=True)
    places = np.array([[0.0, 0.0], [8.0, 6.0]])
    theirs = np.stack(wcs.pixel_to_world_values(*places.T), axis=1)
    assert theirs == pytest.approx(spaxels_to_sky(places, cube.grid), abs=1e-9)
    assert (header["MAPOF"], header["BUNIT"], header["NAXIS"]) == ("a test", "MJy/sr", 2)
