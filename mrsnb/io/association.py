"""Read, write and make associations: the observatory's JSON files that list the exposures of a product."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrsnb.core.association import Association, Member
from mrsnb.errors import InputError
from mrsnb.io.atomic import write_bytes
from mrsnb.io.json_text import read_json
from mrsnb.io.places import address_of, below, home, shown
from mrsnb.io.storage import fetched_all, local
from mrsnb.io.stores import bytes_of

_MOST_BYTES = 20_000_000
"""Of an association; a member takes some 100."""
_MEMBER_KEYS = ("exposerr", "asn_candidate")
_HEADER = (
    "asn_type",
    "asn_rule",
    "version_id",
    "code_version",
    "degraded_status",
    "program",
    "constraints",
    "asn_id",
    "target",
    "asn_pool",
)
"""Keys before the products, in the order the observatory writes them."""


def read_association(path: Path | str) -> Association:
    """Return the association in the file `path`; its members are looked for, but not opened.

    Parameters
    ----------
    path : Path or str
        A JSON file as the observatory's ``asn_from_list`` and archive write it. Members are relative to it. What has an
        address in a store, as ``s3://bucket/in/my_asn.json``, is fetched, members and all.

    Raises
    ------
    InputError
        If the file is missing or no JSON, has no or several products, or its members are missing or not allowed.
    """
    address = address_of(path)
    there = local(path)
    association = replace(_checked(_parsed(there), shown(path)), path=there)
    if address is not None:
        fetched_all(member_addresses(association, address))
    used = [*association.science, *association.background]
    _must_exist([association.path_of(member) for member in used], f"{shown(path)}: ")
    return association


def stored_members(address: str) -> list[str]:
    """Return the addresses of the members of an association in a store, of which nothing but itself is fetched.

    Raises
    ------
    InputError
        If it is not there, or no association.
    """
    content = _json(bytes_of(address), address)
    return member_addresses(_checked(content, address), address)


def member_addresses(association: Association, address: str) -> list[str]:
    """Return where the members that are used of the association at an address are."""
    folder = address.rpartition("/")[0]
    return [below(folder, member.expname) for member in (*association.science, *association.background)]


def _checked(content: Any, name: str) -> Association:
    try:
        return association_of(content)
    except InputError as error:
        msg = f"{name}: {error}"
        raise InputError(msg) from None


def association_of(content: Any) -> Association:
    """Return the association that `content` describes; its members are not looked for.

    Parameters
    ----------
    content : mapping
        What the observatory's JSON files hold. Members are relative to the current directory.

    Raises
    ------
    InputError
        If there is no or more than one product, or a value is missing or not allowed.
    """
    products = content.get("products") if isinstance(content, Mapping) else None
    if not isinstance(products, list) or not products or not isinstance(products[0], Mapping):
        msg = "not an association: it has no list of 'products'"
        raise InputError(msg)
    if len(products) > 1:
        names = ", ".join(repr(p.get("name")) if isinstance(p, Mapping) else "?" for p in products)
        msg = f"{len(products)} products ({names}); only one is made at a time: keep one a file"
        raise InputError(msg)
    return _association(content, products[0])


def content_of(association: Association) -> dict[str, Any]:
    """Return what the observatory's JSON file of an association holds."""
    content = {key: getattr(association, key) for key in _HEADER}
    if not association.code_version:
        content["code_version"] = _version()
    members = [_plain(member) for member in association.members]
    return content | {"products": [{"name": association.name, "members": members}]}


def blank_content() -> dict[str, Any]:
    """Return what the observatory's asn_from_list writes in an association that has no product yet."""
    defaults = {key: Association.__dataclass_fields__[key].default for key in _HEADER}
    return defaults | {"asn_type": "None", "code_version": _version(), "products": []}


def association_text(content: Mapping[str, Any]) -> str:
    """Return `content` as the observatory writes it: JSON, indented by four."""
    return json.dumps(content, indent=4, default=dict)


def write_association(path: Path | str, association: Association) -> Association:
    """Write `association` to `path` as the observatory does, and return it as it is there.

    Names of members are made relative to the new file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = home(path)
    moved = tuple(replace(m, expname=_relative(association.path_of(m), path.parent)) for m in association.members)
    written = replace(association, members=moved, path=path)
    write_bytes(path, association_text(content_of(written)).encode("ascii"))
    return written


def associate(paths: Sequence[Path | str], product_name: str, background: Sequence[Path | str] = ()) -> Association:
    """Return the association of these files, in this order.

    Parameters
    ----------
    paths : sequence of Path or str
        Calibrated exposures of the target.
    product_name : str
        Name of the product; its files begin with it.
    background : sequence of Path or str
        Extracted spectra (``_x1d.fits``) of the background.

    Raises
    ------
    InputError
        If a file is missing, none is given, or the product's name is not allowed.
    """
    files = [(home(p), "science") for p in paths] + [(home(p), "background") for p in background]
    association = Association(product_name, tuple(Member(str(path), exptype) for path, exptype in files))
    _must_exist([path for path, _ in files])
    return association


def _parsed(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return _json(file.read(_MOST_BYTES + 1), str(path))
    except OSError as error:
        place = f" in {Path.cwd()}" if isinstance(error, FileNotFoundError) and not path.is_absolute() else ""
        msg = f"{path}: cannot be read: {error.strerror or error}{place}; 'mrsnb associate' writes associations"
    raise InputError(msg)


def _json(content: bytes, name: str) -> Any:
    if len(content) > _MOST_BYTES:
        msg = f"{name}: more than {_MOST_BYTES} bytes; an association is a short text, is this one?"
        raise InputError(msg)
    try:
        return read_json(content)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise InputError(msg) from None


def _association(content: Mapping[str, Any], product: Mapping[str, Any]) -> Association:
    members = product.get("members")
    if not isinstance(members, list):
        msg = "the product has no list of 'members'"
        raise InputError(msg)
    known = [name for name in Association.__dataclass_fields__ if name not in ("name", "members", "path")]
    given: dict[str, Any] = {name: str(content[name]) for name in known if content.get(name) is not None}
    return Association(_text(product, "name"), tuple(_member(entry) for entry in members), **given)


def _member(entry: Any) -> Member:
    if not isinstance(entry, Mapping):
        msg = f"member {entry!r} is not an object with 'expname' and 'exptype'"
        raise InputError(msg)
    extra = {key: str(entry[key]) for key in _MEMBER_KEYS if entry.get(key) is not None}
    return Member(_text(entry, "expname"), _text(entry, "exptype").strip().lower(), **extra)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        found = "is missing" if value is None else f"= {value!r} is not text"
        where = f" of {entry['expname']!r}" if key == "exptype" and "expname" in entry else ""
        msg = f"{'product name' if key == 'name' else key}{where} {found}"
        raise InputError(msg)
    return value


def _must_exist(paths: Sequence[Path], prefix: str = "") -> None:
    missing = list(dict.fromkeys(str(path) for path in paths if not _is_file(path)))
    if missing:
        msg = f"{prefix}{len(missing)} of {len(paths)} members missing: {', '.join(missing)}"
        raise InputError(msg)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # of names that are too long
        return False


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def _plain(member: Member) -> dict[str, str]:
    extra = {key: getattr(member, key) for key in _MEMBER_KEYS}
    return {"expname": member.expname, "exptype": member.exptype, **{k: v for k, v in extra.items() if v is not None}}


def _version() -> str:
    from mrsnb import __version__

    return f"mrsnb {__version__}"
