import json

import numpy as np
import pytest
from astropy.io import fits

from mrsnb import __version__
from mrsnb.errors import OutputError, ParamError
from mrsnb.io.association import read_association
from mrsnb.simulate import MovingTarget, Noise, PointSource, Scene, ThermalBackground, read_masks, simulate

KEYWORDS = {
    0: "INSTRUME DETECTOR CHANNEL BAND EXP_TYPE EFFINTTM EFFEXPTM NINTS NGROUPS EXPSTART EXPMID EXPEND TARG_RA "
    "TARG_DEC TARGTYPE SRCTYAPT TARGNAME TARGPROP BKGDTARG PROGRAM OBSERVTN VISIT VISITGRP SEQ_ID ACT_ID EXPOSURE "
    "DATE-OBS TIME-OBS DATE-BEG DATE-END S_WCS S_SRCTYP S_PHOTOM S_FRINGE S_STRAY PATTTYPE PATT_NUM NUMDTHPT XOFFSET "
    "YOFFSET DITHDIRC DITHOPFR MRSPRCHN DITH_RA DITH_DEC CAL_VER FILENAME DATAMODL",
    "SCI": "SRCTYPE BUNIT RA_REF DEC_REF ROLL_REF V2_REF V3_REF V3I_YANG VPARITY RA_V1 DEC_V1 PA_V3 PA_APER VA_SCALE "
    "VELOSYS SPECSYS S_REGION DISPAXIS PIXAR_SR PIXAR_A2 XPOSURE TELAPSE",
}


def read(path, extension=0):
    with fits.open(path) as hdus:
        return hdus[extension].header.copy(), None if extension == 0 else np.array(hdus[extension].data)


def test_the_association_lists_what_was_written(dataset):
    association = read_association(dataset.association)
    assert association.name == "ngc.1"
    assert [association.path_of(m) for m in association.science] == list(dataset.exposures)
    assert [association.path_of(m) for m in association.background] == list(dataset.backgrounds)
    assert len(dataset.exposures) == 2
    files = {path.name for path in dataset.association.parent.iterdir()}
    listed = {path.name for path in (*dataset.exposures, *dataset.backgrounds)}
    assert files == listed | {dataset.association.name, "truth.json", "truth.npz"}


def test_keywords_are_those_of_level_2(dataset):
    for extension, names in KEYWORDS.items():
        header, _ = read(dataset.exposures[1], extension)
        assert not [name for name in names.split() if name not in header]
    header, _ = read(dataset.exposures[1])
    assert (header["CHANNEL"], header["BAND"], header["PATT_NUM"], header["NUMDTHPT"]) == ("34", "SHORT", 2, 2)
    assert header["FILENAME"] == "ngc.1_exposure2_cal.fits"
    science, _ = read(dataset.exposures[1], "SCI")
    assert science["S_REGION"].startswith("POLYGON ICRS  202.46")
    assert len(science["S_REGION"].split()) == 10


def test_the_truth_is_beside_the_data(dataset):
    truth = json.loads(dataset.truth.read_text())
    assert Scene.from_dict(truth["scene"]) == dataset.scene
    assert truth["params"] == dataset.params.to_dict()
    assert truth["exposures"][dataset.exposures[0].name]["offset"] == [1.14796, -0.43441]
    for path in dataset.exposures:
        masks = read_masks(dataset, path)
        _, dq = read(path, "DQ")
        np.testing.assert_array_equal(masks["bad"], (dq & 1024) > 0)
        _, flux = read(path, "SCI")
        assert np.isnan(flux[masks["bad"]]).all()
        assert masks["cr"].sum() >= 10
        assert masks["hot"].sum() >= 10


def test_stdatamodels_open_and_validate_exposures(dataset):
    from stdatamodels.jwst import datamodels

    with datamodels.open(dataset.exposures[0]) as model:
        assert type(model).__name__ == "IFUImageModel"
        model.validate()
        assert model.meta.wcs.available_frames[-1] == "world"
        assert model.meta.wcsinfo.spectral_region[0] < 11.55
        assert model.meta.wcsinfo.spectral_region[1] > 20.95
        centre = model.meta.wcs(240.0, 500.0)
        assert centre[:2] == pytest.approx((202.4695, 47.1952), abs=0.005)


def test_stdatamodels_open_and_validate_backgrounds(dataset):
    from stdatamodels.jwst import datamodels

    with datamodels.open(dataset.backgrounds[0]) as model:
        assert type(model).__name__ == "MRSMultiSpecModel"
        model.validate()
        assert model.meta.observation.bkgdtarg
        table = model.spec[0].spec_table
        expected = 20 * np.exp(table["WAVELENGTH"] / 9)
        pull = (table["BACKGROUND"] - expected) / table["BKGD_ERROR"]
        assert pull.std() == pytest.approx(1, abs=0.1)
        np.testing.assert_array_equal(table["BACKGROUND"], table["SURF_BRIGHT"])


def test_it_says_what_it_is(dataset):
    text = repr(dataset)
    assert "2" in text
    assert "PointSource" in text
    assert str(dataset.association) in text


def test_the_same_observation_is_made_once(tmp_path):
    options = {"dithers": 1, "sub_bands": ["short"], "detectors": ["MIRIFULONG"], "background": True, "progress": False}
    first = simulate(tmp_path, Scene((ThermalBackground(),)), **options)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    def made_again(scene, **changed):
        again = simulate(tmp_path, scene, reuse=True, **options | changed)
        assert (again.exposures, again.backgrounds, again.masks) == (first.exposures, first.backgrounds, first.masks)
        return {path for path in times if path.stat().st_mtime_ns != times[path]}

    assert made_again(first.scene) == set()
    first.backgrounds[0].unlink()
    times.pop(first.backgrounds[0])
    assert made_again(first.scene) == set(times)
    assert made_again(first.scene, seed=1) == set(times)


def test_what_was_interrupted_or_made_by_another_version_is_made_again(tmp_path, monkeypatch):
    options = {"sub_bands": ["short"], "detectors": ["MIRIFULONG"], "dithers": 1, "progress": False, "reuse": True}
    scene = Scene((ThermalBackground(),))
    made = simulate(tmp_path, scene, **options)
    told = json.loads(made.truth.read_text())
    assert told["versions"]["mrsnb"] == __version__
    made.truth.write_text(json.dumps(told | {"versions": told["versions"] | {"mrsnb": "0.0.1"}}))
    written = []
    monkeypatch.setattr("mrsnb.simulate.dataset.write_cal", lambda path, *_: written.append(path))
    simulate(tmp_path, scene, **options)
    assert written == list(made.exposures)
    with monkeypatch.context() as patched:
        patched.setattr("mrsnb.simulate.dataset.write_cal", interrupt)
        with pytest.raises(KeyboardInterrupt):
            simulate(tmp_path, scene, seed=1, **options)
    simulate(tmp_path, scene, **options)
    assert written == 2 * list(made.exposures), "some of what is there may be of the other seed"


def interrupt(*_):
    raise KeyboardInterrupt


def test_layers_that_are_code_are_observed_anew(tmp_path, monkeypatch):
    class Sheet:
        level = 1.0

        def surface_brightness(self, dra, _ddec, _wave):
            return np.full(np.shape(dra), self.level)

    written = []
    monkeypatch.setattr("mrsnb.simulate.dataset.write_cal", lambda path, *_: written.append(path) or path.touch())
    for _ in range(2):
        simulate(tmp_path, Scene((Sheet(),)), sub_bands=["short"], detectors=["MIRIFULONG"], dithers=1, reuse=True)
    assert len(written) == 2


def test_a_truth_that_cannot_be_replaced_is_said(tmp_path):
    (tmp_path / "truth.json").mkdir()
    with pytest.raises(OutputError, match=r"truth\.json: cannot be replaced"):
        simulate(tmp_path)


def test_a_moving_target_takes_the_pointing_along(tmp_path):
    scene = Scene((PointSource(), MovingTarget(rate_ra=900.0, rate_dec=0.0)))
    made = simulate(tmp_path, scene, sub_bands=["short"], detectors=["MIRIFUSHORT"], ra=359.9999, dec=60.0)
    headers = [{**read(path)[0], **read(path, "SCI")[0]} for path in made.exposures]
    assert [h["TARGTYPE"] for h in headers] == ["MOVING"] * 2
    moved = ((headers[1]["MT_RA"] - headers[0]["MT_RA"] + 180) % 360 - 180) * 3600 * np.cos(np.deg2rad(60))
    assert moved == pytest.approx(100.0, rel=1e-6)  # 400 s later at 900 arcsec an hour
    assert headers[1]["MT_RA"] == headers[1]["TARG_RA"] < 1
    peaks = [np.nanmax(read(path, "SCI")[1]) for path in made.exposures]
    assert peaks[1] == pytest.approx(peaks[0], rel=0.5)


def test_moving_adds_motion_to_a_scene_without(tmp_path):
    made = simulate(
        tmp_path, Scene((ThermalBackground(), Noise())), dithers=1, sub_bands=["long-short"], detectors=["MIRIFULONG"],
        moving=True,
    )  # fmt: skip
    assert made.scene.motion == MovingTarget()
    header, _ = read(made.exposures[0])
    assert (header["BAND"], header["TARGTYPE"], header["SRCTYAPT"]) == ("LONG-SHORT", "MOVING", "EXTENDED")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a/b"}, "'/' is not allowed"),
        ({"sub_bands": ["shrot"]}, "sub_bands"),
        ({"sub_bands": []}, "at least one"),
        ({"detectors": ["MIRIFULONG", "MIRIFULONG"]}, "each one once"),
        ({"dither": 2}, "did you mean 'dithers'"),
        ({"dithers": 0}, "dithers = 0"),
        ({"dec": 95.0}, "dec = 95"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(ParamError, match=message):
        simulate(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="out: cannot be made"):
        simulate(tmp_path / "out")
