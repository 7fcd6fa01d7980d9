import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spectra import spectrum_of

from mrsnb.core.dq import DQ
from mrsnb.errors import InputError, ParamError
from mrsnb.kernels.combine import binned, nearest_places, output_wavelengths
from mrsnb.steps.combine_1d import Combine1dParams, combine_1d

GRID = 5.0 + 0.01 * np.arange(40)
AS_UPSTREAM = Combine1dParams(compat="jwst-3.0")
UNIT = Combine1dParams(exptime_key="unit_weight")


def only(spectra, params=UNIT):
    """Return the columns of the only combined spectrum."""
    (combined,) = combine_1d(spectra, params).spectra
    return combined.columns


# The grid


@given(st.integers(1, 9))
def test_equal_grids_stay_as_they_are(n):
    np.testing.assert_allclose(output_wavelengths([GRID.copy() for _ in range(n)]), GRID, rtol=4e-16)


@given(st.lists(st.floats(0, 0.009), min_size=1, max_size=5), st.randoms())
def test_the_grid_rises_within_the_inputs_whatever_their_order(shifts, random):
    waves = [GRID + shift for shift in shifts]
    grid = output_wavelengths(waves)
    assert (np.diff(grid) > 0).all()
    assert grid[0] > min(w[0] for w in waves) - 1e-12
    assert grid[-1] < max(w[-1] for w in waves) + 1e-12
    assert 0.8 * GRID.size <= grid.size <= 2.2 * GRID.size
    shuffled = [w[::-1] if random.random() < 0.5 else w for w in waves]
    random.shuffle(shuffled)
    np.testing.assert_array_equal(output_wavelengths(shuffled), grid)


def test_bands_that_do_not_overlap_keep_their_wavelengths():
    np.testing.assert_array_equal(output_wavelengths([GRID, GRID + 2]), np.concatenate([GRID, GRID + 2]))


def test_places_end_half_a_step_outside_the_grid():
    wave = [4.9949, 4.9951, 5.0, 5.0049, 5.0051, 5.3949, 5.3951]
    np.testing.assert_array_equal(nearest_places(GRID, np.array(wave)), [-1, 0, 0, 0, 1, 39, -1])


# What comes out


@pytest.mark.parametrize("params", [UNIT, AS_UPSTREAM], ids=["none", "jwst-3.0"])
def test_the_mean_is_weighted_with_exposure_time(params):
    spectra = [spectrum_of(GRID, flux=1.0, time=100.0), spectrum_of(GRID, flux=4.0, time=300.0)]
    weights = np.array([1.0, 1.0] if params is UNIT else [100.0, 300.0])
    columns = only(spectra, params)
    np.testing.assert_allclose(columns["FLUX"], np.average([1, 4], weights=weights), rtol=1e-12)
    np.testing.assert_allclose(columns["ERROR"], 0.1 * np.hypot(*weights) / weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(columns["SB_ERROR"], 0.2 * np.hypot(*weights) / weights.sum(), rtol=1e-12)
    np.testing.assert_array_equal(columns["WEIGHT"], weights.sum())
    np.testing.assert_array_equal(columns["N_INPUT"], 2)


def test_the_order_of_spectra_does_not_matter():
    rng = np.random.default_rng(1)
    spectra = [spectrum_of(GRID + 0.002 * i, flux=rng.random(40)) for i in range(4)]
    one, other = only(spectra), only(spectra[::-1])
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-12, err_msg=name)


def test_pixels_that_are_flagged_or_nan_do_not_contribute():
    flux, surf_bright, dq = np.ones(40), np.full(40, 2.0), np.zeros(40, np.uint32)
    flux[5], surf_bright[9], flux[12], dq[12] = np.nan, np.nan, 1e9, DQ.DO_NOT_USE
    dq[20] = DQ.JUMP_DET
    columns = only([spectrum_of(GRID, flux=flux, surf_bright=surf_bright, dq=dq), spectrum_of(GRID)])
    np.testing.assert_allclose(columns["FLUX"], 1.0)
    np.testing.assert_allclose(columns["SURF_BRIGHT"], 2.0)
    assert columns["N_INPUT"][[11, 12]].tolist() == [2, 1]
    assert columns["DQ"][[12, 20]].tolist() == [0, DQ.JUMP_DET]


def test_upstream_counts_a_missing_surface_brightness_as_0():
    surf_bright = np.full(40, 2.0)
    surf_bright[9] = np.nan
    spectra = [spectrum_of(GRID, surf_bright=surf_bright), spectrum_of(GRID)]
    assert only(spectra, AS_UPSTREAM)["SURF_BRIGHT"][9] == 1.0


def test_wavelengths_that_no_spectrum_has_are_left_out():
    flux = np.ones(40)
    flux[5] = np.nan
    columns = only([spectrum_of(GRID, flux=flux, surf_bright=np.nan)])
    np.testing.assert_array_equal(columns["WAVELENGTH"], np.delete(GRID, 5))


def test_no_pixel_is_lost_at_the_ends():
    shifted = [spectrum_of(GRID + 0.001 * i) for i in range(3)]  # their common grid begins after the first pixel
    assert only(shifted)["N_INPUT"].tolist() == [3] * 40
    assert only(shifted, AS_UPSTREAM)["N_INPUT"].sum() < 120


def test_two_pixels_on_one_wavelength_are_averaged():
    mean, error = binned(np.array([2, 0, 0, 2, 2]), np.array([5.0, 1, 3, np.nan, 9]), np.array([3.0, 3, 4, 1, 4]), 4)
    np.testing.assert_array_equal(mean, [2, np.nan, 7, np.nan])
    np.testing.assert_array_equal(error, [2.5, np.nan, 2.5, np.nan])


def test_clipping_takes_the_outlier_out():
    flux = np.ones((4, 40)) + 0.001 * np.random.default_rng(2).normal(size=(4, 40))
    flux[1, 7] = 50.0
    spectra = [spectrum_of(GRID, flux=f, time=100.0 * (i + 1)) for i, f in enumerate(flux)]
    columns = only(spectra, Combine1dParams(sigma_clip=20.0))
    assert columns["FLUX"][7] == pytest.approx(1, abs=0.01)
    assert columns["N_INPUT"].tolist() == [4] * 7 + [3] + [4] * 32


def test_two_spectra_are_never_clipped():
    spectra = [spectrum_of(GRID, flux=np.arange(40.0)), spectrum_of(GRID, flux=np.arange(40.0)[::-1])]
    assert (only(spectra, Combine1dParams(sigma_clip=0.1))["N_INPUT"] == 2).all()


def test_bands_are_kept_apart_where_they_overlap():
    spectra = [
        spectrum_of(GRID, band="1A", surf_bright=1.0),
        spectrum_of(GRID + 0.2, band="1B", surf_bright=3.0),
    ]
    apart = combine_1d(spectra, UNIT).spectra
    assert [[band.name for band in s.bands] for s in apart] == [["1A"], ["1B"]]
    assert [s.surf_bright.tolist() for s in apart] == [[1.0] * 40, [3.0] * 40]
    (together,) = combine_1d(spectra, AS_UPSTREAM).spectra
    assert set(together.surf_bright) == {1.0, 2.0, 3.0}
    assert [band.name for band in together.bands] == ["1A", "1B"]


def test_keywords_state_the_step():
    (combined,) = combine_1d([spectrum_of(GRID)], UNIT, name="x_c1d.fits").spectra
    assert combined.name == "x_c1d.fits"
    assert combined.primary["S_COMB1D"] == "COMPLETE"
    assert combined.history["parameters"]["combine_1d"]["exptime_key"] == "unit_weight"
    assert combined.history["combined"] == ["x_x1d.fits"]
    assert (combined.ra, combined.dec, combined.source_type) == (10.0, 20.0, "EXTENDED")


# What is refused


def test_spectra_that_cannot_be_used_are_named():
    spectra = [spectrum_of(GRID), spectrum_of(GRID, flux=np.nan, name="dark"), spectrum_of(GRID * 0 + 5, name="flat")]
    result = combine_1d(spectra, UNIT)
    assert result.unused == ("dark", "flat")
    assert "dark" in repr(result)
    with pytest.raises(InputError, match=r"no spectrum with finite fluxes .*dark, flat"):
        combine_1d(spectra[1:], UNIT)


def test_a_spectrum_without_time_is_refused():
    spectrum = spectrum_of(GRID, cards={"EFFEXPTM": None})
    with pytest.raises(InputError, match=r"x_x1d.fits: EFFEXPTM is missing.*exptime_key = 'unit_weight'"):
        combine_1d([spectrum], Combine1dParams())
    with pytest.raises(InputError, match="EFFINTTM"):
        combine_1d([spectrum], Combine1dParams(exptime_key="integration_time"))
    with pytest.raises(ParamError, match="exptime_key"):
        Combine1dParams(exptime_key="time")


def test_the_result_shows_itself():
    result = combine_1d([spectrum_of(GRID), spectrum_of(GRID, band="1B")], UNIT)
    assert "1A, 1B" in repr(result)
    assert "image/svg+xml" in str(result.pictures()) or result.pictures()
    assert "1A" in repr(result.spectra[0])
    assert "inputs" in str(result.spectra[0].rows())
    assert len(result.spectra[0].pictures()) == 1
