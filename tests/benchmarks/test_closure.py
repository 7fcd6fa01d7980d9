"""A sample of what `closure_truth` compares: two bands, both sources, half of the ways to make a cube."""

import pytest
from closure_truth import SCENES, compare, is_refused, observe, pieces

from mrsnb.core.bands import Band
from mrsnb.io.references import load_references

BANDS = (Band.from_name("3A"), Band.from_name("4A"))
HOW = [("drizzle", "skyalign"), ("msm", "skyalign"), ("emsm", "ifualign")]


@pytest.mark.parametrize("source", SCENES)
def test_what_is_simulated_is_found_again(source, tmp_path):
    association, references = observe(tmp_path, source, BANDS, dithers=2), pieces(load_references(), planes=20)
    for weighting, system in HOW:
        case = compare(association, source, weighting, system, references, BANDS)
        assert len(case.deviations) == len(BANDS)
        assert case.is_met, case.row


def test_a_coordinate_system_that_the_mrs_does_not_have_is_refused():
    assert is_refused("internal_cal")
    assert not is_refused("ifualign")
