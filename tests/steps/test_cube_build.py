import errno
import logging
import os
import tempfile
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.wcs import WCS

from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
from mrsnb.core.dq import DQ
from mrsnb.core.exposure import Described
from mrsnb.core.references import Emsm, Msm
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry
from mrsnb.steps.cube_build import CubeBuildParams, cube_build, plan_cubes


def changed(exposure, **arrays):
    """Return a loaded exposure with other arrays."""
    loaded = exposure.load()
    return replace(loaded, **{name: make(getattr(loaded, name).copy()) for name, make in arrays.items()})


def assert_same(one, two, rtol=1e-6):
    """Both cubes hold the same numbers."""
    np.testing.assert_array_equal(one.dq, two.dq)
    np.testing.assert_array_equal(one.weight, two.weight)
    np.testing.assert_allclose(one.flux, two.flux, rtol=rtol)
    np.testing.assert_allclose(one.err, two.err, rtol=rtol)


def grid_of(cube):
    """Return the options that ask for the grid of a cube."""
    grid = cube.grid
    return {"ra_center": grid.ra, "dec_center": grid.dec, "nspax_x": grid.n_x, "nspax_y": grid.n_y}


@pytest.fixture(scope="module")
def two(clean_exposures):
    return clean_exposures[:2]


@pytest.fixture(scope="module")
def cube(build, two):
    return build(two)


# What comes out


def test_arrays_fit_the_grid_and_each_other(cube):
    assert isinstance(cube, Cube)
    for array, dtype in ((cube.flux, "f4"), (cube.err, "f4"), (cube.dq, "u4"), (cube.weight, "f4")):
        assert array.shape == cube.grid.shape
        assert array.dtype == dtype
        assert not array.flags.writeable
    empty = cube.weight == 0
    np.testing.assert_array_equal(np.isnan(cube.flux), empty)
    np.testing.assert_array_equal(np.isnan(cube.err), empty)
    np.testing.assert_array_equal(cube.dq != 0, empty)
    assert 0.3 < empty.mean() < 0.7
    assert (cube.err[~empty] > 0).all()


def test_the_grid_is_that_of_the_reference_values(cube):
    assert cube.grid.spaxel_size == 0.13
    np.testing.assert_allclose(cube.grid.wave, 5.002 + 0.004 * np.arange(51), rtol=1e-12)
    assert cube.grid.n_x % 2 == cube.grid.n_y % 2 == 1


def test_keywords_place_the_voxels(cube):
    header = cube.science
    assert [header[key] for key in ("CTYPE1", "CTYPE2", "CTYPE3")] == ["RA---TAN", "DEC--TAN", "WAVE"]
    assert (header["CRVAL1"], header["CRVAL2"]) == (cube.grid.ra, cube.grid.dec)
    assert (header["CRPIX1"], header["CRPIX2"]) == (cube.grid.n_x // 2 + 1, cube.grid.n_y // 2 + 1)
    assert header["CRVAL3"] == pytest.approx(cube.grid.wave[0])
    assert header["CDELT3"] == pytest.approx(0.004)
    assert header["PIXAR_A2"] == pytest.approx(0.13**2)
    assert cube.primary["CHANNEL"] == "1"
    assert cube.primary["BAND"] == "SHORT"
    assert cube.primary["WTYPE"] == "drizzle"
    assert cube.primary["R_CUBPAR"] == "a test"


def test_it_is_named_after_its_band_and_says_how_it_was_made(cube):
    assert (cube.name, cube.label) == ("test_ch1-short_s3d.fits", "1A")
    assert len(cube.inputs) == 2
    assert cube.history["parameters"]["cube_build"]["channel"] == "1"


def test_the_star_is_where_the_keywords_say(clean_cube):
    image = clean_cube.collapsed()
    light = np.nan_to_num(image - np.nanmedian(image)).clip(0)
    light[light < 0.05 * light.max()] = 0
    y, x = np.indices(image.shape)
    header = {key: clean_cube.science[key] for key in clean_cube.science if key[:2] in ("CR", "CD", "CT", "CU", "PC")}
    wcs = WCS({key: value for key, value in header.items() if "3" not in key} | {"NAXIS": 2})
    ra, dec = wcs.all_pix2world((x * light).sum() / light.sum(), (y * light).sum() / light.sum(), 0)
    target = clean_cube.primary["TARG_RA"], clean_cube.primary["TARG_DEC"]
    assert (ra - target[0]) * np.cos(np.deg2rad(dec)) * 3600 == pytest.approx(0, abs=0.03)
    assert (dec - target[1]) * 3600 == pytest.approx(0, abs=0.03)


def test_the_background_is_that_of_the_scene(clean_cube):
    """Far from the star: 20 MJy/sr x exp(wave / 9 micron)."""
    y, x = np.indices(clean_cube.flux.shape[1:])
    centre = np.unravel_index(np.nanargmax(clean_cube.collapsed()), y.shape)
    far = np.hypot(y - centre[0], x - centre[1]) > 14
    found = np.nanmedian(clean_cube.flux[:, far], axis=1)
    np.testing.assert_allclose(found, 20 * np.exp(clean_cube.grid.wave / 9), rtol=1e-3)


# Laws


def test_the_order_of_exposures_is_irrelevant(build, two, cube):
    assert_same(build(two[::-1]), cube)


def test_scaling_the_exposures_scales_the_cube(build, two, cube):
    scaled = build([changed(e, flux=lambda f: 4 * f, err=lambda f: 4 * f) for e in two])
    assert_same(replace(scaled, flux=scaled.flux / 4, err=scaled.err / 4), cube)


def test_the_same_exposure_twice_is_itself_with_half_the_variance(build, two):
    once, twice = build(two[:1]), build([two[0], two[0]])
    np.testing.assert_allclose(twice.flux, once.flux, rtol=1e-6)
    np.testing.assert_allclose(twice.err, once.err / np.sqrt(2), rtol=1e-6)
    np.testing.assert_array_equal(twice.weight, 2 * once.weight)
    np.testing.assert_array_equal(twice.dq, once.dq)


def test_weights_of_exposures_add_up(build, two, cube):
    alone = [build([e], **grid_of(cube)).weight for e in two]
    np.testing.assert_array_equal(alone[0] + alone[1], cube.weight)


@pytest.mark.parametrize("flag", [DQ.DO_NOT_USE, DQ.NON_SCIENCE, DQ.DO_NOT_USE | DQ.JUMP_DET])
def test_flagged_pixels_never_contribute(build, two, flag):
    hit = np.random.default_rng(1).random((1024, 1032)) < 0.1
    without = build([changed(e, flux=lambda f: np.where(hit, np.float32(np.nan), f)) for e in two])
    wild = {"flux": lambda f: np.where(hit, np.float32(1e12), f), "dq": lambda d: np.where(hit, np.uint32(flag), d)}
    assert_same(build([changed(e, **wild) for e in two]), without, rtol=0)


@pytest.mark.parametrize("name", ["flux", "err"])
def test_pixels_without_a_number_never_contribute(build, two, name):
    hit = np.random.default_rng(1).random((1024, 1032)) < 0.1
    without = build([changed(e, flux=lambda f: np.where(hit, np.float32(np.nan), f)) for e in two])
    assert_same(build([changed(e, **{name: lambda a: np.where(hit, np.float32(np.nan), a)}) for e in two]), without, 0)


def test_a_variance_without_a_number_takes_its_pixel_out(build, two):
    hit = np.random.default_rng(1).random((1024, 1032)) < 0.1
    without = build([changed(e, flux=lambda f: np.where(hit, np.float32(np.nan), f)) for e in two])

    def spoiled(variances):
        return variances | {"var_flat": np.where(hit, np.float32(np.nan), variances["var_flat"])}

    assert_same(build([changed(e, variances=spoiled) for e in two]), without, rtol=0)


def test_other_flags_do_no_harm(build, two, cube):
    marked = [changed(e, dq=lambda d: d | np.uint32(DQ.JUMP_DET | DQ.HOT | DQ.UNRELIABLE_SLOPE)) for e in two]
    assert_same(build(marked), cube, rtol=0)


def test_inputs_are_left_as_they_were(build, two):
    loaded = [e.load() for e in two]
    before = [e.flux.tobytes() + e.dq.tobytes() for e in loaded]
    build(loaded)
    assert [e.flux.tobytes() + e.dq.tobytes() for e in loaded] == before


class Counted(Described):
    """An exposure on disk that knows how many like it are in memory."""

    alive: set[int] = set()  # noqa: RUF012
    most = 0
    loads = 0

    def __init__(self, source):
        self.source = source
        self.name, self.primary, self.science, self.wcs = source.name, source.primary, source.science, source.wcs

    def load(self):
        exposure = self.source.load()
        Counted.loads += 1
        Counted.alive.add(key := Counted.loads)
        weakref.finalize(exposure, Counted.alive.discard, key)
        Counted.most = max(Counted.most, len(Counted.alive))
        return exposure


def test_one_exposure_is_in_memory_at_a_time(clean_exposures, cubepars):
    result = cube_build([Counted(e) for e in clean_exposures], CubeBuildParams(), cubepars)
    assert [c.label for c in result.cubes] == ["1A", "2A"]
    assert Counted.loads == len(clean_exposures)  # once, for both channels
    assert Counted.most == 1
    assert not Counted.alive


def test_planning_loads_nothing(clean_exposures, cubepars):
    before = Counted.loads
    assert len(list(plan_cubes([Counted(e) for e in clean_exposures], CubeBuildParams(), cubepars))) == 2
    assert Counted.loads == before


def test_a_cube_that_the_limit_has_no_room_for_is_built_through_the_disk(clean_exposures, cubepars, monkeypatch):
    params = CubeBuildParams(channel="1", memory_limit=0.1)
    (expected,) = cube_build(clean_exposures, params, cubepars).cubes
    made = []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda real=tempfile.TemporaryFile, **k: made.append(k) or real(**k))
    monkeypatch.setattr("mrsnb.steps.cube_build.plan.BYTES_A_VOXEL", 10_000)
    (found,) = cube_build(clean_exposures, params, cubepars).cubes
    assert len(made) == 1
    for name in ("flux", "err", "dq", "weight"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_cube_within_the_limit_must_fit_into_the_memory_there_is(clean_exposures, cubepars, monkeypatch):
    monkeypatch.setattr("mrsnb.steps.cube_build.plan.available_memory", lambda: 1e-6)
    with pytest.raises(ParamError, match=r"GB of memory.*a lower memory_limit"):
        plan_cubes(clean_exposures, CubeBuildParams(channel="1", memory_limit=100.0), cubepars)


def test_room_is_asked_of_the_disk_that_will_hold_the_cube(clean_exposures, cubepars, monkeypatch, tmp_path):
    params = CubeBuildParams(channel="1", memory_limit=0.1)
    monkeypatch.setattr("mrsnb.steps.cube_build.plan.BYTES_A_VOXEL", 10_000)
    free = {tmp_path: 10**15}
    monkeypatch.setattr("mrsnb.steps.cube_build.plan.disk_usage", lambda path: SimpleNamespace(free=free.get(path, 1)))
    plan_cubes(clean_exposures, params, cubepars, folder=tmp_path / "not" / "made yet")
    with pytest.raises(ParamError, match="GB on the disk"):
        plan_cubes(clean_exposures, params, cubepars)


def test_a_disk_without_room_for_the_cube_is_said(clean_exposures, cubepars, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr("mrsnb.steps.cube_build.plan.BYTES_A_VOXEL", 10_000)
    with pytest.raises(OutputError, match=r"no file of [\d.]+ GB can be made there: No space left on device"):
        cube_build(clean_exposures, CubeBuildParams(channel="1", memory_limit=0.1), cubepars)


def test_it_is_the_same_with_any_number_of_threads(clean_exposures, cubepars, monkeypatch):
    found = []
    for n in ("1", "2", "3"):
        monkeypatch.setenv("MRSNB_NUM_THREADS", n)
        for how in ({}, {"compat": "jwst-3.0"}):
            (cube,) = cube_build(clean_exposures, CubeBuildParams(channel="2", **how), cubepars).cubes
            found.append((str(how), cube.flux.tobytes(), cube.err.tobytes(), cube.dq.tobytes(), cube.weight.tobytes()))
    assert len(set(found)) == 2


# Which cubes


class Bare(Described):
    """An exposure without arrays: enough to plan with."""

    def __init__(self, like, detector, sub_band):
        geometry = detector_geometry(detector, sub_band)
        channel = "12" if detector == "MIRIFUSHORT" else "34"
        wcs = exposure_wcs(geometry, Pointing(ra=202.4695, dec=47.1952))
        self.name = f"{detector}_{sub_band}_cal.fits"
        self.primary = like.primary.updated(DETECTOR=detector, CHANNEL=channel, BAND=sub_band.upper())
        self.science = like.science
        self.wcs = compile_chain(read_tree(_document(wcs)))

    def load(self):
        pytest.fail("arrays were read")


def _document(wcs):
    from io import BytesIO

    import asdf

    out = BytesIO()
    asdf.AsdfFile({"meta": {"wcs": wcs}}).write_to(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def three_settings(two):
    settings = [("MIRIFULONG", "medium"), ("MIRIFUSHORT", "short"), ("MIRIFUSHORT", "long-short")]
    return [Bare(two[0], *setting) for setting in settings]


@pytest.fixture(scope="module")
def all_bands(cubepars):
    """The same coarse sampling for every band."""
    from mrsnb.core.references import Sampling

    samplings = {}
    for channel in (1, 2, 3, 4):
        for sub_band in ("short", "medium", "long", "long-short"):
            low, high = Band(channel, sub_band).wave_range
            samplings[channel, sub_band] = Sampling(0.2, 0.1, low, high)
    return replace(cubepars, sampling=samplings)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["1 short", "1 long-short", "2 short", "2 long-short", "3 medium", "4 medium"]),
        ({"channel": "2"}, ["2 short", "2 long-short"]),
        ({"band": "medium"}, ["3 medium", "4 medium"]),
        ({"channel": "4", "band": "medium"}, ["4 medium"]),
        ({"band": "long-short"}, ["1 long-short", "2 long-short"]),
    ],
)
def test_cubes_come_in_order_of_channel_and_setting(three_settings, all_bands, options, expected):
    plans = list(plan_cubes(three_settings, CubeBuildParams(**options), all_bands))
    assert [f"{b.channel} {b.sub_band}" for plan in plans for b in plan.bands] == expected
    for plan in plans:
        (band,) = plan.bands
        assert [e.name for e in plan.exposures] == [e.name for e in three_settings if band in e.bands]


@pytest.mark.parametrize("options", [{"channel": "3", "band": "short"}, {"band": "long"}, {"band": "short-long"}])
def test_a_channel_or_band_that_is_not_there_is_refused_with_what_is(three_settings, all_bands, options):
    with pytest.raises(ParamError, match=r"no exposure has it \(found channel 1 .*channel 4 medium\)") as error:
        list(plan_cubes(three_settings, CubeBuildParams(**options), all_bands))
    assert all(repr(value) in str(error.value) for value in options.values())


def test_no_exposures_are_refused(cubepars):
    with pytest.raises(ParamError, match="found none"):
        list(plan_cubes([], CubeBuildParams(), cubepars))


def test_header_and_wcs_that_conflict_are_refused(two, all_bands):
    liar = changed(two[0])
    liar = replace(liar, name="liar_cal.fits", primary=liar.primary.updated(BAND="LONG"))
    with pytest.raises(InputError, match=r"liar_cal.fits: BAND = 'LONG' says 6.53 to 7.65 .*header and WCS conflict"):
        list(plan_cubes([two[1], liar], CubeBuildParams(channel="1"), all_bands))


def test_a_band_without_reference_values_is_refused(two, cubepars):
    bare = replace(cubepars, sampling={(2, "short"): cubepars.sampling[2, "short"]})
    with pytest.raises(InputError, match="a test: no sampling for channel 1, short"):
        list(plan_cubes(two, CubeBuildParams(), bare))


def test_an_exposure_without_a_good_pixel_adds_nothing_but_a_line_in_the_log(build, two, cube, caplog):
    dead = changed(two[1], dq=lambda d: d | np.uint32(1))
    with caplog.at_level(logging.WARNING, logger="mrsnb"):
        found = build([two[0], dead])
    assert f"{two[1].name}: no pixel falls into the cube" in caplog.text
    alone = build(two[:1], **grid_of(cube))
    np.testing.assert_array_equal(found.flux, alone.flux)
    np.testing.assert_array_equal(found.weight, alone.weight)


# Where the observatory's package is wrong


def holed(exposure):
    """Return the exposure with all pixels bad that look at the middle of the field: 3 slices of 11 columns."""
    slice_map = exposure.wcs.slice_map
    bad = np.zeros(slice_map.shape, bool)
    for label in (110, 111, 112):
        columns = np.flatnonzero((slice_map == label).any(axis=0))
        middle = columns[len(columns) // 2]
        bad[:, middle - 5 : middle + 6] |= slice_map[:, middle - 5 : middle + 6] == label
    return changed(exposure, dq=lambda d: np.where(bad, np.uint32(1), d))


def test_a_hole_in_the_field_is_flagged_unless_as_upstream_or_asked_not_to(build, two):
    exposures = [holed(two[0])]
    right = build(exposures)
    inner = right.dq == 1
    assert inner.any(axis=(1, 2)).all()  # in every plane
    assert inner.sum(axis=(1, 2)).max() < 0.1 * (right.dq == 0).sum(axis=(1, 2)).min()
    assert not inner[:, [0, -1]].any()
    assert not inner[:, :, [0, -1]].any()
    assert right.holes == inner.sum()
    for options in ({"compat": "jwst-3.0"}, {"skip_dqflagging": True}):
        other = build(exposures, **options)
        assert not (other.dq == 1).any()
        assert other.holes == 0
        np.testing.assert_array_equal(other.dq == 0, right.dq == 0)
    plain = build(two[:1])
    assert (plain.dq == 1).sum() < 0.05 * inner.sum()


def test_as_upstream_the_light_is_the_same_to_a_hundred_thousandth(build, two, cube):
    upstream = build(two, compat="jwst-3.0")
    np.testing.assert_array_equal(upstream.weight > 0, cube.weight > 0)
    assert (upstream.weight == cube.weight).mean() > 0.999
    np.testing.assert_allclose(upstream.flux, cube.flux, rtol=1e-4)
    assert not np.array_equal(upstream.flux, cube.flux, equal_nan=True)


def test_a_cube_cut_on_the_left_keeps_its_first_spaxels(build, two, cube):
    """Upstream folds pixels that reach over the lower edges (fact 3.6.10); by default a cut cube is a cut-out."""
    options = grid_of(cube) | {"nspax_x": 11, "nspax_y": 11}
    y, x = cube.grid.n_y // 2, cube.grid.n_x // 2
    cut = build(two, **options)
    window = np.s_[:, y - 5 : y + 6, x - 5 : x + 6]
    np.testing.assert_allclose(cut.flux, cube.flux[window], rtol=1e-6)
    np.testing.assert_array_equal(cut.weight, cube.weight[window])
    upstream = build(two, compat="jwst-3.0", **options)
    assert (upstream.weight[:, :, :2] < cut.weight[:, :, :2]).any() or (
        upstream.weight[:, :2] < cut.weight[:, :2]
    ).any()


# What is shown


def test_the_result_says_what_it_made(two, cubepars):
    result = cube_build(two, CubeBuildParams(), cubepars, product="ngc.1")
    assert result.title == "cube_build: 1A, 2A"
    assert [cube.name for cube in result.cubes] == ["ngc.1_ch1-short_s3d.fits", "ngc.1_ch2-short_s3d.fits"]
    text = repr(result)
    assert "51 x" in text
    assert "ngc.1_ch2-short_s3d.fits" in result._repr_mimebundle_()["text/html"]


# What is asked for and is not there


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wavemin": 30.0, "wavemax": 31.0}, "cube's bands"),
        ({"wavemin": 30.0, "wavemax": 31.0, "output_type": "multi"}, "cube's bands"),
        ({"wavemax": 4.0}, "nothing there"),
        ({"ra_center": 10.0, "dec_center": -60.0, "nspax_x": 11, "nspax_y": 11}, "outside the cube"),
        ({"ra_center": 10.0, "dec_center": -60.0}, "ra_center = 10"),
    ],
)
def test_a_cube_of_nothing_is_refused(two, cubepars, options, words):
    with pytest.raises(ParamError, match=words):
        cube_build(two, CubeBuildParams(channel="1", **options), cubepars)


@pytest.mark.parametrize("options", [{"wavemin": -1.0}, {"wavemax": 1e9}])
def test_wavelengths_that_nothing_has_are_refused(options):
    with pytest.raises(ParamError, match="from 0 to 100"):
        CubeBuildParams(**options)


# The pixels of a voxel


@pytest.mark.parametrize("weighting", ["drizzle", "emsm", "msm"])
def test_the_pixels_of_a_voxel_make_its_flux_and_are_shown(two, cubepars, weighting):
    voxel = (25, 20, 5)
    params = CubeBuildParams(channel="1", weighting=weighting, debug_spaxel=voxel)
    key = (1, "short")
    weights = replace(cubepars, emsm={key: Emsm(0.2, 0.01, 0.1)}, msm={key: Msm(0.2, 0.01, 2.0, 0.01)})
    result = cube_build(two, params, weights)
    (asked,), (cube,) = result.contributions, result.cubes
    x, y, z = voxel
    assert asked.flux == pytest.approx(cube.flux[z, y, x], rel=1e-4)
    assert len(asked.pixels) == cube.weight[z, y, x]
    first = asked.pixels[0]
    for text in (repr(result), result._repr_mimebundle_()["text/html"]):
        assert "Voxel (25, 20, 5)" in text
        assert first.exposure in text
        assert f"{first.wave:.5f}" in text
