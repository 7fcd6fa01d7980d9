"""The twelve bands of the MRS and its cross-dichroic settings, read once from ``bands.toml``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.errors import InputError, nearest

SubBand = Literal[
    "short",
    "medium",
    "long",
    "short-medium",
    "short-long",
    "medium-short",
    "medium-long",
    "long-short",
    "long-medium",
]
SUB_BANDS: tuple[str, ...] = get_args(SubBand)
"""Values of the BAND keyword, lower case, in the observatory's order; the last six are cross-dichroic settings."""

MULTIPLE = "MULTIPLE"
"""Value of BAND and DETECTOR where the inputs differ."""

_LETTER = {"short": "A", "medium": "B", "long": "C"}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "bands.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, order=True)
class Band:
    """One channel seen through one setting of the grating wheels.

    Channels 1 and 4 see the first wheel, channels 2 and 3 the second, so in a cross-dichroic setting such as
    ``"short-medium"`` channel 1 is band 1A and channel 2 is band 2B.

    Parameters
    ----------
    channel : int
        1 to 4.
    sub_band : str
        One of `SUB_BANDS`.

    Raises
    ------
    InputError
        If the channel or the sub-band does not exist.

    Examples
    --------
    >>> Band(1, "short").name, Band(2, "short-medium").name
    ('1A', '2B')
    >>> Band.from_name("3C").wave_range
    (15.41, 17.98)
    """

    channel: int
    sub_band: str

    def __post_init__(self) -> None:
        if self.channel not in (1, 2, 3, 4):
            msg = f"channel = {self.channel!r}: the MRS has channels 1 to 4"
            raise InputError(msg)
        if self.sub_band not in SUB_BANDS:
            msg = f"BAND = {self.sub_band!r} is not an MRS setting{nearest(self.sub_band, list(SUB_BANDS))}"
            raise InputError(msg)

    @classmethod
    def from_name(cls, name: str) -> "Band":
        """Return the band called `name`, ``"1A"`` to ``"4C"``."""
        settings = {letter: sub_band for sub_band, letter in _LETTER.items()}
        if len(name) != 2 or name[0] not in "1234" or name[1].upper() not in settings:
            msg = f"band = {name!r}: the bands are 1A, 1B, 1C, ... 4C"
            raise InputError(msg)
        return cls(int(name[0]), settings[name[1].upper()])

    @property
    def grating(self) -> str:
        """The grating setting this channel sees: ``"short"``, ``"medium"`` or ``"long"``."""
        first, _, second = self.sub_band.partition("-")
        return second if second and self.channel in (2, 3) else first

    @property
    def name(self) -> str:
        """``"1A"`` to ``"4C"``: the wavelengths this channel sees."""
        return f"{self.channel}{_LETTER[self.grating]}"

    @property
    def wave_range(self) -> tuple[float, float]:
        """Nominal wavelength limits in micron."""
        low, high = _table()["wave_range"][self.name]
        return low, high

    @property
    def _channel(self) -> dict[str, Any]:
        row: dict[str, Any] = _table()["channel"][str(self.channel)]
        return row

    @property
    def detector(self) -> str:
        """``"MIRIFUSHORT"`` or ``"MIRIFULONG"``."""
        return str(self._channel["detector"])

    @property
    def columns(self) -> tuple[int, int]:
        """First detector column and the one after the last, 0-based."""
        first, last = self._channel["columns"]
        return first, last

    @property
    def n_slices(self) -> int:
        """Number of image slices."""
        return int(self._channel["slices"])

    @property
    def slice_width(self) -> float:
        """Width of a slice in arcsec."""
        return float(self._channel["slice_width"])

    @property
    def labels(self) -> range:
        """The slices' labels in the slice map: ``100 * channel + slice``."""
        first = int(self._channel["first_label"])
        return range(first, first + self.n_slices)


ALL_BANDS = tuple(Band(channel, sub_band) for channel in (1, 2, 3, 4) for sub_band in ("short", "medium", "long"))
"""The twelve bands 1A ... 4C in order of wavelength."""


def bands_of(name: str, primary: Cards, wave: NDArray[Any], inputs: Sequence[Cards] = ()) -> tuple[Band, ...]:
    """Return the bands in a product: BAND says it, or `inputs` where BAND is MULTIPLE, or else the wavelengths.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    primary : Cards
        Keywords of the primary header.
    wave : ndarray
        Wavelengths, rising; shape (n_wave,), micron.
    inputs : sequence of Cards
        Keywords of the exposures, if known.

    Raises
    ------
    InputError
        If CHANNEL and BAND are not of the MRS.
    """
    channels, sub_band = primary.text("CHANNEL"), primary.text("BAND").lower()
    if not channels.isdigit() or not sub_band:
        msg = f"{name}: CHANNEL = {channels!r}, BAND = {sub_band!r}: not a product of the MRS"
        raise InputError(msg)
    if sub_band != MULTIPLE.lower():
        return tuple(Band(int(channel), sub_band) for channel in channels)
    pairs = {(c, cards.text("BAND").lower()) for cards in inputs for c in cards.text("CHANNEL") if c in channels}
    if pairs:
        found = [Band(int(channel), band) for channel, band in pairs]
        return tuple(sorted(found, key=lambda band: (band.wave_range, band.sub_band)))
    inside = (band for band in ALL_BANDS if wave[0] <= sum(band.wave_range) / 2 <= wave[-1])
    return tuple(band for band in inside if str(band.channel) in channels)


def seen_bands(cards: Cards, wave: NDArray[np.float64]) -> tuple[Band, ...]:
    """Return the bands that CHANNEL and BAND state, or else those whose middle the wavelengths reach.

    Parameters
    ----------
    cards : Cards
    wave : ndarray
        Shape (n_wave,), micron, in any order; may have NaN.
    """
    channels, setting = cards.text("CHANNEL"), cards.text("BAND").lower()
    if setting in SUB_BANDS and channels and set(channels) <= set("1234"):
        return tuple(Band(int(channel), setting) for channel in channels)
    good = wave[np.isfinite(wave)]
    return tuple(band for band in ALL_BANDS if good.size and good.min() <= sum(band.wave_range) / 2 <= good.max())


def label_of(bands: Sequence[Band]) -> str:
    """Return bands as people say them, e.g. ``"1A"``, ``"1A+1B"``, ``"1A-4C"``."""
    names = [band.name for band in bands]
    return "+".join(names) if len(names) < 4 else f"{names[0]}-{names[-1]}"
