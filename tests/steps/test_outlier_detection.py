from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mrsnb.core.cards import Card, Cards
from mrsnb.core.exposure import DerivedExposure, Exposure
from mrsnb.display import to_text
from mrsnb.errors import ParamError
from mrsnb.kernels.threads import at_most
from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection
from mrsnb.steps.outlier_detection.channel import MAX_PARTNERS, Partners

NEIGHBOURS = partial(OutlierDetectionParams, method="neighbours")
UPSTREAM = partial(NEIGHBOURS, compat="jwst-3.0")


class Hits:
    """Noise, hits and hot pixels put on exposures without any, and where they are."""

    def __init__(self, exposures, seed=1):
        self.cosmic, self.hot, self.exposures = [], [], []
        for number, source in enumerate(exposures):
            rng, own = np.random.default_rng([seed, number]), np.random.default_rng(seed)
            exposure = source.load()
            err = np.sqrt(np.abs(exposure.flux) * 0.4 + 4)
            flux = exposure.flux + rng.normal(size=err.shape).astype(np.float32) * err
            cosmic, hot = np.zeros(err.shape, bool), np.zeros(err.shape, bool)
            for _ in range(200):
                y, x, n = rng.integers(5, 1018), rng.integers(5, 1026), rng.integers(1, 5)
                cosmic[y : y + n, x] = True
            hot[own.integers(5, 1018, 300), own.integers(5, 1026, 300)] = True
            flux[cosmic] += rng.uniform(20, 2000, cosmic.sum()).astype(np.float32) * err[cosmic]
            flux[hot] += own.uniform(20, 600, hot.sum()).astype(np.float32) * err[hot]
            self.cosmic.append(cosmic & np.isfinite(flux))
            self.hot.append(hot & np.isfinite(flux))
            self.exposures.append(replace(exposure, flux=flux, err=err, variances={"var_poisson": err**2}))

    def found(self, result):
        """Return the fractions of hits, of hot pixels and of good pixels that are flagged."""
        totals = np.zeros((3, 2))
        for exposure, mask, cosmic, hot in zip(self.exposures, result.masks, self.cosmic, self.hot, strict=True):
            image, good = mask.image(), np.isfinite(exposure.flux) & ~cosmic & ~hot
            totals += [(np.count_nonzero(group & image), group.sum()) for group in (cosmic, hot, good)]
        return totals[:, 0] / totals[:, 1]


@pytest.fixture(scope="module")
def hits(clean_exposures):
    return Hits(clean_exposures)


@pytest.fixture(scope="module")
def result(hits):
    return outlier_detection(hits.exposures, OutlierDetectionParams())


def small(flux, dq=None, detector="MIRIFUSHORT", name="x_cal.fits", **arrays):
    """Return an exposure of any shape without a WCS."""
    flux = np.asarray(flux, np.float32)
    cards = [Card("DETECTOR", detector), Card("CHANNEL", "12"), Card("BAND", "SHORT")]
    dq = np.zeros(flux.shape, np.uint32) if dq is None else dq
    err = arrays.pop("err", np.ones_like(flux))
    return Exposure(
        name=name, primary=Cards(cards), science=Cards(), wcs=None, flux=flux, err=err, dq=dq, variances=arrays
    )


def noise(n, shape=(64, 60), seed=1, **options):
    rng = np.random.default_rng(seed)
    fluxes = [rng.normal(10, 1, shape) for _ in range(n)]
    return [small(np.where(rng.random(shape) < 0.02, np.nan, flux), **options) for flux in fluxes]


def official(exposures, window, percent):
    """Return the mask as the official step makes it, with arrays of numpy."""
    least = np.full(exposures[0].flux.shape, np.nan)
    for exposure in exposures:
        flux = np.where(exposure.dq & 1, np.nan, exposure.flux.astype(float))
        padded = np.pad(flux, ((0, 0), (1, 1)))
        least = np.fmin(least, np.fmin(abs(flux - padded[:, :-2]), abs(flux - padded[:, 2:])))
    padded = np.pad(least, [(k // 2, k // 2) for k in window])
    level = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, window), axis=(-2, -1))
    level = np.maximum(level, np.nanmedian(least) / 3)
    ratio = least / level
    return ratio > np.nanpercentile(ratio[4:-4, 4:-4], percent), least


def test_two_dithers_find_hits_and_hot_pixels_and_leave_the_star(hits, result):
    cosmic, hot, good = hits.found(result)
    assert cosmic > 0.98
    assert hot > 0.99
    assert good < 5e-5
    assert result.status == "COMPLETE"


def test_hot_pixels_are_common_and_hits_are_not(hits, result):
    common = result.common["MIRIFUSHORT"].image()
    assert np.count_nonzero(common & hits.hot[0]) > 0.9 * hits.hot[0].sum()
    assert not (common & hits.cosmic[0] & ~hits.hot[0]).any()
    for mask in result.masks:
        assert (mask.image() >= common).all()


def test_flags_are_applied_to_all_arrays_and_the_input_is_untouched(hits, result):
    for before, derived, mask, fraction in zip(
        hits.exposures, result.exposures, result.masks, result.flagged, strict=True
    ):
        untouched = before.flux.copy()
        after, outliers = derived.load(), mask.image()
        bad = outliers | ~np.isfinite(before.flux)
        for array in (after.flux, after.err, *after.variances.values()):
            np.testing.assert_array_equal(np.isnan(array), bad)
        np.testing.assert_array_equal(after.dq & 17 == 17, outliers)
        np.testing.assert_array_equal(after.dq & ~np.uint32(17), before.dq & ~np.uint32(17))
        np.testing.assert_array_equal(after.flux[~bad], before.flux[~bad])
        np.testing.assert_array_equal(before.flux, untouched)
        assert derived.primary["S_OUTLIR"] == after.primary["S_OUTLIR"] == "COMPLETE"
        assert "S_OUTLIR" not in before.primary or before.primary["S_OUTLIR"] != "COMPLETE"
        assert fraction == np.count_nonzero(outliers & np.isfinite(before.flux)) / np.isfinite(before.flux).sum()


def test_masks_take_a_bit_a_pixel(result):
    assert all(mask.bits.nbytes == 1024 * 1032 // 8 for mask in result.masks)


def test_neither_order_nor_unit_nor_threads_matter(hits, result):
    def changed(exposure):
        return replace(exposure, flux=4 * exposure.flux, err=4 * exposure.err)

    with at_most(1):
        other = outlier_detection([changed(e) for e in reversed(hits.exposures)], OutlierDetectionParams())
    for mask, again in zip(result.masks, reversed(other.masks), strict=True):
        np.testing.assert_array_equal(mask.image(), again.image())


def test_an_offset_of_the_background_does_not_matter(hits):
    first, second = hits.exposures
    other = outlier_detection([first, replace(second, flux=second.flux + 25)], OutlierDetectionParams())
    cosmic, hot, good = hits.found(other)
    assert cosmic > 0.98
    assert hot > 0.99
    assert good < 5e-5


def test_a_higher_threshold_flags_less(hits, result):
    other = outlier_detection(hits.exposures, OutlierDetectionParams(snr=(300.0, 300.0)))
    for mask, fewer in zip(result.masks, other.masks, strict=True):
        assert 0 < fewer.size < mask.size
        np.testing.assert_array_equal(fewer.both(mask).image(), fewer.image())


def test_a_band_without_second_dither_gets_the_pixels_of_its_detector(hits):
    lonely = replace(hits.exposures[0], primary=hits.exposures[0].primary.updated(BAND="MEDIUM"), name="lonely")
    result = outlier_detection([*hits.exposures, lonely], OutlierDetectionParams())
    np.testing.assert_array_equal(result.masks[2].image(), result.common["MIRIFUSHORT"].image())
    assert "1 exposures of MIRIFUSHORT have no second dither" in result.reason
    assert "no second dither" in to_text(result.title, result.rows())


def test_each_exposure_is_loaded_once(hits):
    loaded = []

    def load(exposure, index):
        loaded.append(index)
        return exposure

    sources = [
        DerivedExposure(source=e, change=partial(load, index=i), primary=e.primary, science=e.science)
        for i, e in enumerate(hits.exposures)
    ]
    for params in (OutlierDetectionParams(), NEIGHBOURS()):
        loaded.clear()
        outlier_detection(sources, params)
        assert sorted(loaded) == [0, 1]


def test_partners_are_the_nearest_of_the_same_band(clean_exposures):
    def moved(index):
        chain = clean_exposures[0].wcs
        aberration = chain.aberration + np.array([0, 0, 0.3 * index, 0])
        source = clean_exposures[0]
        return DerivedExposure(
            source=source,
            change=lambda e: e,
            primary=source.primary,
            science=source.science,
            new_wcs=replace(chain, aberration=aberration),
        )

    exposures = [moved(index) for index in range(MAX_PARTNERS + 4)]
    band = exposures[0].bands[1]
    assert Partners(exposures).of(0, band) == list(range(1, MAX_PARTNERS + 1))
    assert Partners(exposures).of(2, band) == [0, 1, *range(3, MAX_PARTNERS + 1)]
    assert Partners(exposures[:2]).of(1, band) == [0]
    assert Partners(exposures).has(3)


def test_intermediate_arrays_of_the_model(hits):
    result = outlier_detection(hits.exposures, OutlierDetectionParams(save_intermediate_results=True))
    assert len(result.intermediate) == 4
    assert {item.label for item in result.intermediate} == {"ch1a_outlier_output", "ch2a_outlier_output"}
    high = result.intermediate[0].arrays["HIGH"]
    assert np.nanmedian(high[hits.cosmic[0] & np.isfinite(high)]) > 100
    assert result.intermediate[0].arrays["PREDICT"].shape == (1024, 1032)


def test_what_is_shown(hits, result):
    text = repr(result)
    assert "outlier_detection:" in text
    assert all(exposure.name in text for exposure in hits.exposures)
    (picture,) = result.pictures()
    assert picture.png.startswith(b"\x89PNG")
    assert "MIRIFUSHORT" in picture.title


@pytest.mark.parametrize(("window", "percent"), [((7, 7), 99.8), ((11, 1), 99.5), ((3, 9), 90.0)])
def test_neighbours_as_upstream(window, percent):
    exposures = noise(3)
    exposures[1].flux.flags.writeable = True
    exposures[1].flux[10:13, 20:24] = np.nan
    result = outlier_detection(exposures, UPSTREAM(kernel_size=window, threshold_percent=percent))
    expected, least = official(exposures, window, percent)
    for mask in result.masks:
        np.testing.assert_array_equal(mask.image(), expected)
    second = outlier_detection(
        exposures, UPSTREAM(kernel_size=window, threshold_percent=percent, ifu_second_check=True)
    )
    np.testing.assert_array_equal(second.masks[0].image(), expected | np.isnan(least))


def test_upstream_looks_at_flags_and_flux_only():
    exposures = noise(2)
    dq = np.zeros(exposures[0].flux.shape, np.uint32)
    dq[20, 20], dq[30, 30] = 1, 512
    err = np.ones_like(exposures[0].flux)
    err[40, 40] = np.nan
    exposures[0] = small(exposures[0].flux, dq, err=err)
    result = outlier_detection(exposures, UPSTREAM())
    np.testing.assert_array_equal(result.masks[0].image(), official(exposures, (7, 7), 99.8)[0])
    loaded = result.exposures[0].load()
    assert np.isnan([loaded.flux[20, 20], loaded.flux[40, 40]]).all()
    assert loaded.dq[40, 40] & 1


def test_upstream_makes_even_windows_odd():
    exposures = noise(2)
    even = outlier_detection(exposures, UPSTREAM(kernel_size=(4, 6)))
    odd = outlier_detection(exposures, UPSTREAM(kernel_size=(5, 7)))
    np.testing.assert_array_equal(even.masks[0].image(), odd.masks[0].image())


def test_the_border_is_flagged_no_more_than_the_rest():
    exposures = noise(4, (400, 300))
    edge = np.zeros((400, 300), bool)
    edge[:5] = edge[-5:] = True
    options = {"kernel_size": (11, 1), "threshold_percent": 99.5}
    upstream = outlier_detection(exposures, UPSTREAM(**options)).masks[0].image()
    ours = outlier_detection(exposures, NEIGHBOURS(**options)).masks[0].image()
    assert upstream[edge].mean() > 0.02
    assert ours[edge].mean() < 0.01
    assert 0.004 < ours[~edge].mean() < 0.006


def test_detectors_do_not_mix():
    short, long = noise(2), noise(2, seed=7, detector="MIRIFULONG")
    both = outlier_detection([short[0], long[0], short[1], long[1]], NEIGHBOURS())
    alone = outlier_detection(long, NEIGHBOURS())
    np.testing.assert_array_equal(both.masks[1].image(), alone.masks[0].image())
    np.testing.assert_array_equal(both.masks[3].image(), alone.masks[0].image())
    assert (both.masks[0].image() != both.masks[1].image()).any()


def test_a_detector_with_one_exposure_is_left_alone():
    shape = 1024, 1032
    exposures = [*noise(2, shape), *noise(1, shape, seed=7, detector="MIRIFULONG")]
    result = outlier_detection(exposures, NEIGHBOURS())
    assert [mask.size > 0 for mask in result.masks] == [True, True, False]
    assert "MIRIFULONG has only one exposure" in result.reason
    assert outlier_detection(exposures, UPSTREAM()).masks[2].size > 0


def test_intermediate_arrays_of_neighbours():
    exposures = noise(3)
    (item,) = outlier_detection(exposures, UPSTREAM(save_intermediate_results=True)).intermediate
    _, least = official(exposures, (7, 7), 99.8)
    assert item.label == "mirifushort_outlier_output"
    assert [array.shape for array in item.arrays.values()] == [(3, 64, 60), *[(64, 60)] * 3]
    np.testing.assert_array_equal(item.arrays["MINARR"], least.astype(np.float32))
    np.testing.assert_array_equal(np.fmin.reduce(item.arrays["DIFFARR"]), item.arrays["MINARR"])
    assert (item.primary["KERNXSZ"], item.primary["KERNYSZ"], item.primary["THRSPRC"]) == (7, 7, 99.8)


@pytest.mark.parametrize(
    ("params", "status"), [(OutlierDetectionParams(), "SKIPPED"), (NEIGHBOURS(), "SKIPPED"), (UPSTREAM(), "FAILED")]
)
def test_one_exposure_alone_is_left_as_it_is(params, status):
    (exposure,) = noise(1)
    result = outlier_detection([exposure], params)
    assert (result.status, result.flagged) == (status, (0.0,))
    assert "only one exposure" in result.reason
    assert "only one exposure" in repr(result)
    assert result.exposures[0].primary["S_OUTLIR"] == status
    np.testing.assert_array_equal(result.exposures[0].load().flux, exposure.flux)
    assert result.pictures() == []


def test_the_model_needs_two_dithers():
    first, second = noise(2)
    second = replace(second, primary=second.primary.updated(BAND="LONG"))
    result = outlier_detection([first, second], OutlierDetectionParams())
    assert result.status == "SKIPPED"
    assert "needs two or more dithers" in result.reason
    assert outlier_detection([first, second], NEIGHBOURS()).status == "COMPLETE"


def test_all_invalid_exposures_pass_through():
    exposures = [small(np.full((20, 20), np.nan)) for _ in range(2)]
    result = outlier_detection(exposures, NEIGHBOURS())
    assert [mask.size for mask in result.masks] == [0, 0]
    assert result.flagged == (0.0, 0.0)


@pytest.mark.parametrize("text", ["7 7", "7,7", "(7, 7)"])
def test_the_official_form_of_a_window(text):
    spec = OutlierDetectionParams.spec("kernel_size")
    assert spec.from_text(text) == spec.from_plain(text) == (7, 7)
    assert OutlierDetectionParams.from_dict({"method": "neighbours", "kernel_size": "11 1"}).kernel_size == (11, 1)
    assert OutlierDetectionParams.from_dict({"snr": "6.0 4.5"}).snr == (6.0, 4.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "neighbours", "kernel_size": (7, 6)}, "6 is even.*give 5 or 7"),
        ({"compat": "jwst-3.0"}, "set method = 'neighbours'"),
        ({"kernel_size": (11, 1)}, "acts only with method = 'neighbours'"),
        ({"ifu_second_check": True}, "acts only with method = 'neighbours'"),
        ({"method": "neighbours", "snr": (6.0, 4.0)}, "acts only with method = 'model'"),
        ({"snr": (4.0, 5.0)}, "must not be the larger"),
        ({"method": "neighbours", "threshold_percent": 101}, "threshold_percent = 101"),
        ({"kernel_size": "7"}, "kernel_size"),
        ({"kernel_size": "7 x"}, "kernel_size = '7 x'"),
    ],
)
def test_what_contradicts_itself_is_refused(values, message):
    with pytest.raises(ParamError, match=message):
        OutlierDetectionParams.from_dict(values)
