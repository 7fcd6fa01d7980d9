"""The step adaptive_trace_model of the official interface."""

from mrsnb.jwst.stpipe import Step

__all__ = ["AdaptiveTraceModelStep"]


class AdaptiveTraceModelStep(Step):
    """Model the traces of compact sources on exposures; returns the exposures."""

    class_alias = "adaptive_trace_model"
