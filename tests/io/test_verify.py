"""Checksums: astropy finds them right, and a byte that changes anywhere is noticed."""

import gzip
import shutil

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.cli import main
from mrsnb.errors import InputError
from mrsnb.io.checksum import encoded
from mrsnb.io.verify import verify


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    from cubes import a_cube

    from mrsnb.io.s3d import write_s3d

    flux = np.random.default_rng(1).normal(0, 1, (20, 9, 11))
    return write_s3d(a_cube(flux), tmp_path_factory.mktemp("verify"))


def test_astropy_finds_the_checksums_right(product):
    with fits.open(product, checksum=True) as hdus:  # a wrong one is a warning, and warnings are errors
        assert len(hdus) > 5
        assert all("DATASUM" in hdu.header and "CHECKSUM" in hdu.header for hdu in hdus)
        assert hdus["SCI"].header["DATASUM"] != "0"


@given(st.integers(0, 2**32 - 1))
def test_a_sum_is_written_as_astropy_writes_it(value):
    letters = encoded(value)
    assert letters.isalnum()
    assert letters == fits.PrimaryHDU()._char_encode(value)


def test_a_changed_byte_is_noticed_wherever_it_is(product, tmp_path):
    whole = product.read_bytes()
    spoiled = tmp_path / "spoiled_s3d.fits"
    assert verify(product).is_intact
    for at in np.linspace(2890, len(whole) - 1, 60).astype(int):
        spoiled.write_bytes(whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :])
        (found,) = verify(spoiled).files
        assert found.state == "damaged", at
        assert found.remark


@pytest.mark.parametrize("length", [0, 100, 2800, 20_000, -1, -2880])
def test_a_file_cut_short_is_damaged(product, tmp_path, length):
    short = tmp_path / "short_s3d.fits"
    short.write_bytes(product.read_bytes()[:length])
    assert not verify(tmp_path).is_intact


def test_states_of_files_in_a_folder(product, tmp_path):
    shutil.copy(product, tmp_path / "a.fits")
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress(product.read_bytes()))
    fits.PrimaryHDU(np.zeros(5)).writeto(tmp_path / "c.fits")
    (tmp_path / "d.fits").write_text("no FITS")
    (tmp_path / "notes.txt").write_text("not looked at")
    found = verify(tmp_path)
    assert [file.state for file in found.files] == ["intact", "intact", "without checksums", "damaged"]
    assert not found.is_intact
    assert "DAMAGED" in repr(found)
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "a.fits"), str(tmp_path / "b.fits.gz")])
    assert result.exit_code == 0
    result = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert result.exit_code == 1
    assert "no FITS file" in result.output


def test_nothing_to_look_at_is_said(tmp_path):
    with pytest.raises(InputError, match="no FITS files in this folder"):
        verify(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        verify([tmp_path / "there_is_none.fits"])
