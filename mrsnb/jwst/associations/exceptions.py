"""What is raised for an association that cannot be used."""

from mrsnb.errors import InputError


class AssociationNotValidError(InputError):
    """An association without a product name, a science member, or whatever else the message says."""
