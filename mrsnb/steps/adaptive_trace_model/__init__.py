"""adaptive_trace_model: model the light of compact sources along the slices, and resample exposures with it."""

from mrsnb.steps.adaptive_trace_model.images import TraceImages, trace_images
from mrsnb.steps.adaptive_trace_model.params import AdaptiveTraceModelParams
from mrsnb.steps.adaptive_trace_model.step import (
    AdaptiveTraceModelResult,
    TracedExposure,
    adaptive_trace_model,
    intermediate_images,
    trace_model,
    traced,
)

__all__ = [
    "AdaptiveTraceModelParams",
    "AdaptiveTraceModelResult",
    "TraceImages",
    "TracedExposure",
    "adaptive_trace_model",
    "intermediate_images",
    "trace_images",
    "trace_model",
    "traced",
]
