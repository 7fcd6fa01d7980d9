"""One band of an association, built in memory again and again as parameters change; knows no widgets.

What comes before the cube is kept, and the cube too: only what a change concerns is computed anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.params import Params
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.errors import InputError
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.offsets import read_offsets
from mrsnb.io.places import home
from mrsnb.io.regions import read_region
from mrsnb.kernels.cache import compile_missing
from mrsnb.kernels.threads import go_on
from mrsnb.pipeline import Spec3Params, open_science
from mrsnb.pipeline.exposure_steps import STEPS, ExposureSteps, read_backgrounds
from mrsnb.pipeline.ledger import Ledger
from mrsnb.pipeline.run import kernels_of
from mrsnb.steps.cube_build import CubeBuildResult, cube_build
from mrsnb.steps.extract_1d import extract_1d
from mrsnb.viewers.cube_origin import CubeOrigin
from mrsnb.widgets.work import Work

Needs = tuple[Any, ...]


class Stage(NamedTuple):
    """The exposures after a step."""

    step: str
    """Its name; empty for the exposures as they are in the files."""
    exposures: tuple[ExposureSource, ...]


class Live:
    """Builds single bands in memory; one at a time.

    Parameters
    ----------
    association : Association
    references : References
    """

    def __init__(self, association: Association, references: References) -> None:
        self.association, self.references = association, references
        self._scratch = TemporaryDirectory(prefix="mrsnb-live-")
        self._n_changes = 0
        self._opened: tuple[ExposureFile, ...] = ()
        self._before: tuple[Needs, tuple[Stage, ...]] | None = None
        self._cube: tuple[Needs, CubeBuildResult] | None = None

    @property
    def exposures(self) -> tuple[ExposureFile, ...]:
        """The exposures as they are in the files."""
        if not self._opened:
            self._opened = open_science(self.association)
        return self._opened

    @property
    def bands(self) -> tuple[Band, ...]:
        """All bands that there are exposures of, in order of wavelength."""
        found = {band for exposure in self.exposures for band in exposure.bands}
        return tuple(sorted(found, key=lambda band: band.wave_range))

    def work(self, band: Band | None) -> Work:
        """Return what a job does: the cube of a band, and its spectrum if that is not skipped; or the `stages` only."""

        def begin(params: Spec3Params) -> tuple[int, Iterator[Result]]:
            if band is None:
                return 0, self._stages_only(params)
            return 2 - params.extract_1d.skip, self._results(band, params)

        return Work(step="cube_build", names=(self.association.name,), output_dir=None, begin=begin)

    def stages(self, params: Spec3Params) -> tuple[Stage, ...]:
        """Return the exposures in the files and after each step before the cube; none if they are not computed yet."""
        kept = self._before  # which the thread that builds may replace meanwhile
        return kept[1] if kept is not None and kept[0] == steps_before(params) else ()

    def _stages_only(self, params: Spec3Params) -> Iterator[Result]:
        compile_missing(kernels_of(params))
        self._changed(params)
        yield from ()

    def _results(self, band: Band, params: Spec3Params) -> Iterator[Result]:
        compile_missing(kernels_of(params))
        chosen = of_band(params, band)
        wanted = needs(params, band)[:2]
        if self._cube is None or self._cube[0] != wanted:
            exposures = self._changed(params)
            go_on()
            shifts = chosen.cube_build.offset_file
            built = cube_build(
                exposures,
                chosen.cube_build,
                self.references.cubepar,
                product=self.association.name,
                offsets=None if shifts is None else read_offsets(shifts),
            )
            self._cube = wanted, built
        yield self._cube[1]
        if params.extract_1d.skip:
            return
        go_on()
        at, values = params.extract_1d.extraction_region, self.references
        region = None if at is None else read_region(at)
        (cube,) = self._cube[1].cubes
        yield extract_1d(cube, params.extract_1d, values.extract1d, values.apcorr, region=region)

    def _changed(self, params: Spec3Params) -> tuple[ExposureSource, ...]:
        """Return the exposures after the steps before the cube; all of them, since steps compare them."""
        ready = self.stages(params)
        if ready:
            return ready[-1].exposures
        wanted = steps_before(params)  # before files are read, which may change meanwhile
        self._n_changes += 1
        scratch = Path(self._scratch.name) / str(self._n_changes)
        scratch.mkdir()
        quiet = params.updated({step: {"save_results": False} for step in STEPS})
        steps = ExposureSteps(
            self.association,
            quiet,
            self.references,
            tuple(self.exposures),
            {exposure.name: exposure for exposure in self.exposures},
            scratch,
            scratch,
            {},
            suffixes={},
            backgrounds=read_backgrounds(self.association, quiet),
            ledger=Ledger(None, {}),
        )
        stages = [Stage("", tuple(self.exposures))]
        for _ in steps.results():
            stages.append(Stage(list(steps.statuses)[-1], tuple(steps.exposures)))
            go_on()
        stages[-1] = Stage(stages[-1].step, tuple(steps.exposures))
        self._before = wanted, tuple(stages)
        return stages[-1].exposures

    def close(self) -> None:
        """Forget everything."""
        self._before = self._cube = None
        self._opened = ()
        self._scratch.cleanup()


def of_band(params: Spec3Params, band: Band) -> Spec3Params:
    """Return the parameters that build one band, and nothing else."""
    alone = {"channel": str(band.channel), "band": band.sub_band, "output_type": "band", "skip": False}
    return params.updated({"cube_build": alone})


def needs(params: Spec3Params, band: Band) -> Needs:
    """Return what the cube and the spectrum of a band depend on: of the steps before, of the cube, of the spectrum."""
    cube = replace(of_band(params, band).cube_build, save_results=True)
    spectrum = replace(params.extract_1d, save_results=True)
    return steps_before(params), with_files(cube), with_files(spectrum)


def origin_of(stage: Stage, params: Spec3Params, references: References) -> CubeOrigin:
    """Return what cubes are made of that are built of exposures after the steps."""
    shifts = params.cube_build.offset_file
    return CubeOrigin(
        exposures=stage.exposures,
        params=params.cube_build,
        cubepar=references.cubepar,
        offsets=None if shifts is None else read_offsets(shifts),
    )


def steps_before(params: Spec3Params) -> Needs:
    """Return what the exposures before the cube depend on: the parameters of the steps."""
    return tuple(with_files(getattr(params, step)) for step in STEPS)


def with_files(params: Params) -> Needs:
    """Return parameters with what tells whether the files that they name have changed."""
    return params, tuple(_stamp(getattr(params, spec.name)) for spec in params.specs() if spec.file)


def _stamp(path: str | None) -> tuple[int, int] | None:
    """Return when a file was written and its size; None if there is none."""
    try:
        told = None if path is None else home(path).stat()
    except (OSError, ValueError, InputError):  # of a user who is not known; no path
        return None
    return None if told is None else (told.st_mtime_ns, told.st_size)


def said_of_run(params: Spec3Params, band: Band) -> str:
    """Return what a run makes other than the cube of a band that is built live; empty if that is the same."""
    cube, told = params.cube_build, []
    if cube.skip:
        told.append("Run makes no cubes (cube_build is skipped)")
    elif cube.channel not in ("all", str(band.channel)) or cube.band not in ("all", band.sub_band):
        told.append(f"Run leaves {band.name} out (channel = {cube.channel}, band = {cube.band})")
    elif cube.output_type == "channel":
        told.append("Run makes a cube of each channel (output_type = channel)")
    elif cube.output_type == "multi":
        told.append("Run makes one cube of all bands (output_type = multi)")
    if band.name == "3A" and not (cube.skip or params.extract_1d.skip or params.spectral_leak.skip):
        told.append("Run also takes the spectral leak off the spectrum of 3A")
    return f"Live shows {band.name} alone. {'; '.join(told)}." if told else ""
