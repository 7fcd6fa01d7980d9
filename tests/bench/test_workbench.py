"""The workbench without a browser: its parts stay in line, and nothing leaks."""

import gc
from types import SimpleNamespace

import ipywidgets as w
import numpy as np
import pytest
from astropy import units as u

import mrsnb
from mrsnb.bench.builder import Task
from mrsnb.bench.live import needs
from mrsnb.core.bands import Band
from mrsnb.errors import InputError, ParamError


@pytest.fixture
def bench(small_dataset, tmp_path):
    made = mrsnb.workbench(small_dataset.association, tmp_path / "out")
    made.wait()
    yield made
    made.close()


def test_the_first_band_is_shown_and_nothing_written(bench, tmp_path):
    assert (bench.band, bench.viewer.band, bench.spectrum.data.names) == ("1A", "1A", ["aperture 1", "1A"])
    assert "in memory" in bench._head.said.value
    assert not (tmp_path / "out").exists()


def test_a_parameter_changes_the_cube_and_nothing_else(bench):
    bench.viewer.wavelength = 5.1 * u.um
    aperture, wave = bench.viewer.aperture, bench.viewer.wavelength
    bench.params = bench.params.updated({"cube_build": {"scalexy": 0.2}})
    bench.wait()
    assert bench.viewer.cube.grid.spaxel_size == pytest.approx(0.2)
    assert bench.viewer.aperture is aperture
    assert bench.viewer.wavelength == wave
    bench.live = False
    bench.params = bench.params.updated({"cube_build": {"scalexy": 0.25}})
    bench.wait()
    assert bench.viewer.cube.grid.spaxel_size == pytest.approx(0.2)


def test_what_cannot_be_built_is_said_once(bench):
    bench.params = bench.params.updated({"cube_build": {"wavemin": 30.0, "wavemax": 31.0}})
    bench.wait()
    assert "mrsnb-error" in bench._head.error.value
    assert bench.viewer.band == "1A"
    assert not bench.is_busy
    bench.params = bench.params.updated({"cube_build": {"wavemin": None, "wavemax": None}})
    bench.wait()
    assert not bench._head.error.value or not bench.is_busy


def test_what_could_not_be_built_is_tried_again_when_live_is_switched_on(bench, tmp_path):
    region = tmp_path / "a.reg"
    bench.params = bench.params.updated({"extract_1d": {"extraction_region": str(region)}})
    bench.wait()
    assert "a.reg" in bench._head.error.value
    assert bench._wanted() is None
    bench.live = False
    bench.live = True
    assert bench._wanted().band.name == "1A"
    region.write_text('icrs; circle(202.5, 47.2, 0.4")')
    bench._current.failed("1A", bench._wanted().needs)
    region.write_text('icrs; circle(202.50, 47.20, 0.4")')
    assert bench._wanted().band.name == "1A"


def test_a_band_that_was_chosen_stays_when_another_one_is_built(bench):
    bench.band = "2A"
    bench.wait()
    bench.band = "1A"
    params = bench.params.updated({"cube_build": {"scalexy": 0.3}})
    band = Band.from_name("1A")
    made = list(bench._maker.work(band).begin(params)[1])
    done = SimpleNamespace(state="done", seconds=1.0)
    bench.band = "2A"
    bench._ended(Task(band, needs(params, band), params), done, made)
    assert (bench.band, bench.viewer.band) == ("2A", "2A")
    assert bench.viewer.cubes[0].grid.spaxel_size == pytest.approx(0.3)


def test_a_band_that_was_chosen_before_there_is_any_cube_stays_too(small_dataset, tmp_path):
    made = mrsnb.workbench(small_dataset.association, tmp_path)
    made._builder._look()
    band = made._builder._task.band
    made._builder._job.wait(60)
    made.band = "2A"
    made._builder._look()
    assert (band.name, made.viewer.band, made.band) == ("1A", "1A", "2A")
    made.wait()
    assert (made.viewer.band, made.band) == ("2A", "2A")
    made.close()


def test_cube_and_spectrum_are_linked_both_ways(bench):
    bench.viewer.wavelength = 5.2 * u.um
    assert bench.spectrum.wavelength == bench.viewer.wavelength
    bench.spectrum.wavelength = 5.3 * u.um
    assert bench.viewer.wavelength.value == pytest.approx(5.3, abs=0.001)
    bench.spectrum.range = (5.1, 5.2) * u.um
    np.testing.assert_allclose(bench.viewer.wavelength_range.value, [5.1, 5.2])
    assert bench.viewer.controls.is_map.value
    bench.viewer.continuum = [[5.05, 5.08], [5.22, 5.25]] * u.um
    assert bench.spectrum.beside == ((5.05, 5.08), (5.22, 5.25))
    viewer, before = bench.spectrum, bench.spectrum.data.curves[0].columns["FLUX"].flux
    bench.viewer._hands.drag(0, (1.0, 0.5), False)
    assert bench.spectrum is viewer
    assert not np.array_equal(bench.spectrum.data.curves[0].columns["FLUX"].flux, before, equal_nan=True)
    bench.viewer.add_aperture("box")
    assert "aperture 2" in bench.spectrum.data.names


def test_a_run_is_shown_from_its_files_and_another_band_too(bench, tmp_path):
    bench.runner.run()
    bench.wait()
    assert [cube.path is not None for cube in bench.viewer.cubes] == [True, True]
    bench.band = "2A"
    assert bench.viewer.band == "2A"
    with pytest.raises(ParamError, match="band = '7Z'"):
        bench.band = "7Z"
    products = mrsnb.workbench(tmp_path / "out")
    assert (products.runner, len(products.viewer.cubes)) == (None, 2)
    assert {"1A", "2A", "aperture 1"} == set(products.spectrum.data.names)
    with pytest.raises(ParamError, match="no steps"):
        _ = products.params
    products.close()


def test_exposures_are_made_when_they_are_looked_at_and_light_is_traced_both_ways(bench):
    _, n_y, n_x = bench.viewer.cube.grid.shape
    bench.viewer._clicked(n_x // 2, n_y // 2)
    assert bench.detector is None
    stages = bench._maker.stages(bench.params)
    bench.place = "detector"
    tracing = bench.exposures.tracing
    assert bench.detector.exposures == stages[-1].exposures  # those of the cube: nothing is computed again
    assert bench.detector.before == stages[-2].exposures
    assert {mark[0] for mark in bench.detector._marks} == {pixel.exposure for pixel in tracing.contributions.pixels}
    voxel = tracing.contributions.voxel
    assert voxel == (n_x // 2, n_y // 2, bench.viewer.waves.plane)
    pixel = max(tracing.contributions.pixels, key=lambda p: p.weight)
    bench.detector.exposure = pixel.exposure
    bench.detector.go_to(pixel.x, pixel.y)
    assert voxel in [(fed.x, fed.y, fed.z) for fed in tracing.fed.voxels]
    bench.detector.controls.blink.playing = True
    bench.place = "cube"
    assert not bench.detector.controls.blink.playing
    bench.viewer._clicked(n_x // 2 + 1, n_y // 2)
    assert tracing.contributions.voxel == voxel  # nobody sees another answer
    bench.place = "detector"
    assert tracing.contributions.voxel[0] == n_x // 2 + 1
    bench.params = bench.params.updated({"outlier_detection": {"skip": True}})
    bench.wait()
    assert bench.detector.before == (None, None)
    assert bench.detector.state == "after"


def test_exposures_without_live_are_computed_once(small_dataset, tmp_path):
    made = mrsnb.workbench(small_dataset.association, tmp_path, live=False)
    made.wait()
    assert made._maker._n_changes == 0
    made.place = "detector"
    made.wait()
    assert made.detector.controls.state.options == ("after", "before", "difference")
    made.live = True
    made.wait()
    assert made._maker._n_changes == 1
    assert made.exposures.tracing is not None
    made.close()


def test_the_last_of_fast_changes_wins(bench):
    for size in (0.3, 0.2, 0.4, 0.25):
        bench.params = bench.params.updated({"cube_build": {"scalexy": size}})
        bench._builder._look()
    bench.wait()
    assert bench.viewer.cube.grid.spaxel_size == pytest.approx(0.25)


def test_what_a_run_makes_instead_is_said(bench):
    assert bench._head.note.value == ""
    bench.params = bench.params.updated({"cube_build": {"output_type": "channel"}})
    assert "a cube of each channel" in bench._head.note.value


def test_nothing_leaks_over_many_changes(bench):
    def change(i):
        bench.params = bench.params.updated({"cube_build": {"scalexy": 0.3 + 0.01 * (i % 5)}})
        bench.wait()

    instances = w.widget._instances
    for i in range(5):
        change(i)
    gc.collect()
    before = len(instances)
    for i in range(50):
        change(i)
    gc.collect()
    after = len(instances)
    assert after <= before + 2


def test_closing_closes_everything(small_dataset, tmp_path):
    instances = w.widget._instances
    gc.collect()
    before = len(instances)
    made = mrsnb.workbench(small_dataset.association, tmp_path)
    made.wait()
    made.close()
    gc.collect()
    assert len(instances) <= before + 4


def test_what_cannot_be_worked_on(tmp_path):
    with pytest.raises(InputError, match="nothing to work on"):
        mrsnb.workbench(tmp_path)
    with pytest.raises(InputError, match="cannot be worked on"):
        mrsnb.workbench(7)
    with pytest.raises(InputError, match="no files given"):
        mrsnb.workbench([])
