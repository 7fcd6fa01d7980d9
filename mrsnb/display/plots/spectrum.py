"""Pictures of spectra: one curve or many, with their lines named."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import FAINT, INK, draw, readable
from mrsnb.display.plots.placement import spread
from mrsnb.display.plots.stretch import compact
from mrsnb.display.values import Picture

Array = NDArray[Any]
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#2E96D1", "#D18B00")
"""After Okabe & Ito, without what is faint on white; ordered for contrast between neighbours."""
WIDTH, HEIGHT = 900, 448
LEFT, RIGHT, BOTTOM, TOP = 70, 886, 50, 390
"""Edges of the axes, CSS pixels."""
LABEL_GAP = 12.5
"""Least distance of two vertical labels, CSS pixels."""
LETTER = 5.0
"""Length of a letter of a line's name, CSS pixels."""
WAVES = (5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 25, 28)


class Curve(NamedTuple):
    """One spectrum, in order of wavelength and with no wavelength missing; flux and error may be NaN."""

    label: str
    wave: Array
    flux: Array
    err: Array | None
    colour: str


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
        _curve(*curve, error, CYCLE[i % len(CYCLE)])
        for i, (curve, error) in enumerate(zip(curves, errors, strict=True))
    ]
    shown = [curve for curve in every if np.isfinite(curve.flux).any()]

    def paint(figure: Any) -> None:
        axes = figure.add_axes((LEFT / WIDTH, BOTTOM / HEIGHT, (RIGHT - LEFT) / WIDTH, (TOP - BOTTOM) / HEIGHT))
        axes.set_xlabel("wavelength / micron")
        axes.set_ylabel(readable(y_label))
        if not shown:
            axes.set_title(readable(title))
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color=FAINT)
            return
        inside = [(w, name) for w, name in sorted(marks) if any(c.wave[0] <= w <= c.wave[-1] for c in shown)]
        _set_wave_axis(axes, shown)
        _set_flux_axis(axes, shown, above=(_strip(inside) + 30) / (TOP - BOTTOM) if inside else 0.06)
        for curve in shown:
            _plot(axes, curve)
        _name_lines(axes, shown, inside)
        named_above = len(every) > 1 and _name_curves(axes, shown)
        axes.set_title(readable(title), pad=25 if named_above else 8)

    return draw(title, WIDTH, HEIGHT, paint)


def _curve(label: str, wave: Array, flux: Array, err: Array | None, colour: str) -> Curve:
    wave, flux = np.asarray(wave, dtype=float), np.asarray(flux, dtype=float)
    order = np.argsort(wave)[: np.isfinite(wave).sum()]
    clean_err = None if err is None else np.asarray(err, dtype=float)[order]
    return Curve(label, wave[order], np.where(np.isfinite(flux), flux, np.nan)[order], clean_err, colour)


def _plot(axes: Any, curve: Curve) -> None:
    if curve.err is not None:
        low, high = curve.flux - curve.err, curve.flux + curve.err
        axes.fill_between(curve.wave, low, high, color=curve.colour, alpha=0.25, lw=0)
    axes.plot(curve.wave, curve.flux, color=curve.colour, lw=0.9, solid_joinstyle="round")
    alone = (
        np.isfinite(curve.flux)
        & ~np.isfinite(np.r_[np.nan, curve.flux[:-1]])
        & ~np.isfinite(np.r_[curve.flux[1:], np.nan])
    )
    axes.plot(curve.wave[alone], curve.flux[alone], ".", color=curve.colour, ms=2.5)


def _set_wave_axis(axes: Any, curves: Sequence[Curve]) -> None:
    from matplotlib.ticker import NullFormatter

    low, high = min(c.wave[0] for c in curves), max(c.wave[-1] for c in curves)
    if low > 0 and high > 2 * low:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.02, high * 1.02)
        waves = [w for w in WAVES if low <= w <= high]
        if len(waves) > 2:
            axes.set_xticks(waves, [str(w) for w in waves])
            axes.set_xticks([w for w in range(int(low) + 1, int(high) + 1) if w not in waves], minor=True)
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        edge = 0.02 * (high - low) or 0.02 * abs(high) or 1.0
        axes.set_xlim(low - edge, high + edge)
        axes.minorticks_on()


def _set_flux_axis(axes: Any, curves: Sequence[Curve], above: float, below: float = 0.05) -> None:
    """Choose a linear or logarithmic axis with some room, as fractions of its height, above and below the curves."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    flux = np.concatenate([_unspiked(c.flux) for c in curves])
    flux = flux[np.isfinite(flux)]
    low, faint, bright, high = (float(v) for v in np.percentile(flux, [0.2, 5.0, 99.0, 100.0]))
    is_log = faint > 0 and bright > 10 * faint
    if is_log:
        low = max(low, faint / 10)
        ends = np.log10([low, high])
    else:
        ends = np.array([min(low, 0.0) if 0 <= low < 0.3 * high else low, high])
    span = float(ends[1] - ends[0]) or abs(float(ends[1])) or 1.0
    used = 1 - above - below
    limits = (ends[0] - span * below / used, ends[1] + span * above / used)
    if is_log:
        axes.set_yscale("log")
        axes.set_ylim(10 ** limits[0], 10 ** limits[1])
        wide = limits[1] - limits[0] > 2.2
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(*limits)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        axes.minorticks_on()


def _unspiked(flux: Array) -> Array:
    """Return `flux` where no sample counts for more than twice its higher neighbour, so that spikes set no limits."""
    beside = np.fmax(np.r_[np.nan, flux[:-1]], np.r_[flux[1:], np.nan])
    return np.asarray(np.where(beside > 0, np.fmin(flux, 2 * beside), flux))


def _name_lines(axes: Any, curves: Sequence[Curve], marks: Sequence[tuple[float, str]]) -> None:
    """Write names side by side near the top, each joined to its line by a thin leader."""
    width, height = RIGHT - LEFT, TOP - BOTTOM
    to_axes = (axes.transData + axes.transAxes.inverted()).transform
    strip = height - _strip(marks)
    kept = sorted(sorted(marks, key=lambda mark: -_contrast(curves, mark[0]))[: int((width - 28) / LABEL_GAP)])
    wanted = [float(to_axes((wave, 1.0))[0]) * width for wave, _ in kept]
    places = spread(wanted, LABEL_GAP, 16.0, width - 12.0)
    for (wave, name), x, place in zip(kept, wanted, places, strict=True):
        start = float(to_axes((wave, _top_of(curves, wave, axes)))[1]) * height + 5
        path = np.array([(x, start), (x, strip - 16), (place, strip - 3)]) / (width, height)
        if start < strip - 20:
            axes.plot(*path.T, transform=axes.transAxes, color=FAINT, lw=0.5, alpha=0.8)
        axes.text(
            place / width,
            strip / height,
            readable(name),
            transform=axes.transAxes,
            rotation=90,
            size=7.5,
            ha="center",
            va="bottom",
            color=INK,
        )


def _strip(marks: Sequence[tuple[float, str]]) -> float:
    """Return the height that the names take, CSS pixels."""
    return 14 + LETTER * min(max((len(name) for _, name in marks), default=0), 24)


def _near(curves: Sequence[Curve], wave: float, within: float) -> Array:
    """Return the finite fluxes within a fraction of `wave`."""
    values = np.concatenate([c.flux[np.abs(c.wave / wave - 1) < within] for c in curves])
    return np.asarray(values[np.isfinite(values)])


def _top_of(curves: Sequence[Curve], wave: float, axes: Any) -> float:
    """Return the highest flux within half a percent of `wave`, or the bottom of the axes."""
    bottom = float(axes.get_ylim()[0])
    return float(max([bottom, *_near(curves, wave, 0.005)]))


def _contrast(curves: Sequence[Curve], wave: float) -> float:
    """Return how far the flux near `wave` rises over its surroundings; 0 where nothing is seen."""
    line, around = _near(curves, wave, 0.002), _near(curves, wave, 0.02)
    return float(line.max() - np.median(around)) if line.size else 0.0


def _name_curves(axes: Any, curves: Sequence[Curve]) -> bool:
    """Name each curve in its colour: above it, or in a legend where curves overlap; return True if above the axes."""
    from matplotlib.lines import Line2D

    middles = [_middle(c) for c in curves]
    spans = sorted(
        (float(axes.transData.transform((m, 0.5))[0]), 7.0 * len(c.label)) for m, c in zip(middles, curves, strict=True)
    )
    if all(b[0] - a[0] > (a[1] + b[1]) / 2 + 4 for a, b in pairwise(spans)):
        across = axes.get_xaxis_transform()
        for middle, c in zip(middles, curves, strict=True):
            axes.text(
                middle,
                1.015,
                readable(c.label),
                transform=across,
                color=c.colour,
                size=8.5,
                weight="bold",
                ha="center",
                va="bottom",
            )
        return True
    handles = [Line2D([], [], color=c.colour, lw=2, label=readable(c.label)) for c in curves]
    if sum(7 * len(c.label) + 50 for c in curves) < RIGHT - LEFT:
        axes.legend(
            handles=handles,
            ncols=len(handles),
            loc="lower left",
            bbox_to_anchor=(0, 1),
            borderpad=0.2,
            borderaxespad=0.2,
            frameon=False,
            fontsize=8.5,
        )
        return True
    axes.legend(handles=handles, ncols=1 + len(handles) // 7, loc="best", frameon=False, fontsize=8.5)
    return False


def _middle(curve: Curve) -> float:
    good = curve.wave[np.isfinite(curve.flux)]
    return float((good[0] + good[-1]) / 2)
