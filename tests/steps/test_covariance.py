"""Errors of sums over spaxels that share pixels: by groups of planes, so that memory holds no more."""

import numpy as np
import pytest

from mrsnb.steps.cube_build import CubeBuildParams, plan_cubes
from mrsnb.steps.extract_1d import DrizzleCovariance

PARAMS = CubeBuildParams(channel="1", wavemin=5.0, wavemax=5.01)


@pytest.fixture(scope="module")
def plan(clean_exposures, cubepars):
    return plan_cubes(clean_exposures, PARAMS, cubepars)[0]


def test_it_does_not_matter_how_many_planes_are_done_at_a_time(plan, monkeypatch):
    covariance, one = DrizzleCovariance(plan=plan, params=PARAMS), np.ones(plan.grid.shape, np.float32)
    whole = covariance.variances([one, 2 * one])
    monkeypatch.setattr(
        "mrsnb.steps.extract_1d.covariance.groups_of", lambda grid: [(k, k + 1) for k in range(grid.n_wave)]
    )
    by_plane = covariance.variances([one, 2 * one])
    assert (whole[0] > 0).any()
    np.testing.assert_array_equal(by_plane, whole)
    np.testing.assert_allclose(whole[1], 4 * whole[0])


def test_coefficients_beyond_the_limit_of_memory_lie_in_a_file(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(type(plan), "fits", lambda *_: False)
    net, background = DrizzleCovariance(plan=plan, params=PARAMS, folder=tmp_path).coefficients()
    assert net.shape == background.shape == plan.grid.shape
    assert not net.any()
    net[:] = 1
    assert not background.any()
    assert not list(tmp_path.iterdir())
