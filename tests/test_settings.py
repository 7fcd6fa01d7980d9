"""What a run is told: the observatory's names and spellings in ours, and which of several sources wins."""

import logging
import random

import numpy as np
import pytest

from mrsnb.errors import ParamError
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.config import Config, read_config, with_step_files
from mrsnb.pipeline import Spec3Params, presets
from mrsnb.pipeline.official import from_official, named, official, step_types, to_official
from mrsnb.pipeline.settings import blank_cfgs, checked_config, save_params, save_step_params, settings, step_settings

STEPS = list(Spec3Params.steps())

OFFICIAL = {  # parameters of jwst 3.0.0 with its defaults, as its export_config writes them
    "outlier_detection": {
        "kernel_size": "7 7",
        "threshold_percent": 99.8,
        "ifu_second_check": False,
        "snr": "5.0 4.0",
        "scale": "1.2 0.7",
        "weight_type": "ivm",
        "search_output_file": False,
        "save_results": False,
        "pre_hooks": [],
        "output_ext": ".fits",
        "suffix": None,
        "input_dir": "",
    },
    "cube_build": {
        "band": "all",
        "channel": "all",
        "debug_spaxel": "-1 -1 -1",
        "cube_pa": None,
        "filter": "all",
        "linear_wave": True,
        "rois": 0.0,
        "roiw": 0.0,
        "scalew": 0.0,
        "scalexy": 0.0,
        "weight_power": 2.0,
        "weighting": "drizzle",
        "suffix": "s3d",
        "output_use_model": True,
    },
    "extract_1d": {"center_xy": None, "soss_atoca": True, "soss_tikfac": None, "bkg_order": None, "ifu_rfcorr": True},
    "resample_spec": {"pixfrac": 1.0},
    "photom": {"inverse": False},
}


def converted(step, **values):
    return from_official(step, values).values


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# names


@pytest.mark.parametrize("step", [*STEPS, "combine_1d"])
def test_every_way_to_name_a_step(step):
    class_path = official()["steps"][step]["class"]
    class_name = class_path.rpartition(".")[2]
    for name in (step, f"jwst::{step}", class_path, class_name, f"jwst.step.{class_name}", f"mrsnb.jwst.{class_name}"):
        assert named(name) == step


@pytest.mark.parametrize(
    "name", ["calwebb_spec3", "jwst::calwebb_spec3", "jwst.pipeline.Spec3Pipeline", "Spec3Pipeline"]
)
def test_every_way_to_name_the_pipeline(name):
    assert named(name) == "spec3"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Spec2Pipeline", "Spec3Pipeline"), ("cube_bild", "cube_build"), ("romancal::cube_build", "cube_build")],
)
def test_other_names_are_refused_with_the_nearest(name, meant):
    with pytest.raises(ParamError, match=f"did you mean '{meant}'"):
        named(name)


# values


@pytest.mark.parametrize(
    ("step", "name", "value", "ours"),
    [
        ("cube_build", "channel", 1, "1"),
        ("cube_build", "channel", "ALL", "all"),
        ("cube_build", "weighting", np.str_("Drizzle"), "drizzle"),
        ("cube_build", "scalexy", "0.0", None),
        ("cube_build", "scalexy", np.float64(0.1), 0.1),
        ("cube_build", "nspax_x", "31", 31),
        ("cube_build", "nspax_x", 31.0, 31),
        ("cube_build", "debug_spaxel", "-1 -1 -1", None),
        ("cube_build", "debug_spaxel", "3 4 5", [3, 4, 5]),
        ("cube_build", "cube_pa", "-30", -30.0),
        ("cube_build", "coord_system", "WORLD", "world"),
        ("cube_build", "skip", 1, True),
        ("cube_build", "skip", "True", True),
        ("cube_build", "weight_power", 2.0, None),
        ("extract_1d", "center_xy", (20, 21), [20.0, 21.0]),
        ("extract_1d", "center_xy", ["20.5", "21"], [20.5, 21.0]),
        ("extract_1d", "center_xy", np.array([1, 2]), [1.0, 2.0]),
        ("extract_1d", "ifu_set_srctype", "None", None),
        ("extract_1d", "ifu_set_srctype", "point", "POINT"),
        ("extract_1d", "subtract_background", None, None),
        ("outlier_detection", "kernel_size", "11 1", [11, 1]),
        ("adaptive_trace_model", "maximum_cores", 4, "4"),
        ("adaptive_trace_model", "maximum_cores", "none", "none"),
        ("master_background", "user_background", "None", None),
    ],
)
def test_the_observatorys_spelling(step, name, value, ours):
    found = converted(step, **{name: value})[name]
    assert found == ours
    assert type(found) is type(ours)


def test_parameters_of_the_observatorys_method_choose_it():
    assert converted("outlier_detection", kernel_size="11 1")["method"] == "neighbours"
    assert "method" not in converted("outlier_detection", skip=False)
    told = from_official("outlier_detection", {"kernel_size": [7, 7]}, {"method": "model"})
    assert "method" not in told.values


def test_what_the_observatory_does_not_look_at_is_left_out_and_said(caplog):
    found = converted("cube_build", rois=0.2, weight_power=3.0, linear_wave=True, output_type="multi", scalew=0.001)
    assert found == {
        "rois": None,
        "weight_power": None,
        "linear_wave": None,
        "output_type": "multi",
        "scalew": None,
    }
    assert len(warnings(caplog)) == 3
    assert converted("cube_build", rois=0.2, weighting="msm")["rois"] == 0.2
    assert from_official("cube_build", {"rois": 0.2}, {"weighting": "emsm"}).values["rois"] == 0.2
    caplog.clear()
    found = converted(
        "extract_1d", ifu_set_srctype="EXTENDED", ifu_rscale=1.5, center_xy="3,4", subtract_background=None
    )
    assert found == {
        "ifu_set_srctype": "EXTENDED",
        "ifu_rscale": None,
        "center_xy": None,
        "subtract_background": None,
    }
    assert converted("pixel_replace", algorithm="mingrad", n_adjacent_cols=5)["n_adjacent_cols"] == 3
    assert converted("adaptive_trace_model", psf_optimal=True, fit_threshold=5)["fit_threshold"] == 10.0
    assert len(warnings(caplog)) == 4
    assert converted("outlier_detection", kernel_size="7 7", snr="8 7") == {
        "kernel_size": [7, 7],
        "method": "neighbours",
    }


@pytest.mark.parametrize(
    ("step", "name", "default", "other"),
    [
        ("cube_build", "grating", "all", "prism"),
        ("cube_build", "output_ext", ".fits", ".asdf"),
        ("cube_build", "suffix", "s3d", "cube"),
        ("extract_1d", "bkg_fit", None, "poly"),
        ("extract_1d", "soss_width", "40.0", 41),
        ("outlier_detection", "pixfrac", 1, 0.5),
        ("outlier_detection", "good_bits", "~DO_NOT_USE", "6"),
        ("assign_mtwcs", "post_hooks", [], ["a.b"]),
    ],
)
def test_what_has_no_effect_is_accepted_and_said_if_it_was_changed(caplog, step, name, default, other):
    assert converted(step, **{name: default}) == {}
    assert not warnings(caplog)
    assert converted(step, **{name: other}) == {}
    (message,) = warnings(caplog)
    assert f"{step}.{name}" in message


def test_files_of_references_and_places_are_told_apart():
    told = from_official(
        "extract_1d",
        {"override_apcorr": "a.asdf", "override_extract1d": None, "output_dir": "x", "output_file": "None"},
    )
    assert {kind: str(path) for kind, path in told.overrides.items()} == {"apcorr": "a.asdf"}
    assert told.places == {"output_dir": "x"}
    assert told.values == {}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"wieghting": "msm"}, "cube_build: unknown parameter 'wieghting'; did you mean 'weighting'?"),
        ({"override_cubpar": "x"}, "did you mean 'override_cubepar'?"),
        ({"weighting": "drizle"}, "cube_build.weighting = 'drizle': not allowed; did you mean 'drizzle'?"),
        ({"scalexy": "wide"}, "cube_build.scalexy = 'wide': must be a number"),
        ({"nspax_x": 30}, "must be odd"),
        ({"xyzzy": 1}, "unknown parameter 'xyzzy'; allowed: 'skip'"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_meant(values, says):
    with pytest.raises(ParamError) as error:
        converted("cube_build", **values)
    assert says in str(error.value)


def random_params(seed):
    """Return parameters of which many are not the defaults."""
    rng = random.Random(seed)  # noqa: S311
    values = {}
    for step, kind in Spec3Params.steps().items():
        mine = {s.name: rng.choice(s.choices) for s in kind.specs() if s.choices and s.name not in ("compat", "method")}
        mine |= {spec.name: rng.random() < 0.5 for spec in kind.specs() if spec.base is bool}
        values[step] = mine
    cubes = values["cube_build"]
    cubes["linear_wave"] = None if cubes["output_type"] == "multi" else rng.choice((None, True))
    if cubes["weighting"] == "msm" and cubes["output_type"] != "multi":
        cubes |= {"weight_power": rng.choice((None, 2.0, 3.5)), "rois": 0.25}
    if cubes["weighting"] != "drizzle":
        values["extract_1d"]["ifu_covar"] = "none"
    cubes["scalexy"] = rng.choice((None, 0.11))
    if values["extract_1d"]["ifu_set_srctype"] == "EXTENDED":
        values["extract_1d"]["subtract_background"] = None
    else:
        values["extract_1d"]["center_xy"] = rng.choice((None, [3.5, 4.0]))
    if rng.random() < 0.5:
        values["outlier_detection"] |= {"method": "neighbours", "kernel_size": [9, 3]}
    else:
        values["outlier_detection"] |= {"method": "model", "ifu_second_check": False, "snr": [9.0, 8.5]}
    return Spec3Params().updated(values)


@pytest.mark.parametrize("seed", range(20))
def test_our_own_values_pass_as_they_are(caplog, seed):
    params = random_params(seed)
    for step, values in params.to_dict().items():
        assert from_official(step, values).values == values
    assert not warnings(caplog)


def test_whatever_is_the_observatorys_is_known_here():
    for step, entry in official()["steps"].items():
        names = {spec.name for spec in step_types()[step].specs()}
        assert not names & set(entry.get("unused", {}))
        assert set(entry.get("not_given", {})) | set(entry.get("text", ())) <= names
        if entry["ours"] != "all":
            assert set(entry["ours"]) < names


# files and precedence


@pytest.mark.parametrize("suffix", ["yaml", "toml", "asdf"])
@pytest.mark.parametrize("preset", list(presets()))
def test_a_preset_is_the_same_after_a_file(tmp_path, preset, suffix):
    params = Spec3Params.preset(preset)
    save_params(tmp_path / f"p.{suffix}", params, {"output_dir": "here"})
    for other in presets():
        told = settings(read_config(tmp_path / f"p.{suffix}"), preset=other)
        assert told.params == params
        assert told.places == {"output_dir": "here"}


@pytest.mark.parametrize("suffix", ["yaml", "toml", "asdf"])
@pytest.mark.parametrize("seed", range(10))
def test_any_parameters_are_the_same_after_a_file(tmp_path, seed, suffix):
    params = random_params(seed)
    save_params(tmp_path / f"p.{suffix}", params, None, {"cubepar": "c.fits"})
    told = settings(read_config(tmp_path / f"p.{suffix}"), save_results=True)
    assert told.params == params
    assert str(told.overrides["cubepar"]) == "c.fits"


@pytest.mark.parametrize("suffix", ["yaml", "toml", "asdf"])
@pytest.mark.parametrize("step", list(step_types()))
def test_the_parameters_of_one_step_are_the_same_after_a_file(tmp_path, step, suffix):
    told = step_settings(step, Config(class_name=step, parameters={"skip": True, "compat": "none"}))
    save_step_params(tmp_path / f"p.{suffix}", step, told)
    assert step_settings(step, read_config(tmp_path / f"p.{suffix}")).params == told.params


def test_an_asdf_file_holds_only_what_the_observatory_knows_where_it_looks(tmp_path):
    save_params(tmp_path / "p.asdf", Spec3Params.preset("jwst-3.0"))
    tree = read_tree((tmp_path / "p.asdf").read_bytes()).tree
    steps = {step["name"]: step["parameters"] for step in tree["steps"]}
    assert "mrs_imatch" not in steps
    assert not any(name in values for values in steps.values() for name in ("compat", "method", "memory_limit"))
    assert steps["outlier_detection"]["kernel_size"] == "7 7"
    assert steps["cube_build"]["scalexy"] == 0.0
    assert tree["mrsnb"]["steps"]["outlier_detection"]["compat"] == "jwst-3.0"


def test_the_observatorys_defaults_are_ours_but_for_the_method(caplog):
    told = settings(Config(class_name="jwst.pipeline.Spec3Pipeline", steps=OFFICIAL), save_results=True)
    expected = Spec3Params.preset("archive").updated(
        {"outlier_detection": {"method": "neighbours"}, "cube_build": {"linear_wave": True}}
    )
    assert told.params == expected
    assert not warnings(caplog)


def test_precedence(tmp_path):
    (tmp_path / "step.cfg").write_text("class = jwst.x.CubeBuildStep\nchannel = 2\nband = long\nscalexy = 0.3\n")
    (tmp_path / "all.yaml").write_text("steps: {cube_build: {config_file: step.cfg, channel: 3, band: medium}}")
    config = read_config(tmp_path / "all.yaml")
    told = settings(config, preset="quicklook", given={"cube_build": {"channel": "4"}}).params.cube_build
    assert (told.channel, told.band, told.scalexy, told.skip_dqflagging) == ("4", "medium", 0.3, True)
    assert told.weighting == "drizzle"


def test_values_given_by_hand_decide_what_acts():
    config = Config(steps={"cube_build": {"linear_wave": True, "weight_power": 2.0, "rois": 0.2, "weighting": "msm"}})
    told = settings(config, given={"cube_build": {"output_type": "multi"}}).params.cube_build
    assert (told.linear_wave, told.weight_power, told.rois) == (None, None, None)


def test_only_what_results_must_agree():
    config = Config(steps={"cube_build": {"weighting": "msm"}, "extract_1d": {"ifu_autocen": True}})
    told = settings(config, given={"cube_build": {"weighting": "drizzle"}, "extract_1d": {"ifu_covar": "drizzle"}})
    assert told.params.extract_1d.ifu_covar == "drizzle"


@pytest.mark.parametrize(
    ("pipeline", "own", "saved"),
    [(True, False, True), (True, None, True), (False, None, False), (False, True, True), (None, False, False)],
)
def test_the_pipeline_decides_whether_its_products_are_written(pipeline, own, saved):
    values = {} if own is None else {"save_results": own}
    told = settings(Config(steps={"cube_build": values}), save_results=pipeline).params
    assert told.cube_build.save_results is saved


def test_our_files_decide_it_for_each_step():
    told = settings(Config(ours={"cube_build": {"save_results": False}}), save_results=True).params
    assert not told.cube_build.save_results
    assert told.extract_1d.save_results


def test_steps_that_are_gone_are_ignored_with_a_warning(caplog):
    told = settings(Config(steps={"cube_skymatch": {"skip": True}, "resample_spec": {"skip": True}}))
    assert told.params == Spec3Params.preset("archive")
    assert warnings(caplog) == ["cube_skymatch: this step exists no longer; ignored"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Config(steps={"cube_bild": {}}), "unknown step 'cube_bild'; did you mean 'cube_build'?"),
        (Config(parameters={"ouput_dir": "x"}), "did you mean 'output_dir'?"),
        (Config(class_name="Spec2Pipeline"), "did you mean 'Spec3Pipeline'?"),
        (Config(steps={"cube_build": {"class": "jwst.x.Extract1dStep"}}), "which is extract_1d"),
    ],
)
def test_wrong_configurations(config, says):
    with pytest.raises(ParamError) as error:
        settings(config)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("steps: {cube_bild: {}}", "unknown step 'cube_bild'; did you mean 'cube_build'?"),
        ("steps: {cube_build: {chanel: 1}}", "unknown parameter 'chanel'; did you mean 'channel'?"),
        ("steps: {cube_build: {channel: 9}}", "cube_build.channel = 9: not allowed"),
        ("class: CubeBuildStep\nparameters: {chanel: 1}", "did you mean 'channel'?"),
        ("class: CubeBildStep", "did you mean 'CubeBuildStep'?"),
        ("parameters: {ouput_dir: x}", "did you mean 'output_dir'?"),
    ],
)
def test_an_error_in_a_file_names_the_file(tmp_path, text, says):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ParamError) as error:
        checked_config(path)
    assert str(error.value).startswith(f"{path}: ")
    assert says in str(error.value)


def test_a_file_is_checked_without_a_word(tmp_path, caplog):
    (tmp_path / "p.yaml").write_text("steps: {cube_build: {pixfrac: 0.5}, cube_skymatch: {skip: true}, photom: {}}")
    assert checked_config(tmp_path / "p.yaml") == read_config(tmp_path / "p.yaml")
    assert not warnings(caplog)


def test_a_file_of_one_step_serves_a_run_and_that_step_only():
    config = Config(class_name="CubeBuildStep", parameters={"channel": "3"})
    assert settings(config).params.cube_build.channel == "3"
    assert step_settings("cube_build", config).params.channel == "3"
    with pytest.raises(ParamError, match="parameters of cube_build, not of extract_1d"):
        step_settings("extract_1d", config)


def test_blank_cfg_files_change_nothing(tmp_path):
    for name, text in blank_cfgs().items():
        (tmp_path / name).write_text(text, encoding="ascii")
    config = read_config(tmp_path / "calwebb_spec3.cfg")
    assert settings(config).params == Spec3Params.preset("archive")
    with (tmp_path / "cube_build.cfg").open("a") as file:
        file.write("channel = 1\n")
    assert settings(read_config(tmp_path / "calwebb_spec3.cfg")).params.cube_build.channel == "1"
    assert with_step_files({"cube_build": {"config_file": "cube_build.cfg"}}, tmp_path)["cube_build"]["channel"] == "1"


@pytest.mark.parametrize("step", [step for step in STEPS if step != "mrs_imatch"])
def test_to_official_and_back(step):
    kind = Spec3Params.steps()[step]
    back = from_official(step, to_official(step, kind())).values
    changed = {"method": "neighbours"} if step == "outlier_detection" else {}
    changed |= {"linear_wave": True} if step == "cube_build" else {}
    assert kind.from_dict(back) == kind.from_dict(changed)
