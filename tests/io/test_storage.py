"""What is in a store is fetched once, what is written is sent, and whatever is wrong is one line."""

import errno
import os
import sys
from threading import Event
from time import time
from types import SimpleNamespace

import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main
from mrsnb.errors import Cancelled, InputError, OutputError
from mrsnb.io import pins, storage
from mrsnb.io.association import read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.places import address_of, below, home
from mrsnb.io.references import load_references
from mrsnb.io.storage import cached, delivered, fetched, fetched_folder
from mrsnb.io.stores import Version, _version, bytes_of


def unpinned():
    """Let go of all files, as at the end of a process."""
    while pins._pinned:
        os.close(pins._pinned.popitem()[1])


def content(paths, open_=open):
    """Return the data of FITS files, by names."""
    found = {}
    for path in paths:
        with open_(path, "rb") as stream, fits.open(stream) as hdus:
            for hdu in hdus[1:]:
                found[str(path).rpartition("/")[2], hdu.name] = hdu.data.tobytes()
    return found


def test_an_object_is_fetched_when_it_is_new(bucket):
    store, name = bucket
    store.pipe(f"{name}/in/a.txt", b"one")
    path = fetched(f"s3://{name}/in/a.txt")
    assert path == cached(f"s3://{name}/in/a.txt")
    assert path.read_bytes() == b"one"
    os.utime(path, (1, 1))
    assert fetched(f"s3://{name}/in/a.txt").stat().st_mtime == 1, "it is not fetched again"
    store.pipe(f"{name}/in/a.txt", b"two")
    assert fetched(f"s3://{name}/in/a.txt").read_bytes() == b"two"
    path.write_bytes(b"tw")
    assert fetched(f"s3://{name}/in/a.txt").read_bytes() == b"two", "what is not whole is fetched again"


def test_the_cache_keeps_its_bound_and_what_is_in_use(bucket, monkeypatch):
    store, name = bucket
    monkeypatch.setenv("MRSNB_CACHE_SIZE", "2.5K")
    addresses = [f"s3://{name}/{i}.bin" for i in range(3)]
    for address in addresses:
        store.pipe(address.removeprefix("s3://"), address.encode().ljust(1000))
    for i in range(2):
        os.utime(fetched(addresses[i]).with_name(f".{i}.bin.mrsnb-stored"), (i, i))
    with pytest.raises(InputError, match=r"no room for .* in use; set MRSNB_CACHE_SIZE, as 50G"):
        fetched(addresses[2])
    unpinned()
    fetched(addresses[2])
    assert [cached(address).exists() for address in addresses] == [False, True, True], "what was used longest ago went"
    unpinned()


def test_level_3_from_a_store_to_a_store_is_that_of_files(bucket, small_dataset, tmp_path):
    store, name = bucket
    folder = tmp_path / "in"
    folder.symlink_to(small_dataset.association.parent, target_is_directory=True)
    for path in folder.iterdir():
        store.put_file(str(path), f"{name}/in/{path.name}")
    asn, told = small_dataset.association.name, ["--steps.cube_build.channel=1"]
    here = CliRunner().invoke(main, ["spec3", str(folder / asn), "--output-dir", str(tmp_path / "out"), *told])
    assert here.exit_code == 0, here.output
    there = CliRunner().invoke(main, ["spec3", f"s3://{name}/in/{asn}", "--output-dir", f"s3://{name}/out", *told])
    assert there.exit_code == 0, there.output
    assert f"s3://{name}/out/small_ch1-short_s3d.fits" in there.stdout
    assert str(tmp_path) not in there.stdout
    sent = [path for path in store.find(f"{name}/out") if path.endswith(".fits")]
    local, remote = content(sorted((tmp_path / "out").glob("*.fits"))), content(sent, store.open)
    assert len(sent) == 4
    assert len(local) > 10
    assert {key for key in local if local[key] != remote[key]} == {key for key in local if key[1] == "ASDF"}
    assert all(b" ../in/small_" in data for (_, extension), data in remote.items() if extension == "ASDF")
    assert [path.name for path in cached(f"s3://{name}").iterdir()] == ["in"], "nothing else is left here"


def test_references_and_folders_come_from_a_store(bucket, tmp_path):
    store, name = bucket
    store.pipe(f"{name}/refs/notes.txt", b"none")
    with pytest.raises(InputError, match="no reference files"):
        load_references(f"s3://{name}/refs")
    assert [path.name for path in fetched_folder(f"s3://{name}/refs").glob("*.txt")] == ["notes.txt"]
    with pytest.raises(InputError, match="no such folder"):
        fetched_folder(f"s3://{name}/nothing")
    with delivered(f"s3://{name}/out") as there:
        (there.folder / "a").mkdir()
        (there.folder / "a" / "b.txt").write_text("1")
        (there.folder / ".mrsnb-half.tmp").write_text("half")
        there.send()
        assert store.find(f"{name}/out") == [f"{name}/out/a/b.txt"]
        (there.folder / "a" / "b.txt").write_text("22")
    assert bytes_of(f"s3://{name}/out/a/b.txt") == b"22"
    with delivered(tmp_path / "x") as there:
        assert there.folder == tmp_path / "x"
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_sent_is_kept(bucket, monkeypatch):
    _, name = bucket

    def lost(_, address):
        msg = f"{address}: the store cannot be used"
        raise OutputError(msg)

    def write():
        with delivered(f"s3://{name}/out") as there:
            (there.folder / "a.txt").write_text("1")

    with monkeypatch.context() as away:
        away.setattr(storage, "put", lost)
        with pytest.raises(OutputError, match=rf"^s3://{name}/out/a.txt: .*; what was made is in \S+$") as caught:
            write()
    (kept,) = cached(f"s3://{name}").iterdir()
    assert str(caught.value).endswith(str(kept))
    assert (kept / "a.txt").read_text() == "1"
    write()
    assert list(cached(f"s3://{name}").iterdir()) == [kept]
    with pytest.raises(ZeroDivisionError), delivered(f"s3://{name}/out") as there:
        (there.folder / "a.txt").write_text(str(1 / 0))
    assert list(cached(f"s3://{name}").iterdir()) == [kept], "of what failed nothing is left"


def test_a_store_that_takes_nothing_is_refused_at_once(bucket, monkeypatch):
    store, name = bucket

    def refused(*_, **__):
        raise PermissionError("Access Denied")

    delivered(f"s3://{name}/out").__enter__()
    assert store.find(name) == []
    monkeypatch.setattr("mrsnb.io.stores.opened_store", lambda _: (SimpleNamespace(pipe_file=refused), "out"))
    with pytest.raises(OutputError, match=rf"^s3://{name}/out: not allowed \(Access Denied\)"):
        delivered(f"s3://{name}/out").__enter__()


def test_what_killed_processes_left_goes(bucket):
    store, name = bucket
    store.pipe(f"{name}/a.txt", b"a")
    there = cached(f"s3://{name}/x").parent
    for left, days in (("new", 0), ("old", 15)):
        (there / f".mrsnb-out-{left}").mkdir(parents=True)
        for path in (there / f".mrsnb-out-{left}" / "b.fits", there / f".mrsnb-{left}.tmp"):
            path.write_bytes(b"half")
            os.utime(path, (time() - days * 86400,) * 2)
        os.utime(there / f".mrsnb-out-{left}", (time() - days * 86400,) * 2)
    fetched(f"s3://{name}/a.txt")
    assert sorted(path.name for path in there.glob(".mrsnb*")) == [".mrsnb-new.tmp", ".mrsnb-out-new"]


def test_a_store_that_fails_is_not_called_a_full_disk(bucket, monkeypatch):
    store, name = bucket
    store.pipe(f"{name}/a.txt", b"a")
    address = f"s3://{name}/a.txt"

    def broken(*_):
        raise OSError(errno.EIO, "connection lost")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for where, what, says in (
        (type(store.open(address)), broken, "the store cannot be used: OSError: .*connection lost"),
        (os, full, r"cannot be kept in the cache \S+: .*; set MRSNB_CACHE to a folder with room$"),
    ):
        with monkeypatch.context() as context:
            context.setattr(where, "fsync" if where is os else "read", what)
            with pytest.raises(InputError, match=f"^{address}: {says}"):
                fetched(address)
    assert [path.name for path in cached(address).parent.iterdir()] == [".a.txt.mrsnb-stored"]


def test_downloads_stop_when_one_fails(bucket, monkeypatch):
    stop, blocks = Event(), []

    def endless(_):
        while len(blocks) < 100:
            blocks.append(1)
            yield b"x"
            stop.set()

    monkeypatch.setattr(storage, "_blocks", endless)
    address = f"s3://{bucket[1]}/a"
    output_folder(cached(address).parent)
    with pytest.raises(Cancelled, match="not fetched"):
        storage._fetch(address, Version(100, "a"), stop)
    assert len(blocks) == 2


def test_what_a_store_does_not_say_is_unknown():
    assert _version({"size": None, "Last-Modified": "today"}) == Version(None, "today")
    assert _version({"size": 0, "updated": "x"}) == Version(0, "x")
    assert _version({"size": 7}) == Version(7, "")


@pytest.mark.parametrize("size", ["infG", "nan", "-1G", "much"])
def test_a_size_is_a_number_of_bytes(monkeypatch, size):
    monkeypatch.setenv("MRSNB_CACHE_SIZE", size)
    with pytest.raises(InputError, match="must be a size as 20G"):
        storage._limit()


def test_pins_do_without_locks(monkeypatch, tmp_path):
    def unknown(*_):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(pins.fcntl, "flock", unknown)
    pins.pin(tmp_path / "a")
    unpinned()
    assert not pins.removed_unless_pinned(tmp_path / "a")

    def too_many(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as context:
        context.setattr(pins, "_more_files", lambda: True)
        context.setattr(os, "open", too_many)
        with pytest.raises(InputError, match="too many files are open; see ulimit -n"):
            pins.pin(tmp_path / "b")


def test_what_is_wrong_is_one_line(bucket, monkeypatch):
    store, name = bucket
    with pytest.raises(InputError, match=rf"^s3://{name}/no_asn.json: there is no such object or bucket$"):
        read_association(f"s3://{name}/no_asn.json")
    store.pipe(
        f"{name}/a_asn.json",
        b'{"products": [{"name": "a", "members": [{"expname": "../../x_cal.fits", "exptype": "science"}]}]}',
    )
    with pytest.raises(InputError, match="leads out of its bucket"):
        read_association(f"s3://{name}/a_asn.json")
    with pytest.raises(OutputError, match=r"^s3://no-such-bucket/out: there is no such object or bucket$"):
        delivered("s3://no-such-bucket/out").__enter__()
    with pytest.raises(OutputError, match="the commands spec3 and batch write to stores"):
        output_folder("s3://bucket/out")
    with pytest.raises(InputError, match="a password or a signature is not taken") as caught:
        read_association("ftp://me:secret@host/x_asn.json")
    assert "secret" not in str(caught.value)
    for address in ("s3://KEY:sec/ret@bucket/key", "s3://KEY:12/ret@bucket/key", "s3://KEY:sec/ret"):
        with pytest.raises(InputError, match="a password or a signature is not taken") as caught:
            address_of(address)
        assert "ret" not in str(caught.value).partition("...")[0]
    assert address_of("http://127.0.0.1:8080/a") == "http://127.0.0.1:8080/a"
    with pytest.raises(InputError, match="nonsense"):
        fetched("nonsense://bucket/x")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    type(store).clear_instance_cache()
    with pytest.raises(InputError, match=r"(no credentials|not allowed).*AWS_ACCESS_KEY_ID"):
        fetched(f"s3://{name}/a_asn.json")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InputError, match=r"needs fsspec: pip install 'mrsnb\[storage\]'"):
        fetched(f"s3://{name}/a_asn.json")


@pytest.mark.parametrize("text", ["in/a_asn.json", "/in/a", "C:/in", "file:///in/a", "~/a"])
def test_paths_are_no_addresses(text):
    assert address_of(text) is None


def test_names_below_an_address_stay_in_the_bucket():
    assert below("s3://b/in/x", "../y/./z.fits") == "s3://b/in/y/z.fits"
    for name in ("../../../x", "/etc/x", "s3://other/x"):
        with pytest.raises(InputError, match="leads out of its bucket"):
            below("s3://b/in", name)


def test_the_folder_of_nobody_is_refused():
    with pytest.raises(InputError, match=r"^~nobody-of-this-name/x: ~nobody-of-this-name is the folder of a user"):
        home("~nobody-of-this-name/x")
