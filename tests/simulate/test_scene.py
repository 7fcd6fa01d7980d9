import json

import numpy as np
import pytest

from mrsnb.errors import ParamError
from mrsnb.simulate import (
    LINES,
    STAR,
    BadPixels,
    CosmicRays,
    EmissionLine,
    ExtendedSource,
    Fringes,
    HotPixels,
    MovingTarget,
    Noise,
    PointSource,
    Scene,
    SpectralLeak,
    ThermalBackground,
)
from mrsnb.simulate.layers import KINDS, STERADIAN

RNG = np.random.default_rng(1)
SKY = (RNG.uniform(-2, 2, 500), RNG.uniform(-2, 2, 500), RNG.uniform(5, 28, 500))


def pixel_grid(half_width, step):
    offsets = np.arange(-half_width, half_width + step / 2, step)
    return np.meshgrid(offsets, offsets)


def test_a_layer_of_ones_own_needs_one_function_only():
    class Checkerboard:
        def surface_brightness(self, dra, ddec, wave):  # noqa: ARG002
            return 100.0 * ((np.floor(dra) + np.floor(ddec)) % 2)

    scene = Scene((Checkerboard(),))
    assert set(scene.surface_brightness(*SKY)) == {0.0, 100.0}
    assert scene.to_dict() == {"layers": [{"kind": "Checkerboard"}]}


def test_nothing_shines_in_an_empty_scene():
    assert not Scene().surface_brightness(*SKY).any()


def test_layers_add():
    layers = (PointSource(dra=0.3, lines=LINES), ExtendedSource(level=50, slope=1.0), ThermalBackground())
    each = sum(Scene((layer,)).surface_brightness(*SKY) for layer in layers)
    np.testing.assert_allclose(Scene(layers).surface_brightness(*SKY), each, rtol=1e-13)
    np.testing.assert_allclose(Scene(layers[::-1]).surface_brightness(*SKY), each, rtol=1e-13)


def test_adding_and_removing_leaves_the_base_as_it_was():
    base = Scene((ThermalBackground(),))
    more = base.add(PointSource(), Fringes())
    assert base == Scene((ThermalBackground(),))
    assert more.without(Fringes).without(PointSource) == base
    with pytest.raises(AttributeError):
        base.layers = ()
    with pytest.raises(AttributeError):
        more.layers[1].flux10 = 2.0


@pytest.mark.parametrize("wave", [5.0, 12.0, 28.0])
def test_all_light_of_a_point_source_is_in_its_image(wave):
    source = PointSource(dra=0.11, ddec=-0.23, flux10=0.3, slope=-2.0)
    dra, ddec = pixel_grid(6.0, 0.04)
    image = source.surface_brightness(dra, ddec, np.full_like(dra, wave))
    assert image.sum() * 0.04**2 * STERADIAN * 1e6 == pytest.approx(0.3 * (wave / 10) ** -2, rel=1e-6)
    assert (dra * image).sum() / image.sum() == pytest.approx(0.11, abs=1e-6)
    assert (ddec * image).sum() / image.sum() == pytest.approx(-0.23, abs=1e-6)


def test_a_line_has_the_peak_width_and_place_that_it_says():
    line = EmissionLine(wave=12.814, peak=0.08, resolving_power=1000.0)
    source = PointSource(flux10=0.0, lines=(line,))
    half = 12.814 * (1 + 0.5 / 1000)
    assert source.flux(np.array([12.814, half, 12.9])) == pytest.approx([0.08, 0.04, 0.0], abs=1e-9)
    assert line.fwhm_kms == pytest.approx(299.792458)
    assert source.flux(12.814) == pytest.approx(0.08)


@pytest.mark.parametrize(("profile", "total"), [("exponential", 2 * np.pi), ("gaussian", 2 * np.pi)])
def test_extended_source_has_the_light_and_the_axes_that_it_says(profile, total):
    source = ExtendedSource(level=100, scale=0.5, profile=profile, axis_ratio=0.4, position_angle=90.0)
    dra, ddec = pixel_grid(9.0, 0.03)
    image = source.surface_brightness(dra, ddec, np.full_like(dra, 10.0))
    assert image.sum() * 0.03**2 == pytest.approx(100 * total * 0.5**2 * 0.4, rel=2e-3)
    widths = [np.sqrt((axis**2 * image).sum() / image.sum()) for axis in (dra, ddec)]
    assert widths[1] / widths[0] == pytest.approx(0.4, rel=1e-2)


def test_position_angle_turns_from_north_to_east():
    source = ExtendedSource(scale=0.5, profile="gaussian", axis_ratio=0.2, position_angle=30.0)
    along = source.surface_brightness(np.array([0.5]), np.array([np.sqrt(3) / 2]), np.array([10.0]))
    assert along == pytest.approx(100 * np.exp(-2.0))


def test_leak_is_half_the_wavelength_seen_in_3a_only():
    wave = np.array([6.1, 10.0, 12.217, 13.0])
    zero = np.zeros(4)
    plain = Scene((ThermalBackground(),))
    leak = plain.add(SpectralLeak(fraction=0.03)).surface_brightness(zero, zero, wave)
    leak -= plain.surface_brightness(zero, zero, wave)
    assert leak[2] == pytest.approx(0.03 * 20 * np.exp(12.217 / 2 / 9))
    assert leak[[0, 1, 3]] == pytest.approx(0, abs=1e-6)


def test_fringes_multiply_with_their_period():
    fringes = Fringes(amplitude=0.1, period=2.9)
    wavenumber = np.linspace(1000, 1000 + 10 * 2.9, 1001)[:-1]
    factor = fringes.factor(1e4 / wavenumber)
    assert factor.mean() == pytest.approx(1.0)
    assert factor.max() == pytest.approx(1.1, abs=1e-4)
    assert factor[:100] == pytest.approx(factor[100:200])


def test_default_scene_is_the_star_of_the_demo():
    (star,) = STAR.only(PointSource)
    assert star.flux(np.array([10.0, 20.0])) == pytest.approx([0.05, 0.025])
    assert [line.wave for line in star.lines][:2] == [5.511, 6.985]
    assert STAR.source_type == "POINT"
    assert STAR.without(PointSource).source_type == "EXTENDED"
    assert STAR.motion is None
    assert STAR.add(MovingTarget(rate_ra=1)).motion == MovingTarget(rate_ra=1)


def test_a_scene_with_every_kind_of_layer_survives_json():
    scene = Scene(tuple(kind() for kind in KINDS.values())).add(*STAR.layers)
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"kind": "PointSorce"}, "did you mean 'PointSource'"),
        ({"kind": "PointSource", "flux": 1}, "did you mean 'flux10'"),
        ({"kind": "PointSource", "flux10": "bright"}, "flux10 = 'bright' of PointSource"),
        ({"kind": "PointSource", "lines": [{"wave": 5.0, "peek": 1}]}, "did you mean 'peak'"),
        ({"kind": "CosmicRays", "count": -1}, "must not be negative"),
    ],
)
def test_a_bad_description_is_refused_by_name(layer, message):
    with pytest.raises(ParamError, match=message):
        Scene.from_dict({"layers": [layer]})


@pytest.mark.parametrize(
    "make",
    [
        lambda: EmissionLine(wave=0.0, peak=1.0),
        lambda: ExtendedSource(scale=-1.0),
        lambda: ExtendedSource(profile="sersic"),
        lambda: ThermalBackground(scale=0.0),
        lambda: Fringes(period=float("nan")),
        lambda: CosmicRays(count=-1),
        lambda: HotPixels(count=-1),
        lambda: BadPixels(fraction=1.5),
        lambda: Noise(shot=-1.0),
        lambda: Scene(("a star",)),
    ],
)
def test_impossible_layers_are_refused(make):
    with pytest.raises(ParamError):
        make()
