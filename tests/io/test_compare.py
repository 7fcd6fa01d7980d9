"""What `compare_runs` says of two runs."""

from dataclasses import replace

import numpy as np
import pytest

from mrsnb.errors import InputError
from mrsnb.io.compare import _percent, compare_runs
from mrsnb.io.s3d import write_s3d
from mrsnb.io.x1d import write_x1d


@pytest.fixture
def runs(tmp_path):
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    return folders


def differing(comparison):
    return {d.part: d for d in comparison.differences if not d.agree}


def test_the_same_run_agrees(runs, make_cube, make_spectrum):
    for folder in runs:
        write_s3d(make_cube(), folder)
        write_x1d(make_spectrum(), folder)
    comparison = compare_runs(*runs, rtol=0)
    assert comparison.agree
    assert {d.part for d in comparison.differences} >= {"SCI", "ERR", "DQ", "WMAP", "EXTRACT1D.FLUX", "EXTRACT1D.DQ"}
    assert all(d.largest == 0 and d.within == 1 for d in comparison.differences)
    assert " NO " not in comparison.table().to_text()


def test_one_voxel(runs, make_cube):
    cube = make_cube()
    flux = cube.flux.copy()
    y, x = np.argwhere(np.isfinite(flux[3]))[0]
    flux[3, y, x] *= np.float32(1.001)
    write_s3d(cube, runs[0])
    write_s3d(replace(cube, flux=flux), runs[1])
    comparison = compare_runs(*runs)
    found = differing(comparison)
    assert list(found) == ["SCI"]
    assert found["SCI"].largest_relative == pytest.approx(0.001 / 1.001, rel=1e-3)
    assert found["SCI"].largest == pytest.approx(abs(float(cube.flux[3, y, x])) * 0.001, rel=1e-3)
    assert found["SCI"].within == pytest.approx(1 - 1 / flux.size)
    assert not comparison.agree
    assert compare_runs(*runs, rtol=0.01).agree


def test_values_near_zero_are_not_hidden(runs, make_cube):
    cube = make_cube()
    a, b = np.zeros_like(cube.flux), np.zeros_like(cube.flux)
    a[0, 0, 0], b[0, 0, 0] = 1e-12, -1e-12
    write_s3d(replace(cube, flux=a), runs[0])
    write_s3d(replace(cube, flux=b), runs[1])
    found = differing(compare_runs(*runs))["SCI"]
    assert found.largest_relative == pytest.approx(2.0)
    assert found.largest == pytest.approx(2e-12)


def test_nan_in_one_run_only(runs, make_cube):
    cube = make_cube()
    a, b = np.ones_like(cube.flux), np.ones_like(cube.flux)
    a[0, 0, :3] = np.nan
    b[0, 0, 1:4] = np.nan
    write_s3d(replace(cube, flux=a), runs[0])
    write_s3d(replace(cube, flux=b), runs[1])
    found = differing(compare_runs(*runs))["SCI"]
    assert (found.nan_mismatches, found.largest) == (2, 0.0)
    assert found.within == pytest.approx(1 - 2 / a.size)


def test_infinities_agree_only_with_themselves(runs, make_cube):
    cube = make_cube()
    a, b = np.ones_like(cube.flux), np.ones_like(cube.flux)
    a[0, 0, :2] = np.inf
    b[0, 0, 0], b[0, 0, 1] = np.inf, -np.inf
    write_s3d(replace(cube, flux=a), runs[0])
    write_s3d(replace(cube, flux=b), runs[1])
    assert differing(compare_runs(*runs))["SCI"].within == pytest.approx(1 - 1 / a.size)


def test_flags_must_be_equal(runs, make_cube):
    cube = make_cube()
    dq = cube.dq.copy()
    dq[0, 0, 0] ^= 1
    write_s3d(cube, runs[0])
    write_s3d(replace(cube, dq=dq), runs[1])
    assert list(differing(compare_runs(*runs, rtol=0.1))) == ["DQ"]


def test_shapes_and_missing_parts(runs, make_cube):
    write_s3d(make_cube(n_wave=7), runs[0])
    write_s3d(make_cube(n_wave=8), runs[1])
    found = differing(compare_runs(*runs))
    assert found["SCI"].remark == "shapes (7, 5, 9) | (8, 5, 9)"
    assert set(found) == {"SCI", "ERR", "DQ", "WMAP", "WCS-TABLE.wavelength"}


def test_keywords_of_the_wcs(runs, make_cube):
    write_s3d(make_cube(ra=0.0), runs[0])
    write_s3d(make_cube(ra=1e-8), runs[1])
    found = differing(compare_runs(*runs))
    assert list(found) == ["SCI.CRVAL1"]
    assert "1e-08" in found["SCI.CRVAL1"].remark


def test_right_ascension_is_a_circle(runs, make_cube):
    write_s3d(make_cube(ra=359.9999999999), runs[0])
    write_s3d(make_cube(ra=0.0000000001), runs[1])
    assert compare_runs(*runs).agree


def test_a_smaller_step_counts_though_it_is_small(runs, make_cube):
    cube = make_cube()
    grid = replace(cube.grid, spaxel_size=cube.grid.spaxel_size * (1 + 1e-7))
    write_s3d(cube, runs[0])
    write_s3d(replace(cube, grid=grid), runs[1])
    assert set(differing(compare_runs(*runs))) == {"SCI.CDELT1", "SCI.CDELT2"}


def test_a_column(runs, make_spectrum):
    spectrum = make_spectrum()
    write_x1d(spectrum, runs[0])
    columns = {key: value.copy() for key, value in spectrum.columns.items()}
    columns["FLUX"] *= 1 + 1e-3
    write_x1d(replace(spectrum, columns=columns), runs[1])
    assert list(differing(compare_runs(*runs))) == ["EXTRACT1D.FLUX"]


def test_missing_products_on_either_side(runs, make_cube, make_spectrum):
    write_s3d(make_cube(), runs[0])
    write_x1d(make_spectrum(), runs[1])
    comparison = compare_runs(*runs)
    assert comparison.only_a == ("ngc.1_ch1-short_s3d.fits",)
    assert comparison.only_b == ("ngc.1_ch1-short_x1d.fits",)
    assert not comparison.agree
    assert comparison.table().to_text().count("only in") == 2


def test_what_cannot_be_compared(runs, tmp_path):
    with pytest.raises(InputError, match="no products to compare"):
        compare_runs(*runs)
    with pytest.raises(InputError, match="no such directory"):
        compare_runs(runs[0], tmp_path / "c")
    with pytest.raises(InputError, match="rtol = -1: must be"):
        compare_runs(*runs, rtol=-1)


def test_text_and_html(runs, make_cube):
    write_s3d(make_cube(name="<b>_s3d.fits"), runs[0])
    write_s3d(make_cube(name="<b>_s3d.fits", seed=2), runs[1])
    comparison = compare_runs(*runs)
    bundle = comparison._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Comparison")
    assert repr(comparison) in bundle["text/plain"]
    assert "&lt;b&gt;_s3d.fits" in bundle["text/html"]
    assert "<b>_s3d" not in bundle["text/html"]


@pytest.mark.parametrize(("fraction", "text"), [(1.0, "100.0000%"), (1 - 1e-9, "99.9999%"), (0.5, "50.0000%")])
def test_all_is_said_only_of_all(fraction, text):
    assert _percent(fraction) == text
