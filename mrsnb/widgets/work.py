"""What a run does: the step, what it is done to, and the results one by one; knows no widgets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mrsnb.core.association import Association
from mrsnb.core.cube import Cube
from mrsnb.core.exposure import Described, ExposureSource
from mrsnb.core.params import Params
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError, ParamError, nearest
from mrsnb.io.association import associate, read_association
from mrsnb.io.places import home
from mrsnb.io.references import load_references
from mrsnb.io.regions import read_region
from mrsnb.kernels.cache import compile_missing
from mrsnb.pipeline import Spec3Params, Spec3Result, count_results, kernels_of, open_science, spec3
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.settings import step_settings
from mrsnb.stepwise import ON_EXPOSURES, only, run_step

Inputs = Association | Path | str | ExposureSource | Cube | Spectrum
AnyParams = Params | Spec3Params
AnyResult = Result | Spec3Result

SPEC3 = "spec3"
_KINDS = {"extract_1d": Cube, "spectral_leak": Spectrum, "combine_1d": Spectrum}


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is done each time that a run is started.

    Parameters
    ----------
    step : str
        ``"spec3"`` or the name of a step.
    names : tuple of str
        What it is done to, as people read it.
    output_dir : Path or None
        Where products are written; None if none are.
    begin : callable
        Takes parameters; returns how many results there will be, and yields each as it comes.
    """

    step: str
    names: tuple[str, ...]
    output_dir: Path | None
    begin: Callable[[Any], tuple[int, Iterator[AnyResult]]]

    @property
    def defaults(self) -> AnyParams:
        """Parameters to begin with."""
        return Spec3Params.preset("archive") if self.step == SPEC3 else cast("Params", step_settings(self.step).params)


def work_of(
    step: str,
    inputs: Inputs | Sequence[Inputs],
    output_dir: Path | str | None = None,
    references: References | None = None,
) -> Work:
    """Return the work of a step on inputs.

    Parameters
    ----------
    step : str
        ``"spec3"`` or a step that `mrsnb.stepwise.run_step` knows.
    inputs : Association, path, exposure, Cube, Spectrum, or a sequence of such
        Files are read, and products written, as `mrsnb.pipeline.spec3` and `mrsnb.stepwise.run_step` do. Of values in
        memory, results are made in memory too.
    output_dir : Path or str, optional
        Of products; the working directory if not given.
    references : References, optional
        The built-in values if not given.

    Raises
    ------
    ParamError
        If there is no such step.
    InputError
        If it cannot be done to such inputs.
    """
    known = [SPEC3, *step_types()]
    if step not in known:
        msg = f"step = {step!r}: unknown{nearest(str(step), known)}"
        raise ParamError(msg)
    given = [inputs] if isinstance(inputs, (Association, Path, str)) or not isinstance(inputs, Sequence) else [*inputs]
    if not given:
        msg = f"{step}: no inputs; give an association, files or values"
        raise InputError(msg)
    names = tuple(_name(value) for value in given)
    folder = Path() if output_dir is None else home(output_dir)
    if all(isinstance(value, (Path, str)) for value in given) or isinstance(given[0], Association):
        files = cast("list[Association | Path]", [Path(v) if isinstance(v, str) else v for v in given])
        of_files = _Files(step, tuple(files), folder, references)
        return Work(step=step, names=names, output_dir=folder, begin=of_files.begin)
    _check_values(step, given)
    if output_dir is not None:
        msg = f"output_dir = {output_dir}: of values in memory nothing is written; leave it out, or give files"
        raise InputError(msg)
    of_values = _Values(step, tuple(given), references)
    return Work(step=step, names=names, output_dir=None, begin=of_values.begin)


def _name(value: Inputs) -> str:
    return Path(value).name if isinstance(value, (Path, str)) else value.name


def _check_values(step: str, given: Sequence[Any]) -> None:
    wanted = _KINDS.get(step, Described)
    wrong = next((value for value in given if not isinstance(value, wanted)), None)
    if step in {SPEC3, "master_background"}:
        what = "an association, or files"
    elif wrong is None:
        return
    else:
        what = {Cube: "cubes", Spectrum: "spectra"}.get(wanted, "exposures") + ", or files"
    msg = (
        f"{step}: cannot be done to a value of type {type(given[0] if wrong is None else wrong).__name__}; give {what}"
    )
    raise InputError(msg)


@dataclass(frozen=True)
class _Files:
    step: str
    given: tuple[Association | Path, ...]
    folder: Path
    references: References | None

    def _association(self) -> Association:
        first = self.given[0]
        if isinstance(first, Association):
            return first
        if len(self.given) == 1 and first.suffix == ".json":
            return read_association(first)
        return associate([path for path in self.given if isinstance(path, Path)], "cube")

    def begin(self, params: Any) -> tuple[int, Iterator[AnyResult]]:
        references = load_references() if self.references is None else self.references
        if self.step not in {SPEC3, *ON_EXPOSURES}:
            files = cast("Sequence[Path]", self.given)
            n = len(files) if self.step == "extract_1d" else 1
            return n, run_step(self.step, files, params, references, self.folder)
        association = self._association()
        exposures = open_science(association)
        if self.step == SPEC3:
            total = count_results(association, params, exposures)
            return total, spec3(association, params, output_dir=self.folder, references=references, exposures=exposures)
        total = count_results(association, only(self.step, params), exposures)
        return total, run_step(self.step, association, params, references, self.folder, exposures=exposures)


@dataclass(frozen=True)
class _Values:
    step: str
    given: tuple[Any, ...]
    references: References | None

    def begin(self, params: Any) -> tuple[int, Iterator[AnyResult]]:
        return len(self.given) if self.step == "extract_1d" else 1, self._results(params)

    def _results(self, params: Any) -> Iterator[Result]:
        values = load_references() if self.references is None else self.references
        if self.step in Spec3Params.steps():
            compile_missing(kernels_of(only(self.step, params)))
        if self.step == "extract_1d":
            from mrsnb.steps.extract_1d import extract_1d

            region = None if params.extraction_region is None else read_region(params.extraction_region)
            for cube in self.given:
                yield extract_1d(cube, params, values.extract1d, values.apcorr, region=region)
            return
        yield _function(self.step, values)(self.given, params)


def _function(step: str, values: References) -> Callable[[Any, Any], Result]:
    """Return the function of a step that takes all values at once, and their parameters."""
    from importlib import import_module

    function = getattr(import_module(f"mrsnb.steps.{step}"), step)
    reference = {"cube_build": "cubepar", "mrs_imatch": "cubepar", "spectral_leak": "mrsptcorr"}.get(step)
    if reference is None:
        return cast("Callable[[Any, Any], Result]", function)
    return lambda given, params: function(given, params, getattr(values, reference))
