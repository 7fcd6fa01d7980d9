"""Controls for the plane in view: slider, play, steps, a box in micron, in the rest frame or in km/s about a line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from ipywidgets import Box, Button, Dropdown, FloatText, IntSlider, Layout, Play

from mrsnb.core.cube import CubeGrid
from mrsnb.core.lines import lines_between
from mrsnb.core.redshift import checked_redshift, observed_wave, rest_wave, velocity, wave_at
from mrsnb.errors import InputError
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.slicing import nearest_plane

Frame = Literal["observed", "rest", "velocity"]
FRAMES: tuple[tuple[str, Frame], ...] = (
    ("\N{MICRO SIGN}m", "observed"),
    ("\N{MICRO SIGN}m at rest", "rest"),
    ("km/s", "velocity"),
)
_AT_REST = 0.25
"""Seconds after which the player follows the slider: sooner than somebody who has moved it presses play."""
_NO_LINE = ("go to a line", "")


def to_shown(wave: float, frame: Frame, redshift: float, line: float | None) -> float:
    """Return a wavelength (micron, as observed) as the box shows it.

    Parameters
    ----------
    wave : float
    frame : str
        ``"observed"``, ``"rest"`` or ``"velocity"``.
    redshift : float
    line : float or None
        Wavelength at rest of the line that velocities are about, micron; without one, it is `wave` as observed.

    Examples
    --------
    >>> round(to_shown(12.826, "velocity", 0.001, 12.81355), 1)
    -8.5
    """
    if frame == "rest":
        return float(rest_wave(wave, redshift))
    if frame == "velocity" and line is not None:
        return float(velocity(wave, observed_wave(line, redshift)))
    return wave


def from_shown(value: float, frame: Frame, redshift: float, line: float | None) -> float:
    """Return the wavelength as observed, micron: the inverse of `to_shown`."""
    if frame == "rest":
        return float(observed_wave(value, redshift))
    if frame == "velocity" and line is not None:
        return float(wave_at(value, observed_wave(line, redshift)))
    return value


class WaveControls:
    """A row of controls for the plane of a cube.

    Parameters
    ----------
    on_plane : callable
        Called with the number of the plane when it changes.

    Attributes
    ----------
    widget : ipywidgets.Box
    """

    def __init__(self, on_plane: Callable[[int], None]) -> None:
        self._on_plane = on_plane
        self._grid: CubeGrid | None = None
        self._is_telling = False
        self._speed_line: float | None = None
        self.slider = IntSlider(
            0, 0, 0, readout=False, layout=Layout(flex="1 1 160px", min_width="120px", width="auto")
        )
        self.slider.add_class("mrsnb-slider")
        self.play = Play(value=0, min=0, max=0, interval=80, show_repeat=False, layout=Layout(flex="0 0 auto"))
        self._catch_up = Latest(self._play_from_here, after=_AT_REST)
        steps = [self._step(-1, "caret-left", "plane before"), self._step(1, "caret-right", "next plane")]
        self.box = FloatText(layout=Layout(width="100px", flex="0 0 auto"))
        self.box.continuous_update = False
        self.frame = Dropdown(options=FRAMES, layout=Layout(width="96px", flex="0 0 auto"))
        self.redshift = FloatText(
            0.0, description="z", layout=Layout(width="96px", flex="0 0 auto"), style={"description_width": "14px"}
        )
        self.redshift.step = 0.0001
        self.line = Dropdown(options=[_NO_LINE], layout=Layout(width="128px", flex="0 0 auto"))
        for widget, text in (
            (self.slider, "plane; arrow keys step"),
            (self.box, "wavelength of the plane"),
            (self.redshift, "redshift of the source"),
            (self.line, "lines within the cube"),
        ):
            widget.tooltip = text
        self.slider.observe(self._slid, "value")
        self.play.observe(self._played, "value")
        self.box.observe(self._typed, "value")
        self.frame.observe(self._redraw, "value")
        self.redshift.observe(self._shifted, "value")
        self.line.observe(self._chosen, "value")
        self.widget = Box(
            [self.play, steps[0], self.slider, steps[1], self.box, self.frame, self.redshift, self.line],
            layout=Layout(display="flex", flex_flow="row wrap", align_items="center", width="100%"),
        )

    def _step(self, by: int, icon: str, tip: str) -> Button:
        button = Button(icon=icon, tooltip=tip, layout=Layout(width="30px", flex="0 0 auto"))
        button.on_click(lambda _: self.go(self.slider.value + by))
        return button

    @property
    def plane(self) -> int:
        """Number of the plane."""
        return int(self.slider.value)

    @property
    def velocity_zero(self) -> float | None:
        """Wavelength as observed of the chosen line, micron; None if there is none."""
        return None if self._speed_line is None else float(observed_wave(self._speed_line, self.z))

    @property
    def z(self) -> float:
        """The redshift; 0 if what is typed is none."""
        try:
            return checked_redshift(float(self.redshift.value))
        except InputError:
            return 0.0

    def place(self, grid: CubeGrid, wave: float | None = None) -> None:
        """Take another cube, at the plane nearest to a wavelength (micron), or in its middle."""
        self._grid = grid
        k = grid.n_wave // 2 if wave is None else nearest_plane(grid, wave)
        with self._quiet():
            self.play.max = self.slider.max = grid.n_wave - 1
            self.play.disabled = grid.n_wave == 1
            self.slider.value = k
        self._list_lines()
        self._redraw()

    def go(self, k: int) -> None:
        """Go to a plane, or to the end of the cube nearest to it."""
        self.slider.value = min(max(int(k), 0), self.slider.max)

    def go_to(self, wave: float) -> None:
        """Go to the plane nearest to a wavelength, micron."""
        if self._grid is not None:
            self.go(nearest_plane(self._grid, wave))

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._is_telling = self._is_telling, True
        try:
            yield
        finally:
            self._is_telling = before

    def _slid(self, _: Any) -> None:
        if not self._is_telling:
            self._on_plane(self.plane)
            self._redraw()
        if self.play.playing:
            self._play_from_here()
        else:
            self._catch_up()

    def _played(self, change: dict[str, Any]) -> None:
        if not self._is_telling:
            self.go(change["new"])

    def _play_from_here(self) -> None:
        """Let the player go on from the plane in view.

        A link in the browser would send two messages for each key, of which the first one delays the second.
        """
        with self._quiet():
            self.play.value = self.plane

    def _redraw(self, _: Any = None) -> None:
        if self._grid is None:
            return
        wave = float(self._grid.wave[self.plane])
        shown = to_shown(wave, self.frame.value, self.z, self._zero_line(wave))
        with self._quiet():
            self.box.value = round(shown, 2 if self.frame.value == "velocity" else 5)

    def _zero_line(self, wave: float) -> float | None:
        """Return the line that velocities are about: the chosen one, or what was in view when they were asked for."""
        if self.frame.value == "velocity" and self._speed_line is None:
            self._speed_line = float(rest_wave(wave, self.z))
        return self._speed_line

    def _typed(self, change: dict[str, Any]) -> None:
        if self._is_telling or self._grid is None:
            return
        line = self._zero_line(float(self._grid.wave[self.plane]))
        before = self.plane
        self.go_to(from_shown(float(change["new"]), self.frame.value, self.z, line))
        if self.plane == before:
            self._redraw()

    def _shifted(self, _: Any) -> None:
        self._list_lines()
        self._redraw()

    def _list_lines(self) -> None:
        grid, z = self._grid, self.z
        if grid is None:
            return
        low, high = rest_wave(grid.wave[[0, -1]], z)
        found = lines_between(float(low), float(high))
        options = [_NO_LINE, *((f"{line.name}  {line.wave:.3f}", line.wave) for line in found)]
        kept = self.line.value if any(value == self.line.value for _, value in options) else ""
        with self._quiet():
            self.line.options = options
            self.line.value = kept

    def _chosen(self, change: dict[str, Any]) -> None:
        if self._is_telling or change["new"] == "":
            return
        self._speed_line = float(change["new"])
        self.go_to(float(observed_wave(self._speed_line, self.z)))
        self._redraw()
