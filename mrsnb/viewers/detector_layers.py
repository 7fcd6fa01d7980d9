"""A detector image as a viewer needs it: layers, what each pixel sees, slices, flags; values without widgets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import DQ, words
from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.errors import InputError
from mrsnb.geometry.detector import ChannelView, channel_view
from mrsnb.viewers.overlays import View
from mrsnb.viewers.readout import number, sexagesimal
from mrsnb.viewers.slicing import RATIO

Array = NDArray[Any]

WAVE = "wavelength"
_UNIT = "MJy/sr"


class Place(NamedTuple):
    """What a detector pixel sees."""

    band: str
    slice: int
    """Label of its slice."""
    wave: float
    """Micron."""
    alpha: float
    """Along the slice, arcsec."""
    beta: float
    """Across the slices, arcsec."""
    ra: float
    """Deg."""
    dec: float
    """Deg."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorLayers:
    """An exposure to be looked at.

    Parameters
    ----------
    exposure : Exposure
        With its arrays.
    """

    exposure: Exposure

    @classmethod
    def of(cls, source: ExposureSource) -> "DetectorLayers":
        """Return an exposure with its arrays read."""
        return cls(exposure=source.load())

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_row, n_col)``."""
        n_row, n_col = self.exposure.flux.shape
        return n_row, n_col

    @cached_property
    def views(self) -> dict[str, tuple[ChannelView, tuple[int, ...]]]:
        """Of each band what its pixels see, and the labels of its slices."""
        return {band.name: (channel_view(self.exposure.wcs, band), tuple(band.labels)) for band in self.exposure.bands}

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers."""
        return ("SCI", "ERR", "DQ", RATIO, *(name.upper() for name in self.exposure.variances), WAVE)

    def layer(self, name: str) -> tuple[Array, str]:
        """Return a layer, shape (n_row, n_col), and its unit.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        e = self.exposure
        if name == "DQ":
            return np.log2(e.dq.astype(np.float64) + 1.0), "log2(flags + 1)"
        if name == RATIO:
            with np.errstate(divide="ignore", invalid="ignore"):
                return e.flux / e.err, ""
        if name == WAVE:
            return self.waves, "\N{MICRO SIGN}m"
        arrays = {"SCI": e.flux, "ERR": e.err} | {key.upper(): value for key, value in e.variances.items()}
        if name not in arrays:
            msg = f"layer = {name!r}; {e.name} has: {', '.join(self.layer_names)}"
            raise InputError(msg)
        return arrays[name], f"({_UNIT})\N{SUPERSCRIPT TWO}" if name.startswith("VAR") else _UNIT

    @cached_property
    def waves(self) -> Array:
        """Wavelength of each pixel, shape (n_row, n_col), micron; NaN between slices."""
        image = np.full(self.shape, np.nan)
        for view, _ in self.views.values():
            image.ravel()[view.samples.pixel] = view.samples.wave
        return image

    def place(self, x: int, y: int) -> Place | None:
        """Return what a pixel, 0-based column and row, sees; None between the slices and outside the image."""
        n_row, n_col = self.shape
        if not (0 <= x < n_col and 0 <= y < n_row):
            return None
        for name, (view, labels) in self.views.items():
            where = np.flatnonzero(view.samples.pixel == y * n_col + x).astype(np.int32)
            if where.size:
                p = int(where[0])
                which = int(view.samples.slice[p])
                ra, dec = view.sky(where)
                wave, alpha = float(view.samples.wave[p]), float(view.samples.alpha[p, 0])
                return Place(name, labels[which], wave, alpha, float(view.beta[which]), float(ra[0]), float(dec[0]))
        return None

    def text(self, x: int, y: int) -> str:
        """Return what there is to say about a pixel, in words."""
        n_row, n_col = self.shape
        if not (0 <= x < n_col and 0 <= y < n_row):
            return ""
        e, place = self.exposure, self.place(x, y)
        flags = int(e.dq[y, x])
        parts = [
            f"x {x} y {y}",
            f"{number(float(e.flux[y, x]))} \N{PLUS-MINUS SIGN} {number(float(e.err[y, x]))} {_UNIT}",
            f"DQ {flags} {' '.join(words(flags)) or 'good'}",
        ]
        if place is None:
            return " | ".join([*parts, "between the slices"])
        parts += [f"slice {place.slice} of {place.band}", f"{place.wave:.5f} \N{MICRO SIGN}m"]
        parts += [f"\N{GREEK SMALL LETTER ALPHA} {place.alpha:+.3f}\N{DOUBLE PRIME}"]
        parts += [f"\N{GREEK SMALL LETTER BETA} {place.beta:+.3f}\N{DOUBLE PRIME}"]
        if np.isfinite(place.ra):
            ra, dec = sexagesimal(place.ra % 360.0 / 15.0, 3), sexagesimal(place.dec, 2, is_signed=True)
            parts.append(f"RA {ra}  Dec {dec} ({place.ra:.6f} {place.dec:+.6f})")
        return " | ".join(parts)

    def outlines(self, view: View, most: int = 130) -> list[Array]:
        """Return the sides of all slices in a part of the image, as lines of shape (n, 2) in columns and rows.

        Parameters
        ----------
        view : View
        most : int
            Corners of a line at most: a slice is nearly straight. With fewer rows than half of it in the part, lines
            follow the edges of the pixels.
        """
        n_row, n_col = self.shape
        low, high = max(0, int(view.low)), min(n_row, int(view.high) + 2)
        is_near = 2 * (high - low) <= most
        every = 1 if is_near else -(-(high - low) // most)
        lines = []
        for channel, _ in self.views.values():
            for begin, end in zip(channel.start[:-1], channel.start[1:], strict=True):
                row, column = np.divmod(channel.samples.pixel[begin:end], n_col)
                inside = (row >= low) & (row < high) & ((row - low) % every == 0)
                row, column = row[inside], column[inside]
                if not row.size:
                    continue
                rows, first = np.unique(row, return_index=True)
                last = np.append(first[1:], row.size) - 1
                for side, which in ((-0.5, first), (0.5, last)):
                    x = column[which] + side
                    if x.max() > view.left and x.min() < view.right:
                        lines.append(_stairs(x, rows) if is_near else np.stack([x, rows.astype(float)], axis=1))
        return lines

    def flags(self) -> dict[str, int]:
        """Return the flags that any pixel has, and the number of its pixels; lowest bit first."""
        some = np.bitwise_or.reduce(self.exposure.dq, axis=None)
        return {word: int(np.count_nonzero(self.exposure.dq & np.uint32(DQ[word]))) for word in words(int(some))}

    def flag_index(self, chosen: list[str]) -> NDArray[np.uint8]:
        """Return for each pixel the place, from 1, of the first chosen flag that it has; 0 for none."""
        index = np.zeros(self.shape, np.uint8)
        for place in range(len(chosen), 0, -1):
            index[(self.exposure.dq & np.uint32(DQ[chosen[place - 1]])) != 0] = place
        return index


def difference(after: DetectorLayers, before: DetectorLayers, name: str) -> tuple[Array, str]:
    """Return what a step did to a layer, and its unit: after - before, of flags those that are new.

    Raises
    ------
    InputError
        If the images have different shapes.
    """
    if after.shape != before.shape:
        msg = f"{after.exposure.name} has shape {after.shape}, {before.exposure.name} {before.shape}: no difference"
        raise InputError(msg)
    if name == "DQ":
        new = after.exposure.dq & ~before.exposure.dq
        return np.log2(new.astype(np.float64) + 1.0), "log2(new flags + 1)"
    image, unit = after.layer(name)
    return np.subtract(image, before.layer(name)[0], dtype=np.float64), unit


def _stairs(x: Array, row: Array) -> Array:
    """Return the edges of the pixels that begin or end at `x`, one a row, as a line."""
    return np.stack([np.repeat(x, 2), np.stack([row - 0.5, row + 0.5], axis=1).ravel()], axis=1)
