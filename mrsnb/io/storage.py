"""Objects in stores such as S3, which fsspec reaches: fetched into a cache on this machine, sent from a folder.

The cache has the tree of the store, so what files say of one another's places holds there as well. What is there as it
is in the store (size and version) is not fetched again; what was not used for longest goes when the cache is full, but
nothing that a process is using.
"""

import json
import logging
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import time

from mrsnb.errors import Cancelled, InputError, OutputError
from mrsnb.io.atomic import atomic_write, output_folder
from mrsnb.io.json_text import read_json
from mrsnb.io.pins import pin, removed_unless_pinned
from mrsnb.io.places import address_of, below, home, written_as
from mrsnb.io.stores import Version, check_writable, listed, one_line, opened_store, put, version_of
from mrsnb.kernels.cache import user_cache
from mrsnb.kernels.threads import go_on

log = logging.getLogger(__name__)

CACHE, CACHE_SIZE = "MRSNB_CACHE", "MRSNB_CACHE_SIZE"
"""Environment variables: folder of the cache, and what it may hold, as ``20G``."""

_USUAL_SIZE = 20 * 10**9
_NOTE = ".mrsnb-stored"
"""End of the names of the files that say which version of an object was fetched."""
_OURS = ".mrsnb-"
"""Beginning of the names of what is written into the cache and not complete."""
_OUT = f"{_OURS}out-"
_FORGOTTEN = 14 * 86400
"""Seconds without a change after which what is not complete, or could not be sent, is removed."""
_BLOCK = 8 << 20
_AT_ONCE = 8
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def cache_folder() -> Path:
    """Return the folder of the cache."""
    told = os.environ.get(CACHE, "")
    return home(told).absolute() if told else user_cache() / "mrsnb"


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
            if not version.tag or _noted(path) != version:  # without a tag nobody knows whether it has changed
                missing.append(address)
            else:
                with suppress(OSError):  # of a cache that several people share
                    os.utime(_note(path))
        _make_room(sum(size for address in missing if (size := versions[address].size) is not None))
        stop = Event()
        try:
            for _ in pool.map(lambda address: _fetch(address, versions[address], stop), missing):
                go_on()
        except BaseException:  # Ctrl-C among them: what runs ends at its next block
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [cached(address) for address in wanted]


def fetched_folder(address: str) -> Path:
    """Return a folder of objects as one of this machine, without folders in it."""
    names = [name for name in listed(address) if "/" not in name]
    if not names:
        msg = f"{address}: there is no such folder, or nothing in it"
        raise InputError(msg)
    fetched_all(below(address, name) for name in names)
    return cached(address)


def _fetch(address: str, version: Version, stop: Event) -> None:
    path = cached(address)
    try:
        with atomic_write(path) as target:
            for block in _blocks(address):
                if stop.is_set():
                    msg = f"{address}: not fetched, since something else stopped"
                    raise Cancelled(msg)
                target.write(block)
        size = path.stat().st_size
        if version.size is not None and size != version.size:
            path.unlink(missing_ok=True)
            msg = f"{address}: {size} bytes came where {version.size} were to: it has changed meanwhile; run it again"
            raise InputError(msg)
        _note(path).write_bytes(json.dumps(version._asdict()).encode())  # in place: it is pinned
    except (OutputError, OSError) as error:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        why = getattr(cause, "strerror", None) or str(error)
        msg = f"{address}: cannot be kept in the cache {cache_folder()}: {why}; set {CACHE} to a folder with room"
        raise InputError(msg) from None


def _blocks(address: str) -> Iterator[bytes]:
    """Yield what is in an object, piece by piece; whatever is wrong with the store is an InputError."""
    with one_line(address):
        store, key = opened_store(address)
        source = store.open(key, "rb", block_size=_BLOCK)
    with source:
        while True:
            with one_line(address):
                block = source.read(_BLOCK)
            if not block:
                return
            yield block


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}{_NOTE}")


def _noted(path: Path) -> Version | None:
    """Return the version of an object that is in the cache, whole."""
    try:
        version = Version(**read_json(_note(path).read_bytes()))
        return version if path.stat().st_size == version.size or version.size is None else None
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
    limit, there, held = _limit(), [], 0
    for folder, folders, files in os.walk(cache_folder()):
        notes = [name for name in files if name.startswith(".") and name.endswith(_NOTE)]
        unfinished = [name for name in {*folders, *files}.difference(notes) if name.startswith(_OURS)]
        folders[:] = [name for name in folders if not name.startswith(_OURS)]
        held += sum(_left_behind(Path(folder, name)) for name in unfinished)
        for name in notes:
            note = Path(folder, name)
            path = note.with_name(name.removeprefix(".").removesuffix(_NOTE))
            with suppress(OSError):
                there.append((note.stat().st_mtime, path.stat().st_size if path.exists() else 0, path))
    held += sum(bytes_ for _, bytes_, _ in there)
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


def _left_behind(path: Path) -> int:
    """Return the bytes of what is not complete, a file or a folder; what nobody has changed for days is removed.

    The folders of batches are theirs: they are cleared by the next command.
    """
    if not (path.name.endswith(".tmp") or path.name.startswith(_OUT)):
        return 0
    size, changed = _size_and_change(path)
    if time() - changed < _FORGOTTEN:
        return size
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    return 0 if not os.path.lexists(path) else size


def _size_and_change(path: Path) -> tuple[int, float]:
    """Return the bytes of a file, or of all in a folder, and when the last of them was changed."""
    size, changed = 0, 0.0
    inside = (Path(place, name) for place, _, files in os.walk(path) for name in files)
    for place in (path, *inside):
        with suppress(OSError):
            status = place.lstat()
            size, changed = size + status.st_size, max(changed, status.st_mtime)
    return size, changed


def _files_in(folder: Path) -> list[Path]:
    """Return the files in a folder and its folders, but for what is not complete; folders may vanish meanwhile."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(_OURS)]
        found += [Path(place, name) for name in files if not name.startswith(_OURS)]
    return sorted(found)


def _limit() -> int:
    text = os.environ.get(CACHE_SIZE, "").strip().upper().removesuffix("B")
    if not text:
        return _USUAL_SIZE
    number, unit = (text[:-1], text[-1]) if text[-1] in _UNITS else (text, "")
    try:
        size = float(number) * _UNITS[unit]
        if math.isfinite(size) and size >= 0:
            return int(size)
    except ValueError:
        pass
    msg = f"{CACHE_SIZE} = {text}: must be a size as 20G or 500M"
    raise InputError(msg)


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
    _unsent: list[Path] = field(default_factory=list, repr=False)

    def send(self) -> None:
        """Send the files that are new, or have changed, and are complete.

        Raises
        ------
        OutputError
            If one cannot be sent; all stay in the folder then, which it names.
        """
        if self.address is None:
            return
        self._unsent[:] = _files_in(self.folder)
        for path in tuple(self._unsent):
            with suppress(FileNotFoundError):  # it was somebody's for a moment
                status = path.stat()
                if self._sent.get(path) != (status.st_size, status.st_mtime_ns):
                    self._put(path, below(self.address, path.relative_to(self.folder).as_posix()))
                    self._sent[path] = status.st_size, status.st_mtime_ns
            self._unsent.remove(path)

    def _put(self, path: Path, address: str) -> None:
        try:
            put(path, address)
        except OutputError as error:
            msg = f"{error}; what was made is in {self.folder}"
            raise OutputError(msg) from None

    def is_sent(self) -> bool:
        """Return whether the last `send` has come to its end."""
        return not self._unsent

    def shown(self, text: str) -> str:
        """Return `text` with the address where the folder stands."""
        return written_as(text, self.folder, self.address)


@contextmanager
def delivered(place: Path | str) -> Iterator[Delivery]:
    """Yield where to write what is to be at `place`: a path of this machine, or an address in a store.

    For a store this is a folder in the cache, which is removed when all is sent; as it has the place that the address
    has among others, what files say of one another's places holds. What was not sent before is sent when the block
    ends.

    Raises
    ------
    OutputError
        If nothing can be written there, or not all be sent: then it says where it is.

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
    except BaseException as error:
        if delivery.is_sent():
            shutil.rmtree(folder, ignore_errors=True)
        elif not isinstance(error, OutputError):
            log.warning("not all was sent to %s; what was made is in %s", address, folder)
        raise
    shutil.rmtree(folder, ignore_errors=True)
