"""Residual fringes and stars, against what the official software finds."""

from pathlib import Path

import numpy as np
import pytest

from mrsnb.kernels.daofind import find_stars
from mrsnb.steps.residual_fringe import ResidualFringeParams, residual_fringe_1d


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).with_name("reference_extract.npz")) as content:
        return dict(content)


@pytest.mark.parametrize("band", ["2B", "3A"])
def test_residual_fringes_are_corrected_as_upstream(reference, band):
    wave, flux, expected = (reference[f"{band}_{name}"] for name in ("wave", "flux", "corrected"))
    found = residual_fringe_1d(wave, flux, int(band[0]), ResidualFringeParams(compat="jwst-3.0")).flux
    change = np.abs(expected / flux - 1)
    assert np.median(change) > 0.005
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    assert np.median(np.abs(found / expected - 1)) < 2e-4


@pytest.mark.parametrize("band", ["2B", "3A"])
def test_without_compatibility_the_result_differs_by_less_than_one_per_cent(reference, band):
    wave, flux, expected = (reference[f"{band}_{name}"] for name in ("wave", "flux", "corrected"))
    np.testing.assert_allclose(residual_fringe_1d(wave, flux, int(band[0])).flux, expected, rtol=1e-2)


def test_the_stars_are_those_of_daofind(reference):
    stars = np.array(find_stars(reference["image"], 3.0, 3.0))
    expected = reference["stars"]
    assert len(expected) >= 4
    order, other = (np.argsort(table[:, 0]) for table in (stars, expected))
    np.testing.assert_allclose(stars[order], expected[other], rtol=1e-10, atol=1e-12)
