"""What is doubtful about a run is told by its results, by the headers of its products, and by the report."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.dq import DQ
from mrsnb.core.quality.check import stated_doubts
from mrsnb.core.references import Sampling
from mrsnb.io.read import read_provenance
from mrsnb.io.references import load_references
from mrsnb.pipeline import Spec3Params, run_spec3, spec3
from mrsnb.reports import report
from mrsnb.steps.extract_1d import Extract1dResult


@pytest.fixture(scope="module")
def references():
    """The built-in values, but coarse planes of a piece of each band."""
    built_in = load_references()
    pieces = {(1, "short"): Sampling(0.13, 0.01, 5.0, 5.3), (2, "short"): Sampling(0.17, 0.01, 8.0, 8.3)}
    return replace(built_in, cubepar=replace(built_in.cubepar, sampling=pieces))


PARAMS = Spec3Params.preset("archive").updated({"outlier_detection": {"save_results": True}})


@pytest.fixture(scope="module")
def doubtful(small_dataset, references, module_folder):
    """A run of two exposures of different targets, one of them saturated, with a small aperture."""
    folder = module_folder("doubtful")
    for path in (*small_dataset.exposures, small_dataset.association):
        shutil.copy(path, folder / path.name)
    with fits.open(folder / small_dataset.exposures[1].name, mode="update") as hdus:
        hdus[0].header["TARGPROP"] = "ANOTHER"
        hdus["DQ"].data[::50] |= np.uint32(DQ.SATURATED)
    params = PARAMS.updated({"extract_1d": {"ifu_rscale": 0.8, "ifu_autocen": False}})
    association = folder / small_dataset.association.name
    return list(spec3(association, params, output_dir=folder / "out", references=references))


OF_INPUTS = {"one observation", "saturated pixels"}


def names(checks):
    return {check.name for check in checks}


def test_a_clean_run_is_not_doubtful_whatever_its_inputs_say_of_themselves(small_dataset, references, tmp_path):
    for path in (*small_dataset.exposures, small_dataset.association):
        shutil.copy(path, tmp_path / path.name)
    fits.setval(tmp_path / small_dataset.exposures[0].name, "WARNINGS", value=7)
    association = tmp_path / small_dataset.association.name
    result = run_spec3(association, PARAMS, output_dir=tmp_path / "out", references=references)
    assert result.warnings == ()
    assert "warning" not in repr(result)
    for path in result.paths:
        assert fits.getheader(path)["WARNINGS"] == 0
    assert not {check.name for check in report(result).quality.checks if check.is_doubt} - {"wavelength coverage"}


def test_each_result_tells_its_own_and_the_last_all(doubtful):
    told = [result for result in doubtful if isinstance(result, Extract1dResult)]
    assert [names(result.warnings) for result in told] == [{"aperture for few dithers"}] * 2
    last = doubtful[-1]
    assert names(last.warnings) == OF_INPUTS | {"aperture for few dithers"}
    small = next(check for check in last.warnings if check.name == "aperture for few dithers")
    assert small.bands == ("1A", "2A")
    for check in last.warnings:
        for shown in (repr(last), last._repr_html_()):
            assert f"warning: {check.name}" in shown
    assert "ifu_rscale" in repr(told[0])


def test_every_product_states_them(doubtful):
    for path in doubtful[-1].paths:
        expected = OF_INPUTS | ({"aperture for few dithers"} if path.name.endswith("_x1d.fits") else set())
        header = fits.getheader(path)
        assert header["WARNINGS"] == len(expected)
        said = "\n".join(header["HISTORY"])
        stated = read_provenance(path)
        assert said.count("warning: ") == len(expected)
        for check in stated_doubts(stated.history):
            assert f"warning: {check.name}: {check.value}"[:60] in said
            assert check.remedy in " ".join(said.split())
        assert names(stated_doubts(stated.history)) == expected
        assert "Warnings" in [section.title for section in stated.sections()]


def test_the_report_tells_them(doubtful, tmp_path):
    made = report(doubtful[-1])
    assert OF_INPUTS | {"aperture for few dithers"} <= {c.name for c in made.quality.checks if c.is_doubt}
    page = made.save(tmp_path / "report.html").read_text(encoding="utf-8")
    for check in doubtful[-1].warnings:
        assert check.name in page
        assert check.remedy.partition("'")[0][:40] in page
