"""Open calibrated MRS exposures: ``_cal``, ``_crf``, ``_photom`` and their like."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.core.cards import Cards
from mrsnb.core.exposure import DETECTOR_SHAPE, Described, Exposure
from mrsnb.errors import InputError, MrsnbError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.oversample import oversampling
from mrsnb.io.asdf_tree import read_tree, safe_content
from mrsnb.io.chain import compile_chain
from mrsnb.io.headers import cards_of
from mrsnb.io.provenance import checksum
from mrsnb.io.stored import Stored, layout_of, read_stored, table_content
from mrsnb.io.tiled import refuse_bombs
from mrsnb.io.unchanged import Version, changed, version_at, versions_at
from mrsnb.io.unpacking import unpacked
from mrsnb.kernels.threads import go_on

log = logging.getLogger(__name__)

_BLOCK = 2880
_MOST_COLUMNS = 999
_IMAGES = ("SCI", "ERR", "DQ")
_VARIANCES = ("VAR_POISSON", "VAR_RNOISE", "VAR_FLAT")


_filters = RLock()
"""Of warnings, which are those of the whole process: one thread at a time opens files."""


@contextmanager
def opened(path: Path) -> Iterator[fits.HDUList]:
    """Open a FITS file for reading; whatever is wrong with it is one `InputError`.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, is no FITS file, is cut short, or is too large once unpacked.
    """
    go_on()
    try:
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("error", AstropyUserWarning)
            warnings.simplefilter("ignore", VerifyWarning)
            with unpacked(path) as stream, fits.open(stream, memmap=False) as hdus:
                _refuse_truncated(path, _all_of(hdus))
                if any(isinstance(hdu, fits.CompImageHDU) for hdu in hdus):
                    with unpacked(path) as again:
                        refuse_bombs(path, again)
                yield hdus
    except FileNotFoundError:
        msg = f"{path}: no such file; is its path right?"
        raise InputError(msg) from None
    except MrsnbError:
        raise
    except MemoryError:
        msg = f"{path}: does not fit into the memory of this machine; is it what it should be?"
        raise InputError(msg) from None
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        msg = f"{path}: not a readable FITS file ({reason[:160]}); fetch or copy it again"
        raise InputError(msg) from error


def _all_of(hdus: fits.HDUList) -> fits.HDUList:
    """Read all headers, one by one: a part of negative size would lead back to itself for ever."""
    with suppress(IndexError):  # there is no more
        for number in count():
            hdu = hdus[number]
            place = hdu.fileinfo()
            if place is not None and place["datSpan"] < 0:
                msg = f"the sizes that the header of part {number} states are negative"
                raise ValueError(msg)
            if hdu.header.get("TFIELDS", 0) > _MOST_COLUMNS:
                msg = f"TFIELDS = {hdu.header['TFIELDS']} in the header of part {number}; {_MOST_COLUMNS} are allowed"
                raise ValueError(msg)
    return hdus


def _refuse_truncated(path: Path, hdus: fits.HDUList) -> None:
    if path.suffix == ".gz":
        return
    info = hdus[-1].fileinfo()
    needed, size = info["datLoc"] + info["datSpan"], path.stat().st_size
    if size < needed or size % _BLOCK:
        msg = f"{path}: truncated: {size} bytes of {max(needed, -(-size // _BLOCK) * _BLOCK)}; fetch or copy it again"
        raise InputError(msg)


def with_images(described: Described, wcs: Any, images: Mapping[str, NDArray[Any]]) -> Exposure:
    """Return an exposure in a file with its arrays.

    Parameters
    ----------
    described : Described
        What its keywords say.
    wcs : object
        Geometry, as ``mrsnb.geometry`` evaluates it.
    images : mapping of str to ndarray
        SCI, ERR, DQ, and variances by the names of their extensions; each of shape (n_y, n_x).
    """
    return Exposure(
        name=described.name,
        primary=described.primary,
        science=described.science,
        wcs=wcs,
        flux=images["SCI"],
        err=images["ERR"],
        dq=images["DQ"],
        variances={name.lower(): image for name, image in images.items() if name not in _IMAGES},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureFile(Described):
    """An exposure on disk: described at once, its geometry and arrays read when asked for.

    Parameters
    ----------
    path : Path
    primary, science : Cards
        Keywords of the primary and SCI headers.
    """

    path: Path
    primary: Cards
    science: Cards
    layout: Mapping[str, Stored] = field(default_factory=dict, repr=False)
    """Where the images lie in the file, if all can be read straight from there."""
    version: Version | None = field(default=None, repr=False)
    """Of the file when it was opened; what is read or hashed later is of the same, or an `InputError`."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """File name, for messages and provenance."""
        return self.path.name

    @cached_property
    def wcs(self) -> Any:
        """Geometry: an `MrsChain`, or a gwcs.WCS where the chain is not the official one."""
        wcs = read_wcs(self.path)
        self.refuse_changed()
        return wcs

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        known: str | None = self.__dict__.get("_checksum")  # cached_property of Python 3.11 lets in one thread at once
        if known is None:
            known = checksum(self.path)
            self.refuse_changed()
            self.__dict__["_checksum"] = known
        return known

    def remember(self, checksum: str, version: Version | None) -> None:
        """Know the checksum of a version of the file without reading it, unless it may be another one by now.

        Raises
        ------
        InputError
            If the file has changed since.
        """
        self.__dict__["_checksum"] = checksum
        if version is None or version != self.version:
            self._compare()

    def refuse_changed(self) -> None:
        """Look whether the file is still the one that was opened; one that was only touched, or copied, is.

        Raises
        ------
        InputError
            If it is not.
        """
        if self.version is not None and version_at(self.path) != self.__dict__.get("_version", self.version):
            self._compare()

    def _compare(self) -> None:
        """Refuse the file if its checksum is not the known one."""
        now, known = version_at(self.path), self.__dict__.get("_checksum")
        if known is None or checksum(self.path) != known:
            raise changed(self.path)
        self.__dict__["_version"] = now

    def stated(self, primary: Cards) -> "ExposureFile":
        """Return the exposure with other primary keywords; what was read is not read again."""
        other = replace(self, primary=primary)
        known = ("wcs", "_checksum", "_version")
        other.__dict__.update({name: self.__dict__[name] for name in known if name in self.__dict__})
        return other

    def load(self) -> Exposure:
        """Return the exposure with its arrays.

        Raises
        ------
        InputError
            If an extension is missing or has another shape than the WCS says, or the file has changed.
        """
        images = self._images()
        self.refuse_changed()
        flux = images["SCI"]
        if not np.isfinite(flux).any():
            msg = f"{self.path}: SCI holds no finite value; leave this exposure out of the association"
            raise InputError(msg)
        _check_shape(self.path, "SCI", flux.shape, image_shape(self.wcs))
        return with_images(self, self.wcs, images)

    def flags(self) -> NDArray[np.uint32]:
        """Return DQ alone, shape (n_row, n_col).

        Raises
        ------
        InputError
            If it cannot be read.
        """
        flags: NDArray[np.uint32]
        if "DQ" in self.layout:
            flags = read_stored(self.path, self.layout["DQ"])
        else:
            with opened(self.path) as hdus:
                flags = _image(self.path, hdus, "DQ", hdus["SCI"].shape)
        return flags

    def _images(self) -> dict[str, NDArray[Any]]:
        """Return the images: SCI, ERR, DQ and variances."""
        if len({stored.shape for stored in self.layout.values()}) == 1:
            return {name: read_stored(self.path, stored) for name, stored in self.layout.items()}
        with opened(self.path) as hdus:
            names = [hdu.name for hdu in hdus]
            shape = hdus["SCI"].shape
            wanted = (*_IMAGES, *(name for name in _VARIANCES if name in names))
            return {name: _image(self.path, hdus, name, shape) for name in wanted}

    def __repr__(self) -> str:
        return f"<ExposureFile {self.name} {'+'.join(b.name for b in self.bands)}>"


def open_exposure(path: Path | str) -> ExposureFile:
    """Return the exposure in a file, its arrays not read yet.

    Parameters
    ----------
    path : Path or str
        A level-2b file of the MRS, compressed or not.

    Raises
    ------
    InputError
        If the file cannot be read, is not of the MRS, has no SCI extension or no WCS.
    """
    path = Path(path)
    version = versions_at([path])[path]
    with opened(path) as hdus:
        names = [hdu.name for hdu in hdus]
        for needed in _IMAGES:
            if needed not in names:
                found = ", ".join(names[1:]) or "none"
                msg = f"{path}: no {needed} extension (found {found}); is it a level-2b exposure?"
                raise InputError(msg)
        shape = hdus["SCI"].shape
        primary, science = cards_of(hdus[0].header), cards_of(hdus["SCI"].header)
        layout = layout_of(path, hdus, ("SCI", "ERR", *_VARIANCES), ("DQ",))
        exposure = ExposureFile(path=path, primary=primary, science=science, layout=layout, version=version)
        chain = _chain(path, table_content(hdus["ASDF"])) if "ASDF" in names else None
    if chain is not None:
        exposure.__dict__["wcs"] = chain
    exposure.refuse_changed()
    may_be_wider = len(shape) == 2 and shape[0] == DETECTOR_SHAPE[0] and shape[1] > DETECTOR_SHAPE[1]
    _check_shape(path, "SCI", shape, shape if may_be_wider else DETECTOR_SHAPE)
    _check_keywords(path, exposure.primary)
    if "ASDF" not in names:
        msg = f"{path}: no ASDF extension, so no WCS; run level 2 (assign_wcs) on it again"
        raise InputError(msg)
    if may_be_wider:
        _check_shape(path, "SCI", shape, image_shape(exposure.wcs))
    return exposure


def image_shape(wcs: Any) -> tuple[int, int]:
    """Return the shape of the exposures that have this geometry: that of the detector, or more columns."""
    return DETECTOR_SHAPE[0], math.ceil(DETECTOR_SHAPE[1] * oversampling(wcs))


def _check_shape(path: Path, name: str, found: Any, expected: tuple[int, int]) -> None:
    if found != expected:
        what = "an MRS exposure has" if expected == DETECTOR_SHAPE else "oversampled as its WCS says, it has"
        msg = f"{path}: {name} has shape {found}; {what} {expected}"
        raise InputError(msg)


def _check_keywords(path: Path, primary: Cards) -> None:
    instrument, kind = primary.text("INSTRUME"), primary.text("EXP_TYPE")
    if instrument != "MIRI" or kind != "MIR_MRS":
        msg = f"{path}: INSTRUME = {instrument!r}, EXP_TYPE = {kind!r}; mrsnb reads MIRI exposures of type MIR_MRS"
        raise InputError(msg)
    channel, sub_band = primary.text("CHANNEL"), primary.text("BAND").lower()
    if channel not in ("12", "34") or sub_band not in SUB_BANDS:
        msg = (
            f"{path}: CHANNEL = {channel!r}, BAND = {sub_band.upper()!r}; allowed: 12 or 34, and {', '.join(SUB_BANDS)}"
        )
        raise InputError(msg)
    expected = Band(int(channel[0]), sub_band).detector
    if primary.text("DETECTOR") != expected:
        msg = f"{path}: DETECTOR = {primary.text('DETECTOR')!r} does not have channels {channel}; expected {expected}"
        raise InputError(msg)
    if primary.text("S_WCS") != "COMPLETE":
        msg = f"{path}: S_WCS = {primary.text('S_WCS')!r}: it has no WCS; run level 2 (assign_wcs) on it again"
        raise InputError(msg)


def _image(path: Path, hdus: fits.HDUList, name: str, shape: tuple[int, int]) -> Any:
    _check_shape(path, name, getattr(hdus[name], "shape", None), shape)
    return np.array(hdus[name].data, dtype=np.uint32 if name == "DQ" else np.float32)


def read_wcs(path: Path) -> Any:
    """Return the geometry in a file's ASDF extension.

    Returns
    -------
    MrsChain or gwcs.WCS
        The chain, where the tree holds exactly the official one.

    Raises
    ------
    InputError
        If there is no WCS that can be read.
    """
    with opened(path) as hdus:
        if "ASDF" not in [hdu.name for hdu in hdus]:
            msg = f"{path}: no ASDF extension, so no WCS; run level 2 (assign_wcs) on it again"
            raise InputError(msg)
        content = table_content(hdus["ASDF"])
    chain = _chain(path, content)
    return _gwcs(path, content) if chain is None else chain


def _chain(path: Path, content: bytes) -> MrsChain | None:
    """Return the geometry in an ASDF extension, if it is exactly the official chain."""
    try:
        return compile_chain(read_tree(content))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as reason:
        log.info("%s: WCS evaluated with gwcs (%s)", path.name, reason)
        return None


def _gwcs(path: Path, content: bytes) -> Any:
    from io import BytesIO

    import asdf

    try:
        content = safe_content(content)
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with asdf.open(BytesIO(content), lazy_load=False, memmap=False) as tree:
                wcs = tree["meta"]["wcs"]
                wcs.get_transform("detector", "alpha_beta").label_mapper.mapper  # noqa: B018
                return wcs
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        msg = f"{path}: its WCS cannot be read ({type(error).__name__}: {reason}); run level 2 (assign_wcs) on it again"
        raise InputError(msg) from error
