"""Laws of the steps together, on the real geometry: what must hold whatever the numbers are."""

from dataclasses import replace

import numpy as np
import pytest
import slanted
from clean_star import STAR
from conftest import SAMPLING
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.core.dq import DQ
from mrsnb.io.references import load_references
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, adaptive_trace_model
from mrsnb.steps.cube_build import CubeBuildParams, cube_build
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection
from mrsnb.steps.pixel_replace import PixelReplaceParams, pixel_replace

WEIGHTINGS = ("drizzle", "msm", "emsm")
WILD = st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e12])
"""What a pixel that must not be used may hold."""
FEW = settings(max_examples=3)


@pytest.fixture(scope="module")
def pars():
    """The built-in weights, and the piece of each band of the other tests."""
    return replace(load_references().cubepar, sampling=SAMPLING)


@pytest.fixture(scope="module")
def two(clean_exposures):
    return [exposure.load() for exposure in clean_exposures[:2]]


def the_cube(exposures, pars, **options):
    (cube,) = cube_build(exposures, CubeBuildParams(**({"channel": "1"} | options)), pars).cubes
    return cube


def the_spectrum(cube, extractpars, **options):
    params = Extract1dParams(**({"ifu_autocen": False} | options))
    (spectrum,) = extract_1d(cube, params, extractpars, None).spectra
    return spectrum


def numbers(cube):
    return [array.tobytes() for array in (cube.flux, cube.err, cube.dq, cube.weight)]


# Flux


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@FEW
@given(level=st.floats(1e-6, 1e9), system=st.sampled_from(["skyalign", "ifualign"]), turn=st.floats(-180, 180))
def test_a_flat_sky_stays_flat(two, pars, weighting, level, system, turn):
    level = np.float32(level)
    flat = [replace(e, flux=np.where(np.isfinite(e.flux), level, e.flux)) for e in two]
    options = {"cube_pa": turn} if system == "skyalign" else {}
    cube = the_cube(flat, pars, weighting=weighting, coord_system=system, **options)
    covered = cube.weight > 0
    assert covered.mean() > 0.1
    np.testing.assert_allclose(cube.flux[covered], level, rtol=1e-6)


@FEW
@given(size=st.floats(0.08, 0.2), east=st.floats(-0.5, 0.5), north=st.floats(-0.5, 0.5))
def test_the_flux_of_a_star_in_jansky_is_that_of_any_spaxels(two, pars, extractpars, size, east, north):
    """MJy/sr times the area of a spaxel: whatever their size, and wherever the star is in one."""
    primary = two[0].primary
    place = {
        "ra_center": primary["TARG_RA"] + east * size / 3600,
        "dec_center": primary["TARG_DEC"] + north * size / 3600,
    }
    cube = the_cube(two, pars, scalexy=size, **place)
    spectrum = the_spectrum(cube, extractpars, ifu_rfcorr=False)
    assert np.median(spectrum.flux / STAR.flux(spectrum.wave)) == pytest.approx(1, abs=0.01)
    area = cube.science["PIXAR_SR"] * spectrum.columns["NPIXELS"]
    np.testing.assert_allclose(spectrum.flux, spectrum.columns["SURF_BRIGHT"] * area * 1e6, rtol=1e-9)


def scaled(exposure, factor):
    """Return an exposure with `factor` times the light."""
    variances = {name: variance * factor**2 for name, variance in exposure.variances.items()}
    return replace(exposure, flux=exposure.flux * factor, err=exposure.err * factor, variances=variances)


def cleaned(exposures, **options):
    return outlier_detection(exposures, OutlierDetectionParams(**options)).exposures


@pytest.fixture(scope="module")
def usual(two, pars, extractpars):
    cube = the_cube(cleaned(two), pars)
    return cube, the_spectrum(cube, extractpars)


@settings(max_examples=2)
@given(power=st.integers(-20, 20).filter(bool))
def test_twice_the_light_is_twice_the_flux_and_error_and_the_same_flags(two, pars, extractpars, usual, power):
    """Powers of 2 lose no bit, so that nothing may differ by one; a fit of fringes may in its last digits."""
    factor = np.float32(2.0**power)
    cube, spectrum = usual
    bright = the_cube(cleaned([scaled(exposure, factor) for exposure in two]), pars)
    np.testing.assert_array_equal(bright.flux, cube.flux * factor)
    np.testing.assert_array_equal(bright.err, cube.err * factor)
    np.testing.assert_array_equal(bright.dq, cube.dq)
    np.testing.assert_array_equal(bright.weight, cube.weight)
    columns = the_spectrum(bright, extractpars).columns
    for name in ("FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR", "BACKGROUND", "BKGD_ERROR"):
        np.testing.assert_array_equal(columns[name], spectrum.columns[name] * factor, err_msg=name)
    np.testing.assert_array_equal(columns["DQ"], spectrum.columns["DQ"])
    np.testing.assert_allclose(columns["RF_FLUX"], spectrum.columns["RF_FLUX"] * factor, rtol=1e-9)


# Flags


def with_bad_pixels(exposure, value):
    """Return an exposure of which one pixel in fifty must not be used, and holds this."""
    hit = np.random.default_rng(7).random(exposure.flux.shape) < 0.02
    flux, err = (np.where(hit, np.float32(value), image) for image in (exposure.flux, exposure.err))
    return replace(exposure, flux=flux, err=err, dq=np.where(hit, exposure.dq | np.uint32(DQ.DO_NOT_USE), exposure.dq))


@pytest.fixture(scope="module", params=["model", "neighbours"])
def method(request, two, pars):
    """How outliers are found, and the cubes then, where pixels that must not be used are 0."""
    return request.param, the_cubes(two, pars, 0.0, request.param)


def the_cubes(exposures, pars, value, method):
    clean = cleaned([with_bad_pixels(exposure, value) for exposure in exposures], method=method)
    return [numbers(the_cube(clean, pars, weighting=weighting)) for weighting in WEIGHTINGS]


@settings(max_examples=2)
@given(value=WILD)
def test_what_a_flagged_pixel_holds_changes_nothing(two, pars, method, value):
    name, expected = method
    assert the_cubes(two, pars, value, name) == expected


BAD = [(row, slanted.FIRST + slanted.STEP + 2 + (7 * row) % 16) for row in range(6, 154, 4)]
TWICE = AdaptiveTraceModelParams(oversample=2.0)


@pytest.mark.parametrize(
    "step",
    [
        *(
            lambda e, a=a: pixel_replace([e], PixelReplaceParams(algorithm=a))
            for a in ("mingrad", "fit_profile", "trace_model")
        ),
        lambda e: adaptive_trace_model([e], TWICE),
    ],
    ids=["mingrad", "fit_profile", "trace_model", "oversample"],
)
@FEW
@given(value=WILD)
def test_what_a_flagged_pixel_holds_is_in_no_estimate(step, value):
    def made(inside):
        exposure = slanted.exposure(bad=BAD)
        flux, err = exposure.flux.copy(), exposure.err.copy()
        for place in BAD:
            flux[place] = err[place] = inside
        after = step(replace(exposure, flux=flux, err=err)).exposures[0].load()
        return after.flux.tobytes(), after.err.tobytes(), after.dq.tobytes()

    assert made(value) == made(np.nan)


# Sky


def basis(ra, dec):
    """Return the unit vectors outward, east and north of a place, as columns."""
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    return np.array(
        [
            [np.cos(d) * np.cos(a), -np.sin(a), -np.sin(d) * np.cos(a)],
            [np.cos(d) * np.sin(a), np.cos(a), -np.sin(d) * np.sin(a)],
            [np.sin(d), 0.0, np.cos(d)],
        ]
    )


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@settings(max_examples=5)
@given(ra=st.floats(0, 360, exclude_max=True) | st.sampled_from([0.0, 1e-5, 359.99999]), dec=st.floats(-89.99, 89.99))
def test_a_cube_is_the_same_wherever_on_the_sky(two, pars, weighting, ra, dec):
    target = two[0].primary["TARG_RA"], two[0].primary["TARG_DEC"]
    turn = basis(ra, dec) @ basis(*target).T
    moved = [replace(e, wcs=replace(e.wcs, matrix=turn @ e.wcs.matrix)) for e in two]
    size = {"nspax_x": 41, "nspax_y": 41, "weighting": weighting}
    here = the_cube(two, pars, ra_center=target[0], dec_center=target[1], **size)
    there = the_cube(moved, pars, ra_center=ra, dec_center=dec, **size)
    # at an edge, rounding may give a spaxel a sliver of a pixel, or take it
    both = (here.weight > 0) & (there.weight > 0)
    assert np.count_nonzero((here.weight > 0) != (there.weight > 0)) <= 1e-4 * both.sum()
    np.testing.assert_allclose(there.flux[both], here.flux[both], rtol=1e-4)
    np.testing.assert_allclose(there.err[both], here.err[both], rtol=1e-3)
