"""What is kept of a result when the run is over: enough to show it and to compare it; knows no widgets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.cube import Cube
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row, to_html
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import ProductSummary, Spec3Result


@dataclass(frozen=True, kw_only=True, eq=False)
class Summary:
    """What is kept of a result, however large it was.

    Parameters
    ----------
    title : str
        Of the result.
    rows : tuple of Row
        What it said.
    products : tuple of ProductSummary
        Its cubes, as images, and its spectra.
    written : tuple of (int, int) or None
        Size and time of change of each product's file just after it was written; None where there is none.
    """

    title: str
    rows: tuple[Row, ...]
    products: tuple[ProductSummary, ...]
    written: tuple[tuple[int, int] | None, ...]

    @classmethod
    def of(cls, result: Any, folder: Path | None) -> "Summary":
        """Return what is kept of a result whose products, if any, were written to `folder`."""
        whole = isinstance(result, Spec3Result)  # its products came before, one by one
        values = () if whole else (*getattr(result, "cubes", ()), *getattr(result, "spectra", ()))
        products = tuple(_product(value, folder) for value in values if isinstance(value, (Cube, Spectrum)))
        return cls(
            title=result.title,
            rows=tuple(result.rows()),
            products=products,
            written=tuple(_version(product.path) for product in products),
        )

    def html(self) -> str:
        """Return it as HTML, its pictures drawn again from what is kept."""
        return to_html(self.title, self.rows, self._pictures())

    def _pictures(self) -> list[Picture]:
        from mrsnb.display.plots import SkyImage, image_grid_picture, image_picture, spectrum_picture

        images = [SkyImage(p.label, p.image, p.spaxel_size) for p in self.products if p.image is not None]
        curves = [(p.label, p.wave, p.flux) for p in self.products if p.wave is not None and p.flux is not None]
        if len(images) == 1:
            return [image_picture(f"{images[0].label}, median over wavelength", images)]
        drawn = [image_grid_picture("Median over wavelength", images)] if images else []
        return [*drawn, spectrum_picture("spectrum", curves)] if curves else drawn

    def cube(self, index: int) -> Cube | None:
        """Return the cube of a product, if its file is still the one that was written."""
        path = self.products[index].path
        if path is None or self.written[index] is None or _version(path) != self.written[index]:
            return None
        return read_s3d(path)


def _product(value: Cube | Spectrum, folder: Path | None) -> ProductSummary:
    path = None if folder is None else (folder / value.name).absolute()
    path = path if path is not None and path.exists() else None
    if isinstance(value, Cube):
        image, size = value.collapsed(), value.grid.spaxel_size
        return ProductSummary(label=value.label, name=value.name, path=path, image=image, spaxel_size=size)
    return ProductSummary(label=value.label, name=value.name, path=path, wave=value.wave, flux=value.flux)


def _version(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def arrays_of(value: Any) -> tuple[Any, ...]:
    """Return the arrays in a value: in its fields, and in tuples and mappings there."""
    if isinstance(value, np.ndarray):
        return (value,)
    if is_dataclass(value):
        parts: Iterable[Any] = (getattr(value, field.name) for field in fields(value))
    elif isinstance(value, Mapping):
        parts = value.values()
    else:
        parts = value if isinstance(value, tuple) else ()
    return tuple(array for part in parts for array in arrays_of(part))
