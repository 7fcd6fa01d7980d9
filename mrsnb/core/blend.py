"""Keywords of products: the exposures' keywords made one set, and what a cube or a spectrum adds to them.

Structural keywords (SIMPLE, NAXIS, EXTNAME ...) never enter `Cards`; DATE, FILENAME and DATAMODL are the writer's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from mrsnb.core.bands import MULTIPLE, Band
from mrsnb.core.cards import Card, Cards, Value
from mrsnb.core.cube import Cube, CubeGrid

ARCSEC2_SR = (math.pi / 648000.0) ** 2
"""Steradians in a square arcsecond."""

JWST_ARCSEC2_SR = 2.3504e-11
"""The same as jwst 3.0 rounds it, 2e-5 too small."""

_DIFFERING = ("BAND", "DETECTOR")
_LEAST = ("DATE-OBS", "TIME-OBS", "DATE-BEG", "EXPSTART", "MJD-BEG", "TDB-BEG", "INTSTART")
_GREATEST = ("DATE-END", "EXPEND", "MJD-END", "TDB-END", "INTEND")
_MEAN = ("EXPMID", "MJD-AVG", "TDB-MID")
_SUM = ("EFFEXPTM", "XPOSURE", "TMEASURE", "DURATION", "TELAPSE")

_POINTING = ("V2_REF", "V3_REF", "RA_REF", "DEC_REF", "ROLL_REF", "V3I_YANG", "VPARITY", "WAVSTART", "WAVEND")
_CUBE_ONLY = ("FLUXEXT", "ERREXT", "MASKEXT", "ROIS", "ROIW", "WTYPE", "WPOWER")

_COMMENTS = {
    "CHANNEL": "Instrument channel",
    "R_CUBPAR": "IFU cube parameters reference",
    "R_EXTR1D": "1-D extraction parameters reference",
    "R_APCORR": "Aperture correction reference",
    "FLUXEXT": "EXTNAME of the flux",
    "ERREXT": "EXTNAME of the error",
    "MASKEXT": "EXTNAME of the data quality",
    "ROIS": "[arcsec] Region of interest on the sky",
    "ROIW": "[um] Region of interest in wavelength",
    "WTYPE": "How detector pixels are weighted",
    "WPOWER": "Exponent of the msm weight",
    "PIXAR_SR": "[sr] Area of a spaxel",
    "PIXAR_A2": "[arcsec^2] Area of a spaxel",
    "WCSAXES": "Number of WCS axes",
    "RADESYS": "Celestial reference frame",
    "S_REGION": "Outline through the corner spaxels' centres",
    "DISPAXIS": "Dispersion axis of the detector",
    "SLTNAME": "Aperture",
    "SRCTYPE": "Source type as extracted",
    "EXTR_X": "[spaxel] Centre of the aperture, 0-based",
    "EXTR_Y": "[spaxel] Centre of the aperture, 0-based",
    "SLIT_RA": "[deg] Right ascension of the spectrum",
    "SLIT_DEC": "[deg] Declination of the spectrum",
}


def blended(primaries: Sequence[Cards], sciences: Sequence[Cards]) -> tuple[Cards, Cards]:
    """Return one primary and one SCI header for several exposures.

    Times of start are the earliest, of end the latest, of the middle the mean; durations add; BAND and DETECTOR become
    ``"MULTIPLE"`` where they differ; everything else is taken from the first exposure. A keyword that the first
    exposure lacks is not added.

    Raises
    ------
    ValueError
        If there is no exposure.
    """
    if not primaries or not sciences:
        msg = "no exposures to blend"
        raise ValueError(msg)
    return _blended(primaries), _blended(sciences)


def _blended(headers: Sequence[Cards]) -> Cards:
    first = headers[0]
    changed: dict[str, Value | None] = {}
    rules: tuple[tuple[tuple[str, ...], Callable[[list[Value]], Value]], ...] = (
        (_DIFFERING, lambda values: values[0] if len(set(values)) == 1 else MULTIPLE),
        (_LEAST, min),
        (_GREATEST, max),
        (_MEAN, lambda values: math.fsum(map(float, values)) / len(values)),
        (_SUM, lambda values: math.fsum(map(float, values))),
    )
    for keys, rule in rules:
        for key in keys:
            if key in first:
                kind = str if isinstance(first[key], str) else int | float
                changed[key] = rule([h[key] for h in headers if isinstance(h.get(key), kind)])
    return first.updated(**changed)


def header_row(primary: Cards, science: Cards) -> Cards:
    """Return the keywords of one exposure as a row of the HDRTAB extension: primary, then SCI."""
    return Cards([*primary.cards(), *(card for card in science.cards() if card.key not in primary)])


def cube_headers(
    primaries: Sequence[Cards],
    sciences: Sequence[Cards],
    grid: CubeGrid,
    bands: Sequence[Band],
    *,
    weighting: str = "drizzle",
    roi: tuple[float, float, float] = (0, 0, 0),
    cubepar: str = "",
    compat: Literal["none", "jwst-3.0"] = "none",
) -> tuple[Cards, Cards]:
    """Return the keywords of a cube's primary and SCI headers.

    Parameters
    ----------
    primaries, sciences : sequence of Cards
        Headers of the exposures, in the order of the association.
    grid : CubeGrid
        Where the voxels are.
    bands : sequence of Band
        What the cube was made of.
    weighting : str
        ``"drizzle"``, ``"emsm"`` or ``"msm"``.
    roi : tuple of float
        Region of interest in arcsec and micron and the exponent of the weight; all 0 for drizzle.
    cubepar : str
        Source of the cube parameters, for R_CUBPAR; not written if empty.
    compat : str
        ``"jwst-3.0"`` rounds the steradian and draws S_REGION as jwst 3.0 does.

    References
    ----------
    Calabretta & Greisen 2002, A&A 395, 1077 (TAN); Greisen et al. 2006, A&A 446, 747 (WAVE-TAB).
    """
    primary, science = blended(primaries, sciences)
    if any("MT_AVRA" in s for s in sciences):
        science = science.updated(MT_RA=science.get("MT_AVRA"), MT_DEC=science.get("MT_AVDEC"))
        primary = primary.updated(TARG_RA=science.get("MT_AVRA"), TARG_DEC=science.get("MT_AVDEC"))
    unit = JWST_ARCSEC2_SR if compat == "jwst-3.0" else ARCSEC2_SR
    area = grid.spaxel_size**2
    primary = _with(
        primary,
        {
            "CHANNEL": "".join(sorted({str(band.channel) for band in bands})),
            "R_CUBPAR": cubepar or None,
            "S_IFUCUB": "COMPLETE",
            "FLUXEXT": "SCI",
            "ERREXT": "ERR",
            "MASKEXT": "DQ",
            "ROIS": roi[0],
            "ROIW": roi[1],
            "WTYPE": weighting,
            "WPOWER": roi[2],
        },
    )
    science = _with(science, dict.fromkeys(_POINTING))
    outline = region_box(grid) if compat == "jwst-3.0" else region(grid)
    pixel = {"PIXAR_SR": area * unit, "PIXAR_A2": area}
    science = _with(science, {**pixel, **wcs_keywords(grid), "S_REGION": outline, "DISPAXIS": 2})
    return primary, science


def wcs_keywords(grid: CubeGrid) -> dict[str, Value]:
    """Return the FITS WCS of `grid`."""
    size = grid.spaxel_size / 3600.0
    turn = math.radians(grid.rotation)
    cos, sin = math.cos(turn), math.sin(turn)
    spectral: dict[str, Value]
    if grid.linear:
        spectral = {"CRVAL3": float(grid.wave[0]), "CTYPE3": "WAVE", "CDELT3": float(grid.wave_step[0])}
    else:
        spectral = {"CRVAL3": 1.0, "CTYPE3": "WAVE-TAB", "PS3_0": "WCS-TABLE", "PS3_1": "wavelength"}
    return {
        "WCSAXES": 3,
        "RADESYS": "ICRS",
        "CRPIX1": grid.n_x // 2 + 1.0,
        "CRPIX2": grid.n_y // 2 + 1.0,
        "CRPIX3": 1.0,
        "CRVAL1": grid.ra,
        "CRVAL2": grid.dec,
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CUNIT3": "um",
        "CDELT1": size,
        "CDELT2": size,
        **spectral,
        "PC1_1": -cos,
        "PC1_2": sin,
        "PC1_3": 0.0,
        "PC2_1": sin,
        "PC2_2": cos,
        "PC2_3": 0.0,
        "PC3_1": 0.0,
        "PC3_2": 0.0,
        "PC3_3": 1.0,
    }


def region(grid: CubeGrid) -> str:
    """Return the polygon through the centres of the corner spaxels, as S_REGION states it."""
    return _polygon(_corners(grid))


def region_box(grid: CubeGrid) -> str:
    """Return the box in RA and Dec about `region`, as jwst 3.0 states it; nonsense where RA crosses 0."""
    ra, dec = zip(*_corners(grid), strict=True)
    box = [(min(ra), min(dec)), (min(ra), max(dec)), (max(ra), max(dec)), (max(ra), min(dec))]
    return _polygon(box)


def _corners(grid: CubeGrid) -> list[tuple[float, float]]:
    last_x, last_y = grid.n_x - 1, grid.n_y - 1
    return [spaxel_sky(grid, x, y) for x, y in ((last_x, 0), (last_x, last_y), (0, last_y), (0, 0))]


def _polygon(corners: Sequence[tuple[float, float]]) -> str:
    return "POLYGON ICRS  " + " ".join(f"{angle:.9f}" for corner in corners for angle in corner)


def spaxel_sky(grid: CubeGrid, x: float, y: float) -> tuple[float, float]:
    """Return right ascension and declination in deg of a spaxel, 0-based.

    References
    ----------
    Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3.
    """
    scale = math.radians(grid.spaxel_size / 3600.0)
    right, up = (x - grid.n_x // 2) * scale, (y - grid.n_y // 2) * scale
    turn, dec0 = math.radians(grid.rotation), math.radians(grid.dec)
    east = -math.cos(turn) * right + math.sin(turn) * up
    north = math.sin(turn) * right + math.cos(turn) * up
    toward_pole = math.cos(dec0) - north * math.sin(dec0)
    ra = grid.ra + math.degrees(math.atan2(east, toward_pole))
    dec = math.atan2(math.sin(dec0) + north * math.cos(dec0), math.hypot(east, toward_pole))
    return ra % 360.0, math.degrees(dec)


def spectrum_headers(
    cube: Cube,
    *,
    source_type: str,
    position: tuple[float, float],
    sky: tuple[float, float],
    extract1d: str = "",
    apcorr: str = "",
) -> tuple[Cards, Cards]:
    """Return the keywords of a spectrum's primary and EXTRACT1D headers.

    Parameters
    ----------
    cube : Cube
        What was extracted.
    source_type : str
        ``"POINT"`` or ``"EXTENDED"``, as extracted.
    position : tuple of float
        Centre of the aperture in spaxels, 0-based ``(x, y)``.
    sky : tuple of float
        SLIT_RA and SLIT_DEC, deg.
    extract1d, apcorr : str
        Sources of the reference values, for R_EXTR1D and R_APCORR; not written if empty.
    """
    primary = _with(
        cube.primary,
        dict.fromkeys(_CUBE_ONLY)
        | {"R_EXTR1D": extract1d or None, "R_APCORR": apcorr or None, "S_EXTR1D": "COMPLETE", "S_SPLEAK": "SKIPPED"},
    )
    science = _with(
        Cards(),
        {
            "SLTNAME": "MIR_MRS",
            "SRCTYPE": source_type,
            "EXTR_X": position[0],
            "EXTR_Y": position[1],
            "SLIT_RA": sky[0],
            "SLIT_DEC": sky[1],
            "DETECTOR": cube.primary.get("DETECTOR"),
            "PA_APER": cube.science.get("PA_APER"),
        },
    )
    return primary, science


def _with(cards: Cards, values: Mapping[str, Value | None]) -> Cards:
    """Return `cards` with values set, a comment given to each that has none."""
    merged = cards.updated(**values).cards()
    return Cards([Card(c.key, c.value, c.comment or _COMMENTS.get(c.key, "")) for c in merged])
