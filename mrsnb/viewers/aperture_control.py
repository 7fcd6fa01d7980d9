"""What the user does with apertures: adds, drags, chooses, removes them, and sees their spectra."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.core.region import Kind, SkyAperture
from mrsnb.viewers.aperture_set import ApertureSet, describe
from mrsnb.viewers.aperture_spectrum import ApertureSpectrum
from mrsnb.viewers.cube_controls import CubeControls, say
from mrsnb.viewers.image_panel import ImagePanel
from mrsnb.viewers.quiet import quiet

Array = NDArray[Any]

_NEAR = 1.5
"""How far from an aperture its source is looked for, arcsec."""
_NONE = "click a spaxel, or add an aperture"


class ApertureControl:
    """Ties apertures to the widgets that show them.

    Parameters
    ----------
    apertures : ApertureSet
    controls : CubeControls
    image : ImagePanel
    spectrum : ApertureSpectrum
    look : callable
        Returns the cube and the image in view.
    attempt : callable
        Calls a function and tells the user what is wrong with it.
    """

    def __init__(
        self,
        apertures: ApertureSet,
        controls: CubeControls,
        image: ImagePanel,
        spectrum: ApertureSpectrum,
        look: Callable[[], tuple[Any, Array]],
        attempt: Callable[[Callable[[], Any]], None],
    ) -> None:
        self.apertures, self._controls, self._image, self._spectrum = apertures, controls, image, spectrum
        self._look, self._attempt = look, attempt
        c = controls
        c.chosen.observe(self._chosen, "value")
        c.add.on_click(lambda _: self.add(c.kind.value))
        c.remove.on_click(lambda _: self.change(self.apertures.remove))
        c.peak.on_click(lambda _: self._to_peak())

    def take(self, aperture: SkyAperture) -> None:
        """Put an aperture in the place of the one in hand; its spaxels are those of the cube in view."""
        self.apertures.replace(aperture, self._look()[0])
        self._listed()

    def add(self, kind: Kind) -> None:
        """Add an aperture about the brightest spaxel in view."""
        cube, image = self._look()
        self.change(lambda: self.apertures.add_new(kind, cube, peak(image, cube.grid)))

    def add_spaxel(self, x: int, y: int) -> None:
        """Add an aperture that is one spaxel."""
        self.change(lambda: self.apertures.add_spaxel(self._look()[0], x, y))

    def drag(self, handle: int, place: tuple[float, float], is_end: bool) -> None:
        """Follow the mouse, which has moved a handle."""
        self.apertures.drag(self._look()[0], handle, place)
        self.draw_spectra(is_brief=not is_end)
        self.draw(held=None if is_end else handle)

    def change(self, what: Callable[[], Any]) -> None:
        """Change the apertures, and show them."""
        self._attempt(what)
        self._listed()

    def draw(self, held: int | None = None) -> None:
        """Draw the rings, and say what the aperture in hand is."""
        a, c = self.apertures, self._controls
        cube = self._look()[0]
        if a.current is None:
            self._image.show_aperture([], None)
            say(c.aperture, _NONE)
            return
        others = [(line, a.colour(i)) for i in range(len(a.all)) if i != a.active for line in a.rings(cube, i)]
        self._image.show_aperture(a.rings(cube, a.active), a.handles(cube), others, a.colour(a.active), held)
        say(c.aperture, describe(next(s for s in a.current.shapes if not s.excluded and not s.background)))

    def draw_spectra(self, *, is_brief: bool = False) -> None:
        """Draw the spectrum of each aperture; briefly if the next follows at once."""
        a = self.apertures
        self._spectrum.show(a.spectra(), [a.colour(i) for i in range(len(a.all))], is_brief=is_brief)

    def _listed(self) -> None:
        a, c = self.apertures, self._controls
        with quiet(c):
            c.chosen.options = [(f"{i + 1} {one.source}", i) for i, one in enumerate(a.all)] or [("-", 0)]
            c.chosen.value = a.active
        self.draw()
        self.draw_spectra()

    def _chosen(self, change: dict[str, Any]) -> None:
        if not self._controls.is_telling and self.apertures.all and change["new"] is not None:
            self.apertures.active = int(change["new"])
            self.draw()

    def _to_peak(self) -> None:
        cube, image = self._look()
        places = self.apertures.handles(cube)
        if places is not None:
            self.change(lambda: self.apertures.drag(cube, 0, peak(image, cube.grid, places[0])))


def peak(image: Array, grid: CubeGrid, near: Array | None = None) -> tuple[float, float]:
    """Return the place of the brightest spaxel, ``(xi, eta)`` in arcsec; of those near a place if one is given."""
    values = image.astype(float)
    if near is not None:
        values = np.where(np.hypot(grid.x - near[0], (grid.y - near[1])[:, None]) < _NEAR, values, np.nan)
    if not np.isfinite(values).any():
        return (0.0, 0.0) if near is None else (float(near[0]), float(near[1]))
    y, x = np.unravel_index(np.nanargmax(np.where(np.isfinite(values), values, np.nan)), values.shape)
    return float(grid.x[x]), float(grid.y[y])
