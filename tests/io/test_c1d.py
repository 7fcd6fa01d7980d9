import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.combined import COMBINED_COLUMNS, CombinedSpectrum
from mrsnb.errors import InputError, OutputError
from mrsnb.io.c1d import read_background, read_c1d, write_c1d
from mrsnb.io.x1d import write_x1d

HISTORY = {"software": {"mrsnb": "0.1"}, "combined": ["a_x1d.fits", "Zoë_x1d.fits"]}


def combined(band="1A", *, n=9, name="sky.1_a3001_masterbg1d.fits", low=4.9):
    rng = np.random.default_rng(n)
    columns = {key: rng.normal(size=n) for key in COMBINED_COLUMNS}
    columns["WAVELENGTH"] = low + 0.1 * np.arange(n)
    columns["DQ"] = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    columns["FLUX"][2] = np.nan
    return CombinedSpectrum(
        name=name,
        bands=(Band.from_name(band),),
        columns=columns,
        source_type="EXTENDED",
        ra=202.46950000000003,
        dec=-47.1,
        primary=Cards([Card("CHANNEL", "1", "Channel"), Card("BAND", "SHORT"), Card("EFFEXPTM", 111.1)]),
        history=HISTORY,
    )


@pytest.fixture
def two():
    return (combined("1A"), combined("1B", n=7, low=5.66))


def test_what_is_written_is_read(two, tmp_path):
    path = write_c1d(two, tmp_path)
    assert path.name == two[0].name
    back = read_c1d(path)
    for one, other in zip(two, back, strict=True):
        assert (other.bands, other.source_type, other.ra, other.dec) == (one.bands, one.source_type, one.ra, one.dec)
        for name in COMBINED_COLUMNS:
            np.testing.assert_array_equal(other.columns[name], one.columns[name])
            assert other.columns[name].dtype == one.columns[name].dtype
            assert not other.columns[name].flags.writeable
        assert other.history == HISTORY
        assert other.primary["EFFEXPTM"] == 111.1
    assert [s.bands for s in read_background(path)] == [s.bands for s in two]


def test_the_layout_is_the_official_one(two, tmp_path):
    with fits.open(write_c1d(two, tmp_path)) as hdus:
        hdus.verify("exception")
        assert [(h.name, h.ver) for h in hdus] == [("PRIMARY", 1), ("COMBINE1D", 1), ("COMBINE1D", 2), ("ASDF", 1)]
        assert hdus[0].header["DATAMODL"] == "MultiCombinedSpecModel"
        assert {c.name: c.unit or "" for c in hdus[1].columns} == COMBINED_COLUMNS
        assert [c.format for c in hdus[1].columns] == ["D"] * 5 + ["J", "D", "D"]
        assert hdus[2].header["SRCTYPE"] == "EXTENDED"
        assert [h.header["BAND"] for h in hdus[1:3]] == ["SHORT", "MEDIUM"]
        assert (hdus[0].header["CHANNEL"], hdus[0].header["BAND"]) == ("1", "MULTIPLE")


def test_the_official_package_opens_it(two, tmp_path):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    with datamodels.open(write_c1d(two, tmp_path)) as model:
        assert type(model).__name__ == "MultiCombinedSpecModel"
        assert len(model.spec) == 2
        np.testing.assert_array_equal(model.spec[1].spec_table["SURF_BRIGHT"], two[1].surf_bright)
        ra, dec, wave = model.meta.wcs(3.0)
        assert (ra, dec, wave) == pytest.approx((two[0].ra, two[0].dec, two[0].wave[3]))


def test_a_table_that_does_not_say_its_band_is_known_by_its_wavelengths(tmp_path):
    path = write_c1d([combined(n=20, low=4.9)], tmp_path)
    with fits.open(path, mode="update") as hdus:
        del hdus[1].header["BAND"]
    (back,) = read_c1d(path)
    assert [band.name for band in back.bands] == ["1A", "1B"]  # the primary header says 1 SHORT


def test_an_extracted_spectrum_serves_as_background(make_spectrum, tmp_path):
    spectrum = make_spectrum()
    (back,) = read_background(write_x1d(spectrum, tmp_path))
    np.testing.assert_array_equal(back.surf_bright, spectrum.columns["SURF_BRIGHT"])
    np.testing.assert_array_equal(back.columns["ERROR"], spectrum.columns["FLUX_ERROR"])
    with pytest.raises(InputError, match=r"no COMBINE1D extension .*is it a _c1d product"):
        read_c1d(tmp_path / spectrum.name)


def table(path, name="COMBINE1D", **columns):
    made = [fits.Column(key, "D", array=np.atleast_1d(values), unit=unit) for key, (values, unit) in columns.items()]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made, name=name)]).writeto(path)
    return path


WAVE = ([5.0, 5.5], "micron")


def test_two_columns_are_enough(tmp_path):
    (back,) = read_background(table(tmp_path / "x.fits", WAVELENGTH=WAVE, SURF_BRIGHT=([1.0, 2.0], "MJy sr-1")))
    assert back.surf_bright.tolist() == [1.0, 2.0]
    assert np.isnan(back.sb_error).all()
    assert np.isnan(back.ra)
    assert back.columns["DQ"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"WAVELENGTH": WAVE}, "COMBINE1D has no column SURF_BRIGHT"),
        ({"WAVELENGTH": ([50000.0], "Angstrom"), "SURF_BRIGHT": ([1.0], None)}, "column WAVELENGTH is in 'Angstrom'"),
        ({"WAVELENGTH": WAVE, "SURF_BRIGHT": ([1.0, 2.0], "Jy")}, "SURF_BRIGHT is in 'Jy', expected 'MJy/sr'"),
        ({"WAVELENGTH": ([], "um"), "SURF_BRIGHT": ([], None)}, "one wavelength a row"),
    ],
)
def test_other_tables_are_refused(tmp_path, columns, message):
    with pytest.raises(InputError, match=rf"x\.fits: .*{message}"):
        read_background(table(tmp_path / "x.fits", **columns))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_background(tmp_path / "none.fits")
    with pytest.raises(InputError, match=r"no COMBINE1D or EXTRACT1D extension \(found OTHER\)"):
        read_background(table(tmp_path / "x.fits", name="OTHER", WAVELENGTH=WAVE))


def test_nothing_is_not_written(tmp_path):
    with pytest.raises(OutputError, match="no combined spectrum"):
        write_c1d([], tmp_path)
    with pytest.raises(OutputError, match="bare file name"):
        write_c1d([combined(name="../x.fits")], tmp_path)
