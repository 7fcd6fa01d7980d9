import json
import shutil
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.references import Sampling
from mrsnb.errors import InputError, MrsnbError, OutputError, ParamError
from mrsnb.io.asdf_extension import read_history
from mrsnb.io.association import read_association
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.manifest import MANIFEST
from mrsnb.io.references import load_references
from mrsnb.pipeline import Spec3Params, Spec3Result, count_results, kernels_of, open_science, presets, run_spec3, spec3
from mrsnb.steps.cube_build import CubeBuildResult
from mrsnb.steps.extract_1d import Extract1dResult
from mrsnb.steps.spectral_leak import SpectralLeakResult

CUBES = ["small_ch1-short_s3d.fits", "small_ch2-short_s3d.fits"]
SPECTRA = ["small_ch1-short_x1d.fits", "small_ch2-short_x1d.fits"]


@pytest.fixture(scope="module")
def references():
    """The built-in values, but coarse planes of a piece of each band."""
    built_in = load_references()
    pieces = {(1, "short"): Sampling(0.13, 0.01, 5.0, 5.3), (2, "short"): Sampling(0.17, 0.01, 8.0, 8.3)}
    return replace(built_in, cubepar=replace(built_in.cubepar, sampling=pieces))


@pytest.fixture(scope="module")
def association(small_dataset):
    return read_association(small_dataset.association)


CORE = ("cube_build", "extract_1d", "spectral_leak")


@pytest.fixture(scope="module")
def params():
    """The default preset without the optional steps, which have tests of their own."""
    others = {step: {"skip": True} for step in Spec3Params.steps() if step not in CORE}
    return Spec3Params.preset("archive").updated(others)


@dataclass
class Done:
    """A run that was let to its end."""

    folder: Path
    results: list = field(default_factory=list)
    seen: list = field(default_factory=list)
    """The files there were when each result came."""

    def of(self, kind):
        return [result for result in self.results if isinstance(result, kind)]


@pytest.fixture(scope="module")
def done(association, params, references, module_folder):
    found = Done(module_folder("done") / "out")
    for result in spec3(association, params, output_dir=found.folder, references=references):
        found.results.append(result)
        found.seen.append([name for name in names_in(found.folder) if not name.startswith(".")])
    return found


@pytest.fixture
def run(association, params, references, tmp_path):
    """Return the function that runs spec3 with some parameters changed, and gives all results."""

    def ran(changes=None, folder=tmp_path / "out", of=association):
        return list(spec3(of, params.updated(changes or {}), output_dir=folder, references=references))

    return ran


def names_in(folder):
    """Return the names of what is in a folder, but for the manifest, which is with every product."""
    return sorted({path.name for path in folder.iterdir()} - {MANIFEST}) if folder.exists() else []


def broken_copy(small_dataset, folder, spoil):
    """Return an association with a copy of the first exposure, spoilt, as its second."""
    folder.mkdir()
    for path in (small_dataset.exposures[0], small_dataset.association):
        shutil.copy(path, folder / path.name)
    second = folder / small_dataset.exposures[1].name
    with fits.open(small_dataset.exposures[0]) as hdus:
        spoil(hdus)
        hdus.writeto(second)
    return read_association(folder / small_dataset.association.name)


# What comes, and when


def test_results_come_in_order_and_the_last_sums_up(done):
    kinds = [CubeBuildResult, Extract1dResult] * 2 + [SpectralLeakResult, Spec3Result]
    assert [type(result) for result in done.results] == kinds
    assert [r.cubes[0].label for r in done.of(CubeBuildResult)] == ["1A", "2A"]
    assert [r.spectra[0].label for r in done.of(Extract1dResult)] == ["1A", "2A"]
    last = done.results[-1]
    assert [p.label for p in last.cubes] == [p.label for p in last.spectra] == ["1A", "2A"]
    assert [last.statuses[step] for step in CORE] == ["COMPLETE", "COMPLETE", "SKIPPED"]


def test_a_product_is_on_disk_when_its_result_comes(done):
    assert done.seen[:4] == [CUBES[:1], [CUBES[0], SPECTRA[0]], sorted([*CUBES, SPECTRA[0]]), sorted(CUBES + SPECTRA)]
    assert done.seen[-1] == names_in(done.folder) == done.seen[3]


def test_nothing_happens_before_the_first_result_is_asked_for(association, params, references, tmp_path):
    spec3(association, params, output_dir=tmp_path / "out", references=references)
    assert not (tmp_path / "out").exists()


def test_files_hold_what_was_yielded(done):
    for cube, name in zip((r.cubes[0] for r in done.of(CubeBuildResult)), CUBES, strict=True):
        with fits.open(done.folder / name) as hdus:
            np.testing.assert_array_equal(hdus["SCI"].data, cube.flux)
            np.testing.assert_array_equal(hdus["DQ"].data, cube.dq)
            assert hdus[0].header["FILENAME"] == name
    for spectrum, name in zip((r.spectra[0] for r in done.of(Extract1dResult)), SPECTRA, strict=True):
        with fits.open(done.folder / name) as hdus:
            np.testing.assert_array_equal(hdus["EXTRACT1D"].data["FLUX"], spectrum.flux)
    assert [path.name for path in done.results[-1].paths] == [CUBES[0], SPECTRA[0], CUBES[1], SPECTRA[1]]


def test_twice_the_same_gives_the_same_numbers(done, run):
    again = run({"cube_build": {"channel": "2"}})
    assert again[0].cubes[0].flux.tobytes() == done.results[2].cubes[0].flux.tobytes()
    assert again[1].spectra[0].flux.tobytes() == done.results[3].spectra[0].flux.tobytes()


def test_a_path_will_do_for_an_association(small_dataset, params, references, tmp_path):
    result = run_spec3(small_dataset.association, params, output_dir=tmp_path, references=references)
    assert isinstance(result, Spec3Result)
    assert names_in(tmp_path) == sorted(CUBES + SPECTRA)


@pytest.mark.parametrize(
    "changes",
    [
        {"cube_build": {"channel": "2"}},
        {"cube_build": {"channel": "2"}, "spectral_leak": {"skip": True}},
        {"cube_build": {"channel": "2"}, "extract_1d": {"skip": True}},
        {"cube_build": {"skip": True}},
    ],
)
def test_the_number_of_results_is_known_beforehand(run, association, params, changes):
    known = count_results(association, params.updated(changes), open_science(association))
    assert known == len(run(changes))


# What is skipped, what is saved

ONE = {"channel": "2"}
UNSAVED = {"save_results": False}


def test_without_saving_nothing_is_written(run, tmp_path):
    results = run({step: {"save_results": False} for step in Spec3Params.steps()} | {"cube_build": ONE | UNSAVED})
    assert names_in(tmp_path / "out") == []
    assert results[-1].paths == ()
    assert [p.label for p in results[-1].spectra] == ["2A"]
    assert "save_results is off" in repr(results[-1])


@pytest.mark.parametrize(("step", "left"), [("cube_build", SPECTRA[1:]), ("extract_1d", CUBES[1:])])
def test_each_step_saves_or_not_by_itself(run, tmp_path, step, left):
    changes = {"cube_build": dict(ONE)}
    changes[step] = changes.get(step, {}) | UNSAVED
    run(changes)
    assert names_in(tmp_path / "out") == left


def test_skipped_extraction_leaves_cubes_only(run, tmp_path):
    results = run({"extract_1d": {"skip": True}, "cube_build": ONE})
    assert [type(r) for r in results] == [CubeBuildResult, Spec3Result]
    assert names_in(tmp_path / "out") == CUBES[1:]
    assert results[-1].statuses["extract_1d"] == "SKIPPED"


def test_without_cubes_there_is_nothing(run, tmp_path):
    (result,) = run({"cube_build": {"skip": True}})
    assert isinstance(result, Spec3Result)
    assert names_in(tmp_path / "out") == []


def test_a_region_file_is_the_aperture_of_all_cubes(run, done, tmp_path):
    centre = done.of(CubeBuildResult)[0].cubes[0].grid
    region = tmp_path / "blob.reg"
    region.write_text(f'icrs\ncircle({centre.ra}, {centre.dec}, 0.5")\n')
    again = run({"extract_1d": {"extraction_region": str(region)}})
    found = [result for result in again if isinstance(result, Extract1dResult)]
    assert len(found) == 2
    for result in found:
        assert result.centres[0].method == "region"
        size = {"1A": 0.13, "2A": 0.17}[result.spectra[0].label]
        assert np.allclose(result.spectra[0].columns["NPIXELS"], np.pi * 0.25 / size**2, rtol=0.02)


def test_a_region_file_that_is_not_there_is_refused_before_anything_is_made(run, tmp_path):
    with pytest.raises(InputError, match=r"none\.reg"):
        run({"extract_1d": {"extraction_region": "none.reg"}})
    assert not (tmp_path / "out").exists()


def test_covariance_makes_errors_larger_and_nothing_else(run, done):
    again = [r for r in run({"extract_1d": {"ifu_covar": "drizzle"}}) if isinstance(r, Extract1dResult)]
    for alone, exact in zip(done.of(Extract1dResult), again, strict=True):
        before, after = alone.spectra[0].columns, exact.spectra[0].columns
        assert np.array_equal(before["FLUX"], after["FLUX"], equal_nan=True)
        ratio = np.nanmedian(after["FLUX_ERROR"] / before["FLUX_ERROR"])
        assert 1.2 < ratio < 3.0
    with pytest.raises(ParamError, match="ifu_covar = 'drizzle' and cube_build"):
        run({"extract_1d": {"ifu_covar": "drizzle"}, "cube_build": {"weighting": "emsm"}})


def test_skipped_spectral_leak_is_not_there(run):
    results = run({"spectral_leak": {"skip": True}, "cube_build": ONE})
    assert [type(r) for r in results] == [CubeBuildResult, Extract1dResult, Spec3Result]


def test_one_channel_is_one_cube(run, tmp_path):
    run({"cube_build": ONE})
    assert names_in(tmp_path / "out") == [CUBES[1], SPECTRA[1]]


# Memory


def test_one_exposure_is_in_memory_at_a_time(run, monkeypatch):
    alive, most, load = set(), [0], ExposureFile.load

    def counted(self):
        exposure = load(self)
        key = object()
        alive.add(key)
        weakref.finalize(exposure, alive.discard, key)
        most[0] = max(most[0], len(alive))
        return exposure

    monkeypatch.setattr(ExposureFile, "load", counted)
    run({"cube_build": ONE})
    assert most == [1]
    assert not alive


def test_the_last_result_keeps_no_cube(done):
    kept = done.results[-1]
    size = sum(a.nbytes for p in kept.products for a in (p.image, p.wave, p.flux) if a is not None)
    assert size < 200_000


# Where it comes from


def test_products_say_where_they_come_from(done, params, small_dataset):
    for name in (CUBES[0], SPECTRA[0]):
        with fits.open(done.folder / name) as hdus:
            header = hdus[0].header
            history = read_history(hdus["ASDF"].data.tobytes())
        assert header["ASNTABLE"] == small_dataset.association.name
        assert history["parameters"] == json.loads(json.dumps(params.to_dict()))
        assert "mrsnb" in str(history["software"])
        assert {Path(path).name for path in history["inputs"]} == {path.name for path in small_dataset.exposures}
        assert all(len(str(digest)) >= 64 for digest in history["inputs"].values())
        assert history["references"].keys() >= {"cubepar", "extract1d", "apcorr", "mrsptcorr"}
    assert done.results[-1].params == params


def test_the_summary_shows_products_and_parameters(done):
    result = done.results[-1]
    bundle = result._repr_mimebundle_()
    assert "small" in bundle["text/plain"]
    for name in (*CUBES, *SPECTRA):
        assert name in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "exposures" in repr(result)


# What can be wrong


def test_an_exposure_without_light_stops_the_run_and_leaves_nothing_half_written(run, small_dataset, tmp_path):
    def dark(hdus):
        hdus["SCI"].data[:] = np.nan

    association = broken_copy(small_dataset, tmp_path / "in", dark)
    with pytest.raises(InputError, match=r"small_exposure2_cal\.fits: SCI holds no finite value"):
        run(of=association)
    assert names_in(tmp_path / "out") == []


def test_an_exposure_of_another_instrument_stops_the_run_before_anything_is_made(run, small_dataset, tmp_path):
    def other(hdus):
        hdus[0].header["INSTRUME"] = "NIRSPEC"

    association = broken_copy(small_dataset, tmp_path / "in", other)
    with pytest.raises(InputError, match="NIRSPEC"):
        run(of=association)
    assert not (tmp_path / "out").exists()


def test_header_and_wcs_in_conflict_stop_the_run(run, small_dataset, tmp_path):
    def liar(hdus):
        hdus[0].header["BAND"] = "MEDIUM"

    association = broken_copy(small_dataset, tmp_path / "in", liar)
    with pytest.raises(MrsnbError) as error:
        run(of=association)
    assert "\n" not in str(error.value)
    assert names_in(tmp_path / "out") == []


def test_a_failure_while_writing_leaves_what_was_whole_and_nothing_else(run, tmp_path, monkeypatch):
    from mrsnb.io import s3d

    write = s3d.asdf_extension
    calls = []

    def failing(*args, **options):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(*args, **options)

    monkeypatch.setattr(s3d, "asdf_extension", failing)
    with pytest.raises((OutputError, OSError), match="No space left"):
        run()
    assert names_in(tmp_path / "out") == [CUBES[0], SPECTRA[0]]


def test_a_missing_member_is_refused(small_dataset, tmp_path, params, references):
    path = tmp_path / small_dataset.association.name
    shutil.copy(small_dataset.association, path)
    with pytest.raises(InputError, match=r"small_exposure1_cal\.fits"):
        list(spec3(path, params, output_dir=tmp_path / "out", references=references))
    assert not (tmp_path / "out").exists()


def test_an_output_directory_that_is_a_file_is_refused(run, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="out"):
        run()


def test_a_channel_that_is_not_there_is_refused(run, tmp_path):
    with pytest.raises(ParamError, match="channel = '4'"):
        run({"cube_build": {"channel": "4"}})
    assert names_in(tmp_path / "out") == []


# Parameters


def test_presets_are_those_of_the_table():
    assert set(presets()) >= {"archive", "jwst-3.0", "quicklook"}
    for name, preset in presets().items():
        assert preset["help"].endswith(".")
        assert isinstance(Spec3Params.preset(name), Spec3Params)
    for step in CORE:
        assert getattr(Spec3Params.preset("jwst-3.0"), step).compat == "jwst-3.0"
        assert getattr(Spec3Params.preset("archive"), step).compat == "none"


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ParamError, match=r"preset = 'archiv': unknown.*'archive'"):
        Spec3Params.preset("archiv")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cube_bild": {}}, r"unknown step 'cube_bild'.*'cube_build'"),
        ({"cube_build": {"chanel": "1"}}, r"cube_build: unknown .*chanel.*channel"),
        ({"cube_build": {"channel": "9"}}, r"cube_build\.channel = '9'"),
        ({"extract_1d": {"ifu_rscale": 9.0}}, r"extract_1d\.ifu_rscale = 9"),
        ({"extract_1d": 3}, "extract_1d = 3: must be a mapping"),
    ],
)
def test_what_is_not_allowed_is_said_with_its_place(values, message):
    with pytest.raises(ParamError, match=message):
        Spec3Params().updated(values)


def test_updating_leaves_the_original():
    before = Spec3Params()
    after = before.updated({"cube_build": {"channel": "2"}})
    assert (before.cube_build.channel, after.cube_build.channel) == ("all", "2")
    assert Spec3Params().updated(after.to_dict()) == after


def test_parameters_are_shown_as_a_table():
    text = repr(Spec3Params().updated({"cube_build": {"channel": "2"}}))
    (line,) = [line for line in text.splitlines() if "cube_build" in line and " channel " in line]
    assert "changed" in line


def test_kernels_that_only_some_steps_need_are_compiled_for_these():
    rare = {"traces", "replacements"}
    for changes, needed in (
        ({}, set()),
        ({"adaptive_trace_model": {"skip": False}}, {"traces"}),
        ({"pixel_replace": {"skip": False}}, {"replacements"}),
        ({"pixel_replace": {"skip": False, "algorithm": "trace_model"}}, rare),
    ):
        assert rare & {*kernels_of(Spec3Params().updated(changes))} == needed
