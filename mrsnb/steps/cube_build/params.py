"""What a user can say about cubes."""

from dataclasses import dataclass
from typing import Literal

from mrsnb.core.bands import SubBand
from mrsnb.core.params import param
from mrsnb.errors import ParamError
from mrsnb.steps.params import CompatParams


def _odd(value: int | None) -> str | None:
    if value is None or value % 2:
        return None
    return f"must be odd, so that a spaxel is centred on the tangent point; e.g. {value - 1} or {value + 1}"


@dataclass(frozen=True, kw_only=True)
class CubeBuildParams(CompatParams):
    """Parameters of cube_build, named as the observatory's; options that contradict each other are refused.

    Examples
    --------
    >>> CubeBuildParams(channel="3", scalexy=0.15).changed()
    {'channel': '3', 'scalexy': 0.15}
    >>> CubeBuildParams(rois=0.3)
    Traceback (most recent call last):
        ...
    mrsnb.errors.ParamError: rois and roiw go with weighting = 'emsm' or 'msm'
    """

    channel: Literal["1", "2", "3", "4", "all"] = param("all", "Channel to build cubes of.")
    band: Literal["all", SubBand] = param("all", "Setting of the grating wheels to build cubes of.")
    output_type: Literal["band", "channel", "multi"] = param(
        "band", "What goes into one cube: a band, a channel, or all that is selected."
    )
    weighting: Literal["drizzle", "emsm", "msm"] = param(
        "drizzle", "How detector pixels share their flux among voxels."
    )
    coord_system: Literal["skyalign", "world", "ifualign"] = param(
        "skyalign", "Axes of the cube: north up (skyalign, or world, its other name), or along the slices (ifualign)."
    )
    scalexy: float | None = param(
        None, "Side of a spaxel; None takes the reference value.", unit="arcsec", low=0.01, high=2.0
    )
    scalew: float | None = param(
        None, "Thickness of a plane; None takes the reference value.", unit="micron", low=1e-5, high=0.1
    )
    wavemin: float | None = param(
        None, "Lower edge of the first plane; None takes the reference value.", unit="micron", low=0.0, high=100.0
    )
    wavemax: float | None = param(
        None,
        "Wavelength that the last plane reaches; None takes the reference value.",
        unit="micron",
        low=0.0,
        high=100.0,
    )
    linear_wave: bool | None = param(
        None, "Planes equally spaced; None where all bands of a cube have one spectral step.", advanced=True
    )
    ra_center: float | None = param(None, "Right ascension of the cube's middle.", unit="deg", low=0.0, high=360.0)
    dec_center: float | None = param(None, "Declination of the cube's middle.", unit="deg", low=-90.0, high=90.0)
    cube_pa: float | None = param(None, "Turn of the cube's axes, east of north.", unit="deg", low=-360.0, high=360.0)
    nspax_x: int | None = param(None, "Odd number of spaxels along x.", low=3, high=9999, check=_odd)
    nspax_y: int | None = param(None, "Odd number of spaxels along y.", low=3, high=9999, check=_odd)
    rois: float | None = param(
        None, "Reach of a pixel on the sky (emsm, msm); None takes the reference value.", unit="arcsec", low=0.01
    )
    roiw: float | None = param(
        None, "Reach of a pixel in wavelength (emsm, msm); None takes the reference value.", unit="micron", low=1e-5
    )
    weight_power: float | None = param(
        None, "Exponent of the distance (msm); None takes the reference value.", low=0.1, high=8.0, advanced=True
    )
    offset_file: str | None = param(None, "ASDF file with a shift for each exposure.", advanced=True, file=True)
    debug_spaxel: tuple[int, int, int] | None = param(
        None, "List the detector pixels that feed this voxel: x, y, z, 0-based.", advanced=True
    )
    skip_dqflagging: bool = param(False, "Leave holes in the field of view unflagged.", advanced=True)
    memory_limit: float | None = param(
        None,
        "Build larger cubes through the disk; None does so with those above 1 GB, and refuses what four fifths of the "
        "machine's memory would not hold.",
        unit="GB",
        low=0.1,
        advanced=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for wrong, message in (
            (
                self.cube_pa is not None and self.coord_system == "ifualign",
                "cube_pa goes with coord_system = 'skyalign'",
            ),
            ((self.ra_center is None) != (self.dec_center is None), "ra_center and dec_center go together: give both"),
            (
                self.weighting == "drizzle" and not (self.rois is None and self.roiw is None),
                "rois and roiw go with weighting = 'emsm' or 'msm'",
            ),
            (self.weight_power is not None and self.weighting != "msm", "weight_power goes with weighting = 'msm'"),
            (
                self.output_type == "multi" and self.linear_wave is True,
                "linear_wave = True goes with output_type = 'band' or 'channel'",
            ),
            (
                self._is_tabulated() and self.scalew is not None,
                "scalew goes with equally spaced planes, not with output_type = 'multi' or linear_wave = False",
            ),
            (
                self._is_tabulated() and not (self.rois is None and self.roiw is None and self.weight_power is None),
                "rois, roiw and weight_power go with equally spaced planes; others take them from the reference file",
            ),
            (
                self.wavemin is not None and self.wavemax is not None and self.wavemin >= self.wavemax,
                f"wavemin = {self.wavemin} must be less than wavemax = {self.wavemax}",
            ),
        ):
            if wrong:
                raise ParamError(message)

    def _is_tabulated(self) -> bool:
        return self.output_type == "multi" or self.linear_wave is False
