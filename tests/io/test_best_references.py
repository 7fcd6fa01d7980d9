"""Best references through a stand-in for the package crds: what it is asked, what is kept, what is said if it fails."""

import json
import logging
import os
import sys
from types import ModuleType

import pytest
from astropy.io import fits
from click.testing import CliRunner
from reference_files import apcorr, cubepar_hdus, extract1d

from mrsnb.cli import main
from mrsnb.errors import InputError
from mrsnb.io.best_references import PARAMETER_FILES, fetch_best_references
from mrsnb.io.references import load_references


class Crds(ModuleType):
    """Answers as the package does, with files in a cache."""

    def __init__(self, cache):
        super().__init__("crds")
        self.cache, self.asked, self.wrong = cache, [], None
        self.files = {
            "cubepar": "jwst_miri_cubepar_0014.fits",
            "extract1d": "jwst_miri_extract1d_0002.asdf",
            "apcorr": "jwst_miri_apcorr_0008.asdf",
            "mrsptcorr": "N/A",
            "pars-extract1dstep": "jwst_miri_pars-extract1dstep_0003.asdf",
        }
        cubepar_hdus().writeto(cache / self.files["cubepar"])
        (cache / self.files["extract1d"]).write_text(extract1d())
        (cache / self.files["apcorr"]).write_text(apcorr())
        (cache / self.files["pars-extract1dstep"]).write_text("#ASDF 1.0.0\n--- {class: x}\n...\n")

    def getreferences(self, parameters, reftypes=None, context=None, ignore_cache=False, observatory="jwst"):
        assert (context, ignore_cache, observatory) == (None, False, "jwst")
        (kind,) = reftypes
        self.asked.append((kind, parameters))
        if self.wrong is not None:
            print("noise on the screen")
            logging.getLogger("CRDS").error("(FATAL) CRDS server connection FAILED. Cannot continue. See manual")
            raise self.wrong
        if kind not in self.files:
            msg = f"Error determining best reference for '{kind}' = 'NOT FOUND No match found.'"
            raise RuntimeError(msg)
        name = self.files[kind]
        return {kind: name if name == "N/A" else str(self.cache / name)}

    def get_context_name(self, observatory):
        return f"{observatory}_1293.pmap"


@pytest.fixture
def crds(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    fake = Crds(tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "crds", fake)
    monkeypatch.delenv("CRDS_PATH", raising=False)
    monkeypatch.setenv("CRDS_SERVER_URL", "mine")
    yield fake
    os.environ.pop("CRDS_PATH", None)


def an_exposure(path, **keywords):
    header = {"TELESCOP": "JWST", "INSTRUME": "MIRI", "EXP_TYPE": "MIR_MRS", "DETECTOR": "MIRIFUSHORT", "CHANNEL": "12"}
    header |= {"BAND": "SHORT", "DATE-OBS": "2022-08-09", "TIME-OBS": "12:00:00.000"}
    fits.PrimaryHDU(header=fits.Header(header | keywords)).writeto(path)
    return path


@pytest.fixture
def exposure(tmp_path):
    return an_exposure(tmp_path / "x_cal.fits")


def test_the_best_files_are_copied_and_can_be_used(crds, exposure, tmp_path):
    fetched = fetch_best_references([exposure], tmp_path / "refs")
    assert set(fetched.files) == {"cubepar", "extract1d", "apcorr"}
    assert set(fetched.parameters) == {"pars-extract1dstep"}
    assert fetched.lacking == ("mrsptcorr",)
    assert {p.name for p in (tmp_path / "refs").iterdir()} == {n for n in crds.files.values() if n != "N/A"}
    values = load_references(tmp_path / "refs")
    assert values.extract1d.source.startswith("jwst_miri_extract1d_0002.asdf")
    assert "built-in" in values.mrsptcorr.source
    assert values.files["cubepar"] == tmp_path / "refs" / "jwst_miri_cubepar_0014.fits"
    for word in ("jwst_1293.pmap", "jwst_miri_apcorr_0008.asdf", "built-in values stay"):
        assert word in repr(fetched)


def test_crds_is_asked_with_what_it_selects_by(crds, exposure, tmp_path):
    fetch_best_references([exposure], tmp_path / "refs")
    asked = {kind: [p for k, p in crds.asked if k == kind] for kind, _ in crds.asked}
    assert [p["meta.instrument.channel"] for p in asked["cubepar"]] == ["12"]
    assert {p["meta.instrument.channel"] for p in asked["apcorr"]} == {"1", "2"}
    assert asked["cubepar"][0] == {
        "meta.telescope": "JWST",
        "meta.instrument.name": "MIRI",
        "meta.instrument.detector": "MIRIFUSHORT",
        "meta.instrument.channel": "12",
        "meta.instrument.band": "SHORT",
        "meta.exposure.type": "MIR_MRS",
        "meta.observation.date": "2022-08-09",
        "meta.observation.time": "12:00:00.000",
    }
    assert set(PARAMETER_FILES) <= set(asked)


def test_the_environment_is_heeded_and_completed(crds, exposure, tmp_path):
    fetch_best_references([exposure], tmp_path / "refs")
    assert crds.asked
    assert os.environ["CRDS_SERVER_URL"] == "mine"
    assert os.environ["CRDS_PATH"].endswith("crds_cache")


def test_an_association_stands_for_its_exposures_and_equal_ones_are_asked_for_once(crds, tmp_path):
    for number in (1, 2):
        an_exposure(tmp_path / f"x{number}_cal.fits")
    an_exposure(tmp_path / "x3_cal.fits", BAND="LONG")
    members = [{"expname": f"x{n}_cal.fits", "exptype": "science"} for n in (1, 2, 3)]
    asn = tmp_path / "asn.json"
    asn.write_text(json.dumps({"products": [{"name": "x", "members": members}]}))
    fetch_best_references([asn], tmp_path / "refs")
    assert sum(kind == "cubepar" for kind, _ in crds.asked) == 2


def test_exposures_that_need_different_files_are_refused(crds, exposure, tmp_path, monkeypatch):
    other = an_exposure(tmp_path / "y_cal.fits", BAND="LONG")
    answer = crds.getreferences

    def by_band(parameters, **settings):
        found = answer(parameters, **settings)
        return {k: f"{v}.{parameters['meta.instrument.band']}" for k, v in found.items()}

    monkeypatch.setattr(crds, "getreferences", by_band)
    with pytest.raises(InputError, match=r"the exposures need different files for cubepar .*LONG.*; fetch and process"):
        fetch_best_references([exposure, other], tmp_path / "refs")


def test_another_file_of_a_kind_is_not_mixed_with_the_new_one(crds, exposure, tmp_path):
    refs = tmp_path / "refs"
    refs.mkdir()
    (refs / "jwst_miri_apcorr_0001.asdf").write_text(apcorr())
    with pytest.raises(InputError, match=r"holds another file for apcorr \(jwst_miri_apcorr_0001.asdf\)"):
        fetch_best_references([exposure], refs)
    assert len(list(refs.iterdir())) == 1
    assert crds.asked


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (SystemExit(-1), "CRDS: server connection FAILED; see CRDS_SERVER_URL"),
        (RuntimeError("network\nis down"), "CRDS: network is down; see CRDS_SERVER_URL"),
    ],
)
def test_a_failure_of_crds_is_one_line(crds, exposure, tmp_path, capfd, wrong, words):
    crds.wrong = wrong
    with pytest.raises(InputError, match=words):
        fetch_best_references([exposure], tmp_path / "refs")
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "refs").exists()


def test_without_the_package(exposure, tmp_path, monkeypatch):
    monkeypatch.setenv("CRDS_PATH", "x")
    monkeypatch.setenv("CRDS_SERVER_URL", "x")
    monkeypatch.setitem(sys.modules, "crds", None)
    with pytest.raises(InputError, match=r"pip install 'mrsnb\[crds\]'; a run needs no CRDS"):
        fetch_best_references([exposure], tmp_path / "refs")


def test_what_is_not_of_the_mrs_is_refused(crds, tmp_path):
    with pytest.raises(InputError, match="INSTRUME = 'NIRSPEC'"):
        fetch_best_references([an_exposure(tmp_path / "n.fits", INSTRUME="NIRSPEC")], tmp_path)
    assert not crds.asked


# the command


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


def test_values_in_use_are_listed(tmp_path):
    shown = mrsnb("references").stdout
    for word in ("cubepar", "cube_build", "extract1d", "apcorr", "mrsptcorr", "spectral_leak", "built-in"):
        assert word in shown
    (tmp_path / "apcorr.asdf").write_text(apcorr())
    shown = mrsnb("references", "--references", tmp_path).stdout
    assert str(tmp_path / "apcorr.asdf") in shown
    assert "apcorr.asdf (sha256:" in shown


def test_the_command_fetches_and_lists(crds, exposure, tmp_path):
    result = mrsnb("references", "--crds", exposure, "-o", tmp_path / "refs")
    assert result.exit_code == 0, result.output
    assert crds.asked
    assert str(tmp_path / "refs" / "jwst_miri_apcorr_0008.asdf") in result.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--crds"], "give the exposures or the association, and -o DIR"),
        (["x_cal.fits"], "FILES and -o are for --crds"),
    ],
)
def test_wrong_ways_to_ask(args, words):
    result = mrsnb("references", *args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
