"""A cube as a viewer needs it: of any instrument, its planes read when they are asked for."""

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band, label_of
from mrsnb.core.blend import ARCSEC2_SR
from mrsnb.core.cards import Cards
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.dq import UNUSABLE
from mrsnb.display import Row, Shown

_SMALL_STEP = 65536
"""Bytes from plane to plane below which a part of many planes is asked for in one go, with what lies between."""
_SIGNED = 2**31
"""BZERO of unsigned integers of 32 bits, which FITS keeps as signed ones."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One kind of value of each voxel, in memory or in a file.

    Parameters
    ----------
    data : ndarray, shape (n_wave, n_y, n_x)
        As it is stored: any numbers in any order of bytes, possibly memory-mapped.
    kind : str
        ``"plain"``; ``"variance"``, which is read as its square root; or ``"bits"``.
    scale, zero : float
        BSCALE and BZERO of the stored numbers.
    blank : int, optional
        The stored number that means that there is none.
    """

    data: NDArray[Any]
    kind: Literal["plain", "variance", "bits"] = "plain"
    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None

    def read(self, *where: Any) -> NDArray[Any]:
        """Return a part, as float32 or (bits) uint32, which the caller may change."""
        part = self._part(where)
        if self.kind == "bits":
            if part.dtype.itemsize == 4 and self.zero == _SIGNED:
                return np.asarray(part.astype(np.int32).view(np.uint32) ^ np.uint32(_SIGNED))
            return np.asarray((part.astype(np.int64) + int(self.zero)).astype(np.uint32))
        values = part.astype(np.float32, copy=part.dtype == np.float32)
        if self.scale != 1 or self.zero != 0:
            values *= np.float32(self.scale)
            values += np.float32(self.zero)
        if self.blank is not None:
            values[part == self.blank] = np.nan
        if self.kind == "variance":
            np.copyto(values, np.nan, where=values < 0)
            np.sqrt(values, out=values)
        return values

    def _part(self, where: tuple[Any, ...]) -> NDArray[Any]:
        """Return a part as it is stored; pages of the file count as memory in use only while they are read."""
        part = self.data[where]
        mapped = getattr(part, "_mmap", None)
        if mapped is None:
            return np.asarray(part)
        _call_pages(part, mapped)
        held = np.array(part)
        if hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return held


def _call_pages(part: NDArray[Any], mapped: mmap.mmap) -> None:
    """Have the system read what a part needs of a file, and no more, before it is missed page by page."""
    if not hasattr(mapped, "madvise") or not hasattr(mmap, "MADV_WILLNEED") or not part.size:
        return
    planes = part if part.ndim == 3 else part.reshape(1, *part.shape)
    first, end = np.lib.array_utils.byte_bounds(planes[0])
    step, page = planes.strides[0], mmap.PAGESIZE
    begin = first - np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    mapped.madvise(mmap.MADV_RANDOM)
    if abs(step) < max(end - first + page, _SMALL_STEP):
        begin, end, planes = begin + min(0, step * (len(planes) - 1)), end + abs(step) * (len(planes) - 1), planes[:1]
    for number in range(len(planes)):
        at = begin + number * step
        mapped.madvise(mmap.MADV_WILLNEED, at // page * page, at % page + end - first)


@dataclass(frozen=True, kw_only=True, eq=False)
class CubeLayers(Shown):
    """A cube of any instrument, of which parts are read when they are asked for.

    Parameters
    ----------
    name : str
        File name.
    bands : tuple of Band
        The bands of the MRS that it was made of; none for other instruments.
    grid : CubeGrid
        Where its voxels are.
    unit : str
        Of flux and error, as the file states it.
    flux : Layer
    err, dq, weight : Layer, optional
        As far as there are any.
    bad_bits : int
        Bits of `dq` that keep a voxel out of sums.
    primary, science : Cards
        Keywords of the primary and SCI headers.
    history : dict
        Provenance.
    path : Path, optional
        The file.
    """

    name: str
    grid: CubeGrid
    unit: str
    flux: Layer
    err: Layer | None = None
    dq: Layer | None = None
    weight: Layer | None = None
    bands: tuple[Band, ...] = ()
    bad_bits: int = UNUSABLE
    primary: Cards = field(default_factory=Cards)
    science: Cards = field(default_factory=Cards)
    history: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @classmethod
    def of(cls, cube: Cube) -> "CubeLayers":
        """Return what a cube in memory holds; nothing is copied."""
        return cls(
            name=cube.name,
            grid=cube.grid,
            unit=str(cube.science.get("BUNIT", "MJy/sr")),
            flux=Layer(cube.flux),
            err=Layer(cube.err),
            dq=Layer(cube.dq, "bits"),
            weight=Layer(cube.weight),
            bands=cube.bands,
            primary=cube.primary,
            science=cube.science,
            history=cube.history,
        )

    @property
    def label(self) -> str:
        """Bands as people say them, or the file's name."""
        return label_of(self.bands) if self.bands else self.name.removesuffix(".fits")

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_wave, n_y, n_x)``."""
        return self.grid.shape

    @property
    def is_surface_brightness(self) -> bool:
        """True if values are in MJy/sr, so that sums over spaxels can be given in Jy."""
        return self.unit.replace(" ", "") in ("MJy/sr", "MJysr-1")

    @property
    def spaxel_sr(self) -> float:
        """Solid angle of a spaxel, sr."""
        stated = self.science.number("PIXAR_SR")
        return self.grid.spaxel_size**2 * ARCSEC2_SR if stated is None or not stated > 0 else stated

    @property
    def layers(self) -> dict[str, Layer]:
        """What there is, by the name of the extension."""
        found = {"SCI": self.flux, "ERR": self.err, "DQ": self.dq, "WMAP": self.weight}
        return {name: layer for name, layer in found.items() if layer is not None}

    @property
    def title(self) -> str:
        """What it is."""
        return f"Cube {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        return [
            Row("band", self.label),
            *self.grid.rows(),
            Row("layers", ", ".join(self.layers), note=self.unit),
        ]

    def __repr__(self) -> str:
        return f"<CubeLayers {self.name} {self.label} {self.shape}>"
