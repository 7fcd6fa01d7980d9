"""The observatory's Python interface to level 3 of the MRS: ``jwst`` in an import becomes ``mrsnb.jwst``."""

from mrsnb import __version__

__all__ = ["__version__"]
