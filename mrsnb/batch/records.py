"""The record in a job's folder: what was run on what, and what became of it; it says what need not be run again."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from mrsnb import templates
from mrsnb.batch.jobs import Job, matches
from mrsnb.batch.outcomes import Outcome, State
from mrsnb.core.association import checked_name
from mrsnb.errors import InputError
from mrsnb.io.association import read_association, stored_members
from mrsnb.io.atomic import atomic_write
from mrsnb.io.json_text import read_json
from mrsnb.io.places import address_of, below
from mrsnb.io.provenance import checksum
from mrsnb.io.stores import listed, version_of
from mrsnb.io.versions import versions

RECORD = "job.json"

_MOST = 2**63
_NUMBER = (int, float)
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "template", "state", "host", "started", "folder"), (str,)),
    **dict.fromkeys(("parameters", "files"), (dict,)),
    **dict.fromkeys(("seconds", "cpu_seconds"), _NUMBER),
    **dict.fromkeys(("peak_memory", "input_bytes", "output_bytes", "threads", "attempts"), (int,)),
    "error": (str, type(None)),
    "kept": (bool,),
}
"""What a record may hold, by name of a field of `Outcome`."""


@dataclass(frozen=True)
class Seen:
    """An input as it was read.

    Parameters
    ----------
    path, digest : str
        Absolute path, and checksum of the content.
    size, changed : int
        Bytes, and time of the last change in nanoseconds: while these stay, the content is not read again.
    """

    path: str
    digest: str
    size: int
    changed: int


def inputs_of(job: Job) -> list[Path | str]:
    """Return the files that a job reads: those its parameters name, members of associations, files of directories.

    Those in a store are addresses.
    """
    files: dict[Path | str, None] = {}
    for path in _paths(job.parameters):
        if address_of(path) is not None:
            files |= dict.fromkeys(_stored(path))
            continue
        for place in matches(path):
            if place.is_dir():
                files |= dict.fromkeys(sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith(".")))
            elif place.is_file():
                files[place] = None
                files |= dict.fromkeys(_members(place))
    return list(files)


def _stored(address: str) -> list[str]:
    """Return the objects that an address means: it, the members of an association, or those of a folder."""
    if address.lower().endswith(".json"):
        return [address, *stored_members(address)]
    names = [name for name in listed(address) if name and "/" not in name]
    return [below(address, name) for name in names] if names else [address]


def seen(files: Sequence[Path | str], before: Mapping[str, Seen] | None = None) -> list[Seen]:
    """Return `files` with the checksums of their content, taken from `before` if a file is as it was then.

    Of objects in a store, the version that this states takes the place of a checksum.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    known = {} if before is None else before
    made = []
    for path in files:
        if isinstance(path, str):
            version = version_of(path)
            tag = version.tag or secrets.token_hex(8)  # it may have changed: never the same
            made.append(Seen(path, f"version:{tag}", -1 if version.size is None else version.size, 0))
            continue
        try:
            stat = path.stat()
        except OSError as error:
            msg = f"{path}: cannot be read: {error.strerror or error}"
            raise InputError(msg) from None
        old = known.get(str(path))
        same = old is not None and (old.size, old.changed) == (stat.st_size, stat.st_mtime_ns)
        digest = old.digest if same and old is not None else checksum(path)
        made.append(Seen(str(path), digest, stat.st_size, stat.st_mtime_ns))
    return made


def key_of(job: Job, inputs: list[Seen]) -> str:
    """Return what says that a result is of this: template, parameters, content of the inputs, versions."""
    facts = {
        "versions": versions(),
        "template": checksum(templates.folder() / f"{job.template}.ipynb"),
        "parameters": job.parameters,
        "inputs": [(item.path, item.digest) for item in inputs],
    }
    return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def write_record(folder: Path, outcome: Outcome, key: str, inputs: list[Seen]) -> None:
    """Write the record of a job into `folder`, which is complete but for it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    told = {name: value for name, value in asdict(outcome).items() if name not in ("folder", "kept")}
    content = told | {"key": key, "inputs": [asdict(item) for item in inputs], "software": versions()}
    with atomic_write(folder / RECORD) as file:
        file.write(json.dumps(content, indent=1, default=str).encode())


def done_before(job: Job, folder: Path) -> Outcome | None:
    """Return the outcome of a job that is done: its record is of the same, and what it left is still there."""
    content = read_record(folder)
    return None if content is None else judged(job, folder, content, sizes_in(folder, content))


def judged(job: Job, folder: Path, content: Mapping[str, Any], sizes: Mapping[str, int]) -> Outcome | None:
    """Return the outcome of a job that is done, as `done_before`, by its record and the files that are there."""
    if content.get("state") != "done":
        return None
    try:
        if not _is_sound(content):
            return None
        before = {item["path"]: Seen(**item) for item in content["inputs"]}
        complete = all(sizes.get(name) == size for name, size in content["files"].items())
        if not complete or content["key"] != key_of(job, seen(inputs_of(job), before)):
            return None
        return replace(_outcome(content, folder), kept=True)
    except (OSError, KeyError, TypeError, AttributeError, InputError):
        return None


def recorded(folder: Path, content: Mapping[str, Any]) -> Outcome | None:
    """Return the outcome that a record of an earlier command states; None if it states none, or what cannot be."""
    if not all(name in content for name in ("name", "template", "state", "parameters", "files")):
        return None
    if content["name"] != folder.name or not _is_sound(content):
        return None
    return replace(_outcome(content, folder), kept=True)


def _is_sound(content: Mapping[str, Any]) -> bool:
    """Return whether all that a record says of an outcome is of its kind: what is in a folder may be anybody's."""
    for item in fields(Outcome):
        if item.name in content and not _is_of_kind(content[item.name], _KINDS[item.name]):
            return False
    try:
        for what in ("name", "template"):
            checked_name(content[what], what)
    except InputError:
        return False
    sizes: dict[Any, Any] = content.get("files", {})
    are_files = all(is_inside(name) and _is_of_kind(size, (int,)) for name, size in sizes.items())
    return content["state"] in get_args(State) and are_files


def _is_of_kind(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) and bool not in kinds:
        return False
    return isinstance(value, kinds) and (not isinstance(value, int | float) or abs(value) < _MOST)


def files_left(folder: Path) -> frozenset[str]:
    """Return the names of what the job in `folder` left, its record among them."""
    files = (read_record(folder) or {}).get("files")
    return frozenset({RECORD, *filter(is_inside, files if isinstance(files, dict) else ())})


def is_inside(name: str) -> bool:
    """Return whether a name, as records list them, is of a file in the folder of the record or below."""
    return name not in ("", ".") and "\0" not in name and not name.startswith("/") and ".." not in name.split("/")


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record in a folder; None if there is none."""
    try:
        content = read_json((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def sizes_in(folder: Path, content: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes of the files that a record names, those that are there, in bytes."""
    sizes = {}
    for name in filter(is_inside, content["files"] if isinstance(content.get("files"), dict) else ()):
        with suppress(OSError):
            sizes[name] = (folder / name).stat().st_size
    return sizes


def _outcome(content: Mapping[str, Any], folder: Path) -> Outcome:
    known = {item.name for item in fields(Outcome)} - {"folder", "kept"}
    return Outcome(folder=folder, **{name: value for name, value in content.items() if name in known})


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, str) and "\0" not in value and len(value) < 4096 and _is_place(value):
        yield value


def _is_place(text: str) -> bool:
    return Path(text).is_absolute() or address_of(text) is not None


def _members(path: Path) -> list[Path]:
    """Return the members of an association; none of what is no association."""
    if path.suffix.lower() != ".json":
        return []
    try:
        association = read_association(path)
    except InputError:
        return []
    return [association.path_of(member) for member in (*association.science, *association.background)]
