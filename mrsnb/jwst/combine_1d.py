"""The step combine_1d of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["Combine1dStep"]


class Combine1dStep(Step):
    """Average spectra, band by band; returns one model with all."""

    class_alias = "combine_1d"
