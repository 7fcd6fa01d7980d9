"""Write exposures as the steps leave them: ``_crf``, ``_mbsub`` and their like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import DETECTOR_SHAPE, Described, Exposure
from mrsnb.errors import InputError, OutputError
from mrsnb.geometry.chain import spread_columns
from mrsnb.geometry.detector import wave_image
from mrsnb.geometry.oversample import oversampling
from mrsnb.geometry.slice_images import slice_map
from mrsnb.io.asdf_extension import as_extension, with_history
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.exposures import ExposureFile, opened, with_images
from mrsnb.io.headers import cards_of
from mrsnb.io.pixels import image_header, write_pixels
from mrsnb.io.products import primary_header
from mrsnb.io.stored import Stored, read_stored, stored_bytes, table_content
from mrsnb.io.unchanged import Version, changed, version_at
from mrsnb.io.wcs_steps import has_more_columns, target_shift, with_more_columns, with_moving_target

_WIDENED = {"b1": np.int16, "i1": np.int16, "u2": np.int32, "u8": np.int64}
"""Kinds of numbers that FITS has no place for, and those that hold them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WrittenExposure(Described):
    """An exposure as a step left it, in a file that was written of it.

    Parameters
    ----------
    name : str
        File name of what the step was given.
    path : Path
        The file.
    primary, science : Cards
        Keywords of the primary and SCI headers.
    wcs : object
        Geometry, as ``mrsnb.geometry`` evaluates it.
    layout : mapping of str to Stored
        Where the images lie in the file.
    version : Version
        Of the file when it was written.
    """

    name: str
    path: Path
    primary: Cards
    science: Cards
    wcs: Any
    layout: Mapping[str, Stored] = field(repr=False)
    version: Version = field(repr=False)

    def load(self) -> Exposure:
        """Return the exposure with its arrays.

        Raises
        ------
        InputError
            If the file has changed, or is not there any more.
        """
        images = {name: read_stored(self.path, stored) for name, stored in self.layout.items()}
        if version_at(self.path) != self.version:
            raise changed(self.path)
        return with_images(self, self.wcs, images)

    def __repr__(self) -> str:
        return f"<WrittenExposure {self.path.name} {'+'.join(b.name for b in self.bands)}>"


def write_exposure(
    exposure: Exposure,
    source: Path | ExposureFile,
    path: Path,
    history: Mapping[str, Any] | None = None,
    *,
    extra: Mapping[str, NDArray[Any]] | None = None,
) -> WrittenExposure:
    """Write an exposure with the extensions of the file it was read from.

    Parameters
    ----------
    exposure : Exposure
        What a step left.
    source : Path or ExposureFile
        The file it was read from: its WCS, and extensions that no step changes, are taken from there.
    path : Path
        Where it goes.
    history : mapping, optional
        Provenance; see `mrsnb.io.provenance`.
    extra : mapping of str to ndarray, optional
        Further images by extension name, such as ``TRACEMODEL``.

    Returns
    -------
    WrittenExposure
        The same exposure, its arrays read from the new file when they are asked for.

    Raises
    ------
    InputError
        If the source cannot be read any more, or has changed.
    OutputError
        If it would replace its own source, or cannot be written.

    Notes
    -----
    An oversampled exposure, whose source has the columns of the detector, gets what the observatory's
    adaptive_trace_model adds: the frame ``coordinates`` in its WCS, and the extensions REGIONS (labels of slices) and
    WAVELENGTH (micron). Images that no step changes have the nearest pixels of the source.
    """
    file = source.path if isinstance(source, ExposureFile) else source
    if path.exists() and file.exists() and path.samefile(file):
        msg = f"{path}: would replace its own input; choose another --output-dir"
        raise OutputError(msg)
    parts, offsets = _parts(exposure, file, path.name, history or {}, extra or {}), {}
    if isinstance(source, ExposureFile):
        source.refuse_changed()
    with atomic_fits(path) as written:
        for part in parts:
            if isinstance(part, bytes):
                written.write(part)
            else:
                offsets[id(part)] = written.tell()
                write_pixels(written, part)
    layout = {
        name: Stored(offsets[id(array)], array.shape, array.dtype.kind == "f")
        for name, array in _images_of(exposure).items()
    }
    return WrittenExposure(
        name=exposure.name,
        path=path,
        primary=exposure.primary,
        science=exposure.science,
        wcs=exposure.wcs,
        layout=layout,
        version=version_at(path),
    )


def _images_of(exposure: Exposure) -> dict[str, NDArray[Any]]:
    """Return the images of an exposure by the names of their extensions."""
    variances = {name.upper(): variance for name, variance in exposure.variances.items()}
    return {"SCI": exposure.flux, "ERR": exposure.err, "DQ": exposure.dq, **variances}


def _parts(
    exposure: Exposure, source: Path, name: str, history: Mapping[str, Any], extra: Mapping[str, NDArray[Any]]
) -> list[bytes | NDArray[Any]]:
    """Return what the file holds, in order: bytes as they are, and the pixels of images."""
    arrays = _images_of(exposure)
    parts: list[bytes | NDArray[Any]] = [primary_header(name, "IFUImageModel", exposure.primary, history)]
    with opened(source) as hdus:
        if hdus["SCI"].shape != exposure.flux.shape:
            extra = {**_wider(exposure), **extra}
        kept = [_changed(hdu, arrays, exposure, history) for hdu in hdus[1:] if hdu.name not in extra]
    added = [_image(name, np.asarray(image)) for name, image in extra.items()]
    for extension in [*kept[:-1], *added, *kept[-1:]]:  # the last is ASDF
        parts += extension
    return parts


def _image(name: str, data: NDArray[Any], cards: Cards | None = None) -> list[bytes | NDArray[Any]]:
    return [image_header(name, data, cards), data]


def _wider(exposure: Exposure) -> dict[str, NDArray[Any]]:
    """Return the images that only oversampled exposures have."""
    waves = [wave_image(exposure.wcs, band) for band in exposure.bands]
    wave = np.where(np.isfinite(waves[0]), *waves) if len(waves) == 2 else waves[0]
    return {"REGIONS": slice_map(exposure.wcs).astype(np.int32), "WAVELENGTH": wave.astype(np.float32)}


def _changed(
    hdu: Any, arrays: Mapping[str, NDArray[Any]], exposure: Exposure, history: Mapping[str, Any]
) -> list[bytes | NDArray[Any]]:
    """Return an extension of the source with what became of it."""
    if hdu.name in arrays:
        cards = exposure.science if hdu.name == "SCI" else cards_of(hdu.header)
        return _image(hdu.name, arrays[hdu.name], cards)
    if hdu.name == "ASDF":
        found = table_content(hdu)
        content = _with_frames(with_history(found, history) if history else found, exposure)
        if content is not found:
            return [*as_extension(content)]
    elif hdu.is_image and hdu.shape == DETECTOR_SHAPE != exposure.flux.shape:
        wider = spread_columns(hdu.data, oversampling(exposure.wcs))
        return _image(hdu.name, wider.astype(_WIDENED.get(wider.dtype.str[1:], wider.dtype), copy=False))
    place = hdu.fileinfo()
    return [stored_bytes(hdu, "hdrLoc", place["datLoc"] + place["datSpan"] - place["hdrLoc"])]


def _with_frames(content: bytes, exposure: Exposure) -> bytes:
    """Return the ASDF extension with the frames that steps put before and after those of its gWCS."""
    shift, factor = target_shift(exposure), oversampling(exposure.wcs)
    try:
        if shift is not None and b"name: moving_target" not in content:
            content = with_moving_target(content, shift)
        if factor != 1 and not has_more_columns(content):
            content = with_more_columns(content, factor, exposure.flux.shape)
    except InputError as error:
        msg = f"{exposure.name}: WCS after this step cannot be written: {error}"
        raise OutputError(msg) from None
    return content
