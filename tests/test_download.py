"""Getting an observation: what is asked of the archive, what is fetched, and what is associated."""

import json
import sys
from io import BytesIO
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from click.testing import CliRunner
from web import serving

from mrsnb.cli import main
from mrsnb.download import Download, download, listing
from mrsnb.errors import InputError
from mrsnb.io.archive import ArchiveFile, find_files
from mrsnb.io.association import read_association

EXPOSURES = {
    "jw01328001001_02101_00001_mirifushort": ("VV 114", False),
    "jw01328001001_02101_00001_mirifulong": ("VV 114", False),
    "jw01328002001_02101_00001_mirifushort": ("VV114-BKG", True),
    "jw01328003001_02101_00001_mirifushort": ("Arp 220", False),
}
NAMES = [f"{exposure}_{suffix}.fits" for exposure in EXPOSURES for suffix in ("cal", "x1d")]
OTHERS = [
    "jw01328001001_02101_00001_mirimage_cal.fits",
    "jw01328001001_02101_00001_mirifushort_rate.fits",
    "jw01328-o001_t014_miri_ch1-long_x1d.fits",
    "jw09999001001_02101_00001_mirifushort_cal.fits",
]


def content_of(name):
    """Return a FITS file that says what was observed."""
    target, background = EXPOSURES[name.rpartition("_")[0]]
    header = {"TARGPROP": target, "TARGNAME": target.upper(), "BKGDTARG": background, "EXP_TYPE": "MIR_MRS"}
    file = BytesIO()
    primary = fits.PrimaryHDU(header=fits.Header(header))
    fits.HDUList([primary, fits.ImageHDU(np.zeros(10, np.float32), name="SCI")]).writeto(file)
    return file.getvalue()


CONTENTS = {name: content_of(name) for name in NAMES}


class Observations:
    """Answers as astroquery's class of that name does."""

    def __init__(self):
        self.criteria, self.asked = [], []
        self.wrong = None

    def query_criteria(self, **criteria):
        self.criteria.append(criteria)
        if self.wrong is not None:
            raise self.wrong
        if "1328" not in criteria["proposal_id"]:
            return Table(names=["obsid", "obs_id"], dtype=["U9", "U40"])
        ids = ["jw01328-o001_t014_miri", "jw01328-o002_t015_miri", "jw01328-c1006_t014_miri", "jw01328003001_02101"]
        return Table({"obsid": [str(i) for i in range(4)], "obs_id": ids})

    def get_product_list(self, observations):
        self.asked.append(list(observations["obs_id"]))
        names = [*NAMES, *OTHERS]
        sizes = MaskedColumn([len(CONTENTS.get(name, b"")) for name in names])
        sizes.mask = [name == NAMES[1] for name in names]
        rights = ["EXCLUSIVE_ACCESS" if "003001" in name else "PUBLIC" for name in names]
        uris = [f"mast:JWST/product/{name}" for name in names]
        return Table({"productFilename": names, "dataURI": uris, "size": sizes, "dataRights": rights})


@pytest.fixture
def mast(monkeypatch):
    service = Observations()
    module = ModuleType("astroquery.mast")
    module.Observations = service
    module.conf = SimpleNamespace(server="https" + "://archive.example")
    monkeypatch.setitem(sys.modules, "astroquery", ModuleType("astroquery"))
    monkeypatch.setitem(sys.modules, "astroquery.mast", module)
    return service


@pytest.fixture
def web():
    with serving() as server:
        server.files = CONTENTS
        yield server


@pytest.fixture
def files(web):
    return tuple(ArchiveFile(name=name, url=web.url(name), size=len(CONTENTS[name])) for name in NAMES)


def test_exposures_and_spectra_of_the_program_are_found(mast):
    found = find_files(1328)
    assert [file.name for file in found] == sorted(NAMES)
    assert mast.criteria == [
        {"obs_collection": "JWST", "instrument_name": "MIRI/IFU", "proposal_id": ["1328", "01328"]}
    ]
    by_name = {file.name: file for file in found}
    assert by_name[NAMES[1]].size is None
    assert by_name[NAMES[0]].size == len(CONTENTS[NAMES[0]])
    assert by_name[NAMES[0]].url.endswith(f"/api/v0.1/Download/file?uri=mast:JWST/product/{NAMES[0]}")
    assert [file.is_public for file in found] == ["003001" not in file.name for file in found]
    assert (found[0].exposure, found[0].suffix) == (NAMES[2].removesuffix("_cal.fits"), "cal")


def test_only_observations_that_may_hold_the_wanted_are_asked_for(mast):
    found = find_files(1328, [2])
    assert {file.exposure for file in found} == {"jw01328002001_02101_00001_mirifushort"}
    assert mast.asked == [["jw01328-o002_t015_miri", "jw01328-c1006_t014_miri"]]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (ConnectionError("a\nlong\nstory"), "no connection to"),
        (ValueError("columns changed"), "columns changed"),
    ],
)
def test_an_archive_that_fails_is_one_line(mast, wrong, words):
    mast.wrong = wrong
    with pytest.raises(InputError, match=f"program 1328: the archive cannot be asked: {words}"):
        find_files(1328)


@pytest.mark.usefixtures("mast")
def test_no_data_and_no_package(monkeypatch):
    with pytest.raises(InputError, match="program 7, observation 4: the archive has no calibrated exposures"):
        find_files(7, [4])
    with pytest.raises(InputError, match="program 1328, observation 99"):
        find_files(1328, [99])
    monkeypatch.setitem(sys.modules, "astroquery.mast", None)
    with pytest.raises(InputError, match=r"pip install 'mrsnb\[archive\]'"):
        find_files(1328)


def test_each_target_has_its_association_and_the_background_its_spectra_only(files, tmp_path):
    *got, result = download(files, tmp_path)
    assert isinstance(result, Download)
    assert result.files == tuple(got)
    background = "jw01328002001_02101_00001_mirifushort"
    assert {g.path.name for g in got} == set(NAMES) - {f"{background}_cal.fits"}
    assert [a.name for a in result.associations] == ["jw01328-o001_vv-114_miri", "jw01328-o003_arp-220_miri"]
    first = read_association(tmp_path / "jw01328-o001_vv-114_miri_spec3_asn.json")
    assert [m.expname for m in first.science] == [f"{e}_cal.fits" for e in list(EXPOSURES)[:2]]
    assert [m.expname for m in first.background] == [f"{background}_x1d.fits"]
    assert (first.program, first.target, first.asn_id, first.asn_rule) == ("01328", "VV 114", "o001", "Asn_Lv3MIRMRS")
    assert all((tmp_path / g.path.name).read_bytes() == CONTENTS[g.path.name] for g in got)
    assert "1 background" in repr(result)


def test_a_second_time_all_is_kept_and_what_is_cut_short_is_fetched_again(files, tmp_path, web):
    list(download(files, tmp_path))
    (tmp_path / NAMES[0]).write_bytes(CONTENTS[NAMES[0]][:100])
    web.asked.clear()
    *got, result = download(files, tmp_path)
    assert len(web.asked) == 1
    assert [g.path.name for g in got if g.status == "fetched"] == [NAMES[0]]
    assert "fetched      1 files" in repr(result)


def test_one_target_and_the_background(files, tmp_path):
    *_, result = download(files, tmp_path, target="arp220")
    assert [a.target for a in result.associations] == ["Arp 220"]
    assert len(result.associations[0].background) == 1
    assert not (tmp_path / NAMES[0]).exists()
    with pytest.raises(InputError, match=r"target = 'M31': not observed; there are: Arp 220, VV 114"):
        list(download(files, tmp_path, target="M31"))


def test_an_exposure_without_a_spectrum_tells_its_target_itself(files, tmp_path):
    left = [file for file in files if file.name not in NAMES[5:6]]
    *_, result = download([file for file in left if file.suffix == "cal"], tmp_path)
    assert [a.target for a in result.associations] == ["VV 114", "Arp 220"]
    assert not result.associations[0].background


def test_what_is_there_is_listed(files, tmp_path):
    (tmp_path / NAMES[0]).write_bytes(CONTENTS[NAMES[0]])
    (tmp_path / f"{NAMES[1]}.part").write_bytes(b"x" * 500_000)
    (tmp_path / NAMES[2]).write_bytes(b"x")
    rows = listing(files, tmp_path).rows
    assert [row[3] for row in rows[:4]] == ["yes", "0.5 MB", "another size", ""]


def mrsnb(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


@pytest.mark.usefixtures("mast")
def test_the_command(web, tmp_path, monkeypatch):
    monkeypatch.setattr("mrsnb.io.archive._file", lambda _row, name, _: ArchiveFile(name=name, url=web.url(name)))
    monkeypatch.setenv("MAST_API_TOKEN", "secret")
    shown = mrsnb("download", "--program=1328", "--obs=1", "--obs=2", "-o", tmp_path / "raw", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "6 files" in shown.stdout
    assert not (tmp_path / "raw").exists()
    result = mrsnb("download", "--program=1328", "--obs=1", "--obs=2", "-o", tmp_path / "raw")
    assert result.exit_code == 0, result.output
    assert {asked["Authorization"] for asked in web.asked} == {"token secret"}
    asn = tmp_path / "raw" / "jw01328-o001_vv-114_miri_spec3_asn.json"
    assert str(asn) in result.stdout
    assert len(json.loads(asn.read_text())["products"][0]["members"]) == 3
    web.refusals = [401]
    refused = mrsnb("download", "--program=1328", "--obs=3", "-o", tmp_path / "raw")
    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1
    assert "not public" in refused.stderr
    assert "Missing option '--program'" in mrsnb("download", "-o", tmp_path).stderr
