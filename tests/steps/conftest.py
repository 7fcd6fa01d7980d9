"""A small observation almost without noise, and reference values that keep its cubes small."""

import numpy as np
import pytest
from clean_star import STAR, WAVE

from mrsnb.core.bands import Band
from mrsnb.core.references import ApertureCorrection, CubePars, ExtractPars, Sampling
from mrsnb.io.exposures import open_exposure
from mrsnb.simulate import Noise, Scene, ThermalBackground, simulate
from mrsnb.simulate.layers import psf_fwhm
from mrsnb.steps.cube_build import CubeBuildParams, build_cube, plan_cubes

SAMPLING = {(1, "short"): Sampling(0.13, 0.004, 5.0, 5.2), (2, "short"): Sampling(0.17, 0.006, 8.0, 8.2)}


@pytest.fixture(scope="session")
def clean_dataset(tmp_path_factory):
    """Two dithers of channels 1 and 2: a star on a thermal background, hardly any noise, all pixels good."""
    folder = tmp_path_factory.mktemp("clean")
    scene = Scene((STAR, ThermalBackground(), Noise(shot=1e-6, read=1e-6)))
    options = {"name": "clean", "sub_bands": ["short"], "detectors": ["MIRIFUSHORT"]}
    return simulate(folder, scene, **options, progress=False)


@pytest.fixture(scope="session")
def clean_exposures(clean_dataset):
    return [open_exposure(path) for path in clean_dataset.exposures]


@pytest.fixture(scope="session")
def cubepars():
    """A piece of each of bands 1A and 2A, in coarse planes."""
    return CubePars(source="a test", sampling=SAMPLING, msm={}, emsm={})


@pytest.fixture(scope="session")
def extractpars():
    """A circle of 2 FWHM and an annulus."""
    fwhm = psf_fwhm(WAVE)
    return ExtractPars(source="a test", wave=WAVE, radius=2 * fwhm, inner_bkg=3.5 * fwhm, outer_bkg=5 * fwhm)


@pytest.fixture(scope="session")
def gaussian_apcorr():
    """The light that a circle leaves out of a Gaussian."""
    fwhm = psf_fwhm(WAVE)
    radius = np.array([1.5, 2.0, 2.5])[:, None] * fwhm
    return ApertureCorrection(
        source="a test", wave=WAVE, radius=radius, apcorr=1 / (1 - np.exp(-4 * np.log(2) * (radius / fwhm) ** 2))
    )


@pytest.fixture(scope="session")
def build(cubepars):
    """Return the function that builds the only cube that parameters ask for."""

    def built(exposures, *, band="1A", pars=None, **options):
        params = CubeBuildParams(channel=band[0], **options)
        (plan,) = plan_cubes(exposures, params, cubepars if pars is None else pars)
        assert plan.bands == (Band.from_name(band),)
        return build_cube(plan, params, cubepars, "test")

    return built


@pytest.fixture(scope="session")
def clean_cube(build, clean_exposures):
    """The cube of the piece of band 1A."""
    return build(clean_exposures)
