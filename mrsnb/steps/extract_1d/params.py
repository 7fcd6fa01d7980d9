"""What a user can say about spectra."""

from dataclasses import dataclass
from typing import Literal

from mrsnb.core.params import param
from mrsnb.errors import ParamError
from mrsnb.steps.params import CompatParams


@dataclass(frozen=True, kw_only=True)
class Extract1dParams(CompatParams):
    """Parameters of extract_1d, named as the observatory's; options that contradict each other are refused.

    Examples
    --------
    >>> Extract1dParams(ifu_autocen=True, ifu_rscale=1.5).changed()
    {'ifu_autocen': True, 'ifu_rscale': 1.5}
    """

    ifu_set_srctype: Literal["POINT", "EXTENDED"] | None = param(
        None, "Extract as this type of source; None takes the exposures' SRCTYPE."
    )
    center_xy: tuple[float, float] | None = param(
        None, "Centre of the aperture, 0-based x, y; wins over ifu_autocen.", unit="spaxel"
    )
    ifu_autocen: bool = param(False, "Find the source; the target's position is used where none can be found.")
    ifu_rscale: float | None = param(
        None, "Radius of the aperture; None takes the reference value.", unit="FWHM", low=0.5, high=3.0
    )
    extraction_region: str | None = param(
        None,
        "DS9 region file with the aperture, for sources that are slightly extended; None for a circle. The spectrum is "
        "EXTENDED: it has no aperture correction.",
        file=True,
    )
    subtract_background: bool | None = param(
        None, "Subtract the background annulus of a point source, or of a region; None takes the reference value."
    )
    bkg_sigma_clip: float = param(
        3.0, "Leave out background spaxels that deviate more.", unit="sigma", low=1.0, advanced=True
    )
    apply_apcorr: bool = param(True, "Correct a point source for the light outside the aperture.")
    ifu_rfcorr: bool = param(True, "Correct residual fringes, in columns of their own (RF_*).")
    ifu_covar: Literal["none", "drizzle", "geometry"] = param(
        "none",
        "Covariance of spaxels in the errors: none, exact from the exposures (drizzle), or from the pixels' size.",
    )
    ifu_covar_scale: float = param(
        1.0, "Factor on the errors, for the covariance of neighbouring spaxels.", low=0.0, advanced=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for wrong, message in (
            (
                self.ifu_covar != "none" and self.ifu_covar_scale != 1.0,
                f"ifu_covar = {self.ifu_covar!r} and ifu_covar_scale = {self.ifu_covar_scale:g}: give one of them",
            ),
            (
                self.extraction_region is not None and (self.center_xy is not None or self.ifu_rscale is not None),
                "extraction_region has a place and size of its own: leave out center_xy and ifu_rscale",
            ),
            (
                self.extraction_region is not None and self.ifu_set_srctype == "POINT",
                "extraction_region sums without aperture correction: leave out ifu_set_srctype = 'POINT'",
            ),
            (
                self.ifu_set_srctype == "EXTENDED" and self.extraction_region is None and self._is_for_a_circle(),
                "ifu_set_srctype = 'EXTENDED' sums the field: leave out center_xy, ifu_rscale, subtract_background",
            ),
        ):
            if wrong:
                raise ParamError(message)

    def _is_for_a_circle(self) -> bool:
        return self.center_xy is not None or self.ifu_rscale is not None or self.subtract_background is True
