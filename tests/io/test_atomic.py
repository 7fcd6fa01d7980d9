"""A file is there whole, or as it was."""

import errno
import os
import stat

import pytest

from mrsnb.errors import OutputError
from mrsnb.io.atomic import atomic_write


def write(path, content=b"new"):
    with atomic_write(path) as file:
        file.write(content)


def fail_after(act, failure):
    act(b"half")
    raise failure


def test_the_file_is_written_and_nothing_else(tmp_path):
    write(tmp_path / "a.fits")
    assert [p.name for p in tmp_path.iterdir()] == ["a.fits"]
    assert (tmp_path / "a.fits").read_bytes() == b"new"


def test_others_may_read_it_as_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        write(tmp_path / "a.fits")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.fits").stat().st_mode) == 0o644


def test_it_appears_only_when_complete(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("failure", [ValueError("x"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, failure):
    path = tmp_path / "a.fits"
    path.write_bytes(b"old")
    with pytest.raises(type(failure)), atomic_write(path) as file:
        fail_after(file.write, failure)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.fits"]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota"), (errno.EIO, "Input/output error")]
)
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, number, words):
    with pytest.raises(OutputError, match=words) as caught, atomic_write(tmp_path / "a.fits"):
        raise OSError(number, os.strerror(number))
    assert "a.fits" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_at_the_last_moment(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="free some space"):
        write(tmp_path / "a.fits")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory(tmp_path):
    with pytest.raises(OutputError, match="directory does not exist"):
        write(tmp_path / "no" / "a.fits")


def test_a_directory_in_the_way(tmp_path):
    (tmp_path / "a.fits").mkdir()
    with pytest.raises(OutputError, match="in the way"):
        write(tmp_path / "a.fits")
    assert [p.name for p in tmp_path.iterdir()] == ["a.fits"]


def test_a_file_for_a_directory(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(OutputError, match="is a file, not a directory"):
        write(tmp_path / "f" / "a.fits")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="no permission"):
            write(tmp_path / "a.fits")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_names_that_no_file_has(tmp_path, name):
    with pytest.raises(OutputError):
        write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
