"""What every step's parameters have in common."""

from dataclasses import dataclass
from typing import Literal

from mrsnb.core.params import Params, param

Compat = Literal["none", "jwst-3.0"]
"""``"none"``: right; ``"jwst-3.0"``: equal to the observatory's package in its defects too."""


@dataclass(frozen=True, kw_only=True)
class StepParams(Params):
    """Base of the parameters of a step of the pipeline."""

    skip: bool = param(False, "Leave this step out.")
    save_results: bool = param(True, "Write the step's products to the output directory.")


def compat_param() -> Compat:
    """Declare the parameter ``compat``."""
    help_text = "Reproduce the known defects of that version of the observatory's package exactly."
    return param("none", help_text, advanced=True)  # type: ignore[no-any-return]
