"""Opening exposures: what is read, when, and one clear line for all that can be wrong with a file."""

import gzip
import hashlib

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.exposure import DETECTOR_SHAPE
from mrsnb.errors import InputError
from mrsnb.geometry.chain import MrsChain
from mrsnb.io.exposures import open_exposure
from mrsnb.io.x1d import read_x1d

PRIMARY = {
    "INSTRUME": "MIRI",
    "EXP_TYPE": "MIR_MRS",
    "CHANNEL": "12",
    "BAND": "SHORT",
    "DETECTOR": "MIRIFUSHORT",
    "S_WCS": "COMPLETE",
}


def a_file(path, *, without=(), shapes=None, keywords=None, flux=1.0, asdf=b"#ASDF 1.0.0\n"):
    """Write the least that can be opened as an exposure, with something wrong."""
    header = fits.Header({k: v for k, v in (PRIMARY | (keywords or {})).items() if v is not None})
    hdus = [fits.PrimaryHDU(header=header)]
    for name, dtype in (("SCI", "f4"), ("ERR", "f4"), ("DQ", "u4"), ("VAR_POISSON", "f4")):
        shape = (shapes or {}).get(name, DETECTOR_SHAPE)
        hdus.append(fits.ImageHDU(np.full(shape, flux if dtype == "f4" else 0, dtype), name=name))
    hdus.append(fits.BinTableHDU.from_columns([fits.Column("A", f"{len(asdf)}B", array=[list(asdf)])], name="ASDF"))
    fits.HDUList([hdu for hdu in hdus if hdu.name not in without]).writeto(path)
    return path


@pytest.fixture
def opened(small_dataset):
    return open_exposure(small_dataset.exposures[0])


def test_keywords_and_arrays_are_those_of_the_file(small_dataset, opened):
    exposure = opened.load()
    with fits.open(small_dataset.exposures[0]) as hdus:
        assert exposure.primary["DETECTOR"] == hdus[0].header["DETECTOR"] == "MIRIFUSHORT"
        assert exposure.science["RA_REF"] == hdus["SCI"].header["RA_REF"]
        np.testing.assert_array_equal(exposure.flux, hdus["SCI"].data)
        np.testing.assert_array_equal(exposure.err, hdus["ERR"].data)
        np.testing.assert_array_equal(exposure.dq, hdus["DQ"].data)
        np.testing.assert_array_equal(exposure.variances["var_rnoise"], hdus["VAR_RNOISE"].data)
    assert set(exposure.variances) == {"var_poisson", "var_rnoise", "var_flat"}
    assert [str(a.dtype) for a in (exposure.flux, exposure.err, exposure.dq)] == ["float32", "float32", "uint32"]
    assert exposure.flux.dtype.isnative
    assert exposure.name == opened.name == "small_exposure1_cal.fits"
    assert [band.name for band in exposure.bands] == ["1A", "2A"]
    assert isinstance(exposure.wcs, MrsChain)


def test_arrays_cannot_be_changed(opened):
    exposure = opened.load()
    for array in (exposure.flux, exposure.err, exposure.dq, *exposure.variances.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_nothing_is_kept_of_what_was_loaded(opened):
    assert opened.load() is not opened.load()
    assert not any(isinstance(value, np.ndarray) for value in vars(opened).values())


def test_the_geometry_is_read_once(opened):
    assert opened.wcs is opened.wcs


def test_the_checksum_is_that_of_the_file(opened):
    digest = hashlib.sha256(opened.path.read_bytes()).hexdigest()
    assert opened.checksum.endswith(digest)


def test_its_description_leaves_the_arrays_on_disk(opened, monkeypatch):
    monkeypatch.setattr(type(opened), "load", lambda _: pytest.fail("arrays were read"))
    text = "\n".join(f"{row.name} {row.value}" for row in opened.rows())
    assert "1A + 2A" in text
    assert "MIRIFUSHORT" in text
    assert "small_exposure1_cal.fits" in repr(opened)
    bundle = opened._repr_mimebundle_()
    assert "small_exposure1_cal.fits" in bundle["text/html"]


def test_a_compressed_exposure_is_the_same(tmp_path, small_dataset):
    path = tmp_path / "small_exposure1_cal.fits.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(small_dataset.exposures[0].read_bytes())
    packed, plain = open_exposure(path).load(), open_exposure(small_dataset.exposures[0]).load()
    np.testing.assert_array_equal(packed.flux, plain.flux)
    assert packed.primary == plain.primary


@pytest.mark.parametrize(("name", "kind"), [("VAR_RNOISE", "f8"), ("SCI", "u4"), ("ERR", "f8")])
def test_numbers_of_another_kind_are_converted(tmp_path, small_dataset, name, kind):
    with fits.open(small_dataset.exposures[0]) as hdus:
        hdus[name].data = np.ones(DETECTOR_SHAPE, kind)
        hdus.writeto(tmp_path / "double_cal.fits")
    exposure = open_exposure(tmp_path / "double_cal.fits").load()
    assert set(exposure.variances) == {"var_poisson", "var_rnoise", "var_flat"}
    kinds = {array.dtype.str for array in (exposure.flux, exposure.err, *exposure.variances.values())}
    assert kinds == {"<f4" if np.little_endian else ">f4"}


def test_a_file_that_is_replaced_after_it_was_opened_is_refused(tmp_path, small_dataset):
    path = tmp_path / "other_cal.fits"
    path.write_bytes(small_dataset.exposures[0].read_bytes())
    opened = open_exposure(path)
    with fits.open(path, mode="update") as hdus:
        hdus[0].header.update({f"NEW{i}": i for i in range(200)})  # images move by some blocks
    with pytest.raises(InputError, match=r"other_cal\.fits: has changed since it was opened"):
        opened.load()


def test_variances_may_be_missing(tmp_path):
    path = a_file(tmp_path / "a_cal.fits", without=("VAR_POISSON",))
    with pytest.raises(InputError, match="WCS cannot be read"):  # it gets as far as the WCS, which is empty here
        open_exposure(path).load()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"without": ["SCI"]}, r"no SCI extension \(found ERR, DQ, VAR_POISSON, ASDF\); is it a level-2b exposure\?"),
        ({"without": ["ERR"]}, "no ERR extension"),
        ({"without": ["DQ"]}, "no DQ extension"),
        ({"without": ["ASDF"]}, r"no ASDF extension, so no WCS; run level 2 \(assign_wcs\) on it again"),
        ({"shapes": {"SCI": (10, 12)}}, r"SCI has shape \(10, 12\); an MRS exposure has \(1024, 1032\)"),
        ({"keywords": {"INSTRUME": "NIRSPEC"}}, "INSTRUME = 'NIRSPEC', EXP_TYPE = 'MIR_MRS'; mrsnb reads MIRI"),
        ({"keywords": {"EXP_TYPE": "MIR_IMAGE"}}, "EXP_TYPE = 'MIR_IMAGE'"),
        ({"keywords": {"EXP_TYPE": None}}, "EXP_TYPE = ''"),
        ({"keywords": {"CHANNEL": "13"}}, "CHANNEL = '13', BAND = 'SHORT'; allowed: 12 or 34, and short, medium"),
        ({"keywords": {"BAND": "TINY"}}, "BAND = 'TINY'; allowed"),
        ({"keywords": {"BAND": None}}, "BAND = ''; allowed"),
        (
            {"keywords": {"DETECTOR": "MIRIFULONG"}},
            "DETECTOR = 'MIRIFULONG' does not have channels 12; expected MIRIFUS",
        ),
        ({"keywords": {"S_WCS": "SKIPPED"}}, "S_WCS = 'SKIPPED': it has no WCS; run level 2"),
        ({"keywords": {"S_WCS": None}}, "S_WCS = ''"),
    ],
)
def test_a_file_that_is_no_mrs_exposure_is_refused_on_opening(tmp_path, wrong, message):
    path = a_file(tmp_path / "bad_cal.fits", **wrong)
    with pytest.raises(InputError, match=message) as error:
        open_exposure(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"flux": np.nan}, "SCI holds no finite value; leave this exposure out of the association"),
        ({"shapes": {"ERR": (5, 5)}}, r"ERR has shape \(5, 5\)"),
        ({"shapes": {"DQ": (2, 1024, 1032)}}, "DQ has shape"),
        ({"shapes": {"VAR_POISSON": (1,)}}, "VAR_POISSON has shape"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused_on_loading(tmp_path, wrong, message):
    path = a_file(tmp_path / "bad_cal.fits", **wrong)
    with pytest.raises(InputError, match=message) as error:
        open_exposure(path).load()
    assert str(error.value).startswith(str(path))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none_cal.fits: no such file"):
        open_exposure(tmp_path / "none_cal.fits")


@pytest.mark.parametrize("size", [0, 100, 2880, 5000, 60_000, 9_000_000, 34_000_000])
def test_a_truncated_file_is_refused_wherever_it_is_cut(tmp_path, small_dataset, size):
    content = small_dataset.exposures[0].read_bytes()
    assert len(content) > size
    path = tmp_path / "cut_cal.fits"
    path.write_bytes(content[:size])
    with pytest.raises(InputError) as error:
        open_exposure(path).load()
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"<html>404</html>", b"SIMPLE  =                    T", bytes(5000), b"\x1f\x8b\x08"]
)
def test_what_is_no_fits_file_is_refused(tmp_path, content):
    path = tmp_path / "page_cal.fits"
    path.write_bytes(content)
    with pytest.raises(InputError, match="fetch or copy it again") as error:
        open_exposure(path)
    assert "\n" not in str(error.value)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError):
        open_exposure(tmp_path)


def test_a_truncated_compressed_file_is_refused(tmp_path, small_dataset):
    path = tmp_path / "cut_cal.fits.gz"
    path.write_bytes(gzip.compress(small_dataset.exposures[0].read_bytes(), 1)[:2_000_000])
    with pytest.raises(InputError) as error:
        open_exposure(path).load()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("NAXIS1", -1, "x.fits: "),
        ("GCOUNT", -1, "x.fits: "),
        ("NAXIS", 4, "not a readable FITS file"),
        ("TFIELDS", 10**9, "999 are allowed"),
        ("TFORM1", "'QQQ'", "not a readable FITS file"),
    ],
)
def test_a_header_that_lies_is_refused_at_once(tmp_path, key, value, says):
    path = tmp_path / "x.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.zeros(3))], name="EXTRACT1D")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    content = path.read_bytes()
    at = content.index(f"{key:<8}=".encode())
    path.write_bytes(content[:at] + f"{key:<8}= {value:>20}".encode().ljust(80) + content[at + 80 :])
    with pytest.raises(InputError, match=says):
        read_x1d(path)


def test_a_table_where_an_image_is_wanted_is_refused(tmp_path):
    a_file(tmp_path / "x_cal.fits", without=("SCI",))
    table = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.zeros(3))], name="SCI")
    fits.append(tmp_path / "x_cal.fits", table.data, table.header)
    with pytest.raises(InputError, match="not a readable FITS file"):
        open_exposure(tmp_path / "x_cal.fits")
