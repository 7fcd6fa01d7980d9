"""Files of what a cube viewer shows: PNG, FITS, CSV, DS9 region, ``x1d``."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.cube import Cube
from mrsnb.core.layers import CubeLayers
from mrsnb.core.region import SkyAperture
from mrsnb.core.spectrum import Spectrum
from mrsnb.display.plots.glyphs import readable
from mrsnb.display.plots.stretch import Stretch, compact
from mrsnb.display.text import clean
from mrsnb.errors import InputError
from mrsnb.io.atomic import write_bytes
from mrsnb.io.maps import write_map
from mrsnb.io.places import home
from mrsnb.io.regions import write_region
from mrsnb.viewers.aperture_set import ApertureSet
from mrsnb.viewers.picture import Picture
from mrsnb.viewers.raster import colour_table, shade_index

FORMATS = {"image as PNG": ".png", "image as FITS": ".fits", "spectra as CSV": ".csv", "region for DS9": ".reg"}
X1D = "spectrum as x1d"


def save(what: str, path: Path, viewer: Any) -> Path:
    """Write what a `CubeViewer` shows in one of `FORMATS`, or as `X1D`, and return the file's path."""
    if what == X1D:
        if viewer.aperture is None:
            msg = "no aperture to sum; add one first"
            raise InputError(msg)
        from mrsnb.io.x1d import write_x1d

        number = viewer.cubes.index(viewer.cube)
        spectrum = extracted(viewer.cube, viewer.origins[number], viewer.aperture)
        return write_x1d(replace(spectrum, name=path.name), home(path).parent)
    if what == "image as PNG":
        return write_bytes(path, png_of(viewer))
    if what == "image as FITS":
        return save_fits(path, viewer.cube, viewer.picture, viewer.about)
    if what == "spectra as CSV":
        return save_csv(path, viewer.apertures)
    if what == "region for DS9":
        return save_region(path, viewer.apertures)
    msg = f"{what!r} cannot be saved; allowed: {', '.join([*FORMATS, X1D])}"
    raise InputError(msg)


def file_name(what: str, cube: CubeLayers) -> str:
    """Return the usual name of a file, whatever the cube says that it is called."""
    stem = re.sub(r'[/\\:*?"<>|]+', "_", clean(cube.name.removesuffix(".fits").removesuffix("_s3d"))).lstrip(".-")[:200]
    return f"{stem}_view{FORMATS.get(what, '_x1d.fits')}"


def png_of(viewer: Any) -> bytes:
    """Return the image that a `CubeViewer` shows as a PNG file, with apertures and colour bar."""
    title = f"{viewer.cube.label}  {viewer.about}"
    return _drawn(viewer.cube, viewer.picture, viewer.stretch, viewer.colours, viewer.apertures, title)


def _drawn(
    cube: CubeLayers, picture: Picture, stretch: Stretch | None, colours: str, apertures: ApertureSet, title: str
) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size, grid = cube.grid.spaxel_size, cube.grid
    left, low = -(grid.n_x // 2 + 0.5) * size, -(grid.n_y // 2 + 0.5) * size
    extent = (left, left + grid.n_x * size, low, low + grid.n_y * size)
    figure = Figure(figsize=(6.2, 5.2), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shades = np.full(picture.image.shape, np.nan) if stretch is None else stretch(picture.image)
    table = colour_table(colours)
    axes.set_facecolor("#a9adb3")
    index = shade_index(shades)
    axes.imshow(np.dstack([table[index], 255 * (index > 0)]), extent=extent, origin="lower", interpolation="nearest")
    for number in range(len(apertures.all)):
        for line in apertures.rings(cube, number):
            axes.plot(*line.T, color=apertures.colour(number), lw=1.4)
    axes.set(xlim=extent[:2], ylim=extent[2:], title=readable(title))
    is_aligned = abs(grid.rotation) < 0.05
    axes.set_xlabel("offset east / arcsec" if is_aligned else "x offset / arcsec")
    axes.set_ylabel("offset north / arcsec" if is_aligned else "y offset / arcsec")
    if is_aligned:
        axes.xaxis.set_major_formatter(lambda value, _: f"{-value + 0.0:g}")
    if stretch is not None:
        _colour_bar(figure, axes, stretch, colours, picture.unit)
    content = io.BytesIO()
    figure.savefig(content, format="png", bbox_inches="tight", pad_inches=0.12)
    return content.getvalue()


def _colour_bar(figure: object, axes: object, stretch: Stretch, colours: str, unit: str) -> None:
    from matplotlib.cm import ScalarMappable

    place = axes.inset_axes((1.03, 0.0, 0.04, 1.0))  # type: ignore[attr-defined]
    bar = figure.colorbar(ScalarMappable(cmap=colours), cax=place)  # type: ignore[attr-defined]
    values = stretch.ticks()
    bar.set_ticks(stretch(np.array(values)), labels=[compact(value) for value in values])
    bar.set_label(unit)


def save_fits(path: Path, cube: CubeLayers, picture: Picture, about: str) -> Path:
    """Write the image, and its error if there is one, with its place on the sky, and return the file's path."""
    arrays = {"SCI": picture.image} | ({} if picture.err is None else {"ERR": picture.err})
    return write_map(path, arrays, cube.grid, picture.unit, cube.primary, about=about)


def save_csv(path: Path, apertures: ApertureSet) -> Path:
    """Write the spectra of all apertures, and return the file's path."""
    curves, unit = apertures.curves()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["aperture", "wavelength_um", unit.replace(" / ", "_").replace("\N{MICRO SIGN}", "u"), "error"])
    for number, curve in enumerate(curves, start=1):
        for wave, flux, err in zip(curve.wave, curve.flux, curve.err, strict=True):
            if np.isfinite(flux):
                rows.writerow([number, f"{wave:.8g}", f"{flux:.7g}", f"{err:.7g}"])
    return write_bytes(path, text.getvalue().encode())


def save_region(path: Path, apertures: ApertureSet) -> Path:
    """Write all apertures as a DS9 region file, and return the file's path."""
    shapes = tuple(shape for aperture in apertures.all for shape in aperture.shapes)
    if not shapes:
        msg = "no aperture to write; add one first"
        raise InputError(msg)
    return write_region(SkyAperture(shapes=shapes), path)


def extracted(cube: CubeLayers, origin: Cube | None, aperture: SkyAperture) -> Spectrum:
    """Return the spectrum that extract_1d finds in an aperture.

    Raises
    ------
    InputError
        If the cube is not of the MRS, or the aperture misses it.
    """
    from mrsnb.io.default_references import default_extract1d
    from mrsnb.io.s3d import read_s3d
    from mrsnb.steps.extract_1d import Extract1dParams, extract_1d

    if origin is None and (not cube.bands or cube.path is None):
        msg = f"{cube.name}: an x1d spectrum needs a cube of the MRS; save it as CSV"
        raise InputError(msg)
    whole = read_s3d(cube.path) if origin is None and cube.path is not None else origin
    result = extract_1d(
        whole, Extract1dParams(ifu_set_srctype="EXTENDED"), default_extract1d(), None, region=aperture  # type: ignore[arg-type]
    )  # fmt: skip
    return result.spectra[0]
