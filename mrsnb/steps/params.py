"""What every step's parameters have in common."""

from dataclasses import dataclass
from typing import Literal

from mrsnb.core.params import Params, param


@dataclass(frozen=True, kw_only=True)
class StepParams(Params):
    """Base of the parameters of a step of the pipeline.

    Examples
    --------
    >>> StepParams(skip=True).changed()
    {'skip': True}
    """

    skip: bool = param(False, "Leave this step out.")
    save_results: bool = param(True, "Write the step's products to the output directory.")


@dataclass(frozen=True, kw_only=True)
class CompatParams(StepParams):
    """Base of the parameters of a step in which the observatory's package has known defects.

    Examples
    --------
    >>> CompatParams(compat="jwst-3.0").changed()
    {'compat': 'jwst-3.0'}
    """

    compat: Literal["none", "jwst-3.0"] = param(
        "none",
        "Reproduce the known defects of that version of the observatory's package exactly.",
        advanced=True,
    )
