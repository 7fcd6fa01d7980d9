"""Where the folders of jobs are: on this machine, or in a store, and on this machine only while they are at work."""

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mrsnb.batch.executed import THUMBNAIL
from mrsnb.batch.outcomes import Outcome
from mrsnb.batch.records import RECORD, read_record, sizes_in
from mrsnb.errors import InputError, OutputError
from mrsnb.io.json_text import read_json
from mrsnb.io.places import address_of, home, written_as
from mrsnb.io.storage import cached
from mrsnb.io.stores import Version, bytes_of, check_there, check_writable, listed, put, remove

MOST_PICTURES = 500
"""Thumbnails on a page; a page with more opens slowly."""

_AT_ONCE = 16
_WORK = ".mrsnb-batch-"
"""Beginning of the names of folders in the cache: beside what is fetched, so that all have their places as there."""


class Recorded(NamedTuple):
    """The record of a job, and what its folder holds."""

    content: dict[str, Any]
    sizes: Mapping[str, int]
    """Names as seen from the folder, and bytes."""


@dataclass(frozen=True)
class Shelf:
    """The output directory of a batch.

    The lock that keeps commands apart lies in `folder`: of one in a store only those see it that share the cache.

    Parameters
    ----------
    folder : Path
        Of this machine; in the cache, if `address` is given.
    address : str, optional
        In a store, where the folders of jobs go when they are complete.
    """

    folder: Path
    address: str | None = None

    @classmethod
    def at(cls, place: Path | str) -> "Shelf":
        """Return that at a path, or an address in a store; nothing is made.

        Raises
        ------
        InputError
            If it is neither.
        OutputError
            If the store cannot be used.
        """
        address = address_of(place)
        if address is None:
            return cls(home(place).absolute())
        check_there(address)
        place = cached(address)
        return cls(place.with_name(f"{_WORK}{place.name}"), address)

    def shown(self, text: str) -> str:
        """Return `text` with the address where the folder stands."""
        return written_as(text, self.folder, self.address)

    def records(self) -> dict[str, Recorded]:
        """Return the records of all jobs that are there, by name."""
        if self.address is None:
            folders = sorted(path.parent for path in self.folder.glob(f"*/{RECORD}"))
            read = {folder.name: read_record(folder) for folder in folders if not folder.name.startswith(".")}
            return {name: Recorded(r, sizes_in(self.folder / name, r)) for name, r in read.items() if r is not None}
        sizes: dict[str, dict[str, int]] = {}
        for name, version in listed(self.address).items():
            job, _, file = name.partition("/")
            if file:
                sizes.setdefault(job, {})[file] = _size(version)
        names = [job for job, files in sizes.items() if RECORD in files]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            contents = dict(zip(names, pool.map(self._content, names), strict=True))
        return {name: Recorded(content, sizes[name]) for name, content in contents.items() if content is not None}

    def record(self, job: str) -> Recorded | None:
        """Return the record of one job, if it is there."""
        if self.address is None:
            content = read_record(self.folder / job)
            return None if content is None else Recorded(content, sizes_in(self.folder / job, content))
        content = self._content(job)
        if content is None:
            return None
        return Recorded(content, {name: _size(version) for name, version in listed(f"{self.address}/{job}").items()})

    def keep(self, outcome: Outcome) -> None:
        """Send the folder of a job, which is complete, to the store: its record at last, which says that all is there.

        Raises
        ------
        OutputError
            If it cannot be sent; then it is still there, and its place is named.
        """
        if self.address is None:
            return
        try:
            self._send_job(outcome)
        except OutputError as error:
            msg = f"{error}; what was made is in {outcome.folder}"
            raise OutputError(msg) from None

    def _send_job(self, outcome: Outcome) -> None:
        there = f"{self.address}/{outcome.name}"
        before = self._content(outcome.name)
        remove([f"{there}/{RECORD}"] if before is not None else [])
        for name in outcome.files:
            put(outcome.folder / name, f"{there}/{name}")
        old = before.get("files") if before is not None else None
        remove(f"{there}/{name}" for name in (old if isinstance(old, dict) else {}) if name not in outcome.files)
        put(outcome.folder / RECORD, f"{there}/{RECORD}")
        for name in outcome.files:
            if name != THUMBNAIL:
                (outcome.folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what is left in the cache, but for the folders of jobs that could not be sent."""
        if self.address is not None:
            for path in self.folder.iterdir():
                if path.is_dir() and not _is_unsent(path):
                    shutil.rmtree(path, ignore_errors=True)

    def send(self, *paths: Path) -> None:
        """Send the files beside the folders of jobs, and leave nothing in the cache."""
        if self.address is not None:
            for path in paths:
                put(path, f"{self.address}/{path.name}")
                path.unlink()
            self.clear()

    def fetch_pictures(self, names: list[str]) -> None:
        """Have the thumbnails of jobs here, for a report."""
        if self.address is None or len(names) > MOST_PICTURES:
            return
        for name in names:
            path = self.folder / name / THUMBNAIL
            if not path.exists():
                with suppress(InputError):
                    picture = bytes_of(f"{self.address}/{name}/{THUMBNAIL}")
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(picture)

    def check_writable(self) -> None:
        """Refuse a store before anything is computed for it.

        Raises
        ------
        OutputError
            If nothing can be put there, or removed.
        """
        if self.address is not None:
            check_writable(self.address)

    def _content(self, job: str) -> dict[str, Any] | None:
        try:
            content = read_json(bytes_of(f"{self.address}/{job}/{RECORD}"))
        except (InputError, ValueError):
            return None
        return content if isinstance(content, dict) else None


def _size(version: Version) -> int:
    """Return the size of an object as records have it; -1, which no file has, if the store does not say."""
    return -1 if version.size is None else version.size


def _is_unsent(folder: Path) -> bool:
    """Return whether the folder of a job holds products: they are removed when all are sent."""
    content = read_record(folder)
    return content is not None and any(name != THUMBNAIL for name in sizes_in(folder, content))
