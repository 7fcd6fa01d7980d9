"""Reference values that steps take as arguments: sampling of cubes, apertures, their corrections, the spectral leak."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.exposure import frozen
from mrsnb.display import Row, Shown, Table, to_text
from mrsnb.errors import InputError

Array = NDArray[np.float64]
Key = tuple[int, str]
"""Channel and sub-band (one of `mrsnb.core.bands.SUB_BANDS`)."""

_TOLD = {
    "cubepar": "sampling of cubes, weights",
    "extract1d": "apertures and annuli",
    "apcorr": "aperture corrections",
    "mrsptcorr": "spectral leak",
}

_Row = TypeVar("_Row", "Sampling", "Msm", "Emsm")


class Sampling(NamedTuple):
    """Voxels of a cube of one band."""

    spaxel_size: float
    """Side of a spaxel, arcsec."""
    spectral_step: float
    """Thickness of a plane, micron."""
    wave_min: float
    """Lower edge of the first plane, micron."""
    wave_max: float
    """Wavelength that the last plane reaches, micron."""


class Msm(NamedTuple):
    """Weights of the modified Shepard method in one band."""

    roi_spatial: float
    """Radius of the region of interest, arcsec."""
    roi_spectral: float
    """Half length of the region of interest, micron."""
    power: float
    """Exponent of the distance."""
    soft_radius: float
    """Least distance, arcsec."""


class Emsm(NamedTuple):
    """Weights of the exponential modified Shepard method in one band."""

    roi_spatial: float
    """Radius of the region of interest, arcsec."""
    roi_spectral: float
    """Half length of the region of interest, micron."""
    scale_radius: float
    """Scale of the exponential, arcsec."""


class MultiMsm(NamedTuple):
    """As `Msm`, by wavelength, for cubes of several bands; each of shape (n,)."""

    wave: Array
    roi_spatial: Array
    roi_spectral: Array
    power: Array
    soft_radius: Array


class MultiEmsm(NamedTuple):
    """As `Emsm`, by wavelength, for cubes of several bands; each of shape (n,)."""

    wave: Array
    roi_spatial: Array
    roi_spectral: Array
    scale_radius: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class CubePars:
    """How cubes are sampled, and how detector pixels are weighted.

    Numbers are those of single precision, as the observatory's software reads them: 0.13 is 0.12999999523162842.

    Parameters
    ----------
    source : str
        Where the values come from.
    sampling : mapping of (int, str) to Sampling
        By channel and sub-band.
    msm, emsm : mapping
        Weights by channel and sub-band.
    multi_wave : ndarray, optional
        Planes of cubes of several bands, for drizzle; shape (n,), micron.
    multi_msm, multi_emsm : optional
        The same with weights.
    """

    source: str
    sampling: Mapping[Key, Sampling]
    msm: Mapping[Key, Msm]
    emsm: Mapping[Key, Emsm]
    multi_wave: Array | None = None
    multi_msm: MultiMsm | None = None
    multi_emsm: MultiEmsm | None = None

    def __post_init__(self) -> None:
        for array in (self.multi_wave, *(self.multi_msm or ()), *(self.multi_emsm or ())):
            if array is not None:
                frozen(array)

    def sampling_of(self, band: Band) -> Sampling:
        """Return the sampling of `band`.

        Raises
        ------
        InputError
            If the source has no numbers for it.
        """
        row = self._row(self.sampling, band, "sampling")
        if row.spaxel_size <= 0 or row.spectral_step <= 0 or row.wave_min >= row.wave_max:
            msg = f"{self.source}: sampling of channel {band.channel}, {band.sub_band} makes no sense: {tuple(row)}"
            raise InputError(msg)
        return row

    def msm_of(self, band: Band) -> Msm:
        """Return the msm weights of `band`; raises `InputError` as `sampling_of`."""
        return self._row(self.msm, band, "msm weights")

    def emsm_of(self, band: Band) -> Emsm:
        """Return the emsm weights of `band`; raises `InputError` as `sampling_of`."""
        return self._row(self.emsm, band, "emsm weights")

    def _row(self, rows: Mapping[Key, _Row], band: Band, what: str) -> _Row:
        row = rows.get((band.channel, band.sub_band))
        if row is None or not all(map(isfinite, row)):
            msg = f"{self.source}: no {what} for channel {band.channel}, {band.sub_band}; use another cubepar file"
            raise InputError(msg)
        return row


@dataclass(frozen=True, kw_only=True, eq=False)
class ExtractPars:
    """Aperture and background annulus over wavelength.

    Parameters
    ----------
    source : str
        Where the values come from.
    wave : ndarray
        Rising; shape (n,), micron.
    radius, inner_bkg, outer_bkg : ndarray
        Of the aperture and of the annulus; shape (n,), arcsec.
    method : str
        How pixels at the edge count (photutils).
    subpixels : int
        Number of parts of a pixel along each axis for ``"subpixel"``.
    subtract_background : bool
        True to subtract the annulus of point sources.
    """

    source: str
    wave: Array
    radius: Array
    inner_bkg: Array
    outer_bkg: Array
    method: Literal["exact", "subpixel", "center"] = "subpixel"
    subpixels: int = 10
    subtract_background: bool = True

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class ApertureCorrection:
    """Factors from the flux in an aperture to all flux.

    Parameters
    ----------
    source : str
        Where the values come from.
    wave : ndarray
        Rising; shape (n_wave,), micron.
    radius : ndarray
        Radii of the apertures; shape (n_radius, n_wave), arcsec.
    apcorr : ndarray
        Factors; shape (n_radius, n_wave).
    """

    source: str
    wave: Array
    radius: Array
    apcorr: Array

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class LeakCorrection:
    """How much light of half the wavelength leaks into band 3A.

    Parameters
    ----------
    source : str
        Where the values come from.
    wave : ndarray
        In band 3A, rising; shape (n,), micron.
    fraction : ndarray
        Flux in 3A over flux in 1B at half the wavelength; shape (n,).
    """

    source: str
    wave: Array
    fraction: Array

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class References(Shown):
    """All reference values of a run.

    Parameters
    ----------
    cubepar : CubePars
    extract1d : ExtractPars
    apcorr : ApertureCorrection or None
        None for no aperture correction.
    mrsptcorr : LeakCorrection or None
        None for no correction of the spectral leak.
    files : mapping of str to Path
        The file of each kind that was read from one.
    """

    cubepar: CubePars
    extract1d: ExtractPars
    apcorr: ApertureCorrection | None
    mrsptcorr: LeakCorrection | None
    files: Mapping[str, Path] = field(default_factory=dict)

    def sources(self) -> dict[str, str]:
        """Return where each kind comes from, for provenance."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self) if f.name != "files")
        return {name: "none" if value is None else value.source for name, value in values}

    def table(self, steps: Mapping[str, str]) -> Table:
        """Return one row a kind: what it is, the step that takes it (``steps[kind]``), its source and its file."""
        rows = [
            (kind, _TOLD[kind], steps.get(kind, ""), source, str(self.files.get(kind, "")))
            for kind, source in self.sources().items()
        ]
        return Table(("kind", "what it is", "step", "source", "file"), rows)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "Reference values"

    def rows(self) -> list[Row]:
        """Return what there is to say about them."""
        return [Row(name, source, note=str(self.files.get(name, ""))) for name, source in self.sources().items()]

    def __repr__(self) -> str:
        return to_text("Reference values", self.rows())


def _freeze(value: Any) -> None:
    for f in fields(value):
        array = getattr(value, f.name)
        if isinstance(array, np.ndarray):
            frozen(array)
