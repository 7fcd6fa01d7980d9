"""One step on files: read what it takes, run it, write what it makes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mrsnb.core.association import Association
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError, OutputError
from mrsnb.io.association import associate, read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.provenance import checksum, software
from mrsnb.io.s3d import read_s3d
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.pipeline import Spec3Params, spec3
from mrsnb.steps.cube_build import CubeBuildParams
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.spectral_leak import SpectralLeakParams, spectral_leak

_SKIP = {"skip": True}


def build_cubes(
    inputs: Sequence[Path], params: CubeBuildParams, references: References, output_dir: Path, product: str
) -> Iterator[Result]:
    """Yield each cube as it is written.

    Parameters
    ----------
    inputs : sequence of Path
        One association, or calibrated exposures.
    params : CubeBuildParams
    references : References
    output_dir : Path
        Made if missing.
    product : str
        First part of the cubes' names, if exposures are given.

    Raises
    ------
    InputError, ParamError, OutputError
        If an exposure cannot be used, none has the wanted band, or a cube cannot be written.
    """
    others = {step: _SKIP for step in Spec3Params.steps() if step != "cube_build"}
    steps = replace(Spec3Params().updated(others), cube_build=params)
    results = spec3(_association(inputs, product), steps, output_dir=output_dir, references=references)
    yield from (result for result in results if isinstance(result, Result))


def extract_spectra(
    inputs: Sequence[Path], params: Extract1dParams, references: References, output_dir: Path
) -> Iterator[Result]:
    """Yield the spectrum of each cube as it is written.

    Parameters
    ----------
    inputs : sequence of Path
        Cubes, ``_s3d.fits``.
    params : Extract1dParams
    references : References
    output_dir : Path
        Made if missing.

    Raises
    ------
    InputError, OutputError
        If a cube cannot be used, or a spectrum not be written.
    """
    for path in inputs:
        result = extract_1d(read_s3d(path), params, references.extract1d, references.apcorr)
        for spectrum in result.spectra:
            _write(spectrum, [path], references, output_dir)
        yield result


def correct_leak(
    inputs: Sequence[Path], params: SpectralLeakParams, references: References, output_dir: Path
) -> Iterator[Result]:
    """Yield the result of spectral_leak; the spectrum of band 3A is written if it was corrected.

    Parameters
    ----------
    inputs : sequence of Path
        Spectra, ``_x1d.fits``, among them those of bands 1B and 3A.
    params : SpectralLeakParams
    references : References
    output_dir : Path
        Made if missing.

    Raises
    ------
    InputError, OutputError
        If a spectrum cannot be used or was corrected before, or the new one not be written.
    """
    spectra = [read_x1d(path) for path in inputs]
    for path, spectrum in zip(inputs, spectra, strict=True):
        if spectrum.primary.text("S_SPLEAK") == "COMPLETE" and "3A" in spectrum.label:
            msg = f"{path}: the spectral leak was taken out before (S_SPLEAK); extract the spectrum again"
            raise InputError(msg)
    result = spectral_leak(spectra, params, references.mrsptcorr)
    if result.corrected is not None:
        _write(result.corrected, inputs, references, output_dir)
    yield result


def _association(inputs: Sequence[Path], product: str) -> Association:
    listed = [path for path in inputs if path.suffix == ".json"]
    if not listed:
        return associate(inputs, product)
    if len(inputs) > 1:
        msg = f"{listed[0]}: give either one association or exposures, not both"
        raise InputError(msg)
    return read_association(listed[0])


def _write(spectrum: Spectrum, inputs: Sequence[Path], references: References, output_dir: Path) -> None:
    folder = output_folder(output_dir)
    target = folder / spectrum.name
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        msg = f"{target}: would replace its own input; choose another --output-dir"
        raise OutputError(msg)
    given = {path.name: checksum(path) for path in inputs}
    history = spectrum.history | {"software": software(), "references": references.sources(), "inputs": given}
    write_x1d(replace(spectrum, history=history), folder)
