"""A rendered exposure as a ``_cal.fits`` file, with the keywords that level 2 leaves in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb import __version__
from mrsnb.io.atomic import atomic_write
from mrsnb.simulate.layers import STERADIAN
from mrsnb.simulate.render import Rendered, View

EXPOSURE_TIME = 111.0
"""Of one exposure, s: one integration of 40 groups."""

CADENCE = 400.0
"""From the start of one exposure to the start of the next, s."""

FIRST_START = 59800.5
"""Start of the first exposure, MJD (UTC)."""

_DONE = (
    "assign_wcs",
    "dark_sub",
    "dq_init",
    "flat_field",
    "fringe",
    "jump",
    "linearity",
    "photom",
    "ramp_fit",
    "saturation",
    "srctype",
    "straylight",
)


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the keywords of an exposure state beside its geometry.

    Parameters
    ----------
    target : str
        Name of the target.
    source_type : str
        ``"POINT"`` or ``"EXTENDED"``.
    dither, n_dithers : int
        Number of the position, from 1, and how many there are.
    pattern : str
        What the dither is good for: ``"point"`` or ``"extended"``.
    number : int
        Number of the exposure, from 1.
    order : int
        How many exposures, or pairs of exposures at once, went before.
    moving, background : bool
        True for a target of the solar system; for an exposure of the background.
    """

    target: str
    source_type: str
    dither: int
    n_dithers: int
    pattern: str
    number: int
    order: int
    moving: bool = False
    background: bool = False

    @property
    def start(self) -> float:
        """Start of the exposure, MJD."""
        return FIRST_START + self.order * CADENCE / 86400


def write_cal(path: Path, rendered: Rendered, view: View, about: Circumstances) -> None:
    """Write an exposure to `path`, whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from stdatamodels.jwst.datamodels import IFUImageModel

    with IFUImageModel(rendered.flux.shape, validate_on_assignment=False) as model:
        model.data, model.err, model.dq = (np.array(a) for a in (rendered.flux, rendered.err, rendered.dq))
        model.var_poisson, model.var_rnoise = np.array(rendered.var_poisson), np.array(rendered.var_rnoise)
        model.var_flat = np.array(rendered.var_flat)
        describe(model.meta, view, about)
        _describe_pointing(model.meta, view)
        model.meta.bunit_data, model.meta.bunit_err = "MJy/sr", "MJy/sr"
        model.meta.photometry.pixelarea_arcsecsq = view.geometry.pixel_area
        model.meta.photometry.pixelarea_steradians = view.geometry.pixel_area * STERADIAN
        model.meta.wcs = view.wcs
        model.meta.filename = path.name
        with atomic_write(path) as file:
            model.to_fits(file)


def describe(meta: Any, view: View, about: Circumstances) -> None:
    """Set what was observed, when and how in the tree `meta` of a data model."""
    from astropy.time import Time

    geometry, pointing = view.geometry, view.pointing
    meta.telescope = "JWST"
    meta.origin = "simulated"
    meta.calibration_software_version = f"mrsnb {__version__}"
    instrument = meta.instrument
    instrument.name, instrument.detector = "MIRI", geometry.detector
    instrument.channel = "".join(str(channel.band.channel) for channel in geometry.channels)
    instrument.band = geometry.sub_band.upper()
    _describe_time(meta, about, Time)
    observation = meta.observation
    observation.program_number, observation.observation_number, observation.visit_number = "00000", "001", "001"
    observation.visit_id, observation.visit_group, observation.sequence_id = "00000001001", "02", "1"
    observation.activity_id, observation.exposure_number = "01", str(about.number)
    observation.obs_id = f"V00000001001P0000000002{about.order + 1:03d}"
    observation.bkgdtarg = about.background
    meta.program.title = "Simulated observation"
    target = meta.target
    target.catalog_name = target.proposer_name = about.target
    target.ra, target.dec = pointing.ra % 360, pointing.dec
    target.type = "MOVING" if about.moving else "FIXED"
    target.source_type = target.source_type_apt = about.source_type
    dither = meta.dither
    dither.primary_type = {1: "NONE", 2: "2-POINT"}.get(about.n_dithers, "4-POINT")
    dither.position_number = about.dither
    dither.total_points, dither.direction, dither.primary_channel = about.n_dithers, "POSITIVE", "ALL"
    dither.optimized_for = f"{about.pattern.upper()}-SOURCE"
    dither.x_offset, dither.y_offset = pointing.offset
    subarray = meta.subarray
    subarray.name, subarray.fastaxis, subarray.slowaxis = "FULL", 1, 2
    subarray.xstart, subarray.ystart = 1, 1
    subarray.ysize, subarray.xsize = geometry.slice_map.shape
    for step in _DONE:
        setattr(meta.cal_step, step, "COMPLETE")


def _describe_time(meta: Any, about: Circumstances, time: Any) -> None:
    days = EXPOSURE_TIME / 86400
    start, middle, end = (time(about.start + fraction * days, format="mjd") for fraction in (0, 0.5, 1))
    meta.time_sys = "UTC"
    exposure = meta.exposure
    exposure.type, exposure.readpatt = "MIR_MRS", "FASTR1"
    exposure.nints, exposure.ngroups, exposure.nframes, exposure.groupgap = 1, 40, 1, 0
    exposure.frame_time = exposure.group_time = EXPOSURE_TIME / 40
    exposure.exposure_time = exposure.effective_exposure_time = EXPOSURE_TIME
    exposure.integration_time = exposure.measurement_time = EXPOSURE_TIME
    exposure.duration = exposure.elapsed_exposure_time = EXPOSURE_TIME
    exposure.start_time, exposure.mid_time, exposure.end_time = start.mjd, middle.mjd, end.mjd
    observation = meta.observation
    observation.date_beg, observation.date_end = start.isot, end.isot
    observation.date, observation.time = start.isot.split("T")


def _describe_pointing(meta: Any, view: View) -> None:
    """Set where the telescope looked in the tree `meta` of a data model."""
    pointing = view.pointing
    ra_ref, dec_ref = pointing.reference()
    wcsinfo = meta.wcsinfo
    wcsinfo.v2_ref, wcsinfo.v3_ref, wcsinfo.roll_ref = pointing.v2_ref, pointing.v3_ref, pointing.roll
    wcsinfo.v3yangle, wcsinfo.vparity = 0.0, -1
    wcsinfo.ra_ref, wcsinfo.dec_ref = ra_ref, dec_ref
    wcsinfo.velosys, wcsinfo.specsys, wcsinfo.dispersion_direction = pointing.velosys, "BARYCENT", 2
    if meta.target.type == "MOVING":
        wcsinfo.mt_ra, wcsinfo.mt_dec = pointing.ra % 360, pointing.dec
    corners = " ".join(f"{ra:.9f} {dec:.9f}" for ra, dec in view.corners)
    wcsinfo.s_region = f"POLYGON ICRS  {corners}"
    wcsinfo.spectral_region = [float(view.wave.min()), float(view.wave.max())]
    meta.aperture.name = "MIRIFU_CHANNEL1A"
    meta.aperture.position_angle = pointing.roll
    meta.velocity_aberration.scale_factor = pointing.va_scale
    meta.dither.dithered_ra, meta.dither.dithered_dec = ra_ref, dec_ref
    boresight = pointing.boresight()
    meta.pointing.ra_v1, meta.pointing.dec_v1, meta.pointing.pa_v3 = boresight
