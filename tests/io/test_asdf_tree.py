"""The ASDF extension read as text: what is understood, what is refused, and that nothing in it is ever run."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import asdf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.io.asdf_tree import Node, TreeError, read_tree

HEAD = b"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"


def document(yaml, *blocks):
    return HEAD + yaml + b"\n...\n" + b"".join(blocks)


def block(data, *, packing=b"\0\0\0\0", used=None, full=None, flags=0, extra=0):
    used = len(data) if used is None else used
    full = len(data) if full is None else full
    header = struct.pack(">I4sQQQ16x", flags, packing, len(data), used, full) + bytes(extra)
    return b"\xd3BLK" + struct.pack(">H", len(header)) + header + data


def array_node(source=0, shape="[3]", datatype="float64", byteorder="little", more=""):
    kind = f"datatype: {datatype}, byteorder: {byteorder}, shape: {shape}"
    return f"a: !core/ndarray-1.0.0 {{source: {source}, {kind}{more}}}".encode()


def array_of(content):
    found = read_tree(content)
    return found.array(found.tree["a"])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">i2", "<i8", ">u4"])
def test_arrays_are_those_that_asdf_wrote(compression, dtype):
    rng = np.random.default_rng(1)
    arrays = {name: rng.integers(0, 99, shape).astype(dtype) for name, shape in (("a", (3, 4)), ("b", (7,)))}
    out = BytesIO()
    asdf.AsdfFile(arrays).write_to(out, all_array_compression=compression)
    found = read_tree(out.getvalue())
    for name, array in arrays.items():
        read = found.array(found.tree[name])
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype.newbyteorder("=")
        read[...] = 0  # its own memory


def test_small_arrays_may_stand_in_the_text():
    found = read_tree(document(b"a: !core/ndarray-1.0.0 {data: [1, 2, 3], shape: [3]}\nb: [4, 5]\nc: 7"))
    np.testing.assert_array_equal(found.array(found.tree["a"]), [1, 2, 3])
    np.testing.assert_array_equal(found.array(found.tree["b"]), [4, 5])
    with pytest.raises(TreeError, match="ndarray"):
        found.array(found.tree["c"])


def test_tags_are_kept_as_bare_names():
    tree = read_tree(
        document(b"a: !transform/shift-1.2.0 {offset: 3.0}\nb: !<tag:stsci.edu:gwcs/step-1.3.0> {x: 1}")
    ).tree
    assert isinstance(tree["a"], Node)
    assert (tree["a"].tag, tree["a"]["offset"], tree["b"].tag) == ("shift", 3.0, "step")


def test_numbers_words_and_texts_are_told_apart():
    text = b"[1, -2, 0.5, 1.0e-05, 2e3, .inf, null, ~, true, False, '1', x, 2022-08-09, \"null\", 1:30, -]"
    found = read_tree(document(b"a: " + text)).tree["a"]
    texts = ["1", "x", "2022-08-09", "null", "1:30"]
    assert found[:-1] == [1, -2, 0.5, 1e-5, 2000.0, float("inf"), None, None, True, False, *texts]


def test_an_alias_is_what_its_anchor_stands_for():
    tree = read_tree(document(b"a: &one {b: [1, &two 2]}\nc: *one\nd: [*two, *two]")).tree
    assert tree["c"] is tree["a"]
    assert tree["d"] == [2, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [(b"a: *gone", "gone"), (b"a: " + b"[" * 5000 + b"]" * 5000, "levels"), (b"{[1, 2]: 3}", "key")],
)
def test_trees_that_nobody_writes_are_refused(text, message):
    with pytest.raises(TreeError, match=message):
        read_tree(document(text))


def test_a_longer_block_header_and_an_offset_are_understood():
    data = np.arange(5.0).tobytes()
    content = document(array_node(source=1, more=", offset: 16"), block(b"1234", extra=8), block(data))
    np.testing.assert_array_equal(array_of(content), [2, 3, 4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "start with #ASDF"),
        (b"SIMPLE  =", "start with #ASDF"),
        (HEAD + b"a: 1\n", "has no end"),
        (document(b"a: [1, 2"), "expected"),
        (document(b"a: {b: 1"), "expected"),
        (document(b"a: *nowhere"), "alias"),
        (document(b"a: \xff\xfe"), "decode"),
        (document(b"a: " + b"[" * 20000), None),
        (document(b"- 1\n- 2"), "not a mapping"),
        (b"#ASDF 1.0.0\n\n...\n", "not a mapping"),
    ],
    ids=["empty", "FITS", "no end", "open list", "open map", "alias", "bytes", "deep", "list", "nothing"],
)
def test_text_that_cannot_be_read_is_one_error(content, message):
    with pytest.raises(TreeError, match=message) as caught:
        read_tree(content)
    assert "\n" not in str(caught.value)


PACKED = zlib.compress(np.arange(3.0).tobytes())


@pytest.mark.parametrize(
    "content",
    [
        document(array_node()),  # no block at all
        document(array_node(), block(np.arange(3.0).tobytes())[:-4]),  # cut within the data
        document(array_node(), block(np.arange(3.0).tobytes())[:20]),  # cut within the header
        document(array_node(), block(np.arange(2.0).tobytes())),  # too short for its shape
        document(array_node(source=9), block(np.arange(3.0).tobytes())),
        document(array_node(source='"fits:SCI,1"'), block(np.arange(3.0).tobytes())),
        document(array_node(source="true"), block(np.arange(3.0).tobytes())),
        document(array_node(shape='["*"]'), block(np.arange(3.0).tobytes())),
        document(array_node(shape="[999999999999]"), block(np.arange(3.0).tobytes())),
        document(array_node(datatype="[int8, {name: x}]"), block(np.arange(3.0).tobytes())),
        document(array_node(datatype="object"), block(np.arange(3.0).tobytes())),
        document(array_node(datatype="nonsense"), block(np.arange(3.0).tobytes())),
        document(array_node(more=", offset: -8"), block(np.arange(3.0).tobytes())),
        document(array_node(more=", strides: [16]"), block(np.arange(6.0).tobytes())),
        document(array_node(more=", mask: 0"), block(np.arange(3.0).tobytes())),
        document(array_node(), block(np.arange(3.0).tobytes(), flags=1)),  # streamed
        document(array_node(), block(PACKED, packing=b"bzp2", full=24)),
        document(array_node(), block(PACKED[:-6], packing=b"zlib", full=24)),
        document(array_node(), block(b"garbage!", packing=b"zlib", full=24)),
        document(array_node(), block(PACKED, packing=b"zlib", full=48)),
        document(array_node(), block(PACKED, packing=b"zlib", full=8)),
    ],
)
def test_an_array_that_is_not_whole_or_not_understood_is_refused(content):
    with pytest.raises(TreeError) as caught:
        array_of(content)
    assert str(caught.value)


def test_no_more_than_the_stated_size_is_unpacked():
    bomb = zlib.compress(bytes(30_000_000), 9)
    np.testing.assert_array_equal(array_of(document(array_node(), block(bomb, packing=b"zlib", full=24))), [0, 0, 0])


@pytest.mark.parametrize(
    "text",
    [
        '!!python/object/apply:os.system ["touch {marker}"]',
        "!!python/object/new:os.system [touch {marker}]",
        "!!python/object/apply:subprocess.check_output [[touch, {marker}]]",
        '!!python/object/apply:builtins.exec [\'open("{marker}", "w")\']',
        "!!python/name:os.system",
        "!!python/module:os",
        '!<tag:yaml.org,2002:python/object/apply:os.system> ["touch {marker}"]',
        '!python/object/apply:os.system ["touch {marker}"]',
    ],
)
def test_nothing_in_the_text_is_ever_run(tmp_path, text):
    marker = tmp_path / "marker"
    try:
        tree = read_tree(document(b"a: " + text.format(marker=marker).encode())).tree
    except TreeError:
        tree = {"a": None}
    assert not marker.exists()
    assert tree["a"] is None or isinstance(tree["a"], list | str | dict)


BOMB = b"a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n" + b"".join(
    b"%c: &%c [%s]\n" % (this, this, b", ".join([b"*%c" % before] * 10))
    for before, this in zip(b"abcdefg", b"bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 5000000 values"),
        (b"a: &a [1, *a]", "what it is in"),
        (b"a: &a {b: {c: *a}}", "what it is in"),
    ],
)
def test_aliases_that_stand_for_too_much_are_refused(text, message):
    with pytest.raises(TreeError, match=message):
        read_tree(document(text))


@pytest.mark.parametrize(
    "content",
    [
        document(array_node(), block(PACKED, packing=b"zlib", full=2**63 + 24)),
        document(array_node(shape="[.inf]"), block(bytes(24))),
        document(array_node(shape="[1e30]"), block(bytes(24))),
        document(array_node(shape="[2, -1]"), block(bytes(24))),
        document(array_node(more=", offset: .inf"), block(bytes(24))),
        document(b"a: [1, [2]]"),
        document(b"a: !core/ndarray-1.0.0 {data: [1, [2]]}"),
    ],
    ids=["zlib", "inf", "great", "negative", "offset", "ragged", "ragged data"],
)
def test_numbers_beyond_all_bounds_are_refused(content):
    with pytest.raises(TreeError):
        array_of(content)


@given(st.text(alphabet="[]{}:,&*!ab1.~ \n-") | st.text())
def test_every_text_is_a_tree_or_refused(text):
    with suppress(TreeError):
        read_tree(document(text.encode("utf-8", "surrogatepass")))
