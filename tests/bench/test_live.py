"""One band built again and again: only what a change concerns is computed anew, and it is what a run makes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mrsnb.bench.live import Live, needs, said_of_run
from mrsnb.core.bands import Band
from mrsnb.io.association import read_association
from mrsnb.io.references import load_references
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import Spec3Params, run_spec3

BAND = Band.from_name("1A")


@pytest.fixture(scope="module")
def maker(small_dataset):
    made = Live(read_association(small_dataset.association), load_references())
    yield made
    made.close()


def results(maker, params):
    return list(maker.work(BAND).begin(params)[1])


def test_it_builds_what_a_run_builds(maker, small_dataset, tmp_path):
    params = Spec3Params.preset("archive").updated({"cube_build": {"channel": "1"}})
    built, extracted = results(maker, params)
    run_spec3(small_dataset.association, params, output_dir=tmp_path)
    (path,) = tmp_path.glob("*_s3d.fits")
    cube = read_s3d(path)
    np.testing.assert_array_equal(built.cubes[0].flux, cube.flux)
    np.testing.assert_array_equal(built.cubes[0].dq, cube.dq)
    assert extracted.spectra[0].label == "1A"


def test_only_what_is_concerned_is_made_again(maker):
    params = Spec3Params.preset("archive")
    built, _ = results(maker, params)
    before = maker._before[1]
    same, _ = results(maker, params.updated({"extract_1d": {"ifu_rscale": 1.0}}))
    assert same is built
    other, _ = results(maker, params.updated({"cube_build": {"scalexy": 0.2}}))
    assert other is not built
    assert maker._before[1] is before
    results(maker, params.updated({"outlier_detection": {"skip": True}}))
    assert maker._before[1] is not before


def test_what_a_band_needs():
    params = Spec3Params.preset("archive")
    for change in ({"cube_build": {"channel": "1"}}, {"spectral_leak": {"skip": True}}):
        assert needs(params.updated(change), BAND) == needs(params, BAND)
    assert needs(params, Band.from_name("1B")) != needs(params, BAND)
    changed = replace(params, cube_build=replace(params.cube_build, scalew=0.002))
    assert needs(changed, BAND) != needs(params, BAND)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"master_background": {"user_background": "named"}}, 0),
        ({"cube_build": {"offset_file": "named"}}, 1),
        ({"extract_1d": {"extraction_region": "named"}}, 2),
    ],
)
def test_a_file_that_has_changed_is_another(tmp_path, change, part):
    path = tmp_path / "named"
    ((step, values),) = change.items()
    params = Spec3Params.preset("archive").updated({step: dict.fromkeys(values, str(path))})
    seen = [needs(params, BAND)]
    for text in ("one", "another"):
        path.write_text(text)
        seen.append(needs(params, BAND))
        assert needs(params, BAND) == seen[-1]
    assert [before[part] == after[part] for before, after in pairwise(seen)] == [False, False]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output_type": "channel"}, "each channel"),
        ({"output_type": "multi"}, "one cube of all bands"),
        ({"channel": "2"}, "leaves 1A out"),
        ({"skip": True}, "no cubes"),
        ({"weighting": "emsm"}, ""),
        ({"coord_system": "ifualign"}, ""),
    ],
)
def test_what_a_run_makes_instead_is_said_plainly(change, said):
    told = said_of_run(Spec3Params.preset("archive").updated({"cube_build": change}), BAND)
    assert (said in told) if said else told == ""
    assert "leak" in said_of_run(Spec3Params.preset("archive"), Band.from_name("3A"))
