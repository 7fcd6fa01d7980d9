"""The step extract_1d of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["Extract1dStep"]


class Extract1dStep(Step):
    """Extract the spectra of cubes; returns a spectrum, or a container of several."""

    class_alias = "extract_1d"
