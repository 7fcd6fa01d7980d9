"""The steps of a run in order, from exposures to spectra: of all of it, or of a part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
from mrsnb.core.quality.check import Check
from mrsnb.core.quality.cubes import CubeFigures
from mrsnb.core.quality.doubts import cube_doubts, spectrum_doubts
from mrsnb.core.references import References
from mrsnb.core.region import SkyAperture
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.offsets import read_offsets
from mrsnb.io.provenance import N_STATED, files_named, record
from mrsnb.io.regions import read_region
from mrsnb.io.s3d import write_s3d
from mrsnb.io.unchanged import Version, changed, refuse_changed, versions_at
from mrsnb.io.x1d import write_x1d
from mrsnb.kernels.threads import ahead, go_on
from mrsnb.pipeline.doubts import doubts_about, with_doubts
from mrsnb.pipeline.exposure_steps import Backgrounds, ExposureSteps, Share, read_backgrounds
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.result import ProductSummary
from mrsnb.steps.cube_build import CubeBuildResult, CubePlan, Offsets, build_cube, plan_cubes, voxel_pixels
from mrsnb.steps.extract_1d import DrizzleCovariance, Extract1dResult, extract_1d
from mrsnb.steps.spectral_leak import SpectralLeakResult, spectral_leak


class Extras(NamedTuple):
    """What is in files that parameters name."""

    offsets: Offsets | None
    region: SkyAperture | None
    backgrounds: Backgrounds
    files: Mapping[Path, Version | None]
    """Their versions when they were read."""


def read_extras(association: Association, params: Spec3Params) -> Extras:
    """Return what is in files that parameters name, and the spectra of the background.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    named = files_named({step: getattr(params, step) for step in Spec3Params.steps()}).values()
    files = versions_at([*named, *(association.path_of(member) for member in association.background)])
    shifts, region = params.cube_build.offset_file, params.extract_1d.extraction_region
    return Extras(
        None if shifts is None or params.cube_build.skip else read_offsets(shifts),
        None if region is None or params.extract_1d.skip else read_region(region),
        read_backgrounds(association, params),
        files,
    )


def recorded(
    association: Association,
    exposures: Sequence[ExposureFile],
    params: Spec3Params,
    references: References,
    folder: Path,
    suffixes: Mapping[str, str],
    extras: Extras,
) -> dict[str, Any]:
    """Return the provenance of the products of a run, with what is doubtful about the exposures.

    Raises
    ------
    InputError
        If a file has changed since it was read: its checksum would be of something else.
    """
    history = record(
        "spec3",
        folder,
        {exposure.path: exposure.checksum for exposure in exposures},
        {step: getattr(params, step) for step in Spec3Params.steps()},
        references,
        backgrounds=[association.path_of(member) for member in association.background],
        association=association,
        suffixes=suffixes,
    )
    refuse_changed(extras.files)
    stated = references.sources()
    for kind, path in references.files.items():
        digest = history["files"][kind]["checksum"][:N_STATED]
        if "sha256:" in stated[kind] and digest not in stated[kind]:
            raise changed(path)
    return with_doubts(history, doubts_about(exposures))


class Chain:
    """Runs the steps, in order; collects what is kept of each product.

    Parameters
    ----------
    association : Association
    params : Spec3Params
    references : References
    folder : Path
        Where products go.
    exposures : sequence of ExposureFile
        All of the association.
    scratch : Path
        Where arrays are kept meanwhile.
    extras : Extras
    history : mapping
        Provenance of the products.
    suffixes : mapping of str to str
        Last part of the names of a step's exposures or cubes, where not the usual.
    share : Share, optional
        What of the exposures is wanted; all if not given.
    cubes : sequence of tuple of Band, optional
        Which cubes are wanted, by their bands; all if not given.
    """

    def __init__(
        self,
        association: Association,
        params: Spec3Params,
        references: References,
        folder: Path,
        *,
        exposures: Sequence[ExposureFile],
        scratch: Path,
        extras: Extras,
        history: Mapping[str, Any],
        suffixes: Mapping[str, str],
        share: Share | None = None,
        cubes: Sequence[tuple[Band, ...]] | None = None,
    ) -> None:
        self.association, self.params, self.references = association, params, references
        self.folder, self.offsets, self.region = folder, extras.offsets, extras.region
        self.history, self.suffixes, self.wanted = history, suffixes, cubes
        sources = {exposure.name: exposure for exposure in exposures}
        self.before = ExposureSteps(
            association,
            params,
            references,
            tuple(exposures),
            sources,
            folder,
            scratch,
            self.history,
            suffixes=suffixes,
            backgrounds=extras.backgrounds,
            share=share,
        )
        self.products: list[ProductSummary] = []
        self.figures: dict[str, CubeFigures] = {}
        self.spectra: list[Spectrum] = []
        self.statuses = dict.fromkeys(Spec3Params.steps(), "SKIPPED")

    def results(self) -> Iterator[Result]:
        """Yield the result of each step, as `mrsnb.pipeline.spec3` does."""
        yield from self.products_of_steps()
        go_on()
        leak, changed = without_leak(self.spectra, self.params, self.references, self.folder)
        if changed is not None:
            self.products.append(changed)
            self.statuses["spectral_leak"] = "COMPLETE"
        if leak is not None:
            yield leak

    def products_of_steps(self) -> Iterator[Result]:
        """Yield the results of all steps but the last, which needs the spectra of all bands."""
        yield from self._exposure_results()
        if self.params.cube_build.skip or self.wanted == ():
            return
        for plan, built in self._cubes():
            yield built
            go_on()
            for extracted in self._spectrum(plan, built.cubes[0]):
                self.spectra += extracted.spectra
                yield extracted
            del built

    def _exposure_results(self) -> Iterator[Result]:
        """Yield the results of the steps that change exposures, and hold none of them."""
        for result in self.before.results():
            self.statuses |= self.before.statuses
            yield result
            del result

    def _cubes(self) -> Iterator[tuple[CubePlan, CubeBuildResult]]:
        """Yield the cubes in order, each written; the next is built meanwhile."""
        params = self.params.cube_build
        scratch = self.before.scratch
        plans = plan_cubes(self.before.exposures, params, self.references.cubepar, self.offsets, scratch)
        if self.wanted is not None:
            plans = tuple(plan for plan in plans if plan.bands in self.wanted)
        for plan, built in ahead(self._built, plans):
            start = perf_counter()
            (cube,) = built.cubes
            path = write_s3d(cube, self.folder) if params.save_results else None
            self.statuses["cube_build"] = "COMPLETE"
            self.products.append(
                ProductSummary(
                    label=cube.label,
                    name=cube.name,
                    path=path,
                    image=cube.collapsed(),
                    spaxel_size=cube.grid.spaxel_size,
                    warnings=built.warnings,
                )
            )
            written = replace(built, seconds=built.seconds + perf_counter() - start)
            del built, cube  # the next are in memory by the time that this is left
            yield plan, written
            del written

    def _built(self, plan: CubePlan) -> CubeBuildResult:
        start, params = perf_counter(), self.params.cube_build
        asked = voxel_pixels([plan], params)
        suffix = self.suffixes.get("cube_build", "s3d")
        cube = build_cube(plan, params, self.references.cubepar, self.association.name, suffix, self.before.scratch)
        self.figures[cube.name], doubts = cube_doubts(cube)
        cube = replace(cube, history=with_doubts(self.history, doubts))
        seconds = perf_counter() - start
        return CubeBuildResult(params=params, seconds=seconds, cubes=(cube,), contributions=asked, warnings=doubts)

    def _spectrum(self, plan: CubePlan, cube: Cube) -> Iterator[Extract1dResult]:
        params, values = self.params.extract_1d, self.references
        if params.skip:
            return
        covariance = None
        if params.ifu_covar == "drizzle":
            covariance = DrizzleCovariance(plan=plan, params=self.params.cube_build, folder=self.before.scratch)
        result = extract_1d(cube, params, values.extract1d, values.apcorr, region=self.region, covariance=covariance)
        doubts = spectrum_doubts(self.figures.pop(cube.name), result.spectra[0])
        spectrum = replace(result.spectra[0], history=with_doubts(result.spectra[0].history, doubts))
        result = replace(result, spectra=(spectrum,), warnings=doubts)
        self.products.append(_kept(spectrum, self.folder, save=params.save_results, warnings=doubts))
        self.statuses["extract_1d"] = "COMPLETE"
        yield result


def without_leak(
    spectra: Sequence[Spectrum], params: Spec3Params, references: References, folder: Path
) -> tuple[SpectralLeakResult | None, ProductSummary | None]:
    """Take the spectral leak out of spectra, and write the one that changes.

    Returns
    -------
    SpectralLeakResult or None
        None if the step is left out.
    ProductSummary or None
        Of the spectrum that changed.
    """
    if not spectra or params.spectral_leak.skip:
        return None, None
    leak = spectral_leak(spectra, params.spectral_leak, references.mrsptcorr)
    if leak.corrected is None:
        return leak, None
    return leak, _kept(leak.corrected, folder, save=params.spectral_leak.save_results)


def _kept(spectrum: Spectrum, folder: Path, *, save: bool, warnings: tuple[Check, ...] = ()) -> ProductSummary:
    """Write a spectrum, if it is to be saved, and return what is kept of it."""
    path = write_x1d(spectrum, folder) if save else None
    return ProductSummary(
        label=spectrum.label,
        name=spectrum.name,
        path=path,
        wave=spectrum.wave,
        flux=spectrum.flux,
        warnings=warnings,
    )
