"""Talk to stores such as S3, which fsspec reaches; whatever they say is one line.

Credentials are left to fsspec and its like, and appear nowhere.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from mrsnb.errors import InputError, MrsnbError, OutputError

_TAGS = ("ETag", "etag", "LastModified", "Last-Modified", "last_modified", "updated", "mtime", "created")
"""What stores call that which changes when an object does, best first."""

_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError"}


class Version(NamedTuple):
    """What changes when an object does."""

    size: int | None
    """Bytes; None if the store does not say."""
    tag: str
    """Empty if the store says nothing of the kind."""


def version_of(address: str) -> Version:
    """Return the version of an object in its store.

    Raises
    ------
    InputError
        If it is not there, or not for us.
    """
    with one_line(address):
        store, key = opened_store(address)
        return _version(store.info(key))


def listed(address: str) -> dict[str, Version]:
    """Return the objects below a folder: names as seen from there, with folders and slashes, and versions."""
    with one_line(address):
        store, key = opened_store(address)
        found = store.find(key, detail=True)
        before = f"{key.rstrip('/')}/"
        return {name.removeprefix(before): _version(info) for name, info in sorted(found.items())}


def bytes_of(address: str) -> bytes:
    """Return what is in an object, a small one, which is not kept.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with one_line(address):
        store, key = opened_store(address)
        return bytes(store.cat_file(key))


def is_there(address: str) -> bool:
    """Return whether there is an object at an address, or a folder with some.

    Raises
    ------
    InputError
        If the store cannot be asked.
    """
    with one_line(address):
        store, key = opened_store(address)
        return bool(store.exists(key))


def check_there(address: str) -> None:
    """Refuse an address whose store cannot be used, or has no such bucket; nothing is written.

    Raises
    ------
    OutputError
        If its bucket is not there, or not for us.
    """
    with _writing(address):
        store, key = opened_store(address)
        if _is_s3(address):
            bucket, _, prefix = key.partition("/")
            store.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)


def check_writable(address: str) -> None:
    """Refuse an address before anything is computed: a tiny object is put there, and removed.

    Raises
    ------
    OutputError
        If its bucket is not there, or nothing can be put there or removed.
    """
    try:
        with _writing(address):
            store, key = opened_store(address)
            tiny = f"{key.rstrip('/')}/.mrsnb-{secrets.token_hex(4)}.tmp"
            store.pipe_file(tiny, b"mrsnb")
            store.rm_file(tiny)
    except NotImplementedError:
        msg = f"{address}: nothing can be written to such a store; write to s3://bucket/folder or a folder here"
        raise OutputError(msg) from None


def put(path: Path, address: str) -> None:
    """Send a file to a store, where it appears when it is complete.

    Raises
    ------
    OutputError
        If it cannot be sent.
    """
    with _writing(address):
        store, key = opened_store(address)
        store.put_file(str(path), key)


def remove(addresses: Iterable[str]) -> None:
    """Remove objects; those that are not there are passed over.

    Raises
    ------
    OutputError
        If one cannot be removed.
    """
    for address in addresses:
        with _writing(address), suppress(FileNotFoundError):
            store, key = opened_store(address)
            store.rm_file(key)


def opened_store(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and what it is called there."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        msg = f"{address}: needs fsspec: pip install 'mrsnb[storage]'"
        raise InputError(msg) from None
    try:
        store, key = url_to_fs(address, **({"use_listings_cache": False} if _is_s3(address) else {}))
    except ImportError as error:
        msg = f"{address}: needs more than fsspec ({error}); for S3: pip install 'mrsnb[storage]'"
        raise InputError(msg) from None
    except ValueError as error:
        msg = f"{address}: {error}; s3://bucket/folder/name is known"
        raise InputError(msg) from None
    return store, str(key)


def _version(info: Mapping[str, Any]) -> Version:
    tag = next((str(info[key]) for key in _TAGS if info.get(key) is not None), "")
    size = info.get("size")
    return Version(None if size is None else int(size), tag.strip('"'))


def _is_s3(address: str) -> bool:
    return address.startswith(("s3://", "s3a://"))


@contextmanager
def one_line(address: str) -> Iterator[None]:
    """Turn what a store says into one line.

    Raises
    ------
    InputError
        Whatever is wrong.
    """
    try:
        yield
    except MrsnbError:
        raise
    except FileNotFoundError:
        msg = f"{address}: there is no such object or bucket"
        raise InputError(msg) from None
    except PermissionError as error:
        msg = f"{address}: not allowed ({_said(error)}); are the credentials right? (AWS_ACCESS_KEY_ID, AWS_PROFILE)"
        raise InputError(msg) from None
    except Exception as error:
        kind = type(error)
        if kind.__name__ in _NO_CREDENTIALS:
            msg = f"{address}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            raise InputError(msg) from None
        if not isinstance(error, OSError) and kind.__module__.partition(".")[0] not in {"botocore", "aiohttp"}:
            raise
        msg = f"{address}: the store cannot be used: {kind.__name__}: {_said(error)}"
        raise InputError(msg) from None


@contextmanager
def _writing(address: str) -> Iterator[None]:
    """Turn what a store says to somebody who writes into one line.

    Raises
    ------
    OutputError
        Whatever is wrong.
    """
    try:
        with one_line(address):
            yield
    except InputError as error:
        raise OutputError(str(error)) from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
