"""The spectra below a cube: those of its apertures, live, beside the extracted ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as w
import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from mrsnb.core.curve import Curve, make_curve
from mrsnb.viewers.spectrum import SpectrumViewer
from mrsnb.viewers.spectrum_controls import BRUSH, PAN
from mrsnb.viewers.spectrum_panel import Curve as Drawn

_KEPT = ("redshift", "column", "unit", "line_lists", "stitched", "range", "wavelength", "measurements")


class LinkedSpectrum:
    """A `SpectrumViewer` where a `CubeViewer` has its panel of spectra: in place of a `SpectrumPanel`.

    The slice marker, the brushed range and the curves of apertures go both ways.

    Parameters
    ----------
    on_range, on_wave : callable
        As those of `mrsnb.viewers.spectrum_panel.SpectrumPanel`.
    extracted : sequence of Curve
        Shown from the beginning, see `show_extracted`.

    Attributes
    ----------
    figure : ipywidgets.VBox
        What is shown.
    viewer : SpectrumViewer or None
        Another one whenever there are other curves.
    """

    def __init__(
        self,
        on_range: Callable[[tuple[float, float] | None], None],
        on_wave: Callable[[float], None],
        extracted: Sequence[Curve] = (),
    ) -> None:
        self._on_range, self._on_wave = on_range, on_wave
        self.viewer: SpectrumViewer | None = None
        self.figure = w.VBox()
        self.figure.add_class("mrsnb-linked-spectrum")
        self._extracted = list(extracted)
        self._drawn: list[Curve] = []
        self._colours: dict[str, str] = {}
        self._wave: float | None = None
        self._view: tuple[float, float] | None = None
        self._is_telling = False

    def show_extracted(self, curves: Sequence[Curve]) -> None:
        """Show these spectra beside those of apertures."""
        self._extracted = list(curves)
        self._update()

    def show(self, curves: Sequence[Drawn], unit: str, *, is_brief: bool = False) -> None:
        """Show the spectra of apertures; see `SpectrumPanel.show`."""
        what, _, of = unit.partition(" / ")
        column, of = ("SURF_BRIGHT" if what == "mean" else "FLUX"), of.strip("()").replace("\N{MICRO SIGN}", "u")
        self._drawn = [joined(curve, f"aperture {i}", column, of) for i, curve in enumerate(curves, start=1)]
        self._colours = {made.label: curve.colour for made, curve in zip(self._drawn, curves, strict=True)}
        self._update(is_brief=is_brief)

    def _update(self, *, is_brief: bool = False) -> None:
        curves = [*self._drawn, *self._extracted]
        if self.viewer is not None and self.viewer.put(curves, is_brief=is_brief):
            return
        self._replace(curves, self._colours)

    def _replace(self, curves: list[Curve], colours: Mapping[str, str]) -> None:
        """Show a new viewer, which goes on where the one before was."""
        old = self.viewer
        self.viewer = None
        if curves:
            new = SpectrumViewer(curves, height=190, colours=colours)
            if old is not None:
                self._take_over(old, new)
            elif self._view is not None:
                new.view = self._view * u.um
            if self._wave is not None:
                new.wavelength = self._wave * u.um
            new.observe(self._ranged, "range")
            new.observe(self._waved, "wavelength")
            self.viewer = new
        self.figure.children = [] if self.viewer is None else [self.viewer]
        if old is not None:
            old.close()

    def _take_over(self, old: SpectrumViewer, new: SpectrumViewer) -> None:
        for name in _KEPT:
            value = getattr(old, name)
            if name == "column" and value not in new.data.columns:
                continue
            if name == "unit" and value not in new.data.units(new.column):
                continue
            setattr(new, name, value)
        new.view = old.view
        new.mode.value = old.mode.value

    def _ranged(self, change: Any) -> None:
        if not self._is_telling:
            limits = change.new
            self._on_range(None if limits is None else (float(limits[0].value), float(limits[1].value)))

    def _waved(self, change: Any) -> None:
        if not self._is_telling and change.new is not None:
            self._on_wave(float(change.new.value))

    def show_wave(self, wave: float) -> None:
        """Put the marker at a wavelength, micron."""
        self._wave = wave
        self._tell("wavelength", wave * u.um)

    def show_range(self, limits: tuple[float, float] | None, beside: Sequence[Any] = ()) -> None:
        """Show a range as brushed."""
        del beside
        self._tell("range", None if limits is None else np.array(limits) * u.um)

    def _tell(self, name: str, value: Any) -> None:
        if self.viewer is None or np.array_equal(getattr(self.viewer, name), value):
            return
        self._is_telling = True
        try:
            setattr(self.viewer, name, value)
        finally:
            self._is_telling = False

    def place(self, low: float, high: float) -> None:
        """Show the wavelengths between two, micron."""
        self._view = (low, high)
        if self.viewer is not None:
            self.viewer.view = self._view * u.um

    def zoom_in(self, is_on: bool) -> None:
        """Let the mouse pan and zoom, or brush."""
        if self.viewer is not None:
            self.viewer.mode.value = PAN if is_on else BRUSH

    def close(self) -> None:
        """Free what the browser holds."""
        if self.viewer is not None:
            self.viewer.close()
        self.figure.close()


def joined(curve: Drawn, label: str, column: str, unit: str) -> Curve:
    """Return the spectrum of an aperture in several cubes as one curve; where two overlap, each has its half.

    Parameters
    ----------
    curve : Drawn
        Interrupted by NaN between cubes.
    label, column, unit : str
        Of the curve.
    """
    ends = np.flatnonzero(np.diff(curve.wave, append=np.inf) <= 0) + 1
    parts = [part for part in np.split(np.arange(len(curve.wave)), ends) if part.size]
    keep: list[NDArray[Any]] = []
    low = -np.inf
    for i, part in enumerate(parts):
        following = curve.wave[parts[i + 1][0]] if i + 1 < len(parts) else np.inf
        last = curve.wave[part[-1]]
        high = (last + following) / 2 if following < last else np.inf
        keep.append(part[(curve.wave[part] >= low) & (curve.wave[part] < high)])
        low = high if np.isfinite(high) else -np.inf
    at = np.concatenate(keep) if keep else np.zeros(0, int)
    return make_curve(label, curve.wave[at], {column: (curve.flux[at], curve.err[at], unit)}, name=curve.label)
