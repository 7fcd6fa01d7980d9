"""The workbench without a browser: its parts stay in line, and nothing leaks."""

import gc

import ipywidgets as w
import numpy as np
import pytest
from astropy import units as u

import mrsnb
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


def test_cube_and_spectrum_are_linked_both_ways(bench):
    bench.viewer.wavelength = 5.2 * u.um
    assert bench.spectrum.wavelength == bench.viewer.wavelength
    bench.spectrum.wavelength = 5.3 * u.um
    assert bench.viewer.wavelength.value == pytest.approx(5.3, abs=0.001)
    bench.spectrum.range = (5.1, 5.2) * u.um
    np.testing.assert_allclose(bench.viewer.wavelength_range.value, [5.1, 5.2])
    assert bench.viewer.controls.is_map.value
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
