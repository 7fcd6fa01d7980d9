"""Configuration files: what is read is what was written, and what the observatory's files say."""

import random
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.errors import InputError, OutputError
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.config import WRITTEN, Config, config_text, merged, read_config, with_step_files, write_config
from mrsnb.io.config.ini import ini_text, parse_ini

# The layout of jwst 3.0.0: what its `strun --save-parameters` writes.
ASDF = """\
#ASDF 1.0.0
#ASDF_STANDARD 1.6.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
asdf_library: !core/software-1.0.0 {author: The ASDF Developers, name: asdf, version: 5.4.0}
history:
  extensions:
  - !core/extension_metadata-1.0.0
    extension_class: asdf.extension._manifest.ManifestExtension
    software: !core/software-1.0.0 {name: asdf, version: 5.4.0}
class: jwst.pipeline.calwebb_spec3.Spec3Pipeline
meta:
  author: <SPECIFY>
  date: '2026-11-22T17:58:51'
name: Spec3Pipeline
parameters: {output_dir: null, output_ext: .fits, pre_hooks: [], save_results: true, skip: false}
steps:
- class: jwst.outlier_detection.outlier_detection_step.OutlierDetectionStep
  name: outlier_detection
  parameters: {kernel_size: 11 1, skip: false, weight_type: ivm}
- class: jwst.cube_build.cube_build_step.CubeBuildStep
  name: cube_build
  parameters:
    channel: '1'
    rois: 0.0
...
"""
LEGACY = """\
#ASDF 1.0.0
#ASDF_STANDARD 1.5.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
parameters:
  class: jwst.pipeline.Spec3Pipeline
  name: Spec3Pipeline
  save_results: true
  steps:
    cube_build: {class: jwst.cube_build.CubeBuildStep, channel: '2'}
...
"""
CFG = """\
# as edited by hand
name = "Spec3Pipeline"
class = 'jwst.pipeline.Spec3Pipeline'
save_results = True  # all of them

[steps]
    [[cube_build]]
      channel = 1
      config_file = more/cube_build.cfg
    [[extract_1d]]
      center_xy = 20.5, 21
      suffix = "a, b # c"
"""


def written(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path):
    with pytest.raises(InputError) as error:
        read_config(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


# the observatory's files


def test_a_parameter_file_of_the_observatory(tmp_path):
    config = read_config(written(tmp_path, "pars.asdf", ASDF))
    assert config.class_name == "jwst.pipeline.calwebb_spec3.Spec3Pipeline"
    assert config.name == "Spec3Pipeline"
    assert config.parameters["save_results"] is True
    assert config.steps == {
        "outlier_detection": {"kernel_size": "11 1", "skip": False, "weight_type": "ivm"},
        "cube_build": {"channel": "1", "rois": 0.0},
    }
    assert config.ours == {}


def test_an_asdf_file_is_known_by_its_content(tmp_path):
    assert read_config(written(tmp_path, "pars.params", ASDF)).steps["cube_build"]["channel"] == "1"


def test_an_older_parameter_file(tmp_path):
    config = read_config(written(tmp_path, "old.asdf", LEGACY))
    assert config.class_name == "jwst.pipeline.Spec3Pipeline"
    assert config.parameters == {"save_results": True}
    assert config.steps["cube_build"]["channel"] == "2"


def test_a_cfg_file_and_the_file_that_a_step_names(tmp_path):
    written(tmp_path, "more/cube_build.cfg", 'class = "jwst.cube_build.CubeBuildStep"\nchannel = 4\nband = long\n')
    config = read_config(written(tmp_path, "all.cfg", CFG))
    assert config.parameters == {"save_results": "True"}
    cube_build = config.steps["cube_build"]
    assert cube_build == {"class": "jwst.cube_build.CubeBuildStep", "channel": "1", "band": "long"}
    assert config.steps["extract_1d"] == {"center_xy": ["20.5", "21"], "suffix": "a, b # c"}


def test_a_cfg_file_of_steps_needs_no_class(tmp_path):
    config = read_config(written(tmp_path, "x.cfg", "save_results = True\n[steps]\n[[cube_build]]\nchannel = 1"))
    assert config.class_name is None
    assert (config.parameters, config.steps) == ({"save_results": "True"}, {"cube_build": {"channel": "1"}})


def test_a_cfg_file_of_one_step(tmp_path):
    config = read_config(written(tmp_path, "x.cfg", 'name = "cube_build"\nclass = "jwst.x.CubeBuildStep"\nrois=0.2'))
    assert (config.name, config.class_name) == ("cube_build", "jwst.x.CubeBuildStep")
    assert config.parameters == {"rois": "0.2"}


# round trips


def random_value(rng):
    kinds = (None, True, False, rng.randint(-9, 9), rng.uniform(-1, 1), 1e-5, -30.0, [1, 2], [1.5, -2.5], [])
    texts = ("", "none", "True", "1", "7 7", "-1 -1 -1", "a: b", "# x", "it's", 'say "x"', "é", "a\\b", "a,b", "[x]")
    return rng.choice((*kinds, *texts))


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_read(tmp_path, suffix, seed):
    rng = random.Random(seed)  # noqa: S311
    names = [f"parameter_{i}" for i in range(5)]
    steps = {f"step_{i}": {name: random_value(rng) for name in names} for i in range(3)}
    config = Config(class_name="some.Class", name="it", parameters={"output_dir": "a/b"}, ours=steps)
    path = tmp_path / f"config{suffix}"
    write_config(path, config)
    back = read_config(path)
    expected = steps
    if suffix == ".toml":  # which has no None
        expected = {s: {n: "none" if v is None else v for n, v in values.items()} for s, values in steps.items()}
    assert merged(back.steps, back.ours) == expected
    assert (back.class_name, back.name, back.parameters) == (config.class_name, config.name, config.parameters)


def test_asdf_keeps_what_is_the_observatorys_apart_from_ours(tmp_path):
    config = Config(
        class_name="jwst.pipeline.Spec3Pipeline",
        name="Spec3Pipeline",
        steps={"cube_build": {"rois": 0.0}},
        ours={"cube_build": {"memory_limit": 2.0}, "mrs_imatch": {"skip": True}},
    )
    path = tmp_path / "config.asdf"
    write_config(path, config, {"cube_build": "jwst.cube_build.CubeBuildStep"})
    tree = read_tree(path.read_bytes()).tree
    assert tree["steps"] == [
        {"class": "jwst.cube_build.CubeBuildStep", "name": "cube_build", "parameters": {"rois": 0.0}}
    ]
    assert set(tree) == {"asdf_library", "class", "name", "parameters", "steps", "mrsnb"}
    assert read_config(path).ours == config.ours


def test_asdf_itself_reads_ours(tmp_path):
    asdf = pytest.importorskip("asdf")
    path = tmp_path / "config.asdf"
    write_config(path, Config(class_name="x.Y", name="y", parameters={"a": None, "b": "7 7"}))
    with asdf.open(path) as file:
        assert file["parameters"] == {"a": None, "b": "7 7"}


@pytest.mark.parametrize("seed", range(20))
def test_ini_round_trip(seed):
    rng = random.Random(seed)  # noqa: S311
    words = ("a", "a b", "7 7", "x, y", "# no comment", "it's", "", "-1", "=", "jwst.cube_build.CubeBuildStep")
    pool = (*words, ["1", "2"], ["a, b", "c"], ["one"])
    steps = {f"step{i}": {f"p{j}": rng.choice(pool) for j in range(4)} for i in range(3)}
    content = {"name": rng.choice(words), "steps": steps}
    assert parse_ini(ini_text(content)) == content


def test_what_is_above_wins():
    file = Config(name="file", parameters={"a": 1, "b": 1}, steps={"s": {"x": 1}}, ours={"s": {"y": 1, "z": 1}})
    both = Config(parameters={"b": 2}, steps={"s": {"y": 2}}).over(file)
    assert both.parameters == {"a": 1, "b": 2}
    assert merged(both.steps, both.ours) == {"s": {"x": 1, "y": 2, "z": 1}}
    assert both.name == "file"


# what cannot be read or written


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.yaml", "steps: [", "not YAML"),
        ("x.yaml", "step: {}", "did you mean 'steps'"),
        ("x.yaml", "cube_build: {channel: 1}", "go under 'steps'"),
        ("x.yaml", "steps: {cube_build: 3}", "steps.cube_build = 3: must be a mapping"),
        ("x.yaml", "- a", "must be a mapping"),
        ("x.yaml", "steps:\n  a: {b: 1}\n  a: {b: 2}", "'a' is there twice"),
        ("x.yaml", "steps: !!python/object/apply:os.getcwd []", "not YAML"),
        ("x.toml", "a = ", "x.toml"),
        ("x.asdf", "#ASDF 1.0.0\n--- {}\n", "no end"),
        ("x.asdf", "#ASDF 1.0.0\n--- {}\n...\n", "names no 'class'"),
        ("x.asdf", "class: x", "does not start with #ASDF"),
        ("x.cfg", "[steps]\nnonsense", "line 2"),
        ("x.cfg", "class = x\n[[cube_build]]", "line 2"),
        ("x.cfg", "class = x\nclass = y", "'class' is there twice"),
        ("x.cfg", "class = 'x", "quotes"),
        ("x.cfg", "a = 1", "names no 'class'"),
        ("x.ini", "", "unknown kind of configuration file '.ini'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, name, text, says):
    assert says in refusal(written(tmp_path, name, text))


def test_missing_and_binary_files(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "none.yaml")
    path = tmp_path / "x.cfg"
    path.write_bytes(b"\xff\xfe\x00")
    refusal(path)


def test_a_file_named_in_a_file_must_be_of_one_step(tmp_path):
    written(tmp_path, "all.yaml", "steps: {extract_1d: {ifu_autocen: true}}")
    path = written(tmp_path, "x.yaml", "steps: {cube_build: {config_file: all.yaml}}")
    with pytest.raises(InputError, match="other steps"):
        read_config(path)
    with pytest.raises(InputError, match="cannot be read"):
        with_step_files({"cube_build": {"config_file": "none.cfg"}}, tmp_path)
    itself = written(tmp_path, "y.yaml", "steps: {cube_build: {config_file: y.yaml}, extract_1d: {}}")
    with pytest.raises(InputError, match="other steps"):
        read_config(itself)
    with pytest.raises(InputError, match="cube_build = 5: must be a mapping"):
        with_step_files({"cube_build": 5}, tmp_path)


def test_only_known_kinds_are_written(tmp_path):
    with pytest.raises(OutputError, match=r"\.yaml"):
        write_config(tmp_path / "x.txt", Config())
    assert not list(tmp_path.iterdir())


def test_yaml_is_plain():
    text = config_text(Config(ours={"cube_build": {"channel": "1", "scalexy": None}}), ".yaml")
    assert yaml.safe_load(text) == {"steps": {"cube_build": {"channel": "1", "scalexy": None}}}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.cfg", b"x = a," + b" " * 100_000 + b'"', "do not fit together"),
        ("x.cfg", b"[" + b" " * 100_000 + b"x", "must be 'name = value'"),
        ("x.cfg", b"x = a" + b" " * 100_000 + b'"', "do not fit together"),
        ("x.toml", b"x = " + b"[" * 100_000, "nested too deep"),
        ("x.toml", b"a" + b".a" * 100_000 + b" = 1", "nested too deep"),
        ("x.yaml", b"# " + b"x" * 1_000_000, "more than 1000000 bytes"),
    ],
    ids=["comma", "bracket", "spaces", "deep", "dots", "long"],
)
def test_what_takes_too_long_or_too_much_is_refused_at_once(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    start = time.process_time()
    assert says in refusal(tmp_path / name)
    assert time.process_time() - start < 5


@given(st.text(alphabet="[]'\"=,# \nab1") | st.text())
def test_every_text_is_a_cfg_file_or_refused_in_one_line(text):
    said = ""
    try:
        found = parse_ini(text)
    except ValueError as error:
        found, said = None, str(error)
    assert isinstance(found, dict) or (said and "\n" not in said)
