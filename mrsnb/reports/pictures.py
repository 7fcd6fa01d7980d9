"""The pictures of a report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.quality import CubeFigures, Quality, SpectrumFigures
from mrsnb.display import Picture
from mrsnb.reports.examine import Curve

if TYPE_CHECKING:
    from mrsnb.display.plots import SkyImage

_MOST = 12
"""Images in a picture; more are drawn in further ones."""


def cube_pictures(name: str, quality: Quality) -> list[Picture]:
    """Return the images of all cubes with the apertures; none without cubes."""
    from mrsnb.display.plots import SkyImage

    images = [
        SkyImage(band, cube.image, cube.grid.spaxel_size, unit=cube.unit, ring=ring(cube, quality.spectra.get(band)))
        for band, cube in quality.cubes.items()
    ]
    return _grids(f"{name}: median over wavelength, apertures", images, quality)


def coverage_pictures(name: str, quality: Quality) -> list[Picture]:
    """Return the number of detector pixels that made each voxel, of all cubes, with the apertures."""
    from mrsnb.display.plots import SkyImage

    images = [
        SkyImage(
            band,
            cube.coverage,
            cube.grid.spaxel_size,
            unit="detector pixels per voxel",
            colours="viridis",
            ring=ring(cube, quality.spectra.get(band)),
        )
        for band, cube in quality.cubes.items()
    ]
    return _grids(f"{name}: coverage", images, quality)


def _grids(title: str, images: Sequence["SkyImage"], quality: Quality) -> list[Picture]:
    from mrsnb.display.plots import image_grid_picture

    turn = next((cube.grid.rotation for cube in quality.cubes.values()), 0.0)
    groups = (images[start : start + _MOST] for start in range(0, len(images), _MOST))
    return [image_grid_picture(title, group, turn) for group in groups]


def band_picture(name: str, cube: CubeFigures, spectrum: SpectrumFigures | None) -> Picture:
    """Return the image of a cube and its coverage side by side, with the aperture."""
    from mrsnb.display.plots import SkyImage, image_picture

    size, place = cube.grid.spaxel_size, ring(cube, spectrum)
    images = [
        SkyImage("median", cube.image, size, unit=cube.unit, ring=place),
        SkyImage("coverage", cube.coverage, size, unit="pixels per voxel", colours="viridis", ring=place),
    ]
    return image_picture(f"{name}: cube, aperture", images, rotation=cube.grid.rotation)


def ring(cube: CubeFigures, spectrum: SpectrumFigures | None) -> tuple[float, float, float] | None:
    """Return the aperture in the middle of the band, to be drawn; None for a sum over the whole field."""
    if spectrum is None or spectrum.source_type == "EXTENDED":
        return None
    radius = float(np.mean(spectrum.radii))
    if not np.isfinite([*spectrum.position, radius]).all() or radius > max(cube.image.shape):
        return None
    return (*spectrum.position, radius)


def spectrum_of_all(name: str, curves: Sequence[Curve]) -> list[Picture]:
    """Return the plot of all spectra, bright lines marked; none without spectra."""
    return [_spectra(f"{name}: spectrum", curves)] if curves else []


def spectra_of_bands(name: str, curves: Sequence[Curve]) -> list[Picture]:
    """Return a plot of each spectrum with its errors, lines marked."""
    return [_spectra(f"{name}: {curve.label}".removeprefix(": "), [curve], errors=True) for curve in curves]


def signal_picture(name: str, curves: Sequence[Curve]) -> list[Picture]:
    """Return the plot of signal to noise of all spectra; none if no error is known."""
    from mrsnb.display.plots import spectrum_picture

    ratios = [(c.label, c.wave, _ratio(c)) for c in curves]
    if not any(np.isfinite(ratio).any() for _, _, ratio in ratios):
        return []
    return [spectrum_picture(f"{name}: flux over stated error", ratios, y_label="S/N")]


def _ratio(curve: Curve) -> NDArray[np.float64]:
    known = curve.err > 0
    return np.where(known, curve.flux / np.where(known, curve.err, 1.0), np.nan)


def _spectra(title: str, curves: Sequence[Curve], *, errors: bool = False) -> Picture:
    from mrsnb.core.lines import lines_between
    from mrsnb.display.plots import spectrum_picture

    waves = np.concatenate([c.wave[np.isfinite(c.wave)] for c in curves])
    marks = [(line.wave, line.name) for line in lines_between(waves.min(), waves.max())] if waves.size else []
    lines = [(c.label, c.wave, c.flux) for c in curves]
    return spectrum_picture(title, lines, err=[c.err for c in curves] if errors else None, marks=marks)
