"""Write exposures as the steps leave them: ``_crf``, ``_mbsub`` and their like."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.core.exposure import Exposure
from mrsnb.errors import InputError, OutputError
from mrsnb.io.asdf_extension import with_history
from mrsnb.io.atomic import atomic_write
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_for, is_structure
from mrsnb.io.moving_target import target_shift, with_moving_target
from mrsnb.io.products import primary_hdu


def write_exposure(
    exposure: Exposure,
    source: Path,
    path: Path,
    history: Mapping[str, Any] | None = None,
    *,
    extra: Mapping[str, NDArray[np.float32]] | None = None,
) -> Path:
    """Write an exposure with the extensions of the file it was read from.

    Parameters
    ----------
    exposure : Exposure
        What a step left.
    source : Path
        The file it was read from: its WCS, and extensions that no step changes, are taken from there.
    path : Path
        Where it goes.
    history : mapping, optional
        Provenance; see `mrsnb.io.provenance`.
    extra : mapping of str to ndarray, optional
        Further images by extension name, such as ``TRACEMODEL``.

    Returns
    -------
    Path
        `path`

    Raises
    ------
    OutputError
        If it would replace its own source, is resampled (its WCS is not that of the source), or cannot be written.
    """
    if path.exists() and path.samefile(source):
        msg = f"{path}: would replace its own input; choose another --output-dir"
        raise OutputError(msg)
    arrays = {"SCI": exposure.flux, "ERR": exposure.err, "DQ": exposure.dq}
    arrays |= {name.upper(): variance for name, variance in exposure.variances.items()}
    with opened(source) as hdus:
        if hdus["SCI"].shape != exposure.flux.shape:
            msg = f"{path}: a resampled exposure cannot be written; set oversample = 1, or save_results = False"
            raise OutputError(msg)
        told = {} if history is None else history
        primary = primary_hdu(path.name, "IFUImageModel", exposure.primary, told)
        added = [fits.ImageHDU(np.asarray(image), name=name) for name, image in (extra or {}).items()]
        kept = [_changed(hdu, arrays, exposure, told) for hdu in hdus[1:] if hdu.name not in (extra or {})]
        content = fits.HDUList([primary, *kept[:-1], *added, *kept[-1:]])  # the last is ASDF
        with atomic_write(path) as file:
            content.writeto(file)
    return path


def _changed(hdu: Any, arrays: Mapping[str, NDArray[Any]], exposure: Exposure, history: Mapping[str, Any]) -> Any:
    if hdu.name in arrays:
        new = fits.ImageHDU(np.asarray(arrays[hdu.name]), name=hdu.name)
        if hdu.name == "SCI":
            new.header.extend(cards_for(exposure.science), bottom=True)
        else:
            new.header.extend([card for card in hdu.header.cards if not is_structure(card.keyword)], bottom=True)
        return new
    if hdu.name == "ASDF":
        shift = target_shift(exposure)
        found = hdu.data.tobytes()
        content = with_history(found, history) if history else found
        if shift is not None and b"name: moving_target" not in content:
            content = _moved(content, shift)
        if content is not found:
            column = np.array([(np.frombuffer(content, np.uint8),)], dtype=[("ASDF_METADATA", "u1", (len(content),))])
            return fits.BinTableHDU(column, name="ASDF")
    return hdu


def _moved(content: bytes, shift: tuple[float, float]) -> bytes:
    try:
        return with_moving_target(content, shift)
    except InputError as error:
        msg = f"WCS of a moving target cannot be written: {error}"
        raise OutputError(msg) from None
