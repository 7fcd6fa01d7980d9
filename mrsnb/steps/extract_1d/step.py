"""Sum a cube in an aperture: a circle that grows with wavelength, the whole field, or a region."""

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.blend import spaxel_sky, spectrum_headers
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube
from mrsnb.core.references import ApertureCorrection, ExtractPars
from mrsnb.core.region import as_aperture
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import ParamError
from mrsnb.kernels.aperture import METHODS
from mrsnb.kernels.photometry import (
    Apertures,
    Coefficients,
    Sums,
    sum_extended,
    sum_point,
    sum_region,
)
from mrsnb.steps.extract_1d.centre import Centre, centre_of, target_offset
from mrsnb.steps.extract_1d.columns import aperture_correction, columns, fringe_columns, interpolated
from mrsnb.steps.extract_1d.covariance import Covariance, GeometricCovariance
from mrsnb.steps.extract_1d.params import Extract1dParams
from mrsnb.steps.extract_1d.region import region_shares
from mrsnb.steps.extract_1d.result import Extract1dResult
from mrsnb.steps.residual_fringe import ResidualFringeResult

log = logging.getLogger(__name__)

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Extraction:
    """The sums of a cube, and what they were made with."""

    sums: Sums
    centre: Centre
    correction: Array
    apcorr: ApertureCorrection | None


def extract_1d(
    cube: Cube,
    params: Extract1dParams,
    extract1d: ExtractPars,
    apcorr: ApertureCorrection | None,
    *,
    region: Any = None,
    covariance: Covariance | None = None,
) -> Extract1dResult:
    """Return the spectrum of a cube.

    Parameters
    ----------
    cube : Cube
    params : Extract1dParams
    extract1d : ExtractPars
        Radii over wavelength.
    apcorr : ApertureCorrection or None
        Factors over wavelength and radius; None for no correction.
    region : SkyAperture, or a region or regions of the package ``regions``, optional
        The aperture, the same at all wavelengths: what ``params.extraction_region`` names, read.
    covariance : Covariance, optional
        Needed for ``ifu_covar="drizzle"``: a `DrizzleCovariance`.

    Returns
    -------
    Extract1dResult
        With one spectrum. Its ``FLUX_VAR_*`` and ``SB_VAR_*`` columns are zero, since cubes hold total errors only. Its
        ``RF_*`` columns hold what is left without residual fringes, and are NaN for cubes of several bands.

    Raises
    ------
    InputError
        If the aperture does not meet the cube.
    ParamError
        If a region file or covariance is asked for, but not given.

    Notes
    -----
    A point source is summed in a circle about the target, or about the brightest source. Sums, background, units and
    aperture correction as in the extract_1d step of jwst 3.0.0 for IFU data; with ``compat="none"`` without its
    defects: the target's position is not rounded to whole spaxels, the search for the source knows the noise and the
    edges of the field, the background is clipped by statistics of the annulus alone and divided by the area that was
    kept, and a wavelength without light is NaN, not 0. A region has no aperture correction, so that its spectrum is
    EXTENDED, and a background only if one of its shapes is marked as such.

    References
    ----------
    Law et al. 2023, AJ 166, 45 (covariance, PSF).

    Examples
    --------
    >>> params = Extract1dParams(ifu_autocen=True, ifu_rscale=1.5)
    >>> result = extract_1d(cube, params, values.extract1d, values.apcorr)
    >>> result.spectra[0].source_type, result.centres[0].method
    ('POINT', 'found')
    """
    start = perf_counter()
    if params.extraction_region is not None and region is None:
        msg = f"extraction_region = {params.extraction_region!r}: read it first, with mrsnb.io.regions.read_region"
        raise ParamError(msg)
    covariance = _covariance(cube, params, covariance)
    source_type = "EXTENDED" if region is not None else _source_type(cube, params)
    _say_unused(cube, params, source_type, is_region=region is not None)
    wanted = None if covariance is None else covariance.coefficients()
    if region is not None:
        made = _sum_in_region(cube, params, region, extract1d, wanted)
    elif source_type == "POINT":
        made = _sum_in_circle(cube, params, extract1d, apcorr, wanted)
    else:
        n_y, n_x = cube.flux.shape[1:]
        sums = sum_extended(cube.flux, cube.err, cube.weight, params.bkg_sigma_clip, wanted)
        centre = Centre(x=(n_x - 1) / 2, y=(n_y - 1) / 2, method="field")
        made = _Extraction(sums=sums, centre=centre, correction=np.ones(cube.grid.n_wave), apcorr=None)
    variances = None if covariance is None or wanted is None else covariance.variances(wanted)
    table: dict[str, NDArray[Any]] = columns(cube, made.sums, made.correction, params, variances)
    fringes = None
    if params.ifu_rfcorr and len(cube.bands) == 1:
        corrected, fringes = fringe_columns(cube, made.sums, made.correction, table, params.compat)
        table |= corrected
    elif params.ifu_rfcorr:
        log.info("%s: residual fringes are corrected in cubes of one band only", cube.name)
    spectrum = _spectrum(cube, params, extract1d, source_type, made, table, fringes)
    x, y = made.centre.x, made.centre.y
    log.info("extract_1d: band %s as %s at x = %.2f, y = %.2f (%s)", cube.label, source_type, x, y, made.centre.method)
    seconds = perf_counter() - start
    return Extract1dResult(
        params=params, seconds=seconds, spectra=(spectrum,), centres=(made.centre,), fringes=(fringes,)
    )


def _covariance(cube: Cube, params: Extract1dParams, given: Covariance | None) -> Covariance | None:
    if params.ifu_covar == "none":
        return None
    if params.ifu_covar == "geometry":
        return GeometricCovariance(cube=cube)
    if given is None:
        msg = "ifu_covar = 'drizzle' needs the exposures: run spec3 from them, or use ifu_covar = 'geometry' on a cube"
        raise ParamError(msg)
    return given


def _source_type(cube: Cube, params: Extract1dParams) -> str:
    if params.ifu_set_srctype is not None:
        return params.ifu_set_srctype
    stated = cube.science.text("SRCTYPE").upper()
    if stated not in ("POINT", "EXTENDED"):
        log.warning("%s: SRCTYPE = %r: extracted as EXTENDED; ifu_set_srctype overrides it", cube.name, stated)
        return "EXTENDED"
    return stated


def _say_unused(cube: Cube, params: Extract1dParams, source_type: str, *, is_region: bool) -> None:
    """Log the parameters that place a circle, if none is used."""
    if source_type == "POINT":
        return
    unused: dict[str, Any] = {"center_xy": params.center_xy, "ifu_rscale": params.ifu_rscale}
    if params.subtract_background and not is_region:
        unused["subtract_background"] = True
    said = [f"{name} = {value}" for name, value in unused.items() if value is not None]
    summed = "the region" if is_region else "the field of a source that is EXTENDED"
    if said:
        remedy = "" if is_region else "; ifu_set_srctype = 'POINT' makes a circle"
        log.warning("%s: %s: not used, %s is summed%s", cube.name, ", ".join(said), summed, remedy)
    elif params.ifu_autocen:
        log.info("%s: ifu_autocen: not used, %s is summed", cube.name, summed)


def _sum_in_circle(
    cube: Cube,
    params: Extract1dParams,
    extract1d: ExtractPars,
    apcorr: ApertureCorrection | None,
    wanted: Coefficients | None,
) -> _Extraction:
    centre = centre_of(cube, params)
    apertures = _apertures(cube, params, extract1d, centre)
    as_upstream = params.compat != "none"
    sums = sum_point(cube.flux, cube.err, cube.weight, apertures, params.bkg_sigma_clip, as_upstream, wanted)
    used = apcorr if params.apply_apcorr else None
    correction = aperture_correction(used, cube.grid.wave, apertures.radius * cube.grid.spaxel_size)
    return _Extraction(sums=sums, centre=centre, correction=correction, apcorr=used)


def _sum_in_region(
    cube: Cube, params: Extract1dParams, region: Any, extract1d: ExtractPars, wanted: Coefficients | None
) -> _Extraction:
    share, around, centre = region_shares(cube, as_aperture(region))
    if params.subtract_background and not around.any():
        msg = "subtract_background = True: the region has no background; mark a shape with '# background'"
        raise ParamError(msg)
    asked = params.subtract_background
    subtract = extract1d.subtract_background if asked is None else asked
    sums = sum_region(cube.flux, cube.err, cube.weight, share, around, subtract, params.bkg_sigma_clip, wanted)
    return _Extraction(sums=sums, centre=centre, correction=np.ones(cube.grid.n_wave), apcorr=None)


def _apertures(cube: Cube, params: Extract1dParams, extract1d: ExtractPars, centre: Centre) -> Apertures:
    wave, size = cube.grid.wave, cube.grid.spaxel_size
    scale = 1.0 if params.ifu_rscale is None else params.ifu_rscale / 2.0
    radius = interpolated(wave, extract1d.wave, extract1d.radius * scale) / size
    inner = interpolated(wave, extract1d.wave, extract1d.inner_bkg) / size
    outer = interpolated(wave, extract1d.wave, extract1d.outer_bkg) / size
    wanted = extract1d.subtract_background if params.subtract_background is None else params.subtract_background
    subtract = wanted & (inner > 0) & (outer > 0) & (inner < outer)
    if params.compat != "none":
        subtract = np.logical_and.accumulate(subtract)  # once off, off for all longer wavelengths
    return Apertures(centre.x, centre.y, radius, inner, outer, subtract, METHODS[extract1d.method], extract1d.subpixels)


def _spectrum(
    cube: Cube,
    params: Extract1dParams,
    extract1d: ExtractPars,
    source_type: str,
    made: _Extraction,
    table: dict[str, NDArray[Any]],
    fringes: ResidualFringeResult | None,
) -> Spectrum:
    n_y, n_x = cube.flux.shape[1:]
    position = (made.centre.x, made.centre.y)
    sky = spaxel_sky(cube.grid, n_x / 2, n_y / 2) if params.compat != "none" else spaxel_sky(cube.grid, *position)
    primary, science = spectrum_headers(
        cube,
        source_type=source_type,
        position=position,
        sky=sky,
        extract1d=extract1d.source,
        apcorr="" if made.apcorr is None else made.apcorr.source,
    )
    parameters = cube.history.get("parameters", {}) | {"extract_1d": params.to_dict()}
    return Spectrum(
        name=spectrum_name(cube.name),
        bands=cube.bands,
        columns=table,
        source_type=source_type,
        position=position,
        ra=sky[0],
        dec=sky[1],
        primary=primary,
        science=Cards([*science.cards(), *_remarks(cube, params, made.centre, fringes)]),
        history=cube.history | {"parameters": parameters},
    )


def _remarks(cube: Cube, params: Extract1dParams, centre: Centre, fringes: ResidualFringeResult | None) -> list[Card]:
    """Return the keywords that say how the spectrum was made."""
    cards = [Card("EXTRCEN", centre.method.upper(), "How the centre of the aperture was chosen")]
    if centre.reason:
        cards.append(Card("EXTRWHY", centre.reason[:68], "Why not otherwise"))
    offset = target_offset(cube, centre)
    if centre.method in ("found", "given") and offset is not None:
        cards.append(Card("EXTROFF", round(offset, 4), "[arcsec] Distance of the centre from the target"))
    if fringes is not None:
        cards.append(Card("EXTRRF", "SKIPPED" if fringes.reason else "COMPLETE", "Residual fringes, in columns RF_"))
    cards.append(Card("EXTRCOV", params.ifu_covar.upper(), "Covariance of spaxels in the errors"))
    return cards


def spectrum_name(cube: str) -> str:
    """Return the file name of the spectrum of a cube.

    Examples
    --------
    >>> spectrum_name("star_ch1-short_s3d.fits")
    'star_ch1-short_x1d.fits'
    """
    return cube.removesuffix(".fits").removesuffix("_s3d") + "_x1d.fits"
