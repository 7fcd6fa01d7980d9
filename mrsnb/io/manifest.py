"""The manifest of a directory of products: what runs made there, of what, and the checksums of what they wrote.

It is a file of JSON beside the products, written anew whenever one is complete:

``runs``
    Key of a run to its provenance, as `mrsnb.io.provenance.record` has it: software, inputs and their checksums,
    references, parameters.
``products``
    Name of a file to `Entry`.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from mrsnb.errors import InputError
from mrsnb.io.atomic import atomic_write
from mrsnb.io.json_text import read_json
from mrsnb.io.places import is_bare
from mrsnb.io.provenance import checksum

log = logging.getLogger(__name__)

MANIFEST = "mrsnb-manifest.json"
_FORMAT = "mrsnb-manifest-1"

Difference = Literal["missing", "changed"]


@dataclass(frozen=True)
class Entry:
    """A product, as it was written.

    Parameters
    ----------
    run : str
        Key of the run that wrote it.
    step : str
        The last step whose result it holds.
    key : str
        Digest of all that its content depends on: inputs, parameters, references, versions.
    size : int
        Bytes.
    checksum : str
        ``"sha256:"`` and the digest of the file.
    """

    run: str
    step: str
    key: str
    size: int
    checksum: str


class Manifest:
    """The manifest of a directory; threads may share one.

    Parameters
    ----------
    folder : Path
        Where the products are.
    runs : mapping of str to mapping
    products : mapping of str to Entry
    """

    def __init__(self, folder: Path, runs: Mapping[str, Any], products: Mapping[str, Entry]) -> None:
        self.folder = folder
        self._runs, self._products = dict(runs), dict(products)
        self._changing = Lock()

    @property
    def products(self) -> dict[str, Entry]:
        """Name of each product to what is recorded of it."""
        return dict(self._products)

    def difference(self, name: str) -> Difference | None:
        """Return how a recorded product differs from what was written: not at all, changed, or missing.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        entry, path = self._products[name], self.folder / name
        if not path.is_file():
            return "missing"
        is_same = path.stat().st_size == entry.size and checksum(path) == entry.checksum
        return None if is_same else "changed"

    def add(self, path: Path, step: str, key: str, history: Mapping[str, Any]) -> None:
        """Record a product that is complete, and how it was made.

        Raises
        ------
        InputError, OutputError
            If it cannot be read, or the manifest not be written.
        """
        run = digest_of(history)
        entry = Entry(run, step, key, path.stat().st_size, checksum(path))
        with self._changing:
            self._runs[run] = history
            self._products[path.name] = entry
            self.write(sync=False)

    def forget(self, names: Iterable[str]) -> None:
        """Leave out products that are about to be replaced, if they are recorded."""
        with self._changing:
            known = [name for name in names if name in self._products]
            for name in known:
                del self._products[name]
            if known:
                self.write(sync=False)

    def write(self, *, sync: bool = True) -> None:
        """Write the manifest; one that a power failure loses makes products be made again, no more.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        used = {entry.run for entry in self._products.values()}
        content = {
            "format": _FORMAT,
            "runs": {key: history for key, history in self._runs.items() if key in used},
            "products": {name: asdict(entry) for name, entry in sorted(self._products.items())},
        }
        with atomic_write(self.folder / MANIFEST, sync=sync) as file:
            file.write(json.dumps(content, indent=1, default=str).encode())


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a directory; None if there is none.

    Raises
    ------
    InputError
        If it cannot be read, or is none of ours.
    """
    path = folder / MANIFEST
    try:
        content = read_json(path.read_bytes())
        runs, products = content["runs"], {name: Entry(**entry) for name, entry in content["products"].items()}
        is_sound = content["format"] == _FORMAT and isinstance(runs, dict)
        is_sound = is_sound and all(_is_sound(name, entry) for name, entry in products.items())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        msg = f"{path}: cannot be read as a manifest ({' '.join(why.split())[:160]}); remove it and run again"
        raise InputError(msg) from None
    if not is_sound:
        msg = f"{path}: is not as mrsnb writes it; remove it and run again"
        raise InputError(msg)
    return Manifest(folder, runs, products)


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest of a directory, one without products if there is none that can be read."""
    try:
        found = read_manifest(folder)
    except InputError as error:
        log.warning("%s", error)
        found = None
    return Manifest(folder, {}, {}) if found is None else found


def _is_sound(name: str, entry: Entry) -> bool:
    """Return whether an entry may be of ours: a manifest may be anybody's."""
    texts = (entry.run, entry.step, entry.key, entry.checksum)
    return is_bare(name) and all(isinstance(text, str) for text in texts) and type(entry.size) is int


def digest_of(facts: Any) -> str:
    """Return a digest of plain values.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]
