"""Files over HTTP, from a server of our own."""

import hashlib

import pytest
from web import CONTENT, serving

from mrsnb.errors import InputError, OutputError
from mrsnb.io.transfer import fetch

QUICK = (0.0, 0.0, 0.0)


@pytest.fixture
def archive():
    with serving() as server:
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x_cal.fits"


def test_a_file_arrives_whole_and_is_kept(archive, path):
    assert fetch(archive.url(), path, size=len(CONTENT)) == "fetched"
    assert path.read_bytes() == CONTENT
    assert fetch(archive.url(), path, size=len(CONTENT)) == "kept"
    assert len(archive.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_breaks_off_goes_on_where_it_stopped(archive, path):
    archive.breaks_after = [300_000, 300_000, 300_000, 10]
    fetch(archive.url(), path, size=len(CONTENT), pauses=(0.0,))
    assert path.read_bytes() == CONTENT
    starts = [asked.get("Range") for asked in archive.asked]
    assert starts == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-", "bytes=900010-"]


def test_what_keeps_breaking_off_is_left_to_go_on_another_day(archive, path):
    archive.breaks_after = [1000, 0, 0, 0]
    with pytest.raises(InputError, match=r"x_cal\.fits: the connection keeps failing .*run it again: it goes on"):
        fetch(archive.url(), path, size=len(CONTENT), pauses=QUICK)
    assert not path.exists()
    assert path.with_name("x_cal.fits.part").read_bytes() == CONTENT[:1000]
    fetch(archive.url(), path, size=len(CONTENT))
    assert archive.asked[-1]["Range"] == "bytes=1000-"
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(archive, path):
    archive.ranges = False
    archive.breaks_after = [1000]
    fetch(archive.url(), path, pauses=QUICK)
    assert path.read_bytes() == CONTENT


def test_all_was_there_but_nobody_knew(archive, path):
    path.with_name("x_cal.fits.part").write_bytes(CONTENT)
    fetch(archive.url(), path, pauses=QUICK)
    assert path.read_bytes() == CONTENT


def test_a_longer_remnant_of_something_else_is_thrown_away(archive, path):
    path.with_name("x_cal.fits.part").write_bytes(CONTENT + b"more")
    fetch(archive.url(), path, pauses=QUICK)
    assert path.read_bytes() == CONTENT
    path.with_name("y_cal.fits.part").write_bytes(CONTENT + b"more")
    fetch(archive.url(), path.with_name("y_cal.fits"), size=len(CONTENT))
    assert path.with_name("y_cal.fits").read_bytes() == CONTENT


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(archive, path, code):
    archive.refusals = [code, code]
    fetch(archive.url(), path, pauses=QUICK)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("code", "token", "words"),
    [
        (401, None, r"not public \(HTTP 401\): set MAST_API_TOKEN"),
        (403, "mine", "the token in MAST_API_TOKEN does not allow it"),
        (404, None, "the archive does not give it"),
    ],
)
def test_a_refusal_is_one_line_and_final(archive, path, code, token, words):
    archive.refusals = [code]
    with pytest.raises(InputError, match=words):
        fetch(archive.url(), path, token=token, pauses=QUICK)
    assert len(archive.asked) == 1
    assert not list(path.parent.iterdir())


def test_the_token_is_for_the_archive_only(archive, path):
    fetch(archive.url("redirect"), path, token="secret")  # noqa: S106
    assert archive.asked[0]["Authorization"] == "token secret"
    assert "Authorization" not in archive.asked[1]


def test_a_checksum_decides(archive, path):
    good = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    path.write_bytes(b"x" * len(CONTENT))
    assert fetch(archive.url(), path, size=len(CONTENT), checksum=good) == "fetched"
    assert path.read_bytes() == CONTENT
    archive.content = b"y" * len(CONTENT)
    other = path.with_name("other_cal.fits")
    with pytest.raises(InputError, match="its checksum is not"):
        fetch(archive.url(), other, checksum=good)
    with pytest.raises(InputError, match="1024000 bytes, 5 expected"):
        fetch(archive.url(), other, size=5)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_no_connection_and_no_folder(archive, tmp_path):
    url = archive.url()
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(url, tmp_path / "none" / "x.fits", pauses=())
    archive.shutdown()
    archive.server_close()
    with pytest.raises(InputError, match="keeps failing"):
        fetch(url, tmp_path / "x.fits", pauses=QUICK)
    with pytest.raises(InputError, match="not an address"):
        fetch("file:///etc/hostname", tmp_path / "x.fits")
