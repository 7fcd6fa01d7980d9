r"""Geometry of the simulated spectrograph: the laws of ``geometry.toml`` turned into polynomials and slice maps.

A slice is a curved strip along the dispersion (rows)::

    row 1023  +-----+     +-----+          e = x - centre(y)     columns from the middle of the slice
              \     \     \     \         alpha = step * e + bow * e^2
    row  512    |     |     |     |         wave  = W(y + tilt * e + displacement)
              /     /     /     /         centre, W: quadratics through rows 20, 512 and 1000
    row    0  +-----+     +-----+
              slice 111   slice 121

Both laws are exact polynomials of degree four in ``(y, x)``; only their inverses are fits.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.core.exposure import DETECTOR_SHAPE, frozen
from mrsnb.errors import ParamError, nearest

CHANNELS = {"MIRIFUSHORT": (1, 2), "MIRIFULONG": (3, 4)}
"""The channels on each detector."""

ROWS = (20.0, 512.0, 1000.0)
"""Detector rows at which ``geometry.toml`` states wavelengths and bends."""

INVERSE_DEGREE = 6
"""Degree of the polynomials from (wave, alpha) to pixels; leaves errors below 1e-3 pixel in every band."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SliceGeometry:
    """One slice: polynomials between pixels and (alpha, wave), as coefficient arrays ``c[i, j]`` of ``u**i * v**j``.

    Parameters
    ----------
    label : int
        ``100 * channel + slice``.
    beta : float
        Position across the slices, arcsec.
    column : float
        Reference column; `alpha` and `wave` take ``u = y``, ``v = x - column``.
    wave_mid : float
        Reference wavelength in micron; `x` and `y` take ``u = wave - wave_mid``, ``v = alpha``.
    alpha, wave, x, y : ndarray
        Coefficients for arcsec, micron (topocentric), columns and rows.
    """

    label: int
    beta: float
    column: float
    wave_mid: float
    alpha: NDArray[np.float64]
    wave: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelGeometry:
    """One channel in one grating setting.

    Parameters
    ----------
    band : Band
        The band.
    slices : tuple of SliceGeometry
        In order of their labels.
    window : tuple of float
        Wavelengths that select this channel, micron.
    to_v2v3 : ndarray
        Shape (2, 3): rows give V2 and V3 in arcsec as ``c[0] + c[1] * alpha + c[2] * beta``.
    """

    band: Band
    slices: tuple[SliceGeometry, ...]
    window: tuple[float, float]
    to_v2v3: NDArray[np.float64]

    @property
    def to_alpha_beta(self) -> NDArray[np.float64]:
        """Inverse of `to_v2v3`, in the same form."""
        inverse = np.linalg.inv(self.to_v2v3[:, 1:])
        return np.column_stack([-inverse @ self.to_v2v3[:, 0], inverse])


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorGeometry:
    """A detector in one setting of the grating wheels.

    Parameters
    ----------
    detector, sub_band : str
        ``"MIRIFUSHORT"`` or ``"MIRIFULONG"``, and one of `mrsnb.core.bands.SUB_BANDS`.
    channels : tuple of ChannelGeometry
        Its two channels, the lower number first.
    slice_map : ndarray
        Shape (1024, 1032), int64: label of the slice that a pixel sees, 0 between slices.
    """

    detector: str
    sub_band: str
    channels: tuple[ChannelGeometry, ...]
    slice_map: NDArray[np.int64]

    @property
    def pixel_area(self) -> float:
        """Sky area of a typical pixel of the lower channel, arcsec^2."""
        channel = self.channels[0]
        step = np.median([abs(s.alpha[0, 1]) for s in channel.slices])
        return float(step * channel.band.slice_width * abs(np.linalg.det(channel.to_v2v3[:, 1:])))


@cache
def detector_geometry(detector: str, sub_band: str) -> DetectorGeometry:
    """Return the geometry of `detector` in the setting `sub_band`; computed once.

    Raises
    ------
    ParamError
        If the detector or the setting does not exist.
    """
    if detector not in CHANNELS:
        msg = f"detector = {detector!r} does not exist{nearest(detector, list(CHANNELS))}"
        raise ParamError(msg)
    if sub_band not in SUB_BANDS:
        msg = f"sub_band = {sub_band!r} does not exist{nearest(sub_band, list(SUB_BANDS))}"
        raise ParamError(msg)
    bands = [Band(channel, sub_band) for channel in CHANNELS[detector]]
    windows = _disjoint([tuple(_table()["band"][band.name]["window"]) for band in bands])
    slice_map = np.zeros(DETECTOR_SHAPE, dtype=np.int64)
    channels = tuple(_channel(band, window, slice_map) for band, window in zip(bands, windows, strict=True))
    return DetectorGeometry(detector=detector, sub_band=sub_band, channels=channels, slice_map=frozen(slice_map))


def dither_offsets(pattern: str, count: int) -> list[tuple[float, float]]:
    """Return where the target falls, ``(x, y)`` in the ideal frame in arcsec, at each of `count` exposures.

    A pattern has eight positions; more exposures begin it again.

    Parameters
    ----------
    pattern : str
        ``"point"`` or ``"extended"``.
    count : int
        Number of exposures.
    """
    positions = _table()["dither"][pattern]
    return [tuple(positions[k % len(positions)]) for k in range(count)]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "geometry.toml").read_text(encoding="utf-8"))


def _disjoint(windows: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the windows, cut midway where they overlap: LONG-SHORT sees 7.5 micron in channels 1 and 2 alike."""
    low, high = sorted(windows)
    if low[1] > high[0]:
        middle = (low[1] + high[0]) / 2
        cut = {low: (low[0], middle), high: (middle, high[1])}
        return [cut[window] for window in windows]
    return windows


def _channel(band: Band, window: tuple[float, float], slice_map: NDArray[np.int64]) -> ChannelGeometry:
    """Return the geometry of one channel, and write its labels into `slice_map`."""
    channel, setting = _table()["channel"][str(band.channel)], _table()["band"][band.name]
    labels = _labels_left_to_right(channel["runs"])
    slices = []
    for rank, (label, t) in enumerate(zip(labels, np.linspace(-1, 1, len(labels)), strict=True)):
        centre = _bent(np.polynomial.polynomial.polyval(t, setting["columns"]), channel["bend"])
        half_width = (channel["width"][0] + channel["width"][1] * t) / 2
        _draw(slice_map, label, np.polynomial.polynomial.polyval(np.arange(DETECTOR_SHAPE[0]), centre), half_width)
        displaced = channel["rows"][0] * (-1) ** rank + channel["rows"][1] * t + channel["rows"][2] * t**2
        number = label - 100 * band.channel
        slices.append(
            _slice(
                label=label,
                beta=(number - (band.n_slices + 1) / 2) * band.slice_width,
                centre=centre,
                half_width=half_width,
                alpha=(0.0, channel["alpha_step"][0] + channel["alpha_step"][1] * t, channel["alpha_bow"]),
                rows=(displaced, channel["tilt"][0] + channel["tilt"][1] * t),
                wave=_quadratic(ROWS, setting["wave"]),
            )
        )
    axes = [scale * np.array([np.cos(a), np.sin(a)]) for a, scale in _axes(setting)]
    return ChannelGeometry(
        band=band,
        slices=tuple(sorted(slices, key=lambda s: s.label)),
        window=window,
        to_v2v3=frozen(np.column_stack([setting["v2v3"], *axes])),
    )


def _draw(slice_map: NDArray[np.int64], label: int, middle: NDArray[Any], half_width: float) -> None:
    """Write `label` where pixels are within `half_width` of the column `middle` of their row."""
    first, end = int(middle.min() - half_width), int(middle.max() + half_width) + 2
    near = slice_map[:, first:end]
    near[np.abs(np.arange(first, end) - middle[:, None]) < half_width] = label


def _labels_left_to_right(runs: list[list[int]]) -> list[int]:
    first, second = (list(range(a, b + np.sign(b - a), np.sign(b - a))) for a, b in runs)
    labels = [0] * (len(first) + len(second))
    labels[::2], labels[1::2] = first, second
    return labels


def _axes(setting: dict[str, Any]) -> list[tuple[float, float]]:
    return [(np.deg2rad(angle), scale) for angle, scale in (setting["alpha_axis"], setting["beta_axis"])]


def _quadratic(x: tuple[float, ...], y: list[float]) -> NDArray[np.float64]:
    return np.linalg.solve(np.vander(np.array(x), 3, increasing=True), np.array(y))


def _bent(column: float, bend: list[float]) -> NDArray[np.float64]:
    """Return the quadratic centre of a slice in `y` that is at `column` in row 512."""
    return _quadratic(ROWS, [column + bend[0], column, column + bend[1]])


def _slice(
    *,
    label: int,
    beta: float,
    centre: NDArray[np.float64],
    half_width: float,
    alpha: tuple[float, float, float],
    rows: tuple[float, float],
    wave: NDArray[np.float64],
) -> SliceGeometry:
    """Return the polynomials of one slice; `centre`, `wave` and `alpha` are coefficients of quadratics."""
    column = float(np.polynomial.polynomial.polyval(512.0, centre))
    e = np.zeros((5, 5))  # columns from the centre of the slice, as a polynomial in (y, x - column)
    e[:3, 0], e[0, 1] = -centre, 1.0
    e[0, 0] += column
    row = rows[1] * e  # the row that sees the same wavelength in the middle of the slice
    row[0, 0] += rows[0]
    row[1, 0] += 1.0
    a, w = _compose(np.array(alpha), e), _compose(wave, row)
    wave_mid = float(np.polynomial.polynomial.polyval2d(512.0, 0.0, w))

    y: NDArray[Any] = np.linspace(-3.0, DETECTOR_SHAPE[0] + 2.0, 25)[:, None]
    v = np.polynomial.polynomial.polyval(y, centre) - column + np.linspace(-half_width - 2, half_width + 2, 9)
    y = np.broadcast_to(y, v.shape)
    inputs = (np.polynomial.polynomial.polyval2d(y, v, w) - wave_mid, np.polynomial.polynomial.polyval2d(y, v, a))
    to_x, to_y = _fit(inputs, (v + column, y))
    return SliceGeometry(
        label=label,
        beta=beta,
        column=column,
        wave_mid=wave_mid,
        alpha=frozen(a),
        wave=frozen(w),
        x=frozen(to_x),
        y=frozen(to_y),
    )


def _compose(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of the quadratic `outer` of a polynomial `inner` that is quadratic itself."""
    square = np.zeros_like(inner)
    for i, j in np.argwhere(inner):
        square[i:, j:] += inner[i, j] * inner[: 5 - i, : 5 - j]
    result: NDArray[np.float64] = outer[1] * inner + outer[2] * square
    result[0, 0] += outer[0]
    return result


def _fit(
    inputs: tuple[NDArray[Any], NDArray[Any]], outputs: tuple[NDArray[Any], NDArray[Any]]
) -> list[NDArray[np.float64]]:
    """Return the polynomials of total degree `INVERSE_DEGREE` in `inputs` that fit each of `outputs` best."""
    scales = [np.abs(value).max() for value in inputs]
    u, v = (value.ravel() / scale for value, scale in zip(inputs, scales, strict=True))
    powers = [(i, j) for i in range(INVERSE_DEGREE + 1) for j in range(INVERSE_DEGREE + 1 - i)]
    design = np.column_stack([u**i * v**j for i, j in powers])
    solutions = np.linalg.lstsq(design, np.column_stack([z.ravel() for z in outputs]), rcond=None)[0]
    fitted = []
    for solution in solutions.T:
        coefficients = np.zeros((INVERSE_DEGREE + 1, INVERSE_DEGREE + 1))
        for (i, j), value in zip(powers, solution, strict=True):
            coefficients[i, j] = value / scales[0] ** i / scales[1] ** j
        fitted.append(coefficients)
    return fitted
