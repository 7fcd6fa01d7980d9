"""Objects in stores such as S3, which fsspec reaches: fetched into a cache on this machine, sent from a folder.

The cache has the tree of the store, so what files say of one another's places holds there as well. What is there as it
is in the store (size and version) is not fetched again; what was not used for longest goes when the cache is full, but
nothing that a process is using.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mrsnb.errors import InputError
from mrsnb.io.atomic import atomic_write, output_folder
from mrsnb.io.pins import pin, removed_unless_pinned
from mrsnb.io.places import address_of, below, home
from mrsnb.io.stores import Version, check_writable, listed, one_line, opened_store, put, version_of
from mrsnb.kernels.threads import go_on

CACHE, CACHE_SIZE = "MRSNB_CACHE", "MRSNB_CACHE_SIZE"
"""Environment variables: folder of the cache, and what it may hold, as ``20G``."""

_USUAL_SIZE = 20 * 10**9
_NOTE = ".mrsnb-stored"
"""End of the names of the files that say which version of an object was fetched."""
_OUT = ".mrsnb-out-"
_BLOCK = 8 << 20
_AT_ONCE = 8
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def cache_folder() -> Path:
    """Return the folder of the cache."""
    told = os.environ.get(CACHE, "")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrsnb"
    return home(told).absolute() if told else usual


def cached(address: str) -> Path:
    """Return where an object, or a folder of them, is in the cache if it is there."""
    scheme, _, rest = address.partition("://")
    return cache_folder().joinpath(scheme, *rest.split("/"))


def fetched(address: str) -> Path:
    """Return an object as a file of this machine; it stays there as long as this process runs.

    Raises
    ------
    InputError
        If it cannot be fetched.
    """
    return fetched_all([address])[0]


def local(place: Path | str) -> Path:
    """Return a path of this machine: that of what is fetched if `place` is an address in a store.

    Raises
    ------
    InputError
        If it cannot be fetched, or ``~name`` is nobody's.
    """
    address = address_of(place)
    return home(place) if address is None else fetched(address)


def fetched_all(addresses: Iterable[str]) -> list[Path]:
    """Return objects as files of this machine, fetched side by side where they are not in the cache; see `fetched`."""
    wanted = list(addresses)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mrsnb-fetch") as pool:
        versions = dict(zip(wanted, pool.map(version_of, wanted), strict=True))
        missing = []
        for address, version in versions.items():
            go_on()
            path = cached(address)
            output_folder(path.parent)
            pin(_note(path))
            if _noted(path) != version:
                missing.append(address)
            else:
                os.utime(_note(path))
        _make_room(sum(versions[address].size for address in missing))
        for _ in pool.map(lambda address: _fetch(address, versions[address]), missing):
            go_on()
    return [cached(address) for address in wanted]


def fetched_folder(address: str) -> Path:
    """Return a folder of objects as one of this machine, without folders in it."""
    names = [name for name in listed(address) if "/" not in name]
    if not names:
        msg = f"{address}: there is no such folder, or nothing in it"
        raise InputError(msg)
    fetched_all(below(address, name) for name in names)
    return cached(address)


def _fetch(address: str, version: Version) -> None:
    path = cached(address)
    with one_line(address):
        store, key = opened_store(address)
        with store.open(key, "rb", block_size=_BLOCK) as source, atomic_write(path) as target:
            shutil.copyfileobj(source, target, _BLOCK)
    if path.stat().st_size != version.size:
        path.unlink(missing_ok=True)
        msg = f"{address}: {version.size} bytes were to come; it has changed meanwhile: run it again"
        raise InputError(msg)
    _note(path).write_bytes(json.dumps(version._asdict()).encode())  # in place: it is pinned


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}{_NOTE}")


def _noted(path: Path) -> Version | None:
    """Return the version of an object that is in the cache, whole."""
    try:
        version = Version(**json.loads(_note(path).read_bytes()))
        return version if path.stat().st_size == version.size else None
    except (OSError, ValueError, TypeError):
        return None


def _make_room(size: int) -> None:
    """Remove what was not used for longest, until there is room for so many bytes.

    Raises
    ------
    InputError
        If what is in use leaves no room.
    """
    if not size:
        return
    limit, there = _limit(), []
    for note in cache_folder().rglob(f".*{_NOTE}"):
        path = note.with_name(note.name.removeprefix(".").removesuffix(_NOTE))
        with suppress(OSError):
            there.append((note.stat().st_mtime, path.stat().st_size if path.exists() else 0, path))
    held = sum(bytes_ for _, bytes_, _ in there)
    for _, bytes_, path in sorted(there):
        if held + size <= limit:
            return
        if removed_unless_pinned(_note(path), path):
            held -= bytes_
    if held + size > limit:
        msg = (
            f"the cache {cache_folder()} has no room for {size / 1e9:.1f} GB more: {held / 1e9:.1f} of "
            f"{limit / 1e9:.1f} GB are in use; set {CACHE_SIZE}, as 50G, or {CACHE} to another folder"
        )
        raise InputError(msg)


def _limit() -> int:
    text = os.environ.get(CACHE_SIZE, "").strip().upper().removesuffix("B")
    if not text:
        return _USUAL_SIZE
    number, unit = (text[:-1], text[-1]) if text[-1] in _UNITS else (text, "")
    try:
        return int(float(number) * _UNITS[unit])
    except ValueError:
        msg = f"{CACHE_SIZE} = {text}: must be a size as 20G or 500M"
        raise InputError(msg) from None


@dataclass(frozen=True)
class Delivery:
    """A folder whose files go to a store, or stay where they are.

    Parameters
    ----------
    folder : Path
        Of this machine, where files are written.
    address : str, optional
        Where they are sent; None if they stay.
    """

    folder: Path
    address: str | None = None
    _sent: dict[Path, tuple[int, int]] = field(default_factory=dict, repr=False)

    def send(self) -> None:
        """Send the files that are new, or have changed, and are complete.

        Raises
        ------
        OutputError
            If one cannot be sent.
        """
        if self.address is None:
            return
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if not path.is_file() or any(part.startswith(".mrsnb-") for part in name.parts):
                continue
            status = path.stat()
            if self._sent.get(path) != (status.st_size, status.st_mtime_ns):
                put(path, below(self.address, name.as_posix()))
                self._sent[path] = status.st_size, status.st_mtime_ns

    def shown(self, text: str) -> str:
        """Return `text` with the address where the folder stands."""
        return text if self.address is None else text.replace(str(self.folder), self.address)


@contextmanager
def delivered(place: Path | str) -> Iterator[Delivery]:
    """Yield where to write what is to be at `place`: a path of this machine, or an address in a store.

    For a store this is a folder in the cache, which is removed at the end; as it has the place that the address has
    among others, what files say of one another's places holds. What was not sent before is sent when the block ends.

    Raises
    ------
    OutputError
        If nothing can be written there.

    Examples
    --------
    >>> with delivered("out") as there:  # or "s3://bucket/out"
    ...     there.folder.name
    'out'
    """
    address = address_of(place)
    if address is None:
        yield Delivery(home(place))
        return
    check_writable(address)
    final = cached(address)
    folder = output_folder(final.with_name(f"{_OUT}{final.name}-{secrets.token_hex(4)}"))
    delivery = Delivery(folder, address)
    try:
        yield delivery
        delivery.send()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
