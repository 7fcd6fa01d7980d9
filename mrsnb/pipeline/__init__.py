"""spec3: level 3 of an observation, from an association to cubes and spectra."""

from mrsnb.pipeline.ledger import Kept
from mrsnb.pipeline.params import Spec3Params, presets
from mrsnb.pipeline.result import ProductSummary, Spec3Result
from mrsnb.pipeline.run import count_results, kernels_of, open_science, run_spec3, spec3

__all__ = [
    "Kept",
    "ProductSummary",
    "Spec3Params",
    "Spec3Result",
    "count_results",
    "kernels_of",
    "open_science",
    "presets",
    "run_spec3",
    "spec3",
]
