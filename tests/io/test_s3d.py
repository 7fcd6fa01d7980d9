"""Cubes come back as they were written, and other software opens them."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrsnb.core.bands import Band
from mrsnb.core.blend import spaxel_sky
from mrsnb.core.cards import Cards
from mrsnb.errors import InputError, OutputError
from mrsnb.io.s3d import read_s3d, write_s3d

STAMPS = {"DATE", "FILENAME", "DATAMODL", "CAL_VER", "CAL_VCS"}
ARRAYS = ("flux", "err", "dq", "weight")


def micron(sky):
    """Return how many micron the unit of astropy's third axis is: metre for WAVE, micron for WAVE-TAB."""
    return sky.wcs.cunit[2].to("um")


def same_cards(a, b):
    return {k: v for k, v in a.items() if k not in STAMPS} == {k: v for k, v in b.items() if k not in STAMPS}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    exposures=st.integers(1, 3),
    seed=st.integers(0, 99),
    ra=st.floats(0, 359.9999),
    dec=st.floats(-89.9, 89.9),
    rotation=st.floats(-180, 180),
    linear=st.booleans(),
    n_wave=st.integers(2, 9),
)
def test_write_read(tmp_path, make_cube, **options):
    cube = make_cube(**options)
    back = read_s3d(write_s3d(cube, tmp_path))
    for name in ARRAYS:
        mine, theirs = getattr(cube, name), getattr(back, name)
        assert mine.dtype == theirs.dtype
        assert not theirs.flags.writeable
        np.testing.assert_array_equal(mine, theirs)
    assert same_cards(cube.primary, back.primary)
    assert same_cards(cube.science, back.science)
    assert (back.name, back.bands, back.history) == (cube.name, cube.bands, cube.history)
    assert [dict(c) for c in back.inputs] == ([dict(c) for c in cube.inputs] if options["exposures"] > 1 else [])
    grid = back.grid
    assert (grid.ra, grid.dec, grid.linear) == (cube.grid.ra, cube.grid.dec, cube.grid.linear)
    assert grid.spaxel_size == pytest.approx(cube.grid.spaxel_size, rel=1e-14)
    assert np.sin(np.deg2rad(grid.rotation - cube.grid.rotation) / 2) == pytest.approx(0, abs=1e-13)
    np.testing.assert_allclose(grid.wave, cube.grid.wave, rtol=1e-14)
    np.testing.assert_allclose(grid.wave_step, cube.grid.wave_step, rtol=1e-9)


def test_a_second_trip_changes_nothing_but_the_last_digit(tmp_path, make_cube):
    once = read_s3d(write_s3d(make_cube(rotation=12.3), tmp_path))
    twice = read_s3d(write_s3d(once, tmp_path))
    assert same_cards(once.primary, twice.primary)
    assert list(once.science) == list(twice.science)
    for key, value in once.science.items():
        assert twice.science[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-15, abs=1e-15))


def test_the_official_layout(tmp_path, make_cube):
    with fits.open(write_s3d(make_cube(), tmp_path)) as hdus:
        hdus.verify("exception")
        names = [hdu.name for hdu in hdus]
        assert names == ["PRIMARY", "SCI", "ERR", "DQ", "WMAP", "WCS-TABLE", "HDRTAB", "ASDF"]
        assert [hdus[n].header["BITPIX"] for n in names[1:5]] == [-32, -32, 32, -32]
        assert hdus["DQ"].header["BZERO"] == 1 << 31
        assert [hdus[n].header.get("BUNIT") for n in names[1:5]] == ["MJy/sr", "MJy/sr", None, None]
        assert hdus["ERR"].header["ERRTYPE"] == "ERR"
        assert [hdus[n].header.get("EXTVER") for n in names[1:]] == [1] * 6 + [None]
        table = hdus["WCS-TABLE"]
        assert (table.columns.formats, table.columns.names) == (["7E"], ["wavelength"])
        assert table.header["TDIM1"] == "(1,7)"
        rows = hdus["HDRTAB"].data
        assert len(rows) == 2
        assert rows["BAND"].tolist() == ["SHORT", "SHORT"]
        assert hdus["HDRTAB"].columns["BKGDTARG"].format == "L"
        primary = hdus[0].header
        assert (primary["DATAMODL"], primary["FILENAME"]) == ("IFUCubeModel", "ngc.1_ch1-short_s3d.fits")
        assert primary["CAL_VER"].startswith("mrsnb ")
        assert rows["CAL_VER"].tolist() == ["1.20.2", "1.20.2"]
        assert primary.comments["CAL_VER"] == "Calibration Software Version"
        assert primary["EFFEXPTM"] == pytest.approx(222.2)
        said = "\n".join(primary["HISTORY"])
        for word in ("mrsnb = 0.1", "cube_build.weighting = drizzle", "cubepar = cubepar.fits", "sha256"):
            assert word in said


def test_one_exposure_has_no_table_of_headers(tmp_path, make_cube):
    with fits.open(write_s3d(make_cube(exposures=1), tmp_path)) as hdus:
        assert "HDRTAB" not in hdus


def test_exposures_with_different_keywords(tmp_path, make_cube):
    cube = make_cube()
    first, second = cube.inputs
    cube = replace(cube, inputs=(first.updated(ONLY1=5, MIXED="a"), second.updated(ONLY2="x", MIXED=3, NINTS=None)))
    back = read_s3d(write_s3d(cube, tmp_path)).inputs
    assert back[0]["ONLY1"] == 5
    assert "ONLY2" not in back[0]
    assert "ONLY1" not in back[1]
    assert "NINTS" not in back[1]
    assert (back[0]["MIXED"], back[1]["MIXED"]) == ("a", "3")


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize(("ra", "dec", "rotation"), [(202.0, 47.0, 0.0), (0.00001, 85.0, 31.0)])
def test_astropy_places_every_voxel(tmp_path, make_cube, linear, ra, dec, rotation):
    cube = make_cube(ra=ra, dec=dec, rotation=rotation, linear=linear)
    with fits.open(write_s3d(cube, tmp_path)) as hdus:
        sky = WCS(hdus["SCI"].header, hdus)
        for x, y, z in ((0, 0, 0), (8, 4, 6), (4, 2, 3)):
            found = [float(v) for v in sky.pixel_to_world_values(x, y, z)]
            expected = spaxel_sky(cube.grid, x, y)
            assert (found[0] - expected[0] + 180) % 360 - 180 == pytest.approx(0, abs=1e-10)
            assert found[1] == pytest.approx(expected[1], abs=1e-11)
            assert found[2] * micron(sky) == pytest.approx(cube.grid.wave[z], rel=1e-12)


@pytest.mark.parametrize("linear", [True, False])
def test_stdatamodels_opens_it(tmp_path, make_cube, linear):
    from stdatamodels.jwst import datamodels

    cube = make_cube(rotation=20.0, linear=linear)
    path = write_s3d(cube, tmp_path)
    with datamodels.open(path) as model, fits.open(path) as hdus:
        assert type(model).__name__ == "IFUCubeModel"
        model.validate()
        np.testing.assert_array_equal(model.data, cube.flux)
        np.testing.assert_array_equal(model.weightmap, cube.weight)
        np.testing.assert_array_equal(model.dq, cube.dq)
        assert model.meta.instrument.channel == "1"
        assert model.meta.cal_step.cube_build == "COMPLETE"
        assert model.meta.ifu.weighting == "drizzle"
        x, y, z = np.mgrid[0:9, 0:5, 0:7].astype(float)
        sky = WCS(hdus["SCI"].header, hdus)
        expected = sky.pixel_to_world_values(x, y, z)
        found = model.meta.wcs(x, y, z)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)
        np.testing.assert_allclose(found[2], expected[2] * micron(sky), rtol=1e-12)
        assert model.mrsnb.parameters.cube_build.tiny == 1e-05


def test_specutils_opens_it(tmp_path, make_cube):
    from specutils import Spectrum

    cube = make_cube()
    spectrum = Spectrum.read(write_s3d(cube, tmp_path), format="JWST s3d")
    assert spectrum.shape == (7, 5, 9)
    np.testing.assert_allclose(spectrum.spectral_axis.to_value("um"), cube.grid.wave, rtol=1e-12)
    assert str(spectrum.flux.unit) == "MJy / sr"


def test_neither_asdf_nor_gwcs_is_needed(tmp_path, make_cube):
    import subprocess
    import sys

    path = write_s3d(make_cube(), tmp_path)
    code = (
        "import sys; from mrsnb.io.s3d import read_s3d, write_s3d; from mrsnb.io.x1d import read_x1d;"
        f"write_s3d(read_s3d({str(path)!r}), {str(tmp_path)!r});"
        "print([m for m in ('asdf', 'gwcs', 'stdatamodels', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["../x_s3d.fits", "a/b_s3d.fits", "a\\b.fits", "", "..", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, make_cube, name):
    with pytest.raises(OutputError, match="bare file name"):
        write_s3d(make_cube(name=name), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_half_written(tmp_path, make_cube, monkeypatch):
    import errno

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mrsnb.io.s3d.write_pixels", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_s3d(make_cube(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_file_is_read(tmp_path, make_cube):
    import gzip

    path = write_s3d(make_cube(), tmp_path)
    packed = tmp_path / (path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_s3d(packed).name == path.name


def test_bands_of_a_mixed_cube(tmp_path, make_cube):
    cube = make_cube(bands=("LONG", "SHORT"))
    assert cube.primary["BAND"] == "MULTIPLE"
    back = read_s3d(write_s3d(cube, tmp_path))
    assert back.bands == (Band(1, "short"), Band(1, "long"))


def test_bands_of_a_mixed_cube_by_its_wavelengths(tmp_path, make_cube):
    cube = make_cube(exposures=1)
    wave = np.linspace(4.9, 6.6, 7)
    grid = replace(cube.grid, wave=wave, wave_step=np.full(7, wave[1] - wave[0]))
    cube = replace(cube, grid=grid, primary=cube.primary.updated(BAND="MULTIPLE"))
    assert read_s3d(write_s3d(cube, tmp_path)).bands == (Band(1, "short"), Band(1, "medium"))


def edited(path, edit):
    with fits.open(path) as hdus:
        edit(hdus)
        hdus.writeto(path, overwrite=True)
    return path


def no_wmap(hdus):
    del hdus["WMAP"]


def other_shape(hdus):
    hdus["ERR"].data = hdus["ERR"].data[:2]


def key(name, value, extension="SCI"):
    def edit(hdus):
        if value is None:
            del hdus[extension].header[name]
        else:
            hdus[extension].header[name] = value

    return edit


BROKEN = {
    "no WMAP": (no_wmap, "no WMAP extension"),
    "shapes": (other_shape, "differ in shape"),
    "not the middle": (key("CRPIX1", 3.0), r"CRPIX1, CRPIX2 = 3, 3, not the middle spaxel \(5, 3\)"),
    "no reference": (key("CRVAL1", None), "no number for CRVAL1"),
    "mirrored": (key("PC1_1", 1.0), "square spaxels"),
    "oblong": (key("CDELT2", 1e-4), "square spaxels"),
    "other projection": (key("CTYPE1", "RA---SIN"), "tangent plane"),
    "falling": (key("CDELT3", -0.1), "wavelengths must rise"),
    "not MRS": (key("CHANNEL", None, "PRIMARY"), "not a product of the MRS"),
    "no such band": (key("BAND", "SHRT", "PRIMARY"), "BAND = 'shrt' is not an MRS setting"),
}


@pytest.mark.parametrize(("edit", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_cube_is_refused(tmp_path, make_cube, edit, message):
    path = edited(write_s3d(make_cube(), tmp_path), edit)
    with pytest.raises(InputError, match=message) as caught:
        read_s3d(path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # astropy drops the broken file open
def test_a_truncated_cube_is_refused(tmp_path, make_cube):
    path = write_s3d(make_cube(n_wave=200), tmp_path)
    content = path.read_bytes()
    for part in (0.999, 0.6, 0.3):
        path.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(InputError, match=r"ngc\.1") as caught:
            read_s3d(path)
        assert "\n" not in str(caught.value)
        del caught
        gc.collect()


def test_keywords_of_the_grid_win(tmp_path, make_cube):
    cube = make_cube()
    wrong = replace(cube, science=cube.science.updated(CRVAL1=1.0, CDELT3=5.0))
    assert read_s3d(write_s3d(wrong, tmp_path)).grid.ra == cube.grid.ra


def test_a_cube_without_keywords_is_still_a_cube(tmp_path, make_cube):
    cube = replace(make_cube(), primary=Cards(), science=Cards(), inputs=(), history={})
    with fits.open(write_s3d(cube, tmp_path)) as hdus:
        assert hdus["SCI"].header["BUNIT"] == "MJy/sr"
        assert hdus["SCI"].header["S_REGION"].startswith("POLYGON ICRS")


@pytest.mark.shared
@pytest.mark.parametrize("sub_band", ["short", "medium", "long"])
def test_flight_cubes(shared, tmp_path, sub_band):
    cube = read_s3d(shared / "data" / "flight" / f"16CygB_Level3_ch4-{sub_band}_s3d.fits.gz")
    assert cube.bands == (Band(4, sub_band),)
    assert len(cube.inputs) == 4
    assert np.isfinite(cube.flux).any()
    assert cube.grid.spaxel_size == pytest.approx(0.35, rel=1e-6)
    assert cube.grid.ra == pytest.approx(295.466, abs=0.01)
    assert cube.history == {}
    back = read_s3d(write_s3d(cube, tmp_path))
    np.testing.assert_array_equal(back.flux, cube.flux)
    assert same_cards(back.primary, cube.primary)
    for key, value in cube.science.items():
        found = back.science[key] % 360 if key == "CRVAL1" else back.science[key]
        expected = value % 360 if key == "CRVAL1" else value
        assert found == (expected if isinstance(value, str) else pytest.approx(expected, rel=1e-12, abs=1e-12))
    assert [dict(c) for c in back.inputs] == [dict(c) for c in cube.inputs]


def test_wavelengths_that_are_none_are_refused(tmp_path, make_cube):
    path = write_s3d(make_cube(), tmp_path)
    fits.setval(path, "CRVAL3", value=-5.0, ext=("SCI", 1))
    with pytest.raises(InputError, match="must be positive numbers"):
        read_s3d(path)
