"""Images are written as astropy writes them."""

import io

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.cards import Card, Cards
from mrsnb.io.pixels import image_header, write_pixels


def images():
    rng = np.random.default_rng(1)
    flux = rng.normal(size=(300, 43, 51)).astype(np.float32)
    flux[::7] = np.nan
    yield flux
    yield rng.integers(0, 2**32, (3, 5, 7), dtype=np.uint32)
    yield rng.normal(size=(5, 7))
    yield rng.integers(-9, 9, (4, 2880 // 4)).astype(np.int32)
    yield np.swapaxes(flux, 0, 2)
    yield np.zeros((0, 3, 3), np.float32)


@pytest.mark.parametrize("data", list(images()))
def test_the_bytes_are_those_of_astropy(data):
    ours, theirs = io.BytesIO(), io.BytesIO()
    cards = Cards([Card("BUNIT", "MJy/sr", "unit"), Card("X", 1.5)])
    ours.write(image_header("SCI", data, cards))
    write_pixels(ours, data)
    hdu = fits.ImageHDU(data, name="SCI")
    for card in cards.cards():
        hdu.header.append(tuple(card), bottom=True)
    hdu.ver = 1
    hdu.header["CHECKSUM"] = "0" * 16, "checksum of this part of the file"
    hdu.header["DATASUM"] = "0", "checksum of its data"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(theirs)
    assert ours.getvalue() == theirs.getvalue()[2880:]


def test_pixels_that_have_no_place_in_a_file_are_refused():
    with pytest.raises(KeyError):
        image_header("SCI", np.zeros((2, 2), complex))
