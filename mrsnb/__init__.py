"""Level-3 processing of JWST MIRI MRS observations, in a notebook."""

__version__ = "0.1.0"
