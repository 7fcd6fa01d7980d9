"""Keywords survive a FITS header unchanged."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.core.cards import Card, Cards
from mrsnb.io.headers import cards_for, cards_of, header_bytes, is_structure, printable

KEYS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=8).filter(
    lambda key: not is_structure(key)
)
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    PLAIN.map(str.rstrip),
)


def through_a_file(cards):
    return cards_of(fits.Header.fromstring(fits.Header(cards_for(cards)).tostring()))


@settings(max_examples=300)
@given(st.lists(st.builds(Card, KEYS, VALUES, PLAIN), unique_by=lambda card: card.key, max_size=5))
def test_every_value_comes_back(found):
    cards = Cards(found)
    back = through_a_file(cards)
    assert list(back.items()) == list(cards.items())
    for key, value in back.items():
        assert isinstance(value, type(cards[key]))


@settings(max_examples=300)
@given(st.lists(st.builds(Card, KEYS, VALUES, PLAIN), unique_by=lambda card: card.key, max_size=5))
def test_the_bytes_are_those_of_astropy(found):
    cards = Cards(found)
    header = fits.Header(cards_for(cards))
    header["CHECKSUM"] = "0" * 16, "checksum of this part of the file"
    header["DATASUM"] = "0", "checksum of its data"
    for line in ("one", "  two"):
        header["HISTORY"] = line
    assert header_bytes(cards.cards(), ["one", "  two"]) == header.tostring().encode("ascii")


def test_values_that_are_equal_are_told_apart():
    values = [1, 1.0, True, 0.0, -0.0, 0, False, "1"]
    for value in [*values, *values]:
        back = cards_of(fits.Header.fromstring(header_bytes([Card("A", value)])))["A"]
        assert (repr(back), type(back)) == (repr(value), type(value))


def test_a_keyword_that_is_none_is_refused():
    with pytest.raises((fits.VerifyError, ValueError)):
        header_bytes([Card("A=B", 1)])


def test_a_quote_in_the_comment_of_an_empty_text():
    (back,) = through_a_file(Cards([Card("A", "", "the sky's")])).cards()
    assert (back.value, back.comment) == ("", "the sky's")
    assert through_a_file(Cards([Card("A", "", "'")]))["A"] == ""


def test_comments_come_back_if_there_is_room():
    cards = Cards([Card("A", 1.5, "short"), Card("B", "x" * 50, "y" * 50), Card("C", "x" * 90, "kept on its own line")])
    assert [card.comment for card in through_a_file(cards).cards()] == ["short", "y" * 15, "kept on its own line"]


@pytest.mark.parametrize("value", [0.1 + 0.2, 3.6111109786563447e-05, -1.2345678901234567e-300, 1e22, -0.0])
def test_floats_keep_all_their_digits(value):
    assert through_a_file(Cards([Card("X", value, "c" * 90)]))["X"] == value


def test_what_a_header_cannot_hold_is_left_out_or_escaped():
    cards = Cards([Card("A", float("nan")), Card("B", float("inf")), Card("C", "Zoë\nx", "µm")])
    assert dict(through_a_file(cards)) == {"C": "Zo\\xeb\\x0ax"}
    assert printable("a\x7f") == "a\\x7f"


def test_structure_is_no_keyword():
    header = fits.BinTableHDU(np.zeros(3, dtype=[("x", float)]), name="T").header
    header["HISTORY"] = "h"
    header["COMMENT"] = "c"
    header["BUNIT"] = "Jy"
    header["EMPTY"] = None
    header["NAXISX"] = 1
    assert dict(cards_of(header)) == {"BUNIT": "Jy", "NAXISX": 1}
