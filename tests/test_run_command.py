"""The commands `mrsnb run STEP` and `mrsnb show`, where what one step alone does differs from a run."""

from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


def test_backgrounds_are_matched_in_files_without_being_told_to_subtract(small_dataset, tmp_path):
    result = mrsnb("run", "mrs_imatch", small_dataset.association, "--output-dir", tmp_path)
    assert result.exit_code == 0, result.output
    written = sorted(tmp_path.glob("*_mrs_imatch.fits"))
    assert len(written) == 2
    assert all(fits.getval(path, "BKGSUB") for path in written)
    told = " ".join(mrsnb("run", "mrs_imatch", "--help").output.split())
    assert "so outlier_detection does not see it. By itself, the step subtracts" in told
    assert "[default true]" in told


def refusal(*args):
    """Return what a refused command says, which must be one line."""
    result = mrsnb(*args)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("mrsnb: error: ").strip()


def test_a_spectrum_is_not_combined_with_itself(tmp_path):
    path = tmp_path / "a_x1d.fits"
    told = refusal("run", "combine_1d", path, tmp_path / "b_x1d.fits", tmp_path / "." / path.name)
    assert told == f"{path}: given twice; a spectrum would count double, give each once"
