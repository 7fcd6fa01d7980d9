"""The observatory's command lines, as `mrsnb strun` and its like take them."""

import json
import shlex

import pytest
from astropy.io import fits
from test_cli import mrsnb, refusal

from mrsnb.io.compare import compare_runs
from mrsnb.io.config import read_config
from mrsnb.pipeline import Spec3Params
from mrsnb.pipeline.settings import settings

PLANES = {"channel": "1", "wavemin": "5.0", "wavemax": "5.01"}
FAST = (
    "--steps.outlier_detection.skip",
    "True",
    "--steps.extract_1d.ifu_rfcorr=False",
    *(f"--steps.cube_build.{name}={value}" for name, value in PLANES.items()),
)
ONE_STEP = tuple(f"--{name}={value}" for name, value in PLANES.items())


def made(folder):
    return sorted(path.name for path in folder.glob("*.fits"))


@pytest.fixture(scope="module")
def plain(small_dataset, module_folder):
    """What `mrsnb spec3` makes."""
    folder = module_folder("plain")
    assert mrsnb("spec3", small_dataset.association, "--output-dir", folder, *FAST).exit_code == 0
    return folder


def equal(folder, other):
    assert made(folder) == made(other)
    return compare_runs(folder, other, 0.0).agree


# the pipeline


@pytest.mark.parametrize("what", ["jwst.pipeline.Spec3Pipeline", "jwst::calwebb_spec3"])
def test_the_pipeline_by_its_names(small_dataset, plain, tmp_path, what):
    saves = ("--steps.mrs_imatch.skip", "True", "--steps.cube_build.save_results", "True", "--save_results")
    result = mrsnb("strun", what, small_dataset.association, "--output_dir", tmp_path / "o", *FAST, *saves)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    assert equal(tmp_path / "o", plain)


def test_the_pipeline_by_a_file_that_names_files_of_steps(small_dataset, plain, tmp_path):
    cfgs = tmp_path / "cfgs"
    assert mrsnb("collect_pipeline_cfgs", cfgs).exit_code == 0
    with (cfgs / "cube_build.cfg").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in PLANES.items())
    result = mrsnb(
        "strun", cfgs / "calwebb_spec3.cfg", f"--output_dir={tmp_path / 'o'}", *FAST[:3], small_dataset.association
    )
    assert result.exit_code == 0, result.output
    assert equal(tmp_path / "o", plain)
    assert "other content" in refusal("collect_pipeline_cfgs", cfgs)


def test_saved_parameters_repeat_a_run(small_dataset, plain, tmp_path):
    pars, first, second = tmp_path / "p.asdf", tmp_path / "1", tmp_path / "2"
    options = (*FAST, "--save-parameters", pars, "--disable-crds-steppars", "--output_dir", first)
    assert mrsnb("strun", "calwebb_spec3", small_dataset.association, *options).exit_code == 0
    assert mrsnb("strun", pars, small_dataset.association, "--output_dir", second).exit_code == 0
    assert equal(second, plain)
    assert read_config(pars).parameters["output_dir"] == str(first)


def test_parameters_without_effect_are_said_once(tmp_path):
    ignored = ("outlier_detection.pixfrac=0.5", "extract_1d.soss_width=40", "cube_skymatch.skip=true")
    result = mrsnb("strun", "calwebb_spec3", tmp_path / "none.json", *(f"--steps.{text}" for text in ignored))
    assert sorted(result.stderr.splitlines())[1:] == [
        "mrsnb: warning: cube_skymatch: this step exists no longer; ignored",
        "mrsnb: warning: outlier_detection.pixfrac = 0.5: has no effect here; ignored",
    ]


def test_the_name_of_the_cubes_can_be_given(small_dataset, tmp_path):
    options = ("--output_dir", tmp_path, "--steps.cube_build.output_file=other.fits")
    assert mrsnb("strun", "calwebb_spec3", small_dataset.association, *FAST, *options).exit_code == 0
    assert made(tmp_path) == ["other_ch1-short_s3d.fits", "other_ch1-short_x1d.fits"]


# single steps


@pytest.fixture(scope="module")
def single(small_dataset, module_folder):
    """A folder with the products of single steps, each run in a folder of its own."""
    folder = module_folder("single")
    exposure = min(small_dataset.association.parent.glob("*_cal.fits"))
    cube = folder / "cubes" / "small_ch1-short_s3d.fits"
    for line in (
        ("cube", "cube_build", exposure, *ONE_STEP),
        ("cubes", "jwst.cube_build.CubeBuildStep", small_dataset.association, *ONE_STEP),
        ("filled", "pixel_replace", exposure),
        ("flagged", "outlier_detection", small_dataset.association, "--kernel_size=7 7"),
        ("spectrum", "extract_1d", cube, "--ifu_rfcorr=0"),
        ("named", "extract_1d", cube, "--ifu_rfcorr=0", "--suffix=x1d", "--output_file=star.fits"),
        ("mean", "combine_1d", folder / "named" / "star_x1d.fits"),
        ("leak", "spectral_leak", folder / "named" / "star_x1d.fits"),
    ):
        result = mrsnb("strun", *line[1:], "--output_dir", folder / line[0])
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines() == [str(folder / line[0] / name) for name in made(folder / line[0])]
    return folder


SINGLE = {
    "cube": ["small_exposure1_ch1-short_s3d.fits"],
    "cubes": ["small_ch1-short_s3d.fits"],
    "filled": ["small_exposure1_pixelreplacestep.fits"],
    "flagged": [f"small_exposure{i}_a3001_outlierdetectionstep.fits" for i in (1, 2)],
    "spectrum": ["small_ch1-short_extract1dstep.fits"],
    "named": ["star_x1d.fits"],
    "mean": ["star_combine1dstep.fits"],
    "leak": ["star_spectralleakstep.fits"],
}
"""Names that the observatory's single steps give their products."""


@pytest.mark.parametrize("step", SINGLE)
def test_products_of_single_steps_are_named_as_the_observatorys_and_can_be_made_again(single, tmp_path, step):
    assert made(single / step) == SINGLE[step]
    product = single / step / SINGLE[step][0]
    assert fits.getval(product, "FILENAME") == product.name
    result = mrsnb("rerun", product, "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / product.name}: equal to {product}" in result.stdout
    assert made(tmp_path) == SINGLE[step]


def test_a_single_step_makes_what_the_pipeline_makes(single, plain):
    with (
        fits.open(single / "named" / "star_x1d.fits") as ours,
        fits.open(plain / "small_ch1-short_x1d.fits") as theirs,
    ):
        assert (ours["EXTRACT1D"].data["FLUX"] == theirs["EXTRACT1D"].data["FLUX"]).all()


def test_a_single_step_by_a_file(small_dataset, tmp_path):
    first = (*ONE_STEP, "--save-parameters", tmp_path / "p.asdf", "--output_dir", tmp_path / "a")
    assert mrsnb("strun", "cube_build", small_dataset.association, *first).exit_code == 0
    run = mrsnb(
        "run", "cube_build", small_dataset.association, "--config", tmp_path / "p.asdf", "--output-dir", tmp_path / "c"
    )
    assert run.exit_code == 0, run.output
    assert equal(tmp_path / "a", tmp_path / "c")


# what is refused


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "missing: what to run"),
        ("calwebb_spec3", "one input file is wanted, found none"),
        ("calwebb_spec3 a b", "one input file is wanted, found 2: a b"),
        ("Spec2Pipeline a", "did you mean 'Spec3Pipeline'?"),
        ("none.cfg a", "none.cfg: cannot be read"),
        ("calwebb_spec3 none.json", "none.json: cannot be read"),
        ("calwebb_spec3 a --steps.cube_bild.channel=1", "unknown step 'cube_bild'; did you mean 'cube_build'?"),
        ("calwebb_spec3 a --steps.cube_build.chanel=1", "unknown parameter 'chanel'; did you mean 'channel'?"),
        ("calwebb_spec3 a --steps.cube_build.channel", "a value is missing"),
        ("calwebb_spec3 a --steps.cube_build=1", "must be --steps.STEP.PARAMETER=VALUE"),
        ("calwebb_spec3 a --steps.cube_build.channel=5", "cube_build.channel = '5': not allowed"),
        ("calwebb_spec3 a --channel=1", "did you mean 'steps.cube_build.channel'?"),
        ("calwebb_spec3 a --override_apcorr=x", "did you mean 'steps.extract_1d.override_apcorr'?"),
        ("calwebb_spec3 a --ouput_dir=x", "did you mean 'output_dir'?"),
        ("calwebb_spec3 a --preset=archiv", "did you mean 'archive'?"),
        ("calwebb_spec3 a --log-level=loud", "allowed: 'debug'"),
        ("calwebb_spec3 a --log-file=no/such/log", "cannot be written"),
        ("calwebb_spec3 a --save-parameters=p.txt", "ends in .yaml"),
        ("cube_build a --steps.cube_build.channel=1", "goes with the pipeline"),
        ("cube_build a --chanel=1", "did you mean 'channel'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, line, says):
    monkeypatch.chdir(tmp_path)
    assert says in refusal("strun", *shlex.split(line))
    assert not list(tmp_path.iterdir())


def test_help_lists_what_a_step_takes():
    assert "--steps.STEP.NAME=VALUE" in mrsnb("strun", "--help").output
    help_of_step = mrsnb("strun", "jwst::extract_1d", "-h").output
    assert "--ifu_autocen" in help_of_step
    assert "--override_apcorr" in help_of_step
    assert mrsnb("strun", "--version").output.startswith("mrsnb ")


@pytest.mark.parametrize(("stream", "said"), [("null", ""), ("stderr", "mrsnb: warning: --logcfg")])
def test_the_log_goes_where_it_is_sent(tmp_path, stream, said):
    line = ("strun", "calwebb_spec3", tmp_path / "none.json", "--logcfg=x", f"--log-stream={stream}")
    result = mrsnb(*line, "--log-file", tmp_path / "log")
    assert result.stderr.partition("mrsnb: error:")[0].startswith(said)
    assert "--logcfg" not in result.stderr or said
    assert "WARNING - --logcfg" in (tmp_path / "log").read_text()


# parameters and associations


def test_params_are_printed_and_written(tmp_path):
    result = mrsnb("params", "--preset", "quicklook", "--steps.cube_build.channel=2")
    (tmp_path / "p.yaml").write_text(result.stdout)
    expected = Spec3Params.preset("quicklook").updated({"cube_build": {"channel": "2"}})
    assert settings(read_config(tmp_path / "p.yaml")).params == expected
    for suffix in ("toml", "asdf", "yml"):
        path = tmp_path / f"q.{suffix}"
        assert mrsnb("params", "--config", tmp_path / "p.yaml", "-o", path).exit_code == 0
        assert settings(read_config(path)).params == expected
    assert "ends in" in refusal("params", "-o", tmp_path / "p.json")
    assert "did you mean 'channel'" in refusal("params", "--steps.cube_build.chanel=2")


def test_spec3_takes_a_file_below_the_command_line(small_dataset, plain, tmp_path):
    (tmp_path / "p.toml").write_text(
        f"[parameters]\noutput_dir = {json.dumps(str(tmp_path / 'o'))}\n[steps.outlier_detection]\nskip = true\n"
        "[steps.cube_build]\nchannel = 2\n"
    )
    options = (
        "--config",
        tmp_path / "p.toml",
        *FAST[2:],
        "--save-parameters",
        tmp_path / "q.yaml",
    )
    assert mrsnb("spec3", small_dataset.association, *options).exit_code == 0
    assert equal(tmp_path / "o", plain)
    assert settings(read_config(tmp_path / "q.yaml")).params.cube_build.channel == "1"


def test_asn_from_list_writes_what_the_observatorys_does(tmp_path):
    path = tmp_path / "x_asn.json"
    assert mrsnb("asn_from_list", "-o", path, "--product-name", "target", "a_cal.fits", "b/b_cal.fits").exit_code == 0
    text = path.read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=4)
    assert list(content) == [
        "asn_type", "asn_rule", "version_id", "code_version", "degraded_status", "program", "constraints", "asn_id",
        "target", "asn_pool", "products",
    ]  # fmt: skip
    assert (content["asn_type"], content["asn_id"], content["program"]) == ("None", "a3001", "noprogram")
    members = [{"expname": name, "exptype": "science"} for name in ("a_cal.fits", "b/b_cal.fits")]
    assert content["products"] == [{"name": "target", "members": members}]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-o x.json a.fits", "product_name"),
        ("-o x.json --product-name t", "FILES"),
        ("--product-name t a.fits", "--output-file"),
        ("-o x.json --product-name t -f yaml a.fits", "--format=yaml"),
        ("-o x.json --product-name t -r DMSLevel2bBase a.fits", "did you mean"),
        ("-o no/x.json --product-name t a.fits", "cannot be written"),
    ],
)
def test_associations_that_cannot_be_made(tmp_path, monkeypatch, line, says):
    monkeypatch.chdir(tmp_path)
    assert says in refusal("asn_from_list", *shlex.split(line))
    assert not list(tmp_path.iterdir())
