"""What products say of their making, and the runs that are made again from it."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner
from reference_files import apcorr

from mrsnb.cli import main
from mrsnb.core.references import References
from mrsnb.core.status import STATUS
from mrsnb.errors import InputError, OutputError
from mrsnb.io.asdf_extension import asdf_extension
from mrsnb.io.compare import compare_runs
from mrsnb.io.provenance import checksum
from mrsnb.io.read import read_provenance
from mrsnb.pipeline import Spec3Params, spec3
from mrsnb.rerun import read_run

PARAMS = Spec3Params().updated(
    {
        "outlier_detection": {"method": "neighbours", "save_results": True, "save_intermediate_results": True},
        "master_background": {"skip": True},
        "cube_build": {"channel": "1", "wavemin": 5.0, "wavemax": 5.02},
        "extract_1d": {"ifu_rscale": 1.5},
    }
)
CUBE, SPECTRUM, FLAGGED = "small_ch1-short_s3d.fits", "small_ch1-short_x1d.fits", "small_exposure1_a3001_crf.fits"


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


@pytest.fixture(scope="module")
def run(small_dataset, module_folder):
    """The folder of a run whose inputs are beside it, in ``raw``."""
    folder = module_folder("run")
    shutil.copytree(small_dataset.association.parent, folder / "raw")
    list(spec3(folder / "raw" / small_dataset.association.name, PARAMS, output_dir=folder / "out"))
    return folder


@pytest.fixture
def moved(run, tmp_path):
    """The same, moved elsewhere as a whole."""
    shutil.copytree(run, tmp_path / "moved")
    return tmp_path / "moved"


# what products say


@pytest.mark.parametrize("name", [CUBE, SPECTRUM, FLAGGED])
def test_every_product_says_the_whole_run(run, name):
    told = read_provenance(run / "out" / name)
    assert told.parameters == PARAMS.to_dict()
    assert told.run == {"step": "spec3", "product": "small", "asn": "small_lvl3_asn.json", "asn_id": "a3001",
                        "asn_pool": told.primary["ASNPOOL"]}  # fmt: skip
    assert list(told.texts("inputs")) == [f"../raw/small_exposure{n}_cal.fits" for n in (1, 2)]
    for path, digest in told.texts("inputs").items():
        assert checksum(run / "out" / path) == digest
    assert set(told.texts("references")) == {"cubepar", "extract1d", "apcorr", "mrsptcorr"}
    assert told.primary["CAL_VER"] == f"mrsnb {told.texts('software')['mrsnb']}"
    assert told.primary["ASNTABLE"] == "small_lvl3_asn.json"


def test_intermediate_images_say_it_too(run):
    path = next((run / "out").glob("*outlier_output.fits"))
    assert read_provenance(path).parameters == PARAMS.to_dict()
    assert read_run(path).params == PARAMS


def test_every_step_has_its_status(run):
    on_exposures = {
        "assign_mtwcs": "SKIPPED",
        "master_background": "SKIPPED",
        "mrs_imatch": "SKIPPED",
        "outlier_detection": "COMPLETE",
        "adaptive_trace_model": "SKIPPED",
        "pixel_replace": "SKIPPED",
    }
    on_cubes = on_exposures | {"cube_build": "COMPLETE"}
    on_spectra = on_cubes | {"extract_1d": "COMPLETE", "spectral_leak": "SKIPPED"}
    for name, expected in {FLAGGED: on_exposures, CUBE: on_cubes, SPECTRUM: on_spectra}.items():
        header = fits.getheader(run / "out" / name)
        stated = {step: header[key] for step, (key, _) in STATUS.items() if key in header}
        assert stated == expected
        assert all(header.comments[key] for key, _ in STATUS.values() if key in header)
    rows = fits.getdata(run / "out" / CUBE, "HDRTAB")
    assert set(rows["S_PXREPL"]) == {"SKIPPED"}
    assert set(rows["ASNTABLE"]) == {"small_lvl3_asn.json"}


def test_it_is_shown_as_tables(run, tmp_path):
    page = tmp_path / "page.html"
    shown = mrsnb("show", "--provenance", run / "out" / FLAGGED, "--html", page)
    assert shown.exit_code == 0, shown.output
    for word in ("Provenance of", "Steps", "Inputs", "../raw/small_exposure2_cal.fits", "References", "Software", "Parameters"):  # fmt: skip # noqa: E501
        assert word in shown.stdout
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["cube_build", "wavemax", "5.02"] in lines
    assert ["outlier_detection", "COMPLETE"] in lines
    assert "Parameters" in page.read_text(encoding="utf-8")


def test_products_of_others_say_less(tmp_path):
    path = tmp_path / "x_x1d.fits"
    header = fits.Header({"CAL_VER": "1.17.1", "S_IFUCUB": "COMPLETE", "S_FLAT": "COMPLETE", "R_CUBPAR": "crds_x.fits"})
    fits.PrimaryHDU(header=header).writeto(path)
    shown = mrsnb("show", "--provenance", path).stdout
    for word in ("calibration software 1.17.1", "cube_build", "S_FLAT", "crds_x.fits"):
        assert word in shown


def test_products_of_others_cannot_be_repeated(tmp_path):
    path = tmp_path / "x_x1d.fits"
    fits.PrimaryHDU(header=fits.Header({"CAL_VER": "1.17.1"})).writeto(path)
    with pytest.raises(InputError, match=r"does not say how it was made \(by 1\.17\.1\)"):
        read_run(path)


def test_a_run_that_nobody_knows_is_refused(tmp_path):
    path = tmp_path / "x_x1d.fits"
    fits.PrimaryHDU().writeto(path)
    with path.open("ab") as file:
        file.write(asdf_extension({}, None, {"run": {"step": "magic"}, "inputs": {"x_x1d.fits": "sha256:12"}}))
    with pytest.raises(InputError, match=r"cannot be repeated with mrsnb .*unknown step 'magic'"):
        read_run(path, anyway=True)


# runs made again


def test_a_run_made_again_makes_the_same(run, tmp_path):
    result = mrsnb("rerun", run / "out" / FLAGGED, "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / FLAGGED}: equal to {run / 'out' / FLAGGED}" in result.stdout
    assert not result.stderr
    found = compare_runs(run / "out", tmp_path, rtol=0.0)
    assert found.agree
    assert {d.product for d in found.differences} >= {CUBE, SPECTRUM, FLAGGED}
    for name in (CUBE, SPECTRUM, FLAGGED):
        before, after = (fits.getheader(folder / name) for folder in (run / "out", tmp_path))
        changing = ("DATE", "HISTORY", "CHECKSUM")
        assert {k: v for k, v in before.items() if k not in changing} == {
            k: v for k, v in after.items() if k not in changing
        }


@pytest.mark.parametrize("name", [CUBE, SPECTRUM, FLAGGED])
def test_each_product_is_enough_to_know_the_run(run, name):
    again = read_run(run / "out" / name)
    assert again.params == PARAMS
    assert [m.exptype for m in again.association.members] == ["science", "science"]
    assert again.association.asn_id == "a3001"
    assert again.changed == again.software == ()


def test_it_says_where_it_differs(moved):
    with fits.open(moved / "out" / SPECTRUM, mode="update") as hdus:
        hdus[1].data["FLUX"][3] *= 2
    result = mrsnb("rerun", moved / "out" / SPECTRUM, "--output-dir", moved / "again")
    assert result.exit_code == 1
    assert "EXTRACT1D.FLUX" in result.stdout
    assert "DIFFERS FROM" in result.stdout


def test_what_moved_together_is_found(moved, run):
    again = read_run(moved / "out" / CUBE)
    assert {path.parent.resolve() for path in again.inputs} == {(moved / "raw").resolve()}
    assert run.resolve() not in {path.parents[1].resolve() for path in again.inputs}


def test_what_is_missing_is_named_and_can_be_pointed_to(moved, run):
    (moved / "raw" / "small_exposure2_cal.fits").unlink()
    with pytest.raises(InputError, match=r"1 files .*missing: \.\./raw/small_exposure2_cal\.fits .*--inputs DIR"):
        read_run(moved / "out" / CUBE)
    assert read_run(moved / "out" / CUBE, look_in=run / "raw").changed == ()


def test_what_changed_is_refused_unless_one_insists(moved):
    fits.setval(moved / "raw" / "small_exposure1_cal.fits", "TARGNAME", value="other")
    refused = mrsnb("rerun", moved / "out" / SPECTRUM, "--output-dir", moved / "again")
    assert refused.exit_code == 2
    assert "changed since: " in refused.stderr
    assert "small_exposure1_cal.fits" in refused.stderr
    assert not (moved / "again").exists()
    result = mrsnb("rerun", moved / "out" / SPECTRUM, "--output-dir", moved / "again", "--anyway")
    assert result.exit_code == 0, result.output
    assert "small_exposure1_cal.fits has changed since" in result.stderr


def test_built_in_values_that_changed_are_told(run, monkeypatch):
    monkeypatch.setattr(References, "sources", lambda _: {"cubepar": "built-in (others)"})
    with pytest.raises(InputError, match="changed since: the built-in cubepar, the built-in extract1d"):
        read_run(run / "out" / CUBE)


def test_parameters_of_another_version_are_told(run, monkeypatch):
    kinds = {step: kind for step, kind in Spec3Params.steps().items() if step != "pixel_replace"}
    monkeypatch.setattr(Spec3Params, "steps", classmethod(lambda _: kinds))
    with pytest.raises(InputError, match=r"cannot be repeated with mrsnb .*unknown step 'pixel_replace'"):
        read_run(run / "out" / CUBE)


def test_a_product_is_never_replaced_by_its_repetition(run):
    before = (run / "out" / CUBE).read_bytes()
    with pytest.raises(OutputError, match="would be replaced by its repetition"):
        list(read_run(run / "out" / CUBE).results(run / "out"))
    assert (run / "out" / CUBE).read_bytes() == before


def test_one_step_with_files_of_its_own(run, tmp_path, monkeypatch):
    cube = fits.getheader(run / "out" / CUBE, 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.reg").write_text(f'fk5\ncircle({cube["CRVAL1"]},{cube["CRVAL2"]},0.6")\n')
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs" / "apcorr.asdf").write_text(apcorr())
    given = ["--references", "refs", "--extraction_region=here.reg", "--output-dir", "one"]
    assert mrsnb("run", "extract_1d", run / "out" / CUBE, *given).exit_code == 0
    told = read_provenance(tmp_path / "one" / SPECTRUM)
    assert told.files["extract_1d.extraction_region"]["path"] == "../here.reg"
    assert told.files["apcorr"]["path"] == "../refs/apcorr.asdf"
    assert told.parameters["cube_build"] == PARAMS.to_dict()["cube_build"]
    assert "spectral_leak" not in told.parameters
    monkeypatch.chdir(run)
    result = mrsnb("rerun", tmp_path / "one" / SPECTRUM, "--output-dir", tmp_path / "again")
    assert result.exit_code == 0, result.output
    (tmp_path / "refs" / "apcorr.asdf").write_text(apcorr(apcorr=[[2.0, 2.0], [1.0, 1.0]]))
    with pytest.raises(InputError, match=r"changed since: .*refs/apcorr\.asdf"):
        read_run(tmp_path / "one" / SPECTRUM)


def test_spectra_combined_are_combined_again(run, tmp_path):
    made = mrsnb("run", "combine_1d", run / "out" / SPECTRUM, "--product-name=mean", "--output-dir", tmp_path / "one")
    assert made.exit_code == 0, made.output
    result = mrsnb("rerun", tmp_path / "one" / "mean_c1d.fits", "--output-dir", tmp_path / "two")
    assert result.exit_code == 0, result.output
    one, two = (fits.getdata(tmp_path / folder / "mean_c1d.fits", 1) for folder in ("one", "two"))
    assert np.array_equal(one["FLUX"], two["FLUX"])
