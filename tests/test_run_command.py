"""The commands `mrsnb run STEP` and `mrsnb show`, where what one step alone does differs from a run."""

import re

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


@pytest.fixture(scope="module")
def made(small_dataset, module_folder):
    """What a run writes with the intermediate results of its steps, and the mean of its spectra."""
    folder = module_folder("made")
    steps = ("outlier_detection", "adaptive_trace_model")
    options = [
        f"--steps.{step}.{kept}=true" for step in steps for kept in ("save_results", "save_intermediate_results")
    ]
    told = mrsnb("spec3", small_dataset.association, "--output-dir", folder, "--steps.adaptive_trace_model.skip=false",
                 *options)  # fmt: skip
    assert told.exit_code == 0, told.output
    spectra = sorted(folder.glob("*_x1d.fits"))
    given = [arg for path in spectra for arg in ("--background", path)]
    exposures = [*small_dataset.exposures, "--output-dir", folder]
    for args in (
        ["combine_1d", *spectra, "--output-dir", folder],
        ["master_background", *exposures, *given, "--save_background=true"],
        ["outlier_detection", *exposures, "--method=neighbours", "--save_intermediate_results=true"],
    ):
        told = mrsnb("run", *args)
        assert told.exit_code == 0, told.output
    return folder


@pytest.fixture(scope="module")
def cubes(made):
    return sorted(made.glob("*_s3d.fits"))


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps.extract_1d.center_xy=500,500"], r"center_xy = 500, 500 is outside the cube of \d+ x \d+ spaxels"),
        (
            ["--steps.cube_build.scalexy=0.01", "--steps.cube_build.scalew=0.00001"],
            r"needs [\d.]+ GB, there are [\d.]+ GB (of memory|on the disk)",
        ),
        (["--steps.master_background.user_background=none_x1d.fits"], "none_x1d.fits: no such file"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_done(small_dataset, tmp_path, options, message):
    folder = tmp_path / "out"
    saves = "--steps.outlier_detection.save_results=true"
    assert re.search(message, refusal("spec3", small_dataset.association, "--output-dir", folder, saves, *options))
    assert not folder.exists()


def test_all_cubes_are_looked_at_before_the_first_spectrum_is_written(cubes, tmp_path):
    missing = cubes[0].with_name("missing_s3d.fits")
    folder = tmp_path / "out"
    assert "missing_s3d.fits: no such file" in refusal("run", "extract_1d", *cubes, missing, "--output-dir", folder)
    widths = [fits.getval(path, "NAXIS1", "SCI") for path in cubes]
    widest = int(np.argmax(widths))
    assert min(widths) < max(widths)
    outside = f"--center_xy={widths[widest] - 1},20"
    cubes = [cubes[widest], *cubes]
    assert "20 is outside" in refusal("run", "extract_1d", *cubes, outside, "--output-dir", folder)
    assert not folder.exists()


def test_show_describes_every_product(made, tmp_path):
    kinds = {path.stem.rpartition("_a3001_")[2]: path for path in made.glob("*.fits")}
    wanted = {"crf", "mirifushort_outlier_output", "ch1a_outlier_output", "spline_full", "spline_used", "masterbg1d"}
    assert wanted | {"masterbg2d", "combined_c1d"} <= set(kinds)
    for path in kinds.values():
        picture = tmp_path / f"{path.stem}.png"
        told = mrsnb("show", path, "--png", picture)
        assert told.exit_code == 0, told.output
        assert path.name in told.output.splitlines()[0]
        assert picture.stat().st_size > 5000
