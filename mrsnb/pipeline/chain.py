"""The steps of a run in order, from exposures to spectra: of all of it, or of a part."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
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
from mrsnb.io.unchanged import Version, changed, refuse_changed, versions_at
from mrsnb.kernels.threads import ahead, go_on
from mrsnb.pipeline.doubts import doubts_about, with_doubts
from mrsnb.pipeline.exposure_steps import Backgrounds, ExposureSteps, Share, read_backgrounds
from mrsnb.pipeline.ledger import Kept, Ledger
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.result import ProductSummary
from mrsnb.pipeline.units import Units
from mrsnb.steps.cube_build import (
    CubeBuildResult,
    CubePlan,
    Offsets,
    build_cube,
    plan_cubes,
    planned_bands,
    voxel_pixels,
)
from mrsnb.steps.extract_1d import DrizzleCovariance, Extract1dResult, extract_1d


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
    ledger : Ledger
        Which products are done, and need not be made again.
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
        ledger: Ledger,
        share: Share | None = None,
        cubes: Sequence[tuple[Band, ...]] | None = None,
    ) -> None:
        self.association, self.params, self.references = association, params, references
        self.folder, self.offsets, self.region = folder, extras.offsets, extras.region
        self.history, self.suffixes, self.wanted = history, suffixes, cubes
        self.units = Units(association, params, folder, suffixes, ledger)
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
            ledger=ledger,
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
        yield from self.without_leak()

    def without_leak(self) -> Iterator[Result]:
        """Take the spectral leak out of the spectra, and yield the result, if the step is not left out."""
        leak, changed = self.units.without_leak(self.spectra, self.references)
        if changed is not None:
            self.products.append(changed)
        if changed is not None or isinstance(leak, Kept):
            self.statuses["spectral_leak"] = "COMPLETE"
        if leak is not None:
            yield leak

    def products_of_steps(self) -> Iterator[Result]:
        """Yield the results of all steps but the last, which needs the spectra of all bands."""
        exposures = self.before.exposures  # all of them
        yield from self._exposure_results()
        if self.params.cube_build.skip or self.wanted == ():
            return
        planned = planned_bands(exposures, self.params.cube_build)
        with closing(self._cubes()) as cubes:
            for bands in planned if self.wanted is None else [b for b in planned if b in self.wanted]:
                yield from self.kept(bands) if self.units.are_done(bands) else self._made(*next(cubes))

    def _made(self, plan: CubePlan, built: CubeBuildResult) -> Iterator[Result]:
        """Yield the results of a cube and its spectrum."""
        yield built
        go_on()
        for extracted in self._spectrum(plan, built.cubes[0]):
            self.spectra += extracted.spectra
            yield extracted

    def _exposure_results(self) -> Iterator[Result]:
        """Yield the results of the steps that change exposures, and hold none of them."""
        needed = self._needed() if self.units.ledger.resume else None
        if needed is not None and not needed:
            yield from self.before.kept()
            self.statuses |= self.before.statuses
            return
        if needed is not None:
            writes = frozenset(exposure.name for exposure in self.before.exposures)
            self.before.share = Share(writes=writes, needs=needed, writes_background=True)
        for result in self.before.results():
            self.statuses |= self.before.statuses
            yield result
            del result

    def _needed(self) -> frozenset[str]:
        """Return the names of the exposures that are needed for what is not done."""
        exposures, unfinished = self.before.exposures, self.before.unfinished()
        if unfinished is None:
            return frozenset(exposure.name for exposure in exposures)
        planned = () if self.params.cube_build.skip else planned_bands(exposures, self.params.cube_build)
        todo = {band for bands in planned if not self.units.are_done(bands) for band in bands}
        return unfinished | {exposure.name for exposure in exposures if todo & set(exposure.bands)}

    def _cubes(self) -> Generator[tuple[CubePlan, CubeBuildResult]]:
        """Yield the cubes that are not done in order, each written; the next is built meanwhile."""
        params = self.params.cube_build
        scratch = self.before.scratch
        plans = plan_cubes(self.before.exposures, params, self.references.cubepar, self.offsets, scratch)
        if self.wanted is not None:
            plans = tuple(plan for plan in plans if plan.bands in self.wanted)
        for plan, built in ahead(self._built, [plan for plan in plans if not self.units.are_done(plan.bands)]):
            start = perf_counter()
            (cube,) = built.cubes
            self.products.append(self.units.keep_cube(cube, built.warnings))
            self.statuses["cube_build"] = "COMPLETE"
            written = replace(built, seconds=built.seconds + perf_counter() - start)
            del built, cube  # the next are in memory by the time that this is left
            yield plan, written
            del written

    def kept(self, bands: Sequence[Band]) -> Iterator[Kept]:
        """Yield what stands for a cube and its spectrum that are done."""
        for summary, kept, spectrum in self.units.read(bands):
            self.products.append(summary)
            self.spectra += [] if spectrum is None else [spectrum]
            self.statuses[kept.step] = "COMPLETE"
            yield kept

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
        self.products.append(self.units.keep_spectrum(spectrum, "extract_1d", doubts))
        self.statuses["extract_1d"] = "COMPLETE"
        yield result
