import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.light import mean_light
from mrsnb.kernels.threads import VARIABLE

SHAPE = (41, 5, 7)


def cube_of(seed):
    """Return flux, err and weight with much that is no light, at one spaxel and in one plane nothing else."""
    rng = np.random.default_rng(seed)
    flux, err = rng.normal(5, 2, SHAPE).astype(np.float32), rng.uniform(0.1, 1, SHAPE).astype(np.float32)
    weight = rng.integers(0, 3, SHAPE).astype(np.float32)
    for array, bad in ((flux, np.nan), (flux, np.inf), (err, np.nan), (err, 0.0), (err, -1.0), (err, np.inf)):
        array[rng.random(SHAPE) < 0.05] = bad
    weight[:, 2, 3] = weight[17] = 0
    return flux, err, weight


@given(seed=st.integers(0, 2**32 - 1), trim=st.sampled_from([0.0, 0.1, 0.3, 0.5]))
def test_it_equals_the_obvious_loops(seed, trim):
    flux, err, weight = cube_of(seed)
    found = mean_light(flux, err, weight, trim)
    good = (weight > 0) & np.isfinite(flux) & np.isfinite(err) & (err > 0)
    np.testing.assert_array_equal(found.planes, good.sum(axis=0))
    np.testing.assert_array_equal(found.lit, good.any(axis=(1, 2)))
    for y, x in np.ndindex(SHAPE[1:]):
        here = good[:, y, x]
        values = np.sort(flux[here, y, x].astype(float))
        low = int(trim * values.size)
        kept = values[low : max(values.size - low, low + 1)]
        assert found.variance[y, x] == pytest.approx((err[here, y, x].astype(float) ** 2).sum(), rel=1e-12)
        assert found.mean[y, x] == pytest.approx(kept.mean() if kept.size else np.nan, rel=1e-12, nan_ok=True)


def test_a_cube_without_planes_has_no_light():
    found = mean_light(*(array[:0] for array in cube_of(1)), 0.1)
    assert np.isnan(found.mean).all()
    assert not found.lit.size


def test_any_number_of_threads_gives_the_same(monkeypatch):
    cube = cube_of(1)
    found = []
    for n in ("1", "3"):
        monkeypatch.setenv(VARIABLE, n)
        found.append(mean_light(*cube, 0.1))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
