"""extract_1d: a spectrum from a cube, in a circle that grows with wavelength, or over the whole field."""

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.blend import ARCSEC2_SR, spaxel_sky, spectrum_headers
from mrsnb.core.cube import Cube
from mrsnb.core.dq import DQ
from mrsnb.core.params import param
from mrsnb.core.references import ApertureCorrection, ExtractPars
from mrsnb.core.results import Result
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import to_plane
from mrsnb.kernels.aperture import METHODS
from mrsnb.kernels.photometry import Apertures, Sums, sum_extended, sum_point
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Extract1dParams(CompatParams):
    """Parameters of extract_1d, named as the observatory's."""

    ifu_set_srctype: Literal["POINT", "EXTENDED"] | None = param(
        None, "Extract as this type of source; None takes the exposures' SRCTYPE."
    )
    center_xy: tuple[float, float] | None = param(
        None, "Centre of the aperture, 0-based x, y; None takes the target's position.", unit="spaxel"
    )
    ifu_rscale: float | None = param(
        None, "Radius of the aperture; None takes the reference value.", unit="FWHM", low=0.5, high=3.0
    )
    subtract_background: bool | None = param(
        None, "Subtract the annulus background of a point source; None takes the reference value."
    )
    bkg_sigma_clip: float = param(
        3.0, "Leave out background spaxels that deviate more.", unit="sigma", low=0.1, advanced=True
    )
    apply_apcorr: bool = param(True, "Correct a point source for the light outside the aperture.")
    ifu_covar_scale: float = param(
        1.0, "Factor on the errors, for the covariance of neighbouring spaxels.", low=0.0, advanced=True
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Extract1dResult(Result):
    """The spectra, in the order of the cubes."""

    spectra: tuple[Spectrum, ...]

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "extract_1d: " + ", ".join(spectrum.label for spectrum in self.spectra)

    def rows(self) -> list[Row]:
        """Return one row a spectrum; all there is to say if there is only one."""
        if len(self.spectra) == 1:
            return [Row("product", self.spectra[0].name), *self.spectra[0].rows()]
        return [
            Row(s.label, f"{s.wave[0]:.3f} - {s.wave[-1]:.3f}", "micron", f"{s.source_type}, {s.name}")
            for s in self.spectra
        ]

    def pictures(self) -> list[Picture]:
        """Return all spectra in one plot."""
        from mrsnb.display.plots import spectrum_picture

        return [spectrum_picture("Spectrum", [(s.label, s.wave, s.flux) for s in self.spectra])]


def extract_1d(
    cube: Cube, params: Extract1dParams, extract1d: ExtractPars, apcorr: ApertureCorrection | None
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

    Returns
    -------
    Extract1dResult
        With one spectrum. Its ``FLUX_VAR_*`` and ``SB_VAR_*`` columns are zero, since cubes hold total errors only,
        and its ``RF_*`` columns NaN.

    Raises
    ------
    InputError
        If the aperture does not meet the cube.

    Notes
    -----
    A point source is summed in a circle about the target. Sums, background, units and aperture correction as in the
    extract_1d step of jwst 3.0.0 for IFU data; with ``compat="none"`` without its defects: the target's position is
    not rounded to whole spaxels, the background is clipped by statistics of the annulus alone and divided by the area
    that was kept, and a wavelength without light is NaN, not 0.
    """
    start = perf_counter()
    source_type = _source_type(cube, params)
    n_y, n_x = cube.flux.shape[1:]
    wave = cube.grid.wave
    if source_type == "POINT":
        x, y = _centre(cube, params)
        apertures = _apertures(cube, params, extract1d, x, y)
        sums = sum_point(cube.flux, cube.err, cube.weight, apertures, params.bkg_sigma_clip, params.compat != "none")
        correction = _correction(params, apcorr, wave, apertures.radius * cube.grid.spaxel_size)
    else:
        x, y = (n_x - 1) / 2, (n_y - 1) / 2
        sums = sum_extended(cube.flux, cube.err, cube.weight, params.bkg_sigma_clip)
        correction = np.ones(len(wave))
    sky = spaxel_sky(cube.grid, n_x / 2, n_y / 2) if params.compat != "none" else spaxel_sky(cube.grid, x, y)
    used = apcorr if source_type == "POINT" and params.apply_apcorr else None
    primary, science = spectrum_headers(
        cube,
        source_type=source_type,
        position=(x, y),
        sky=sky,
        extract1d=extract1d.source,
        apcorr=used.source if used else "",
    )
    spectrum = Spectrum(
        name=cube.name.removesuffix("_s3d.fits") + "_x1d.fits",
        bands=cube.bands,
        columns=_columns(cube, sums, correction, params),
        source_type=source_type,
        position=(x, y),
        ra=sky[0],
        dec=sky[1],
        primary=primary,
        science=science,
        history=cube.history | {"parameters": cube.history.get("parameters", {}) | {"extract_1d": params.to_dict()}},
    )
    log.info("extract_1d: band %s as %s at x = %.2f, y = %.2f", cube.label, source_type, x, y)
    return Extract1dResult(params=params, seconds=perf_counter() - start, spectra=(spectrum,))


def _source_type(cube: Cube, params: Extract1dParams) -> str:
    if params.ifu_set_srctype:
        return params.ifu_set_srctype
    stated = cube.science.text("SRCTYPE").upper()
    if stated not in ("POINT", "EXTENDED"):
        log.warning("%s: SRCTYPE = %r: extracted as EXTENDED; ifu_set_srctype overrides it", cube.name, stated)
        return "EXTENDED"
    return stated


def _centre(cube: Cube, params: Extract1dParams) -> tuple[float, float]:
    """Return the centre of the aperture: as given, else the target's, else the middle of the cube."""
    n_y, n_x = cube.flux.shape[1:]
    as_upstream = params.compat != "none"
    if params.center_xy is not None:
        x, y = params.center_xy
        if not (-0.5 <= x <= n_x - 0.5 and -0.5 <= y <= n_y - 0.5):
            msg = f"{cube.name}: center_xy = {x:g}, {y:g} is outside the cube of {n_x} x {n_y} spaxels"
            raise InputError(msg)
        return x, y
    ra, dec = cube.primary.number("TARG_RA"), cube.primary.number("TARG_DEC")
    if ra is not None and dec is not None:
        grid = cube.grid
        xi, eta = to_plane(np.array(ra), np.array(dec), grid.ra, grid.dec, grid.rotation)
        x, y = float(xi) / grid.spaxel_size + n_x // 2, float(eta) / grid.spaxel_size + n_y // 2
        if as_upstream:
            x, y = (float(np.clip(round(c), 0, n - 1)) for c, n in ((x, n_x), (y, n_y)))
        if 0.5 < x < n_x - 1.5 and 0.5 < y < n_y - 1.5:
            return x, y
    log.warning("%s: the target (TARG_RA, TARG_DEC) is not in the cube: extracted about its middle", cube.name)
    return (n_x / 2, n_y / 2) if as_upstream else ((n_x - 1) / 2, (n_y - 1) / 2)


def _interpolated(x: NDArray[np.float64], xp: NDArray[np.float64], fp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear interpolation, extended linearly beyond the table."""
    if len(xp) == 1:
        return np.full(len(x), fp[0])
    k = np.clip(np.searchsorted(xp, x) - 1, 0, len(xp) - 2)
    slope = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
    return fp[k] + slope * (x - xp[k])


def _apertures(cube: Cube, params: Extract1dParams, extract1d: ExtractPars, x: float, y: float) -> Apertures:
    wave, size = cube.grid.wave, cube.grid.spaxel_size
    scale = 1.0 if params.ifu_rscale is None else params.ifu_rscale / 2.0
    radius = _interpolated(wave, extract1d.wave, extract1d.radius * scale) / size
    inner = _interpolated(wave, extract1d.wave, extract1d.inner_bkg) / size
    outer = _interpolated(wave, extract1d.wave, extract1d.outer_bkg) / size
    wanted = extract1d.subtract_background if params.subtract_background is None else params.subtract_background
    subtract = wanted & (inner > 0) & (outer > 0) & (inner < outer)
    if params.compat != "none":
        subtract = np.logical_and.accumulate(subtract)  # once off, off for all longer wavelengths
    return Apertures(x, y, radius, inner, outer, subtract, METHODS[extract1d.method], extract1d.subpixels)


def _correction(
    params: Extract1dParams,
    apcorr: ApertureCorrection | None,
    wave: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the aperture correction at each wavelength and radius (arcsec), linear in both."""
    if apcorr is None or not params.apply_apcorr:
        return np.ones(len(wave))
    radii = np.array([_interpolated(wave, apcorr.wave, row) for row in apcorr.radius])
    factors = np.array([_interpolated(wave, apcorr.wave, row) for row in apcorr.apcorr])
    return np.array(
        [_interpolated(radius[k : k + 1], radii[:, k], factors[:, k])[0] for k in range(len(wave))], dtype=float
    )


def _columns(
    cube: Cube, sums: Sums, correction: NDArray[np.float64], params: Extract1dParams
) -> dict[str, NDArray[np.float64]]:
    n = len(sums.flux)
    solid_angle = cube.science.number("PIXAR_SR") or cube.grid.spaxel_size**2 * ARCSEC2_SR
    covariance = params.ifu_covar_scale
    background_area = np.where(sums.background_area > 0, sums.background_area, 1.0)
    err = np.sqrt(sums.variance) * covariance
    flux = sums.flux
    if params.compat == "none":
        flux, err = np.where(sums.empty > 0, np.nan, flux), np.where(sums.empty > 0, np.nan, err)
    columns = dict.fromkeys(COLUMNS, np.zeros(n)) | {
        "WAVELENGTH": np.array(cube.grid.wave),
        "FLUX": flux * solid_angle * 1e6 * correction,
        "FLUX_ERROR": err * solid_angle * 1e6 * correction,
        "SURF_BRIGHT": flux / sums.area * correction,
        "SB_ERROR": err / sums.area * correction,
        "DQ": (sums.empty > 0).astype(np.uint32) * np.uint32(DQ.DO_NOT_USE),
        "BACKGROUND": sums.background / background_area,
        "BKGD_ERROR": np.sqrt(sums.background_variance) / background_area * covariance,
        "NPIXELS": sums.area,
    }
    return columns | {name: np.full(n, np.nan) for name in COLUMNS if name.startswith("RF_")}
