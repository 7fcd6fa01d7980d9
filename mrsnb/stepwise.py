"""One step on files: read what it takes, run it, write what it makes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from mrsnb.core.association import Association, checked_name
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.association import associate, read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.c1d import write_c1d
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.provenance import checksum, record
from mrsnb.io.regions import read_region
from mrsnb.io.s3d import read_s3d
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.pipeline import Spec3Params, Spec3Result, count_results, open_science, spec3
from mrsnb.pipeline.exposure_steps import STEPS
from mrsnb.pipeline.ledger import Ledger
from mrsnb.pipeline.run import written_alone
from mrsnb.steps.combine_1d import Combine1dParams, combine_1d
from mrsnb.steps.extract_1d import Extract1dParams, check_centre, extract_1d
from mrsnb.steps.mrs_imatch import MrsImatchParams
from mrsnb.steps.params import StepParams
from mrsnb.steps.spectral_leak import SpectralLeakParams, spectral_leak

ON_EXPOSURES = (*STEPS, "cube_build")
"""Steps that take an association or exposures."""

_NOTHING = {
    "assign_mtwcs": "no exposure is of a moving target (TARGTYPE = 'MOVING')",
    "master_background": "no spectrum of the background; list some in the association, or give --background",
}


def only(step: str, params: StepParams) -> Spec3Params:
    """Return the parameters of a run of one step, all others left out."""
    others = {other: {"skip": True} for other in Spec3Params.steps() if other != step}
    chosen: dict[str, Any] = {step: replace(params, skip=False)}
    return replace(Spec3Params().updated(others), **chosen)


def run_step(
    step: str,
    inputs: Association | Sequence[Path],
    params: StepParams,
    references: References,
    output_dir: Path,
    *,
    product: str | None = None,
    suffix: str | None = None,
    backgrounds: Sequence[Path] = (),
    exposures: Sequence[ExposureFile] | None = None,
) -> Iterator[Result | Spec3Result]:
    """Run one step on files and yield its results as their products are written.

    Parameters
    ----------
    step : str
        Its name.
    inputs : Association or sequence of Path
        An association, its file, or exposures, for `ON_EXPOSURES`; cubes for extract_1d; spectra for the others.
    params : StepParams
        Of that step; ``skip`` is not heeded.
    references : References
    output_dir : Path
        Made if missing.
    product : str, optional
        First part of the products' names, where no association says it; several spectra are numbered. If not given, it
        is that of the input for spectra, ``"cube"`` for cubes, ``"combined"`` for an average.
    suffix : str, optional
        Last part of their names, such as ``"s3d"``; the usual if not given.
    backgrounds : sequence of Path
        Spectra of the background, for exposures.
    exposures : sequence of ExposureFile, optional
        Those of the association, if `mrsnb.pipeline.open_science` has opened them.

    Yields
    ------
    Result
        Of the step.
    Spec3Result
        The last, for `ON_EXPOSURES`: it lists the exposures that were written.

    Raises
    ------
    InputError, ParamError, OutputError
        If a file or parameter cannot be used, or a product not be written.
    """
    if isinstance(inputs, Association) or step in ON_EXPOSURES:
        association = inputs if isinstance(inputs, Association) else _association(inputs, product, backgrounds)
        yield from _change_exposures(step, association, params, references, output_dir, suffix, exposures)
        return
    run = _SpectraRun(step, inputs, params, references, output_dir, product, suffix)
    yield from {"extract_1d": run.extract, "spectral_leak": run.correct_leak, "combine_1d": run.combine}[step]()


def _change_exposures(
    step: str,
    association: Association,
    params: StepParams,
    references: References,
    output_dir: Path,
    suffix: str | None,
    exposures: Sequence[ExposureFile] | None,
) -> Iterator[Result | Spec3Result]:
    if isinstance(params, MrsImatchParams) and not params.subtract:
        msg = "subtract = False: leaves it to cube_build, and a file cannot hold that; set subtract = True"
        raise ParamError(msg)
    steps = only(step, replace(params, save_results=True))
    suffixes = None if suffix is None else {step: suffix}
    exposures = open_science(association) if exposures is None else exposures
    if step in _NOTHING and count_results(association, steps, exposures) == 1:
        msg = f"{association.name}: {step}: nothing to do: {_NOTHING[step]}"
        raise InputError(msg)
    yield from spec3(
        association,
        steps,
        output_dir=output_dir,
        references=references,
        suffixes=suffixes,
        exposures=exposures,
        is_whole=False,
    )


def _association(inputs: Sequence[Path], product: str | None, backgrounds: Sequence[Path]) -> Association:
    listed = [path for path in inputs if path.suffix == ".json"]
    if not listed:
        return associate(inputs, "cube" if product is None else product, backgrounds)
    if len(inputs) > 1 or backgrounds:
        msg = f"{listed[0]}: give either one association, which lists backgrounds too, or exposures, not both"
        raise InputError(msg)
    return read_association(listed[0])


def _refuse_repeated(inputs: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in inputs:
        if path.resolve() in seen:
            msg = f"{path}: given twice; a spectrum would count double, give each once"
            raise InputError(msg)
        seen.add(path.resolve())


@dataclass(frozen=True)
class _SpectraRun:
    """One run of a step that makes spectra; what it is told is as for `run_step`."""

    step: str
    inputs: Sequence[Path]
    params: StepParams
    references: References
    output_dir: Path
    product: str | None
    suffix: str | None

    def extract(self) -> Iterator[Result]:
        """Extract the spectrum of each cube, and write it."""
        params = cast("Extract1dParams", self.params)
        region = None if params.extraction_region is None else read_region(params.extraction_region)
        values = self.references
        for path in self.inputs if len(self.inputs) > 1 else ():  # one cube in memory at a time, so each is read again
            check_centre(path.name, read_s3d(path).grid, params)
        for number, path in enumerate(self.inputs):
            result = extract_1d(read_s3d(path), params, values.extract1d, values.apcorr, region=region)
            spectra = tuple(self._named(spectrum, number) for spectrum in result.spectra)
            alone = replace(self, inputs=[path], product=self._numbered(number))
            for spectrum in spectra:
                alone.write(write_x1d, alone.told(spectrum))
            yield replace(result, spectra=spectra)

    def correct_leak(self) -> Iterator[Result]:
        """Correct the spectrum of band 3A, and write it; the others too if they are to have other names."""
        params = cast("SpectralLeakParams", self.params)
        spectra = [read_x1d(path) for path in self.inputs]
        for path, spectrum in zip(self.inputs, spectra, strict=True):
            if spectrum.primary.text("S_SPLEAK") == "COMPLETE" and "3A" in spectrum.label:
                msg = f"{path}: the spectral leak was taken out before (S_SPLEAK); extract the spectrum again"
                raise InputError(msg)
        spectra = [self._named(spectrum, number) for number, spectrum in enumerate(spectra)]
        result = spectral_leak(spectra, params, self.references.mrsptcorr)
        kept = (self.product, self.suffix) == (None, None)
        changed = [s for s in result.spectra if s is result.corrected or not kept]
        for spectrum in changed:
            self._folder(spectrum.name)
        for spectrum in changed:
            self.write(write_x1d, self.told(spectrum))
        yield result

    def combine(self) -> Iterator[Result]:
        """Average the spectra, and write what comes of it."""
        params = cast("Combine1dParams", self.params)
        name = f"{self._part(self.product, 'combined', 'product name')}_{self._part(self.suffix, 'c1d', 'suffix')}.fits"
        _refuse_repeated(self.inputs)
        result = combine_1d([read_x1d(path) for path in self.inputs], params, name=name)
        told = self._history(result.spectra[0].history)
        self.write(write_c1d, [replace(spectrum, history=told) for spectrum in result.spectra], name)
        yield result

    def write(self, write: Callable[[Any, Path], Path], made: Any, name: str | None = None) -> None:
        """Write what was made, under the name that it has or the one that is given."""
        name = made.name if name is None else name
        folder = self._folder(name)
        with written_alone(folder, is_whole=False), Ledger(folder, {}, records=False).making(self.step, folder / name):
            write(made, folder)

    def _part(self, given: str | None, usual: str, what: str) -> str:
        return usual if given is None else checked_name(given, what)

    def _numbered(self, number: int) -> str | None:
        return f"{self.product}_{number}" if self.product is not None and len(self.inputs) > 1 else self.product

    def _named(self, spectrum: Spectrum, number: int) -> Spectrum:
        """Return a spectrum under the name that its product is to have."""
        stem = self._part(
            self._numbered(number), spectrum.name.removesuffix(".fits").removesuffix("_x1d"), "product name"
        )
        return replace(spectrum, name=f"{stem}_{self._part(self.suffix, 'x1d', 'suffix')}.fits")

    def _folder(self, name: str) -> Path:
        """Return the folder of products, after a look whether a product of this name may be written there."""
        folder = output_folder(self.output_dir)
        target = folder / name
        if any(path.exists() and target.exists() and path.samefile(target) for path in self.inputs):
            msg = f"{target}: would replace its own input; choose another output directory, or a suffix"
            raise OutputError(msg)
        return folder

    def told(self, spectrum: Spectrum) -> Spectrum:
        """Return a spectrum with its provenance."""
        return replace(spectrum, history=self._history(spectrum.history))

    def _history(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the provenance of what was made; parameters of the steps before are as its input states."""
        references = None if self.step == "combine_1d" else self.references
        suffixes = None if self.suffix is None else {self.step: self.suffix}
        given = {path: checksum(path) for path in self.inputs}
        made = record(
            self.step,
            output_folder(self.output_dir),
            given,
            {self.step: self.params},
            references,
            product=self.product,
            suffixes=suffixes,
        )
        steps = [*Spec3Params.steps(), "combine_1d"]
        earlier = steps[: steps.index(self.step)]
        stated = before.get("parameters")
        known = {name: stated[name] for name in earlier if name in stated} if isinstance(stated, Mapping) else {}
        return made | {"parameters": known | made["parameters"]}
