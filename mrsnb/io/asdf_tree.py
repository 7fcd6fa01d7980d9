"""Read the ASDF extension of a FITS file as plain tagged nodes, without the cost of making objects of them.

Layout as in the ASDF standard 1.6: a YAML document, then binary blocks, each with a header of its own.
"""

import math
import re
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

_MAGIC = b"\xd3BLK"
_HEADER = struct.Struct(">I4sQQQ16s")
_STREAMED = 1
_NO_KEY = object()
_END = b"\n..."


class TreeError(ValueError):
    """The ASDF extension is not laid out as expected."""


class Node(dict[str, Any]):
    """A mapping of the tree, with the bare name of its tag (``"compose"``), or ``""``."""

    tag: str = ""


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 500
"""Levels of a tree; the official chain has about thirty."""
_MOST_VALUES = 5_000_000
"""Values in a tree, aliases written out; the official chain has some ten thousand."""
_MOST_BYTES = 1 << 28
"""In an array, unpacked; those of the official chain are of the detector's shape."""
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False, ".inf": math.inf, "-.inf": -math.inf}


@dataclass(frozen=True)
class AsdfTree:
    """The tree of an ASDF document and the bytes its arrays lie in."""

    tree: dict[str, Any]
    content: bytes
    blocks: tuple[int, ...]

    def array(self, node: Any) -> NDArray[Any]:
        """Return the array that an ndarray node describes.

        Raises
        ------
        TreeError
            If the node or its block is not understood.
        """
        if isinstance(node, list):
            return _array_of(node)
        if not isinstance(node, Node) or node.tag != "ndarray":
            msg = "expected an ndarray"
            raise TreeError(msg)
        if "data" in node:
            return _array_of(node["data"])
        if "strides" in node or "mask" in node or not isinstance(node.get("source"), int):
            msg = "array with strides, a mask or an outside source"
            raise TreeError(msg)
        try:
            kind = np.dtype(node["datatype"]).newbyteorder(">" if node["byteorder"] == "big" else "<")
            shape = tuple(int(n) for n in node["shape"])
            content = self.block(node["source"])
            start = int(node.get("offset", 0))
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(content, kind, count, start)
            return flat.reshape(shape).astype(kind.newbyteorder("="))
        except TreeError:
            raise
        except (
            *(ArithmeticError, LookupError, MemoryError, SyntaxError, TypeError, ValueError),
            *(struct.error, zlib.error),
        ) as error:
            raise TreeError(str(error)) from error

    def block(self, number: int) -> memoryview | bytes:
        """Return the bytes of a block, unpacked.

        Raises
        ------
        TreeError
            If it is not whole, too large, or compressed in an unknown way.
        """
        offset = self.blocks[number]
        (size,) = struct.unpack_from(">H", self.content, offset + 4)
        flags, packing, _, used, full, _ = _HEADER.unpack_from(self.content, offset + 6)
        begin = offset + 6 + size
        packed = memoryview(self.content)[begin : begin + used]
        if full > _MOST_BYTES:
            msg = f"block of {full} bytes"
            raise TreeError(msg)
        if flags & _STREAMED or len(packed) != used:
            msg = "streamed or truncated block"
            raise TreeError(msg)
        if packing == b"\0\0\0\0":
            return packed
        if packing == b"zlib":
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(packed, full)
            if len(content) != full:
                msg = "zlib block of another size than stated"
                raise TreeError(msg)
            return content
        msg = f"compression {packing!r}"
        raise TreeError(msg)


def _array_of(values: Any) -> NDArray[Any]:
    try:
        return np.array(values)
    except (OverflowError, TypeError, ValueError) as error:
        raise TreeError(str(error)) from error


def read_tree(content: bytes) -> AsdfTree:
    """Return the tree of an ASDF document.

    Parameters
    ----------
    content : bytes
        The whole document: YAML and binary blocks.

    Raises
    ------
    TreeError
        If it is no ASDF document, or its YAML cannot be read.
    """
    if not content.startswith(b"#ASDF"):
        msg = "it does not start with #ASDF"
        raise TreeError(msg)
    end = content.find(_END)
    if end < 0:
        msg = "its YAML has no end"
        raise TreeError(msg)
    try:
        tree = _document(content[:end].decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TreeError(" ".join(str(error).split())[:200]) from error
    if not isinstance(tree, dict):
        msg = "its YAML is not a mapping"
        raise TreeError(msg)
    return AsdfTree(tree=tree, content=content, blocks=_block_offsets(content, end))


def safe_content(content: bytes) -> bytes:
    """Return a document that may be given to asdf: it names no other files, and does not unpack into more than it may.

    Its index of blocks, which is optional and may lead elsewhere, is left out.

    Raises
    ------
    TreeError
        If it does, or cannot be read.
    """
    document = read_tree(content)
    if not re.match(rb"(\r?\n|$)", content[content.find(_END) + len(_END) :][:2]):
        msg = "its YAML does not end where it seems to"
        raise TreeError(msg)
    waiting: list[Any] = [document.tree]
    known: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in known:
            continue
        known.add(id(node))
        if isinstance(node, dict):
            outside = node.get("source")
            if "$ref" in node or isinstance(outside, str) or getattr(node, "tag", "") == "externalarray":
                msg = f"it names another file ({str(node.get('$ref', outside))[:80]!r})"
                raise TreeError(msg)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(item for item in node if isinstance(item, list | dict))
    total = 0
    for number in range(len(document.blocks)):
        total += len(document.block(number))
        if total > _MOST_BYTES:
            msg = f"more than {_MOST_BYTES} bytes in its blocks"
            raise TreeError(msg)
    index = content.rfind(b"#ASDF BLOCK INDEX")
    return content[:index] if index > 0 else content


_STEPS = re.compile(r"\n +steps:\n( *- )")
_ANCHOR = re.compile(r"&([^ \n,\]}]+)")
_ALIAS = re.compile(r"\*([^ \n,\]}]+)")


def _document(text: str) -> Any:
    """Return a YAML document as plain values and `Node`s.

    The first step of its WCS, from the detector to the slices, is nine tenths of it, and the same in all exposures of
    a band: it is taken out, read once, and put back.
    """
    parts = _without_first_step(text)
    if parts is None:
        return _built(text)
    head, first, rest = parts
    tree = _built(rest)
    try:
        steps = tree["meta"]["wcs"]["steps"]
        is_there = isinstance(steps, list) and steps[0] == _PLACE
    except (KeyError, IndexError, TypeError):
        is_there = False
    if not is_there:
        return _built(text)
    steps[0] = _first_step(head, first)
    return tree


_PLACE = "the first step"


def _without_first_step(text: str) -> tuple[str, str, str] | None:
    """Return the directives, the first step, and the document without it; None if they cannot be told apart."""
    start = text.find("\n---")
    found = _STEPS.search(text)
    if start < 0 or found is None:
        return None
    begin, indent = found.start(1), found[1]
    end = text.find("\n" + indent, begin) + 1
    if end == 0:
        return None
    first, rest = text[begin:end], text[:begin] + f"{indent}{_PLACE}\n" + text[end:]
    names = set(_ANCHOR.findall(first))
    if any(name in names for name in _ALIAS.findall(rest)) or set(_ALIAS.findall(first)) - names:
        return None
    return text[:start], first, rest


@lru_cache(maxsize=6)  # an observation has so many detectors and settings
def _first_step(head: str, text: str) -> Any:
    """Return the item of a list; it is shared, and nobody changes it."""
    return _built(f"{head}\n---\n{text}")[0]


def _built(text: str) -> Any:
    """Return a YAML document as plain values and `Node`s, made of the parser's events: nothing in it is ever run."""
    building = _Building()
    parser = _LOADER(text)
    try:
        while (event := parser.get_event()) is not None:
            building.take(event)
    finally:
        parser.dispose()
    return building.root[0] if building.root else None


class _Building:
    """A tree that grows with the events of a YAML parser."""

    def __init__(self) -> None:
        self.root: list[Any] = []
        self._open: list[Any] = [self.root]
        self._keys: list[Any] = [_NO_KEY]
        self._anchors: dict[str, Any] = {}
        self._begun: list[tuple[str | None, int]] = []
        self._sizes: dict[str, int] = {}
        self._count = 0

    def take(self, event: Any) -> None:
        """Go on by one event."""
        kind = type(event)
        self._count += 1
        if kind is yaml.ScalarEvent:
            value = _plain(event.value) if event.implicit[0] else event.value
            parent = self._open[-1]
            if type(parent) is list and event.anchor is None:  # most of all: numbers in a list
                parent.append(value)
            else:
                self._put(value, event.anchor)
        elif kind is yaml.SequenceStartEvent:
            self._descend([], event.anchor)
        elif kind is yaml.MappingStartEvent:
            node = Node()
            node.tag = "" if event.tag is None else event.tag.rsplit("/", 1)[-1].rsplit("-", 1)[0]
            self._descend(node, event.anchor)
        elif kind in (yaml.SequenceEndEvent, yaml.MappingEndEvent):
            self._ascend()
        elif kind is yaml.AliasEvent:
            self._repeat(event.anchor)

    def _repeat(self, anchor: str) -> None:
        """Put what an alias stands for, which counts as if it were written out."""
        wrong = ""
        if anchor not in self._anchors:
            wrong = f"alias {anchor!r} stands for nothing"
        elif any(anchor == around for around, _ in self._begun):
            wrong = f"alias {anchor!r} stands for what it is in"
        self._count += self._sizes.get(anchor, 0)
        if self._count > _MOST_VALUES:
            wrong = f"more than {_MOST_VALUES} values"
        if wrong:
            raise TreeError(wrong)
        self._put(self._anchors[anchor], None)

    def _descend(self, node: Any, anchor: str | None) -> None:
        if len(self._open) > _DEEPEST:
            msg = f"more than {_DEEPEST} levels"
            raise TreeError(msg)
        self._put(node, anchor)
        self._begun.append((anchor, self._count))
        self._open.append(node)
        self._keys.append(_NO_KEY)

    def _ascend(self) -> None:
        self._open.pop()
        self._keys.pop()
        anchor, begin = self._begun.pop()
        if anchor is not None:
            self._sizes[anchor] = self._count - begin

    def _put(self, value: Any, anchor: str | None) -> None:
        """Put a value into the open sequence, or into the open mapping: as a key if none waits for its value."""
        if anchor is not None:
            self._anchors[anchor] = value
        parent = self._open[-1]
        if isinstance(parent, list):
            parent.append(value)
        elif self._keys[-1] is not _NO_KEY:
            parent[self._keys[-1]] = value
            self._keys[-1] = _NO_KEY
        elif isinstance(value, list | dict):
            msg = "a key that is neither text nor a number"
            raise TreeError(msg)
        else:
            self._keys[-1] = value


def _plain(text: str) -> Any:
    """Return what a scalar without quotes or tag means: a number, a word, or text."""
    if text[:1] in "+-.0123456789" and text:
        try:
            return float(text) if "." in text else int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return _WORDS.get(text.lower(), text)
    return _WORDS.get(text.lower(), text)


def _block_offsets(content: bytes, end: int) -> tuple[int, ...]:
    offsets = []
    offset = content.find(_MAGIC, end)
    while offset >= 0 and content[offset : offset + 4] == _MAGIC and offset + 6 + _HEADER.size <= len(content):
        offsets.append(offset)
        (size,) = struct.unpack_from(">H", content, offset + 4)
        _, _, allocated, _, _, _ = _HEADER.unpack_from(content, offset + 6)
        offset += 6 + size + allocated
    return tuple(offsets)
