"""The steps that change exposures before cubes are built of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mrsnb.core.association import Association, exposure_name
from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.io.c1d import read_background, write_c1d
from mrsnb.io.exposure_files import WrittenExposure, write_exposure
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.images import write_images
from mrsnb.io.spill import spilled
from mrsnb.io.x1d import read_x1d
from mrsnb.kernels.threads import at_most, go_on, n_threads, share
from mrsnb.pipeline.ledger import Kept, Ledger, kept
from mrsnb.pipeline.params import Spec3Params
from mrsnb.steps.adaptive_trace_model import TracedExposure, adaptive_trace_model, intermediate_images
from mrsnb.steps.assign_mtwcs import assign_mtwcs
from mrsnb.steps.master_background import MasterBackgroundResult, master_background
from mrsnb.steps.mrs_imatch import BackgroundPolynomial, MrsImatchResult, mrs_imatch
from mrsnb.steps.outlier_detection import Found, Intermediate, outlier_detection
from mrsnb.steps.pixel_replace import pixel_replace

Exposures = tuple[ExposureSource, ...]

STEPS = (
    "assign_mtwcs",
    "master_background",
    "mrs_imatch",
    "outlier_detection",
    "adaptive_trace_model",
    "pixel_replace",
)
"""Their names, in order."""
SUFFIXES = {step: step for step in STEPS} | {"master_background": "mbsub", "outlier_detection": "crf"}
"""Last part of the names of their exposures."""
_LAST_OF_ALL = "outlier_detection"
"""The last step that compares exposures; those after it change one by one."""
_SAVE_MORE = ("save_intermediate_results", "save_background")
_AT_ONCE = 2
"""Exposures in memory at most while they are written: one is read while another one goes to disk."""


class _Changed(Protocol):
    @property
    def exposures(self) -> Exposures: ...


def count_exposure_steps(association: Association, params: Spec3Params, exposures: Sequence[ExposureSource]) -> int:
    """Return how many results `ExposureSteps` will yield."""
    return len(STEPS) - len(skipped_steps(association, params, exposures))


def skipped_steps(association: Association, params: Spec3Params, exposures: Sequence[ExposureSource]) -> list[str]:
    """Return the steps that `ExposureSteps` will leave out: as asked for, or since they have nothing to do."""
    apply = {
        "assign_mtwcs": _is_moving(exposures),
        "master_background": _has_background(association, params),
    }
    return [step for step in STEPS if getattr(params, step).skip or not apply.get(step, True)]


def _is_moving(exposures: Sequence[ExposureSource]) -> bool:
    return any(exposure.primary.text("TARGTYPE").upper() == "MOVING" for exposure in exposures)


def _has_background(association: Association, params: Spec3Params) -> bool:
    """Return whether there is a background to subtract; upstream looks at no user's background without members."""
    given = params.master_background.user_background is not None
    return bool(association.background) or (given and params.master_background.compat == "none")


class Backgrounds(NamedTuple):
    """What master_background subtracts, if it is not skipped."""

    given: tuple[CombinedSpectrum, ...] | None
    """Of the file that the user names."""
    members: tuple[Spectrum, ...]
    """Of the association."""


def read_backgrounds(association: Association, params: Spec3Params) -> Backgrounds:
    """Return the spectra of the background.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    told = params.master_background
    if told.skip or not _has_background(association, params):
        return Backgrounds(None, ())
    given = None if told.user_background is None else read_background(told.user_background)
    return Backgrounds(given, tuple(read_x1d(association.path_of(member)) for member in association.background))


@dataclass(frozen=True, kw_only=True)
class Share:
    """What of the exposures a part of a run takes; the other parts do the rest.

    Parameters
    ----------
    writes : frozenset of str
        Names of the exposures that it writes.
    needs : frozenset of str
        Of those that it goes on with after outlier_detection, these among them.
    writes_background : bool
        Whether it writes the background's spectrum.
    polynomials : tuple of BackgroundPolynomial, optional
        What mrs_imatch found, if it is not skipped.
    found : Found, optional
        What was found in all exposures, if outlier_detection searches.
    """

    writes: frozenset[str]
    needs: frozenset[str]
    writes_background: bool = False
    polynomials: tuple[BackgroundPolynomial, ...] | None = None
    found: Found | None = None


class ExposureSteps:
    """Runs the steps that change exposures, in order, and holds what they leave.

    Parameters
    ----------
    association : Association
    params : Spec3Params
    references : References
    exposures : tuple of ExposureSource
        As they are in the files.
    sources : dict of str to ExposureFile
        File of each exposure, by name.
    folder : Path
        Where products go.
    scratch : Path
        Where arrays are kept that would be costly to make again.
    history : mapping
        Provenance of the products.
    suffixes : mapping of str to str
        Last part of the names of a step's exposures, where not the usual.
    backgrounds : Backgrounds
        What master_background subtracts.
    ledger : Ledger
        Which products are done.
    share : Share, optional
        What of it all to do; everything if not given.
    """

    def __init__(
        self,
        association: Association,
        params: Spec3Params,
        references: References,
        exposures: Exposures,
        sources: Mapping[str, ExposureFile],
        folder: Path,
        scratch: Path,
        history: Mapping[str, Any],
        *,
        suffixes: Mapping[str, str],
        backgrounds: Backgrounds,
        ledger: Ledger,
        share: Share | None = None,
    ) -> None:
        self.association, self.params, self.references = association, params, references
        self.exposures, self.sources = exposures, sources
        self.folder, self.scratch, self.history = folder, scratch, history
        self.suffixes, self.ledger = suffixes, ledger
        self.backgrounds, self.share = backgrounds, share
        self.statuses: dict[str, str] = {}
        self.written: list[Path] = []
        self._matched: MrsImatchResult | None = None

    def results(self, before: str | None = None) -> Iterator[Result]:
        """Yield the result of each step that is not skipped, or of those `before` the one of that name."""
        steps: tuple[tuple[str, Callable[[], Result | None]], ...] = (
            ("assign_mtwcs", self._assign_mtwcs),
            ("master_background", self._master_background),
            ("mrs_imatch", self._mrs_imatch),
            ("outlier_detection", self._outlier_detection),
            ("adaptive_trace_model", self._adaptive_trace_model),
            ("pixel_replace", self._pixel_replace),
        )
        for name, run in steps:
            if name == before:
                return
            result = None
            if not getattr(self.params, name).skip:
                go_on()
                result = run()
            if name == _LAST_OF_ALL and self.share is not None:
                self.exposures = tuple(e for e in self.exposures if e.name in self.share.needs)
            if result is not None:
                self.statuses[name] = getattr(result, "status", "COMPLETE")
                yield result
        if self._matched is not None:
            self.exposures = self._matched.apply(self.exposures)

    def path_of(self, exposure: ExposureSource, step: str) -> Path:
        """Return where an exposure is written after a step."""
        # the observatory names them so, without the association's id
        asn_id = None if step == "master_background" else self.association.asn_id
        return self.folder / exposure_name(exposure.name, asn_id, self.suffixes.get(step, SUFFIXES[step]))

    def files_of(self, exposure: ExposureSource) -> dict[Path, str]:
        """Return the files that are written of an exposure, each with the step that it is after."""
        saved = [step for step in self._steps_to_do() if getattr(self.params, step).save_results]
        return {self.path_of(exposure, step): step for step in saved}

    def unfinished(self) -> frozenset[str] | None:
        """Return the names of the exposures of which a file is not done; None if that shows only as they are made."""
        told = [getattr(self.params, step) for step in self._steps_to_do()]
        if any(getattr(params, name, False) for params in told for name in _SAVE_MORE):
            return None
        has = self.ledger.has
        return frozenset(
            e.name for e in self.exposures if not all(has(path, step) for path, step in self.files_of(e).items())
        )

    def kept(self) -> Iterator[Kept]:
        """Yield what stands for the results of all steps when their products are done, and nothing else needs them."""
        for step in self._steps_to_do():
            files = [self.files_of(exposure) for exposure in self.exposures]
            paths = tuple(path for told in files for path, of in told.items() if of == step)
            self.written += paths
            self.statuses[step] = "COMPLETE"
            yield kept(self.params, step, paths=paths)

    def _steps_to_do(self) -> list[str]:
        skipped = skipped_steps(self.association, self.params, self.exposures)
        return [step for step in STEPS if step not in skipped]

    def _take(self, name: str, result: _Changed, *, costly: bool = False) -> None:
        """Go on with what a step left; write it where asked for."""
        self.exposures = tuple(result.exposures)
        if costly:
            self.exposures = spilled(self.exposures, self.scratch / name)
        if getattr(self.params, name).save_results:
            paths = [self.path_of(exposure, name) for exposure in self.exposures]
            written = self._write(self.exposures, paths, name, at_once=1 if costly else _AT_ONCE)
            if not costly:  # what is written need not be made again
                self.exposures = written

    def _write(self, exposures: Exposures, paths: Sequence[Path], step: str, at_once: int = _AT_ONCE) -> Exposures:
        """Write exposures, those of the share that are not done, and return them as they are in the files.

        Those that keep all cores busy, and take much memory, are written one `at_once`.
        """
        written: dict[int, WrittenExposure] = {}
        threads = n_threads()
        mine = [i for i, exposure in enumerate(exposures) if self.share is None or exposure.name in self.share.writes]

        def write(number: int) -> None:
            i = mine[number]
            if self.ledger.has(paths[i], step):
                return
            with at_most(threads):
                loaded = exposures[i].load()
            trace = {"TRACEMODEL": loaded.trace} if isinstance(loaded, TracedExposure) else {}
            with self.ledger.making(step, paths[i]):
                written[i] = write_exposure(loaded, self.sources[loaded.name], paths[i], self.history, extra=trace)

        with at_most(at_once):
            share(write, len(mine))
        self.written += [paths[i] for i in mine]
        return tuple(written.get(i, exposure) for i, exposure in enumerate(exposures))

    def _assign_mtwcs(self) -> Result | None:
        if not _is_moving(self.exposures):
            return None
        result = assign_mtwcs(self.exposures, self.params.assign_mtwcs)
        self._take("assign_mtwcs", result)
        return result

    def _master_background(self) -> Result | None:
        params = self.params.master_background
        if not _has_background(self.association, self.params):
            return None
        members, (given, spectra) = self.association.background, self.backgrounds
        first = Path(members[0].expname).name if given is None else f"{self.association.name}.fits"
        name = exposure_name(first, self.association.asn_id, "masterbg1d")
        result = master_background(self.exposures, spectra, params, given, name=name)
        self._take("master_background", result)
        if params.save_background:
            self._write_background(result, name)
        return result

    def _write_background(self, result: MasterBackgroundResult, name: str) -> None:
        if result.backgrounds and (self.share is None or self.share.writes_background):
            first = self.exposures[0].primary
            named = {key: first.get(key) for key in ("ASNTABLE", "ASNPOOL")}
            made = [
                replace(spectrum, name=name, history=dict(self.history), primary=spectrum.primary.updated(**named))
                for spectrum in result.backgrounds
            ]
            with self.ledger.making("master_background", self.folder / name):
                self.written.append(write_c1d(made, self.folder))
        images = tuple(result.images)
        paths = [self.folder / exposure_name(e.name, self.association.asn_id, "masterbg2d") for e in images]
        self._write(images, paths, "master_background")

    def _mrs_imatch(self) -> Result:
        known = None if self.share is None else self.share.polynomials
        result = mrs_imatch(self.exposures, self.params.mrs_imatch, self.references.cubepar, known)
        self._matched = result
        self._take("mrs_imatch", result)
        return result

    def _outlier_detection(self) -> Result:
        found = None if self.share is None else self.share.found
        result = outlier_detection(self.exposures, self.params.outlier_detection, found)
        self._take("outlier_detection", result)
        self.write_intermediate(result.intermediate)
        return result

    def write_intermediate(self, arrays: Sequence[Intermediate]) -> None:
        """Write the arrays from which outliers were found."""
        for made in arrays:
            path = self.folder / exposure_name(made.exposure, self.association.asn_id, made.label)
            with self.ledger.making("outlier_detection", path):
                write_images(made.arrays, made.primary, path, model=made.model, history=self.history)
            self.written.append(path)

    def _adaptive_trace_model(self) -> Result:
        before, params = self.exposures, self.params.adaptive_trace_model
        result = adaptive_trace_model(before, params)
        mine = [e for e in before if self.share is None or e.name in self.share.writes]
        for exposure in mine if params.save_intermediate_results else ():
            for suffix, image in intermediate_images(exposure.load(), params).items():
                path = self.folder / exposure_name(exposure.name, self.association.asn_id, suffix)
                with self.ledger.making("adaptive_trace_model", path):
                    write_images({"SCI": image}, exposure.primary, path, model="IFUImageModel", history=self.history)
                self.written.append(path)
        self._take("adaptive_trace_model", result, costly=True)
        return result

    def _pixel_replace(self) -> Result:
        result = pixel_replace(self.exposures, self.params.pixel_replace)
        self._take("pixel_replace", result)
        return result
