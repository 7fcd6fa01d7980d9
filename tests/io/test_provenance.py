"""What products say of where they come from."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.errors import InputError
from mrsnb.io.provenance import checksum, history_lines, software, source_of


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
