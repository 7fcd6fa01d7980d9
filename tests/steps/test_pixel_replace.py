from dataclasses import replace

import numpy as np
import pytest
import slanted
from scipy.optimize import minimize

from mrsnb.core.dq import DQ, flagged
from mrsnb.display import to_text
from mrsnb.errors import ParamError
from mrsnb.geometry.slice_images import slice_images
from mrsnb.kernels.replace import ALONG_COLUMN, ALONG_ROW, fit_profiles, smaller_gradient
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, adaptive_trace_model, trace_model
from mrsnb.steps.pixel_replace import PixelReplaceParams, pixel_replace, replace_pixels

MIDDLE = slanted.FIRST + slanted.STEP + slanted.WIDTH // 2
"""A column in the middle of the second slice."""
SCATTERED = [(row, slanted.FIRST + slanted.STEP + 2 + (7 * row) % 16) for row in range(6, 154, 4)]
Y, X = np.indices(slanted.SHAPE, dtype=float)


def params(algorithm="mingrad", compat="none", **options):
    return PixelReplaceParams(algorithm=algorithm, compat=compat, **options)


def in_slices(exposure):
    return slice_images(exposure.wcs, exposure.bands, exposure.flux.shape).label > 0


def at(image, places):
    return np.array([image[place] for place in places])


# All algorithms

ALGORITHMS = [(algorithm, compat) for algorithm in PixelReplaceParams.spec("algorithm").choices for compat in
              ("none", "jwst-3.0")]  # fmt: skip


@pytest.mark.parametrize(("algorithm", "compat"), ALGORITHMS)
def test_bad_pixels_are_estimated_and_good_ones_left_alone(algorithm, compat):
    exposure = slanted.exposure(bad=SCATTERED)
    after = replace_pixels(exposure, params(algorithm, compat))
    np.testing.assert_array_equal(at(after.dq, SCATTERED), DQ.FLUX_ESTIMATED)
    good = np.isfinite(exposure.flux)
    np.testing.assert_array_equal(after.flux[good], exposure.flux[good])
    np.testing.assert_array_equal(after.err[good], exposure.err[good])
    np.testing.assert_array_equal(after.dq[good], 0)
    assert np.isfinite(at(after.flux, SCATTERED)).all()
    np.testing.assert_allclose(at(after.err, SCATTERED), 2, rtol=0.6)
    for name, variance in after.variances.items():
        np.testing.assert_array_equal(variance[good], exposure.variances[name][good])
        share = exposure.variances[name][good][0] / 4
        np.testing.assert_allclose(at(variance, SCATTERED), share * at(after.err, SCATTERED) ** 2, rtol=1e-5)
    assert (exposure.dq[good] == 0).all(), "the argument is untouched"
    assert np.isnan(at(exposure.flux, SCATTERED)).all()


@pytest.mark.parametrize(("algorithm", "compat"), ALGORITHMS)
def test_nothing_bad_nothing_changed(algorithm, compat):
    exposure = slanted.exposure()
    after = replace_pixels(exposure, params(algorithm, compat))
    np.testing.assert_array_equal(after.flux[in_slices(exposure)], exposure.flux[in_slices(exposure)])
    np.testing.assert_array_equal(after.dq[in_slices(exposure)], 0)


@pytest.mark.parametrize("algorithm", PixelReplaceParams.spec("algorithm").choices)
def test_pixels_that_see_no_sky_stay_flagged(algorithm):
    exposure = slanted.exposure(bad=SCATTERED, dq_bad=DQ.DO_NOT_USE | DQ.NON_SCIENCE)
    after = replace_pixels(exposure, params(algorithm))
    if algorithm != "trace_model":
        np.testing.assert_array_equal(at(after.dq, SCATTERED), DQ.DO_NOT_USE | DQ.NON_SCIENCE)
    assert flagged(at(after.dq, SCATTERED), DQ.NON_SCIENCE).all()


@pytest.mark.parametrize("algorithm", ["mingrad", "fit_profile"])
def test_a_flag_or_a_nan_anywhere_makes_a_pixel_bad(algorithm):
    exposure = slanted.exposure()
    err, dq, variance = exposure.err.copy(), exposure.dq.copy(), exposure.variances["var_rnoise"].copy()
    places = [(20, MIDDLE), (40, MIDDLE), (60, MIDDLE)]
    err[places[0]], dq[places[1]], variance[places[2]] = np.nan, DQ.DO_NOT_USE, np.nan
    exposure = replace(exposure, err=err, dq=dq, variances=exposure.variances | {"var_rnoise": variance})
    after = replace_pixels(exposure, params(algorithm))
    np.testing.assert_array_equal(at(after.dq, places), DQ.FLUX_ESTIMATED)
    assert np.isfinite(at(after.err, places)).all()
    assert np.isfinite(at(after.variances["var_rnoise"], places)).all()
    assert (at(after.flux, places) != at(exposure.flux, places)).all()


# mingrad


def nearest(flux, bad, label, margin):
    """Do mingrad pixel by pixel."""
    found = {}
    for y, x in np.argwhere(bad):
        if y < margin or x < margin or y >= flux.shape[0] - 1 or x >= flux.shape[1] - 1:
            continue
        pairs = [((y, x - 1), (y, x + 1)), ((y - 1, x), (y + 1, x))]
        usable = [label[a] == label[b] == label[y, x] and np.isfinite(flux[a] - flux[b]) for a, b in pairs]
        steps = [abs(flux[a] - flux[b]) if ok else np.inf for (a, b), ok in zip(pairs, usable, strict=True)]
        if any(usable):
            found[int(y * flux.shape[1] + x)] = int(np.argmin(steps))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("margin", [1, 2])
def test_the_axis_is_that_of_the_smaller_gradient(seed, margin):
    rng = np.random.default_rng(seed)
    flux = rng.integers(0, 6, (17, 23)).astype(np.float32)  # ties are common
    bad = rng.random(flux.shape) < (0.1, 0.6)[seed % 2]
    flux[bad] = np.nan
    flux[3, 4] = np.inf
    label = (np.arange(23) // (23 if seed < 3 else 6) + np.zeros((17, 1))).astype(np.int16)
    pixel, axis = smaller_gradient(flux, bad, label, margin)
    expected = nearest(flux, bad, label, margin)
    assert dict(zip(pixel.tolist(), axis.tolist(), strict=True)) == expected
    assert {ALONG_ROW, ALONG_COLUMN} == {0, 1}
    assert set(expected.values()) == {0, 1}


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_a_plane_is_restored(compat):
    plane = 5 + 0.25 * X - 0.5 * Y
    after = replace_pixels(slanted.exposure(flux=plane, bad=SCATTERED), params(compat=compat))
    np.testing.assert_allclose(at(after.flux, SCATTERED), at(plane, SCATTERED), rtol=1e-6)


def test_an_edge_along_the_dispersion_is_not_smeared():
    step = np.where(X < MIDDLE, 0.0, 100.0)
    after = replace_pixels(slanted.exposure(flux=step, bad=[(50, MIDDLE), (60, MIDDLE - 1)]), params())
    assert after.flux[50, MIDDLE] == 100
    assert after.flux[60, MIDDLE - 1] == 0


def test_an_estimate_crosses_slices_only_as_upstream():
    flux = np.where(X < MIDDLE, 0.0, 100.0) + 10 * Y
    last = slanted.FIRST + slanted.STEP + slanted.WIDTH - 1  # of the second slice; the next column is of none
    place = [(50, last)]
    ours, theirs = (
        replace_pixels(slanted.exposure(flux=flux, bad=place), params(compat=compat)) for compat in ("none", "jwst-3.0")
    )
    assert ours.flux[50, last] == pytest.approx(600)
    flux[:, last + 1] = flux[:, last - 1] + 5
    ours, theirs = (
        replace_pixels(slanted.exposure(flux=flux, bad=place), params(compat=compat)) for compat in ("none", "jwst-3.0")
    )
    assert ours.flux[50, last] == pytest.approx(600)
    assert theirs.flux[50, last] == pytest.approx(602.5)


def test_a_pixel_without_two_good_neighbours_stays_bad():
    clump = [(50 + j, MIDDLE + i) for j in range(3) for i in range(3)]
    result = pixel_replace([slanted.exposure(bad=clump)], params())
    after = result.exposures[0].load()
    assert (result.counts[0].replaced, result.counts[0].left) == (0, 9)
    np.testing.assert_array_equal(at(after.dq, clump), DQ.DO_NOT_USE)
    assert np.isnan(at(after.flux, clump)).all()


# fit_profile


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_a_fixed_profile_is_restored(compat):
    flux = (5 + 100 * np.exp(-(((X - MIDDLE + 0.3) / 1.2) ** 2))) * (2 + np.sin(Y))
    bad = SCATTERED + [(row, column + 1) for row, column in SCATTERED[::2]]
    after = replace_pixels(slanted.exposure(flux=flux, bad=bad), params("fit_profile", compat))
    np.testing.assert_allclose(at(after.flux, bad), at(flux, bad), rtol=1e-5)


def test_a_negative_profile_keeps_its_sign_with_us():
    flux = -(5 + 100 * np.exp(-(((X - MIDDLE) / 2) ** 2))) * (2 + np.sin(Y))
    exposure = slanted.exposure(flux=flux, bad=SCATTERED)
    ours, theirs = (replace_pixels(exposure, params("fit_profile", compat)) for compat in ("none", "jwst-3.0"))
    np.testing.assert_allclose(at(ours.flux, SCATTERED), at(flux, SCATTERED), rtol=1e-5)
    assert (at(ours.err, SCATTERED) > 0).all()
    assert (at(theirs.flux, SCATTERED) > 0).all()


def by_minimiser(flux, err, bad, columns, row, reach):
    """Return the estimates of one row as upstream finds them, the minimiser made precise."""
    rows = [k for k in range(max(row - reach, 0), min(row + reach + 1, len(flux))) if k != row]
    part = np.where(bad, np.nan, flux)[np.ix_(rows, columns)]
    scale = np.nanmax(np.abs(part), axis=1, keepdims=True)
    if np.nanmax(np.abs(part) / err[np.ix_(rows, columns)]) < 5:
        scale[:] = 1
    profile = np.nanmedian(part / scale, axis=0)
    good = ~bad[row, columns]
    current, model = flux[row, columns][good], np.abs(profile[good])
    top = current.max()

    def square(factor):
        return np.nansum((np.abs(current / top) - model * factor) ** 2)

    if (scale == 1).all():
        return profile
    found = minimize(square, x0=1.0, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    return profile * found.x[0] * top


@pytest.mark.parametrize("reach", [2, 3])
@pytest.mark.parametrize("level", [1.0, 300.0])
def test_fit_profiles_is_a_least_squares_fit(reach, level):
    rng = np.random.default_rng(5)
    flux = (level * np.exp(-((X[:40] - 25) ** 2) / 20) + rng.normal(size=(40, 76))).astype(np.float32)
    err = np.ones_like(flux)
    bad = rng.random(flux.shape) < 0.05
    label = np.where((X[:40] >= 15) & (X[:40] < 35), 7, 0).astype(np.int16)
    out, _, replaced = fit_profiles(
        flux, err[None], bad, np.zeros_like(bad), label, np.array([[7, 15, 35]]), reach, False
    )
    np.testing.assert_array_equal(replaced, bad & (label == 7) & np.isfinite(out))
    assert replaced.sum() > 25
    columns = np.arange(15, 35)
    for row in range(2, 38):
        expected = by_minimiser(flux, err, bad, columns, row, reach)
        mine = bad[row, columns]
        np.testing.assert_allclose(out[row, columns][mine], expected[mine], rtol=1e-5, atol=1e-5)


# trace_model


def test_the_trace_fills_what_it_covers_and_the_neighbours_the_rest():
    exposure = slanted.exposure(bad=SCATTERED)
    trace = trace_model(exposure, AdaptiveTraceModelParams())
    traced, plain = (replace_pixels(exposure, params(algorithm)) for algorithm in ("trace_model", "mingrad"))
    covered = np.isfinite(at(trace, SCATTERED))
    assert 5 < covered.sum() < len(SCATTERED) - 5
    np.testing.assert_array_equal(at(traced.flux, SCATTERED)[covered], at(trace, SCATTERED)[covered])
    np.testing.assert_array_equal(at(traced.flux, SCATTERED)[~covered], at(plain.flux, SCATTERED)[~covered])


def test_on_an_emission_line_of_a_point_source_neighbours_mislead_and_profiles_do_not():
    bad = [(row, 37) for row in range(20, 140, 10)]
    clean = slanted.exposure(line=1.0)
    errors = {}
    for algorithm in PixelReplaceParams.spec("algorithm").choices:
        after = replace_pixels(slanted.exposure(line=1.0, bad=bad), params(algorithm))
        errors[algorithm] = np.abs(at(after.flux, bad) / at(clean.flux, bad) - 1).mean()
    assert errors["mingrad"] > 0.25
    assert errors["trace_model"] < 0.05
    assert errors["fit_profile"] < 0.05


def test_the_trace_of_an_earlier_step_is_used():
    source = adaptive_trace_model([slanted.exposure(bad=SCATTERED)], AdaptiveTraceModelParams(fit_threshold=1e6))
    exposure = source.exposures[0].load()
    assert np.isnan(exposure.trace).all()
    after, plain = (replace_pixels(exposure, params(algorithm)) for algorithm in ("trace_model", "mingrad"))
    np.testing.assert_array_equal(after.flux, plain.flux)


def test_oversampled_exposures_are_taken_as_well():
    source = adaptive_trace_model([slanted.exposure(bad=SCATTERED)], AdaptiveTraceModelParams(oversample=2.0))
    before = source.exposures[0].load()
    result = pixel_replace(source.exposures, params("fit_profile"))
    after = result.exposures[0].load()
    assert after.wcs.oversample == 2
    assert np.isnan(before.flux[in_slices(before)]).any()
    assert np.isfinite(after.flux[in_slices(after)]).all()


# The step


@pytest.mark.parametrize(("algorithm", "compat"), ALGORITHMS)
def test_an_exposure_of_the_result_is_its_source_and_what_was_replaced(algorithm, compat):
    exposure = slanted.exposure(bad=SCATTERED, noise=1.0)
    wanted = params(algorithm, compat)
    result = pixel_replace([exposure], wanted)
    loaded, expected = result.exposures[0].load(), replace_pixels(exposure, wanted)
    where = in_slices(exposure)
    np.testing.assert_array_equal(loaded.dq[where], expected.dq[where])
    for name, array in {"flux": loaded.flux, "err": loaded.err, **loaded.variances}.items():
        other = getattr(expected, name, None) if name in ("flux", "err") else expected.variances[name]
        np.testing.assert_array_equal(array[where], other[where])
        assert array.dtype == np.float32
    assert loaded.primary["S_PXREPL"] == "COMPLETE"
    assert "S_PXREPL" not in exposure.primary
    assert (result.counts[0].replaced, result.counts[0].left) == (len(SCATTERED), 0)


def test_the_result_says_what_was_done():
    result = pixel_replace([slanted.exposure(bad=SCATTERED), slanted.exposure()], params())
    assert result.title == f"pixel_replace: {len(SCATTERED)} pixels of 2 exposures"
    assert f"{len(SCATTERED)} pixels replaced" in to_text(result.title, result.rows())
    assert result._repr_mimebundle_()


def test_defaults_are_the_official_ones():
    assert PixelReplaceParams().to_dict() == {
        "skip": True,
        "save_results": False,
        "compat": "none",
        "algorithm": "mingrad",
        "n_adjacent_cols": 3,
    }


def test_neighbouring_wavelengths_go_with_profiles():
    with pytest.raises(ParamError, match="acts only with algorithm = 'fit_profile'"):
        params(n_adjacent_cols=5)


def test_no_neighbouring_wavelength_is_too_few():
    with pytest.raises(ParamError, match=r"n_adjacent_cols = 0: must be a whole number from 1"):
        params(n_adjacent_cols=0)


def test_the_picture_marks_what_was_bad():
    exposures = [slanted.exposure(bad=SCATTERED)] * 2
    result = pixel_replace(exposures, PixelReplaceParams())
    (preview,) = result.previews
    assert (preview.replaced.size, preview.left.size) == (result.counts[0].replaced, result.counts[0].left)
    assert not (preview.replaced.image() & preview.left.image()).any()
    assert len(result.pictures()) == 1
