"""Make an association of a list of files."""

from collections.abc import Iterable
from typing import Any

from mrsnb.jwst.associations.lib.rules_level3_base import DMS_Level3_Base

__all__ = ["asn_from_list"]


def asn_from_list(
    items: Iterable[Any],
    rule: type[DMS_Level3_Base] = DMS_Level3_Base,
    product_name: str | None = None,
    *,
    with_exptype: bool = False,
    **_: Any,
) -> DMS_Level3_Base:
    """Return an association of files, in the order given.

    Parameters
    ----------
    items : iterable of str or Path
        Names of the members, written as they are; pairs of name and exposure type if `with_exptype`.
    rule : type
        `DMS_Level3_Base`.
    product_name : str
        Name of the product; its files begin with it.
    with_exptype : bool
        True if `items` say what they are; else all are exposures of the target.

    Raises
    ------
    AssociationNotValidError
        If no product name is given.

    Examples
    --------
    >>> asn = asn_from_list(["a_cal.fits", "b_cal.fits"], product_name="target")
    >>> asn["asn_type"] = "spec3"
    >>> asn["products"][0]["members"][1]["expname"]
    'b_cal.fits'
    """
    association = rule()
    association.add_items(items, product_name, with_exptype=with_exptype)
    return association
