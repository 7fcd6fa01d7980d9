"""What is in a store is fetched once, what is written is sent, and whatever is wrong is one line."""

import os
import sys

import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb.cli import main
from mrsnb.errors import InputError, OutputError
from mrsnb.io import pins
from mrsnb.io.association import read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.places import address_of, below, home
from mrsnb.io.references import load_references
from mrsnb.io.storage import cached, delivered, fetched, fetched_folder
from mrsnb.io.stores import bytes_of


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
    sent = store.find(f"{name}/out")
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
