"""Cubes opened without being read: the observatory's, those of other instruments, and what is no cube."""

import re
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
        assert getattr(found.grid, name) == pytest.approx(getattr(whole.grid, name), rel=1e-8)
    assert found.grid.wave == pytest.approx(whole.grid.wave)
    assert repr(found).startswith("<CubeLayers toy")
    assert found.spaxel_sr == pytest.approx(CubeLayers.of(whole).spaxel_sr, rel=1e-8)


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


@pytest.mark.parametrize(
    "keys",
    [
        {"CTYPE3": "WAVE-LOG", "CUNIT3": "m", "CRVAL3": 5e-7, "CD3_3": 1e-10},
        {"CTYPE3": "FREQ", "CUNIT3": "Hz", "CRVAL3": 2.3e11, "CD3_3": 1e8},
        {"CTYPE3": "FREQ", "CUNIT3": "GHz", "CRVAL3": 230.0, "CD3_3": -0.1},
        {"CTYPE3": "FREQ-LOG", "CUNIT3": "Hz", "CRVAL3": 2.3e11, "CD3_3": 1e8},
        {"CTYPE3": "WAVE-F2W", "CUNIT3": "m", "CRVAL3": 1e-3, "CD3_3": 1e-6},
        {"CTYPE3": "WAVN", "CUNIT3": "m-1", "CRVAL3": 1e5, "CD3_3": 10.0},
        {"CTYPE3": "ENER", "CUNIT3": "eV", "CRVAL3": 0.2, "CD3_3": 1e-3},
        {"CTYPE3": "VRAD", "CUNIT3": "km/s", "CRVAL3": -900.0, "CD3_3": 300.0, "RESTFRQ": 2.3e11},
        {"CTYPE3": "VOPT", "CUNIT3": "m/s", "CRVAL3": -9e5, "CD3_3": 3e5, "RESTWAV": 1.28e-5},
        {"CTYPE3": "VELO", "CUNIT3": "m/s", "CRVAL3": -9e5, "CD3_3": 3e7, "RESTWAV": 1.28e-5},
    ],
    ids=lambda keys: keys["CTYPE3"],
)
def test_wavelengths_are_those_of_astropy(tmp_path, keys):
    path = muse(tmp_path / "a.fits", **keys)
    theirs = WCS(fits.getheader(path, "DATA")).spectral.pixel_to_world(np.arange(6)).to_value("um")
    cube = open_cube(path)
    assert cube.grid.wave == pytest.approx(np.sort(theirs), rel=1e-12)
    assert np.array_equal(cube.flux.read(0), PIXELS[np.argmin(theirs)])
    assert (cube.grid.wave_step > 0).all()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
@pytest.mark.parametrize("style", ["CD", "PC", "CROTA"])
def test_axes_in_any_order_and_every_style_of_keywords(tmp_path, order, style):
    """The array's axes (wavelength, y, x) are put in another order, and its keywords with them."""
    c, s, step = np.cos(0.3), np.sin(0.3), 0.2 / 3600
    number = {"3": f"{3 - order.index(0)}", "2": f"{3 - order.index(1)}", "1": f"{3 - order.index(2)}"}
    plain = {key: value for key, value in celestial().items() if not key.startswith("CD")}
    keys = {"CD1_1": -step * c, "CD1_2": step * s, "CD2_1": step * s, "CD2_2": step * c, "CD3_3": 1.25}
    if style != "CD":
        keys = {"CDELT1": -step, "CDELT2": step, "CDELT3": 1.25}
        turn = {"PC1_1": c, "PC1_2": -s, "PC2_1": s, "PC2_2": c} if style == "PC" else {"CROTA2": np.degrees(0.3)}
        keys |= turn
    renamed = {re.sub(r"[123]", lambda found: number[found[0]], key): value for key, value in (plain | keys).items()}
    path = write_cube(tmp_path / "a.fits", {"DATA": PIXELS.transpose(order)}, renamed)
    cube, wcs = open_cube(path), WCS(fits.getheader(path, "DATA")).sub(["longitude", "latitude"])
    assert cube.shape == PIXELS.shape
    assert cube.grid.wave == pytest.approx(0.475 + 1.25e-4 * np.arange(6))
    assert isinstance(cube.flux.data, np.memmap)
    assert np.array_equal(cube.flux.read(2), PIXELS[2])
    x, y = np.array([0, 10, 3]), np.array([0, 8, 5])
    ra, dec = wcs.pixel_to_world_values(x, y)
    ours = spaxels_to_sky(np.stack([x, y], axis=1).astype(float), cube.grid)
    assert np.abs((ours - np.stack([ra, dec], axis=1)) * 3600).max() < 1e-4


def test_angles_in_arcseconds(tmp_path):
    turned = {
        "CD1_1": -0.2,
        "CD2_2": 0.2,
        "CUNIT1": "arcsec",
        "CUNIT2": "arcsec",
        "CRVAL1": 108000.0,
        "CRVAL2": -72000.0,
    }
    cube = open_cube(muse(tmp_path / "a.fits", **turned))
    assert (cube.grid.spaxel_size, round(cube.grid.ra, 3), round(cube.grid.dec, 3)) == (pytest.approx(0.2), 30.0, -20.0)


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


@pytest.mark.parametrize("is_packed", [False, True])
def test_integers_that_mean_nothing(tmp_path, is_packed):
    hdu = fits.ImageHDU(np.arange(12, dtype=np.int16).reshape(3, 2, 2))
    hdu.header.update(celestial(2, 2) | {"BLANK": 5})
    path = tmp_path / ("a.fits.gz" if is_packed else "a.fits")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    flux = open_cube(path).flux.read(...)
    assert np.isnan(flux[1, 0, 1])
    assert np.isfinite(flux).sum() == 11


@pytest.mark.parametrize("name", ["DATA", "SCI", "FLUX", "CUBE", None])
def test_one_plane_is_a_cube(tmp_path, name):
    cube = open_cube(write_cube(tmp_path / "a.fits", {name: PIXELS[:1]}, celestial()))
    assert cube.shape == (1, 9, 11)
    assert cube.grid.wave_step[0] == pytest.approx(1.25e-4)


@pytest.mark.parametrize("frame", ["fk4", "fk5"])
def test_places_of_other_equinoxes_become_icrs(tmp_path, frame):
    cube = open_cube(muse(tmp_path / "a.fits", RADESYS=frame.upper(), EQUINOX=1950.0 if frame == "fk4" else 1975.0))
    wcs = WCS(fits.getheader(cube.path, "DATA")).celestial
    x, y = np.array([0, 10, 3]), np.array([0, 8, 5])
    theirs = wcs.pixel_to_world(x, y).icrs
    ours = spaxels_to_sky(np.stack([x, y], axis=1).astype(float), cube.grid)
    assert np.abs((ours - np.stack([theirs.ra.deg, theirs.dec.deg], axis=1)) * 3600).max() < 1e-3


@pytest.mark.parametrize("count", [4, 6])
def test_a_table_of_wavelengths_has_one_a_plane(tmp_path, count):
    path = write_cube(
        tmp_path / "a.fits", {"SCI": PIXELS[:4]}, celestial(CTYPE3="WAVE-TAB", CUNIT3="um", CD3_3=1.0, CRVAL3=1.0),
        cards={"TELESCOP": "JWST"},
    )  # fmt: skip
    wave = np.linspace(5.0, 6.0, count)
    column = fits.Column("wavelength", f"{count}D", dim=f"(1,{count})", unit="um", array=wave[None, :, None])
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.BinTableHDU.from_columns([column], name="WCS-TABLE"))
    if count == 4:
        assert open_cube(path).grid.wave == pytest.approx(wave)
    else:
        with pytest.raises(InputError, match="6 wavelengths for 4 planes"):
            open_cube(path)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"CTYPE3": None, "CUNIT3": None}, "no wavelengths: third axis None in ''"),
        ({"CTYPE3": "FREQ"}, "its WCS cannot be used: In CUNIT3 .*have 'Angstrom', want 'Hz'"),
        ({"CTYPE3": "VELO", "CUNIT3": "km/s"}, "neither RESTWAV nor RESTFRQ"),
        ({"CTYPE3": "STOKES", "CUNIT3": None}, "no wavelengths"),
        ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, "no sky coordinates"),
        ({"CTYPE1": None, "CTYPE2": None}, "no sky coordinates"),
        ({"CRVAL3": None}, "no wavelengths"),
        ({"CUNIT3": "Hz"}, "its WCS cannot be used: In CUNIT3 .*have 'Hz', want 'm'"),
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
