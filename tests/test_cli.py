"""The command `mrsnb`, as a person at a terminal meets it."""

import json
import logging
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main
from mrsnb.cli.options import identifier, metavar
from mrsnb.io.compare import compare_runs
from mrsnb.pipeline import Spec3Params, presets

MRSNB = [sys.executable, "-c", "from mrsnb.cli import main; main()"]


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


def refusal(*args):
    """Return what a refused command says, which must be one line."""
    result = mrsnb(*args)
    assert result.exit_code == 2, result.output
    assert not result.stdout
    assert result.stderr.startswith("mrsnb: error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("mrsnb: error: ").strip()


@pytest.fixture(scope="module")
def run(small_dataset, module_folder):
    """A run by the command `spec3`: its folder and what it said."""
    folder = module_folder("run")
    result = mrsnb("spec3", small_dataset.association, "--output-dir", folder, "--report")
    assert result.exit_code == 0, result.output
    return folder, result


# what works


def products(folder):
    """Return the names of the cubes and spectra in a folder."""
    return {path.name for suffix in ("s3d", "x1d") for path in folder.glob(f"*_{suffix}.fits")}


def test_spec3_writes_what_it_says(run):
    folder, result = run
    names = [f"small_ch{c}-short_{suffix}.fits" for c in (1, 2) for suffix in ("s3d", "x1d")]
    said = [line for line in result.stdout.splitlines() if line.endswith(("_s3d.fits", "_x1d.fits"))]
    assert said == [str(folder / name) for name in names]
    assert not result.stderr
    assert products(folder) == set(names)
    assert {"report.html", "cubes.png", "spectrum.png"} < {path.name for path in folder.iterdir()}
    for row in ("exposures", "cubes", "extract_1d"):
        assert re.search(rf"^ +{row} ", result.stdout, re.MULTILINE)
    assert "(1A, 2A)" in result.stdout


def test_the_report_is_complete_in_itself(run):
    html = (run[0] / "report.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == 6
    assert "<script" not in html
    assert "://" not in html
    for fact in ("small_ch1-short_s3d.fits", "small_exposure1_cal.fits", "cube_build", "apcorr", "numpy"):
        assert fact in html


def test_options_of_steps_change_the_run(run, small_dataset, tmp_path):
    given = ["--steps.cube_build.channel=2", "--steps.extract_1d.ifu_rscale", "1.0", "--steps.spectral-leak.skip=yes"]
    result = mrsnb("spec3", small_dataset.association, "--output-dir", tmp_path, *given)
    assert result.exit_code == 0, result.output
    assert products(tmp_path) == {"small_ch2-short_s3d.fits", "small_ch2-short_x1d.fits"}
    wide, narrow = (fits.getdata(folder / "small_ch2-short_x1d.fits", 1)["NPIXELS"] for folder in (run[0], tmp_path))
    assert np.all(narrow < wide)
    history = str(fits.getheader(tmp_path / "small_ch2-short_x1d.fits")["HISTORY"])
    assert "ifu_rscale = 1.0" in history.replace("\n", "")


def test_two_runs_are_equal_and_compare_says_so(run, tmp_path):
    folder, _ = run
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("*_s3d.fits"))
    shutil.copytree(other, tmp_path / "same")
    assert mrsnb("compare", tmp_path / "same", other).exit_code == 0
    with fits.open(other / "small_ch1-short_x1d.fits", mode="update") as hdus:
        hdus[1].data["FLUX"][5] *= 1.001
    result = mrsnb("compare", tmp_path / "same", other)
    assert result.exit_code == 1
    assert re.search(r"small_ch1-short_x1d\.fits +EXTRACT1D\.FLUX +NO", result.stdout)
    assert mrsnb("compare", tmp_path / "same", other, "--rtol", 0.01).exit_code == 0


def test_extract_1d_makes_what_the_run_makes(run, tmp_path):
    folder, _ = run
    result = mrsnb("run", "extract-1d", *folder.glob("*_s3d.fits"), "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    found = compare_runs(tmp_path, folder, rtol=0.0)
    assert (
        {d.product for d in found.differences} == products(tmp_path) == {f"small_ch{c}-short_x1d.fits" for c in (1, 2)}
    )
    assert not [d for d in found.differences if not d.agree]
    for name in products(tmp_path):
        assert str(tmp_path / name) in result.stdout
        assert name.replace("x1d", "s3d") in str(fits.getheader(tmp_path / name)["HISTORY"])


def test_cube_build_takes_exposures_or_their_association(small_dataset, tmp_path):
    given = ["--channel=1", "--output-dir"]
    one = mrsnb("run", "cube_build", small_dataset.association, *given, tmp_path / "one")
    other = mrsnb("run", "cube_build", *small_dataset.exposures, "--product-name=small", *given, tmp_path / "other")
    assert (one.exit_code, other.exit_code) == (0, 0), one.output + other.output
    assert str(tmp_path / "one" / "small_ch1-short_s3d.fits") in one.stdout
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["small_ch1-short_s3d.fits"]
    assert compare_runs(tmp_path / "one", tmp_path / "other", rtol=0.0).agree


def test_extract_1d_takes_cubes_of_the_archive(shared, tmp_path):
    cubes = sorted((shared / "data" / "flight").glob("*_s3d.fits.gz"))
    result = mrsnb("run", "extract_1d", *cubes, "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        c.name.replace("_s3d.fits.gz", "_x1d.fits") for c in cubes
    ]


def test_spectral_leak_needs_its_two_bands(run, tmp_path):
    result = mrsnb("run", "spectral_leak", *run[0].glob("*_x1d.fits"), "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert "needs the spectra of bands 1B and 3A" in result.stdout
    assert not list(tmp_path.iterdir())


def test_steps_on_exposures_write_exposures(small_dataset, tmp_path):
    for step, suffix in (("outlier_detection", "crf"), ("pixel_replace", "pixel_replace")):
        result = mrsnb("run", step, *small_dataset.exposures, "--output-dir", tmp_path / step)
        assert result.exit_code == 0, result.output
        names = [f"small_exposure{i}_a3001_{suffix}.fits" for i in (1, 2)]
        assert sorted(path.name for path in (tmp_path / step).iterdir()) == names
        for name in names:
            assert str(tmp_path / step / name) in result.stdout


def test_a_background_is_subtracted_and_combined(run, small_dataset, tmp_path):
    spectra = sorted(run[0].glob("*_x1d.fits"))
    given = [arg for spectrum in spectra for arg in ("--background", spectrum)]
    result = mrsnb("run", "master_background", *small_dataset.exposures, *given, "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"small_exposure{i}_mbsub.fits" for i in (1, 2)]
    result = mrsnb("run", "combine_1d", *spectra, "--product-name=sky", "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    with fits.open(tmp_path / "sky_c1d.fits") as hdus:
        assert [hdu.name for hdu in hdus[1:-1]] == ["COMBINE1D"] * len(spectra)


def test_a_step_with_nothing_to_do_says_so(small_dataset, tmp_path):
    given = [small_dataset.association, "--output-dir", tmp_path / "new"]
    assert "moving target" in refusal("run", "assign_mtwcs", *given)
    assert "--background" in refusal("run", "master_background", *given)
    assert "subtract = True" in refusal("run", "mrs_imatch", "--subtract=false", *given)
    assert not (tmp_path / "new").exists()


def test_a_step_does_not_replace_its_input(run, tmp_path):
    spectrum = tmp_path / "small_ch1-short_x1d.fits"
    shutil.copy(run[0] / spectrum.name, spectrum)
    with fits.open(spectrum, mode="update") as hdus:
        hdus[0].header["S_SPLEAK"] = "COMPLETE"
        hdus[0].header["CHANNEL"], hdus[0].header["BAND"] = "3", "SHORT"
    before = spectrum.read_bytes()
    assert "taken out before" in refusal("run", "spectral_leak", spectrum, "--output-dir", tmp_path)
    assert spectrum.read_bytes() == before


def test_show_describes_each_kind_of_file(run, small_dataset, tmp_path):
    folder, _ = run
    files = {
        "Association small": small_dataset.association,
        "Exposure small_exposure1_cal.fits": small_dataset.exposures[0],
        "Cube small_ch2-short_s3d.fits": folder / "small_ch2-short_s3d.fits",
        "Spectrum small_ch2-short_x1d.fits": folder / "small_ch2-short_x1d.fits",
    }
    for title, path in files.items():
        page, picture = tmp_path / f"{path.stem}.html", tmp_path / f"{path.stem}.png"
        drawn = ["--png", picture] if path.suffix == ".fits" else []
        result = mrsnb("show", path, "--html", page, *drawn)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"{title}\n")
        assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        assert not drawn or picture.read_bytes().startswith(b"\x89PNG")
    assert "small_exposure2_cal.fits" in mrsnb("show", small_dataset.association).stdout
    assert "no picture" in mrsnb("show", small_dataset.association, "--png", tmp_path / "no.png").stderr


def test_associate_and_simulate(small_dataset, tmp_path):
    asn = tmp_path / "asn.json"
    result = mrsnb("associate", *small_dataset.exposures, "-o", asn, "--product-name", "ngc.7319")
    assert result.exit_code == 0, result.output
    content = json.loads(asn.read_text())
    assert content["products"][0]["name"] == "ngc.7319"
    assert [(tmp_path / m["expname"]).resolve() for m in content["products"][0]["members"]] == [
        path.resolve() for path in small_dataset.exposures
    ]
    options = [
        "--sub-bands",
        "long",
        "--detectors=MIRIFULONG",
        "--dithers=1",
        "--name=vega",
        "--ra=0.1",
        "--background",
    ]
    result = mrsnb("simulate", tmp_path / "raw", *options)
    assert result.exit_code == 0, result.output
    made = {path.name for path in (tmp_path / "raw").iterdir()}
    assert {"vega_exposure1_cal.fits", "vega_background1_x1d.fits", "vega_lvl3_asn.json"} <= made
    assert fits.getval(tmp_path / "raw" / "vega_exposure1_cal.fits", "BAND") == "LONG"


def test_presets_are_listed_with_all_they_change():
    shown = mrsnb("presets").stdout
    for name, preset in presets().items():
        assert name in shown
        assert preset["help"] in shown
        for step, values in preset["steps"].items():
            for key, value in values.items():
                assert f"{step}.{key} = {value}" in shown


def test_help_lists_every_parameter_with_its_help():
    shown = " ".join(mrsnb("spec3", "--help").stdout.split())
    for step, kind in Spec3Params.steps().items():
        for spec in kind.specs():
            assert f"--steps.{step}.{spec.name} " in shown
            assert spec.help.split(";")[0] in shown
    assert "--steps.extract_1d.override_apcorr FILE" in shown
    for command in main.commands:
        result = mrsnb(command, "-h")
        assert result.exit_code == 0
        assert "Usage: mrsnb" in result.stdout


def test_what_to_type_for_a_parameter():
    forms = {spec.name: metavar(spec) for kind in Spec3Params.steps().values() for spec in kind.specs()}
    assert forms["channel"] == "1|2|3|4|all"
    assert forms["band"] == "NAME"
    assert forms["center_xy"] == "X,X|none"
    assert forms["skip"] == "true|false"
    assert identifier("--steps.cube_build.wave-min") == "steps_cube_build_wave_min"


# what does not


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["spec4"], "unknown command 'spec4'; did you mean 'spec3'?"),
        (["run", "cube_bild"], "did you mean 'cube_build'?"),
        (["zzz"], "one of demo, simulate"),
        (["spec3"], "Missing argument 'ASN'"),
        (["spec3", "a.json", "b.json"], "unexpected extra argument"),
        (["spec3", "a.json", "--presett=x"], "unknown option --presett; did you mean '--preset'?"),
        (["spec3", "a.json", "--preset=archiv"], "did you mean 'archive'?"),
        (["spec3", "a.json", "--steps.cube_buld.channel=1"], "unknown step 'cube_buld'; did you mean 'cube_build'?"),
        (["spec3", "a.json", "--steps.cube_build.chanel=1"], "did you mean 'channel'?"),
        (["spec3", "a.json", "--steps.cube_build=1"], "unknown parameter '' of cube_build; allowed"),
        (["spec3", "a.json", "--steps.cube_build.channel=7"], "cube_build.channel = '7': not allowed"),
        (["spec3", "a.json", "--steps.extract_1d.ifu_rscale=9"], "extract_1d.ifu_rscale = 9.0: must be a number from"),
        (["spec3", "a.json", "--steps.extract_1d.override_apcorr=no.asdf"], "no.asdf: cannot be read"),
        (["spec3", "a.json", "--references=nowhere"], "nowhere: no such directory of reference files"),
        (["spec3", "a.json"], "a.json: cannot be read: No such file"),
        (["simulate", "x", "--dithers=0"], "dithers = 0: must be a whole number from 1"),
        (["simulate", "x", "--name=a/b"], "'/' is not allowed"),
        (["associate", "x.fits", "-o", "a.json", "--product-name=a/b"], "'/' is not allowed"),
        (["associate", "x.fits", "-o", "a.json", "--product-name=ab"], "members missing: x.fits"),
        (["compare", "here", "there"], "here: no such directory"),
        (["compare", ".", ".", "--rtol=small"], "'small' is not a valid float"),
        (["show", "no\nsuch\x1b[31m.fits"], "no such\\x1b[31m.fits: no such file"),
        (["run", "extract_1d", "a_s3d.fits", "--ifu_rscale=none", "--center_xy=1"], "center_xy = (1.0,): must be 2"),
    ],
)
def test_wrong_options_are_refused_in_one_line_before_any_file_is_touched(args, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refusal(*args)
    assert not list(tmp_path.iterdir())


def cut_short(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def without(name):
    def change(path):
        with fits.open(path, mode="update") as hdus:
            del hdus[name]

    return change


def with_keyword(key, value):
    return lambda path: fits.setval(path, key, value=value)


def all_nan(path):
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].data[:] = np.nan


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_short, "truncated"),
        (without("SCI"), "no SCI extension"),
        (without("ASDF"), "no ASDF extension, so no WCS; run level 2"),
        (with_keyword("INSTRUME", "NIRSPEC"), "INSTRUME = 'NIRSPEC'"),
        (all_nan, "no finite value"),
        (with_keyword("BAND", "LONG"), "conflict"),
        (lambda path: path.write_bytes(b"not FITS"), "not a readable FITS file"),
        (lambda path: path.unlink(), "members missing"),
    ],
)
def test_a_bad_exposure_is_refused_in_one_line_and_nothing_is_left(damage, words, small_dataset, tmp_path):
    for path in (small_dataset.association, *small_dataset.exposures):
        shutil.copy(path, tmp_path)
    bad = tmp_path / small_dataset.exposures[-1].name
    damage(bad)
    message = refusal("spec3", tmp_path / small_dataset.association.name, "--output-dir", tmp_path / "out")
    assert bad.name in message
    assert words in message
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ({"name": "x", "members": []}, "has no members"),
        ({"name": "a/b", "members": [{"expname": "x.fits", "exptype": "science"}]}, "'/' is not allowed"),
        ({"name": "x", "members": [{"expname": "gone.fits", "exptype": "science"}]}, "members missing"),
        (None, "no list of 'products'"),
    ],
)
def test_a_bad_association_is_refused_in_one_line(product, words, tmp_path):
    asn = tmp_path / "asn.json"
    asn.write_text(json.dumps({"products": [product]} if product else {}))
    message = refusal("spec3", asn, "--output-dir", tmp_path / "out")
    assert str(asn) in message
    assert words in message
    assert not (tmp_path / "out").exists()


def test_an_output_directory_that_cannot_be_made(small_dataset, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "cannot be made" in refusal("spec3", small_dataset.association, "--output-dir", tmp_path / "file" / "out")
    assert "cannot be made" in refusal("simulate", tmp_path / "file" / "raw", "--dithers=1")
    assert (tmp_path / "file").read_text() == "mine"


def test_what_nobody_foresaw_is_one_line_too_and_verbose_shows_where(monkeypatch):
    monkeypatch.setattr("mrsnb.io.compare.compare_runs", lambda *_: 1 / 0)
    result = mrsnb("compare", "a", "b")
    assert result.exit_code == 1
    assert result.stderr.startswith("mrsnb: error: unforeseen ZeroDivisionError: division by zero; --verbose")
    assert result.stderr.count("\n") == 1
    result = mrsnb("compare", "a", "b", "--verbose")
    assert isinstance(result.exception, ZeroDivisionError)
    assert logging.getLogger("mrsnb").level == logging.NOTSET


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_is_one_line(tmp_path, number):
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored in the background
    command = [*MRSNB[:2], code + MRSNB[2], "simulate", str(tmp_path / "raw")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "raw").exists():
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "mrsnb: error: interrupted")
    assert not list((tmp_path / "raw").glob("*.tmp"))


def test_verbose_says_what_is_done_and_quiet_does_not(small_dataset, tmp_path):
    given = ["spec3", small_dataset.association, "--output-dir", tmp_path, "--steps.cube_build.channel=1"]
    assert not mrsnb(*given).stderr
    assert "mrsnb: info: cube_build: " in mrsnb(*given, "-v").stderr


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{shlex.join(MRSNB)} spec3 --help | head -1"
    found = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)  # noqa: S607
    assert found.stdout.startswith("Usage: mrsnb spec3")
    assert not found.stderr


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e$(touch owned)`touch owned`%s{0}\u2028"


@pytest.mark.parametrize(
    "command", ["show", "show --provenance", "verify", "report", "rerun", "spec3", "batch", "associate"]
)
def test_names_and_keywords_command_no_terminal(small_dataset, tmp_path, monkeypatch, capfd, command):
    monkeypatch.chdir(tmp_path)
    name = f"a{HOSTILE}_cal.fits"
    source = (small_dataset.exposures[0]).read_bytes()
    Path(name).write_bytes(source)
    Path(f"b{HOSTILE}_s3d.fits").write_bytes(fits.PrimaryHDU().header.tostring().encode() + b"x" * 2880)
    Path(f"c{HOSTILE}_asn.json").write_text(
        json.dumps({"products": [{"name": HOSTILE, "members": [{"expname": name}]}]})
    )
    place = {"report": ".", "verify": ".", "batch": ".", "spec3": f"c{HOSTILE}_asn.json"}.get(command, name)
    more = {"batch": ["-o", "out"], "associate": ["-o", f"d{HOSTILE}_asn.json", "--product-name", "x"]}.get(command, [])
    main([*command.split(), place, *more], standalone_mode=False)
    said = "".join(capfd.readouterr())
    assert said.strip()
    assert all(character.isprintable() or character in "\n " for character in said)
    assert "\\x1b[2J" in said
    assert not Path("owned").exists()


def test_an_error_commands_no_terminal_where_no_command_shows_it():
    from mrsnb.errors import InputError

    error = InputError(f"{HOSTILE}: is\n   no file")
    assert str(error).isprintable()
    assert str(error).endswith(": is no file")
    assert all(line.isprintable() for line in error._render_traceback_())
