import numpy as np
import pytest

from mrsnb.simulate import (
    BadPixels,
    CosmicRays,
    HotPixels,
    Noise,
    PointSource,
    Scene,
    ThermalBackground,
)
from mrsnb.simulate.exposure_wcs import Pointing
from mrsnb.simulate.geometry import detector_geometry
from mrsnb.simulate.render import look, render


@pytest.fixture(scope="module")
def view():
    return look(detector_geometry("MIRIFUSHORT", "short"), Pointing(ra=359.99999, dec=85.0, roll=70.0))


def test_an_empty_scene_gives_zeros_where_the_sky_is_seen(view):
    dark = render(Scene(), view)
    np.testing.assert_array_equal(np.isfinite(dark.flux), view.geometry.slice_map > 0)
    assert not dark.flux[view.seen].any()
    assert not dark.err[view.seen].any()
    np.testing.assert_array_equal(dark.dq, np.where(view.seen, 0, 513))


def test_background_alone_is_the_background(view):
    flux = render(Scene((ThermalBackground(),)), view).flux[view.seen]
    np.testing.assert_allclose(flux, 20 * np.exp(view.wave / 9), rtol=1e-6)


def test_light_adds(view):
    layers = (PointSource(), ThermalBackground())
    parts = [render(Scene((layer,)), view).flux.astype(float) for layer in layers]
    np.testing.assert_allclose(render(Scene(layers), view).flux, sum(parts), rtol=1e-6)


def test_the_star_is_brightest_at_the_target(view):
    flux = render(Scene((PointSource(),)), view).flux[view.seen]
    dra, ddec = view.pointing.to_offsets(view.ra, view.dec)
    for channel in view.geometry.channels:
        band = (view.wave > channel.band.wave_range[0]) & (view.wave < channel.band.wave_range[1])
        far = np.hypot(dra, ddec)
        assert np.average(far[band], weights=flux[band]) < 0.45
        assert flux[band & (far > 2)].max() < 1e-6 * flux[band].max()


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(view):
    scene = Scene((ThermalBackground(), Noise(), CosmicRays(), HotPixels(), BadPixels()))
    first, again, other, next_one = (render(scene, view, seed=s, number=n) for s, n in ((3, 1), (3, 1), (4, 1), (3, 2)))
    for name in vars(first):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    for name in ("flux", "cosmic_rays", "bad_pixels"):
        assert (getattr(first, name) != getattr(other, name)).any()
        assert (getattr(first, name) != getattr(next_one, name)).any()
    both_good = ~(first.cosmic_rays | next_one.cosmic_rays)
    np.testing.assert_array_equal(first.hot_pixels[both_good], next_one.hot_pixels[both_good])
    assert (first.hot_pixels != other.hot_pixels).any()


def test_noise_has_the_variance_that_err_states(view):
    scene = Scene((ThermalBackground(),))
    quiet, noisy = (render(s, view) for s in (scene, scene.add(Noise(shot=0.4, read=4.0))))
    pull = ((noisy.flux - quiet.flux) / noisy.err)[view.seen]
    assert pull.mean() == pytest.approx(0, abs=5e-3)
    assert pull.std() == pytest.approx(1, abs=5e-3)
    np.testing.assert_allclose(noisy.var_poisson[view.seen], 0.4 * quiet.flux[view.seen], rtol=1e-5)
    np.testing.assert_allclose((noisy.var_poisson + noisy.var_rnoise)[view.seen], noisy.err[view.seen] ** 2, rtol=1e-5)


def test_defects_leave_the_other_pixels_as_they_were(view):
    scene = Scene((ThermalBackground(), Noise()))
    clean, spoilt = (
        render(scene, view),
        render(scene.add(CosmicRays(count=300), HotPixels(count=400), BadPixels(fraction=0.01)), view),
    )
    untouched = ~(spoilt.cosmic_rays | spoilt.hot_pixels | spoilt.bad_pixels)
    np.testing.assert_array_equal(clean.flux[untouched], spoilt.flux[untouched])
    bright = (spoilt.cosmic_rays | spoilt.hot_pixels) & ~spoilt.bad_pixels
    assert ((spoilt.flux - clean.flux)[bright] > 15 * clean.err[bright]).all()
    assert (spoilt.dq[bright] == 0).all()
    assert not (spoilt.cosmic_rays & spoilt.hot_pixels).any()


def test_counts_and_flags_of_defects(view):
    seen = render(
        Scene((ThermalBackground(), CosmicRays(count=300), HotPixels(count=400), BadPixels(fraction=0.01))), view
    )
    share = view.seen.mean()
    assert 300 * share < seen.cosmic_rays.sum() < 1200 * share
    assert 0.8 * 400 * share < seen.hot_pixels.sum() <= 400
    assert seen.bad_pixels.mean() == pytest.approx(0.01, rel=0.1)
    assert (seen.dq[seen.bad_pixels] & 1025 == 1025).all()
    for name in ("flux", "err", "var_poisson", "var_rnoise", "var_flat"):
        np.testing.assert_array_equal(np.isnan(getattr(seen, name)), (seen.dq & 1) > 0)


def test_what_was_recorded_cannot_be_changed(view):
    seen = render(Scene(), view)
    with pytest.raises(ValueError, match="read-only"):
        seen.flux[0, 0] = 1


def test_the_footprint_holds_every_pixel_across_ra_zero(view):
    (west, south), (east, _), (_, north), _ = view.corners
    assert 300 < west < 360
    assert 0 < east < 60
    assert (view.dec >= south).all()
    assert (view.dec <= north).all()
    turned = (view.ra + 180) % 360
    assert (turned >= (west + 180) % 360 - 1e-9).all()
    assert (turned <= (east + 180) % 360 + 1e-9).all()
