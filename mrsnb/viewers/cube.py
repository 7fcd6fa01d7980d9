"""Look at a spectral cube: its planes, maps of its lines, and the spectra of apertures that are dragged over it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from ipywidgets import HTML, HBox, Layout
from numpy.typing import NDArray

from mrsnb.core.layers import CubeLayers
from mrsnb.core.region import Kind, SkyAperture
from mrsnb.display.text import brief
from mrsnb.errors import InputError
from mrsnb.io.regions import aperture_of
from mrsnb.viewers import cube_saving
from mrsnb.viewers.aperture_control import ApertureControl
from mrsnb.viewers.aperture_set import ApertureSet
from mrsnb.viewers.aperture_spectrum import ApertureSpectrum
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube_controls import CubeControls, attempt, note, say, sheet
from mrsnb.viewers.cube_inputs import cubes_of, having, meets, range_in, ranges_of, wave_in, whole_range
from mrsnb.viewers.figures import dead_brushes
from mrsnb.viewers.image_panel import ImagePanel
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.overlays import psf_circle
from mrsnb.viewers.picture import Choice, Picture, contour_lines, picture
from mrsnb.viewers.pictured import Pictured
from mrsnb.viewers.quiet import quiet
from mrsnb.viewers.readout import voxel_text
from mrsnb.viewers.slicing import Range, layer_names
from mrsnb.viewers.spectrum import SpectrumViewer
from mrsnb.viewers.viewer_traits import ClickTrait
from mrsnb.viewers.wavelength import WaveControls

Array = NDArray[Any]

_STEP = 1.6  # factor of a step nearer or farther
_ALONE = 0.06  # seconds without a step of a drag after which the next is answered at once


class CubeViewer(Pictured):
    """A cube, or several of one source, to look at and to touch.

    Parameters
    ----------
    cubes : Cube, CubeLayers, path, or a sequence of them
        Files are not read, but for what is looked at. Several, such as those of the twelve bands, share apertures and
        have one spectrum.
    aperture : SkyAperture or region of the package ``regions``, optional
        What is summed at first; if None, a circle about the brightest spaxel.

    Raises
    ------
    InputError
        If a cube cannot be used.

    Examples
    --------
    >>> viewer = CubeViewer("out/star_ch1-short_s3d.fits")
    >>> viewer.wavelength = 5.511 * u.um
    >>> viewer.close()
    """

    voxel = ClickTrait().tag(sync=False)
    """The voxel ``(x, y, z)`` of the cube in view that was clicked last, 0-based; to be observed."""

    def __init__(self, cubes: Any, *, aperture: Any = None) -> None:
        self.cubes, self.origins = cubes_of(cubes)
        self.apertures = ApertureSet(self.cubes)
        self._number, self._choice = -1, Choice()
        self._range: Range | None = None
        self._at: tuple[int, int] | None = None
        self._shown = Picture(np.full((1, 1), np.nan), "", "")
        self._stretch: Any = None
        self._has_lines, self._range_text = False, ""
        self.controls = CubeControls([cube.label for cube in self.cubes])
        drag = Latest(lambda *told: self._hands.drag(*told), alone=_ALONE)  # noqa: PLW0108 (made below)
        self.image = ImagePanel("magma", self._hovered, self._clicked, drag, self._draw_over)
        self.spectrum_panel = ApertureSpectrum(self._brushed, self._marker_moved)
        look = lambda: (self.cube, self._shown.image)  # noqa: E731
        self._hands = ApertureControl(
            self.apertures, self.controls, self.image, self.spectrum_panel, look, self._attempt
        )
        self.waves = WaveControls(self._moved)
        self._title = note(kind="mrsnb-viewer-title")
        self._readout = note()
        self._readout.add_class("mrsnb-readout")
        super().__init__(self._arranged(), layout=Layout(width="100%"))
        self.add_class("mrsnb-viewer")
        self._wire()
        self._take(len(self.cubes) // 2)
        if aperture is None:
            self.add_aperture()
        else:
            self.aperture = aperture
        self._say_left_out()
        if dead := dead_brushes():
            say(self.controls.status, dead, is_bad=True)

    def _arranged(self) -> list[Any]:
        top = HBox([self.image.figure, self.controls.boxes()], layout=Layout(width="100%", align_items="flex-start"))
        title = HBox([self.controls.band, self._title], layout=Layout(width="100%", align_items="center"))
        style = HTML(sheet(), layout=Layout(display="none"))
        return [style, title, top, self._readout, self.waves.widget, self.spectrum]

    def _wire(self) -> None:
        c = self.controls
        c.band.observe(lambda change: self._take(change["new"]), "value")
        for widget in (c.layer, c.contours, c.psf, c.how, c.continuum, c.is_map):
            widget.observe(self._redrawn, "value")
        c.shades.on_change(self._redrawn)
        c.shades.colours.observe(lambda change: setattr(self, "colours", change["new"]), "value")
        c.zoom.observe(lambda change: self.image.let_pan(change["new"]), "value")
        c.closer.on_click(lambda _: self.zoom(_STEP))
        c.farther.on_click(lambda _: self.zoom(1 / _STEP))
        c.home.on_click(lambda _: self.image.whole())
        self.waves.redshift.observe(lambda _: self._shifted(self.waves.z), "value")
        self.spectrum.observe(lambda change: self._shifted(change["new"]), "redshift")
        c.what.observe(lambda _: self._name_file(), "value")
        write = lambda: say(c.status, f"wrote {self.save(c.what.value, c.file.value)}")  # noqa: E731
        c.save.on_click(lambda _: self._attempt(write))

    # What is looked at

    @property
    def spectrum(self) -> SpectrumViewer:
        """The spectra of the apertures, with line lists and measurements."""
        return self.spectrum_panel.viewer

    @property
    def cube(self) -> CubeLayers:
        """The cube in view."""
        return self.cubes[self._number]

    @property
    def band(self) -> str:
        """Label of the cube in view; set it to look at another."""
        return self.cube.label

    @band.setter
    def band(self, label: str) -> None:
        labels = [cube.label for cube in self.cubes]
        if label not in labels:
            msg = f"band = {label!r}; there are: {', '.join(labels)}"
            raise InputError(msg)
        self.controls.band.value = labels.index(label)

    @property
    def wavelength(self) -> u.Quantity:
        """Wavelength of the plane in view; set it to go to the nearest one, in the cube that has it."""
        return self.cube.grid.wave[self.waves.plane] * u.um

    @wavelength.setter
    def wavelength(self, value: u.Quantity) -> None:
        wave = wave_in(self.cubes, value)
        self.controls.is_map.value = False
        self._go_to(wave)

    @property
    def aperture(self) -> SkyAperture | None:
        """The aperture in hand; set it to a `SkyAperture`, DS9 text or file, or a region of the package ``regions``."""
        return self.apertures.current

    @aperture.setter
    def aperture(self, value: Any) -> None:
        self._hands.take(aperture_of(value))

    @property
    def wavelength_range(self) -> u.Quantity | None:
        """The range that is brushed, shape (2,); set it to see its map."""
        return None if self._range is None else np.array(self._range) * u.um

    @wavelength_range.setter
    def wavelength_range(self, value: u.Quantity | None) -> None:
        self._brushed(None if value is None else range_in(self.cubes, value))

    @property
    def picture(self) -> Picture:
        """The image that is shown, with its unit and error."""
        return self._shown

    @property
    def stretch(self) -> Any:
        """How the values of the image become shades; None if it is empty."""
        return self._stretch

    @property
    def colours(self) -> str:
        """Name of the colour map."""
        return self.image.colours

    @colours.setter
    def colours(self, name: str) -> None:
        self.image.colours = name

    @property
    def about(self) -> str:
        """What the image is made of, in words."""
        return self._choice.about(self.cube, self.waves.plane, self._shown.what)

    @property
    def spectra(self) -> list[Any]:
        """The spectrum of each aperture, a ``QTable`` of wavelength, flux and error."""
        return self.apertures.tables()

    @property
    def continuum(self) -> u.Quantity | None:
        """Ranges of the continuum under maps, shape (n, 2); None for those on either side. Set it to subtract them."""
        return None if self._choice.continuum is None else np.array(self._choice.continuum) * u.um

    @continuum.setter
    def continuum(self, value: u.Quantity | None) -> None:
        self._choice = replace(self._choice, continuum=None if value is None else ranges_of("continuum", value))
        self.controls.continuum.value = True
        self._redrawn(None)

    def show(self, cubes: Any, band: str | None = None) -> None:
        """Look at other cubes of the same source, at that of a band; wavelength, apertures and stretch stay."""
        wave, label = float(self.wavelength.value), self.band if band is None else band
        self.cubes, self.origins = cubes_of(cubes)
        self.apertures.lay_on(self.cubes)
        labels = [cube.label for cube in self.cubes]
        with quiet(self.controls):
            self.controls.offer(labels)
        self._take(labels.index(label) if label in labels else len(labels) // 2, wave)
        self._hands.draw_spectra()
        self._say_left_out()

    def _say_left_out(self) -> None:
        names = self.apertures.left_out
        text = f"spectra are without {', '.join(names)}: another cube has all its wavelengths" if names else ""
        say(self.controls.status, text)

    def _take(self, number: int, wave: float | None = None) -> None:
        """Look at another of the cubes, at a wavelength (micron), or the same, if it has it."""
        if self.controls.is_telling:
            return
        if wave is None and self._number >= 0:
            wave = float(self.wavelength.value)
        self._number, cube = number, self.cubes[number]
        grid, c = cube.grid, self.controls
        inside = wave is not None and grid.wave[0] <= wave <= grid.wave[-1]
        with quiet(self.controls):
            c.band.value = number
            layer, names = c.layer.value, layer_names(cube)
            c.layer.options, c.layer.value = names, layer if layer in names else "SCI"
            self._range = self._range if self._range is not None and meets(cube, self._range) else None
            c.is_map.value = c.is_map.value and self._range is not None
        say(self._title, f"{cube.name}   {cube.label}" if cube.bands else cube.name)
        self.image.place(grid)
        self.waves.place(grid, wave if inside else None)
        if wave is None:
            self.spectrum_panel.place(*whole_range(self.cubes))
        self._at = None
        self.image.show_spaxels([])
        self._draw()
        self._hands.draw()
        self._name_file()

    def _go_to(self, wave: float) -> None:
        """Go to the plane nearest to a wavelength, micron; in another cube if only that one has it."""
        number = having(self.cubes, (wave, wave))
        if number is not None and not meets(self.cube, (wave, wave)):
            self.controls.band.value = number
        self.waves.go_to(wave)

    # Drawing

    def _draw(self) -> None:
        """Show the image that is chosen, its marker, and what lies under the cursor."""
        cube, c, k = self.cube, self.controls, self.waves.plane
        self._choice = c.choice(self._range, self._choice.continuum, self.waves.velocity_zero)
        self._shown = shown = picture(cube, k, self._choice)
        self._stretch = c.shades.of(shown.image, are_flags=shown.what == "DQ")
        self.image.show(shown.image, self._stretch, shown.unit)
        self.spectrum_panel.show_wave(float(cube.grid.wave[k]))
        self._draw_over()
        self._read_out()

    def _draw_over(self) -> None:
        c, cube = self.controls, self.cube
        if self._shown.image.shape != cube.shape[1:]:  # another cube is about to be drawn
            return
        lines = contour_lines(self._shown, self._stretch, cube.grid) if c.contours.value else []
        if c.psf.value and cube.bands:
            lines.append(psf_circle(self.image.view, float(cube.grid.wave[self.waves.plane])))
        if lines or self._has_lines:
            self.image.show_contours(lines)
        self._has_lines = bool(lines)

    def _read_out(self) -> None:
        say(self._readout, voxel_text(self.cube, self.waves.plane, self._at, self._shown))
        none, some = "brush a range in the spectrum", "{:.4f} - {:.4f} \N{MICRO SIGN}m"
        text = none if self._range is None else some.format(*self._range)
        if text != self._range_text:
            self._range_text = text
            say(self.controls.range, text)

    # What the user does

    def _moved(self, _: int) -> None:
        with quiet(self.controls):
            self.controls.is_map.value = False
        self._draw()

    def _redrawn(self, _: Any) -> None:
        if not self.controls.is_telling:
            self._attempt(self._draw)
            self.spectrum_panel.show_range(self._range, self._choice.beside(self.cube))

    def _brushed(self, limits: Range | None) -> None:
        """Take a range that was brushed, and show its map at once."""
        c = self.controls
        if limits is not None and not meets(self.cube, limits):
            number = having(self.cubes, limits)
            if number is None:
                say(c.status, "no cube has wavelengths in this range", is_bad=True)
                return
            c.band.value = number
        self._range = limits
        with quiet(self.controls):
            c.is_map.value = limits is not None
        self._redrawn(None)

    def _marker_moved(self, wave: float) -> None:
        self._go_to(wave)
        self.spectrum_panel.show_wave(float(self.cube.grid.wave[self.waves.plane]))

    def _hovered(self, x: int, y: int) -> None:
        self._at = (x, y)
        self._read_out()

    def _clicked(self, x: int, y: int) -> None:
        self._at = (x, y)
        self._hands.add_spaxel(x, y)
        self._read_out()
        self.voxel = (x, y, self.waves.plane)

    def _shifted(self, redshift: float) -> None:
        """Take a redshift that was given for the plane or for the lines of the spectrum, for both."""
        self.spectrum.redshift = redshift
        if self.waves.z != redshift:
            self.waves.redshift.value = redshift

    def zoom(self, factor: float) -> None:
        """Show a part of the sky so many times smaller, about the aperture in hand if it is in sight."""
        handles = self.apertures.handles(self.cube)
        self.image.zoom(factor, None if handles is None else (float(handles[0, 0]), float(handles[0, 1])))

    def mark_spaxels(self, spaxels: Sequence[tuple[int, int]], shares: Sequence[float] = ()) -> None:
        """Mark spaxels ``(x, y)`` of the cube in view, fainter for smaller shares on 0...1; none takes marks away."""
        self.image.show_spaxels(spaxels, shares)

    def add_aperture(self, kind: Kind = "circle") -> None:
        """Add an aperture of a usual size: circle, ellipse, annulus, box or polygon."""
        self._hands.add(kind)

    # Files

    def _name_file(self) -> None:
        self.controls.file.value = cube_saving.file_name(self.controls.what.value, self.cube)

    def save(self, what: str, path: Path | str) -> Path:
        """Write what is seen, and return the file's path.

        Parameters
        ----------
        what : str
            ``"image as PNG"``, ``"image as FITS"``, ``"spectra as CSV"``, ``"region for DS9"`` or
            ``"spectrum as x1d"``.
        path : Path or str
            Replaced if it is there.

        Raises
        ------
        InputError, OutputError
            If it cannot be.
        """
        return cube_saving.save(what, Path(path), self)

    def _attempt(self, call: Any) -> None:
        attempt(call, self.controls.status)

    def _png(self) -> bytes:
        return cube_saving.png_of(self)

    def close(self) -> None:
        """Free what the browser holds."""
        if "waves" in self.__dict__:  # else it never came to be
            self.image.close()
            self.spectrum.close()
            close_all(self.children)
        super().close()

    def __repr__(self) -> str:
        return brief("CubeViewer", [cube.label for cube in self.cubes])
