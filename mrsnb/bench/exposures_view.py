"""The exposures that a cube is made of, beside it: as they are in the files, after each step, and light traced."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from mrsnb.bench.live import Live, Stage, origin_of, with_files
from mrsnb.pipeline import Spec3Params
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.cube_controls import attempt, note, say
from mrsnb.viewers.cube_origin import CubeOrigin, recorded_origin
from mrsnb.viewers.detector import DetectorViewer
from mrsnb.viewers.provenance import Tracing

_ALL = "all steps"


class ExposuresView:
    """A place for a `DetectorViewer`, which is made when it is first looked at.

    Attributes
    ----------
    box : ipywidgets.VBox
    viewer : DetectorViewer or None
    tracing : Tracing or None
        Light traced between the exposures and the cube.
    """

    def __init__(self) -> None:
        self.viewer: DetectorViewer | None = None
        self.tracing: Tracing | None = None
        self._stages: tuple[Stage, ...] = ()
        self._origin: CubeOrigin | None = None
        self._key: Any = None
        self._cube: object = None
        self._is_telling = self._is_seen = False
        self._step = w.Dropdown(description="before and after", style={"description_width": "auto"})
        self._step.observe(lambda _: self._show_step(), "value")
        self._said = note()
        self.box = w.VBox([self._said])
        self.box.add_class("mrsnb-bench-exposures")

    @property
    def is_seen(self) -> bool:
        """False while nobody looks at the exposures; then nothing blinks, and no light is traced."""
        return self._is_seen

    @is_seen.setter
    def is_seen(self, is_seen: bool) -> None:
        self._is_seen = is_seen
        if self.viewer is not None and not is_seen:
            self.viewer.controls.blink.playing = False
        if self.tracing is not None:
            self.tracing.is_seen = is_seen

    def look(self, maker: Live | None, params: Spec3Params | None, cube: CubeViewer | None) -> None:
        """Show what the cube in view is made of, once that is there; what is wrong is said.

        Parameters
        ----------
        maker : Live or None
            Has the exposures; None if the cubes say what they are made of.
        params : Spec3Params or None
            That the cube was made with.
        cube : CubeViewer or None
        """
        attempt(lambda: self._look(maker, params, cube), self._said)

    def _look(self, maker: Live | None, params: Spec3Params | None, cube: CubeViewer | None) -> None:
        if maker is None:
            if cube is not None:
                origin = self._origin_of(cube.cube, lambda: recorded_origin([cube.cube]))
                self.show([Stage("", origin.exposures)], origin, cube)
            return
        stages = () if params is None else maker.stages(params)
        if params is None or not stages:
            say(self._said, "" if params is None else "computing the exposures \N{HORIZONTAL ELLIPSIS}")
            return
        key = params, with_files(params.cube_build), stages
        origin = self._origin_of(key, lambda: origin_of(stages[-1], params, maker.references))
        self.show(stages, origin, cube)

    def _origin_of(self, key: Any, make: Callable[[], CubeOrigin]) -> CubeOrigin:
        """Return what the cube in view is made of: the same object for the same key."""
        if self._origin is None or self._key != key:
            self._origin, self._key = make(), key
        return self._origin

    def show(self, stages: Sequence[Stage], origin: CubeOrigin, cube: CubeViewer | None) -> None:
        """Show exposures after steps; what is in view already stays as it is.

        Parameters
        ----------
        stages : sequence of Stage
            In the files, and after each step.
        origin : CubeOrigin
            What the cube in view was made of.
        cube : CubeViewer or None
            Whose voxels are traced.
        """
        say(self._said, "")
        self._origin = origin
        if self._stages != tuple(stages):
            self._stages = tuple(stages)
            names = [stage.step for stage in stages if stage.step]
            self._is_telling = True
            self._step.options = [*([_ALL] if len(names) > 1 else []), *names]
            self._is_telling = False
            self._step.layout.display = None if len(names) > 1 else "none"
            self._show_step()
        if self.viewer is None or cube is None:
            return
        if self.tracing is None:
            self.tracing = Tracing(cube, self.viewer, self._origin_in_view)
            self.box.children = [self._said, self._step, self.viewer, self.tracing.said, self.tracing.table]
            self._take_band(cube)
            if cube.voxel is not None:
                self.tracing.ask(cube.voxel)
        elif self._cube is not cube.cube:
            self.tracing.forget()
            self._take_band(cube)
        self._cube = cube.cube

    def _origin_in_view(self) -> CubeOrigin:
        assert self._origin is not None  # noqa: S101 (for the type checker)
        return self._origin

    def _show_step(self) -> None:
        """Show the exposures after the chosen step, and before it."""
        if self._is_telling:
            return
        steps = [stage.step for stage in self._stages]
        chosen = steps.index(self._step.value) if self._step.value in steps else len(steps) - 1
        first = 0 if self._step.value == _ALL else max(chosen - 1, 0)
        before = self._stages[first].exposures if chosen else None
        if self.viewer is None:
            self.viewer = DetectorViewer(self._stages[chosen].exposures, before=before)
            self.box.children = [self._said, self._step, self.viewer]
        else:
            self.viewer.show(self._stages[chosen].exposures, before=before)

    def _take_band(self, cube: CubeViewer) -> None:
        """Look at an exposure of the cube, if that in view is of other bands."""
        assert self.viewer is not None  # noqa: S101 (for the type checker)
        wanted = set(cube.cube.bands)
        if not wanted & set(self.viewer.exposure.bands):
            found = next((each for each in self.viewer.exposures if wanted & set(each.bands)), None)
            if found is not None:
                self.viewer.exposure = found.name

    def close(self) -> None:
        """Free what the browser holds."""
        if self.tracing is not None:
            self.tracing.close()
        if self.viewer is not None:
            self.viewer.close()
        close_all([self.box, self._step])
