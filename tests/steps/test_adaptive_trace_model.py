import threading
from dataclasses import replace

import numpy as np
import pytest
import slanted
from scipy.interpolate import make_lsq_spline

from mrsnb.core.dq import DQ
from mrsnb.display import to_text
from mrsnb.errors import Cancelled, InputError, ParamError
from mrsnb.geometry.oversample import oversampling
from mrsnb.geometry.slice_images import slice_images
from mrsnb.kernels.spline import Knots, evaluate, even_knots, fill_knots, fit, fit_clipped, nth_largest
from mrsnb.kernels.threads import stoppable
from mrsnb.kernels.trace import PIECES, REACH, fit_traces, widen
from mrsnb.steps.adaptive_trace_model import (
    AdaptiveTraceModelParams,
    TracedExposure,
    adaptive_trace_model,
    select,
    trace_images,
    trace_model,
    traced,
)

TWICE = AdaptiveTraceModelParams(oversample=2.0)


def splined(knots, x, y):
    """Return the least-squares spline as scipy makes it."""
    t = np.empty(knots.inner + 8)
    fill_knots(knots, t)
    return make_lsq_spline(x, y, t, k=3)


def points(seed, m=600):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-2, 2, m)).astype(np.float32)
    return x, (np.sin(3 * x) + 0.1 * rng.normal(size=m)).astype(np.float32)


# Splines


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_is_that_of_scipy(seed):
    x, y = (part.astype(float) for part in points(seed))
    knots = even_knots(np.float32(x[0]), np.float32(x[-1]), 36)
    coefficients, model, t = np.empty(knots.inner + 4), np.empty(x.size), np.empty(knots.inner + 8)
    assert fit(x, y, knots, coefficients, model)
    expected = splined(knots, x, y)
    np.testing.assert_allclose(coefficients, expected.c, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(model, expected(x), rtol=1e-9, atol=1e-10)
    fill_knots(knots, t)
    places = np.linspace(-2.1, 2.1, 300)  # also beyond the ends
    np.testing.assert_allclose([evaluate(knots, t, coefficients, p) for p in places], expected(places), rtol=1e-7)


def test_a_cubic_is_fitted_without_rest():
    x = np.linspace(-1, 2, 300)
    y = 1 - 2 * x + 0.5 * x**2 + 3 * x**3
    knots = Knots(-1.0, -0.75, 0.5, 6, 2.0)
    model = np.empty(x.size)
    assert fit(x, y, knots, np.empty(10), model)
    np.testing.assert_allclose(model, y, atol=1e-11)


def test_points_that_leave_knots_without_support_are_no_fit():
    x = np.concatenate([np.linspace(0, 0.1, 50), np.linspace(0.9, 1, 50)])
    assert not fit(x, x.copy(), even_knots(np.float32(0), np.float32(1), 36), np.empty(40)[:39], np.empty(100))


def test_outliers_do_not_count():
    x, y = points(1)
    spoilt = y.copy()
    spoilt[::40] += 50
    clean, dirty = np.zeros(40), np.zeros(40)
    knots = fit_clipped(x.copy(), y.copy(), 12, 1.2, 2.5, 3, clean)
    assert fit_clipped(x.copy(), spoilt, 12, 1.2, 2.5, 3, dirty) == knots
    assert np.abs(clean - dirty)[: knots.inner + 4].max() < 0.2  # with the outliers they differ by 10


def test_gaps_wider_than_the_knots_are_refused():
    x = np.repeat(np.linspace(0, 1, 20, dtype=np.float32), 30)
    assert fit_clipped(x, x.copy(), 36, 1.2, 2.5, 3, np.zeros(40)).inner == 0
    x = np.linspace(0, 1, 600, dtype=np.float32)
    assert fit_clipped(x, x.copy(), 36, 1.2, 2.5, 3, np.zeros(40)).inner in (35, 36)


def test_nth_largest():
    values = np.random.default_rng(0).normal(size=50).round(1)
    for n in (1, 5, 50):
        assert nth_largest(values, n) == np.sort(values)[-n]
    assert nth_largest(values[:3], 9) == values[:3].min()


# Windows


def test_each_row_is_fitted_to_the_rows_around_it():
    exposure = slanted.exposure(bad=[(70, 40), (71, 41), (20, 33)], noise=1.0)
    images = slice_images(exposure.wcs, exposure.bands, slanted.SHAPE)
    alpha, mine = images.alpha.astype(np.float32), images.slices[1:2]
    norm = np.where(images.label == 102, np.nan_to_num(exposure.flux), 0).sum(axis=1, dtype=np.float32)
    traces = fit_traces(exposure.flux, alpha, images.label, mine, norm[None])
    for row in (0, 30, 70, 80, 81, 120, 159):
        near = slice(max(row - REACH, 0), min(row + REACH, slanted.SHAPE[0]))
        scaled = (exposure.flux / norm[:, None])[near]
        good = (images.label[near] == 102) & np.isfinite(scaled)
        order = np.argsort(alpha[near][good])
        coefficients = np.zeros(PIECES + 4)
        x, y = alpha[near][good][order], scaled[good][order]
        knots = fit_clipped(x.copy(), y.copy(), PIECES, 1.2, 2.5, 3, coefficients)
        assert knots.inner > 0
        np.testing.assert_allclose(traces.knots[0, row], [*knots], rtol=1e-12)
        n = knots.inner + 4
        np.testing.assert_allclose(traces.coefficients[0, row, :n], coefficients[:n], rtol=1e-6, atol=1e-8)
        assert tuple(traces.bounds[0, row]) == (x[0], x[-1])


def test_rows_without_light_have_no_spline_and_leave_the_others_theirs():
    exposure = slanted.exposure(noise=1.0)
    images = slice_images(exposure.wcs, exposure.bands, slanted.SHAPE)
    alpha, mine, flux = images.alpha.astype(np.float32), images.slices[1:2], exposure.flux.copy()
    flux[60:70] = np.nan
    norm = np.where(images.label == 102, np.nan_to_num(flux), 0).sum(axis=1, dtype=np.float32)
    scale = fit_traces(flux, alpha, images.label, mine, norm[None]).scale[0]
    assert np.isnan(scale[60:70]).all()
    assert np.isfinite(scale[70:]).all()


def test_widen_is_interpolation_slice_by_slice():
    rng = np.random.default_rng(2)
    images = slice_images(slanted.chain(), slanted.exposure().bands, slanted.SHAPE)
    image = np.where(images.label > 0, rng.normal(size=slanted.SHAPE), 99.0)
    image[rng.random(slanted.SHAPE) < 0.2] = np.nan
    image[5, slanted.FIRST + 3 : slanted.FIRST + slanted.WIDTH] = np.nan
    wide = widen(image, images.label, images.slices, 3.0, 3)
    expected = np.full(wide.shape, np.nan)
    for y in range(wide.shape[0]):
        for _, first, last in images.slices:
            good = np.flatnonzero(np.isfinite(image[y, first:last])) + first
            columns = np.arange(first * 3, last * 3)
            if good.size > 3:
                expected[y, columns] = np.interp((columns - 1) / 3, good, image[y, good])
    np.testing.assert_allclose(wide, expected, rtol=1e-6, atol=1e-7)
    assert np.isnan(wide[5, slanted.FIRST * 3]), "three good pixels are too few"


# The model


def test_an_undersampled_source_is_resampled_to_the_truth():
    exposure, truth = slanted.exposure(), slanted.truth(2)
    images = trace_images(exposure, TWICE)
    near = np.isfinite(images.used)
    inside = np.s_[10:-10]
    error = {name: np.abs(getattr(images, name) - truth)[inside][near[inside]].max() for name in ("flux", "linear")}
    assert error["linear"] > 100  # of 1300: what undersampling does
    assert error["flux"] < 0.15 * error["linear"]
    peak = truth > 0.5 * np.nanmax(truth)
    assert near[peak].all()


def test_scaling_the_input_scales_the_output():
    one, two = traced(slanted.exposure(noise=1.0), TWICE), slanted.exposure(noise=1.0)
    factor = np.float32(8)  # exact in binary
    scaled = replace(
        two,
        flux=two.flux * factor,
        err=two.err * factor,
        variances={name: array * factor**2 for name, array in two.variances.items()},
    )
    two = traced(scaled, TWICE)
    np.testing.assert_allclose(two.flux, one.flux * factor, rtol=2e-5)
    np.testing.assert_allclose(two.trace, one.trace * factor, rtol=2e-5)
    np.testing.assert_array_equal(two.err, one.err * factor)


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_a_level_below_zero_changes_nothing_but_the_level(compat):
    params = replace(TWICE, compat=compat)
    above, below = (traced(slanted.exposure(sky=sky), params) for sky in (-100.0, -200.0))
    np.testing.assert_allclose(below.flux, above.flux - 100, atol=0.2)
    np.testing.assert_allclose(below.trace, above.trace - 100, atol=0.2)
    assert np.isfinite(below.trace).sum() > 1000


def test_a_bad_pixel_on_the_source_is_estimated_and_one_beside_it_is_not():
    on, beside = (80, 37), (80, 29)
    clean, truth = slanted.exposure(), slanted.truth(2)
    result = traced(slanted.exposure(bad=[on, beside]), TWICE)
    for column in (74, 75):
        assert result.dq[80, column] == DQ.FLUX_ESTIMATED
        assert result.flux[80, column] == pytest.approx(truth[80, column], abs=0.05 * 1300)
        assert np.isfinite(result.err[80, column])
    assert clean.flux[on] > 500
    for column in (58, 59):
        assert result.dq[80, column] & DQ.DO_NOT_USE
        assert np.isnan([result.flux[80, column], result.err[80, column]]).all()


def test_the_trace_predicts_pixels_that_it_has_not_seen():
    places = [(row, 37) for row in range(20, 140, 7)]
    clean = slanted.exposure()
    trace = trace_model(slanted.exposure(bad=places), AdaptiveTraceModelParams())
    np.testing.assert_allclose([trace[p] for p in places], [clean.flux[p] for p in places], rtol=0.05)


def test_a_flat_exposure_has_no_trace_and_stays_flat():
    flat = slanted.exposure(peak=0.0, noise=0.0, bad=[(40, 40)])
    result = traced(flat, TWICE)
    assert np.isnan(result.trace).all()
    assert set(np.unique(result.flux[np.isfinite(result.flux)])) == {np.float32(slanted.SKY)}
    good = np.repeat(np.isfinite(flat.flux), 2, axis=1)
    np.testing.assert_array_equal(np.isfinite(result.flux), good)


@pytest.mark.parametrize("factor", [2.0, 3.0, 4.0])
def test_errors_grow_as_cubes_want_them(factor):
    result = traced(slanted.exposure(), replace(TWICE, oversample=factor))
    inflation = 0.23 * factor + 0.77
    good = np.isfinite(result.flux)
    np.testing.assert_allclose(result.err[good], 2 * inflation, rtol=1e-6)
    for name, share in zip(slanted.VARIANCES, (0.5, 0.5, 0.0), strict=True):
        np.testing.assert_allclose(result.variances[name][good], share * (2 * inflation) ** 2, rtol=1e-6)
    assert result.flux.shape == (slanted.SHAPE[0], slanted.SHAPE[1] * factor)


def test_a_factor_need_not_be_whole():
    result, truth = traced(slanted.exposure(), replace(TWICE, oversample=1.5)), slanted.truth(1.5)
    near = np.isfinite(result.trace)
    near[:10] = near[-10:] = False
    assert result.flux.shape == truth.shape
    assert np.abs(result.flux - truth)[near].max() < 0.03 * 1300


def test_the_choice_of_slices_stops_when_told_to(monkeypatch):
    exposure = slanted.exposure()
    stop, looked = threading.Event(), []
    monkeypatch.setattr(select, "_rises", lambda *_: looked.append(stop.set()))
    with stoppable(stop), pytest.raises(Cancelled):
        trace_images(exposure, TWICE)
    assert len(looked) == 1


def test_threshold_and_slope_choose_slices_and_pixels():
    exposure = slanted.exposure(noise=1.0)
    label = slice_images(exposure.wcs, exposure.bands, slanted.SHAPE).label

    def there(**options):
        images = trace_images(exposure, AdaptiveTraceModelParams(**options))
        return images, {int(name) for name in np.unique(label[np.isfinite(images.used)])}

    _, few = there(fit_threshold=200.0)  # the peaks rise by 135 and 270 sigma, wings included
    _, all_of_them = there()
    assert few == {102}
    assert all_of_them == set(slanted.LABELS)
    some, _ = there()
    every, _ = there(slope_limit=0.0)
    assert np.isfinite(some.used).sum() < 0.8 * np.isfinite(every.used).sum()
    np.testing.assert_array_equal(every.used, every.full)
    psf = trace_images(exposure, replace(TWICE, psf_optimal=True))
    np.testing.assert_array_equal(psf.flux[np.isfinite(psf.full)], psf.full[np.isfinite(psf.full)])


def test_upstream_drops_the_ends_of_slices_and_we_keep_them():
    ours, theirs = (traced(slanted.exposure(), replace(TWICE, compat=compat)) for compat in ("none", "jwst-3.0"))
    ends = np.zeros(ours.flux.shape, bool)
    for s in range(3):
        first = 2 * (slanted.FIRST + slanted.STEP * s)
        ends[:, [first, first + 1, first + 2 * slanted.WIDTH - 2, first + 2 * slanted.WIDTH - 1]] = True
    assert np.isfinite(ours.flux[ends]).all()
    assert np.isnan(theirs.flux[ends]).all()
    both = np.isfinite(ours.flux) & np.isfinite(theirs.flux)
    assert both.sum() == (np.isfinite(ours.flux) & ~ends).sum()


def test_cores_do_not_change_the_result():
    exposure = slanted.exposure(noise=1.0)
    one, two = (traced(exposure, replace(TWICE, maximum_cores=cores)) for cores in ("none", "all"))
    np.testing.assert_array_equal(one.flux, two.flux)
    np.testing.assert_array_equal(one.trace, two.trace)


# The step


def test_without_oversampling_only_a_trace_is_added():
    exposure = slanted.exposure()
    result = adaptive_trace_model([exposure], AdaptiveTraceModelParams())
    loaded = result.exposures[0].load()
    assert isinstance(loaded, TracedExposure)
    assert loaded.trace.shape == exposure.flux.shape
    assert not loaded.trace.flags.writeable
    for name in ("flux", "err", "dq"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(exposure, name))
    assert loaded.wcs is exposure.wcs
    assert loaded.science["PIXAR_SR"] == 2e-12
    assert loaded.primary["S_TRCMOD"] == "COMPLETE"
    assert "S_TRCMOD" not in exposure.primary


def test_an_oversampled_exposure_knows_its_geometry():
    exposure = slanted.exposure()
    result = adaptive_trace_model([exposure], replace(TWICE, oversample=4.0))
    source = result.exposures[0]
    assert oversampling(source.wcs) == 4
    loaded = source.load()
    assert loaded.wcs is source.wcs
    assert loaded.science["PIXAR_SR"] == 5e-13
    assert loaded.science["PIXAR_A2"] == 0.01
    images = slice_images(loaded.wcs, loaded.bands, loaded.flux.shape)
    np.testing.assert_array_equal(images.label > 0, np.isfinite(loaded.flux))
    assert "4 columns" in to_text(result.title, result.rows())
    with pytest.raises(InputError, match=r"x_cal\.fits: is oversampled already"):
        adaptive_trace_model(result.exposures, TWICE)


def test_the_first_is_modelled_once_and_shown_the_others_when_they_are_wanted():
    loads = []

    class Counted:
        def __init__(self, name):
            exposure = slanted.exposure()
            self.name, self.primary, self.science = name, exposure.primary, exposure.science
            self.wcs, self.bands, self.exposure = exposure.wcs, exposure.bands, replace(exposure, name=name)

        def load(self):
            loads.append(self.name)
            return self.exposure

    result = adaptive_trace_model([Counted("a"), Counted("b")], TWICE)
    assert loads == ["a"]
    assert "image/png" in result._repr_mimebundle_()
    assert loads == ["a"]
    expected = traced(slanted.exposure(), TWICE)
    for exposure in (*result.exposures, result.exposures[0]):
        loaded = exposure.load()
        assert np.array_equal(loaded.trace, expected.trace, equal_nan=True)
        assert np.array_equal(loaded.flux, expected.flux, equal_nan=True)


def test_cubes_of_a_star_lose_their_wiggles_and_keep_their_flux(clean_exposures, build):
    sources = clean_exposures[:2]
    before, after = build(sources), build(adaptive_trace_model(sources, TWICE).exposures)
    ripple, total = [], []
    for cube in (before, after):
        image = np.nan_to_num(cube.flux).mean(axis=0)
        y, x = np.unravel_index(np.argmax(image), image.shape)
        spectrum = cube.flux[:, y, x].astype(float)
        wave = cube.grid.wave - cube.grid.wave.mean()
        ripple.append(np.std(spectrum / np.polyval(np.polyfit(wave, spectrum, 3), wave) - 1))
        j, i = np.indices(image.shape)
        total.append(np.nansum(cube.flux * (np.hypot(j - y, i - x) * cube.grid.spaxel_size < 1)))
    assert ripple[1] < 0.25 * ripple[0]
    assert total[1] == pytest.approx(total[0], rel=0.01)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"oversample": 0.5}, "oversample = 0.5: must be a number from 1 to 10"),
        ({"maximum_cores": "many"}, "none, quarter, half, all"),
        ({"psf_optimal": True, "fit_threshold": 20.0}, "fit_threshold = 20: psf_optimal = True"),
        ({"psf_optimal": True, "slope_limit": 0.2}, "slope_limit = 0.2: psf_optimal = True"),
        ({"maximum_cores": "0"}, "none, quarter, half, all"),
    ],
)
def test_parameters_out_of_range_are_refused(options, words):
    with pytest.raises(ParamError, match=words):
        AdaptiveTraceModelParams(**options)


def test_defaults_are_the_official_ones():
    params = AdaptiveTraceModelParams()
    assert (params.fit_threshold, params.oversample, params.slope_limit, params.psf_optimal) == (10.0, 1.0, 0.1, False)
    assert params.skip
    assert AdaptiveTraceModelParams(psf_optimal=True).threshold is None
    assert AdaptiveTraceModelParams(fit_threshold=-1.0).threshold is None
