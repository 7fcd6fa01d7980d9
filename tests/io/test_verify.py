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
from mrsnb.io.checksum import atomic_fits, encoded
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


def one_part(path, *cards):
    """Write a small FITS file with further cards, as they are given."""
    fits.PrimaryHDU(np.arange(5.0)).writeto(path, overwrite=True)
    more = b"".join(card.ljust(80) for card in cards) + b"END".ljust(80)
    old = b"END".ljust(len(more))
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, more))
    return path.read_bytes()


def test_damaged_compression_is_damage(product, tmp_path):
    content = bytearray(gzip.compress(product.read_bytes()))
    content[10] = 0xFF  # a kind of block that there is not
    (tmp_path / "a.fits.gz").write_bytes(content)
    assert verify(tmp_path).having("damaged")


@pytest.mark.parametrize("number", [2_000_000_000, 1000, -1])
def test_axes_that_no_image_has_are_damage(tmp_path, number):
    path = tmp_path / "a.fits"
    one_part(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"NAXIS   =                    1", b"NAXIS   = %20d" % number))
    (found,) = verify(path).files
    assert (found.state, f"NAXIS = {number}" in found.remark) == ("damaged", True)


def test_an_empty_checksum_says_nothing(tmp_path):
    one_part(tmp_path / "a.fits", b"CHECKSUM= ''", b"DATASUM = ''")
    one_part(tmp_path / "b.fits", b"CHECKSUM=                      / none", b"DATASUM = '1'")
    assert len(verify(tmp_path).having("without checksums")) == 2


@pytest.mark.parametrize("cards", [(b"CHECKSUM= '0000000000000000'",), (b"DATASUM = '0000000000000000'",)])
def test_one_sum_alone_is_left_as_it_is(tmp_path, cards):
    path = tmp_path / "a.fits"
    content = one_part(path, *cards)
    with atomic_fits(path) as file:
        file.write(content)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "cards",
    [
        (b"CHECKSUM= '' / of old", b"DATASUM = '1' / of old"),
        (b"CHECKSUM= 'hcHjjc9ghcEghc9g'   / of old", b"DATASUM = '2503531142'         / of old"),
    ],
)
def test_what_is_copied_gets_sums_of_its_own(tmp_path, cards):
    path = tmp_path / "a.fits"
    content = one_part(path, *cards)
    with atomic_fits(path) as file:
        file.write(content)
    assert [(file.state, file.n_parts) for file in verify(path).files] == [("intact", 1)]
    with fits.open(path, checksum=True) as hdus:  # a wrong one is a warning, and warnings are errors
        assert len(hdus[0].header["CHECKSUM"]) == 16
        np.testing.assert_array_equal(hdus[0].data, np.arange(5.0))


def test_the_folder_of_nobody_is_said():
    with pytest.raises(InputError, match="not known here"):
        verify("~nosuchuser/out")
