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
