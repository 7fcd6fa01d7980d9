"""What products say of where they come from."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.core.association import Association, Member
from mrsnb.core.cards import Card, Cards
from mrsnb.core.params import Params, param
from mrsnb.core.provenance import Provenance
from mrsnb.errors import InputError
from mrsnb.io.provenance import checksum, history_lines, record, relative_to, software, source_of
from mrsnb.io.references import load_references


def test_checksum_is_that_of_the_content(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 1_000_000)
    digest = hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    assert checksum(path) == f"sha256:{digest}"
    assert source_of(path) == f"x (sha256:{digest[:12]})"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        checksum(tmp_path / "x")


def test_software_names_versions():
    found = software()
    assert list(found)[:2] == ["mrsnb", "python"]
    assert {"numpy", "astropy", "numba"} <= set(found)
    assert all(version[0].isdigit() for version in found.values())


@given(st.dictionaries(st.text(), st.text() | st.dictionaries(st.text(), st.integers() | st.text() | st.none())))
def test_lines_fit_a_header(history):
    for line in history_lines(history):
        assert len(line) <= 72
        assert line.isascii()
        assert line.isprintable()


def test_nothing_is_lost_in_lines():
    history = {"parameters": {"s": {f"p{i}": i for i in range(40)}}, "note": "plain"}
    text = " ".join(line.strip() for line in history_lines(history))
    assert all(f"s.p{i} = {i}" in text for i in range(40))
    assert "note: plain" in text


@dataclass(frozen=True, kw_only=True)
class SomeParams(Params):
    """Parameters of which one names a file."""

    size: float = param(1.5, "Size.")
    table: str | None = param(None, "A file.", file=True)
    label: str = param("x.txt", "No file.")


def test_a_record_holds_all_that_a_run_took(tmp_path):
    for name in ("raw/x_cal.fits", "raw/sky_x1d.fits", "aside/table.txt", "refs/cubepar.fits"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    references = replace(load_references(), files={"cubepar": tmp_path / "refs" / "cubepar.fits"})
    params = SomeParams(table=str(tmp_path / "aside" / "table.txt"))
    made = record(
        "some",
        tmp_path / "out",
        {tmp_path / "raw" / "x_cal.fits": "sha256:12"},
        {"some": params, "other": SomeParams()},
        references,
        backgrounds=[tmp_path / "raw" / "sky_x1d.fits"],
        association=Association("ngc", (Member("x_cal.fits"),), asn_id="o001", path=tmp_path / "raw" / "asn.json"),
    )
    assert made["run"] == {"step": "some", "product": "ngc", "asn": "asn.json", "asn_id": "o001", "asn_pool": "none"}
    assert made["inputs"] == {"../raw/x_cal.fits": "sha256:12"}
    assert made["backgrounds"] == {"../raw/sky_x1d.fits": checksum(tmp_path / "raw" / "sky_x1d.fits")}
    assert {key: file["path"] for key, file in made["files"].items()} == {
        "cubepar": "../refs/cubepar.fits",
        "some.table": "../aside/table.txt",
    }
    assert made["parameters"]["other"] == {"size": 1.5, "table": None, "label": "x.txt"}
    assert str(tmp_path) not in str({key: value for key, value in made.items() if key != "parameters"})


def test_paths_are_seen_from_the_folder_whatever_links_lead_there(tmp_path, monkeypatch):
    (tmp_path / "deep" / "store").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "store")
    (tmp_path / "x.fits").write_text("x")
    assert relative_to(tmp_path / "link", tmp_path / "x.fits") == "../../x.fits"
    monkeypatch.chdir(tmp_path)
    assert relative_to(Path("out"), Path("x.fits")) == "../x.fits"
    assert relative_to(Path(), Path("x.fits")) == "x.fits"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_whatever_a_file_says_of_itself_can_be_shown(part):
    history = {
        "run": part,
        "inputs": part,
        "files": {"<b>.x": part, "<b>.y": {"path": "<u>"}},
        "parameters": {"s": part},
        "references": part,
    }
    told = Provenance(name="x", primary=Cards([Card("CAL_VER", "<i>1</i>")]), history=history)
    bundle = told._repr_mimebundle_()
    assert "<i>1</i>" not in bundle["text/html"]
    assert "<b>.x" not in bundle["text/html"]
    assert "<u>" not in bundle["text/html"]
    assert "Provenance of x" in bundle["text/plain"]
