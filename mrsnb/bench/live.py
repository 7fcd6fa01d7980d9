"""One band of an association, built in memory again and again as parameters change; knows no widgets.

What comes before the cube is kept, and the cube too: only what a change concerns is computed anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.offsets import read_offsets
from mrsnb.io.regions import read_region
from mrsnb.kernels.cache import compile_missing
from mrsnb.kernels.threads import go_on
from mrsnb.pipeline import Spec3Params, open_science
from mrsnb.pipeline.exposure_steps import STEPS, ExposureSteps, read_backgrounds
from mrsnb.pipeline.run import kernels_of
from mrsnb.steps.cube_build import CubeBuildResult, cube_build
from mrsnb.steps.extract_1d import extract_1d
from mrsnb.widgets.work import Work

Needs = tuple[Any, ...]


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
        self._before: tuple[Needs, tuple[ExposureSource, ...]] | None = None
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

    def work(self, band: Band) -> Work:
        """Return what a job does: the cube of a band, and its spectrum if that is not skipped."""
        return Work(
            step="cube_build",
            names=(self.association.name,),
            output_dir=None,
            begin=lambda params: (2 - params.extract_1d.skip, self._results(band, params)),
        )

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
        wanted = tuple(getattr(params, step) for step in STEPS)
        if self._before is not None and self._before[0] == wanted:
            return self._before[1]
        self._n_changes += 1
        scratch = Path(self._scratch.name) / str(self._n_changes)
        scratch.mkdir()
        quiet = params.updated({step: {"save_results": False} for step in STEPS})
        steps = ExposureSteps(
            self.association,
            quiet,
            self.references,
            tuple(self.exposures),
            {exposure.name: exposure.path for exposure in self.exposures},
            scratch,
            scratch,
            {},
            suffixes={},
            backgrounds=read_backgrounds(self.association, quiet),
        )
        for _ in steps.results():
            go_on()
        self._before = wanted, tuple(steps.exposures)
        return self._before[1]

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
    before = tuple(getattr(params, step) for step in STEPS)
    cube = replace(of_band(params, band).cube_build, save_results=True)
    return before, cube, replace(params.extract_1d, save_results=True)
