"""Read and write the region files of SAOImage DS9."""

from pathlib import Path
from typing import Any

from mrsnb.core.region import SkyAperture, as_aperture, ds9_text, parse_ds9
from mrsnb.errors import InputError
from mrsnb.io.atomic import write_bytes
from mrsnb.io.storage import local

_MOST_BYTES = 1_000_000


def read_region(path: Path | str) -> SkyAperture:
    """Return the aperture that a DS9 region file (``.reg``) describes.

    Raises
    ------
    InputError
        If it cannot be read, or holds a shape or coordinates that are not supported.
    """
    path = local(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path}: {path.stat().st_size} bytes; a region file is a short text, is this one?"
            raise InputError(msg)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path}: is not text; give the region file that DS9 saves (Region > Save)"
        raise InputError(msg) from None
    return parse_ds9(text, source=path.name)


def write_region(aperture: SkyAperture, path: Path | str) -> Path:
    """Write an aperture as a DS9 region file, and return the file's path.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    return write_bytes(path, ds9_text(aperture).encode() + b"\n")


def aperture_of(value: Any) -> SkyAperture:
    """Return the aperture in a region file (``.reg``), or what `as_aperture` makes of all else.

    Raises
    ------
    InputError
        If it is no aperture.
    """
    if isinstance(value, Path) or (isinstance(value, str) and value.lower().endswith(".reg")):
        return read_region(value)
    return as_aperture(value)
