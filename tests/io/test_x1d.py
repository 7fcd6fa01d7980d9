"""Spectra come back as they were written, and other software opens them."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrsnb.core.bands import Band
from mrsnb.core.spectrum import COLUMNS
from mrsnb.errors import InputError, OutputError
from mrsnb.io.x1d import read_x1d, write_x1d


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n_wave=st.integers(2, 40), seed=st.integers(0, 99))
def test_write_read(tmp_path, make_spectrum, n_wave, seed):
    spectrum = make_spectrum(n_wave=n_wave, seed=seed)
    back = read_x1d(write_x1d(spectrum, tmp_path))
    assert list(back.columns) == list(COLUMNS)
    for name, column in spectrum.columns.items():
        assert back.columns[name].dtype == (np.uint32 if name == "DQ" else np.float64)
        assert not back.columns[name].flags.writeable
        np.testing.assert_array_equal(back.columns[name], column)
    for what in ("name", "bands", "source_type", "position", "ra", "dec", "history"):
        assert getattr(back, what) == getattr(spectrum, what)
    assert dict(back.science) == dict(spectrum.science)
    stamps = {"DATE", "FILENAME", "DATAMODL", "CAL_VER"}
    assert {k: v for k, v in back.primary.items() if k not in stamps} == {
        k: v for k, v in spectrum.primary.items() if k not in stamps
    }


def test_the_official_layout(tmp_path, make_spectrum):
    with fits.open(write_x1d(make_spectrum(), tmp_path)) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "EXTRACT1D", "ASDF"]
        table = hdus["EXTRACT1D"]
        assert table.columns.names == list(COLUMNS)
        assert table.columns.formats == ["J" if name == "DQ" else "D" for name in COLUMNS]
        assert [column.unit or "" for column in table.columns] == list(COLUMNS.values())
        header = table.header
        assert header["TZERO12"] == 1 << 31
        assert header["EXTVER"] == 1
        assert (header["SLTNAME"], header["SRCTYPE"], header["EXTR_X"], header["EXTR_Y"]) == (
            "MIR_MRS",
            "POINT",
            3.25,
            2.0,
        )
        assert header["DETECTOR"] == "MIRIFUSHORT"
        primary = hdus[0].header
        assert primary["DATAMODL"] == "MRSMultiSpecModel"
        assert primary["S_EXTR1D"] == "COMPLETE"
        assert primary["R_EXTR1D"] == "e.asdf"
        assert "R_APCORR" not in primary
        assert "WTYPE" not in primary
        assert "mrsnb = 0.1" in "\n".join(primary["HISTORY"])


def test_stdatamodels_opens_it(tmp_path, make_spectrum):
    from stdatamodels.jwst import datamodels

    spectrum = make_spectrum(n_wave=20)
    with datamodels.open(write_x1d(spectrum, tmp_path)) as model:
        assert type(model).__name__ == "MRSMultiSpecModel"
        model.validate()
        assert len(model.spec) == 1
        found = model.spec[0]
        for name, column in spectrum.columns.items():
            np.testing.assert_array_equal(found.spec_table[name], column)
        assert (found.source_type, found.name, found.extraction_x) == ("POINT", "MIR_MRS", 3.25)
        ra, dec, wave = found.meta.wcs(np.arange(20.0))
        np.testing.assert_array_equal(wave, spectrum.wave)
        np.testing.assert_array_equal(ra, spectrum.ra)
        np.testing.assert_array_equal(dec, spectrum.dec)


def test_specutils_opens_it(tmp_path, make_spectrum):
    from specutils import Spectrum

    spectrum = make_spectrum()
    found = Spectrum.read(write_x1d(spectrum, tmp_path), format="JWST x1d")
    np.testing.assert_array_equal(found.spectral_axis.to_value("um"), spectrum.wave)
    np.testing.assert_array_equal(found.flux.to_value("Jy"), spectrum.flux)


def without(path, names):
    """Remove columns, as in older products."""
    with fits.open(path) as hdus:
        table = hdus["EXTRACT1D"]
        kept = fits.ColDefs([column for column in table.columns if column.name not in names])
        header = fits.Header([card for card in table.header.cards if card.keyword in ("SRCTYPE", "SLIT_RA", "EXTNAME")])
        new = fits.BinTableHDU.from_columns(kept, header=header, name="EXTRACT1D")
        fits.HDUList([hdus[0].copy(), new]).writeto(path, overwrite=True)
    return path


def test_older_products_lack_columns(tmp_path, make_spectrum):
    spectrum = make_spectrum()
    path = without(write_x1d(spectrum, tmp_path), ("RF_FLUX", "RF_SURF_BRIGHT", "RF_BACKGROUND", "DQ"))
    back = read_x1d(path)
    assert np.isnan(back.columns["RF_BACKGROUND"]).all()
    assert (back.columns["DQ"] == 0).all()
    np.testing.assert_array_equal(back.flux, spectrum.flux)
    assert np.isnan(back.position).all()
    assert back.history == {}


def rename(column, name):
    def edit(hdus):
        hdus["EXTRACT1D"].columns[column].name = name

    return edit


def unit(column, value):
    def edit(hdus):
        hdus["EXTRACT1D"].columns[column].unit = value

    return edit


def no_table(hdus):
    hdus["EXTRACT1D"].name = "OTHER"


def two_tables(hdus):
    hdus.append(hdus["EXTRACT1D"].copy())


def not_mrs(hdus):
    del hdus[0].header["BAND"]


BROKEN = {
    "no table": (no_table, r"no EXTRACT1D extension \(found OTHER, ASDF\)"),
    "two tables": (two_tables, "2 EXTRACT1D extensions"),
    "no flux": (rename("FLUX", "FLOX"), "no column FLUX"),
    "another unit": (unit("FLUX", "mJy"), "column FLUX is in 'mJy', expected 'Jy'"),
    "not MRS": (not_mrs, "not a product of the MRS"),
}


@pytest.mark.parametrize(("edit", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_spectrum_is_refused(tmp_path, make_spectrum, edit, message):
    path = write_x1d(make_spectrum(), tmp_path)
    with fits.open(path) as hdus:
        edit(hdus)
        hdus.writeto(tmp_path / "broken_x1d.fits")
    with pytest.raises(InputError, match=message) as caught:
        read_x1d(tmp_path / "broken_x1d.fits")
    assert "\n" not in str(caught.value)


def test_units_may_be_spelled_otherwise(tmp_path, make_spectrum):
    path = write_x1d(make_spectrum(), tmp_path)
    with fits.open(path) as hdus:
        unit("WAVELENGTH", "micron")(hdus)
        unit("SURF_BRIGHT", "MJy sr-1")(hdus)
        unit("SB_VAR_FLAT", "(MJy/sr)**2")(hdus)
        hdus.writeto(tmp_path / "other_x1d.fits")
    assert read_x1d(tmp_path / "other_x1d.fits").bands == (Band(1, "short"),)


@pytest.mark.parametrize("name", ["../x_x1d.fits", "a/b.fits", "", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, make_spectrum, name):
    with pytest.raises(OutputError, match="bare file name"):
        write_x1d(replace(make_spectrum(), name=name), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shared
def test_a_flight_table_of_another_kind_is_refused(shared):
    with pytest.raises(InputError, match="no EXTRACT1D extension"):
        read_x1d(shared / "data" / "flight" / "VV114_MIRI_ch1_LONG_s1d.fits")
