"""`mrsnb.jwst`: what a notebook written for the official package meets when only its imports are changed."""

# ruff: noqa: ARG001, PTH100, PTH118, PTH123, PTH207  (cells of notebooks as people write them)

import copy
import glob
import json
import logging
import os
from collections import defaultdict
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from spectra import spectrum_of

from mrsnb import __version__
from mrsnb import jwst as top
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.manifest import MANIFEST
from mrsnb.io.x1d import write_x1d
from mrsnb.jwst import datamodels
from mrsnb.jwst.associations import AssociationNotValidError, load_asn
from mrsnb.jwst.associations import asn_from_list as afl
from mrsnb.jwst.associations.asn_from_list import asn_from_list
from mrsnb.jwst.associations.lib.member import Member
from mrsnb.jwst.associations.lib.rules_level3_base import DMS_Level3_Base
from mrsnb.jwst.combine_1d import Combine1dStep
from mrsnb.jwst.cube_build import CubeBuildStep
from mrsnb.jwst.datamodels import IFUCubeModel, IFUImageModel, MultiSpecModel
from mrsnb.jwst.extract_1d import Extract1dStep
from mrsnb.jwst.inputs import association_from, files_from
from mrsnb.jwst.master_background import MasterBackgroundStep
from mrsnb.jwst.mrs_imatch import MRSIMatchStep
from mrsnb.jwst.outlier_detection import OutlierDetectionStep
from mrsnb.jwst.parameters import run_settings, single_settings
from mrsnb.jwst.pipeline import Spec3Pipeline
from mrsnb.jwst.pipeline.calwebb_spec3 import Spec3Pipeline as SameSpec3Pipeline
from mrsnb.jwst.pixel_replace import PixelReplaceStep
from mrsnb.jwst.spectral_leak import SpectralLeakStep
from mrsnb.pipeline import Spec3Params, Spec3Result
from mrsnb.rerun import read_run

PIECE = {"channel": "1", "wavemin": 5.0, "wavemax": 5.02}
"""A cube of a few planes."""

ONLY_CUBE = {step: {"skip": True} for step in Spec3Params.steps() if step != "cube_build"} | {"cube_build": PIECE}


def names_in(folder):
    """Return the names of what is in a folder, but for the manifest of whole runs."""
    return sorted({path.name for path in Path(folder).iterdir()} - {MANIFEST})


@pytest.fixture
def here(small_dataset, tmp_path, monkeypatch):
    """A notebook's folder with the exposures in ``science/``."""
    (tmp_path / "science").symlink_to(small_dataset.association.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The usual cells of a notebook


def test_a_notebook_lists_its_files_runs_the_pipeline_and_opens_the_products(here, capsys):
    files = sorted(glob.glob("science/*_cal.fits"))
    asn = asn_from_list(files, product_name="star")
    asn["asn_pool"] = "star_pool"
    asn["asn_type"] = "spec3"
    name, text = asn.dump()
    print(text)
    assert '"expname": "science/small_exposure1_cal.fits"' in capsys.readouterr().out
    assert name.endswith("_asn.json")
    with open("star_lvl3_asn.json", "w") as f:
        f.write(text)

    result = Spec3Pipeline.call(
        "star_lvl3_asn.json",
        save_results=True,
        output_dir="made",
        steps={
            "outlier_detection": {"skip": True},
            "mrs_imatch": {"skip": True},
            "cube_build": {"save_results": True, "wavemin": 5.0, "wavemax": 8.0, "scalew": 0.02},
            "extract_1d": {"save_results": True},
        },
    )
    assert isinstance(result, Spec3Result)
    bands = ("ch1-short", "ch2-short")
    assert names_in("made") == sorted(f"star_{band}_{kind}.fits" for band in bands for kind in ("s3d", "x1d"))

    for cube in sorted(glob.glob(os.path.join("made", "*s3d.fits"))):
        model = datamodels.open(cube)
        assert model.data.shape == model.err.shape == model.dq.shape == model.weightmap.shape
        assert np.nansum(model.data[1:-1], axis=0).max() > 0
        assert model.meta.instrument.channel in ("1", "2")
        assert model.meta.asn.table_name == "star_lvl3_asn.json"
        ra, dec, wave = model.meta.wcs(model.data.shape[2] // 2, model.data.shape[1] // 2, 0)
        assert (ra, dec) == pytest.approx((model.meta.wcsinfo.crval1, model.meta.wcsinfo.crval2))
        assert 4.9 < wave < 8.0
        model.close()
    for spectrum in glob.glob(os.path.join("made", "*1d.fits")):
        with datamodels.open(spectrum) as model:
            table = model.spec[0].spec_table
            assert len(table["WAVELENGTH"]) == len(table["SURF_BRIGHT"]) > 30
            assert np.all(np.diff(table["WAVELENGTH"]) > 0)


def test_a_notebook_fills_a_dictionary_of_steps_and_writes_exposures_too(here):
    steps = defaultdict(dict)
    steps["master_background"]["skip"] = False
    steps["outlier_detection"]["kernel_size"] = "11 1"
    steps["outlier_detection"]["threshold_percent"] = 99.5
    steps["pixel_replace"]["skip"] = False
    steps["pixel_replace"]["algorithm"] = "mingrad"
    steps["cube_build"] = PIECE | {"output_type": "band", "grating": "all"}
    steps["extract_1d"]["ifu_autocen"] = True
    steps["extract_1d"]["center_xy"] = (20, 20)
    files = np.array([os.path.abspath(file) for file in sorted(glob.glob("science/*_cal.fits"))])
    asn = afl.asn_from_list(files, rule=DMS_Level3_Base, product_name="Level3")
    _, serialized = asn.dump()
    Path("l3asn.json").write_text(serialized)
    Spec3Pipeline.call("l3asn.json", steps=steps, save_results=True, output_dir="stage3")
    exposures = [f"small_exposure{i}_a3001_crf.fits" for i in (1, 2)]
    assert names_in("stage3") == ["Level3_ch1-short_s3d.fits", "Level3_ch1-short_x1d.fits", *exposures]
    with fits.open("stage3/Level3_ch1-short_x1d.fits") as hdus:
        assert (hdus[1].header["EXTR_X"], hdus[1].header["EXTR_Y"]) == (20, 20)


def test_a_notebook_sets_attributes_of_an_instance(here, caplog):
    config = Spec3Pipeline.get_config_from_reference("l3asn.json")
    pipeline = Spec3Pipeline.from_config_section(config)
    pipeline.save_results = "True"
    pipeline.output_dir = "made"
    for step in Spec3Pipeline.step_defs:
        getattr(pipeline, step).skip = 1 - (step == "cube_build")
    pipeline.resample_spec.skip = True
    pipeline.cube_skymatch.skip = True
    pipeline.cube_build.channel = 1
    pipeline.cube_build.weighting = "EMSM"
    pipeline.cube_build.single = False
    pipeline.cube_build.scale1 = 0.2
    pipeline.cube_build.wavemin, pipeline.cube_build.wavemax = 5.0, 5.02
    pipeline.cube_build.output_file = "mine"
    assert (pipeline.cube_build.channel, pipeline.cube_build.coord_system) == (1, "skyalign")
    result = pipeline(sorted(glob.glob("science/*_cal.fits")))
    assert names_in("made") == ["mine_ch1-short_s3d.fits"]
    assert result.params.cube_build.scalexy == 0.2
    assert result.params.cube_build.weighting == "emsm"
    assert "cube_skymatch: this step exists no longer" in caplog.text
    assert "scale1 is now called scalexy" in caplog.text
    assert "single" not in caplog.text


def test_all_kinds_of_input_stand_for_the_same_exposures(here, small_dataset, tmp_path):
    paths = [f"science/small_exposure{i}_cal.fits" for i in (1, 2)]
    content = {"products": [{"name": "small", "members": [{"expname": p, "exptype": "science"} for p in paths]}]}
    expected = [path.resolve() for path in small_dataset.exposures]
    listed = "science/small_lvl3_asn.json", asn_from_list(paths, product_name="small"), content
    for name, forms in {"small": listed, "small_exposure1": (paths, np.array(paths), map(Path, paths))}.items():
        for given in forms:
            found = association_from(given, tmp_path)
            assert [found.path_of(member).resolve() for member in found.science] == expected
            assert found.name == name
    assert files_from("science/small_lvl3_asn.json", tmp_path) == [Path(path) for path in paths]
    assert files_from(paths[0], tmp_path) == [Path(paths[0])]


# What is written, and what not


@pytest.mark.parametrize(
    ("pipeline", "steps", "written"),
    [
        (False, {}, set()),
        (True, {}, {"outlier_detection", "cube_build", "extract_1d", "spectral_leak"}),
        (False, {"cube_build": {"save_results": True}}, {"cube_build"}),
        (False, {"cube_build": {"output_file": "mine"}}, {"cube_build"}),
        (False, {"extract_1d": {"save_results": True}}, {"extract_1d", "spectral_leak"}),
        (False, {"pixel_replace": {"save_results": True}}, {"pixel_replace"}),
    ],
)
def test_what_is_written_is_what_the_pipeline_or_a_step_says(pipeline, steps, written):
    params = run_settings({}, steps, save=pipeline).params
    assert {step for step in Spec3Params.steps() if getattr(params, step).save_results} == written


def test_nothing_is_written_unless_asked_for(here, small_dataset):
    result = Spec3Pipeline.call(str(small_dataset.association), steps=ONLY_CUBE)
    assert not result.paths
    assert names_in(here) == ["science"]


def test_parameters_can_be_kept_in_a_file(here, small_dataset):
    pipeline = Spec3Pipeline(steps=ONLY_CUBE, save_results=True)
    pipeline.cube_build.weighting = "msm"
    for name in ("kept.asdf", "kept.yaml"):
        pipeline.export_config(name)
        assert Spec3Pipeline.from_config_file(name).cube_build.weighting == "msm"
    result = Spec3Pipeline.call(
        small_dataset.association, config_file="kept.asdf", output_dir="made", steps={"cube_build": {"scalexy": 0.3}}
    )
    assert names_in("made") == ["small_ch1-short_s3d.fits"]
    assert (result.params.cube_build.weighting, result.params.cube_build.scalexy) == ("msm", 0.3)
    with pytest.raises(ParamError, match=r"kept.asdf: parameters of spec3, not of cube_build"):
        CubeBuildStep.call(small_dataset.association, config_file="kept.asdf")


# What is said of the pipeline


def test_the_docstring_and_the_spec_list_the_steps_in_order():
    assert list(Spec3Pipeline.step_defs) == list(Spec3Params.steps())
    for text in (Spec3Pipeline.__doc__, Spec3Pipeline.spec):
        places = [text.index(step) for step in Spec3Params.steps()]
        assert places == sorted(places)
    assert "weighting = 'drizzle'" in Spec3Pipeline.spec
    assert "weighting = 'drizzle'" in CubeBuildStep.spec
    assert SameSpec3Pipeline is Spec3Pipeline
    assert top.__version__ == __version__
    assert copy.deepcopy(Spec3Pipeline(save_results=True)).save_results is True
    assert Spec3Pipeline().get_pars()["steps"]["cube_build"]["weighting"] == "drizzle"


def test_pipelines_of_other_levels_are_told_where_they_are():
    with pytest.raises(ImportError, match=r"level 3 of the MRS: from jwst\.pipeline import Detector1Pipeline"):
        from mrsnb.jwst.pipeline import Detector1Pipeline  # noqa: F401


def test_wrong_names_and_values_are_refused_where_they_are_set():
    pipeline = Spec3Pipeline()
    with pytest.raises(ParamError, match=r"cube_build: unknown parameter 'wieghting'; did you mean 'weighting'\?"):
        pipeline.cube_build.wieghting = "emsm"
    with pytest.raises(ParamError, match=r"cube_build.weighting = 'nearest': not allowed"):
        pipeline.cube_build.weighting = "nearest"
    with pytest.raises(AttributeError, match=r"unknown step 'cube_biuld'; did you mean 'cube_build'\?"):
        _ = pipeline.cube_biuld
    with pytest.raises(AttributeError, match="unknown parameter 'wave_min'; did you mean 'wavemin'"):
        _ = pipeline.cube_build.wave_min
    with pytest.raises(ParamError, match="spec3: unknown parameter 'coord_system'"):
        pipeline.coord_system = "ifualign"
    with pytest.raises(ParamError, match=r"unknown step 'extract1d'; did you mean 'extract_1d'\?"):
        Spec3Pipeline.call("x_asn.json", steps={"extract1d": {}})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("gone_asn.json", "gone_asn.json: cannot be read: No such file"),
        (["gone_cal.fits"], "gone_cal.fits: no such file"),
        (7, "input of type int"),
        ([7], "input of type int"),
        ([], "no exposure is given"),
        ({"members": []}, "has no list of 'products'"),
    ],
)
def test_input_that_cannot_be_used_is_refused_in_one_line(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for step in (Spec3Pipeline, CubeBuildStep):
        with pytest.raises(InputError, match=words) as refusal:
            step.call(given)
        assert "\n" not in str(refusal.value)
    assert not names_in(tmp_path)


# Single steps


def test_steps_take_and_return_data_models(here, caplog):
    with datamodels.open("science/small_lvl3_asn.json", asn_exptypes=["science"]) as opened:
        assert [model.meta.asn.exptype for model in opened] == ["science"] * 2
        models = OutlierDetectionStep.call(opened, kernel_size="7 7")
    assert [model.meta.filename for model in models] == [f"small_exposure{i}_cal.fits" for i in (1, 2)]
    assert [model.meta.cal_step.outlier_detection for model in models] == ["COMPLETE"] * 2
    flagged = models[0].dq & datamodels.dqflags.pixel["OUTLIER"] != 0
    assert 0 < flagged.sum() < 0.05 * flagged.size

    replaced = PixelReplaceStep.call(models[0])
    assert replaced.meta.cal_step.pixel_replace == "COMPLETE"
    assert np.isfinite(replaced.data[flagged]).mean() > 0.9

    models[0].data[:] = 1000.0
    cubes = CubeBuildStep.call(models, **PIECE)
    assert isinstance(cubes, datamodels.ModelContainer)
    assert [cube.meta.filename for cube in cubes] == ["small_ch1-short_s3d.fits"]
    assert np.nanmedian(cubes[0].data) > 100, "the changed model was used"

    spectrum = Extract1dStep.call(cubes[0], ifu_set_srctype="EXTENDED", ifu_rfcorr=False)
    assert np.nanmedian(spectrum.spec[0].spec_table["SURF_BRIGHT"]) > 100
    assert names_in(here) == ["science"]
    assert not caplog.records
    models.close()


def test_a_step_writes_under_the_official_name_or_the_one_given(here):
    step = CubeBuildStep()
    step.update_pars(PIECE)
    step.save_results, step.output_dir = True, "made"
    (cube,) = step.run("science/small_exposure1_cal.fits")
    assert names_in("made") == ["small_exposure1_ch1-short_s3d.fits"] == [cube.meta.filename]
    Extract1dStep.call(cube, save_results=True, output_dir="made")
    Extract1dStep.call("made/small_exposure1_ch1-short_s3d.fits", suffix="x1d", output_file="mine", output_dir="made")
    assert names_in("made")[0] == "mine_x1d.fits"
    assert names_in("made")[1] == "small_exposure1_ch1-short_extract1dstep.fits"
    for path in Path("made").iterdir():
        assert fits.getval(path, "FILENAME") == path.name


def test_several_products_under_one_name_are_numbered_and_each_can_be_made_again(here, small_dataset):
    CubeBuildStep.call(small_dataset.association, **PIECE, output_file="first", output_dir="cubes")
    cubes = ["cubes/first_ch1-short_s3d.fits", "cubes/second.fits"]
    Path(cubes[1]).write_bytes(Path(cubes[0]).read_bytes())
    Extract1dStep.call(cubes, output_file="mine", output_dir="made", ifu_rfcorr=False)
    Extract1dStep.call(cubes[1], save_results=True, output_dir="made", ifu_rfcorr=False)
    products = [*(f"mine_{i}_extract1dstep.fits" for i in (0, 1)), "second_extract1dstep.fits"]
    assert names_in("made") == products
    for name in products:
        run = read_run(f"made/{name}")
        list(run.results("again"))
        assert run.compared("again").agree


def test_a_background_is_that_of_the_association(here):
    wave = np.arange(4.5, 9.5, 0.001)
    write_x1d(spectrum_of(wave, name="sky_x1d.fits", background=5.0, bkgd_error=0.1, surf_bright=5.0), here)
    asn = asn_from_list(["science/small_exposure1_cal.fits"], product_name="star")
    asn["products"][0]["members"].append(Member({"expname": "sky_x1d.fits", "exptype": "background"}))
    model = MasterBackgroundStep.call(asn)
    assert model.meta.cal_step.master_background == "COMPLETE"
    with fits.open("science/small_exposure1_cal.fits") as hdus:
        assert np.nanmedian(hdus["SCI"].data - model.data) == pytest.approx(5, abs=0.01)
    with pytest.raises(InputError, match="master_background: nothing to do"):
        MasterBackgroundStep.call("science/small_lvl3_asn.json")


def test_spectra_are_corrected_and_combined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for band, start, name in (("1B", 5.7, "a_ch1-medium_x1d.fits"), ("3A", 11.6, "a_ch3-short_x1d.fits")):
        wave = start + np.arange(600) * (0.0015 if band == "1B" else 0.003)
        write_x1d(spectrum_of(wave, band=band, name=name, source_type="POINT"), tmp_path)
    spectra = SpectralLeakStep.call(sorted(glob.glob("*x1d.fits")))
    assert [spectrum.meta.cal_step.spectral_leak for spectrum in spectra] == [None, "COMPLETE"]
    assert spectra[0].spec[0].spec_table["FLUX"] == pytest.approx(1)
    assert spectra[1].spec[0].spec_table["FLUX"].min() < 0.99
    before = Path("a_ch3-short_x1d.fits").read_bytes()
    with pytest.raises(OutputError, match="would replace its own input; choose another output directory, or a suffix"):
        SpectralLeakStep.call(sorted(glob.glob("*x1d.fits")), suffix="x1d", save_results=True)
    assert Path("a_ch3-short_x1d.fits").read_bytes() == before
    combined = Combine1dStep.call("a_ch3-short_x1d.fits", save_results=True)
    assert combined.spec[0].spec_table["N_INPUT"].max() == 1
    assert "a_ch3-short_combine1dstep.fits" in names_in(tmp_path)
    with pytest.raises(InputError, match=r"suffix = '\.\./x'"):
        Combine1dStep.call("a_ch3-short_x1d.fits", suffix="../x")


def test_backgrounds_are_matched_at_once_as_no_file_can_leave_it_to_cube_build():
    assert single_settings(MRSIMatchStep.class_alias, {}).params.subtract
    assert not run_settings({}, {}, save=False).params.mrs_imatch.subtract


# Associations


def test_an_association_is_written_as_the_observatory_writes_it():
    asn = asn_from_list(["b_cal.fits", "a_cal.fits", Path("c_cal.fits")], product_name="my_star", acid="o001")
    name, text = asn.dump(format="json")
    assert list(json.loads(text)) == [
        "asn_type", "asn_rule", "version_id", "code_version", "degraded_status", "program", "constraints", "asn_id",
        "target", "asn_pool", "products",
    ]  # fmt: skip
    assert text.startswith('{\n    "asn_type": "None",\n    "asn_rule": "DMS_Level3_Base",\n    "version_id": null,\n')
    assert json.loads(text)["asn_id"] == "a3001"
    members = json.loads(text)["products"][0]["members"]
    assert [member["expname"] for member in members] == ["b_cal.fits", "a_cal.fits", "c_cal.fits"]
    assert name.startswith("jwnoprogram-a3001_none_")
    assert repr(asn) == text
    assert load_asn(text)["products"] == json.loads(text)["products"]
    assert load_asn(StringIO(text)).is_valid
    typed = asn_from_list(
        [("a_cal.fits", "science"), ("b_x1d.fits", "background")], product_name="x", with_exptype=True
    )
    assert [member["exptype"] for member in typed["products"][0]["members"]] == ["science", "background"]
    assert Member(Member({"expname": "a"}, item=3)).item == 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda asn: asn["products"][0]["members"].clear(), "has no members"),
        (lambda asn: asn["products"][0]["members"][0].update(exptype="background"), "no member of exptype 'science'"),
        (lambda asn: asn["products"][0]["members"][0].update(exptype="scienze"), "did you mean 'science'"),
        (lambda asn: asn["products"].clear(), "no list of 'products'"),
        (lambda asn: asn["products"][0].update(name="a/b"), "'/' is not allowed"),
        (lambda asn: asn.pop("products"), "no list of 'products'"),
    ],
)
def test_an_association_that_cannot_be_processed_is_not_written(spoil, words):
    asn = asn_from_list(["a_cal.fits"], product_name="star")
    assert asn.is_valid
    spoil(asn)
    assert not asn.is_valid
    with pytest.raises(AssociationNotValidError, match=words):
        asn.dump()


def test_an_association_without_a_name_or_in_another_format_is_refused():
    with pytest.raises(AssociationNotValidError, match="product_name is not given"):
        asn_from_list(["a_cal.fits"])
    with pytest.raises(AssociationNotValidError, match="fmt = 'yaml'"):
        asn_from_list(["a_cal.fits"], product_name="x").dump("yaml")
    with pytest.raises(AssociationNotValidError, match=r"not JSON: .* line 1"):
        load_asn("{")


# Containers


def test_a_container_is_a_list_that_saves_and_closes(here):
    wave = np.arange(100) * 0.01 + 5
    paths = [write_x1d(spectrum_of(wave, name=f"s{i}_x1d.fits"), here) for i in (1, 2)]
    with datamodels.ModelContainer([str(path) for path in paths]) as container:
        container.append(datamodels.open(paths[0]))
        assert len(container) == 3
        assert len(container[:2]) == 2
        assert container.save("all.fits") == ["all0.fits", "all1.fits", "all2.fits"]
        assert isinstance(container[0], datamodels.MRSMultiSpecModel)
    with pytest.raises(AttributeError):
        _ = datamodels.NoSuchModel
    assert all(issubclass(kind, datamodels.JwstDataModel) for kind in (IFUCubeModel, IFUImageModel, MultiSpecModel))


def test_warnings_of_what_has_no_effect_come_once(here, small_dataset, caplog):
    with caplog.at_level(logging.WARNING):
        Spec3Pipeline.call(
            small_dataset.association,
            steps=ONLY_CUBE | {"cube_build": PIECE | {"rois": 0.2, "output_dir": "x"}},
            output_file="mine",
            logcfg="stpipe-log.cfg",
            configure_log=False,
        )
    said = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert sorted(said) == ["cube_build.output_dir = x", "cube_build.rois = 0.2", "output_file"]
    assert names_in(here) == ["science", "small_ch1-short_s3d.fits"], "a file is asked for, named after the product"
