"""Steps, cube, spectra and runs of one observation, put together."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import ipywidgets as w
import traitlets as t

from mrsnb.bench.builder import Builder, Task
from mrsnb.bench.current import Current
from mrsnb.bench.exposures_view import ExposuresView
from mrsnb.bench.head import CUBE, DETECTOR, Head
from mrsnb.bench.live import Live, needs, of_band, said_of_run, steps_before
from mrsnb.bench.observation import Observation, observation
from mrsnb.bench.sheet import sheet as own_sheet
from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.references import References
from mrsnb.errors import ParamError, nearest
from mrsnb.io.references import load_references
from mrsnb.pipeline import Spec3Params
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.cube_controls import say
from mrsnb.viewers.detector import DetectorViewer
from mrsnb.widgets.parts import line, sheet
from mrsnb.widgets.progress import duration
from mrsnb.widgets.runner import Runner
from mrsnb.widgets.runs import Run
from mrsnb.widgets.told import error_html
from mrsnb.widgets.work import SPEC3, work_of

_WAITING = "choose a band with Live on, or press Run"


class Workbench(w.VBox):  # type: ignore[misc]
    """Everything about one observation: steps on the left, cube and spectra in the middle, runs on the right.

    Parameters
    ----------
    given : Observation
        What it is of.
    output_dir : Path or str
        Where runs write their products.
    params : Spec3Params, optional
        What stands in the form at first.
    references : References, optional
        The built-in values if not given.
    live : bool
        Whether a change of a parameter shows its effect on the band in view at once.

    Attributes
    ----------
    live : bool
    band : str
        Label of the cube in view, ``""`` if there is none; set it to look at another band.
    viewer : CubeViewer or None
        None as long as there is no cube.
    place : str
        ``"cube"`` or ``"detector"``: what is in the middle.
    exposures : ExposuresView
        The exposures that the cube in view is made of; read when they are looked at.
    runner : Runner or None
        Its form and its runs; None for products without an association.
    """

    live = t.Bool(default_value=True)
    band = t.Unicode()
    place = t.Enum([CUBE.lower(), DETECTOR.lower()], CUBE.lower())

    def __init__(
        self,
        given: Observation,
        *,
        output_dir: Path | str,
        params: Spec3Params | None = None,
        references: References | None = None,
        live: bool = True,
    ) -> None:
        self.observation = given
        self.viewer: CubeViewer | None = None
        self.runner: Runner | None = None
        self._current = Current()
        self._maker: Live | None = None
        self._is_telling = False
        self._builder = Builder(
            lambda band: cast("Live", self._maker).work(band), self._wanted, self._began, self._ended
        )
        self.exposures = ExposuresView()
        self._place = w.VBox([w.HTML(line(_WAITING, "mrsnb-faint"))])
        self._place.add_class("mrsnb-bench-cube")
        middle = w.VBox([self._place, self.exposures.box])
        middle.add_class("mrsnb-bench-middle")
        parts = [middle]
        if given.association is not None:
            references = load_references() if references is None else references
            self._maker = Live(given.association, references)
            self.runner = Runner(work_of(SPEC3, given.association, output_dir, references), params)
            parts = [self.runner.side, middle, self.runner.main]
        self._head = Head(given.name, has_steps=self.runner is not None)
        columns = w.HBox(parts)
        columns.add_class("mrsnb-bench-columns")
        head = [self._head.row, self._head.note, self._head.error]
        super().__init__([w.HTML(own_sheet() + sheet("runner.css")), *head, columns])
        for name in ("mrsnb-runner", "mrsnb-bench", "mrsnb-bench-lean"):
            self.add_class(name)
        self.live = live
        self._wire()
        self._begin()

    def _wire(self) -> None:
        head = self._head
        head.bands.observe(self._band_chosen, "value")
        head.place.observe(lambda change: setattr(self, "place", change.new.lower()), "value")
        head.on_fold(self._fold)
        w.link((self, "live"), (head.live, "value"))
        self.observe(lambda _: self._current.retry(), "live")
        self.observe(lambda _: self._want(), "live")
        self.observe(self._band_set, "band")
        self.observe(self._placed, "place")
        if self.runner is not None:
            self.runner.form.observe(lambda _: self._want(), ["value", "error"])
            self.runner.observe(self._ran, "state")

    def _begin(self) -> None:
        """Show what there is, or the first band."""
        if self._maker is None:
            self._current.take_files(self.observation.cubes, self.observation.spectra)
            self._show(None)
        else:
            self._list_bands()
            self.band = self._maker.bands[0].name

    @property
    def params(self) -> Any:
        """The parameters in the form.

        Raises
        ------
        ParamError
            If they are not valid, or there is no form.
        """
        return self._steps().params

    @params.setter
    def params(self, params: Spec3Params) -> None:
        self._steps().params = params

    def _steps(self) -> Runner:
        if self.runner is None:
            msg = f"{self.observation.name}: products have no steps; open their association"
            raise ParamError(msg)
        return self.runner

    @property
    def spectrum(self) -> Any:
        """The `SpectrumViewer` below the cube; None if there is none."""
        return None if self.viewer is None else self.viewer.spectrum

    @property
    def detector(self) -> DetectorViewer | None:
        """The viewer of the exposures; None as long as nobody has looked at them."""
        return self.exposures.viewer

    @property
    def is_busy(self) -> bool:
        """True while a band is built."""
        return self._builder.is_busy

    def wait(self, seconds: float = 60) -> None:
        """Return when what was asked for is shown, be it a run or a band."""
        if self.runner is not None and self.runner.history:
            self.runner.wait(seconds)
        self._builder.wait(seconds)

    # Live

    def _want(self) -> None:
        """Have the band in view built again, if that is wanted and something it depends on has changed."""
        self._builder.want()
        self._note()

    def _note(self) -> None:
        """Say where a run makes something other than what is seen live."""
        runner, band = self.runner, self._band_in_view()
        text = ""
        if runner is not None and self.live and band is not None:
            told = said_of_run(cast("Spec3Params", runner.form.value), band)
            text = "Live waits until the form has no error." if runner.form.error else told
        say(self._head.note, text)

    def _band_in_view(self) -> Band | None:
        return next((band for band in self._all_bands if band.name == self.band), None)

    def _wanted(self) -> Task | None:
        """Return what is to be built: the band in view, or the exposures that it is made of; None if nothing is."""
        runner, band = self.runner, self._band_in_view()
        if runner is None or runner.state == "running":
            return None
        if self.live and not runner.form.error and band is not None:
            params = cast("Spec3Params", runner.form.value)
            on = needs(params, band)
            if not self._current.is_made_with(band.name, on):
                return Task(band, on, params)
        made, maker = self._made_with(), self._maker
        if self.place == DETECTOR.lower() and made is not None and maker is not None and not maker.stages(made):
            task = Task(None, steps_before(made), made)
            return None if self._current.is_made_with("", task.needs) else task
        return None

    def _made_with(self) -> Spec3Params | None:
        """Return what the cube in view was made with, or would be."""
        made = self._current.params(self.band)
        if made is None and self.runner is not None and not self.runner.form.error:
            return cast("Spec3Params", self.runner.form.value)
        return made

    def _began(self, task: Task) -> None:
        self._head.error.value = ""
        self._head.say(f"building {'exposures' if task.band is None else task.band.name} \N{HORIZONTAL ELLIPSIS}")

    def _ended(self, task: Task, run: Run, made: list[Any]) -> None:
        """Show what was built."""
        label = "" if task.band is None else task.band.name
        if run.state == "failed":
            self._head.error.value = error_html(run.error, run.details)
            self._head.say("")
            self._current.failed(label, task.needs)
        if run.state != "done":
            return
        if task.band is None:
            self._head.say("")
            self._show_exposures()
            return
        self._current.take_live(label, task.needs, made, of_band(task.params, task.band))
        self._head.say(f"{label} built in {duration(run.seconds)}, in memory")
        chosen = self.band
        self._show(label if self.viewer is None or label == chosen else self.viewer.band)
        self.band = chosen

    # Exposures

    def _placed(self, change: Any) -> None:
        is_detector = change.new == DETECTOR.lower()
        self._head.place.value = DETECTOR if is_detector else CUBE
        self._fold("detector", is_detector)
        self._show_exposures()
        self.exposures.is_seen = is_detector

    def _show_exposures(self) -> None:
        """Show the exposures that the cube in view is made of, if anybody looks at them."""
        if self.place != DETECTOR.lower():
            return
        self.exposures.look(self._maker, self._made_with(), self.viewer)
        if self._maker is not None:
            self._want()

    # Runs

    def _ran(self, change: Any) -> None:
        """Show the products of a run that is over."""
        if change.new == "running":
            self._builder.cancel()
            return
        runner = self.runner
        if change.new != "done" or runner is None:
            self._want()
            return
        run = runner.history[-1]
        on = {band.name: needs(cast("Spec3Params", run.params), band) for band in self._all_bands}
        if self._current.take_run(run, runner.runs, on):
            self._head.say(f"products of run {run.number}")
            self._show(self.band)
        self._want()

    # Shown

    @property
    def _all_bands(self) -> tuple[Band, ...]:
        return () if self._maker is None else self._maker.bands

    def _show(self, band: str | None) -> None:
        """Show the cubes and spectra that there are now."""
        cubes, curves = self._current.cubes, self._current.curves
        if self.viewer is None:
            self.viewer = CubeViewer(cubes)
            self.viewer.controls.band.observe(lambda _: self._follow(), "value")
            self._hide_doubles(self.viewer)
            for old in self._place.children:
                close_all([old])
            self._place.children = [self.viewer]
        else:
            self.viewer.show(cubes, band)
        self.viewer.spectrum_panel.show_extracted(curves)
        self._follow()

    def _hide_doubles(self, viewer: CubeViewer) -> None:
        """Hide what is here already: the chooser of bands, and the button that shows tools."""
        tools = viewer.spectrum.tools
        tools.value = True
        for double in (viewer.controls.band, tools):
            double.layout.display = "none"

    def _follow(self) -> None:
        """Say which band is in view."""
        if self.viewer is not None and not self.viewer.controls.is_telling:
            self._is_telling = True
            self.band = self.viewer.band
            self._is_telling = False
        self._list_bands()
        self._note()
        self._show_exposures()

    def _list_bands(self) -> None:
        there = [] if self.viewer is None else [cube.label for cube in self.viewer.cubes]
        labels = list(dict.fromkeys([*(band.name for band in self._all_bands), *there]))
        options = [(self._current.told(label), label) for label in labels]
        self._is_telling = True
        try:
            if list(self._head.bands.options) != options:
                self._head.bands.options = options
            self._head.bands.value = self.band if self.band in labels else None
        finally:
            self._is_telling = False

    def _band_chosen(self, change: Any) -> None:
        if not self._is_telling and change.new is not None:
            self.band = change.new

    def _band_set(self, change: Any) -> None:
        if self._is_telling:
            return
        there = [] if self.viewer is None else [cube.label for cube in self.viewer.cubes]
        known = [*there, *(band.name for band in self._all_bands)]
        if change.new not in known:
            msg = f"band = {change.new!r}{nearest(change.new, known)}"
            raise ParamError(msg)
        if self.viewer is not None and change.new in there:
            self.viewer.band = change.new
        self._list_bands()
        self._want()

    def _fold(self, name: str, is_on: bool) -> None:
        (self.add_class if is_on else self.remove_class)(f"mrsnb-bench-{name}")

    def close(self) -> None:
        """Stop what is running, and close everything."""
        self._builder.close()
        self.exposures.close()
        if self.viewer is not None:
            self.viewer.close()
        if self.runner is not None:
            self.runner.close()
        if self._maker is not None:
            self._maker.close()
        close_all([self])

    def __repr__(self) -> str:
        return f"<Workbench {self.observation.name}: {self.band or 'no cube yet'}>"


def workbench(
    asn_or_files: Association | Path | str | Iterable[Path | str],
    output_dir: Path | str | None = None,
    *,
    params: Spec3Params | None = None,
    references: References | None = None,
    live: bool = True,
) -> Workbench:
    """Return a workbench: steps, cube, spectra and runs of an observation, in one place.

    Parameters
    ----------
    asn_or_files : Association, path, or list of paths
        An association, its file, exposures, or a folder with these; or products (``_s3d``, ``_x1d``), or a folder of
        them, which are shown without steps.
    output_dir : Path or str, optional
        Where runs write their products; the working directory if not given.
    params : Spec3Params, optional
        What stands in the form at first; the preset ``"archive"`` if not given.
    references : References, optional
        The built-in values if not given.
    live : bool
        Whether a change of a parameter shows its effect on the band in view at once, in memory; can be switched.

    Raises
    ------
    InputError
        If there is nothing to work on.

    Examples
    --------
    >>> bench = workbench("raw/star_lvl3_asn.json", "products", live=False)
    >>> bench.close()
    """
    place = Path() if output_dir is None else Path(output_dir)
    given = observation(asn_or_files)
    return Workbench(given, output_dir=place, params=params, references=references, live=live)
