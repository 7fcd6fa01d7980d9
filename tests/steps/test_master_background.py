import logging
from dataclasses import replace

import numpy as np
import pytest
from spectra import spectrum_of

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.dq import DQ
from mrsnb.errors import InputError, ParamError
from mrsnb.geometry.detector import wave_image
from mrsnb.simulate import ThermalBackground
from mrsnb.steps.master_background import NO_BACKGROUND, MasterBackgroundParams, master_background

NONE = MasterBackgroundParams()
AS_UPSTREAM = MasterBackgroundParams(compat="jwst-3.0")
BOTH = pytest.mark.parametrize("params", [NONE, AS_UPSTREAM], ids=["none", "jwst-3.0"])


def thermal(wave):
    return ThermalBackground().surface_brightness(None, None, np.asarray(wave))


def sky(band="1A", *, name="sky_x1d.fits", low=None, high=None, error=0.5, step=0.002, factor=1.0, **columns):
    """Return the extracted spectrum of a background exposure."""
    first, last = Band.from_name(band).wave_range
    wave = np.arange(first - 0.2 if low is None else low, last + 0.2 if high is None else high, step)
    given = {"background": factor * thermal(wave), "bkgd_error": error, "surf_bright": -99.0} | columns
    return spectrum_of(wave, band=band, name=name, **given)


def user(spectrum):
    """Return the spectrum's background as a user's own table."""
    names = {"WAVELENGTH": "WAVELENGTH", "SURF_BRIGHT": "BACKGROUND", "SB_ERROR": "BKGD_ERROR", "DQ": "DQ"}
    columns = {key: spectrum.columns[other] for key, other in names.items()}
    ones = np.ones(spectrum.wave.size)
    columns |= dict.fromkeys(("FLUX", "ERROR", "WEIGHT", "N_INPUT"), ones)
    return CombinedSpectrum(
        name="mine.fits", bands=spectrum.bands, columns=columns, source_type="", ra=0.0, dec=0.0, primary=Cards()
    )


@pytest.fixture(scope="module")
def exposure(clean_exposures):
    """An exposure far from the star's dither, in memory."""
    return clean_exposures[0].load()


@pytest.fixture(scope="module")
def empty(exposure):
    """The same without the star: only the thermal background."""
    flux = np.full(exposure.flux.shape, np.nan, np.float32)
    for band in exposure.bands:
        wave = wave_image(exposure.wcs, band)
        flux = np.where(np.isfinite(wave), thermal(wave), flux).astype(np.float32)
    return replace(exposure, flux=flux)


@pytest.fixture(scope="module")
def skies():
    return [sky("1A"), sky("2A")]


def subtracted(exposure, skies, params=NONE, **options):
    (after,) = master_background([exposure], skies, params, **options).exposures
    return after.load()


# What is subtracted


@BOTH
def test_nothing_is_left_of_a_field_without_sources(empty, skies, params):
    after = subtracted(empty, skies, params)
    used = np.isfinite(after.flux)
    assert used.sum() > 600_000
    assert np.abs(after.flux[used]).max() < 1e-4
    assert after.primary["S_MSBSUB"] == "COMPLETE"


def test_the_exposures_given_stay_as_they_are(exposure, skies):
    before = exposure.flux.copy()
    master_background([exposure], skies, NONE).exposures[0].load()
    np.testing.assert_array_equal(exposure.flux, before)


def test_the_column_background_is_used(empty):
    after = subtracted(empty, [sky("1A", background=7.0), sky("2A", background=7.0)], AS_UPSTREAM)
    seen = np.isfinite(after.flux)
    np.testing.assert_allclose((empty.flux - after.flux)[seen], 7.0, rtol=1e-5)


def test_backgrounds_are_averaged_with_their_times(empty):
    skies = [sky(b, factor=f, time=t) for b in ("1A", "2A") for f, t in ((0.8, 300.0), (1.6, 100.0))]
    after = subtracted(empty, skies)
    assert np.abs(after.flux[np.isfinite(after.flux)]).max() < 1e-4


def test_bands_that_overlap_have_tables_of_their_own(empty):
    wrong = sky("1B", low=5.6, high=6.6, background=1000.0)
    skies = [sky("1A"), sky("2A"), wrong]
    there = np.isfinite(wave_image(empty.wcs, Band(1, "short")))
    assert np.nanmax(np.abs(subtracted(empty, skies).flux[there])) < 1e-3
    assert np.nanmax(np.abs(subtracted(empty, skies, AS_UPSTREAM).flux[there])) > 100
    result = master_background([empty], skies, NONE)
    assert [b.label for b in result.backgrounds] == ["1A", "1B", "2A"]


# Errors and flags


def test_errors_are_added_in_quadrature(exposure, skies):
    after = subtracted(exposure, skies)
    used = np.isfinite(after.flux) & np.isfinite(wave_image(exposure.wcs, Band(1, "short")))
    np.testing.assert_allclose(after.err[used], np.hypot(exposure.err[used], 0.5), rtol=1e-6)
    added = after.variances["var_flat"][used] - exposure.variances["var_flat"][used]
    np.testing.assert_allclose(added, 0.25, rtol=1e-5)
    for name in ("var_poisson", "var_rnoise"):
        np.testing.assert_array_equal(after.variances[name][used], exposure.variances[name][used])
    total = sum(values[used] for values in after.variances.values())
    before = sum(values[used] for values in exposure.variances.values())
    np.testing.assert_allclose(total - before, after.err[used] ** 2 - exposure.err[used] ** 2, rtol=1e-4)


def test_upstream_leaves_errors_and_flags_alone(exposure):
    after = subtracted(exposure, [sky("1A", high=5.2)], AS_UPSTREAM)
    np.testing.assert_array_equal(after.err, exposure.err)
    np.testing.assert_array_equal(after.dq, exposure.dq)
    beyond = wave_image(exposure.wcs, Band(1, "short")) > 5.21
    np.testing.assert_array_equal(after.flux[beyond], exposure.flux[beyond])


def test_pixels_without_background_are_flagged_and_nan(exposure):
    after = subtracted(exposure, [sky("1A", low=5.0, high=5.4), sky("2A")])
    wave = wave_image(exposure.wcs, Band(1, "short"))
    outside = (wave < 4.995) | (wave > 5.405)
    inside = (wave > 5.002) & (wave < 5.396)
    assert ((after.dq[outside] & NO_BACKGROUND) == NO_BACKGROUND).all()
    for values in (after.flux, after.err, *after.variances.values()):
        assert np.isnan(values[outside]).all()
    np.testing.assert_array_equal(after.dq[inside], exposure.dq[inside])
    assert np.isfinite(after.flux[inside]).mean() > 0.99
    between = np.isnan(wave) & np.isnan(wave_image(exposure.wcs, Band(2, "short")))
    np.testing.assert_array_equal(after.dq[between], exposure.dq[between])


def test_another_bands_table_serves_beyond_the_end_of_the_own(exposure):
    after = subtracted(exposure, [sky("1A", high=5.5, background=7.0), sky("1B", low=5.4, background=9.0)])
    wave = wave_image(exposure.wcs, Band(1, "short"))
    taken = exposure.flux - after.flux
    for there, expected in ((wave < 5.499, 7.0), (wave > 5.505, 9.0)):
        seen = there & np.isfinite(taken)
        assert seen.sum() > 10_000
        np.testing.assert_allclose(taken[seen], expected, rtol=1e-4)


def test_a_band_without_background_is_flagged_and_named(exposure, caplog):
    with caplog.at_level(logging.WARNING):
        result = master_background([exposure], [sky("1A")], NONE)
    assert result.uncovered == ("2A",)
    assert "no background for 2A" in caplog.text
    assert "2A" in repr(result)
    after = result.exposures[0].load()
    there = np.isfinite(wave_image(exposure.wcs, Band(2, "short")))
    assert ((after.dq[there] & DQ.DO_NOT_USE) != 0).all()


def test_an_exposure_without_any_background_is_refused(exposure):
    with pytest.raises(InputError, match=r"no background spectrum of band 1A or 2A \(there is 1C\).*user_background"):
        master_background([exposure], [sky("1C")], NONE)


def test_a_background_that_is_missing_is_refused(exposure):
    for value, word in ((0.0, "0"), (np.nan, "NaN")):
        with pytest.raises(InputError, match=f"sky_x1d.fits: column BACKGROUND is {word} throughout"):
            master_background([exposure], [sky("1A", background=value)], NONE)


# The user's own, the median, the images


def test_the_users_background_is_taken_instead(empty, skies):
    params = MasterBackgroundParams(user_background="somewhere/mine.fits")
    result = master_background([empty], [sky("1A", background=1e4)], params, [user(s) for s in skies])
    after = result.exposures[0].load()
    assert np.nanmax(np.abs(after.flux)) < 1e-4
    assert after.primary["MASTERBG"] == "mine.fits"


def test_one_table_of_the_user_serves_all_bands(empty):
    both = user(sky("1A", low=4.8, high=9.0))
    for name in (NONE, AS_UPSTREAM):
        after = subtracted(empty, [sky("1A")], name, user_background=[both])
        assert np.nanmax(np.abs(after.flux)) < 1e-4


def test_the_users_background_needs_no_members(empty, skies):
    tables = [user(s) for s in skies]
    assert master_background([empty], [], NONE, tables).status == "COMPLETE"
    skipped = master_background([empty], [], AS_UPSTREAM, tables)
    assert "ignores user_background" in skipped.reason


def test_the_median_takes_spikes_out_and_leaves_the_ends(empty):
    spiky = thermal(sky("1A").wave)
    spiky[100] += 500
    skies = [sky("1A", background=spiky), sky("2A")]
    there = np.isfinite(wave_image(empty.wcs, Band(1, "short")))
    rough, smooth = (subtracted(empty, skies, MasterBackgroundParams(median_kernel=k)).flux[there] for k in (1, 5))
    assert np.nanmax(np.abs(rough)) > 100
    assert np.nanmax(np.abs(smooth)) < 0.02
    result = master_background([empty], skies, MasterBackgroundParams(median_kernel=5))
    assert result.backgrounds[0].sb_error[50] == pytest.approx(0.5 * 0.5356, rel=0.02)


def test_upstream_takes_zeros_in_at_the_ends_and_makes_widths_odd(empty, skies):
    wide, odd = (
        master_background([empty], skies, MasterBackgroundParams(compat="jwst-3.0", median_kernel=k)).backgrounds[0]
        for k in (6, 5)
    )
    np.testing.assert_array_equal(wide.surf_bright, odd.surf_bright)
    np.testing.assert_allclose(wide.surf_bright[-1], thermal(wide.wave[-3]), rtol=1e-12)  # two too blue
    with pytest.raises(ParamError, match=r"median_kernel = 6: must be odd, e\.g\. 5 or 7"):
        MasterBackgroundParams(median_kernel=6)


@BOTH
def test_images_show_what_was_subtracted(empty, skies, params):
    result = master_background([empty], skies, params)
    image, after = result.images[0].load(), result.exposures[0].load()
    used = np.isfinite(after.flux) & np.isfinite(wave_image(empty.wcs, Band(1, "short")))
    np.testing.assert_allclose(image.flux[used], (empty.flux - after.flux)[used], atol=1e-4)
    if params is NONE:
        np.testing.assert_allclose(image.err[used], 0.5, rtol=1e-6)


# When it is left out


def test_there_must_be_a_background(exposure):
    result = master_background([exposure], [], NONE)
    assert result.status == "SKIPPED"
    assert result.exposures == (exposure,)
    assert "no background members" in repr(result)


@pytest.mark.parametrize("key", ["S_BKDSUB", "S_MSBSUB"])
@BOTH
def test_a_background_is_not_subtracted_twice(exposure, key, params):
    done = replace(exposure, primary=exposure.primary.updated(**{key: "COMPLETE"}))
    skies = [replace(s, primary=s.primary.updated(**{key: "COMPLETE"})) for s in (sky("1A"), sky("2A"))]
    result = master_background([done], skies, params)
    assert "force_subtract = True" in result.reason
    after = result.exposures[0].load()
    np.testing.assert_array_equal(after.flux, exposure.flux)
    kept = params is NONE and key == "S_MSBSUB"
    assert after.primary["S_MSBSUB"] == ("COMPLETE" if kept else "SKIPPED")
    forced = master_background([done], skies, replace(params, force_subtract=True))
    assert forced.status == "COMPLETE"


@BOTH
def test_a_mixture_is_left_alone_with_a_warning(exposure, skies, params, caplog):
    done = replace(exposure, name="done.fits", primary=exposure.primary.updated(S_BKDSUB="COMPLETE"))
    with caplog.at_level(logging.WARNING):
        result = master_background([exposure, done], skies, params)
    assert "from 1 of 4 members (done.fits" in result.reason
    assert "some members only: done.fits" in caplog.text
    assert [e.primary["S_MSBSUB"] for e in result.exposures] == ["SKIPPED", "SKIPPED"]


def test_the_result_shows_itself(exposure, skies):
    result = master_background([exposure], skies, NONE, name="sky_a3001_masterbg1d.fits")
    assert "background 1A" in repr(result)
    assert len(result.pictures()) == 1
    assert result.backgrounds[0].name == "sky_a3001_masterbg1d.fits"
    assert "master_background" in result.backgrounds[0].history["parameters"]
    assert master_background([exposure], [], NONE).pictures() == []


def test_a_channel_that_the_wcs_lacks_has_no_background_and_is_no_failure(exposure, skies):
    loaded = exposure.load()
    narrow = replace(loaded, wcs=replace(loaded.wcs, channels={1: loaded.wcs.channels[1]}))
    whole, part = subtracted(loaded, skies), subtracted(narrow, skies)
    changed_whole, changed_part = whole.flux != loaded.flux, part.flux != loaded.flux
    half = loaded.flux.shape[1] // 2
    assert changed_part.any()
    np.testing.assert_array_equal(part.flux[:, :half], whole.flux[:, :half])
    assert np.count_nonzero(changed_part & ~np.isnan(loaded.flux)) < np.count_nonzero(
        changed_whole & ~np.isnan(loaded.flux)
    )


def test_exposures_share_a_background_only_if_they_see_the_same_bands(exposure, skies):
    loaded = exposure.load()
    other = replace(loaded, primary=loaded.primary.updated(CHANNEL="1"))
    one, two = subtracted(loaded, skies), subtracted(other, skies)
    assert not np.array_equal(one.flux, two.flux, equal_nan=True)
