"""Reports of folders and runs: what is found, what is not, and a page that is complete in itself."""

import re
import shutil
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
import shown
from astropy.io import fits
from click.testing import CliRunner

import mrsnb
from mrsnb import templates
from mrsnb.cli import main
from mrsnb.errors import InputError, OutputError
from mrsnb.io.association import read_association
from mrsnb.pipeline import Spec3Params, run_spec3
from mrsnb.reports import report, write_report

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def run(small_dataset, module_folder):
    """A run with its folder, in which are the flagged exposures as well."""
    params = Spec3Params.preset("archive").updated({"outlier_detection": {"save_results": True}})
    return run_spec3(read_association(small_dataset.association), params, output_dir=module_folder("products"))


@pytest.fixture(scope="module")
def folder(run):
    return run.cubes[0].path.parent


@pytest.fixture(scope="module")
def made(folder):
    return report(folder)


@pytest.fixture
def spoiled(folder, tmp_path):
    """A copy of the products, to be spoiled."""
    for path in [*folder.glob("*_s3d.fits"), *folder.glob("*_x1d.fits")]:
        shutil.copy(path, tmp_path)
    return tmp_path


def verdicts(told):
    return {check.name: check.verdict for check in told.quality.checks}


def test_products_of_the_pipeline_raise_no_alarm(made):
    assert made.quality.verdict == "good", made
    assert made.quality.bands == ("1A", "2A")
    unknown = [name for name, verdict in verdicts(made).items() if verdict == "not known"]
    assert unknown == ["jumps between bands"], "they do not overlap"
    assert mrsnb.report is report


def test_a_run_and_its_folder_have_the_same_quality(run, made):
    told = report(run)
    assert told.quality.table().rows == made.quality.table().rows
    assert {file.checksum for file in told.files} == {file.checksum for file in made.files}
    assert "time" in told.html()


def test_a_run_that_wrote_nothing_is_reported_without_quality(small_dataset, tmp_path):
    off = {step: {"save_results": False} for step in Spec3Params.steps()}
    off["cube_build"]["channel"] = "1"
    result = run_spec3(read_association(small_dataset.association), Spec3Params().updated(off), output_dir=tmp_path)
    told = report(result)
    assert told.quality.verdict == "not known"
    assert not told.files
    assert not list(tmp_path.iterdir())
    assert "cube_build" in told.html()


class Page(HTMLParser):
    """Collects elements and where they point."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links = set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_is_complete_in_itself(made, tmp_path):
    path = made.save(tmp_path / "deep" / "page.html")
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert len(page.links) >= 6
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    for file in made.files:
        assert file.name in html
        assert file.checksum[:19] in html
    for fact in ("mrsnb-badge mrsnb-good", "small_exposure1_cal.fits", "apcorr", "cube_build", "numpy", "outliers %"):
        assert fact in html


def test_text_out_of_files_is_escaped():
    html = shown.EVERYTHING["Report"]().html()
    assert "script" not in Page(html).tags
    assert HOSTILE not in html


def test_foreign_and_broken_files_are_named_and_the_rest_examined(spoiled):
    (spoiled / "cut_s3d.fits").write_bytes((spoiled / "small_ch1-short_s3d.fits").read_bytes()[:50_000])
    (spoiled / "text_x1d.fits").write_text("no FITS")
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(spoiled / "image.fits")
    (spoiled / "big_cal.fits").write_text("input")
    (spoiled / "notes.txt").write_text("mine")
    told = report(spoiled)
    assert set(dict(told.others)) == {"cut_s3d.fits", "text_x1d.fits", "image.fits", "big_cal.fits"}
    assert verdicts(told)["files"] == "bad"
    assert told.quality.bands == ("1A", "2A")
    assert "truncated" in told.html()


def test_partial_sets_are_judged_as_far_as_they_go(spoiled):
    for path in spoiled.glob("*_x1d.fits"):
        path.unlink()
    told = report(spoiled)
    assert told.quality.verdict == "good"
    assert verdicts(told)["signal to noise"] == "not known"
    assert len(told.drawn) == 1
    assert told.band().title.startswith("Band 1A")


def test_products_of_two_targets_in_one_folder_are_told_apart(spoiled):
    for kind in ("s3d", "x1d"):
        other = spoiled / f"other_ch1-short_{kind}.fits"
        shutil.copy(spoiled / f"small_ch1-short_{kind}.fits", other)
        with fits.open(other, mode="update") as hdus:
            hdus[0].header["TARGPROP"] = HOSTILE
    told = report(spoiled)
    assert verdicts(told)["one observation"] == "bad"
    assert set(told.quality.bands) == {"1A", "1A small", "2A"}
    assert HOSTILE not in told.html()


def test_flux_and_sky_that_went_wrong_are_seen_in_files(spoiled):
    with fits.open(spoiled / "small_ch1-short_s3d.fits", mode="update") as hdus:
        hdus["SCI"].data -= 200.0
        hdus["SCI"].data[500:520] = np.nan
    with fits.open(spoiled / "small_ch2-short_x1d.fits", mode="update") as hdus:
        hdus["EXTRACT1D"].data["FLUX"] *= -1.0
    told = report(spoiled)
    seen = verdicts(told)
    assert seen["sky"] == seen["planes without data"] == seen["negative flux"] == "bad"
    assert told.quality.verdict_of("1A") == told.quality.verdict_of("2A") == "bad"


def test_a_band_is_shown_alone(made):
    band = made.band("2A")
    assert len(band.drawn) == 2
    assert "S/N" in repr(band)
    with pytest.raises(InputError, match=r"band = '2D': not among these products; allowed: '1A', '2A'"):
        made.band("2D")


def test_what_cannot_be_reported_is_refused_in_one_line(tmp_path, made):
    with pytest.raises(InputError, match="no such folder"):
        report(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no cube and no spectrum \(no FITS file\)"):
        report(tmp_path)
    with pytest.raises(InputError, match="int: no report can be made of it"):
        report(3)
    with pytest.raises(OutputError, match="is a folder; give a file"):
        made.save(tmp_path)


def test_pictures_stand_beside_the_page(folder, tmp_path):
    written = write_report(folder, tmp_path / "out")
    assert [path.name for path in (written.page, written.cubes, written.spectrum)] == [
        "report.html",
        "cubes.png",
        "spectrum.png",
    ]
    assert written.cubes.read_bytes().startswith(b"\x89PNG")


def test_the_command_says_what_is_bad_and_ends_with_it(folder, spoiled):
    good = CliRunner().invoke(main, ["report", str(folder), "-o", str(spoiled / "page.html")])
    assert good.exit_code == 0, good.output
    assert re.search(r"good +\d+", good.output)
    assert (spoiled / "page.html").is_file()
    (spoiled / "cut_s3d.fits").write_text("")
    bad = CliRunner().invoke(main, ["report", str(spoiled), "-o", str(spoiled / "page.html")])
    assert bad.exit_code == 1
    assert "cut_s3d.fits" in bad.output
    assert CliRunner().invoke(main, ["report", str(spoiled / "nowhere")]).exit_code == 2


def test_the_template_says_the_same_and_can_be_read_without_a_kernel(folder, made, tmp_path):
    page = tmp_path / "page.html"
    values = {"products_dir": str(folder), "report_file": str(page)}
    notebook = nbformat.read(
        templates.execute("inspect_products", tmp_path / "done.ipynb", values, progress=False), as_version=4
    )
    outputs = [item for cell in notebook.cells for item in cell.get("outputs", ())]
    assert {item.output_type for item in outputs} == {"execute_result"}
    _, whole, band, _ = (item.data for item in outputs)
    assert whole["text/plain"].split("\n")[0] == made.title
    assert band["text/plain"].startswith("Band 1A: good")
    assert "image/png" in whole
    assert "image/png" in band
    assert page.is_file()
