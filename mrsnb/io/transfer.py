"""Fetch a file over HTTP: resumed where it stopped, checked, and there only when it is complete."""

import hashlib
import http.client
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mrsnb.errors import InputError, OutputError

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds to wait before each further attempt."""

_CHUNK = 1 << 18
_TIMEOUT = 60.0
_TOO_BUSY = (408, 425, 429)


class _TryAgainError(Exception):
    """The connection failed in a way that may pass."""


def fetch(
    url: str,
    path: Path,
    *,
    size: int | None = None,
    checksum: str | None = None,
    token: str | None = None,
    pauses: Sequence[float] = PAUSES,
) -> Literal["fetched", "kept"]:
    """Fetch a file; go on where an earlier attempt stopped.

    What is there so far is in ``<name>.part``, beside `path`.

    Parameters
    ----------
    url : str
        Where it is: ``http:`` or ``https:``.
    path : Path
        Where it goes, in a directory that exists. A file of the right size and checksum is kept as it is.
    size : int, optional
        Its size in bytes, if known.
    checksum : str, optional
        Its checksum, if known: ``"md5:..."`` or ``"sha256:..."``.
    token : str, optional
        What lets one see files that are not public; it is not passed on to where the archive redirects to.
    pauses : sequence of float
        Seconds to wait before each further attempt. Attempts that bring something are not counted.

    Returns
    -------
    str
        ``"kept"`` if the file was there.

    Raises
    ------
    InputError
        If it is not there, is not public, is not what it should be, or the connection keeps failing.
    OutputError
        If it cannot be written.
    """
    if not url.startswith(("https://", "http://")):
        msg = f"{url}: not an address of the web"
        raise InputError(msg)
    if path.is_file() and _mistake(path, size, checksum) is None:
        return "kept"
    part = path.with_name(f"{path.name}.part")
    _bring(url, part, size, token, pauses)
    mistake = _mistake(part, size, checksum)
    if mistake is not None:
        part.unlink()
        msg = f"{path.name}: {mistake}; it was thrown away: fetch it again"
        raise InputError(msg)
    part.replace(path)
    return "fetched"


def _bring(url: str, part: Path, size: int | None, token: str | None, pauses: Sequence[float]) -> None:
    left = list(pauses)
    while True:
        before = _length(part)
        try:
            _attempt(url, part, size, token)
        except _TryAgainError as error:
            if _length(part) > before:
                left = list(pauses)
            if not left:
                name = part.name.removesuffix(".part")
                msg = f"{name}: the connection keeps failing ({error}); run it again: it goes on where it stopped"
                raise InputError(msg) from None
            time.sleep(left.pop(0))
        else:
            return


def _attempt(url: str, part: Path, size: int | None, token: str | None) -> None:
    start = _length(part)
    if size is not None and start >= size:
        if start == size:
            return
        part.unlink()
        start = 0
    request = Request(url, headers={"User-Agent": "mrsnb", "Accept-Encoding": "identity"})  # noqa: S310 - checked above
    if start:
        request.add_header("Range", f"bytes={start}-")
    if token:
        request.add_unredirected_header("Authorization", f"token {token}")
    try:
        with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
            _receive(response, part, start)
    except HTTPError as error:
        _judge(error, part, start, token)
    except OutputError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_reason(error)) from None


def _receive(response: Any, part: Path, start: int) -> None:
    goes_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if goes_on and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-"):
        part.unlink(missing_ok=True)
        msg = "the server sent another part of the file"
        raise _TryAgainError(msg)
    announced = response.headers.get("Content-Length", "")
    received = 0
    with _opened(part, "ab" if goes_on else "wb") as file:
        while chunk := response.read(_CHUNK):
            _write(file, chunk, part)
            received += len(chunk)
    if announced.isdigit() and received < int(announced):
        msg = f"it broke off after {received} of {announced} bytes"
        raise _TryAgainError(msg)


def _judge(error: HTTPError, part: Path, start: int, token: str | None) -> None:
    """Raise what a refusal means; return if it means that all is there."""
    name, code = part.name.removesuffix(".part"), error.code
    if code in (401, 403):
        remedy = "the token in MAST_API_TOKEN does not allow it" if token else "set MAST_API_TOKEN to your token"
        msg = f"{name}: not public (HTTP {code}): {remedy}"
        raise InputError(msg) from None
    if code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = re.fullmatch(r"bytes \*/(\d+)", str(error.headers.get("Content-Range", "")))
        if total and int(total[1]) == start:
            return
        part.unlink(missing_ok=True)
        msg = "it has changed since it was begun"
        raise _TryAgainError(msg) from None
    if code in _TOO_BUSY or code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        msg = f"HTTP {code} {error.reason}"
        raise _TryAgainError(msg) from None
    msg = f"{name}: the archive does not give it (HTTP {code} {error.reason})"
    raise InputError(msg) from None


def _mistake(path: Path, size: int | None, checksum: str | None) -> str | None:
    """Return what is wrong with a file, if anything."""
    if size is not None and _length(path) != size:
        return f"{_length(path)} bytes, {size} expected"
    if checksum is not None:
        kind, _, digest = checksum.partition(":")
        with path.open("rb") as file:
            if hashlib.file_digest(file, kind).hexdigest() != digest.lower():
                return f"its checksum is not {checksum}"
    return None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _opened(path: Path, mode: str) -> Any:
    try:
        return open(path, mode, opener=_no_link)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _no_link(path: str, flags: int) -> int:
    """Open a file, not what a link of its name leads to."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _write(file: Any, chunk: bytes, path: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written: {error.strerror or error}; choose another -o DIR")


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    return " ".join(str(reason).split())[:120] or type(error).__name__
