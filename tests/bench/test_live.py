"""One band built again and again: only what a change concerns is computed anew, and it is what a run makes."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from mrsnb.bench import live
from mrsnb.bench.exposures_view import ExposuresView
from mrsnb.bench.live import Live, Stage, needs, said_of_run
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


@pytest.mark.parametrize("name", ["~nosuchuser/x", "a\0b"])
def test_what_names_no_file_is_none(name):
    assert live._stamp(name) is None


def test_a_file_that_changes_while_it_is_used_is_another(tmp_path, monkeypatch):
    path = tmp_path / "named"
    path.write_text("one")

    class Steps:
        statuses, exposures = {"outlier_detection": "COMPLETE"}, ()

        def __init__(self, *_, **__):
            pass

        def results(self):
            path.write_text("another")
            yield None

    monkeypatch.setattr(live, "ExposureSteps", Steps)
    monkeypatch.setattr(live, "read_backgrounds", lambda *_: None)
    made = Live(None, load_references())
    made._opened = (SimpleNamespace(name="a", path=path),)
    params = Spec3Params.preset("archive").updated({"master_background": {"user_background": str(path)}})
    made._changed(params)
    assert made.stages(params) == ()
    made.close()


def test_light_is_traced_anew_once_the_offsets_have_changed(tmp_path, monkeypatch):
    path = tmp_path / "offsets.ecsv"
    params = Spec3Params.preset("archive").updated({"cube_build": {"offset_file": str(path)}})
    monkeypatch.setattr(live, "read_offsets", lambda _: path.read_text())
    made = SimpleNamespace(stages=lambda _: (Stage("", ()),), references=load_references())
    view, seen = ExposuresView(), []
    monkeypatch.setattr(view, "show", lambda _, origin, __: seen.append(origin))
    for text in ("one", "one", "another"):
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        view._look(made, params, None)
    assert seen[0] is seen[1]
    assert [origin.offsets for origin in seen] == ["one", "one", "another"]
    view.close()
