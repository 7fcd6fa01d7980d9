"""Keywords of products."""

import math

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from mrsnb.core.bands import Band
from mrsnb.core.blend import (
    ARCSEC2_SR,
    JWST_ARCSEC2_SR,
    blended,
    cube_headers,
    header_row,
    region,
    region_box,
    spaxel_sky,
    wcs_keywords,
)
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import CubeGrid

BANDS = [Band(1, "short")]


def cards(**values):
    return Cards([Card(key.replace("_", "-"), value, f"about {key}") for key, value in values.items()])


def grid(**changes):
    wave = np.linspace(5.0, 5.1, 5)
    base = {
        "ra": 30.0,
        "dec": 40.0,
        "spaxel_size": 0.13,
        "n_x": 9,
        "n_y": 5,
        "wave": wave,
        "wave_step": np.full(5, 0.025),
    }
    return CubeGrid(**(base | changes))


def test_one_exposure_is_not_changed():
    one = cards(BAND="SHORT", EFFEXPTM=3.5, DATE_OBS="2022-08-09", NINTS=1)
    primary, science = blended([one], [one])
    assert primary.cards() == science.cards() == one.cards()


def test_the_rules():
    first = cards(BAND="SHORT", DETECTOR="D", DATE_BEG="2022-01-02", DATE_END="b", EXPSTART=2.0, EXPMID=2.5, EXPEND=3.0)
    second = cards(BAND="LONG", DETECTOR="D", DATE_BEG="2022-01-01", DATE_END="a", EXPSTART=1.0, EXPMID=1.5, EXPEND=2.0)
    times = cards(XPOSURE=10.0, TELAPSE=11.0, SRCTYPE="POINT")
    primary, science = blended([first, second], [times, times.updated(SRCTYPE="EXTENDED")])
    assert dict(primary) == {
        "BAND": "MULTIPLE",
        "DETECTOR": "D",
        "DATE-BEG": "2022-01-01",
        "DATE-END": "b",
        "EXPSTART": 1.0,
        "EXPMID": 2.0,
        "EXPEND": 3.0,
    }
    assert dict(science) == {"XPOSURE": 20.0, "TELAPSE": 22.0, "SRCTYPE": "POINT"}
    assert primary.cards()[0].comment == "about BAND"


def test_a_keyword_that_some_lack_is_blended_over_the_rest():
    primary, _ = blended([cards(EFFEXPTM=1.0, EXPMID=4.0), cards(EFFEXPTM=2.0), cards(OTHER=1)], [Cards()] * 3)
    assert dict(primary) == {"EFFEXPTM": 3.0, "EXPMID": 4.0}


def test_values_of_another_kind_do_not_break_it():
    primary, _ = blended([cards(EXPSTART=1.0, DATE_BEG="b"), cards(EXPSTART="N/A", DATE_BEG=5)], [Cards()] * 2)
    assert dict(primary) == {"EXPSTART": 1.0, "DATE-BEG": "b"}


def test_nothing_to_blend():
    with pytest.raises(ValueError, match="no exposures"):
        blended([], [])


def test_a_row_of_the_table_has_both_headers_once():
    row = header_row(cards(BAND="SHORT", A=1), cards(A=2, XPOSURE=3.0))
    assert dict(row) == {"BAND": "SHORT", "A": 1, "XPOSURE": 3.0}


def test_a_cube_says_what_it_is():
    science = cards(V2_REF=1.0, PA_V3=3.0, BUNIT="MJy/sr")
    science = Cards([*science.cards(), Card("V2_REF", 1.0), Card("ROLL_REF", 2.0)])
    primary, science = cube_headers([cards(BAND="SHORT", CHANNEL="12")], [science], grid(), BANDS, cubepar="c.fits")
    assert primary["CHANNEL"] == "1"
    assert primary["S_IFUCUB"] == "COMPLETE"
    assert [primary[k] for k in ("FLUXEXT", "ERREXT", "MASKEXT", "WTYPE")] == ["SCI", "ERR", "DQ", "drizzle"]
    assert [primary[k] for k in ("ROIS", "ROIW", "WPOWER")] == [0, 0, 0]
    assert primary["R_CUBPAR"] == "c.fits"
    assert "V2_REF" not in science
    assert "ROLL_REF" not in science
    assert science["PIXAR_A2"] == pytest.approx(0.0169)
    assert science["PIXAR_SR"] == pytest.approx(0.0169 * ARCSEC2_SR)
    assert all(card.comment for card in science.cards() if card.key in ("PIXAR_SR", "S_REGION"))


def test_channels_are_sorted_digits():
    several = [Band(2, "short"), Band(1, "short"), Band(1, "long")]
    primary, _ = cube_headers([cards(CHANNEL="12")] * 2, [Cards()] * 2, grid(), several)
    assert primary["CHANNEL"] == "12"


def test_the_steradian_of_upstream_on_request():
    _, science = cube_headers([Cards()], [Cards()], grid(), BANDS, compat="jwst-3.0")
    assert science["PIXAR_SR"] == science["PIXAR_A2"] * JWST_ARCSEC2_SR
    assert pytest.approx(JWST_ARCSEC2_SR, rel=3e-5) == ARCSEC2_SR


def test_a_moving_target_is_where_it_was_on_average():
    science = Cards([Card("MT_RA", 1.0), Card("MT_DEC", 2.0), Card("MT_AVRA", 1.5), Card("MT_AVDEC", 2.5)])
    primary, science = cube_headers([cards(TARG="x")], [science], grid(), BANDS)
    assert (science["MT_RA"], science["MT_DEC"]) == (1.5, 2.5)
    assert (primary["TARG_RA"], primary["TARG_DEC"]) == (1.5, 2.5)


@pytest.mark.parametrize("rotation", [0.0, 33.0, -170.0])
@pytest.mark.parametrize(("ra", "dec"), [(30.0, 40.0), (0.0001, 85.0), (359.9999, -89.5)])
def test_keywords_and_places_agree_with_wcslib(ra, dec, rotation):
    where = grid(ra=ra, dec=dec, rotation=rotation)
    header = fits.Header()
    header.update(wcs_keywords(where))
    sky = WCS(header)
    for x, y in ((0, 0), (8, 0), (8, 4), (4, 2), (-3.5, 7.25)):
        expected = sky.pixel_to_world_values(x, y, 3)
        found = spaxel_sky(where, x, y)
        assert math.remainder(found[0] - float(expected[0]), 360.0) == pytest.approx(
            0, abs=1e-11 / math.cos(math.radians(dec))
        )
        assert found[1] == pytest.approx(float(expected[1]), abs=1e-11)
    assert float(expected[2]) * 1e6 == pytest.approx(where.wave[3], rel=1e-12)


def test_the_region_goes_round_the_corners():
    words = region(grid()).split()
    assert region(grid()).startswith("POLYGON ICRS  ")
    ra, dec = np.array(words[2:], float).reshape(4, 2).T
    assert ra[0] < ra[3]
    assert dec[0] < dec[1]
    area = 0.5 * abs(np.dot(ra, np.roll(dec, 1)) - np.dot(dec, np.roll(ra, 1))) * math.cos(math.radians(40))
    assert area * 3600**2 == pytest.approx(8 * 0.13 * 4 * 0.13, rel=1e-3)


def test_the_box_of_upstream_holds_the_region():
    turned = grid(rotation=20.0)
    inner, outer = (np.array(text.split()[2:], float).reshape(4, 2) for text in (region(turned), region_box(turned)))
    assert (outer.min(0) == inner.min(0)).all()
    assert (outer.max(0) == inner.max(0)).all()
    assert outer.tolist() == [
        outer.min(0).tolist(),
        [outer[0, 0], outer[1, 1]],
        outer.max(0).tolist(),
        [outer[2, 0], outer[0, 1]],
    ]
