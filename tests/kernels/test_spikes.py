import numpy as np
import pytest
from looks import a_look, at

from mrsnb.kernels.spikes import stand_out, stand_out_alone, with_neighbours

RNG = np.random.default_rng(5)


def alone(look, *, sign=1.0, least=4.0, sharpness=6.0):
    out = np.empty(look.flux.size, np.float32)
    stand_out_alone(look, sign, least, sharpness, out)
    return out


def against(look, predicted, *, sign=1.0, least=4.0, scale=1.2, grown_scale=0.7):
    out, grown = np.empty(look.flux.size, np.float32), np.empty(look.flux.size, np.float32)
    stand_out(look, predicted, sign, least, scale, grown_scale, out, grown)
    return out, grown


def star(alpha, beta, wave, *, sigma=0.18, line=0.0):
    """A star on a background, with a line at 5.03 micron that is `line` times as bright as its continuum."""
    spectrum = 1 + line * np.exp(-0.5 * ((wave - 5.03) / 0.0013) ** 2)
    return 50 + 4000 * spectrum * np.exp(-0.5 * (alpha / sigma) ** 2) * np.exp(-0.5 * (beta / 0.3) ** 2)


def noisy(look, sigma=1.0):
    return look._replace(flux=(look.flux + RNG.normal(size=look.flux.size) * sigma).astype(np.float32))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_spike_stands_out_and_nothing_else(sign):
    look = noisy(a_look(star))
    p = at(look, 1, 30, 3)
    look.flux[p] += sign * 60
    for out in (alone(look, sign=sign), against(look, a_look(star).flux, sign=sign)[0]):
        assert np.nanargmax(out) == p
        assert 20 < out[p] < 75
        assert np.nanmax(np.delete(out, p)) < 5.5
    assert alone(look, sign=-sign)[p] < 4
    assert against(look, a_look(star).flux, sign=-sign)[0][p] < 4


def test_it_scales_with_flux_and_error():
    look = noisy(a_look(star, err=2.0), 2.0)
    look.flux[at(look, 0, 20, 8)] += 200
    twice = look._replace(flux=2 * look.flux, err=2 * look.err)
    model = a_look(star).flux
    np.testing.assert_allclose(alone(twice), alone(look), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(against(twice, 2 * model)[0], against(look, model)[0], rtol=1e-3, atol=1e-3)


def test_the_star_itself_does_not_stand_out_however_wrong_its_prediction():
    look = noisy(a_look(star))
    predicted = a_look(lambda *place: 0.6 * star(*place)).flux
    assert (look.flux - predicted).max() > 1500
    out, grown = against(look, predicted)
    assert np.nanmax(out) < 5.5
    assert np.nanmax(grown) < 5.5


def test_a_predicted_line_does_not_stand_out_an_unpredicted_one_does():
    look = noisy(a_look(lambda *place: star(*place, line=2.0)))
    half = a_look(lambda *place: star(*place, line=1.0)).flux
    assert np.nanmax(against(look, half)[0]) < 5.5
    out = against(look, a_look(star).flux)[0]
    assert np.nanmax(out) > 100
    assert abs(look.wave[np.nanargmax(out)] - 5.03) < 0.002


def knot(alpha, beta, wave):
    """A source that shines in one line only, four times as bright as in the next pixels of its slice."""
    line = np.exp(-0.5 * ((wave - 5.03) / 0.0013) ** 2)
    return 50 + 3000 * line * np.exp(-0.5 * (alpha / 0.12) ** 2) * np.exp(-0.5 * (beta / 0.3) ** 2)


def test_an_image_of_the_telescope_is_not_taken_for_a_hit():
    look = noisy(a_look(knot))
    assert np.nanmax(alone(look, sharpness=6.0)) < 5.5
    assert np.nanmax(alone(look, sharpness=1.0)) > 50
    p = at(look, 2, 12, 6)
    look.flux[p] += 500
    assert np.nanargmax(alone(look, sharpness=6.0)) == p


def test_noise_is_at_least_what_the_trace_shows():
    look = noisy(a_look(50.0), sigma=10.0)
    assert np.nanmax(alone(look)) < 12
    assert np.nanmax(against(look, np.full_like(look.flux, 50))[0]) < 12


def test_pixels_that_cannot_be_told_are_nan():
    look = a_look(1.0)
    look.flux[5] = np.nan
    predicted = np.full_like(look.flux, 1.0)
    predicted[9] = np.nan
    assert np.isnan(alone(look)[5])
    out, grown = against(look, predicted)
    assert np.flatnonzero(np.isnan(out)).tolist() == np.flatnonzero(np.isnan(grown)).tolist() == [5, 9]


def test_what_was_found_grows_to_its_neighbours_only():
    look = a_look()
    p = at(look, 1, 30, 6)
    grown = np.full(look.flux.size, 3.0, np.float32)
    for q, value in ((p + 1, 4.5), (p + 2, 9.0), (at(look, 1, 31, 6), 5.0), (at(look, 1, 29, 5), 9.0)):
        grown[q] = value
    found, out = np.zeros(look.flux.size, bool), np.zeros(look.flux.size, bool)
    found[p] = True
    with_neighbours(look, found, grown, 4.0, out)
    assert np.flatnonzero(out).tolist() == sorted([p, p + 1, at(look, 1, 31, 6)])
