"""Write an image made of a cube, with its place on the sky."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.blend import wcs_keywords
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import CubeGrid
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.pixels import image_header, write_pixels
from mrsnb.io.places import home
from mrsnb.io.products import primary_header


def write_map(
    path: Path | str,
    arrays: Mapping[str, NDArray[Any]],
    grid: CubeGrid,
    unit: str,
    primary: Cards,
    *,
    about: str = "",
) -> Path:
    """Write images on the spaxels of a cube as a FITS file, and return its path.

    Parameters
    ----------
    path : Path or str
        Replaced if it is there.
    arrays : mapping of str to ndarray
        By extension name; shape (n_y, n_x).
    grid : CubeGrid
        Of the cube.
    unit : str
        Of the first.
    primary : Cards
        Keywords.
    about : str
        How it was made, for the keyword MAPOF.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = home(path)
    place = {key: value for key, value in wcs_keywords(grid).items() if "3" not in key and key != "WCSAXES"}
    told = [Card("MAPOF", about, "What the image is made of")] if about else []
    cards = [Card("BUNIT", unit, "physical units of the array values"), *told, Card("WCSAXES", 2)]
    science = Cards([*cards, *(Card(key, value) for key, value in place.items())])
    with atomic_fits(path) as file:
        file.write(primary_header(path.name, "ImageModel", primary, {}))
        for name, array in arrays.items():
            image = np.asarray(array, np.float32)
            file.write(image_header(name, image, science))
            write_pixels(file, image)
    return path
