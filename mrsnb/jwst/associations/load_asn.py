"""Read an association."""

from typing import IO, Any

from mrsnb.io.json_text import read_json
from mrsnb.jwst.associations.exceptions import AssociationNotValidError
from mrsnb.jwst.associations.lib.rules_level3_base import DMS_Level3_Base

__all__ = ["load_asn"]


def load_asn(serialized: str | IO[str], *, validate: bool = True, **_: Any) -> DMS_Level3_Base:
    """Return the association in JSON text or in an open file.

    Raises
    ------
    AssociationNotValidError
        If it is no JSON, or `validate` finds what cannot be processed.
    """
    text = serialized if isinstance(serialized, str) else serialized.read()
    place = str(getattr(serialized, "name", "association"))
    try:
        content = read_json(text)
    except ValueError as error:
        msg = f"{place}: {error}"
        raise AssociationNotValidError(msg) from None
    association = DMS_Level3_Base()
    association.data = content
    if validate:
        association.validate(content)
    return association
