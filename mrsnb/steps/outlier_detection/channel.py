"""One channel of one exposure, ready to be predicted and to predict others."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.geometry.crossing import SliceLines, separation, slice_lines
from mrsnb.geometry.detector import ChannelView, channel_view
from mrsnb.kernels.rows import Look, slice_rows
from mrsnb.kernels.spikes import stand_out_alone, with_neighbours
from mrsnb.steps.cube_build.pixels import usable_pixels
from mrsnb.steps.outlier_detection.found import preview_of
from mrsnb.steps.outlier_detection.params import OutlierDetectionParams
from mrsnb.steps.validity import invalid_pixels

MAX_PARTNERS = 8
"""Exposures, the nearest ones, by which one is predicted."""
_HELD = MAX_PARTNERS + 1
"""Exposures held in memory at most."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelData:
    """One channel of one exposure, and what it tells by itself; ``m`` pixels.

    Parameters
    ----------
    look : Look
        As it is.
    clean : Look
        The same without what stands out from its own neighbourhood.
    pixel : ndarray of int32
        Flat indices into the detector image, shape (m,).
    lines : SliceLines
        Where its slices look.
    high, low : ndarray of float32
        How far each pixel stands out from its own neighbourhood, up and down, in units of the noise; shape (m,).
    """

    look: Look
    clean: Look
    pixel: NDArray[np.int32]
    lines: SliceLines
    high: Floats
    low: Floats


class Loaded(NamedTuple):
    """What is held of one exposure."""

    channels: dict[str, ChannelData]
    """By name of the band."""
    usable: NDArray[np.bool_]
    """Shape of the detector image."""
    preview: Floats
    """The detector image, small."""


class Loader:
    """Loads exposures when they are asked for, and holds the last few of the same bands."""

    def __init__(self, exposures: Sequence[ExposureSource], params: OutlierDetectionParams) -> None:
        self._exposures, self._params = exposures, params
        self._held: OrderedDict[int, Loaded] = OrderedDict()

    def __call__(self, index: int) -> Loaded:
        """Return the exposure at a place in the sequence."""
        if index not in self._held:
            bands = set(self._exposures[index].bands)
            for other in [other for other in self._held if bands.isdisjoint(self._exposures[other].bands)]:
                del self._held[other]
            if len(self._held) >= _HELD:
                self._held.popitem(last=False)
            self._held[index] = _loaded(self._exposures[index], self._params)
        self._held.move_to_end(index)
        return self._held[index]


class Partners:
    """Which exposures can predict which."""

    def __init__(self, exposures: Sequence[ExposureSource]) -> None:
        self._exposures = exposures
        self._of_band: dict[str, list[int]] = {}
        self._lines: dict[tuple[int, str], SliceLines] = {}
        for index, exposure in enumerate(exposures):
            for band in exposure.bands:
                self._of_band.setdefault(band.name, []).append(index)

    def of(self, index: int, band: Band) -> list[int]:
        """Return the exposures of the same band, the nearest ones if there are many."""
        others = [other for other in self._of_band[band.name] if other != index]
        if len(others) <= MAX_PARTNERS:
            return others
        here = self._place(index, band)
        near = sorted(others, key=lambda other: separation(here, self._place(other, band)))
        return sorted(near[:MAX_PARTNERS])

    def has(self, index: int) -> bool:
        """Return whether any band of an exposure was seen by another one."""
        return any(len(self._of_band[band.name]) > 1 for band in self._exposures[index].bands)

    def _place(self, index: int, band: Band) -> SliceLines:
        key = index, band.name
        if key not in self._lines:
            exposure = self._exposures[index]
            own = next(b for b in exposure.bands if b.name == band.name)
            self._lines[key] = slice_lines(channel_view(exposure.wcs, own))
        return self._lines[key]


def _loaded(source: ExposureSource, params: OutlierDetectionParams) -> Loaded:
    exposure = source.load()
    channels = {band.name: _channel(exposure, channel_view(exposure.wcs, band), params) for band in exposure.bands}
    return Loaded(channels, ~invalid_pixels(exposure), preview_of(exposure))


def _channel(exposure: Exposure, view: ChannelView, params: OutlierDetectionParams) -> ChannelData:
    samples, (n_row, n_col) = view.samples, exposure.flux.shape
    flux, err = usable_pixels(exposure, view)
    row, column = np.divmod(samples.pixel, n_col)
    look = Look(
        flux.astype(np.float32),
        err.astype(np.float32),
        samples.wave.astype(np.float32),
        samples.alpha[:, 0].astype(np.float32),
        row.astype(np.int16),
        column.astype(np.int16),
        view.start,
        *slice_rows(samples.pixel, view.start, n_row, n_col),
    )
    high, low = np.empty_like(look.flux), np.empty_like(look.flux)
    doubtful = np.zeros(look.flux.size, bool)
    for sign, out in ((1.0, high), (-1.0, low)):
        stand_out_alone(look, sign, params.snr[1], params.sharpness, out)
        with_neighbours(look, out > params.snr[0], out, params.snr[1], doubtful)
    clean = look._replace(flux=np.where(doubtful, np.float32(np.nan), look.flux))
    return ChannelData(look=look, clean=clean, pixel=samples.pixel, lines=slice_lines(view), high=high, low=low)
