"""What the arguments of the official interface stand for: an association, or files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from mrsnb.core.association import Association, Member
from mrsnb.errors import InputError
from mrsnb.io.association import read_association
from mrsnb.io.places import home
from mrsnb.jwst.associations.lib.rules_level3_base import checked_association


def association_from(given: Any, scratch: Path) -> Association:
    """Return the association that `given` stands for.

    Parameters
    ----------
    given : str, Path, mapping, data model, or an iterable of files or data models
        A JSON file, what one holds, or the members; data models are written to `scratch`.
    scratch : Path
        An existing directory that lasts until all is done.

    Raises
    ------
    InputError
        If it is none of these, or a member is missing or not allowed.
    """
    if isinstance(given, Association):
        return given
    if isinstance(given, Mapping):
        return checked_association(given)
    if isinstance(given, str | PathLike) and str(given).endswith(".json"):
        return read_association(Path(given))
    members = tuple(_member(item, number, scratch) for number, item in enumerate(_listed(given)))
    if not members:
        msg = "no exposure is given"
        raise InputError(msg)
    table = getattr(given, "asn_table", None)
    if table is not None:
        return replace(checked_association(table), members=members)
    return Association(Path(members[0].expname).stem.rpartition("_")[0], members, asn_id=None)


def files_from(given: Any, scratch: Path) -> list[Path]:
    """Return the files that `given` stands for: a file, a data model, or several; or the members of an association.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Mapping) or (isinstance(given, str | PathLike) and str(given).endswith(".json")):
        association = association_from(given, scratch)
        return [association.path_of(member) for member in association.science]
    return [_file(item, number, scratch) for number, item in enumerate(_listed(given))]


def _listed(given: Any) -> list[Any]:
    if isinstance(given, str | PathLike) or hasattr(given, "meta"):
        return [given]
    if isinstance(given, Iterable):
        return list(given)
    msg = f"input of type {type(given).__name__}: give a file, an association, a data model, or a list of them"
    raise InputError(msg)


def _member(item: Any, number: int, scratch: Path) -> Member:
    path = _file(item, number, scratch)
    if not path.is_file():
        msg = f"{path}: no such file"
        raise InputError(msg)
    exptype = item.meta.asn.exptype if hasattr(item, "meta") else None
    return Member(str(path), "science" if exptype is None else str(exptype).lower())


def _file(item: Any, number: int, scratch: Path) -> Path:
    if isinstance(item, str | PathLike):
        return home(Path(item))
    if not hasattr(item, "meta"):
        msg = f"input of type {type(item).__name__}: give a file or a data model"
        raise InputError(msg)
    name = item.meta.filename
    return Path(item.save(str(scratch / (f"model{number}_cal.fits" if name is None else Path(name).name))))
