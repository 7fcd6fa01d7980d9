"""Bands are scaled to each other, from the reference outward."""

import doctest

import numpy as np
import pytest

from mrsnb.core import stitch
from mrsnb.core.stitch import band_scales
from mrsnb.errors import InputError


def bands(factors, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    starts = 5.0 + 0.9 * np.arange(len(factors))
    waves = [np.linspace(start, start + 1, 201) for start in starts]
    return [(w, (3 + w) / f * (1 + noise * rng.standard_normal(w.size))) for w, f in zip(waves, factors, strict=True)]


@pytest.mark.parametrize("reference", [0, 1, 3])
def test_factors_are_found_relative_to_the_reference(reference):
    truth = np.array([1.0, 0.8, 1.1, 1.3])
    found = band_scales(bands(truth), reference)
    assert [scale.factor for scale in found] == pytest.approx(truth / truth[reference], rel=1e-6)
    assert found[reference] == (1.0, 0.0, 0)


def test_errors_are_those_of_many_tries():
    tries = [band_scales(bands([1, 1, 1], 0.02, seed))[2] for seed in range(300)]
    assert np.std([t.factor for t in tries]) == pytest.approx(np.median([t.error for t in tries]), rel=0.25)


def test_order_is_irrelevant():
    some = bands([1.0, 0.8, 1.1])
    assert band_scales(some[::-1], 2) == band_scales(some, 0)[::-1]


def test_what_no_overlap_joins_stays():
    near, _, far = bands([1.0, 0.8, 2.0])
    empty = (np.zeros(0), np.zeros(0))
    dark = (near[0] + 0.5, np.full(201, np.nan))
    found = band_scales([near, far, empty, dark, (near[0] + 0.5, -near[1])])
    assert [scale.factor for scale in found] == [1.0] * 5
    assert np.isnan([scale.error for scale in found[1:]]).all()


def test_a_reference_that_is_not_there():
    with pytest.raises(InputError, match="reference band 3: there are 2 bands"):
        band_scales(bands([1, 1]), 3)


def test_examples_in_docstrings():
    assert doctest.testmod(stitch, extraglobs={"np": np}).failed == 0
