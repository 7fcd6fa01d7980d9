"""Pictures of spectra: one curve or many, with their lines named."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.axes import SMALL, Scale, Ticks, bottom_axis, left_axis, linear_ticks, log_ticks
from mrsnb.display.plots.canvas import Box, Canvas
from mrsnb.display.plots.colours import CYCLE, FAINT, Colour, rgba
from mrsnb.display.plots.curves import Stroke, draw_band, draw_curves
from mrsnb.display.plots.glyphs import length
from mrsnb.display.plots.placement import spread
from mrsnb.display.plots.stretch import percentiles
from mrsnb.display.values import Picture

Array = NDArray[Any]
WIDTH, HEIGHT = 900, 420
"""Of the picture, CSS pixels."""
FRAME = Box(78, 56, 808, 314)
"""Of the axes, CSS pixels."""
LABEL_GAP = 12.5
"""Least distance of two vertical labels, CSS pixels."""
NAME = 10.5
"""Size of the font of the names of lines, CSS pixels."""
LONGEST = 24
"""Letters of a line's name for which room is made."""
WAVES = (5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 25, 28)
_BAND = 70
"""Opacity of the band of errors."""


class Curve(NamedTuple):
    """One spectrum, in order of wavelength and with no wavelength missing; flux and error may be NaN."""

    label: str
    wave: Array
    flux: Array
    err: Array | None
    colour: Colour


class Axes(NamedTuple):
    """Where wavelengths and fluxes are."""

    x: Scale
    y: Scale


def spectrum_picture(
    title: str,
    curves: Sequence[tuple[str, Array, Array]],
    err: Sequence[Array | None] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    y_label: str = "flux / Jy",
) -> Picture:
    """Return the plot of one or more spectra.

    Parameters
    ----------
    title : str
        Title.
    curves : sequence of (str, ndarray, ndarray)
        Label, wavelength in micron and flux; both of shape (n_wave,). NaN breaks the curve.
    err : sequence of ndarray or None
        Error of each curve, shape (n_wave,), drawn as a band about it; None where there is none to draw.
    marks : sequence of (float, str)
        Wavelength in micron and name of lines; those outside the curves are left out, and the weakest where
        there is no room for so many.
    y_label : str
        Quantity and unit of the flux.
    """
    errors = [None] * len(curves) if err is None else list(err)
    every = [
        _curve(*curve, error, rgba(CYCLE[i % len(CYCLE)]))
        for i, (curve, error) in enumerate(zip(curves, errors, strict=True))
    ]
    shown = [curve for curve in every if np.isfinite(curve.flux).any()]
    names = _place_of_names(_wave_axis(shown)[0], shown) if shown and len(every) > 1 else ""
    canvas = Canvas(WIDTH, HEIGHT + (18 * -(-len(shown) // _across(shown)) + 12 if names == "below" else 0))
    canvas.title(FRAME.x, title)
    canvas.frame(FRAME)
    if shown:
        _fill(canvas, shown, marks, y_label, names)
    else:
        canvas.text(FRAME.x + FRAME.width / 2, FRAME.y + FRAME.height / 2, "no finite values", at=(0.5, 0.5))
        nothing = Ticks([], [], [])
        bottom_axis(canvas, FRAME, Scale(0, 1, 0, 1), nothing, "wavelength / micron")
        left_axis(canvas, FRAME, Scale(0, 1, 0, 1), nothing, y_label)
    return canvas.picture(title)


def _fill(canvas: Canvas, shown: Sequence[Curve], marks: Sequence[tuple[float, str]], y_label: str, names: str) -> None:
    spans = [(float(c.wave[0]), float(c.wave[-1])) for c in shown]
    inside = [(w, name) for w, name in sorted(marks) if any(low <= w <= high for low, high in spans)]
    x, x_ticks = _wave_axis(shown)
    y, y_ticks = _flux_axis(shown, above=(_strip(inside) + 30) / FRAME.height if inside else 0.06)
    strokes = []
    for c in shown:
        across, band = x(c.wave), None
        if c.err is not None:
            band = (*c.colour[:3], _BAND)
            draw_band(canvas, FRAME, across, y(c.flux - c.err), y(c.flux + c.err), band)
        strokes.append(Stroke(across, y(c.flux), c.colour, on=band))
    draw_curves(canvas, FRAME, strokes)
    _name_lines(canvas, Axes(x, y), shown, inside)
    if names:
        _name_curves(canvas, x, shown, names)
    bottom_axis(canvas, FRAME, x, x_ticks, "wavelength / micron")
    left_axis(canvas, FRAME, y, y_ticks, y_label, away=60)


def _curve(label: str, wave: Array, flux: Array, err: Array | None, colour: Colour) -> Curve:
    wave, flux = np.asarray(wave, dtype=float), np.asarray(flux, dtype=float)
    flux, err = np.where(np.isfinite(flux), flux, np.nan), None if err is None else np.asarray(err, dtype=float)
    if not (wave[1:] >= wave[:-1]).all() or not np.isfinite(wave).all():
        order = np.argsort(wave, kind="stable")[: np.isfinite(wave).sum()]
        wave, flux, err = wave[order], flux[order], None if err is None else err[order]
    return Curve(label, wave, flux, err, colour)


def _wave_axis(curves: Sequence[Curve]) -> tuple[Scale, Ticks]:
    low, high = float(min(c.wave[0] for c in curves)), float(max(c.wave[-1] for c in curves))
    if low > 0 and high > 2 * low:
        scale = Scale(low / 1.02, high * 1.02, FRAME.x, FRAME.right, log=True)
        waves = [w for w in WAVES if low <= w <= high]
        if len(waves) < 3:
            return scale, log_ticks(scale.low, scale.high)
        between = [float(w) for w in range(int(low) + 1, int(high) + 1) if w not in waves]
        return scale, Ticks([float(w) for w in waves], [str(w) for w in waves], between)
    edge = 0.02 * (high - low) or 0.02 * abs(high) or 1.0
    return Scale(low - edge, high + edge, FRAME.x, FRAME.right), linear_ticks(low - edge, high + edge, 8)


def _flux_axis(curves: Sequence[Curve], above: float, below: float = 0.05) -> tuple[Scale, Ticks]:
    """Choose a linear or logarithmic axis with some room, as fractions of its height, above and below the curves."""
    flux = np.concatenate([part for c in curves for part in (c.flux, [np.nan])])
    flux = _unspiked(flux)[np.isfinite(flux)]
    low, faint, bright, high = percentiles(flux, 0.2, 5.0, 99.0, 100.0)
    is_log = faint > 0 and bright > 10 * faint
    if is_log:
        low = max(low, faint / 10)
        ends = np.log10([low, high])
    else:
        ends = np.array([min(low, 0.0) if 0 <= low < 0.3 * high else low, high])
    span = float(ends[1] - ends[0]) or abs(float(ends[1])) or 1.0
    used = 1 - above - below
    limits = (float(ends[0] - span * below / used), float(ends[1] + span * above / used))
    if is_log:
        limits = (10 ** limits[0], 10 ** limits[1])
        return Scale(*limits, FRAME.bottom, FRAME.y, log=True), log_ticks(*limits)
    return Scale(*limits, FRAME.bottom, FRAME.y), linear_ticks(*limits, 7)


def _unspiked(flux: Array) -> Array:
    """Return `flux` where no sample counts for more than twice its higher neighbour, so that spikes set no limits."""
    beside = np.fmax(np.append(np.nan, flux[:-1]), np.append(flux[1:], np.nan))
    return np.asarray(np.where(beside > 0, np.fmin(flux, 2 * beside), flux))


class _Light:
    """All finite fluxes of some curves in order of wavelength."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        wave, flux = (np.concatenate([getattr(c, name) for c in curves]) for name in ("wave", "flux"))
        good = np.isfinite(flux)
        order = np.argsort(wave[good], kind="stable")
        self.wave, self.flux = wave[good][order], flux[good][order]

    def near(self, wave: float, within: float) -> Array:
        """Return the fluxes within a fraction of `wave`."""
        first, stop = np.searchsorted(self.wave, [wave * (1 - within), wave * (1 + within)])
        return np.asarray(self.flux[first:stop])

    def highest(self, waves: Array) -> Array:
        """Return the highest flux within half a percent of each of some wavelengths; NaN where there is none."""
        ends = np.searchsorted(self.wave, waves[:, None] * (1 - 0.005, 1 + 0.005))
        most = np.maximum.reduceat(np.append(self.flux, -np.inf), ends.ravel())[::2]
        return np.where(ends[:, 0] < ends[:, 1], most, np.nan)

    def contrast(self, wave: float) -> float:
        """Return how far the flux near `wave` rises over its surroundings; 0 where nothing is seen."""
        line, around = self.near(wave, 0.002), self.near(wave, 0.02)
        return float(line.max() - np.median(around)) if line.size else 0.0


def _name_lines(canvas: Canvas, axes: Axes, curves: Sequence[Curve], marks: Sequence[tuple[float, str]]) -> None:
    """Write names side by side near the top, each joined to its line by a thin leader."""
    if not marks:
        return
    light, foot = _Light(curves), FRAME.y + _strip(marks)
    most = int((FRAME.width - 28) / LABEL_GAP)
    kept = marks if len(marks) <= most else sorted(sorted(marks, key=lambda mark: -light.contrast(mark[0]))[:most])
    waves = np.array([wave for wave, _ in kept])
    wanted = axes.x(waves)
    places = spread(list(wanted), LABEL_GAP, FRAME.x + 16, FRAME.right - 12)
    ends = np.fmin(axes.y(light.highest(waves)), FRAME.bottom) - 5
    long = ends > foot + 20
    if long.any():
        canvas.leaders(wanted[long], np.array(places)[long], ends[long], foot + 3, foot + 16, FAINT)
    for (_, name), place in zip(kept, places, strict=True):
        canvas.text(place, foot, name, size=NAME, at=(0.5, 1.0), upward=True)


def _strip(marks: Sequence[tuple[float, str]]) -> float:
    """Return the height that the names take, CSS pixels."""
    return 8 + max((min(length(name, NAME), LONGEST * 5.0) for _, name in marks), default=0.0)


def _place_of_names(x: Scale, curves: Sequence[Curve]) -> str:
    """Return where there is room for the names of curves: ``"above"`` each, in a ``"row"``, or ``"below"`` the axes."""
    widths = [length(c.label, SMALL) for c in curves]
    spans = sorted(zip((float(x(_middle(c))) for c in curves), widths, strict=True))
    if all(b[0] - a[0] > (a[1] + b[1]) / 2 + 4 for a, b in pairwise(spans)) and len(curves) > 1:
        return "above"
    return "row" if sum(widths) + 44 * len(curves) < FRAME.width else "below"


def _name_curves(canvas: Canvas, x: Scale, curves: Sequence[Curve], place: str) -> None:
    """Name each curve in its colour."""
    left, across = FRAME.x, _across(curves)
    for k, c in enumerate(curves):
        if place == "above":
            canvas.text(float(x(_middle(c))), FRAME.y - 10, c.label, size=SMALL, colour=c.colour, at=(0.5, 0.5))
        elif place == "row":
            _key(canvas, left, FRAME.y - 12, c)
            left += length(c.label, SMALL) + 44
        else:
            _key(canvas, FRAME.x + k % across * FRAME.width / across, HEIGHT + 10 + k // across * 18, c)


def _key(canvas: Canvas, x: float, y: float, curve: Curve) -> None:
    canvas.fill(Box(x, y - 1, 20, 2), curve.colour)
    canvas.text(x + 26, y, curve.label, size=SMALL)


def _across(curves: Sequence[Curve]) -> int:
    """Return how many names stand side by side below the axes."""
    return max(1, min(3, int(FRAME.width / (max(length(c.label, SMALL) for c in curves) + 44))))


def _middle(curve: Curve) -> float:
    good = curve.wave[np.isfinite(curve.flux)]
    return float((good[0] + good[-1]) / 2)
