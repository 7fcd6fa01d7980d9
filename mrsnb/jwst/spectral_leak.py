"""The step spectral_leak of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["SpectralLeakStep"]


class SpectralLeakStep(Step):
    """Take the spectral leak out of the spectrum of band 3A among several; returns them all."""

    class_alias = "spectral_leak"
