"""The ASDF extension of a product: metadata that FITS keywords cannot hold, above all the gWCS.

Written and read as text, without asdf. The provenance is one line of the tree, so that it can be read alone.

References
----------
ASDF standard 1.5.0, "Low-level file layout".
"""

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.io.bintable import cell_bytes
from mrsnb.io.wcs_text import WcsText
from mrsnb.io.yaml_text import read_yaml

KEY = "mrsnb"
"""Key of the provenance in the tree."""

_HEAD = (
    "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n"
    "--- !core/asdf-1.1.0\n"
    "asdf_library: !core/software-1.0.0 {{name: mrsnb, version: {version}}}\n"
)


_END = b"\n..."
_INDEX = b"#ASDF BLOCK INDEX"


def asdf_extension(
    meta: Mapping[str, Any], wcs: WcsText | None, history: Mapping[str, Any], *, in_spec: bool = False
) -> bytes:
    """Return the ASDF extension, a table of one cell.

    Parameters
    ----------
    meta : mapping
        What the tree says under ``meta``; plain values.
    wcs : WcsText or None
        The gWCS, if there is one.
    history : mapping
        Provenance; plain values.
    in_spec : bool
        True to put the gWCS under ``spec[0].meta``, as spectra have it, False for ``meta``.
    """
    lines = [asdf_head()]
    if wcs is None:
        lines.append(f"meta: {_flow(meta)}\n")
    elif in_spec:
        lines += [f"meta: {_flow(meta)}\n", f"spec:\n- meta:\n    model_type: MRSSpecModel\n    wcs: {wcs.yaml}\n"]
    else:
        lines += ["meta:\n", *(f"  {key}: {_flow(value)}\n" for key, value in meta.items()), f"  wcs: {wcs.yaml}\n"]
    lines += [f"{KEY}: {_flow(history)}\n", "...\n"]
    arrays = () if wcs is None else wcs.arrays
    content = "".join(lines).encode("utf-8") + b"".join(_block(array) for array in arrays)
    return b"".join(as_extension(content))


def as_extension(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return an ASDF file as an extension of a FITS file: a header, the file itself, what fills it up."""
    return cell_bytes("ASDF", "ASDF_METADATA", content)


def asdf_head() -> str:
    """Return the lines that begin an ASDF document."""
    from mrsnb import __version__

    return _HEAD.format(version=__version__)


def with_history(content: bytes, history: Mapping[str, Any]) -> bytes:
    """Return an ASDF file with this provenance in its tree, in place of another; unchanged if it has no tree.

    The index of blocks, which is optional, is left out, since the blocks move.
    """
    end = content.find(_END)
    if end < 0:
        return content
    tree = content[:end]
    start = tree.find(f"\n{KEY}: ".encode())
    if start >= 0:
        stop = tree.find(b"\n", start + 1)
        tree = tree[:start] + (tree[stop:] if stop >= 0 else b"")
    index = content.rfind(_INDEX, end)
    line = f"\n{KEY}: {_flow(history)}".encode()
    return b"".join([tree, line, memoryview(content)[end : index if index > 0 else None]])


def read_history(content: bytes) -> dict[str, Any]:
    """Return the provenance in an ASDF extension; empty if there is none, as in the observatory's own products."""
    start = content.find(f"\n{KEY}: ".encode())
    if start < 0:
        return {}
    end = content.find(b"\n", start + 1)
    try:
        tree = read_yaml(content[start:end].decode("utf-8"))
    except ValueError:
        return {}
    found = tree.get(KEY) if isinstance(tree, dict) else None
    return found if isinstance(found, dict) else {}


def _flow(value: Any) -> str:
    """Return `value` as YAML on one line."""
    text = _yaml().dump(value, Dumper=_dumper(), default_flow_style=True, width=1 << 30, sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("\n...")


@cache
def _dumper() -> Any:
    yaml = _yaml()

    class OneLine(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        pass

    def quoted(dumper: Any, text: str) -> Any:
        style = '"' if not text.isprintable() and any(ord(c) < 32 for c in text) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    OneLine.add_representer(str, quoted)
    return OneLine


def _yaml() -> Any:
    import yaml

    return yaml


def _block(array: NDArray[np.float64]) -> bytes:
    """Return a binary block: magic, size of the header, flags, compression, three sizes, checksum (none), data."""
    data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    header = struct.pack(">I4sQQQ16x", 0, b"\0\0\0\0", len(data), len(data), len(data))
    return b"\xd3BLK" + struct.pack(">H", len(header)) + header + data
