"""Where files are: a path of this machine, ``~`` and all, or the address of an object in a store."""

import re
from pathlib import Path

from mrsnb.errors import InputError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)


def home(path: Path | str) -> Path:
    """Return `path` with the folder of a user where ``~`` or ``~name`` stands.

    Raises
    ------
    InputError
        If nobody of that name is known here.

    Examples
    --------
    >>> home("out/~draft").name
    '~draft'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        name = Path(path).parts[0]
        msg = f"{path}: {name} is the folder of a user who is not known here; if it is a name, write ./{path}"
        raise InputError(msg) from None


def address_of(place: Path | str) -> str | None:
    """Return the address of an object in a store that `place` is, or None if it is a path of this machine.

    Raises
    ------
    InputError
        If it holds what belongs into no record: a password, or a signature.

    Examples
    --------
    >>> address_of("s3://bucket/in/my_asn.json"), address_of("in/my_asn.json"), address_of(Path("s3://bucket/in/"))
    ('s3://bucket/in/my_asn.json', None, 's3://bucket/in')
    """
    found = _ADDRESS.fullmatch(str(place))
    if found is None or found[1].lower() == "file":
        return None
    scheme, rest = found[1].lower(), found[2]
    bucket, _, key = rest.partition("/")
    _, colon, port = bucket.rpartition(":")
    no_port = bool(colon) and (not port.isdecimal() or "@" in key)  # but a password, in which there may be a slash
    if no_port or "@" in bucket or "?" in rest or "::" in rest:
        msg = (
            f"{scheme}://...: an address with a password or a signature is not taken, since records would hold it; "
            "give credentials as environment variables or in a configuration file (AWS_ACCESS_KEY_ID, AWS_PROFILE)"
        )
        raise InputError(msg)
    parts = [part for part in key.split("/") if part]
    if not bucket or ".." in parts or "." in parts:
        msg = f"{scheme}://{rest}: not the address of an object; write it as {scheme}://bucket/folder/name"
        raise InputError(msg)
    return "/".join([f"{scheme}://{bucket}", *parts])


def below(address: str, name: str) -> str:
    """Return the address of what is called `name` as seen from the folder at `address`.

    Raises
    ------
    InputError
        If the name leads out of the bucket.

    Examples
    --------
    >>> below("s3://bucket/in", "../cal/one_cal.fits")
    's3://bucket/cal/one_cal.fits'
    """
    scheme, _, rest = address.partition("://")
    bucket, *parts = rest.split("/")
    for part in name.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == ".." or (name.startswith("/") or address_of(name) is not None):
            msg = f"{address}: {name} leads out of its bucket; name files relative to the association, in one bucket"
            raise InputError(msg)
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join([f"{scheme}://{bucket}", *parts])


def shown(place: Path | str) -> str:
    """Return a path or an address as it was written."""
    found = address_of(place)
    return str(place) if found is None else found


def written_as(text: str, folder: Path, address: str | None) -> str:
    """Return `text` with the address where the folder stands that is sent there.

    Examples
    --------
    >>> written_as("/cache/out/a.fits", Path("/cache/out"), "s3://bucket/out")
    's3://bucket/out/a.fits'
    """
    return text if address is None else text.replace(str(folder), address)


def is_bare(name: str) -> bool:
    """Return whether a text can be the name of a file and leads to no other folder.

    Examples
    --------
    >>> is_bare("a.fits"), is_bare("../a.fits"), is_bare("..")
    (True, False, False)
    """
    return name not in ("", ".", "..") and not any(c in name for c in "/\\\0")
