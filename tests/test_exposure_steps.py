"""The steps that change exposures, run by the pipeline from files to files."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.dq import DQ, flagged
from mrsnb.core.references import Sampling
from mrsnb.errors import OutputError, ParamError
from mrsnb.geometry.chain import MrsChain
from mrsnb.io.exposure_files import write_exposure
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.io.spill import spilled
from mrsnb.pipeline import Spec3Params, count_results, spec3
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, TracedExposure, adaptive_trace_model


@pytest.fixture(scope="module")
def references():
    """The built-in values, but coarse planes of a piece of band 1A."""
    built_in = load_references()
    pieces = {(1, "short"): Sampling(0.13, 0.01, 5.0, 5.2), (2, "short"): Sampling(0.17, 0.01, 8.0, 8.2)}
    return replace(built_in, cubepar=replace(built_in.cubepar, sampling=pieces))


@pytest.fixture(scope="module")
def run(small_dataset, references, tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    params = Spec3Params.preset("archive").updated(
        {
            "outlier_detection": {"skip": False, "method": "neighbours"},
            "pixel_replace": {"skip": False},
            "cube_build": {"channel": "1"},
        }
    )
    results = list(spec3(small_dataset.association, params, output_dir=folder, references=references))
    return folder, params, results


def test_each_step_yields_in_order_and_is_counted(run):
    _, params, results = run
    titles = [result.title.split(":")[0] for result in results]
    assert titles[:3] == ["outlier_detection", "pixel_replace", "cube_build"]
    assert len(results) == count_results(results[-1].association, params)
    assert results[-1].statuses["outlier_detection"] == results[-1].statuses["pixel_replace"] == "COMPLETE"
    assert results[-1].statuses["adaptive_trace_model"] == "SKIPPED"


def test_flagged_exposures_are_written_whole(run):
    folder, _, results = run
    written = [path for path in results[-1].paths if path.name.endswith("_crf.fits")]
    assert len(written) == 2
    assert not list(folder.glob(".mrsnb-*"))
    for path in written:
        exposure = open_exposure(path)
        assert exposure.primary["S_OUTLIR"] == "COMPLETE"
        assert isinstance(exposure.wcs, MrsChain)
        loaded = exposure.load()
        outlier = flagged(loaded.dq, DQ.OUTLIER)
        assert outlier.any()
        assert np.isnan(loaded.flux[outlier]).all()


def test_a_written_exposure_is_the_same_again(small_dataset, tmp_path):
    path = small_dataset.exposures[0]
    source = open_exposure(path)
    again = open_exposure(write_exposure(source.load(), source.path, tmp_path / "again_crf.fits"))
    before, after = source.load(), again.load()
    for name in ("flux", "err", "dq"):
        assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=name != "dq")
    assert before.variances.keys() == after.variances.keys()
    assert dict(again.science) == dict(source.science)


def test_an_exposure_never_replaces_its_own_input(small_dataset):
    source = open_exposure(small_dataset.exposures[0])
    with pytest.raises(OutputError, match="replace its own input"):
        write_exposure(source.load(), source.path, source.path)


def test_scratch_files_give_the_same_arrays_and_are_made_once(small_dataset, tmp_path):
    source = open_exposure(small_dataset.exposures[0])
    (kept,) = spilled((source,), tmp_path)
    first = kept.load()
    marks = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "exposure0").iterdir()}
    second = kept.load()
    assert marks == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "exposure0").iterdir()}
    assert np.array_equal(first.flux, second.flux, equal_nan=True)
    assert np.array_equal(first.dq, second.dq)
    assert all(np.array_equal(first.variances[n], second.variances[n], equal_nan=True) for n in first.variances)


def test_spilled_exposures_keep_what_their_class_has(small_dataset, tmp_path):
    sources = (open_exposure(small_dataset.exposures[0]),)
    traced = adaptive_trace_model(sources, AdaptiveTraceModelParams(skip=False)).exposures
    (kept,) = spilled(traced, tmp_path)
    first, second = kept.load(), kept.load()
    assert isinstance(second, TracedExposure)
    assert np.isfinite(first.trace).any()
    np.testing.assert_array_equal(second.trace, first.trace)


def test_intermediate_results_and_traces_are_written_under_the_official_names(small_dataset, references, tmp_path):
    params = Spec3Params.preset("archive").updated(
        {
            "outlier_detection": {"skip": False, "method": "neighbours", "save_intermediate_results": True},
            "adaptive_trace_model": {"skip": False, "save_results": True, "save_intermediate_results": True},
            "cube_build": {"skip": True},
        }
    )
    *_, last = spec3(small_dataset.association, params, output_dir=tmp_path, references=references)
    names = {path.name for path in last.exposures}
    assert names == {path.name for path in tmp_path.iterdir()}
    suffixes = ("crf", "adaptive_trace_model", "spline_full", "spline_used")
    each = {f"small_exposure{i}_a3001_{suffix}.fits" for i in (1, 2) for suffix in suffixes}
    assert names == each | {"small_exposure1_a3001_mirifushort_outlier_output.fits"}
    with fits.open(tmp_path / "small_exposure1_a3001_adaptive_trace_model.fits") as hdus:
        trace = hdus["TRACEMODEL"].data
        assert hdus[-1].name == "ASDF"
    with fits.open(tmp_path / "small_exposure1_a3001_spline_used.fits") as hdus:
        np.testing.assert_array_equal(hdus["SCI"].data, trace)


def test_more_columns_cannot_be_written_and_that_is_said_before_anything_is_done():
    with pytest.raises(ParamError, match="oversample = 2"):
        Spec3Params().updated({"adaptive_trace_model": {"skip": False, "oversample": 2.0, "save_results": True}})
