"""Sums over apertures: what the obvious sums give, without NaN and flags, wherever the aperture was before."""

import numpy as np
import pytest
from cubes import layers
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.viewers import aperture_sums
from mrsnb.viewers.aperture_set import MOST, ApertureSet
from mrsnb.viewers.aperture_sums import ApertureSums


def holed():
    rng = np.random.default_rng(3)
    flux = rng.normal(1, 1, (30, 17, 23)).astype(np.float32)
    flux[rng.uniform(size=flux.shape) < 0.2] = np.nan
    flux[:, 2, 3] = np.nan
    err = rng.uniform(0.1, 1, flux.shape)
    err[4, 5:9] = np.nan
    return layers(flux, err=err, dq=(rng.uniform(size=flux.shape) < 0.1) * 1)


HOLED = holed()


def summed(cube, shares):
    """Return flux, error and area as numpy sums all voxels."""
    flux = cube.flux.read(slice(None)).astype(float)
    good = np.isfinite(flux) & (cube.dq.read(slice(None)) == 0)
    err = cube.err.read(slice(None)).astype(float)
    area = (good * shares).sum(axis=(1, 2))
    total = np.where(good, flux * shares, 0).sum(axis=(1, 2))
    variance = np.where(good & np.isfinite(err), (err * shares) ** 2, 0).sum(axis=(1, 2))
    none = area <= 0
    return np.where(none, np.nan, total), np.where(none, np.nan, np.sqrt(variance)), area


corner = st.tuples(st.integers(0, 16), st.integers(0, 22))
box = st.tuples(corner, st.integers(1, 9), st.integers(1, 9))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(corner, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5),
    st.sampled_from([0, 3000, 10**6]),
)
def test_each_sum_is_what_is_good_whatever_was_summed_before(boxes, most_kept):
    sums, random = ApertureSums(HOLED, most_kept), np.random.default_rng(6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aperture_sums, "MOST_VOXELS", 100)
        for (y, x), height, width in boxes:
            shares = np.zeros((17, 23))
            shares[y : y + height, x : x + width] = random.uniform(0.01, 1, shares[y : y + height, x : x + width].shape)
            for found, wanted in zip(sums(shares), summed(HOLED, shares), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_what_is_near_is_not_read_again(monkeypatch):
    read = []
    plain = aperture_sums.good_flux
    monkeypatch.setattr(aperture_sums, "good_flux", lambda *told: read.append(told) or plain(*told))
    sums, shares = ApertureSums(HOLED), np.zeros((17, 23))
    shares[8:10, 8:12] = 1
    for step in range(-4, 5):
        sums(np.roll(shares, (step, -step), (0, 1)))
    assert len(read) == 2, "once, and once when the first steps have left what was near"


def test_an_aperture_on_nothing_is_nan():
    flux = np.ones((10, 5, 5), np.float32)
    flux[:, :2] = np.nan
    flux[3] = np.nan
    sums, shares = ApertureSums(layers(flux)), np.zeros((5, 5))
    assert np.isnan(sums(shares).flux).all()
    shares[0, 0] = 1
    assert np.isnan(sums(shares).flux).all()
    shares[4, 4] = 1
    found = sums(shares)
    assert np.isnan(found.flux[3])
    assert found.flux[4] == 1


def test_infinities_are_no_light():
    flux = np.ones((4, 3, 3), np.float32)
    flux[:, 1, 1] = np.inf
    assert ApertureSums(layers(flux))(np.ones((3, 3))).flux == pytest.approx(8)


def test_errors_of_any_size_are_summed():
    sizes = np.array([1e-40, 1e-23, 1e-3, 1.0, 1e20, 1e37, 0.0])
    err = np.ones((7, 3, 3)) * sizes[:, None, None]
    err[:, 1, 1] = np.nan
    found = ApertureSums(layers(np.ones((7, 3, 3)), err=err))(np.ones((3, 3)))
    np.testing.assert_allclose(found.err, np.sqrt(8) * sizes, rtol=1e-4)


def test_sums_of_apertures_that_are_gone_are_forgotten():
    apertures = ApertureSet([HOLED])
    for x in range(2 * MOST):
        apertures.add_spaxel(HOLED, x, 8)
        assert list(apertures._sums) == apertures.all
    for x in range(2 * MOST):
        apertures.add_new("circle", HOLED, (0.1 * x, 0.0))
    assert len(apertures.all) == MOST
    assert set(apertures._sums) == set(apertures.all)
    apertures.remove()
    assert set(apertures._sums) == set(apertures.all)
