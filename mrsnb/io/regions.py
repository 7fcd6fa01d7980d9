"""Read the region files of SAOImage DS9."""

from pathlib import Path

from mrsnb.core.region import SkyAperture, parse_ds9
from mrsnb.errors import InputError

_MOST_BYTES = 1_000_000


def read_region(path: Path | str) -> SkyAperture:
    """Return the aperture that a DS9 region file (``.reg``) describes.

    Raises
    ------
    InputError
        If it cannot be read, or holds a shape or coordinates that are not supported.
    """
    path = Path(path).expanduser()
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
