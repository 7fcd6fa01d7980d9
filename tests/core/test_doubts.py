"""Doubts: each defect of exposures or products is told while it runs, with its remedy, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from spectra import spectrum_of
from test_quality import Made, clean_cube, keys

from mrsnb.core.bands import ALL_BANDS, Band
from mrsnb.core.dq import DQ
from mrsnb.core.layers import CubeLayers
from mrsnb.core.quality import cube_figures, observed
from mrsnb.core.quality.check import Check, doubts_of, recorded_doubts, stated_doubts
from mrsnb.core.quality.cubes import sampled_figures
from mrsnb.core.quality.doubts import Input, cube_doubts, input_doubts, spectrum_doubts
from mrsnb.core.quality.observed import saturated_share
from mrsnb.io.references import load_references
from mrsnb.io.s3d import read_s3d
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d

BANDS = (Band(1, "short"), Band(2, "short"))


def exposure(name="a", *, bands=BANDS, place=(0.0, 0.0), saturated=0.0, **said):
    """An exposure; its place is in arcsec from a target near the pole, across 0 h."""
    position = ((place[0] / 3600 / np.cos(np.radians(80))) % 360, 80 + place[1] / 3600)
    return Input(observed(name, keys(**said)), bands, position, saturated)


DITHERS = [exposure(name, place=place) for name, place in zip("abcd", [(-1, 1), (1, -1), (2, 2), (-2, 0)], strict=True)]


def names(checks):
    return {check.name for check in checks}


def test_dithers_of_one_target_are_not_doubtful():
    assert input_doubts(DITHERS) == ()
    assert input_doubts([]) == ()
    assert input_doubts(DITHERS[:1]) == ()


@pytest.mark.parametrize(
    ("more", "name", "words"),
    [
        ([exposure("e", TARGPROP="OTHER")], "one observation", "2 targets: OTHER, TOY"),
        ([exposure("e", PROGRAM="09999")], "one observation", "2 programs: 01234, 09999"),
        ([exposure("e", **{"DATE-OBS": "2025-01-02"})], "one observation", "366 days apart"),
        ([exposure("e", CAL_VER="1.9")], "one observation", "2 versions"),
        ([exposure("e", place=(30, 0)), exposure("f", place=(-20, 0))], "positions of the exposures", "3 groups"),
        ([exposure("e", bands=(Band(1, "medium"), BANDS[1]))], "settings of the exposures", "fewer in 1A, 1B"),
        ([exposure(x, bands=(Band(3, "short-long"),)) for x in "efgh"], "settings of the exposures", "SHORT-LONG"),
        ([exposure("e", saturated=0.01)], "saturated pixels", "1 % in e"),
    ],
)
def test_what_does_not_belong_together_is_told(more, name, words):
    (doubt,) = input_doubts([*DITHERS, *more])
    assert doubt.name == name
    assert words in doubt.value
    assert doubt.remedy in doubt.row.note


def test_a_mosaic_of_fields_that_touch_is_one_place():
    tiles = [exposure(str(i), place=(6.0 * (i % 10), 6.0 * (i // 10))) for i in range(100)]
    assert input_doubts(tiles) == ()
    assert names(input_doubts([*tiles, exposure("x", place=(90.0, 0.0))])) == {"positions of the exposures"}


def test_places_that_are_not_stated_are_no_doubt():
    assert input_doubts([*DITHERS, exposure()._replace(position=None)]) == ()


def test_only_pixels_that_see_the_sky_count_as_saturated():
    dq = np.zeros((10, 100), np.uint32)
    dq[:5] = DQ.NON_SCIENCE
    assert saturated_share(dq) == 0
    dq[0, :50] |= np.uint32(DQ.SATURATED)
    assert saturated_share(dq) == 0
    dq[9, :50] |= np.uint32(DQ.SATURATED | DQ.DO_NOT_USE)
    assert saturated_share(dq) == 0.1


def product_doubts(made, band="1B", exposures=2):
    figures, found = cube_doubts(replace(made.cubes[band], inputs=(keys(),) * exposures))
    return names([*found, *spectrum_doubts(figures, made.spectra[band])])


def test_clean_products_are_not_doubtful():
    assert product_doubts(Made()) == set()


@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("oversubtracted", {"sky"}),
        ("aperture_at_the_edge", {"aperture outside the field", "source from the edge"}),
        ("aperture_off_the_field", {"aperture outside the field", "source from the edge", "dithers at the source"}),
        ("source_in_one_dither", {"dithers at the source"}),
        ("small_aperture", {"aperture for few dithers"}),
        ("negative", {"negative flux"}),
        ("faint", set()),
        ("holes", set()),
    ],
)
def test_each_defect_of_a_product_is_told_and_no_other(defect, expected):
    import test_quality

    made = Made()
    getattr(test_quality, defect)(made)
    assert product_doubts(made) == expected


def test_four_dithers_are_enough_for_a_small_aperture():
    import test_quality

    made = Made()
    test_quality.small_aperture(made)
    assert product_doubts(made, exposures=3) == {"aperture for few dithers"}
    assert product_doubts(made, exposures=4) == set()


def test_some_planes_tell_what_all_tell():
    cube = clean_cube()
    some, whole = sampled_figures(cube), cube_figures(CubeLayers.of(cube))
    np.testing.assert_array_equal(some.field, whole.field)
    np.testing.assert_allclose(some.coverage, whole.coverage)
    assert some.sky == pytest.approx(whole.sky, abs=0.15)


def test_an_empty_cube_is_no_obstacle():
    cube = clean_cube()
    empty = replace(
        cube,
        flux=np.full_like(cube.flux, np.nan),
        err=np.full_like(cube.err, np.nan),
        weight=np.zeros_like(cube.weight),
        dq=np.full_like(cube.dq, 513),
    )
    assert cube_doubts(empty)[1] == ()


def test_doubts_of_one_name_become_one_with_all_bands():
    bad = Check(name="a", value="9 in 1A", limit="1", verdict="bad", meaning="m.", remedy="r.", bands=("1A",))
    also = replace(bad, value="2 in 1B", verdict="warning", bands=("1B",))
    good = replace(bad, name="b", verdict="good")
    (found,) = doubts_of([also, bad, good])
    assert (found.verdict, found.bands) == ("bad", ("1B", "1A"))
    assert found.value.startswith("9 in 1A")
    assert doubts_of([bad, bad]) == (bad,)


def test_what_a_product_states_comes_back():
    found = input_doubts([*DITHERS, exposure("e", TARGPROP="<b>OTHER", saturated=0.5)])
    assert len(found) == 2
    assert stated_doubts({"warnings": recorded_doubts(found)}) == found


@pytest.mark.parametrize("history", [{}, {"warnings": 3}, {"warnings": ["a"]}, {"warnings": {"a": "b", 3: None}}])
def test_a_provenance_of_something_else_states_nothing(history):
    assert stated_doubts(history) == ()


# Data of the telescope


@pytest.mark.shared
@pytest.mark.parametrize("sub_band", ["short", "medium", "long"])
def test_of_flight_cubes_one_is_told_that_too_much_was_subtracted_and_nothing_else(shared, sub_band):
    """16 Cyg B: its sky is seven to nine errors below zero, by the subtraction that the headers state."""
    cube = read_s3d(shared / "data" / "flight" / f"16CygB_Level3_ch4-{sub_band}_s3d.fits.gz")
    figures, found = cube_doubts(cube)
    assert names(found) == {"sky"}
    built_in = load_references()
    params = Extract1dParams(ifu_set_srctype="POINT", ifu_autocen=True)
    (spectrum,) = extract_1d(cube, params, built_in.extract1d, built_in.apcorr).spectra
    assert spectrum_doubts(figures, spectrum) == ()
    inputs = [
        Input(observed(str(i), said), (cube.bands[0],), (said.number("RA_REF"), said.number("DEC_REF")), 0.0)
        for i, said in enumerate(cube.inputs)
    ]
    assert len(inputs) == 4
    assert input_doubts(inputs) == ()


@pytest.mark.shared
@pytest.mark.parametrize("band", [band.name for band in ALL_BANDS])
def test_flight_spectra_are_not_doubtful(shared, band):
    """VV 114, of an active galaxy, with lines and deep absorption."""
    of = Band.from_name(band)
    path = shared / "data" / "flight" / f"VV114_MIRI_ch{of.channel}_{of.sub_band.upper()}_s1d.fits"
    wave, flux, err = (fits.getdata(path)[name].astype(float) for name in ("wavelength", "flux", "uncertainty"))
    spectrum = spectrum_of(wave, band=band, source_type="POINT", flux=1e6 * flux, flux_error=1e6 * err)
    assert spectrum_doubts(sampled_figures(clean_cube()), replace(spectrum, position=(np.nan, np.nan))) == ()
