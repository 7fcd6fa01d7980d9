"""Read the ASDF extension of a FITS file as plain tagged nodes, without the cost of making objects of them.

Layout as in the ASDF standard 1.6: a YAML document, then binary blocks, each with a header of its own.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

_MAGIC = b"\xd3BLK"
_HEADER = struct.Struct(">I4sQQQ16s")
_STREAMED = 1


class TreeError(ValueError):
    """The ASDF extension is not laid out as expected."""


class Node(dict[str, Any]):
    """A mapping of the tree, with the bare name of its tag (``"compose"``), or ``""``."""

    tag: str = ""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Makes tagged mappings into `Node`, other tagged values into plain ones; never runs anything."""


def _construct(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        value = Node(loader.construct_mapping(node, deep=True))
        value.tag = suffix.rsplit("/", 1)[-1].rsplit("-", 1)[0]
        return value
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("tag:", _construct)
_Loader.add_multi_constructor("!", _construct)
for _kind in ("null", "bool", "int", "float", "str", "seq", "map", "omap", "timestamp"):
    _tag = f"tag:yaml.org,2002:{_kind}"
    _Loader.add_constructor(_tag, yaml.SafeLoader.yaml_constructors[_tag])


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
            return np.array(node)
        if not isinstance(node, Node) or node.tag != "ndarray":
            msg = "expected an ndarray"
            raise TreeError(msg)
        if "data" in node:
            return np.array(node["data"])
        if "strides" in node or "mask" in node or not isinstance(node.get("source"), int):
            msg = "array with strides, a mask or an outside source"
            raise TreeError(msg)
        try:
            kind = np.dtype(node["datatype"]).newbyteorder(">" if node["byteorder"] == "big" else "<")
            shape = tuple(int(n) for n in node["shape"])
            content = self._block(node["source"])
            start = int(node.get("offset", 0))
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(content, kind, count, start)
        except (KeyError, TypeError, ValueError, IndexError, struct.error, zlib.error) as error:
            raise TreeError(str(error)) from error
        return flat.reshape(shape).astype(kind.newbyteorder("="))

    def _block(self, number: int) -> memoryview | bytes:
        offset = self.blocks[number]
        (size,) = struct.unpack_from(">H", self.content, offset + 4)
        flags, packing, _, used, full, _ = _HEADER.unpack_from(self.content, offset + 6)
        begin = offset + 6 + size
        packed = memoryview(self.content)[begin : begin + used]
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
    end = content.find(b"\n...")
    if end < 0:
        msg = "its YAML has no end"
        raise TreeError(msg)
    try:
        tree = yaml.load(content[:end].decode("utf-8"), _Loader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise TreeError(" ".join(str(error).split())[:200]) from error
    if not isinstance(tree, dict):
        msg = "its YAML is not a mapping"
        raise TreeError(msg)
    return AsdfTree(tree=tree, content=content, blocks=_block_offsets(content, end))


def _block_offsets(content: bytes, end: int) -> tuple[int, ...]:
    offsets = []
    offset = content.find(_MAGIC, end)
    while offset >= 0 and content[offset : offset + 4] == _MAGIC and offset + 6 + _HEADER.size <= len(content):
        offsets.append(offset)
        (size,) = struct.unpack_from(">H", content, offset + 4)
        _, _, allocated, _, _, _ = _HEADER.unpack_from(content, offset + 6)
        offset += 6 + size + allocated
    return tuple(offsets)
