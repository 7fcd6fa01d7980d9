"""Write and read combined spectra: ``_c1d.fits`` and its like, laid out as the observatory's; read backgrounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.core.bands import MULTIPLE, seen_bands
from mrsnb.core.cards import Card, Cards
from mrsnb.core.combined import COMBINED_COLUMNS, CombinedSpectrum
from mrsnb.errors import InputError, OutputError
from mrsnb.io.asdf_extension import asdf_extension, read_history
from mrsnb.io.bintable import spectrum_columns, table_bytes
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.products import place_of, primary_header
from mrsnb.io.storage import local
from mrsnb.io.stored import table_content
from mrsnb.io.wcs_text import spectrum_wcs

_COMBINED, _EXTRACTED = "COMBINE1D", "EXTRACT1D"
_MODEL = "MultiCombinedSpecModel"
_OTHER_NAMES = {"ERROR": ("FLUX_ERROR",)}


def write_c1d(spectra: Sequence[CombinedSpectrum], directory: Path | str) -> Path:
    """Write combined spectra to one file in a directory, under the name of the first, and return the file's path.

    The extensions are COMBINE1D, one for each spectrum (CHANNEL and BAND say which), and ASDF. The file appears when
    it is complete; one of that name is replaced.

    Parameters
    ----------
    spectra : sequence of CombinedSpectrum
        One or more.
    directory : Path or str
        An existing directory.

    Raises
    ------
    OutputError
        If there is no spectrum, or the file cannot be written.
    """
    if not spectra:
        msg = "no combined spectrum to write"
        raise OutputError(msg)
    first = spectra[0]
    path = place_of(first.name, directory)
    tables = [table_bytes(_COMBINED, _rows(s), units=COMBINED_COLUMNS, cards=_cards(s), version=i + 1)
              for i, s in enumerate(spectra)]  # fmt: skip
    meta = {"filename": first.name, "model_type": _MODEL}
    primary = primary_header(first.name, _MODEL, _primary(spectra), first.history)
    with atomic_fits(path) as file:
        file.write(primary)
        for table in tables:
            file.write(table)
        file.write(asdf_extension(meta, spectrum_wcs(first.ra, first.dec, first.wave), first.history, in_spec=False))
    return path


def read_c1d(path: Path | str) -> tuple[CombinedSpectrum, ...]:
    """Return the spectra in a ``_c1d`` product, ours or the observatory's.

    Raises
    ------
    InputError
        If it cannot be read or holds no combined spectrum.
    """
    return _read(Path(path), (_COMBINED,), "a _c1d product")


def read_background(path: Path | str) -> tuple[CombinedSpectrum, ...]:
    """Return the spectra in a file that a user gives as background: combined (``_c1d``) or extracted (``_x1d``).

    Columns WAVELENGTH and SURF_BRIGHT are needed, all others NaN (DQ: 0) if missing.

    Raises
    ------
    InputError
        If it cannot be read, holds no spectrum, or is in other units than micron and MJy/sr.
    """
    return _read(local(path), (_COMBINED, _EXTRACTED), "a spectrum (_c1d or _x1d)")


def _read(path: Path, names: tuple[str, ...], what: str) -> tuple[CombinedSpectrum, ...]:
    with opened(path) as hdus:
        tables = [hdu for hdu in hdus if hdu.name in names]
        if not tables:
            found = ", ".join(hdu.name for hdu in hdus[1:]) or "none"
            msg = f"{path}: no {' or '.join(names)} extension (found {found}); is it {what}?"
            raise InputError(msg)
        primary = cards_of(hdus[0].header)
        here = [hdu.name for hdu in hdus]
        history = read_history(table_content(hdus["ASDF"])) if "ASDF" in here else {}
        return tuple(_spectrum(path, hdu, primary, history) for hdu in tables)


def _spectrum(path: Path, hdu: fits.BinTableHDU, primary: Cards, history: dict[str, Any]) -> CombinedSpectrum:
    """Return one table; its own header states its bands; the primary one may be that of the first input."""
    cards = cards_of(hdu.header)
    columns = spectrum_columns(path, hdu, COMBINED_COLUMNS, ("WAVELENGTH", "SURF_BRIGHT"), _OTHER_NAMES)
    ra, dec = (cards.number(key) for key in ("SLIT_RA", "SLIT_DEC"))
    return CombinedSpectrum(
        name=path.name.removesuffix(".gz"),
        bands=seen_bands(cards, columns["WAVELENGTH"]),
        columns=columns,
        source_type=cards.text("SRCTYPE").upper(),
        ra=np.nan if ra is None else ra,
        dec=np.nan if dec is None else dec,
        primary=primary,
        history=history,
    )


def _primary(spectra: Sequence[CombinedSpectrum]) -> Cards:
    """Return the keywords of the first spectrum, with the channels and the setting of all."""
    bands = [band for spectrum in spectra for band in spectrum.bands]
    if not bands:
        return spectra[0].primary
    settings = {band.sub_band.upper() for band in bands}
    channels = "".join(sorted({str(band.channel) for band in bands}))
    return spectra[0].primary.updated(CHANNEL=channels, BAND=settings.pop() if len(settings) == 1 else MULTIPLE)


def _rows(spectrum: CombinedSpectrum) -> NDArray[Any]:
    kinds = [(name, np.uint32 if name == "DQ" else np.float64) for name in COMBINED_COLUMNS]
    data = np.empty(len(spectrum.wave), dtype=kinds)
    for name in COMBINED_COLUMNS:
        data[name] = spectrum.columns[name]
    return data


def _cards(spectrum: CombinedSpectrum) -> Cards:
    settings = {band.sub_band.upper() for band in spectrum.bands}
    cards = [
        Card("SRCTYPE", spectrum.source_type or "UNKNOWN", "Source type as extracted"),
        Card("SLIT_RA", float(spectrum.ra), "[deg] Right ascension of the first input"),
        Card("SLIT_DEC", float(spectrum.dec), "[deg] Declination of the first input"),
    ]
    if len(settings) == 1:
        channels = "".join(sorted({str(band.channel) for band in spectrum.bands}))
        cards += [Card("CHANNEL", channels, "Channels in it"), Card("BAND", settings.pop(), "Setting")]
    return Cards(cards)
