"""The steps that change exposures, run by the pipeline from files to files."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.dq import DQ, flagged
from mrsnb.core.references import Sampling
from mrsnb.errors import InputError, OutputError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import channel_view
from mrsnb.io.association import associate
from mrsnb.io.exposure_files import write_exposure
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.io.s3d import read_s3d
from mrsnb.io.spill import spilled
from mrsnb.pipeline import Spec3Params, count_results, open_science, spec3
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, TracedExposure, adaptive_trace_model
from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection


@pytest.fixture(scope="module")
def references():
    """The built-in values, but coarse planes of a piece of band 1A."""
    built_in = load_references()
    pieces = {(1, "short"): Sampling(0.13, 0.01, 5.0, 5.2), (2, "short"): Sampling(0.17, 0.01, 8.0, 8.2)}
    return replace(built_in, cubepar=replace(built_in.cubepar, sampling=pieces))


@pytest.fixture(scope="module")
def run(small_dataset, references, module_folder):
    folder = module_folder("steps")
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
    association = results[-1].association
    assert len(results) == count_results(association, params, open_science(association))
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
    written = write_exposure(source.load(), source.path, tmp_path / "again_crf.fits")
    again = open_exposure(written.path)
    assert written.name == source.name
    before = source.load()
    for after in (again.load(), written.load()):
        for name in ("flux", "err", "dq"):
            assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=name != "dq")
        assert list(before.variances) == list(after.variances)
        for name, variance in before.variances.items():
            assert np.array_equal(variance, after.variances[name], equal_nan=True)
    assert dict(again.science) == dict(source.science)


def test_what_was_written_is_not_made_again(small_dataset, references, tmp_path, monkeypatch):
    marked = []
    seen = "mrsnb.steps.outlier_detection.masks.marked_alike"
    monkeypatch.setattr(seen, lambda exposure: marked.append(exposure.name) or exposure)
    outliers = {"skip": False, "method": "neighbours", "save_results": True}
    params = Spec3Params().updated({"outlier_detection": outliers, "cube_build": {"channel": "1"}})
    list(spec3(small_dataset.association, params, output_dir=tmp_path, references=references))
    assert sorted(marked) == sorted(path.name for path in small_dataset.exposures)


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
    assert names == {path.name for path in tmp_path.glob("*.fits")}
    suffixes = ("crf", "adaptive_trace_model", "spline_full", "spline_used")
    each = {f"small_exposure{i}_a3001_{suffix}.fits" for i in (1, 2) for suffix in suffixes}
    assert names == each | {"small_exposure1_a3001_mirifushort_outlier_output.fits"}
    with fits.open(tmp_path / "small_exposure1_a3001_adaptive_trace_model.fits") as hdus:
        trace = hdus["TRACEMODEL"].data
        assert hdus[-1].name == "ASDF"
    with fits.open(tmp_path / "small_exposure1_a3001_spline_used.fits") as hdus:
        np.testing.assert_array_equal(hdus["SCI"].data, trace)


@pytest.fixture(scope="module")
def in_one_run(small_dataset, references, module_folder):
    """A cube of an exposure with twice the columns, and that exposure as each step left it."""
    folder = module_folder("wider")
    params = Spec3Params.preset("archive").updated(
        {step: {"skip": True} for step in ("outlier_detection", "extract_1d", "spectral_leak")}
        | {
            "adaptive_trace_model": {"skip": False, "oversample": 2.0, "save_results": True},
            "pixel_replace": {"skip": False, "save_results": True},
            "cube_build": {"channel": "1"},
        }
    )
    association = associate(small_dataset.exposures[:1], "small", ())
    *_, last = spec3(association, params, output_dir=folder, references=references)
    return folder, last


def test_cubes_of_written_exposures_with_more_columns_are_those_of_one_run(in_one_run, references, tmp_path):
    folder, last = in_one_run
    association = associate(sorted(folder.glob("*_pixel_replace.fits")), "small", ())
    others = {step: {"skip": True} for step in Spec3Params.steps() if step != "cube_build"}
    params = Spec3Params.preset("archive").updated({**others, "cube_build": {"channel": "1"}})
    *_, again = spec3(association, params, output_dir=tmp_path, references=references)
    assert [cube.name for cube in again.cubes] == [cube.name for cube in last.cubes]
    for cube in last.cubes:
        one, other = (read_s3d(place / cube.name) for place in (folder, tmp_path))
        for array in ("flux", "err", "dq", "weight"):
            np.testing.assert_array_equal(getattr(one, array), getattr(other, array))
        assert one.science["PIXAR_SR"] == other.science["PIXAR_SR"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["adaptive_trace_model", "pixel_replace"])
def test_the_official_data_model_opens_exposures_with_more_columns(in_one_run, suffix):
    from stdatamodels.jwst import datamodels

    path = next(in_one_run[0].glob(f"*_{suffix}.fits"))
    exposure = open_exposure(path)
    assert exposure.wcs.oversample == 2
    with datamodels.open(path) as model:
        assert isinstance(model, datamodels.IFUImageModel)
        for array in (model.data, model.err, model.dq, model.regions, model.wavelength, model.trace_model):
            assert array.shape == (1024, 2064)
        np.testing.assert_array_equal(model.regions, exposure.wcs.image_map)
        for band in exposure.bands:
            view = channel_view(exposure.wcs, band)
            y, x = np.divmod(view.samples.pixel[::997], 2064)
            ra, dec, wave = model.meta.wcs(x.astype(float), y.astype(float))
            np.testing.assert_allclose([ra, dec], np.stack(view.sky())[:, ::997], rtol=0, atol=1e-9)
            np.testing.assert_allclose(model.wavelength[y, x], wave, rtol=1e-7)


def test_more_columns_than_the_wcs_says_are_refused(in_one_run, tmp_path):
    path = tmp_path / "x_cal.fits"
    with fits.open(next(in_one_run[0].glob("*_pixel_replace.fits"))) as hdus:
        hdus["ERR"].data = hdus["ERR"].data[:, :-1]
        hdus.writeto(path)
        with pytest.raises(InputError, match=r"ERR has shape \(1024, 2063\); oversampled as its WCS says"):
            open_exposure(path).load()
        hdus["SCI"].data = hdus["SCI"].data[:, :-1]
        hdus.writeto(path, overwrite=True)
    with pytest.raises(InputError, match=r"SCI has shape \(1024, 2063\); oversampled as its WCS says"):
        open_exposure(path)


def test_outliers_are_not_sought_in_exposures_with_more_columns(in_one_run):
    exposures = [open_exposure(path) for path in in_one_run[0].glob("*_pixel_replace.fits")]
    with pytest.raises(InputError, match="run outlier_detection before adaptive_trace_model"):
        outlier_detection(exposures, OutlierDetectionParams())
