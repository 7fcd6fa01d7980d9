"""The spectra below a cube: those of its apertures, live, beside extracted ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from astropy import units as u

from mrsnb.core.curve import Curve, make_curve
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.spectrum import SpectrumViewer
from mrsnb.viewers.spectrum_controls import BRUSH

_NONE = make_curve("no aperture", [], {"FLUX": ([], None, "Jy")})
_BRIGHT = 0.5
"""Jy, from which on fluxes are shown in Jy and not in mJy."""


class ApertureSpectrum:
    """A `SpectrumViewer` that goes with a cube: the slice marker and the brushed range go both ways.

    Parameters
    ----------
    on_range : callable
        Called with the range that is brushed, ``(low, high)`` in micron, or None; while it is brushed, too.
    on_wave : callable
        Called with the wavelength to which the marker is dragged, micron.

    Attributes
    ----------
    viewer : SpectrumViewer
        What is shown; its names of the apertures are ``"aperture 1"`` and so on.
    """

    def __init__(
        self, on_range: Callable[[tuple[float, float] | None], None], on_wave: Callable[[float], None]
    ) -> None:
        self._on_range, self._on_wave = Latest(on_range), on_wave
        self._extracted: list[Curve] = []
        self._drawn: list[Curve] = []
        self._colours: dict[str, str] = {}
        self._is_telling = False
        self.viewer = viewer = SpectrumViewer(_NONE, height=190)
        viewer.add_class("mrsnb-linked-spectrum")
        viewer.mode.value = BRUSH
        viewer.lean()
        viewer.observe(self._ranged, "range")
        viewer.observe(self._brushing, "brushing")
        viewer.observe(self._waved, "wavelength")

    def show_extracted(self, curves: Sequence[Curve]) -> None:
        """Show these spectra beside those of apertures."""
        self._extracted = list(curves)
        self._update()

    def show(self, curves: Sequence[Curve], colours: Sequence[str], *, is_brief: bool = False) -> None:
        """Show the spectra of apertures; the view keeps its wavelengths.

        Parameters
        ----------
        curves : sequence of Curve
        colours : sequence of str
            One for each.
        is_brief : bool
            True if others follow at once, as in a drag.
        """
        is_first = not self._drawn
        self._drawn = list(curves)
        self._colours = {curve.label: colour for curve, colour in zip(curves, colours, strict=True)}
        self._update(is_brief=is_brief)
        if is_first and curves and _is_faint(curves[0]):
            self.viewer.unit = "mJy"

    def _update(self, *, is_brief: bool = False) -> None:
        self.viewer.put([*self._drawn, *self._extracted] or [_NONE], self._colours, is_brief=is_brief)

    def _ranged(self, change: Any) -> None:
        if not self._is_telling:
            limits = change.new
            self._on_range(None if limits is None else (float(limits[0].value), float(limits[1].value)))

    def _brushing(self, change: Any) -> None:
        if change.new is not None:
            self._on_range(change.new)

    def _waved(self, change: Any) -> None:
        if not self._is_telling and change.new is not None:
            self._on_wave(float(change.new.value))

    def show_wave(self, wave: float) -> None:
        """Put the marker at a wavelength, micron."""
        self._tell("wavelength", wave * u.um)

    def show_range(self, limits: tuple[float, float] | None, beside: Sequence[tuple[float, float]] = ()) -> None:
        """Show a range as brushed, and the ranges of the continuum."""
        self.viewer.beside = tuple(beside)
        if self.viewer.brushing is None:
            self._tell("range", None if limits is None else np.array(limits) * u.um)

    def _tell(self, name: str, value: Any) -> None:
        now = getattr(self.viewer, name)
        if now is value or (now is not None and value is not None and np.array_equal(now, value)):
            return
        self._is_telling = True
        try:
            setattr(self.viewer, name, value)
        finally:
            self._is_telling = False

    def place(self, low: float, high: float) -> None:
        """Show the wavelengths between two, micron."""
        self.viewer.view = (low, high) * u.um


def _is_faint(curve: Curve) -> bool:
    column = curve.columns.get("FLUX")
    known = np.zeros(0) if column is None else np.abs(column.flux[np.isfinite(column.flux)])
    return column is not None and column.unit == "Jy" and known.size > 0 and float(np.percentile(known, 90)) < _BRIGHT
