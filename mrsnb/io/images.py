"""Write and read images that a step keeps for inspection, such as those from which outlier flags were made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.images import Images
from mrsnb.io.asdf_extension import asdf_extension
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.pixels import image_header, write_pixels
from mrsnb.io.products import primary_header


def write_images(
    arrays: Mapping[str, NDArray[np.float32]],
    primary: Cards,
    path: Path,
    *,
    model: str = "JwstDataModel",
    history: Mapping[str, Any] | None = None,
) -> Path:
    """Write arrays as the extensions of one file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By extension name.
    primary : Cards
        Keywords.
    path : Path
        Where it goes; replaced if there.
    model : str
        Data model of the observatory that opens it, such as ``"OutlierIFUOutputModel"``.
    history : mapping, optional
        Provenance; see `mrsnb.io.provenance`.

    Returns
    -------
    Path
        `path`

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    told = {} if history is None else history
    meta = {"filename": path.name, "model_type": model}
    with atomic_fits(path) as file:
        file.write(primary_header(path.name, model, primary, told))
        for name, array in arrays.items():
            image = np.asarray(array, dtype=np.float32)
            file.write(image_header(name, image))
            write_pixels(file, image)
        file.write(asdf_extension(meta, None, told))
    return path


def read_images(path: Path | str) -> Images:
    """Return the images in a file that `write_images` wrote, or the observatory.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path = Path(path)
    with opened(path) as hdus:
        arrays = {hdu.name: np.array(hdu.data) for hdu in hdus[1:] if hdu.is_image and hdu.data is not None}
        return Images(name=path.name, primary=cards_of(hdus[0].header), arrays=arrays)
