"""The background's spectrum, and the exposures without it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from time import perf_counter

import numpy as np

from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.exposure import DerivedExposure, Exposure, ExposureSource
from mrsnb.core.params import param
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError, ParamError
from mrsnb.kernels.smooth import median_error, running_median
from mrsnb.steps.combine_1d import Combine1dParams, combine_1d
from mrsnb.steps.master_background.images import BackgroundImages, ImagesAsUpstream, tables_of
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MasterBackgroundParams(CompatParams):
    """Parameters of master_background, named as the observatory's.

    Examples
    --------
    >>> MasterBackgroundParams(median_kernel=5).changed()
    {'median_kernel': 5}
    """

    save_results: bool = param(False, "Write the exposures after the subtraction (mbsub).")
    median_kernel: int = param(
        1, "Smooth the background by a running median of this odd width.", unit="wavelengths", low=1
    )
    user_background: str | None = param(
        None,
        "File with the background's spectrum (x1d or c1d), instead of the association's background members.",
        file=True,
    )
    save_background: bool = param(False, "Write the background as spectrum (masterbg1d) and as images (masterbg2d).")
    force_subtract: bool = param(False, "Subtract even if a background has been subtracted already.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.compat == "none" and self.median_kernel % 2 == 0:
            n = self.median_kernel
            msg = f"median_kernel = {n}: must be odd, e.g. {n - 1} or {n + 1}"
            raise ParamError(msg)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MasterBackgroundResult(Result):
    """The exposures without the background, and the background.

    Parameters
    ----------
    exposures : tuple of ExposureSource
        In the order given; those given if the step was skipped.
    backgrounds : tuple of CombinedSpectrum
        What was subtracted: a spectrum for each band, or the user's; smoothed if asked for.
    images : tuple of DerivedExposure
        The background as an image, for each exposure.
    uncovered : tuple of str
        Bands of the exposures of which no background is known.
    reason : str
        Why nothing was subtracted; empty if it was.

    Examples
    --------
    >>> result = master_background(exposures, [spectrum], MasterBackgroundParams())
    >>> result.backgrounds[0].label, result.uncovered
    ('1A', ('2A',))
    """

    exposures: tuple[ExposureSource, ...]
    backgrounds: tuple[CombinedSpectrum, ...] = ()
    images: tuple[DerivedExposure, ...] = ()
    uncovered: tuple[str, ...] = ()
    reason: str = ""

    @property
    def status(self) -> str:
        """``"COMPLETE"`` or ``"SKIPPED"``."""
        return "SKIPPED" if self.reason else "COMPLETE"

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "master_background: " + ("nothing subtracted" if self.reason else f"{len(self.exposures)} exposures")

    def rows(self) -> list[Row]:
        """Return what was subtracted, or why nothing was."""
        if self.reason:
            return [Row("status", "SKIPPED", note=self.reason)]
        rows = [
            Row(f"background {b.label}", f"{np.nanmedian(b.surf_bright):.4g}", "MJy/sr", f"{_relative_error(b)} error")
            for b in self.backgrounds
        ]
        if self.uncovered:
            rows.append(Row("no background for", ", ".join(self.uncovered), note="flagged DO_NOT_USE"))
        return [*rows, Row("exposures", str(len(self.exposures)))]

    def pictures(self) -> list[Picture]:
        """Return the background's spectrum."""
        from mrsnb.display.plots import spectrum_picture

        if not self.backgrounds:
            return []
        curves = [(b.label, b.wave, b.surf_bright) for b in self.backgrounds]
        errors = [b.sb_error for b in self.backgrounds]
        return [spectrum_picture("Master background", curves, err=errors, y_label="surface brightness / (MJy/sr)")]


def _relative_error(background: CombinedSpectrum) -> str:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = background.sb_error / np.abs(background.surf_bright)
    ratio = ratio[np.isfinite(ratio)]
    return f"{np.median(ratio):.1%}" if ratio.size else "no"


def master_background(
    exposures: Sequence[ExposureSource],
    backgrounds: Sequence[Spectrum],
    params: MasterBackgroundParams,
    user_background: Sequence[CombinedSpectrum] | None = None,
    *,
    name: str = "masterbg1d.fits",
) -> MasterBackgroundResult:
    """Return the exposures less the background's surface brightness at the wavelength of each pixel.

    Parameters
    ----------
    exposures : sequence of ExposureSource
    backgrounds : sequence of Spectrum
        Extracted from exposures of the background; their column BACKGROUND is used.
    params : MasterBackgroundParams
    user_background : sequence of CombinedSpectrum, optional
        Used instead; the content of the file that ``params.user_background`` names.
    name : str
        File name that the background's spectrum would have.

    Returns
    -------
    MasterBackgroundResult

    Raises
    ------
    InputError
        If a background spectrum has no background, or there is none for any band of an exposure.

    Notes
    -----
    As the master_background step of jwst 3.0.0, which combines all spectra into one table. With ``compat="none"``:

    - Every band has a table of its own, so that bands which overlap are not averaged; another band's serves where the
      own one ends.
    - The error of the background is added in quadrature to ERR, and its square to VAR_FLAT: it is the same for all
      pixels of a wavelength, as that of the flat field is. ERR treats pixels as independent, so the error of a sum
      over an aperture has this part too small.
    - Pixels without a known background (more than `REACH` steps outside all tables, or in a gap wider than
      `WIDEST_GAP` steps) are made NaN and flagged DO_NOT_USE and OTHER_BAD_PIXEL; upstream subtracts 0 there.
    - The median is taken of fewer values near the ends of the table, where upstream takes zeros in, and smooths a
      user's background as well.
    - A user's background needs no background members in the association.

    Examples
    --------
    >>> result = master_background(exposures, [spectrum], MasterBackgroundParams(median_kernel=5))
    >>> result.status, len(result.exposures)
    ('COMPLETE', 2)
    """
    start = perf_counter()
    user = tuple(user_background) if user_background is not None else None
    reason = _reason_to_skip(exposures, backgrounds, params, given=user is not None)
    if reason:
        log.info("master_background: skipped: %s", reason)
        ran = bool(backgrounds) or (user is not None and params.compat == "none")
        left = [_skipped(exposure, params) for exposure in exposures] if ran else exposures
        return MasterBackgroundResult(
            params=params, seconds=perf_counter() - start, exposures=tuple(left), reason=reason
        )
    tables = _combined(backgrounds, params, name) if user is None else user
    tables = tuple(_smoothed(table, params) for table in tables) if user is None or params.compat == "none" else tables
    keywords: dict[str, str] = {"S_MSBSUB": "COMPLETE"}
    if user is not None:
        keywords["MASTERBG"] = PurePath(user[0].name if params.user_background is None else params.user_background).name
    as_upstream = params.compat != "none"
    uncovered = () if as_upstream else _uncovered(exposures, tables)
    images = ImagesAsUpstream(tables[0]) if as_upstream else BackgroundImages(tables)
    return MasterBackgroundResult(
        params=params,
        seconds=perf_counter() - start,
        exposures=tuple(_derived(exposure, images.subtract, keywords) for exposure in exposures),
        backgrounds=tables,
        images=tuple(_derived(exposure, images.draw, keywords) for exposure in exposures),
        uncovered=uncovered,
    )


def _derived(
    exposure: ExposureSource, change: Callable[[Exposure], Exposure], keywords: dict[str, str]
) -> DerivedExposure:
    return DerivedExposure(
        source=exposure, change=change, primary=exposure.primary.updated(**keywords), science=exposure.science
    )


def _skipped(exposure: ExposureSource, params: MasterBackgroundParams) -> ExposureSource:
    """Return the exposure with the status SKIPPED; a background that was subtracted before stays COMPLETE."""
    if params.compat == "none" and exposure.primary.text("S_MSBSUB") == "COMPLETE":
        return exposure
    return _derived(exposure, lambda loaded: loaded, {"S_MSBSUB": "SKIPPED"})


def _reason_to_skip(
    exposures: Sequence[ExposureSource],
    backgrounds: Sequence[Spectrum],
    params: MasterBackgroundParams,
    *,
    given: bool,
) -> str:
    if not backgrounds and not given:
        return "the association has no background members"
    if not backgrounds and params.compat != "none":
        return "jwst 3.0 ignores user_background if the association has no background members"
    members: list[ExposureSource | Spectrum] = [*exposures, *backgrounds]
    done = [m.name for m in members if "COMPLETE" in (m.primary.text("S_BKDSUB"), m.primary.text("S_MSBSUB"))]
    if not done or params.force_subtract:
        return ""
    if len(done) == len(members):
        return "a background was subtracted already; force_subtract = True subtracts this one as well"
    log.warning("master_background: a background was subtracted from some members only: %s", ", ".join(done))
    return (
        f"a background was subtracted already from {len(done)} of {len(members)} members ({done[0]}, ...); "
        "force_subtract = True subtracts this one from all"
    )


def _combined(
    backgrounds: Sequence[Spectrum], params: MasterBackgroundParams, name: str
) -> tuple[CombinedSpectrum, ...]:
    combine = Combine1dParams(compat=params.compat)
    skies = [_sky(spectrum, strict=params.compat == "none") for spectrum in backgrounds]
    combined = combine_1d(skies, combine, name=name).spectra
    made = {"master_background": params.to_dict()}
    return tuple(replace(c, history=c.history | {"parameters": c.history["parameters"] | made}) for c in combined)


def _sky(spectrum: Spectrum, *, strict: bool) -> Spectrum:
    """Return the spectrum with the background in place of its surface brightness."""
    columns = dict(spectrum.columns)
    sky = columns["BACKGROUND"]
    if strict and not (np.isfinite(sky) & (sky != 0)).any():
        msg = (
            f"{spectrum.name}: column BACKGROUND is {'0' if np.isfinite(sky).any() else 'NaN'} throughout; extract the "
            "spectrum again (older versions leave it empty for extended sources), or give user_background"
        )
        raise InputError(msg)
    columns |= {"SURF_BRIGHT": sky, "SB_ERROR": columns["BKGD_ERROR"]}
    return replace(spectrum, columns=columns)


def _smoothed(table: CombinedSpectrum, params: MasterBackgroundParams) -> CombinedSpectrum:
    width = params.median_kernel
    if params.compat != "none":
        width -= width % 2 == 0
        if width <= 1:
            return table
        from scipy.signal import medfilt

        return replace(
            table, columns=table.columns | {key: medfilt(table.columns[key], width) for key in ("FLUX", "SURF_BRIGHT")}
        )
    if width == 1:
        return table
    columns = {key: values.copy() for key, values in table.columns.items()}
    for value, error in (("FLUX", "ERROR"), ("SURF_BRIGHT", "SB_ERROR")):
        good = np.isfinite(columns[value])
        columns[error][good] = median_error(columns[error][good], width)
        columns[value][good] = running_median(columns[value][good], width)
    return replace(table, columns=columns)


def _uncovered(exposures: Sequence[ExposureSource], tables: Sequence[CombinedSpectrum]) -> tuple[str, ...]:
    missing: dict[str, None] = {}
    for exposure in exposures:
        without = [band.name for band in exposure.bands if not tables_of(band, tables)]
        if len(without) == len(exposure.bands):
            there = ", ".join(table.label for table in tables)
            msg = (
                f"{exposure.name}: no background spectrum of band {' or '.join(without)} (there is {there}); add one "
                "to the association, give user_background, or leave the exposure out"
            )
            raise InputError(msg)
        missing |= dict.fromkeys(without)
    if missing:
        log.warning("master_background: no background for %s: their pixels are flagged", ", ".join(missing))
    return tuple(missing)
