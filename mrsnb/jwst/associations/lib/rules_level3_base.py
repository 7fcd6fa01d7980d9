"""The rule that associations of level 3 follow."""

import os
from collections import UserDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, ClassVar

from mrsnb.core.association import Association
from mrsnb.errors import InputError
from mrsnb.io.association import association_of, association_text, blank_content
from mrsnb.jwst.associations.exceptions import AssociationNotValidError
from mrsnb.jwst.associations.lib.member import Member

__all__ = ["DMS_Level3_Base"]


class DMS_Level3_Base(UserDict[str, Any]):  # noqa: N801
    """An association of level 3: a dictionary as in the observatory's JSON files.

    Parameters
    ----------
    version_id : str, optional
        Goes into the name that `dump` suggests.
    """

    _numbers: ClassVar[Iterator[int]] = count(2)  # as in the official package

    def __init__(self, version_id: str | None = None) -> None:
        super().__init__(blank_content() | {"version_id": version_id})
        self._number = 0

    def add_items(self, items: Iterable[Any], product_name: str | None, *, with_exptype: bool = False) -> None:
        """Add a product with these members; see `mrsnb.jwst.associations.asn_from_list.asn_from_list`."""
        if product_name is None:
            msg = "product_name is not given; files are named after it: asn_from_list(files, product_name='target')"
            raise AssociationNotValidError(msg)
        pairs = items if with_exptype else ((item, "science") for item in items)
        members = [Member({"expname": os.fspath(name), "exptype": exptype}, item=name) for name, exptype in pairs]
        self.data["products"].append({"name": product_name, "members": members})
        self._number = next(self._numbers)

    @property
    def asn_name(self) -> str:
        """The file name that `dump` suggests, without its extension."""
        stamp = "" if self.data.get("version_id") is None else f"{self.data['version_id']}_"
        program, asn_id, asn_type = (self.data.get(key) for key in ("program", "asn_id", "asn_type"))
        return f"jw{program}-{asn_id}_{stamp}{asn_type}_{self._number:05d}_asn".lower()

    def dump(self, fmt: str | None = None, **_: Any) -> tuple[str, str]:
        """Return a suggested file name, and the association as JSON.

        Raises
        ------
        AssociationNotValidError
            If it could not be processed, e.g. because it has no science member, or if `fmt` is not ``"json"``.
        """
        if fmt not in (None, "json"):
            msg = f"fmt = {fmt!r}: associations are written as 'json'"
            raise AssociationNotValidError(msg)
        self.validate(self.data)
        return f"{self.asn_name}.json", association_text(self.data)

    @classmethod
    def validate(cls, asn: Mapping[str, Any]) -> bool:
        """Return True.

        Raises
        ------
        AssociationNotValidError
            If `asn` could not be processed.
        """
        return bool(checked_association(asn))

    @property
    def is_valid(self) -> bool:
        """True if it can be processed."""
        try:
            return self.validate(self.data)
        except AssociationNotValidError:
            return False

    def __repr__(self) -> str:
        return association_text(self.data)


def checked_association(asn: Mapping[str, Any]) -> Association:
    """Return the association that `asn` describes; its members are not looked for.

    Raises
    ------
    AssociationNotValidError
        If it could not be processed.
    """
    try:
        return association_of(asn)
    except InputError as error:
        msg = f"association: {error}"
        raise AssociationNotValidError(msg) from None
