"""spec3: level 3 of an observation, from an association to cubes and spectra."""

import logging
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any, Self, cast, get_type_hints

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import Association
from mrsnb.core.cube import Cube
from mrsnb.core.params import Params
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row, Section, Table, mimebundle, to_text
from mrsnb.display.progress import follow
from mrsnb.errors import ParamError, nearest
from mrsnb.io.association import read_association
from mrsnb.io.atomic import output_folder
from mrsnb.io.exposures import ExposureFile, open_exposure
from mrsnb.io.offsets import read_offsets
from mrsnb.io.provenance import software
from mrsnb.io.references import load_references
from mrsnb.io.s3d import write_s3d
from mrsnb.io.x1d import write_x1d
from mrsnb.steps.cube_build import CubeBuildParams, CubeBuildResult, build_cube, plan_cubes, voxel_pixels
from mrsnb.steps.extract_1d import Extract1dParams, Extract1dResult, extract_1d
from mrsnb.steps.params import StepParams
from mrsnb.steps.spectral_leak import SpectralLeakParams, spectral_leak

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Spec3Params:
    """The parameters of every step, one field a step.

    Examples
    --------
    >>> params = Spec3Params.preset("archive").updated({"cube_build": {"channel": "1"}})
    >>> params.cube_build.channel
    '1'
    """

    cube_build: CubeBuildParams = field(default_factory=CubeBuildParams)
    extract_1d: Extract1dParams = field(default_factory=Extract1dParams)
    spectral_leak: SpectralLeakParams = field(default_factory=SpectralLeakParams)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return the parameters called `name`, one of `presets`.

        Raises
        ------
        ParamError
            If there is no such preset.
        """
        known = presets()
        if name not in known:
            msg = f"preset = {name!r}: unknown{nearest(name, list(known))}"
            raise ParamError(msg)
        return cls().updated(known[name]["steps"])

    @classmethod
    def steps(cls) -> dict[str, type[StepParams]]:
        """Return the steps in order, and what parameters they take."""
        hints = get_type_hints(cls)
        return {f.name: hints[f.name] for f in fields(cls)}

    def updated(self, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return a copy with some values replaced: ``{step: {parameter: value}}``, plain values as in YAML.

        Raises
        ------
        ParamError
            If a step or parameter is unknown, or a value not allowed.
        """
        changed: dict[str, Params] = {}
        for step, given in values.items():
            if step not in self.steps():
                msg = f"unknown step {step!r}{nearest(str(step), list(self.steps()))}"
                raise ParamError(msg)
            if not isinstance(given, Mapping):
                msg = f"{step} = {given!r}: must be a mapping of parameters to values"
                raise ParamError(msg)
            try:
                changed[step] = getattr(self, step).updated(given)
            except ParamError as error:
                msg = f"{step}.{error}" if not str(error).startswith("unknown") else f"{step}: {error}"
                raise ParamError(msg) from None
        return replace(self, **changed)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return all values as plain Python."""
        return {step: getattr(self, step).to_dict() for step in self.steps()}

    def _table(self) -> Table:
        rows = []
        for step, kind in self.steps().items():
            values: StepParams = getattr(self, step)
            changed = values.changed()
            rows += [
                (step, spec.name, str(getattr(values, spec.name)), "changed" if spec.name in changed else "", spec.help)
                for spec in kind.specs()
            ]
        return Table(("step", "parameter", "value", "", "meaning"), tuple(rows))

    def __repr__(self) -> str:
        return self._table().to_text()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return mimebundle("Spec3Params", [], sections=[Section("Parameters", self._table(), open=True)])


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Return the named sets of parameters: name to ``{"help": ..., "steps": {step: {parameter: value}}}``."""
    return tomllib.loads((files("mrsnb") / "presets.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductSummary:
    """What is kept of a product once it is written: enough to show it."""

    label: str
    name: str
    path: Path | None
    image: NDArray[np.float64] | None = None
    spaxel_size: float = 0.0
    wave: NDArray[np.float64] | None = None
    flux: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Spec3Result:
    """All that a run made: a summary of each product, small however large the run.

    Parameters
    ----------
    association : Association
    params : Spec3Params
        As run.
    references : References
    products : tuple of ProductSummary
        In the order they were made.
    statuses : dict of str to str
        What became of each step.
    seconds : float
        Wall time.
    """

    association: Association
    params: Spec3Params
    references: References
    products: tuple[ProductSummary, ...]
    statuses: dict[str, str]
    seconds: float

    @property
    def title(self) -> str:
        """What was run."""
        return f"spec3: {self.association.name}"

    @property
    def cubes(self) -> tuple[ProductSummary, ...]:
        """The cubes."""
        return tuple(product for product in self.products if product.image is not None)

    @property
    def spectra(self) -> tuple[ProductSummary, ...]:
        """The spectra as they were written last, in order of wavelength."""
        last = {product.name: product for product in self.products if product.flux is not None}
        return tuple(last.values())

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that were written."""
        return tuple(dict.fromkeys(product.path for product in self.products if product.path is not None))

    def rows(self) -> list[Row]:
        """Return what there is to say about the run."""
        folder = {str(path.parent) for path in self.paths}
        return [
            Row("exposures", str(len(self.association.science))),
            Row("cubes", str(len(self.cubes)), note=", ".join(p.label for p in self.cubes)),
            Row("spectra", str(len(self.spectra))),
            *[Row(step, status) for step, status in self.statuses.items()],
            Row("written to", ", ".join(sorted(folder)) or "nowhere (save_results is off)"),
            Row("time", f"{self.seconds:.1f}", "s"),
        ]

    def sections(self) -> list[Section]:
        """Return the products, parameters and references as tables."""
        files_made = Table(("product",), tuple((path.name,) for path in self.paths))
        sources = Table(("kind", "source"), tuple(self.references.sources().items()))
        return [
            Section("Products", files_made),
            Section("Parameters", self.params._table()),  # noqa: SLF001
            Section("Reference values", sources),
        ]

    def pictures(self) -> list[Picture]:
        """Return the grid of cube images and the stitched spectrum."""
        return [picture() for picture, there in ((self.cube_grid, self.cubes), (self.stitched, self.spectra)) if there]

    def cube_grid(self) -> Picture:
        """Return the images of all cubes, median over wavelength, logarithmic."""
        from mrsnb.display.plots import image_grid_picture

        panels = [(p.label, p.image, p.spaxel_size) for p in self.cubes if p.image is not None]
        return image_grid_picture(f"{self.association.name}: median over wavelength", panels)

    def stitched(self) -> Picture:
        """Return all spectra in one plot, bright lines marked."""
        from mrsnb.core.lines import lines_between
        from mrsnb.display.plots import spectrum_picture

        curves = [(p.label, p.wave, p.flux) for p in self.spectra if p.wave is not None and p.flux is not None]
        low, high = (f([f(wave) for _, wave, _ in curves]) for f in (min, max))
        marks = [(line.wave, line.name) for line in lines_between(low, high)]
        return spectrum_picture(f"{self.association.name}: spectrum", curves, marks=marks)

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return mimebundle(self.title, self.rows(), self.pictures(), sections=self.sections())


def spec3(
    association: Association | Path | str,
    params: Spec3Params | None = None,
    *,
    output_dir: Path | str = ".",
    references: References | None = None,
) -> Iterator[Result | Spec3Result]:
    """Run level 3 and yield each result as it comes; the last is the `Spec3Result` of the whole run.

    Products are written as soon as they are made, whole or not at all; memory holds one exposure and one cube, however
    many there are.

    Parameters
    ----------
    association : Association, Path or str
        What to process; a path is read with `mrsnb.io.association.read_association`.
    params : Spec3Params, optional
        The preset ``"archive"`` if not given.
    output_dir : Path or str
        Where products go; made if missing.
    references : References, optional
        The built-in values if not given.

    Yields
    ------
    CubeBuildResult, Extract1dResult
        One of each for every band.
    SpectralLeakResult
    Spec3Result

    Raises
    ------
    InputError, ParamError, OutputError
        With one line that says what is wrong and what to do.
    """
    start = perf_counter()
    association = association if isinstance(association, Association) else read_association(association)
    params = Spec3Params.preset("archive") if params is None else params
    references = load_references() if references is None else references
    exposures = [open_exposure(association.path_of(member)) for member in association.science]
    run = _Run(association, params, references, output_folder(output_dir), exposures)
    yield from run.results()
    yield Spec3Result(
        association=association,
        params=params,
        references=references,
        products=tuple(run.products),
        statuses=run.statuses,
        seconds=perf_counter() - start,
    )


def run_spec3(
    association: Association | Path | str,
    params: Spec3Params | None = None,
    *,
    output_dir: Path | str = ".",
    references: References | None = None,
) -> Spec3Result:
    """Run level 3 to its end, show progress, and return what it made; parameters and errors as `spec3`."""
    association = association if isinstance(association, Association) else read_association(association)
    params = Spec3Params.preset("archive") if params is None else params
    results = spec3(association, params, output_dir=output_dir, references=references)
    return cast("Spec3Result", deque(follow(results, count_results(association, params)), maxlen=1).pop())


def count_results(association: Association, params: Spec3Params) -> int:
    """Return how many results `spec3` will yield; headers of exposures are read to know."""
    if params.cube_build.skip:
        return 1
    exposures = (open_exposure(association.path_of(member)) for member in association.science)
    there = {band for exposure in exposures for band in exposure.bands}
    n_cubes = sum(
        params.cube_build.channel in ("all", str(b.channel)) and params.cube_build.band in ("all", b.sub_band)
        for b in there
    )
    extracts = not params.extract_1d.skip
    return n_cubes * (1 + extracts) + (extracts and not params.spectral_leak.skip) + 1


class _Run:
    """One run of the steps, in order; collects what is kept of each product."""

    def __init__(
        self,
        association: Association,
        params: Spec3Params,
        references: References,
        folder: Path,
        exposures: Sequence[ExposureFile],
    ) -> None:
        self.association, self.params, self.references = association, params, references
        self.folder, self.exposures = folder, exposures
        self.products: list[ProductSummary] = []
        self.statuses = dict.fromkeys(Spec3Params.steps(), "SKIPPED")

    def results(self) -> Iterator[Result]:
        spectra: list[Spectrum] = []
        if self.params.cube_build.skip:
            return
        inputs = {exposure.name: exposure.checksum for exposure in self.exposures}
        history = {"software": software(), "references": self.references.sources(), "inputs": inputs}
        for built in self._cubes(history):
            yield built
            for extracted in self._spectrum(built.cubes[0]):
                spectra += extracted.spectra
                yield extracted
        if spectra and not self.params.spectral_leak.skip:
            leak = spectral_leak(spectra, self.params.spectral_leak, self.references.mrsptcorr)
            if leak.corrected is not None:
                self._keep_spectrum(leak.corrected, save=self.params.spectral_leak.save_results)
                self.statuses["spectral_leak"] = "COMPLETE"
            yield leak

    def _cubes(self, history: dict[str, Any]) -> Iterator[CubeBuildResult]:
        params = self.params.cube_build
        offsets = None if params.offset_file is None else read_offsets(params.offset_file)
        for plan in plan_cubes(self.exposures, params, self.references.cubepar, offsets):
            start = perf_counter()
            asked = voxel_pixels([plan], params)
            cube = build_cube(plan, params, self.references.cubepar, self.association.name)
            cube = replace(cube, history=history | cube.history, primary=self._stamped(cube.primary))
            path = write_s3d(cube, self.folder) if params.save_results else None
            self.statuses["cube_build"] = "COMPLETE"
            self.products.append(
                ProductSummary(
                    label=cube.label,
                    name=cube.name,
                    path=path,
                    image=cube.collapsed(),
                    spaxel_size=cube.grid.spaxel_size,
                )
            )
            yield CubeBuildResult(params=params, seconds=perf_counter() - start, cubes=(cube,), contributions=asked)

    def _stamped(self, primary: Any) -> Any:
        name = self.association.path.name if self.association.path else "none"
        return primary.updated(ASNTABLE=name, ASNPOOL=self.association.asn_pool)

    def _spectrum(self, cube: Cube) -> Iterator[Extract1dResult]:
        params = self.params.extract_1d
        if params.skip:
            return
        result = extract_1d(cube, params, self.references.extract1d, self.references.apcorr)
        self._keep_spectrum(result.spectra[0], save=params.save_results)
        self.statuses["extract_1d"] = "COMPLETE"
        yield result

    def _keep_spectrum(self, spectrum: Spectrum, *, save: bool) -> None:
        path = write_x1d(spectrum, self.folder) if save else None
        self.products.append(
            ProductSummary(label=spectrum.label, name=spectrum.name, path=path, wave=spectrum.wave, flux=spectrum.flux)
        )
