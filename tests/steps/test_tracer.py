"""Light traced between voxels and detector pixels: the same weights as in the cube, both ways."""

from dataclasses import replace

import numpy as np
import pytest

from mrsnb.core.dq import UNUSABLE
from mrsnb.core.references import Emsm, Msm
from mrsnb.errors import InputError, ParamError
from mrsnb.steps.cube_build import CubeBuildParams, Tracer, build_cube, plan_cubes

KEY = (1, "short")
CASES = [
    {"weighting": "drizzle"},
    {"weighting": "drizzle", "compat": "jwst-3.0"},
    {"weighting": "emsm"},
    {"weighting": "msm"},
    {"weighting": "drizzle", "coord_system": "ifualign"},
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case.values()))
def traced(request, clean_exposures, cubepars):
    """A tracer and the cube, each made by itself."""
    weights = replace(cubepars, emsm={KEY: Emsm(0.2, 0.01, 0.1)}, msm={KEY: Msm(0.2, 0.01, 2.0, 0.01)})
    params = CubeBuildParams(channel="1", **request.param)
    (plan,) = plan_cubes(clean_exposures[:2], params, weights)
    return Tracer(plan, params), build_cube(plan, params, weights, "toy")


def some_voxels(cube, n=12):
    """Voxels with flux, some in the middle and some at the edge."""
    rng = np.random.default_rng(5)
    places = np.argwhere(np.isfinite(cube.flux) & (cube.weight > 0))
    z, y, x = places[rng.choice(len(places), n, replace=False)].T
    return list(zip(x.tolist(), y.tolist(), z.tolist(), strict=True))


def test_the_weighted_mean_of_its_pixels_is_the_voxel(traced):
    tracer, cube = traced
    for x, y, z in some_voxels(cube):
        found = tracer.voxel((x, y, z))
        assert found.flux == pytest.approx(cube.flux[z, y, x], rel=3e-7)
        assert len(found.pixels) == cube.weight[z, y, x]
        error = np.sqrt(sum((p.weight * p.err) ** 2 for p in found.pixels)) / sum(p.weight for p in found.pixels)
        assert error == pytest.approx(cube.err[z, y, x], rel=1e-6)


def test_what_a_voxel_says_of_a_pixel_the_pixel_says_of_the_voxel(traced):
    tracer, cube = traced
    for voxel in some_voxels(cube, 3):
        for pixel in tracer.voxel(voxel).pixels[:4]:
            fed = {v[:3]: v for v in tracer.pixel(pixel.exposure, pixel.x, pixel.y).voxels}
            assert fed[voxel].weight == pytest.approx(pixel.weight, rel=1e-12)
            assert fed[voxel].wave == cube.grid.wave[voxel[2]]
        other, there = max(fed.items(), key=lambda item: abs(item[0][0] - voxel[0]))
        back = [p for p in tracer.voxel(other).pixels if (p.exposure, p.x, p.y) == (pixel.exposure, pixel.x, pixel.y)]
        assert back[0].weight == pytest.approx(there.weight, rel=1e-12)


def test_pixels_are_told_as_the_exposure_has_them(traced, clean_exposures):
    tracer, cube = traced
    loaded = {e.name: e.load() for e in clean_exposures}
    for pixel in tracer.voxel(some_voxels(cube, 1)[0]).pixels:
        exposure = loaded[pixel.exposure]
        assert pixel.flux == exposure.flux[pixel.y, pixel.x]
        assert pixel.err == exposure.err[pixel.y, pixel.x]
        assert pixel.dq == exposure.dq[pixel.y, pixel.x]
        assert not pixel.dq & UNUSABLE


@pytest.mark.parametrize("traced", [CASES[0], CASES[-1]], indirect=True)
def test_a_drizzled_pixel_shares_out_its_whole_area_and_extent(traced):
    """The weights of a pixel whose light is all inside the cube add up to its area on the sky times its extent."""
    tracer, cube = traced
    voxel = (cube.grid.n_x // 2, cube.grid.n_y // 2, cube.grid.n_wave // 2)
    pixel = tracer.voxel(voxel).pixels[0]
    member = tracer._members[0]
    where = np.flatnonzero(member.view.samples.pixel == pixel.y * member.n_col + pixel.x).astype(np.int32)
    x, y = (values[0] for values in member.feed.spread.projection.corners(where))
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    total = sum(v.weight for v in tracer.pixel(pixel.exposure, pixel.x, pixel.y).voxels)
    assert total == pytest.approx(area * member.view.samples.width[where[0]], rel=1e-9)


def test_where_nothing_goes(traced):
    tracer, _ = traced
    name = tracer.plan.exposures[0].name
    assert tracer.pixel(name, 0, 0).voxels == ()
    assert tracer.pixel(name, -1, 5).voxels == ()
    with pytest.raises(InputError, match="not among the exposures"):
        tracer.pixel("other_cal.fits", 1, 1)
    with pytest.raises(ParamError, match="z must be from 0"):
        tracer.voxel((0, 0, 10**6))


def test_both_answers_are_shown(traced):
    tracer, cube = traced
    found = tracer.voxel(some_voxels(cube, 1)[0])
    first = found.pixels[0]
    fed = tracer.pixel(first.exposure, first.x, first.y)
    for text in (repr(fed), fed._repr_mimebundle_()["text/html"]):
        assert f"Pixel ({first.x}, {first.y})" in text
        assert f"{fed.voxels[0].wave:.5f}" in text
