"""A spectral cube of one band, and the grid it stands on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band, label_of
from mrsnb.core.cards import Cards
from mrsnb.core.exposure import frozen
from mrsnb.display import Picture, Row, Shown
from mrsnb.kernels.threads import share

_SPAXELS = 256
"""That are sorted at a time."""
_SHOWN = 60
"""Planes that a picture is made of at least, evenly spaced."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CubeGrid:
    """Where the voxels are: a tangent plane about ``(ra, dec)``, and a list of wavelengths.

    The sky coordinates of spaxel ``(x, y)`` (0-based) are ``xi = (x - n_x // 2) * spaxel_size`` toward *west* and
    ``eta = (y - n_y // 2) * spaxel_size`` toward north, both turned by `rotation`.

    Parameters
    ----------
    ra, dec : float
        Tangent point, at the centre of the middle spaxel; deg.
    spaxel_size : float
        Side of a spaxel, arcsec.
    n_x, n_y : int
        Odd numbers of spaxels.
    rotation : float
        Turn of the grid, deg east of north.
    wave : ndarray
        Centre of each plane; shape (n_wave,), micron.
    wave_step : ndarray
        Thickness of each plane; shape (n_wave,), micron.
    linear : bool
        True if the planes are equally spaced.
    """

    ra: float
    dec: float
    spaxel_size: float
    n_x: int
    n_y: int
    wave: NDArray[np.float64]
    wave_step: NDArray[np.float64]
    rotation: float = 0.0
    linear: bool = True

    def __post_init__(self) -> None:
        frozen(self.wave)
        frozen(self.wave_step)

    @property
    def n_wave(self) -> int:
        """Number of planes."""
        return len(self.wave)

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_wave, n_y, n_x)``."""
        return self.n_wave, self.n_y, self.n_x

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return self.n_wave * self.n_y * self.n_x

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        return [
            Row("size", f"{self.n_wave} x {self.n_y} x {self.n_x}", "wavelength, y, x"),
            Row("wavelength", f"{self.wave[0]:.4f} - {self.wave[-1]:.4f}", "micron"),
            Row("spaxel", f"{self.spaxel_size:.3f}", "arcsec"),
            Row("centre", f"RA {self.ra:.6f}, Dec {self.dec:+.6f}", "deg"),
        ]

    @property
    def x(self) -> NDArray[np.float64]:
        """Spaxel centres toward west, before the rotation; shape (n_x,), arcsec."""
        return _axis(self.n_x, self.spaxel_size)

    @property
    def y(self) -> NDArray[np.float64]:
        """Spaxel centres toward north, before the rotation; shape (n_y,), arcsec."""
        return _axis(self.n_y, self.spaxel_size)


def _axis(n: int, size: float) -> NDArray[np.float64]:
    start = (-(n // 2) * size - size / 2) + size / 2
    return np.arange(start, start + n * size, size)[:n]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube(Shown):
    """A cube with its arrays in memory.

    Parameters
    ----------
    name : str
        File name that the product has or would have, e.g. ``"target_ch1-short_s3d.fits"``.
    bands : tuple of Band
        The bands it was made of.
    grid : CubeGrid
        Where its voxels are.
    flux, err : ndarray
        Shape (n_wave, n_y, n_x), float32, MJy/sr; NaN where there is no light.
    dq : ndarray
        Shape (n_wave, n_y, n_x), uint32; 0 good, 1 hole in the field, 513 outside the field.
    weight : ndarray
        Shape (n_wave, n_y, n_x), float32: number of detector pixels that fed a voxel (WMAP).
    primary, science : Cards
        Keywords for the primary and SCI headers.
    inputs : tuple of Cards
        Primary keywords of each exposure, for the HDRTAB extension.
    history : dict
        Provenance: software, parameters, inputs, references; plain values.
    holes : int, optional
        How many voxels are holes, counted when the cube was made; None if nobody has.
    """

    name: str
    bands: tuple[Band, ...]
    grid: CubeGrid
    flux: NDArray[np.float32]
    err: NDArray[np.float32]
    dq: NDArray[np.uint32]
    weight: NDArray[np.float32]
    primary: Cards
    science: Cards
    inputs: tuple[Cards, ...] = ()
    history: dict[str, Any] = field(default_factory=dict)
    holes: int | None = None

    def __post_init__(self) -> None:
        for array in (self.flux, self.err, self.dq, self.weight):
            frozen(array)

    @property
    def label(self) -> str:
        """Bands as people say them, e.g. ``"1A"``."""
        return label_of(self.bands)

    def collapsed(self, step: int = 1) -> NDArray[np.float64]:
        """Return the median over wavelength, shape (n_y, n_x), MJy/sr; NaN where there is no light.

        Parameters
        ----------
        step : int
            Take one plane of so many.
        """
        return median_plane(self.flux[::step])

    def to_nddata(self) -> Any:
        """Return an ``astropy.nddata.NDData`` in MJy/sr; the arrays are shared, not copied.

        Uncertainties are standard deviations, voxels without light are masked; ``meta`` holds keywords, DQ, WMAP and
        provenance. The WCS has three axes, or only those of the sky where planes are not equally spaced;
        ``meta["wave"]`` has all wavelengths.
        """
        from mrsnb.core.nddata_bridge import to_nddata

        return to_nddata(self)

    def to_ccddata(self, low: Any = None, high: Any = None) -> Any:
        """Return the mean over wavelength, an ``astropy.nddata.CCDData`` in MJy/sr with the WCS of the sky.

        Parameters
        ----------
        low, high : Quantity, optional
            Limits, any unit of wavelength, of the planes' centres; all planes if None. Twice the same is one plane.

        Raises
        ------
        InputError
            If no plane is within the limits.
        """
        from mrsnb.core.nddata_bridge import to_ccddata

        return to_ccddata(self, low, high)

    def to_specutils(self) -> Any:
        """Return a ``specutils.Spectrum`` (version 2 or later, which is optional) of shape (n_wave, n_y, n_x).

        Raises
        ------
        InputError
            If specutils is missing.
        """
        from mrsnb.core.nddata_bridge import to_specutils

        return to_specutils(self)

    @classmethod
    def from_nddata(cls, data: Any, name: str | None = None) -> "Cube":
        """Return the cube that an ``NDData``, ``CCDData`` or ``specutils.Spectrum`` holds.

        Parameters
        ----------
        data : NDData
            With a unit of surface brightness, the keywords CHANNEL and BAND in ``meta`` (or ``meta["header"]``), and a
            WCS of square spaxels about the middle one. Masked voxels become NaN, outside the field. An image needs
            WAVE_MIN and WAVE_MAX (micron) in ``meta``, and is a cube of one plane. Of a cube that was cut, DQ and WMAP
            in ``meta`` must be cut alike.
        name : str, optional
            File name of the product; what ``meta`` says if None.

        Raises
        ------
        InputError
            If it is no cube of the MRS.
        """
        from mrsnb.core.nddata_bridge import from_nddata

        return from_nddata(data, name)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Cube {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        return [
            Row("band", self.label),
            *self.grid.rows(),
            Row("exposures", str(max(len(self.inputs), 1))),
        ]

    def pictures(self) -> list[Picture]:
        """Return the image collapsed over wavelength and the coverage, holes marked."""
        from mrsnb.display.plots import SkyImage, image_picture

        step, size = max(1, self.grid.n_wave // _SHOWN), self.grid.spaxel_size
        coverage = self.weight[::step].mean(axis=0, dtype=np.float32)
        holes = (self.dq[::step] == 1).any(axis=0)
        images = [
            SkyImage("median", self.collapsed(step), size),
            SkyImage(
                "coverage, holes marked" if holes.any() else "coverage",
                np.where(coverage > 0, coverage, np.nan),
                size,
                unit="pixels per voxel",
                colours="viridis",
                holes=holes,
            ),
        ]
        planes = "all planes" if step == 1 else f"one plane in {step}"
        return [image_picture(f"{self.label}, {planes}", images, rotation=self.grid.rotation)]

    def __repr__(self) -> str:
        return f"<Cube {self.name} {self.label} {self.grid.shape}>"


def median_plane(planes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the median over the first axis, shape (n_y, n_x); NaN is left out, and is where there is nothing else.

    Parameters
    ----------
    planes : ndarray, shape (n_wave, n_y, n_x)
    """
    spaxels = planes.reshape(len(planes), -1)
    image = np.full(spaxels.shape[1], np.nan)

    def part(i: int) -> None:
        here = slice(i * _SPAXELS, (i + 1) * _SPAXELS)
        values = spaxels[:, here]
        count = np.count_nonzero(values == values, axis=0)  # noqa: PLR0124 (False for NaN)
        x = np.flatnonzero(count)
        ordered = values[:, x]
        ordered.sort(axis=0)  # NaN come last
        column, count = np.arange(x.size), count[x]
        middle = np.stack([ordered[(count - 1) // 2, column], ordered[count // 2, column]])
        image[here][x] = middle.mean(axis=0, dtype=float)

    share(part, -(-image.size // _SPAXELS))
    return image.reshape(planes.shape[1:])
