"""A few kilobytes that stand for terabytes: each is one clear error, soon, and in little memory."""

import gzip
import io
import json
import struct
import tracemalloc
import zlib

import asdf
import numpy as np
import pytest
from astropy.io import fits

from mrsnb.core.association import Association
from mrsnb.errors import InputError
from mrsnb.io import asdf_tree, exposures, tiled, unpacking
from mrsnb.io.asdf_tree import TreeError, read_tree, safe_content
from mrsnb.io.association import read_association
from mrsnb.io.json_text import read_json
from mrsnb.io.read import read
from mrsnb.io.verify import verify

MOST = 2_000_000
"""Of memory for Python, bytes, where nothing is to be unpacked."""


def head(*cards):
    text = "".join(f"{key:8}= {value:>20}".ljust(80) for key, value in cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


PRIMARY = head(("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", "T"))


@pytest.fixture
def small_limit(monkeypatch):
    """A limit that tests reach quickly."""
    for module in (unpacking, tiled):
        monkeypatch.setattr(module, "MOST_BYTES", 20_000_000)


@pytest.fixture
def refused(tmp_path):
    """Refuses a file of this content, in one line that says `message` and with little memory."""

    def check(name, content, message, reader=read):
        path = tmp_path / name
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(InputError, match=message) as told:
            reader(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert str(path) in str(told.value)
        assert "\n" not in str(told.value)
        return peak

    return check


@pytest.mark.usefixtures("small_limit")
def test_gzip_is_unpacked_up_to_a_limit(refused, tmp_path):
    image = head(("XTENSION", "'IMAGE   '"), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", 10_000), ("NAXIS2", 1000))
    bomb = gzip.compress(PRIMARY + image + bytes(40_000_320), 1)
    assert len(bomb) < 400_000
    assert refused("a_cal.fits.gz", bomb, "more than 0.02 GB once it is unpacked") < 3 * MOST
    assert refused("a_cal.fits", bomb, "more than 0.02 GB once it is unpacked") < 3 * MOST  # by content, not by name
    summed = image.replace(b"END" + b" " * 77, b"CHECKSUM= 'abc     '".ljust(80) + b"END".ljust(77))
    (tmp_path / "a_cal.fits.gz").write_bytes(gzip.compress(PRIMARY + summed + bytes(40_000_320), 1))
    (file,) = verify(tmp_path / "a_cal.fits.gz").files
    assert (file.state, "more than 0.02 GB" in file.remark) == ("damaged", True)


@pytest.mark.usefixtures("small_limit")
def test_a_claim_is_not_believed_where_little_is_unpacked(refused):
    image = head(("XTENSION", "'IMAGE   '"), ("BITPIX", -64), ("NAXIS", 2), ("NAXIS1", 10**6), ("NAXIS2", 10**6))
    refused("a_cal.fits.gz", gzip.compress(PRIMARY + image + bytes(2880)), "more than 0.02 GB")
    refused("a_cal.fits", PRIMARY + image + bytes(2880), "truncated")


def test_a_header_ends_or_is_refused(refused, monkeypatch):
    monkeypatch.setattr(unpacking, "_MOST_HEADER", 100_000)
    endless = PRIMARY.replace(b"END", b"   ") + b" " * 2880 * 100
    for content in (endless, gzip.compress(endless)):
        refused("a_cal.fits", content, r"a header of more than 0.1 MB")


@pytest.mark.parametrize(
    ("name", "magic", "what"),
    [
        ("a.fits.zip", b"PK\x03\x04", "zip archive"),
        ("a.fits", b"PK\x03\x04", "zip archive"),
        ("a.fits.bz2", b"BZh9", "bzip2"),
        ("a.fits.xz", b"\xfd7zXZ\x00", "xz"),
        ("a.fits.Z", b"\x1f\x9d\x90", "compress"),
        ("a.fits.zst", b"(\xb5/\xfd", "zstd"),
        ("a.7z", b"7z\xbc\xaf'\x1c", "7-Zip"),
    ],
)
def test_archives_are_not_unpacked(refused, name, magic, what):
    refused(name, magic + bytes(100), f"{what}.*only gzip is unpacked here")


def compressed(**changes):
    """Return a file with a compressed image, its header changed."""
    image = fits.CompImageHDU(
        np.arange(10_000, dtype=np.int32).reshape(100, 100), name="SCI", compression_type="GZIP_1"
    )
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(content)
    content.seek(0)
    with fits.open(content, disable_image_compression=True) as hdus:
        table = hdus[1]
        tile = zlib.compress(bytes(changes.pop("tile", 0)), wbits=31) if "tile" in changes else None
        data = [*table.data["COMPRESSED_DATA"]]
        if tile is not None:
            data[7] = np.frombuffer(tile, np.uint8)
        made = fits.BinTableHDU.from_columns(
            [fits.Column("COMPRESSED_DATA", "PB()", array=np.array(data, dtype=object))]
        )
        for card in table.header.cards:
            if card.keyword.startswith("Z") or card.keyword == "EXTNAME":
                made.header[card.keyword] = changes.get(card.keyword, card.value)
        for key, value in changes.items():
            made.header[key] = value
        found = io.BytesIO()
        fits.HDUList([fits.PrimaryHDU(), made]).writeto(found)
    return found.getvalue()


def test_an_honest_compressed_image_is_read(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(compressed(tile=400))
    with exposures.opened(path) as hdus:
        assert hdus["SCI"].data[99, 99] == 9999


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tile": 10_000_000}, "a tile is larger than it should be"),
        ({"ZNAXIS1": 10**6, "ZNAXIS2": 10**6}, "up to 1 GB are unpacked"),
        ({"ZTILE1": 10**9, "ZTILE2": 10}, "up to 1 GB are unpacked"),
        ({"ZCMPTYPE": "HCOMPRESS_1"}, "ZCMPTYPE = 'HCOMPRESS_1'; allowed: RICE_1"),
        ({"ZCMPTYPE": "RICE_1", "ZNAME1": "BLOCKSIZE", "ZVAL1": 0}, "BLOCKSIZE = 0; allowed: 16, 32"),
    ],
    ids=["tile", "image", "tiles", "unknown", "for ever"],
)
def test_a_compressed_image_is_looked_at_before_it_is_unpacked(refused, changes, message):
    assert refused("a_s3d.fits", compressed(**changes), f"compressed image SCI: .*{message}") < MOST


def asdf_bytes(tree, **written):
    file = io.BytesIO()
    asdf.AsdfFile(tree).write_to(file, **written)
    return file.getvalue()


def test_a_tree_stands_for_no_more_than_it_may():
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    bomb = "\n".join(["#ASDF 1.0.0", "--- ", "a0: &a0 [1, 2]", *lines, "..."]).encode()
    with pytest.raises(TreeError, match="more than 5000000 values"):
        read_tree(bomb)
    with pytest.raises(TreeError, match="stands for what it is in"):
        read_tree(b"#ASDF 1.0.0\n--- \na: &a [1, *a]\n...\n")


def block(content, *, packing=b"\0\0\0\0", full=None):
    size = len(content) if full is None else full
    header = struct.pack(">I4sQQQ16x", 0, packing, len(content), len(content), size)
    return b"\xd3BLK" + struct.pack(">H", len(header)) + header + content


def test_what_a_block_claims_is_bounded(monkeypatch):
    start = b"#ASDF 1.0.0\n--- \na: 1\n...\n"
    packed = zlib.compress(bytes(10**7))
    with pytest.raises(TreeError, match="block of 1000000000000 bytes"):
        safe_content(start + block(packed, packing=b"zlib", full=10**12))
    monkeypatch.setattr(asdf_tree, "_MOST_BYTES", 15_000_000)
    safe_content(start + block(packed, packing=b"zlib", full=10**7))
    with pytest.raises(TreeError, match="more than 15000000 bytes in its blocks"):
        safe_content(start + 2 * block(packed, packing=b"zlib", full=10**7))
    for packing in (b"bzp2", b"lz4\0"):
        with pytest.raises(TreeError, match="compression"):
            safe_content(start + block(packed, packing=packing))


@pytest.mark.parametrize(
    "text",
    [
        "a: !core/ndarray-1.1.0 {source: 'file:///etc/passwd', datatype: uint8, shape: [9]}",
        "a: {$ref: 'other.asdf#/b'}",
    ],
    ids=["array", "reference"],
)
def test_asdf_is_not_given_what_names_other_files(text):
    content = (
        f"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n{text}\n...\n"
    )
    with pytest.raises(TreeError, match="names another file"):
        safe_content(content.encode())


def test_asdf_is_not_given_more_than_was_looked_at():
    with pytest.raises(TreeError, match="does not end where it seems"):
        safe_content(b"#ASDF 1.0.0\n--- \na: |\n ...\n...x\nb: {$ref: c}\n...\n")
    honest = asdf_bytes({"a": np.arange(20), "b": np.arange(5)})
    assert b"BLOCK INDEX" in honest
    safe = safe_content(honest)
    assert b"BLOCK INDEX" not in safe
    with asdf.open(io.BytesIO(safe)) as file:
        assert file["b"][4] == 4


def test_the_provenance_is_plain_yaml_of_sensible_size():
    from mrsnb.io.asdf_extension import read_history

    lists = ", ".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
    assert read_history(b"#ASDF\n--- \nmrsnb: {a0: &a0 [1, 2], " + lists.encode() + b"}\n...") == {}
    assert read_history(b"#ASDF\n--- \nmrsnb: " + b"[" * 10**6 + b"\n...") == {}
    assert read_history(b"#ASDF\n--- \nmrsnb: {run: !!python/object/apply:os.system [x]}\n...") == {}
    assert read_history(b"#ASDF\n--- \nmrsnb: {run: {step: spec3}}\n...") == {"run": {"step": "spec3"}}


ECSV = (
    "# %ECSV 1.0\n# ---\n{meta}# datatype:\n# - {{name: wave, unit: um, datatype: float64}}\n"
    "# - {{name: flux, unit: Jy, datatype: float64}}\nwave flux\n5.0 1.0\n6.0 2.0\n"
)


def test_the_header_of_a_table_is_yaml_of_sensible_size(refused, tmp_path, monkeypatch):
    path = tmp_path / "good.ecsv"
    path.write_text(ECSV.format(meta="# meta: {a: 1}\n"))
    assert list(read(path).wave) == [5.0, 6.0]
    lists = "".join(f"#   a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12))
    bomb = ECSV.format(meta="# meta:\n#   a0: &a0 {b: 1}\n" + lists)
    refused("a.ecsv", bomb.encode(), "cannot be read as a table: more than 1000000 values")
    refused("a.ecsv", ECSV.format(meta=f"# meta: {'[' * 10**5}\n").encode(), "more than 100 deep")
    refused("a.ecsv", ECSV.format(meta="# meta: !!python/name:os.system x\n").encode(), "cannot be read as a table")
    refused("a.csv", gzip.compress(b"wave,flux\n" + b"5,1\n" * 10**6), "cannot be read as a table")
    monkeypatch.setattr("mrsnb.io.spectrum_table._MOST_BYTES", 1000)
    refused("a.csv", b"wave,flux\n" + b"5,1\n" * 1000, "is it a spectrum")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 10**6, "nested too deep"),
        ('{"a":' * 10**6, "nested too deep"),
        ('{"asn_id": ' + "9" * 5000 + "}", "too many digits"),
        ("\ufffe", "Expecting value"),
        (b"\xff\xfe", "not a text file"),
        ("{'a': 1}", "Expecting property name"),
        ("", "Expecting value"),
    ],
    ids=["lists", "objects", "digits", "no character", "no text", "Python", "nothing"],
)
def test_json_that_is_none_is_one_error(refused, text, message):
    with pytest.raises(ValueError, match=f"not JSON: .*{message}"):
        read_json(text)
    refused("a_asn.json", text if isinstance(text, bytes) else text.encode(), message, read_association)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../x",
            "/x",
            "x/../../y",
            "a\\b",
            "..",
            ".",
            ".x",
            "",
            " ",
            "-rf",
            "a\0b",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\x1b[31mb",
        ),
        *(
            "a\x7fb",
            "a\x9bb",
            "a\u202eb",
            "a\u2028b",
            "a\u200bb",
            "a\ud800b",
            "x" * 201,
            "\u661f" * 67,
            "con",
            "NUL.x",
            "com1",
        ),
        *("a:b", "a*b", "a?b", 'a"b', "a<b>", "a|b"),
    ],
)
def test_a_product_is_named_what_any_file_may_be_called(tmp_path, name):
    path = tmp_path / "a_asn.json"
    (tmp_path / "a_cal.fits").touch()
    members = [{"expname": "a_cal.fits", "exptype": "science"}]
    path.write_text(json.dumps({"products": [{"name": name, "members": members}]}))
    with pytest.raises(InputError, match="files are named after it") as told:
        read_association(path)
    assert str(told.value).isprintable()
    path.write_text(json.dumps({"products": [{"name": "Zo\u00eb \u661f (1)+2_c", "members": members}]}))
    assert isinstance(read_association(path), Association)
