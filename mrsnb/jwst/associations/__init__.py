"""Associations as the official package makes, changes and reads them."""

from mrsnb.jwst.associations.exceptions import AssociationNotValidError
from mrsnb.jwst.associations.load_asn import load_asn

__all__ = ["AssociationNotValidError", "load_asn"]
