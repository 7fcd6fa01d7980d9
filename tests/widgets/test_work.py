"""What a runner can be made of, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from mrsnb.errors import InputError, ParamError
from mrsnb.io import exposures as exposure_files
from mrsnb.io.association import read_association
from mrsnb.io.exposures import open_exposure
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import Spec3Params
from mrsnb.stepwise import ON_EXPOSURES
from mrsnb.widgets.work import work_of


@pytest.fixture(scope="module")
def exposures(small_dataset):
    association = read_association(small_dataset.association)
    return [open_exposure(association.path_of(member)) for member in association.science]


@pytest.fixture(scope="module")
def cube(exposures, references):
    (result,) = in_memory("cube_build", exposures, references, channel="1")
    return result.cubes[0]


def in_memory(step, inputs, references, **changes):
    work = work_of(step, inputs, references=references)
    params = replace(work.defaults, **changes)
    total, begun = work.begin(params)
    results = list(begun)
    assert work.output_dir is None
    assert len(results) == total
    return results


def test_values_in_memory_stay_in_memory(exposures, cube, references, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (extracted,) = in_memory("extract_1d", cube, references)
    (combined,) = in_memory("combine_1d", extracted.spectra, references)
    (flagged,) = in_memory("outlier_detection", exposures, references)
    assert combined.spectra
    assert len(flagged.exposures) == len(exposures)
    assert not list(tmp_path.iterdir())


def test_files_give_the_same_as_values(small_dataset, exposures, cube, references, tmp_path):
    for inputs in (small_dataset.association, [exposure.path for exposure in exposures]):
        work = work_of("cube_build", inputs, tmp_path, references)
        params = replace(work.defaults, channel="1")
        total, begun = work.begin(params)
        results = list(begun)
        assert total == len(results) == 2
        np.testing.assert_array_equal(results[0].cubes[0].flux, cube.flux)
    (path,) = tmp_path.glob("cube*_s3d.fits")
    work = work_of("extract_1d", str(path), tmp_path, references)
    total, (extracted,) = work.begin(work.defaults)
    assert total == 1
    assert (tmp_path / extracted.spectra[0].name).exists()
    assert read_s3d(path).label == "1A"


@pytest.mark.parametrize("step", ["spec3", "cube_build"])
def test_files_are_read_once(step, small_dataset, references, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(exposure_files, "checksum", lambda path: read.append(path) or "sha256:0")
    work = work_of(step, small_dataset.association, tmp_path, references)
    _, begun = work.begin(work.defaults)
    next(begun)
    begun.close()
    assert len(read) == len(set(read)) == len(read_association(small_dataset.association).science)


def test_kernels_are_compiled_ahead_for_values_too(exposures, references, monkeypatch):
    asked = []
    monkeypatch.setattr("mrsnb.widgets.work.compile_missing", asked.extend)
    work = work_of("pixel_replace", exposures[:1], references=references)
    _, begun = work.begin(replace(work.defaults, algorithm="trace_model"))
    next(begun)
    assert asked == ["traces", "replacements"]


@pytest.mark.parametrize("step", [*ON_EXPOSURES, "spec3"])
def test_a_missing_file_is_told_when_it_runs(step, tmp_path):
    work = work_of(step, tmp_path / "no.json", tmp_path)
    with pytest.raises(InputError, match=r"no\.json"):
        work.begin(work.defaults)
    assert work.names == ("no.json",)


def test_defaults_are_what_the_step_takes():
    assert work_of("spec3", "x.json").defaults == Spec3Params.preset("archive")
    assert type(work_of("extract_1d", "x.fits").defaults).__name__ == "Extract1dParams"


def test_what_cannot_be_done_is_refused(exposures, cube, tmp_path):
    with pytest.raises(ParamError, match="did you mean 'cube_build'"):
        work_of("cube_biuld", "x.json")
    with pytest.raises(InputError, match="extract_1d: no inputs"):
        work_of("extract_1d", [])
    with pytest.raises(
        InputError, match="cube_build: cannot be done to a value of type Cube; give exposures, or files"
    ):
        work_of("cube_build", cube)
    with pytest.raises(InputError, match="type ExposureFile; give cubes, or files"):
        work_of("extract_1d", exposures)
    for step in ("spec3", "master_background"):
        with pytest.raises(InputError, match="give an association, or files"):
            work_of(step, exposures)
    with pytest.raises(InputError, match="nothing is written; leave it out"):
        work_of("extract_1d", cube, tmp_path)
