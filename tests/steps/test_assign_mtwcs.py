import logging
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import asdf
import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.exposure import Described
from mrsnb.errors import InputError
from mrsnb.geometry.detector import channel_view
from mrsnb.geometry.tangent import tangent_matrix, to_plane
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry
from mrsnb.steps.assign_mtwcs import AssignMtwcsParams, assign_mtwcs

BAND = Band.from_name("1A")
NONE = AssignMtwcsParams()
AS_UPSTREAM = AssignMtwcsParams(compat="jwst-3.0")
BOTH = pytest.mark.parametrize("params", [NONE, AS_UPSTREAM], ids=["none", "jwst-3.0"])


@dataclass(frozen=True, eq=False)
class Seen(Described):
    """An exposure without arrays."""

    name: str
    primary: Cards
    science: Cards
    wcs: Any


def seen(number, place, wcs):
    return Seen(
        f"e{number}_cal.fits",
        Cards().updated(TARGTYPE="MOVING", CHANNEL="12", BAND="SHORT"),
        Cards().updated(MT_RA=place[0], MT_DEC=place[1]),
        wcs,
    )


@pytest.fixture(scope="module")
def pointed():
    """Return the function that makes exposures of a target at places (RA, Dec in deg), in the same pixel of each."""
    start = (202.46, 47.195)
    geometry = detector_geometry("MIRIFUSHORT", "short")
    out = BytesIO()
    wcs = exposure_wcs(geometry, Pointing(ra=start[0], dec=start[1], roll=40.0))
    asdf.AsdfFile({"meta": {"wcs": wcs}}).write_to(out)
    chain = compile_chain(read_tree(out.getvalue()))

    def made(places):
        turns = [tangent_matrix(*place).T @ tangent_matrix(*start) for place in places]
        chains = [replace(chain, matrix=turn @ chain.matrix) for turn in turns]
        return [seen(i, place, moved) for i, (place, moved) in enumerate(zip(places, chains, strict=True))]

    return made


PLACES = [(202.46, 47.195), (202.47, 47.205), (202.475, 47.2)]


@pytest.fixture(scope="module")
def three(pointed):
    return pointed(PLACES)


@pytest.fixture(scope="module")
def by_gwcs():
    geometry = detector_geometry("MIRIFUSHORT", "short")
    pointings = [Pointing(ra=ra, dec=dec, roll=40.0) for ra, dec in PLACES[:2]]
    return [seen(i, PLACES[i], exposure_wcs(geometry, pointing)) for i, pointing in enumerate(pointings)]


def offsets(exposure, place):
    """Return where the pixels are as seen from a place, arcsec."""
    ra, dec = channel_view(exposure.wcs, BAND).sky()
    good = np.isfinite(ra)
    return np.array(to_plane(ra[good], dec[good], *place))


@BOTH
def test_all_exposures_see_the_target_in_one_place(three, params):
    result = assign_mtwcs(three, params)
    assert result.status == "COMPLETE"
    first, *others = (offsets(exposure, result.place) for exposure in result.exposures)
    assert np.abs(first).max() < 5
    tolerance = 1e-6 if params is NONE else 0.005
    for other in others:
        np.testing.assert_allclose(other, first, atol=tolerance)
    assert max(np.abs(offsets(e, result.place) - first).max() for e in three[1:]) > 10


def test_the_field_is_not_stretched(three):
    """The offsets from the target are those of the exposure by itself; upstream stretches them."""
    for params, tolerance in ((NONE, 1e-8), (AS_UPSTREAM, None)):
        result = assign_mtwcs(three, params)
        errors = [
            np.abs(offsets(after, result.place) - offsets(before, place)).max()
            for before, after, place in zip(three, result.exposures, PLACES, strict=True)
        ]
        assert max(errors) > 1e-4 if tolerance is None else max(errors) < tolerance


def test_upstream_shifts_coordinates(three):
    result = assign_mtwcs(three, AS_UPSTREAM)
    assert result.place == pytest.approx(np.mean(PLACES, axis=0))
    for before, after, place in zip(three, result.exposures, PLACES, strict=True):
        moved = np.array(channel_view(after.wcs, BAND).sky()) - channel_view(before.wcs, BAND).sky()
        expected = np.subtract(result.place, place)
        np.testing.assert_allclose(np.nanmin(moved, axis=1), expected, atol=1e-10)
        np.testing.assert_allclose(np.nanmax(moved, axis=1), expected, atol=1e-10)


def test_the_mean_survives_right_ascension_0(pointed):
    places = [(359.999, -20.0), (0.003, -20.001)]
    exposures = pointed(places)
    result = assign_mtwcs(exposures, NONE)
    assert result.place == pytest.approx((0.001, -20.0005), abs=1e-7)
    one, other = (offsets(e, result.place) for e in result.exposures)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert assign_mtwcs(exposures, AS_UPSTREAM).place[0] == pytest.approx(180.001)
    assert max(np.hypot(*shift) for shift in result.shifts) < 10


@BOTH
def test_keywords_state_the_place(three, params):
    result = assign_mtwcs(three, params)
    for before, after in zip(three, result.exposures, strict=True):
        assert after.primary["S_MTWCS"] == "COMPLETE"
        assert (after.science["MT_AVRA"], after.science["MT_AVDEC"]) == result.place
        assert after.science["MT_RA"] == before.science["MT_RA"]
        assert "S_MTWCS" not in before.primary


def test_shifts_are_told_on_the_sky(three):
    result = assign_mtwcs(three, NONE)
    for shift, place in zip(result.shifts, PLACES, strict=True):
        west, north = to_plane(np.array(place[0]), np.array(place[1]), *result.place)
        np.testing.assert_allclose(shift, [west, -north], atol=0.01)
    assert "largest shift" in repr(result)


@BOTH
def test_a_gwcs_is_given_one_more_frame(three, by_gwcs, params):
    result = assign_mtwcs(by_gwcs, params)
    compiled = assign_mtwcs(three[:2], params)
    for slow, fast in zip(result.exposures, compiled.exposures, strict=True):
        assert slow.wcs.output_frame.name == "moving_target"
        np.testing.assert_allclose(offsets(slow, result.place), offsets(fast, result.place), atol=0.005)
    assert by_gwcs[0].wcs.output_frame.name == "world"


def test_corners_follow_the_target_as_centres_do(three):
    result = assign_mtwcs(three, AS_UPSTREAM)
    view = channel_view(result.exposures[0].wcs, BAND)
    xi, eta = view.corners(*result.place, 0.0)
    good = np.isfinite(view.samples.wave)
    np.testing.assert_allclose(
        [xi[good].mean(1), eta[good].mean(1)], offsets(result.exposures[0], result.place), atol=1e-3
    )


# When nothing is done


@BOTH
def test_a_target_that_rests_is_left_alone(three, params):
    fixed = [replace(e, primary=e.primary.updated(TARGTYPE="FIXED")) for e in three]
    result = assign_mtwcs(fixed, params)
    assert (result.status, result.exposures) == ("SKIPPED", tuple(fixed))
    assert "does not move" in repr(result)


def test_a_missing_place_is_refused_and_upstream_goes_on(three, caplog):
    lacking = [*three[:2], replace(three[2], science=Cards())]
    with pytest.raises(InputError, match=r"e2_cal.fits: TARGTYPE is MOVING, but no MT_RA.*assign_mtwcs.skip = True"):
        assign_mtwcs(lacking, NONE)
    with caplog.at_level(logging.WARNING):
        result = assign_mtwcs(lacking, AS_UPSTREAM)
    assert (result.status, result.exposures) == ("FAILED", tuple(lacking))
    assert "e2_cal.fits" in caplog.text


def test_exposures_that_follow_already_are_not_moved_again(three):
    moved = assign_mtwcs(three, NONE).exposures
    again = assign_mtwcs(moved, NONE)
    assert (again.status, again.exposures) == ("SKIPPED", moved)
    with pytest.raises(InputError, match=r"e2_cal.fits: S_MTWCS is not COMPLETE.*process them apart"):
        assign_mtwcs([*moved[:2], three[2]], NONE)


def test_moving_and_resting_targets_are_not_mixed(three):
    mixed = [*three[:2], replace(three[2], primary=Cards().updated(TARGTYPE="FIXED"))]
    with pytest.raises(InputError, match=r"e2_cal.fits: TARGTYPE is not MOVING"):
        assign_mtwcs(mixed, NONE)


def test_the_picture_shows_how_far_exposures_moved(three):
    assert [picture.title for picture in assign_mtwcs(three, NONE).pictures()] == ["Exposures moved with the target"]
    unmoved = [replace(one, primary=one.primary.updated(TARGTYPE="FIXED")) for one in three]
    assert assign_mtwcs(unmoved, NONE).pictures() == []
