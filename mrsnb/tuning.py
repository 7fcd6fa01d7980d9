"""One step in a notebook: what it is told, its run, what it changed, what it wrote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.changes import Changes, Look, compared, look
from mrsnb.core.cube import Cube
from mrsnb.core.memory import peak_memory
from mrsnb.core.references import References
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.display.progress import follow
from mrsnb.errors import InputError, ParamError, nearest
from mrsnb.io.association import associate, read_association
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.input_files import listed_files
from mrsnb.io.places import home
from mrsnb.io.references import load_references
from mrsnb.io.regions import read_region
from mrsnb.io.s3d import read_s3d
from mrsnb.pipeline import Spec3Result, count_results, open_science
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.settings import AMONG_OTHERS, step_settings
from mrsnb.steps.cube_build import CubeBuildParams, CubeBuildResult, build_cube, plan_cubes
from mrsnb.steps.extract_1d import Extract1dParams, Extract1dResult, extract_1d
from mrsnb.steps.master_background import MasterBackgroundParams
from mrsnb.steps.params import StepParams
from mrsnb.stepwise import ON_EXPOSURES, only, run_step
from mrsnb.template_values import checked

PRESET = "archive"
_SELECTS = ("channel", "band", "output_type")
"""Parameters of cube_build that say which cubes are made, not how."""
_DEFAULTS = ("the defaults", "as given")


@dataclass(frozen=True, eq=False)
class StepTask(Shown):
    """A step, what it is done to, and how.

    Parameters
    ----------
    step : str
        Its name.
    inputs : Association or tuple of Path
        What it takes: an association for steps on exposures, cubes for extract_1d.
    exposures : tuple of ExposureFile
        Those of the association, their arrays not read; empty without one.
    params : StepParams
    usual : StepParams
        Those that nobody would have to say.
    references : References
    output_dir : Path
        Where products go.
    compare_band : str, optional
        Band, as ``"1A"``, whose cube shows what a step on exposures changes; the first if None.
    """

    step: str
    inputs: Association | tuple[Path, ...]
    exposures: tuple[ExposureFile, ...]
    params: StepParams
    usual: StepParams
    references: References
    output_dir: Path
    compare_band: str | None = None

    @property
    def title(self) -> str:
        """What will be done."""
        if isinstance(self.inputs, Association):
            path = self.inputs.path
            return f"{self.step}: {_count(self.exposures) if path is None else path.name}"
        return f"{self.step}: {_count(self.inputs)}"

    def rows(self) -> list[Row]:
        """Return inputs, output, and the parameters that differ from the defaults."""
        inputs = self.inputs
        if isinstance(inputs, Association):
            rows = [Row("exposures", str(len(self.exposures)), note=", ".join(sorted(self._bands())))]
            rows += [Row("backgrounds", str(len(inputs.background)))] if inputs.background else []
        else:
            rows = [Row("cubes", str(len(inputs)))]
        changed = _changed_rows(self.params, self.usual) or [Row("parameters", "the defaults")]
        return [*rows, Row("products go to", str(self.output_dir.absolute())), *changed]

    def sections(self) -> list[Section]:
        """Return the inputs, all parameters, and where the reference values are from."""
        inputs = self.inputs
        if isinstance(inputs, Association):
            files = [(Path(m.expname).name, m.exptype) for m in (*inputs.science, *inputs.background)]
        else:
            files = [(path.name, "cube") for path in inputs]
        return [
            Section("Inputs", Table(("file", "used as"), files)),
            *(Section(f"{part.title} parameters", part.content) for part in self.params.sections()),
            Section("Reference values", self.references.rows()),
        ]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())

    def _bands(self) -> dict[str, Band]:
        return {band.name: band for exposure in self.exposures for band in exposure.bands}

    def check(self) -> None:
        """Look whether there is what the step needs beside its inputs.

        Raises
        ------
        InputError
            If no background is known that could be subtracted.
        ParamError
            If no exposure has the band that is to be shown.
        """
        if not isinstance(self.inputs, Association):
            return
        self.shown_band()
        params = self.params
        if isinstance(params, MasterBackgroundParams) and params.user_background is None and not self.inputs.background:
            msg = f"{self.title}: no spectrum of the background; give backgrounds or user_background"
            raise InputError(msg)

    def shown_band(self) -> Band:
        """Return the band whose cube shows what changed.

        Raises
        ------
        ParamError
            If no exposure has it.
        """
        bands = self._bands()
        name = min(bands) if self.compare_band is None else self.compare_band.upper()
        if name not in bands:
            msg = f"compare_band = {self.compare_band!r}: no exposure has it{nearest(name, sorted(bands))}"
            raise ParamError(msg)
        return bands[name]

    def run(self) -> "Done":
        """Run the step, show progress, write its products, and return what it made."""
        start = perf_counter()
        results, looks = [], []
        for result in follow(self._results(), self._total()):
            if isinstance(result, CubeBuildResult):
                looks += [look(cube) for cube in result.cubes]  # the cube itself is not kept
                continue
            if isinstance(result, Extract1dResult):
                looks += [look(spectrum) for spectrum in result.spectra]
            results.append(result)
        last = results[-1]
        if isinstance(last, Spec3Result):
            paths = last.paths
            shown = last if self.step == "cube_build" else results[0]
        else:
            shown = _joined(results)
            paths = tuple(self.output_dir / spectrum.name for spectrum in shown.spectra)
        return Done(self, shown, tuple(looks), paths, perf_counter() - start)

    def _results(self) -> Iterator[Any]:
        return run_step(
            self.step,
            self.inputs,
            self.params,
            self.references,
            self.output_dir,
            exposures=self.exposures if isinstance(self.inputs, Association) else None,
        )

    def _total(self) -> int:
        if isinstance(self.inputs, Association):
            return count_results(self.inputs, only(self.step, self.params), self.exposures)
        return len(self.inputs)

    def form(self) -> Any:
        """Return a form with these parameters that runs the step again, see `mrsnb.runner`."""
        from mrsnb.widgets.runner import runner

        inputs = self.inputs if isinstance(self.inputs, Association) else list(self.inputs)
        return runner(self.step, inputs, self.output_dir, params=self.params, references=self.references)


@dataclass(frozen=True, eq=False)
class Done:
    """What a run of a step left.

    Parameters
    ----------
    task : StepTask
    result : Result or Spec3Result
        Of the step.
    looks : tuple of Look
        What is kept of the cubes or spectra that it made; empty for a step on exposures.
    paths : tuple of Path
        What it wrote.
    seconds : float
        Wall time.
    """

    task: StepTask
    result: Any
    looks: tuple[Look, ...]
    paths: tuple[Path, ...]
    seconds: float

    @property
    def written(self) -> "Written":
        """The files that were written."""
        return written(self.paths, self.seconds)

    def changes(self) -> Changes:
        """Return what the step changed.

        For a step on exposures: a cube built of them before and after. For cubes and spectra: those that the default
        parameters make, and these.
        """
        task = self.task
        if task.step not in ("cube_build", "extract_1d"):
            return _of_exposures(task, self.result)
        usual = _usual_of_same(task)
        if usual == task.params:
            return Changes(task.step, _DEFAULTS, reason="the parameters are the defaults: nothing to compare")
        return compared(task.step, _DEFAULTS, _made_by(usual, task), self.looks)


@dataclass(frozen=True)
class Written(Shown):
    """Files that were written, and what it took.

    Parameters
    ----------
    paths : tuple of Path
    seconds : float
        Wall time.
    memory : float
        The most that the process has had, GB.
    """

    paths: tuple[Path, ...]
    seconds: float
    memory: float

    @property
    def title(self) -> str:
        """How many files."""
        return f"Written: {len(self.paths)} file{'' if len(self.paths) == 1 else 's'}"

    def rows(self) -> list[Row]:
        """Return where they are, and time and memory."""
        folders = dict.fromkeys(str(path.parent.absolute()) for path in self.paths)
        return [
            Row("folder", ", ".join(folders) or "nothing was written"),
            Row("time", f"{self.seconds:.1f}", "s"),
            Row("peak memory", f"{self.memory:.2f}", "GB"),
        ]

    def sections(self) -> list[Section]:
        """Return the files with their sizes."""
        files = [(path.name, f"{path.stat().st_size / 1e6:.1f}" if path.is_file() else "-") for path in self.paths]
        return [Section("Files", Table(("file", "MB"), files), open=len(files) <= 12)] if files else []

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections())


def written(paths: Sequence[Path], seconds: float) -> Written:
    """Return files that were written, and what it took: wall time in s, and this process's memory."""
    return Written(tuple(paths), seconds, peak_memory())


def tune(step: str, variables: Mapping[str, Any]) -> StepTask:
    """Return what a template of a step is told to do, all of it checked; nothing is computed.

    Parameters
    ----------
    step : str
        Its name, which is that of the template.
    variables : mapping
        ``vars()`` of the notebook: the step's parameters, each under its name, and ``files``, ``output_dir``,
        ``references``, ``overrides`` and, as far as the template has them, ``backgrounds``, ``product``,
        ``compare_band``.

    Raises
    ------
    ParamError
        If a name is unknown, or a value not allowed.
    InputError
        If a file cannot be used.

    Examples
    --------
    >>> import mrsnb
    >>> told = {"files": "raw/star_lvl3_asn.json", "output_dir": "out", "scalexy": 0.2}
    >>> mrsnb.tune("cube_build", told).params.scalexy
    0.2
    """
    given = checked(step, variables).values
    params = step_params(step, variables)
    references = load_references(given.get("references"), given.get("overrides"))
    files = listed_files(given["files"])
    inputs: Association | tuple[Path, ...] = files
    exposures: tuple[ExposureFile, ...] = ()
    if step in ON_EXPOSURES:
        inputs = _association(files, given.get("product", "cube"), given.get("backgrounds"))
        exposures = open_science(inputs)
    output_dir = home(given["output_dir"])
    usual = step_settings(step, preset=PRESET).params
    task = StepTask(step, inputs, exposures, params, usual, references, output_dir, given.get("compare_band"))
    task.check()
    return task


def step_params(step: str, variables: Mapping[str, Any]) -> StepParams:
    """Return the parameters of a step among the variables of a notebook; text is read as on the command line.

    Raises
    ------
    ParamError
        If a value is not allowed.
    """
    values = {
        spec.name: spec.from_text(value) if isinstance(value, str) else spec.from_plain(value)
        for spec in step_types()[step].specs()
        if spec.name not in AMONG_OTHERS and spec.name in variables
        for value in [variables[spec.name]]
    }
    return cast("StepParams", step_settings(step, preset=PRESET, given={step: values}).params)


def _association(files: tuple[Path, ...], product: str, backgrounds: Any) -> Association:
    spectra = () if backgrounds is None else listed_files(backgrounds)
    if len(files) == 1 and files[0].suffix == ".json":
        association = read_association(files[0])
        if not spectra:
            return association
        exposures = [association.path_of(member) for member in association.science]
        return associate(exposures, association.name, spectra)
    return associate(files, product, spectra)


def _count(files: Sequence[Path | ExposureFile]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"


def _changed_rows(params: StepParams, usual: StepParams) -> list[Row]:
    """Return the values that differ from those that nobody would have to say."""
    return [
        Row(spec.name, str(getattr(params, spec.name)), spec.unit or "", f"instead of {getattr(usual, spec.name)}")
        for spec in params.specs()
        if getattr(params, spec.name) != getattr(usual, spec.name)
    ]


def _joined(results: Sequence[Extract1dResult]) -> Extract1dResult:
    return replace(
        results[0],
        seconds=sum(result.seconds for result in results),
        spectra=tuple(spectrum for result in results for spectrum in result.spectra),
        centres=tuple(centre for result in results for centre in result.centres),
        fringes=tuple(fringe for result in results for fringe in result.fringes),
    )


def _usual_of_same(task: StepTask) -> StepParams:
    """Return the parameters that nobody would have to say, for the cubes that are asked for."""
    params = task.usual
    same = {name: getattr(task.params, name) for name in _SELECTS if isinstance(params, CubeBuildParams)}
    return replace(params, **same)


def _made_by(params: StepParams, task: StepTask) -> Iterator[Cube | Spectrum]:
    """Yield, one at a time, what other parameters make of the inputs of a task; nothing is written."""
    values = task.references
    if isinstance(params, CubeBuildParams):
        for plan in plan_cubes(task.exposures, params, values.cubepar):
            yield build_cube(plan, params, values.cubepar, "default")
    elif isinstance(params, Extract1dParams):
        region = None if params.extraction_region is None else read_region(params.extraction_region)
        for path in cast("tuple[Path, ...]", task.inputs):
            yield from extract_1d(read_s3d(path), params, values.extract1d, values.apcorr, region=region).spectra


def _of_exposures(task: StepTask, result: Any) -> Changes:
    """Return the cube of a band built of the exposures that have it, before a step and after."""
    band = task.shown_band()
    params = CubeBuildParams.from_dict({"channel": str(band.channel), "band": band.sub_band})
    cubepar = task.references.cubepar

    def built(exposures: Sequence[Any]) -> Iterator[Cube]:
        having = [exposure for exposure in exposures if band in exposure.bands]
        for plan in plan_cubes(having, params, cubepar):
            yield build_cube(plan, params, cubepar, task.step)

    after = [look(cube) for cube in built(result.exposures)]
    return compared(f"Cube of {band.name}", (f"before {task.step}", "after"), built(task.exposures), after)
