from itertools import product

import numpy as np
import pytest
from numpy.polynomial.polynomial import polyval2d

from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.errors import ParamError
from mrsnb.simulate.geometry import CHANNELS, detector_geometry, dither_offsets

SETTINGS = list(product(CHANNELS, ("short", "medium", "long")))
SIGN_OF_ALPHA = {1: 1, 2: -1, 3: -1, 4: 1}
SIGN_OF_WAVE = {1: 1, 2: 1, 3: -1, 4: -1}


def pixels(geometry, strip):
    y, x = np.nonzero(geometry.slice_map == strip.label)
    alpha, wave = (polyval2d(y, x - strip.column, c) for c in (strip.alpha, strip.wave))
    return x, y, alpha, wave


@pytest.fixture(params=SETTINGS, ids="-".join)
def geometry(request):
    return detector_geometry(*request.param)


def test_every_slice_is_there_once_and_in_its_columns(geometry):
    labels = [label for channel in geometry.channels for label in channel.band.labels]
    assert sorted(np.unique(geometry.slice_map)) == [0, *labels]
    for channel in geometry.channels:
        assert [strip.label for strip in channel.slices] == list(channel.band.labels)
        _, x = np.nonzero(geometry.slice_map // 100 == channel.band.channel)
        first, end = channel.band.columns
        assert first <= x.min() < x.max() < end
    assert not geometry.slice_map.flags.writeable


def test_slices_are_apart_and_of_published_width(geometry):
    widths = {1: (15, 20), 2: (18, 24), 3: (19, 26), 4: (23, 29)}
    for row in (0, 512, 1023):
        line = geometry.slice_map[row]
        edges = np.flatnonzero(np.diff(line))
        assert len(edges) == 2 * sum(channel.band.n_slices for channel in geometry.channels)
        for label in np.unique(line[line > 0]):
            low, high = widths[label // 100]
            assert low <= (line == label).sum() <= high


def test_pixels_come_back_through_the_inverse(geometry):
    for channel in geometry.channels:
        for strip in channel.slices:
            x, y, alpha, wave = pixels(geometry, strip)
            assert np.abs(polyval2d(wave - strip.wave_mid, alpha, strip.x) - x).max() < 1e-3
            assert np.abs(polyval2d(wave - strip.wave_mid, alpha, strip.y) - y).max() < 1e-3


def test_alpha_and_wave_run_one_way_in_every_slice(geometry):
    for channel in geometry.channels:
        number = channel.band.channel
        for strip in channel.slices:
            x, y, alpha, wave = pixels(geometry, strip)
            along = np.diff(alpha)[(np.diff(y) == 0) & (np.diff(x) == 1)]
            assert (along * SIGN_OF_ALPHA[number] > 0).all()
            order = np.lexsort((y, x))
            up = np.diff(wave[order])[np.diff(x[order]) == 0]
            assert (up * SIGN_OF_WAVE[number] > 0).all()
            assert abs(alpha.min() + alpha.max()) < 0.3


def test_every_slice_covers_the_wavelengths_of_a_cube(geometry):
    for channel in geometry.channels:
        low, high = channel.band.wave_range
        assert channel.window[0] < low < high < channel.window[1]
        for strip in channel.slices:
            _, _, _, wave = pixels(geometry, strip)
            assert wave.min() < low < high < wave.max()


def test_slices_lie_side_by_side_on_the_sky(geometry):
    for channel in geometry.channels:
        beta = np.array([strip.beta for strip in channel.slices])
        np.testing.assert_allclose(np.diff(beta), channel.band.slice_width, rtol=1e-12)
        assert beta.sum() == pytest.approx(0, abs=1e-12)


def test_v2v3_and_back(geometry):
    for channel in geometry.channels:
        there, back = channel.to_v2v3, channel.to_alpha_beta
        np.testing.assert_allclose(back[:, 1:] @ there[:, 1:], np.eye(2), atol=1e-12)
        np.testing.assert_allclose(back[:, 0] + back[:, 1:] @ there[:, 0], 0, atol=1e-9)
        assert np.linalg.det(there[:, 1:]) == pytest.approx(-1, abs=0.06)  # alpha to beta turns against V2 to V3


@pytest.mark.parametrize(
    ("detector", "left_to_right"),
    [
        ("MIRIFUSHORT", [111, 121, 110, 120, 112, 101, 201, 210, 202, 211, 217, 209]),
        ("MIRIFULONG", [412, 406, 411, 405, 407, 401, 316, 308, 315, 307, 309, 301]),
    ],
)
def test_slices_interleave_as_published(detector, left_to_right):
    row = detector_geometry(detector, "short").slice_map[512]
    order = [int(label) for label in row[np.flatnonzero(np.diff(row, prepend=0))] if label]
    halves = [
        [label for label in order if label // 100 == channel] for channel in dict.fromkeys(n // 100 for n in order)
    ]
    assert [label for half in halves for label in (*half[:4], *half[-2:])] == left_to_right


@pytest.mark.parametrize(("detector", "sub_band"), list(product(CHANNELS, SUB_BANDS)))
def test_cross_dichroic_settings_show_each_channel_its_own_band(detector, sub_band):
    geometry = detector_geometry(detector, sub_band)
    windows = sorted(channel.window for channel in geometry.channels)
    assert windows[0][1] <= windows[1][0]
    for channel in geometry.channels:
        plain = detector_geometry(detector, channel.band.grating)
        same = next(c for c in plain.channels if c.band.channel == channel.band.channel)
        assert channel.band.name == Band(channel.band.channel, channel.band.grating).name == same.band.name
        np.testing.assert_array_equal(channel.slices[3].wave, same.slices[3].wave)
        np.testing.assert_array_equal(channel.to_v2v3, same.to_v2v3)


def test_dithers_repeat_after_eight():
    assert dither_offsets("point", 2) == [(1.14796, -0.43441), (-0.94204, 0.24429)]
    assert dither_offsets("extended", 9)[8] == dither_offsets("extended", 1)[0]


@pytest.mark.parametrize(("detector", "sub_band"), [("MIRIMAGE", "short"), ("MIRIFUSHORT", "SHORT")])
def test_unknown_settings_are_refused(detector, sub_band):
    with pytest.raises(ParamError, match="does not exist"):
        detector_geometry(detector, sub_band)
