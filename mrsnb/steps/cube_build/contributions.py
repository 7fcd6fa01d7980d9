"""Which detector pixels made a voxel, the answer to ``debug_spaxel``, and which voxels a pixel feeds."""

from dataclasses import dataclass
from typing import NamedTuple

from mrsnb.core.dq import words
from mrsnb.display import Row, Section, Shown, Table


class Contribution(NamedTuple):
    """One detector pixel's part of a voxel.

    Examples
    --------
    >>> heaviest = tracer.voxel((20, 20, 60)).pixels[0]
    >>> heaviest.exposure, heaviest.x, heaviest.y
    ('star_exposure1_cal.fits', 28, 402)
    """

    exposure: str
    x: int
    """Column of the pixel, 0-based."""
    y: int
    """Row of the pixel, 0-based."""
    slice: int
    """Label of its slice."""
    wave: float
    """Its wavelength, micron."""
    weight: float
    """Its weight in the voxel: arcsec^2 micron for drizzle, without unit for emsm and msm."""
    flux: float
    """MJy/sr."""
    err: float
    """MJy/sr."""
    dq: int
    """Its flags."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Contributions(Shown):
    """All pixels of a voxel.

    Parameters
    ----------
    voxel : tuple of int
        ``(x, y, z)``, 0-based.
    pixels : tuple of Contribution
        By exposure, heaviest first within each.

    Examples
    --------
    >>> pixels = tracer.voxel((20, 20, 60))
    >>> bool(abs(pixels.flux / cube.flux[60, 20, 20] - 1) < 1e-5)
    True
    """

    voxel: tuple[int, int, int]
    pixels: tuple[Contribution, ...]

    @property
    def flux(self) -> float:
        """The voxel's value, from its pixels: MJy/sr; NaN if there are none."""
        weight = sum(p.weight for p in self.pixels)
        return sum(p.weight * p.flux for p in self.pixels) / weight if weight else float("nan")

    @property
    def title(self) -> str:
        """Which voxel it is."""
        return f"Voxel {self.voxel}"

    def rows(self) -> list[Row]:
        """Return what there is to say about the voxel."""
        return [
            Row("voxel x, y, z", ", ".join(map(str, self.voxel))),
            Row("pixels", str(len(self.pixels))),
            Row("flux", f"{self.flux:.6g}", "MJy/sr"),
        ]

    def sections(self) -> list[Section]:
        """Return the pixels as a table."""
        return [Section("Pixels", self.table(), open=True)]

    def table(self) -> Table:
        """Return one row a pixel."""
        total = sum(p.weight for p in self.pixels)
        rows = tuple(
            (
                p.exposure,
                str(p.x),
                str(p.y),
                str(p.slice),
                f"{p.wave:.5f}",
                f"{p.weight / total:.4f}",
                f"{p.flux:.5g}",
                f"{p.err:.3g}",
                " ".join(words(p.dq)) or "good",
            )
            for p in self.pixels
        )
        return Table(("exposure", "x", "y", "slice", "micron", "share", "MJy/sr", "error", "flags"), rows)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table().to_text()}"


class FedVoxel(NamedTuple):
    """A voxel that a detector pixel feeds.

    Examples
    --------
    >>> heaviest = tracer.voxel((20, 20, 60)).pixels[0]
    >>> fed = tracer.pixel(heaviest.exposure, heaviest.x, heaviest.y)
    >>> (20, 20, 60) in [voxel[:3] for voxel in fed.voxels]
    True
    """

    x: int
    """Spaxel along x, 0-based."""
    y: int
    """Spaxel along y, 0-based."""
    z: int
    """Plane, 0-based."""
    wave: float
    """Of the plane, micron."""
    weight: float
    """The pixel's weight in it, as in `Contribution`."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FedVoxels(Shown):
    """All voxels of a cube that a detector pixel feeds.

    Parameters
    ----------
    exposure : str
        Name of the pixel's exposure.
    pixel : tuple of int
        ``(x, y)``: column and row, 0-based.
    voxels : tuple of FedVoxel
        Heaviest first; none if the pixel is flagged, or outside the cube.

    Examples
    --------
    >>> heaviest = tracer.voxel((20, 20, 60)).pixels[0]
    >>> tracer.pixel(heaviest.exposure, heaviest.x, heaviest.y).title
    'Pixel (28, 402) of star_exposure1_cal.fits'
    """

    exposure: str
    pixel: tuple[int, int]
    voxels: tuple[FedVoxel, ...]

    @property
    def title(self) -> str:
        """Which pixel it is."""
        return f"Pixel {self.pixel} of {self.exposure}"

    def rows(self) -> list[Row]:
        """Return what there is to say about the pixel."""
        return [Row("pixel x, y", ", ".join(map(str, self.pixel))), Row("voxels", str(len(self.voxels)))]

    def table(self) -> Table:
        """Return one row a voxel."""
        total = sum(v.weight for v in self.voxels)
        rows = tuple((str(v.x), str(v.y), str(v.z), f"{v.wave:.5f}", f"{v.weight / total:.4f}") for v in self.voxels)
        return Table(("x", "y", "z", "micron", "share"), rows)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table().to_text()}"

    def sections(self) -> list[Section]:
        """Return the voxels."""
        return [Section("Voxels", self.table(), open=True)]
