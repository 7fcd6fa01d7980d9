"""Exposures with their outliers flagged, written as ``_crf``."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.association import exposure_name
from mrsnb.core.exposure import DerivedExposure
from mrsnb.geometry.chain import spread_columns
from mrsnb.geometry.oversample import oversampled
from mrsnb.io.exposure_files import write_exposure
from mrsnb.io.exposures import open_exposure
from mrsnb.io.images import write_images
from mrsnb.simulate import Noise, PointSource, Scene, ThermalBackground, simulate
from mrsnb.steps.outlier_detection import Mask
from mrsnb.steps.outlier_detection.masks import with_outliers


@pytest.fixture(scope="module")
def cal(module_folder):
    scene = Scene((PointSource(), ThermalBackground(), Noise()))
    options = {"name": "x", "dithers": 1, "sub_bands": ["short"], "detectors": ["MIRIFULONG"]}
    return simulate(module_folder("cal"), scene, **options, progress=False).exposures[0]


@pytest.fixture(scope="module")
def flagged(cal):
    """An exposure with a thousand pixels flagged, and which."""
    source = open_exposure(cal)
    outliers = np.zeros((1024, 1032), bool)
    outliers.flat[np.random.default_rng(1).permutation(outliers.size)[:1000]] = True
    change = partial(with_outliers, mask=Mask.of(outliers))
    primary = source.primary.updated(S_OUTLIR="COMPLETE")
    return DerivedExposure(source=source, change=change, primary=primary, science=source.science), outliers


@pytest.fixture(scope="module")
def crf(cal, flagged, module_folder):
    name = exposure_name(cal.name, "a3001", "crf")
    return write_exposure(flagged[0].load(), cal, module_folder("crf") / name).path


def test_name_and_keywords(crf):
    assert crf.name == "x_exposure1_a3001_crf.fits"
    header = fits.getheader(crf)
    assert header["S_OUTLIR"] == "COMPLETE"
    assert header["FILENAME"] == crf.name
    assert header["DATAMODL"] == "IFUImageModel"


def test_extensions_are_those_of_the_cal_file(cal, crf):
    with fits.open(cal) as before, fits.open(crf) as after:
        assert [hdu.name for hdu in before] == [hdu.name for hdu in after]
        for hdu in before[1:]:
            lost = set(hdu.header) - set(after[hdu.name].header) - {"CHECKSUM", "DATASUM", "COMMENT", "EXTVER", ""}
            assert not lost


def test_the_wcs_is_copied_byte_for_byte(cal, crf):
    with fits.open(cal) as before, fits.open(crf) as after:
        assert before["ASDF"].data.tobytes() == after["ASDF"].data.tobytes()


def test_pixels_come_back_as_flagged(cal, flagged, crf):
    outliers = flagged[1]
    before, after = open_exposure(cal).load(), open_exposure(crf).load()
    bad = outliers | ~np.isfinite(before.flux)
    for array in (after.flux, after.err, *after.variances.values()):
        np.testing.assert_array_equal(np.isnan(array), bad)
    np.testing.assert_array_equal(after.flux[~bad], before.flux[~bad])
    np.testing.assert_array_equal(after.dq & 17 == 17, outliers)
    np.testing.assert_array_equal(after.dq & ~np.uint32(17), before.dq & ~np.uint32(17))
    assert set(after.variances) == set(before.variances)


@pytest.mark.filterwarnings("ignore")
def test_the_official_data_model_opens_it(crf, flagged):
    from stdatamodels.jwst import datamodels

    with datamodels.open(crf) as model:
        assert isinstance(model, datamodels.IFUImageModel)
        assert model.meta.cal_step.outlier_detection == "COMPLETE"
        np.testing.assert_array_equal((model.dq & 16) > 0, flagged[1])
        ra, dec, wave = model.meta.wcs(700.0, 500.0)
        assert np.isfinite([ra, dec, wave]).all() or np.isnan([ra, dec, wave]).all()


@pytest.mark.filterwarnings("ignore")
def test_intermediate_arrays_open_in_the_official_data_model(cal, tmp_path):
    from stdatamodels.jwst import datamodels

    arrays = {"DIFFARR": np.ones((2, 8, 9)), "MINARR": np.full((8, 9), 2.0), "NORMARR": np.ones((8, 9))}
    primary = open_exposure(cal).primary.updated(KERNXSZ=11, KERNYSZ=1, THRSPRC=99.5)
    path = tmp_path / "x_a3001_mirifulong_outlier_output.fits"
    assert write_images(arrays, primary, path, model="OutlierIFUOutputModel") == path
    with datamodels.open(path) as model:
        assert type(model).__name__ == "OutlierIFUOutputModel"
        assert (model.meta.kernel_xsize, model.meta.kernel_ysize, model.meta.threshold_percent) == (11, 1, 99.5)
        assert model.diffarr.shape == (2, 8, 9)
        np.testing.assert_array_equal(model.minarr, 2.0)


@pytest.mark.parametrize("kind", [np.uint16, np.int8, bool, np.float64])
def test_an_oversampled_exposure_keeps_images_of_any_kind(cal, tmp_path, kind):
    """An image that no step changes gets the nearest pixels, also if FITS has no place for its kind of numbers."""
    source = tmp_path / cal.name
    extra = np.random.default_rng(2).integers(0, 2, (1024, 1032)).astype(kind)
    with fits.open(cal) as hdus:
        stored = fits.ImageHDU(extra.astype(np.uint8) if kind is bool else extra, name="EXTRA")
        fits.HDUList([*hdus[:-1], stored, hdus[-1]]).writeto(source)
    loaded = open_exposure(source).load()
    wide = {name: spread_columns(getattr(loaded, name), 2) for name in ("flux", "err", "dq")}
    variances = {name: spread_columns(image, 2) for name, image in loaded.variances.items()}
    wider = replace(loaded, wcs=oversampled(loaded.wcs, 2.0), variances=variances, **wide)
    with fits.open(write_exposure(wider, source, tmp_path / "wider_crf.fits").path) as hdus:
        np.testing.assert_array_equal(hdus["EXTRA"].data[:, ::2], extra)
        assert hdus["EXTRA"].shape == (1024, 2064)
