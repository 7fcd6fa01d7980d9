"""Where the aperture of a point source is put."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrsnb.core.cards import Cards
from mrsnb.core.references import ExtractPars
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.extract_1d.centre import centre_of

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from autocentring import KINDS, judge, make_scene

FIND = Extract1dParams(ifu_autocen=True)


@pytest.fixture(scope="module")
def scenes():
    """The first scenes of the benchmark: every kind three times."""
    return [make_scene(number) for number in range(3 * len(KINDS))]


def bright():
    return next(scene for scene in map(make_scene, range(0, 99, len(KINDS))) if scene.kind == "bright")


def changed(cube, *, flux=None, **keywords):
    return replace(cube, flux=cube.flux if flux is None else flux, primary=cube.primary.updated(**keywords))


def test_every_aperture_is_on_the_source_or_falls_back_with_a_reason(scenes):
    verdicts = {}
    for scene in scenes:
        verdict, found = judge(scene, "none")
        verdicts.setdefault(scene.kind, []).append(verdict)
        assert verdict in ("centred", "fallback"), f"{scene.kind}: {found}"
        assert verdict == "centred" or found.startswith("ifu_autocen: ")
    assert verdicts["bright"] == ["centred"] * 3
    assert verdicts["nothing"] == verdicts["cut by edge"] == ["fallback"] * 3
    assert verdicts["near edge"].count("centred") >= 2
    assert verdicts["extended"].count("centred") + verdicts["elliptical"].count("centred") >= 4


def test_the_official_algorithm_goes_to_the_edge_for_the_same_scenes(scenes):
    assert any(judge(scene, "jwst-3.0")[0] == "edge" for scene in scenes)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_unit_of_the_flux_does_not_matter(factor):
    cube = bright().cube
    scaled = replace(cube, flux=cube.flux * np.float32(factor), err=cube.err * np.float32(factor))
    one, other = centre_of(cube, FIND), centre_of(scaled, FIND)
    assert (one.method, other.method) == ("found", "found")
    assert (other.x, other.y) == pytest.approx((one.x, one.y), abs=1e-3)


def test_a_turned_cube_has_a_turned_centre():
    cube = bright().cube
    turned = {
        name: np.ascontiguousarray(getattr(cube, name)[:, ::-1, ::-1]) for name in ("flux", "err", "dq", "weight")
    }
    one, other = centre_of(cube, FIND), centre_of(replace(cube, **turned), FIND)
    assert (other.x, other.y) == pytest.approx((cube.grid.n_x - 1 - one.x, cube.grid.n_y - 1 - one.y), abs=0.02)


def test_a_plane_of_nonsense_does_not_move_it():
    cube = bright().cube
    flux = cube.flux.copy()
    flux[7] = np.where(np.isnan(flux[7]), np.nan, 1e7 * np.random.default_rng(0).normal(size=flux[7].shape))
    one, other = centre_of(cube, FIND), centre_of(changed(cube, flux=flux), FIND)
    assert (other.x, other.y) == pytest.approx((one.x, one.y), abs=0.1)


def test_light_beyond_26_micron_is_not_looked_at():
    cube = bright().cube
    grid = replace(cube.grid, wave=np.linspace(26.1, 28.0, cube.grid.n_wave))
    centre = centre_of(replace(cube, grid=grid), FIND)
    assert centre.method == "target"
    assert centre.reason == "ifu_autocen: no light below 26 micron"
    assert centre_of(replace(cube, grid=grid), replace(FIND, compat="jwst-3.0")).method == "target"


def test_what_is_given_wins_and_nothing_is_looked_for():
    centre = centre_of(bright().cube, replace(FIND, center_xy=(3.25, 4.5)))
    assert (centre.x, centre.y, centre.method, centre.reason) == (3.25, 4.5, "given", "")


def test_without_source_and_target_the_middle_is_taken_and_both_reasons_are_given(caplog):
    cube = next(scene for scene in map(make_scene, range(len(KINDS))) if scene.kind == "nothing").cube
    with caplog.at_level(logging.WARNING):
        centre = centre_of(replace(cube, primary=Cards()), FIND)
    assert (centre.x, centre.y) == ((cube.grid.n_x - 1) / 2, (cube.grid.n_y - 1) / 2)
    assert centre.method == "middle"
    assert "ifu_autocen: " in centre.reason
    assert "TARG_RA" in centre.reason
    assert centre.reason in caplog.text


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_a_cube_without_light_falls_back(compat):
    cube = bright().cube
    dark = replace(cube, flux=np.full_like(cube.flux, np.nan), weight=np.zeros_like(cube.weight))
    assert centre_of(dark, replace(FIND, compat=compat)).method == "target"


def test_rows_keywords_and_log_say_what_happened(caplog):
    pars = ExtractPars(
        source="a test",
        wave=np.array([4.0, 30.0]),
        radius=np.full(2, 0.6),
        inner_bkg=np.full(2, 0.9),
        outer_bkg=np.full(2, 1.4),
    )
    cube = bright().cube
    with caplog.at_level(logging.INFO):
        result = extract_1d(cube, FIND, pars, None)
    science = result.spectra[0].science
    assert science["EXTRCEN"] == "FOUND"
    assert science["EXTROFF"] > 0
    assert "EXTRWHY" not in science
    assert "found in the cube" in repr(result)
    assert "signal to noise" in repr(result)
    assert "source found at" in caplog.text
    assert result.spectra[0].position == (result.centres[0].x, result.centres[0].y)
    nothing = next(scene for scene in map(make_scene, range(len(KINDS))) if scene.kind == "nothing").cube
    result = extract_1d(nothing, FIND, pars, None)
    assert result.spectra[0].science["EXTRCEN"] == "TARGET"
    assert result.spectra[0].science["EXTRWHY"].startswith("ifu_autocen: ")
    assert result.centres[0].reason in repr(result)
    assert "extracted at the target" in caplog.text


def test_the_star_of_the_simulator_is_found_where_it_is(clean_cube):
    at_target, found = centre_of(clean_cube, Extract1dParams()), centre_of(clean_cube, FIND)
    assert (at_target.method, found.method) == ("target", "found")
    assert (found.x, found.y) == pytest.approx((at_target.x, at_target.y), abs=0.1)


def test_a_large_cube_shows_its_source_in_a_part_of_its_planes(monkeypatch):
    cube = bright().cube
    expected = centre_of(cube, FIND)
    monkeypatch.setattr("mrsnb.steps.extract_1d.centre._MANY", cube.grid.n_voxels // 3)
    found = centre_of(cube, FIND)
    assert (found.method, expected.method) == ("found", "found")
    assert (found.x, found.y) == pytest.approx((expected.x, expected.y), abs=0.1)
    assert (found.x, found.y) != (expected.x, expected.y)
