"""Steps, cube, spectra and runs of one observation, put together."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import ipywidgets as w
import traitlets as t

from mrsnb.bench.current import Current
from mrsnb.bench.live import Live, needs
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
from mrsnb.widgets.loop import Loop
from mrsnb.widgets.parts import line, sheet
from mrsnb.widgets.progress import duration
from mrsnb.widgets.runner import Runner
from mrsnb.widgets.runs import Job
from mrsnb.widgets.told import error_html
from mrsnb.widgets.work import SPEC3, work_of

_WAITING = "choose a band with Live on, or press Run"
_FOLDS = ("steps", "spectrum", "runs")


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
    runner : Runner or None
        Its form and its runs; None for products without an association.
    """

    live = t.Bool(default_value=True)
    band = t.Unicode()

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
        self._job: tuple[Job, Band, Any] | None = None
        self._made: list[Any] = []
        self._is_due, self._is_closed, self._is_telling = False, False, False
        self._loop = Loop(self._look)
        self._place = w.VBox([w.HTML(line(_WAITING, "mrsnb-faint"))])
        self._place.add_class("mrsnb-bench-middle")
        parts = [self._place]
        if given.association is not None:
            references = load_references() if references is None else references
            self._maker = Live(given.association, references)
            work = work_of(SPEC3, given.association, output_dir, references)
            self.runner = Runner(work, params)
            parts = [self.runner.side, self._place, self.runner.main]
        self._make_head()
        columns = w.HBox(parts)
        columns.add_class("mrsnb-bench-columns")
        super().__init__([w.HTML(own_sheet() + sheet("runner.css")), self._head, self._error, columns])
        for name in ("mrsnb-runner", "mrsnb-bench", "mrsnb-bench-lean"):
            self.add_class(name)
        self.live = live
        self._wire()
        self._begin()

    def _make_head(self) -> None:
        self._bands = w.Dropdown(description="band", options=[], style={"description_width": "34px"})
        self._bands.add_class("mrsnb-bench-band")
        self._live = w.ToggleButton(
            description="Live", tooltip="Build the band in view again, in memory, whenever a parameter changes"
        )
        self._said, self._error = w.HTML(), w.HTML()
        self._said.add_class("mrsnb-bench-said")
        self._tools = w.ToggleButton(
            description="Tools", tooltip="Lists of lines, redshift, measurements, files: show them, or fold them"
        )
        self._folds = {
            name: w.ToggleButton(value=True, description=name.capitalize(), tooltip=f"Show the {name}, or fold them")
            for name in _FOLDS
        }
        shown = [name for name in _FOLDS if self.runner is not None or name == "spectrum"]
        title = w.HTML(line(self.observation.name, "mrsnb-title"))
        live = [self._live] if self.runner is not None else []
        self._head = w.HBox(
            [title, self._bands, *live, self._said, self._tools, *(self._folds[name] for name in shown)]
        )
        self._head.add_class("mrsnb-bench-head")
        self._head.add_class("mrsnb-main")

    def _wire(self) -> None:
        self._bands.observe(self._band_chosen, "value")
        w.link((self, "live"), (self._live, "value"))
        self.observe(lambda _: self._want(), "live")
        self.observe(self._band_set, "band")
        self._tools.observe(lambda change: self._fold("lean", not change.new), "value")
        for name, toggle in self._folds.items():
            toggle.observe(lambda change, name=name: self._fold(f"no-{name}", not change.new), "value")
        if self.runner is not None:
            self.runner.form.observe(lambda _: self._want(), "value")
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
    def is_busy(self) -> bool:
        """True while a band is built."""
        return self._job is not None or self._is_due

    def wait(self, seconds: float = 60) -> None:
        """Return when what was asked for is shown, be it a run or a band."""
        if self.runner is not None and self.runner.state == "running":
            self.runner.wait(seconds)
        for _ in range(3):
            self._look()
            if self._job is not None:
                self._job[0].wait(seconds)
        self._look()

    # Live

    def _want(self) -> None:
        """Have the band in view built again, if that is wanted and something it depends on has changed."""
        self._is_due = True
        self._loop.soon()

    def _look(self) -> None:
        """Take what is made, and start what is due."""
        if self._is_closed:
            return
        if self._job is not None:
            job = self._job[0]
            if job.run.state == "running":
                if self._is_due and self._wanted() not in (None, self._job[1:]):
                    job.cancel()
                return
            self._take()
        if self._is_due:
            self._is_due = False
            wanted = self._wanted()
            if wanted is not None:
                self._start(*wanted)

    def _wanted(self) -> tuple[Band, Any] | None:
        """Return the band to be built and what it depends on; None if nothing is to be done."""
        runner = self.runner
        if runner is None or runner.state == "running" or not self.live or runner.form.error:
            return None
        band = next((band for band in self._all_bands if band.name == self.band), None)
        if band is None:
            return None
        on = needs(cast("Spec3Params", runner.form.value), band)
        return None if self._current.is_made_with(band.name, on) else (band, on)

    def _start(self, band: Band, on: Any) -> None:
        assert self._maker is not None and self.runner is not None  # noqa: S101, PT018 (for the type checker)
        made: list[Any] = []
        self._made = made
        self._error.value = ""
        self._say(f"building {band.name} \N{HORIZONTAL ELLIPSIS}")
        job = Job(
            self._maker.work(band),
            self.runner.form.value,
            keep=lambda _, result: made.append(result),
            changed=self._loop.soon,
        )
        self._job = job, band, on

    def _take(self) -> None:
        """Show what was built."""
        assert self._job is not None  # noqa: S101 (for the type checker)
        (job, band, on), self._job = self._job, None
        made, self._made = self._made, []
        run = job.run
        if run.state == "failed":
            self._error.value = error_html(run.error, run.details)
            self._say("")
            self._current.failed(band.name, on)
        if run.state != "done":
            return
        self._current.take_live(band.name, on, made)
        self._say(f"{band.name} built in {duration(run.seconds)}, in memory")
        self._show(band.name)

    # Runs

    def _ran(self, change: Any) -> None:
        """Show the products of a run that is over."""
        if change.new == "running":
            if self._job is not None:
                self._job[0].cancel()
            return
        runner = self.runner
        if change.new != "done" or runner is None:
            self._want()
            return
        run = runner.history[-1]
        on = {band.name: needs(cast("Spec3Params", run.params), band) for band in self._all_bands}
        if self._current.take_run(run, runner.runs, on):
            self._say(f"products of run {run.number}")
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

    def _list_bands(self) -> None:
        there = [] if self.viewer is None else [cube.label for cube in self.viewer.cubes]
        labels = list(dict.fromkeys([*(band.name for band in self._all_bands), *there]))
        options = [(self._current.told(label), label) for label in labels]
        self._is_telling = True
        try:
            if list(self._bands.options) != options:
                self._bands.options = options
            self._bands.value = self.band if self.band in labels else None
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

    def _say(self, text: str) -> None:
        self._said.value = line(text, "mrsnb-faint")

    def _fold(self, name: str, is_on: bool) -> None:
        (self.add_class if is_on else self.remove_class)(f"mrsnb-bench-{name}")

    def close(self) -> None:
        """Stop what is running, and close everything."""
        self._is_closed = True
        if self._job is not None:
            self._job[0].cancel()
            self._job[0].wait(5)
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
    >>> import mrsnb
    >>> mrsnb.workbench("my_target_lvl3_asn.json", "products")  # doctest: +SKIP
    """
    place = Path() if output_dir is None else Path(output_dir)
    given = observation(asn_or_files)
    return Workbench(given, output_dir=place, params=params, references=references, live=live)
