"""One step on files: read what it takes, run it, write what it makes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mrsnb.core.association import Association
from mrsnb.core.params import Params
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.association import associate, read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.c1d import write_c1d
from mrsnb.io.provenance import checksum, record
from mrsnb.io.regions import read_region
from mrsnb.io.s3d import read_s3d
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.pipeline import Spec3Params, Spec3Result, spec3
from mrsnb.steps.combine_1d import Combine1dParams, combine_1d
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.mrs_imatch import MrsImatchParams
from mrsnb.steps.params import StepParams
from mrsnb.steps.spectral_leak import SpectralLeakParams, spectral_leak

ON_EXPOSURES = (
    "assign_mtwcs",
    "master_background",
    "mrs_imatch",
    "outlier_detection",
    "adaptive_trace_model",
    "pixel_replace",
    "cube_build",
)
"""Steps that take an association or exposures."""

_SKIP = {"skip": True}
_NOTHING = {
    "assign_mtwcs": "no exposure is of a moving target (TARGTYPE = 'MOVING')",
    "master_background": "no spectrum of the background; list some in the association, or give --background",
}


def run_step(
    step: str,
    inputs: Association | Sequence[Path],
    params: StepParams,
    references: References,
    output_dir: Path,
    *,
    product: str = "cube",
    backgrounds: Sequence[Path] = (),
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
    product : str
        First part of the products' names, where exposures or spectra are given.
    backgrounds : sequence of Path
        Spectra of the background, for exposures.

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
    if isinstance(inputs, Association):
        yield from _change_exposures(step, inputs, params, references, output_dir)
    elif step in ON_EXPOSURES:
        association = _association(inputs, product, backgrounds)
        yield from _change_exposures(step, association, params, references, output_dir)
    elif step == "extract_1d":
        yield from _extract(inputs, cast("Extract1dParams", params), references, output_dir)
    elif step == "spectral_leak":
        yield from _correct_leak(inputs, cast("SpectralLeakParams", params), references, output_dir)
    else:
        yield _combine(inputs, cast("Combine1dParams", params), output_dir, product)


def _change_exposures(
    step: str, association: Association, params: StepParams, references: References, output_dir: Path
) -> Iterator[Result | Spec3Result]:
    if isinstance(params, MrsImatchParams) and not params.subtract:
        msg = "subtract = False: leaves it to cube_build, and a file cannot hold that; set subtract = True"
        raise ParamError(msg)
    others = {other: _SKIP for other in Spec3Params.steps() if other != step}
    chosen: dict[str, Any] = {step: replace(params, skip=False, save_results=True)}
    steps = replace(Spec3Params().updated(others), **chosen)
    told = False
    for result in spec3(association, steps, output_dir=output_dir, references=references):
        told |= isinstance(result, Result)
        yield result
    if not told:
        msg = f"{association.name}: {step}: nothing to do: {_NOTHING[step]}"
        raise InputError(msg)


def _extract(
    inputs: Sequence[Path], params: Extract1dParams, references: References, output_dir: Path
) -> Iterator[Result]:
    region = None if params.extraction_region is None else read_region(params.extraction_region)
    for path in inputs:
        result = extract_1d(read_s3d(path), params, references.extract1d, references.apcorr, region=region)
        for spectrum in result.spectra:
            _write("extract_1d", spectrum, [path], params, references, output_dir)
        yield result


def _correct_leak(
    inputs: Sequence[Path], params: SpectralLeakParams, references: References, output_dir: Path
) -> Iterator[Result]:
    spectra = [read_x1d(path) for path in inputs]
    for path, spectrum in zip(inputs, spectra, strict=True):
        if spectrum.primary.text("S_SPLEAK") == "COMPLETE" and "3A" in spectrum.label:
            msg = f"{path}: the spectral leak was taken out before (S_SPLEAK); extract the spectrum again"
            raise InputError(msg)
    result = spectral_leak(spectra, params, references.mrsptcorr)
    if result.corrected is not None:
        _write("spectral_leak", result.corrected, inputs, params, references, output_dir)
    yield result


def _combine(inputs: Sequence[Path], params: Combine1dParams, output_dir: Path, product: str) -> Result:
    result = combine_1d([read_x1d(path) for path in inputs], params, name=f"{product}_c1d.fits")
    folder = output_folder(output_dir)
    history = _history("combine_1d", inputs, params, folder, result.spectra[0].history, product=product)
    write_c1d([replace(spectrum, history=history) for spectrum in result.spectra], folder)
    return result


def _association(inputs: Sequence[Path], product: str, backgrounds: Sequence[Path]) -> Association:
    listed = [path for path in inputs if path.suffix == ".json"]
    if not listed:
        return associate(inputs, product, backgrounds)
    if len(inputs) > 1 or backgrounds:
        msg = f"{listed[0]}: give either one association, which lists backgrounds too, or exposures, not both"
        raise InputError(msg)
    return read_association(listed[0])


def _write(
    step: str,
    spectrum: Spectrum,
    inputs: Sequence[Path],
    params: StepParams,
    references: References,
    output_dir: Path,
) -> None:
    folder = output_folder(output_dir)
    target = folder / spectrum.name
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        msg = f"{target}: would replace its own input; choose another --output-dir"
        raise OutputError(msg)
    write_x1d(replace(spectrum, history=_history(step, inputs, params, folder, spectrum.history, references)), folder)


def _history(
    step: str,
    inputs: Sequence[Path],
    params: Params,
    folder: Path,
    before: Mapping[str, Any],
    references: References | None = None,
    *,
    product: str = "",
) -> dict[str, Any]:
    """Return the provenance of what one step made; parameters of the steps before it are as its input states."""
    given = {path: checksum(path) for path in inputs}
    made = record(step, folder, given, {step: params}, references, product=product)
    steps = [*Spec3Params.steps(), "combine_1d"]
    earlier = steps[: steps.index(step)]
    stated = before.get("parameters")
    known = {name: stated[name] for name in earlier if name in stated} if isinstance(stated, Mapping) else {}
    return made | {"parameters": known | made["parameters"]}
