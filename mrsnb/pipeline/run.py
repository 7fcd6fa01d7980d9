"""spec3: the steps in order, streamed from files to files."""

import math
import shutil
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

from mrsnb.core.association import Association, checked_name, product_name
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.core.status import with_skipped
from mrsnb.display.progress import follow
from mrsnb.geometry.chain import MrsChain
from mrsnb.io.association import read_association
from mrsnb.io.atomic import clear_unfinished, output_folder, scratch_folder
from mrsnb.io.exposures import ExposureFile, open_exposure
from mrsnb.io.lock import Hold, held
from mrsnb.io.references import load_references
from mrsnb.io.unchanged import Version
from mrsnb.kernels.cache import compile_missing
from mrsnb.kernels.threads import ahead
from mrsnb.pipeline.chain import Chain, Extras, read_extras, recorded
from mrsnb.pipeline.doubts import doubts_in
from mrsnb.pipeline.exposure_steps import count_exposure_steps, skipped_steps
from mrsnb.pipeline.ledger import Ledger
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.result import Spec3Result
from mrsnb.steps.cube_build import CubePlan, check_exposures, plan_cubes, planned_bands
from mrsnb.steps.extract_1d import check_centre
from mrsnb.steps.params import StepParams

SCRATCH = ".mrsnb-run-"
"""Beginning of the names of the folders in which a run keeps arrays meanwhile."""


class Known(NamedTuple):
    """What was found out of an exposure, on this machine or another."""

    checksum: str
    version: Version | None
    """That it is the checksum of."""


def spec3(
    association: Association | Path | str,
    params: Spec3Params | None = None,
    *,
    output_dir: Path | str = ".",
    references: References | None = None,
    suffixes: Mapping[str, str] | None = None,
    exposures: Sequence[ExposureFile] | None = None,
    resume: bool = False,
    is_whole: bool = True,
) -> Iterator[Result | Spec3Result]:
    """Run level 3 and yield each result as it comes; the last is the `Spec3Result` of the whole run.

    Products are written as soon as they are made, whole or not at all; memory holds two cubes at most, and of exposures
    one, and the pixels of those of a cube. A manifest in the directory says what they were made of, and their
    checksums. One run at a time writes to a directory.

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
    suffixes : mapping of str to str, optional
        Last part of the names of a step's exposures or cubes, where it is not to be the usual, such as ``"s3d"``.
    exposures : sequence of ExposureFile, optional
        Those of the association, if `open_science` has opened them.
    resume : bool
        Keep the products that an earlier run left in the directory, if they are intact, and of the same content of the
        inputs, the same parameters as far as they matter, and the same versions; make the others.
    is_whole : bool
        False for a step by itself: it waits until another run in the directory has ended, and leaves no manifest.

    Yields
    ------
    AssignMtwcsResult, MasterBackgroundResult, MrsImatchResult, OutlierDetectionResult, ...
        Of the steps that change exposures, where they are not skipped.
    CubeBuildResult, Extract1dResult
        One of each for every cube.
    SpectralLeakResult
    Kept
        In the place of each of them whose products were kept.
    Spec3Result

    Raises
    ------
    InputError, ParamError, OutputError
        With one line that says what is wrong and what to do.

    Examples
    --------
    >>> import mrsnb
    >>> some = mrsnb.Spec3Params.preset("quicklook").updated({"cube_build": {"channel": "1", "wavemax": 5.2}})
    >>> for result in mrsnb.spec3("raw/star_lvl3_asn.json", some, output_dir="quick"):
    ...     print(result.title)
    cube_build: 1A
    extract_1d: 1A
    spec3: star
    """
    start = perf_counter()
    association = association if isinstance(association, Association) else read_association(association)
    params = Spec3Params.preset("archive") if params is None else params
    compile_missing(kernels_of(params))
    references = load_references() if references is None else references
    suffixes = {step: checked_name(suffix, "suffix") for step, suffix in ({} if suffixes is None else suffixes).items()}
    exposures = open_science(association) if exposures is None else exposures
    extras = read_extras(association, params)
    check(association, exposures, params, references, extras, Path(output_dir))
    folder = output_folder(output_dir)
    saves = any(_saves(getattr(params, step)) for step in Spec3Params.steps())
    with written_alone(folder, is_whole=is_whole) if saves else nullcontext() as hold:
        history = recorded(association, exposures, params, references, folder, suffixes, extras)
        ledger = Ledger(folder if saves else None, history, resume=resume, records=is_whole)
        exposures = stated(exposures, association, params)
        with scratch_folder(folder, SCRATCH if saves else ".mrsnb-") as scratch:
            run = Chain(
                association,
                params,
                references,
                folder,
                exposures=exposures,
                scratch=scratch,
                extras=extras,
                history=history,
                suffixes=suffixes,
                ledger=ledger,
            )
            for result in run.results():
                with nullcontext() if hold is None else hold.left():
                    yield result
                del result
        ledger.close()
    yield Spec3Result(
        association=association,
        params=params,
        references=references,
        products=tuple(run.products),
        exposures=tuple(run.before.written),
        statuses=run.statuses,
        seconds=perf_counter() - start,
        warnings=doubts_in(history, run.products),
        kept=ledger.kept if resume else None,
    )


@contextmanager
def written_alone(folder: Path, *, is_whole: bool = True) -> Iterator[Hold]:
    """Hold the directory of products for one run, and clear away what killed ones have left unfinished.

    Parameters
    ----------
    folder : Path
    is_whole : bool
        False for a step by itself, which waits for other runs, or is part of that which this thread has not ended.

    Raises
    ------
    OutputError
        If another run holds it, or nothing can be written there.
    """
    with held(folder, 0.0 if is_whole else math.inf, joins=not is_whole) as hold:
        if hold.is_alone and not hold.is_left:
            clear_unfinished(folder)
            for left in folder.glob(f"{SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
        yield hold


def _saves(params: StepParams) -> bool:
    more = ("save_results", "save_intermediate_results", "save_background")
    return not params.skip and any(getattr(params, name, False) for name in more)


def run_spec3(
    association: Association | Path | str,
    params: Spec3Params | None = None,
    *,
    output_dir: Path | str = ".",
    references: References | None = None,
    resume: bool = False,
) -> Spec3Result:
    """Run level 3 to its end, show progress, and return what it made; parameters and errors as `spec3`.

    Examples
    --------
    >>> import mrsnb
    >>> params = mrsnb.Spec3Params.preset("quicklook").updated({"cube_build": {"channel": "1"}})
    >>> result = mrsnb.run_spec3("raw/star_lvl3_asn.json", params, output_dir="quick")
    >>> [path.name for path in result.paths]
    ['star_ch1-short_s3d.fits', 'star_ch1-short_x1d.fits']
    >>> sorted(mrsnb.run_spec3("raw/star_lvl3_asn.json", params, output_dir="quick", resume=True).kept)
    ['star_ch1-short_s3d.fits', 'star_ch1-short_x1d.fits']
    """
    association = association if isinstance(association, Association) else read_association(association)
    params = Spec3Params.preset("archive") if params is None else params
    exposures = open_science(association)
    results = spec3(
        association, params, output_dir=output_dir, references=references, exposures=exposures, resume=resume
    )
    total = count_results(association, params, exposures)
    with closing(cast("Generator[Result | Spec3Result]", results)):
        return cast("Spec3Result", deque(follow(results, total), maxlen=1).pop())


def open_science(association: Association, known: Mapping[str, Known] | None = None) -> tuple[ExposureFile, ...]:
    """Return the exposures of an association, their arrays not read yet; each has its checksum.

    Parameters
    ----------
    association : Association
    known : mapping of str to Known, optional
        What is known of the exposures, by name.

    Raises
    ------
    InputError
        If an exposure cannot be used, or is not the one that is known.
    """
    exposures = []
    for _, exposure in ahead(open_exposure, [association.path_of(member) for member in association.science]):
        if known is None:
            _ = exposure.checksum  # made while the next is opened
        else:
            exposure.remember(*known[exposure.name])
        exposures.append(exposure)
    return tuple(exposures)


def count_results(association: Association, params: Spec3Params, exposures: Sequence[ExposureFile]) -> int:
    """Return how many results `spec3` will yield of the exposures of an association."""
    before = count_exposure_steps(association, params, exposures)
    if params.cube_build.skip:
        return before + 1
    n_cubes = len(planned_bands(exposures, params.cube_build))
    extracts = not params.extract_1d.skip
    return before + n_cubes * (1 + extracts) + (extracts and not params.spectral_leak.skip) + 1


def kernels_of(params: Spec3Params) -> tuple[str, ...]:
    """Return the groups of kernels, of `mrsnb.kernels.cache.GROUPS`, that a run needs."""
    outliers, cubes, spectra = params.outlier_detection, params.cube_build, params.extract_1d
    trace, replaced, matched = params.adaptive_trace_model, params.pixel_replace, params.mrs_imatch
    by_model = outliers.method == "model"
    builds = not cubes.skip or not matched.skip
    needed = {
        "traces": not trace.skip or (not replaced.skip and replaced.algorithm == "trace_model"),
        "replacements": not replaced.skip,
        "outliers": not outliers.skip and by_model,
        "differences": not outliers.skip and not by_model,
        "geometry": builds or (not outliers.skip and by_model),
        "cubes": builds,
        "points": not cubes.skip and cubes.weighting != "drizzle",
        "spectra": not spectra.skip,
        "sources": not spectra.skip,
        "regions": not spectra.skip and spectra.extraction_region is not None,
        "covariances": not spectra.skip and spectra.ifu_covar != "none",
        "fringes": not spectra.skip and spectra.ifu_rfcorr,
        "backgrounds": not params.master_background.skip,
        "matching": not matched.skip,
        "official": not cubes.compat == spectra.compat == "none",
    }
    return tuple(group for group, is_needed in needed.items() if is_needed)


def check(
    association: Association,
    exposures: Sequence[ExposureFile],
    params: Spec3Params,
    references: References,
    extras: Extras,
    folder: Path,
) -> None:
    """Refuse cubes that cannot be built, or not be extracted where asked for, before steps change the exposures.

    Raises
    ------
    ParamError
        If a parameter does not fit the exposures.
    InputError
        If an exposure cannot be used.
    """
    if params.cube_build.skip:
        return
    check_exposures(exposures, params.cube_build)
    plans = early_plans(exposures, params, references, extras, folder)
    if plans is None or params.extract_1d.skip or params.extract_1d.ifu_set_srctype == "EXTENDED":
        return
    for plan in plans:
        check_centre(product_name(association.name, plan.bands, "s3d"), plan.grid, params.extract_1d)


def early_plans(
    exposures: Sequence[ExposureFile], params: Spec3Params, references: References, extras: Extras, folder: Path
) -> tuple[CubePlan, ...] | None:
    """Return what cubes will be built before the exposures have gone through the steps; None if it is not known.

    Those of a moving target are not where their cubes will be; and a WCS that only gwcs can evaluate is slow.
    """
    moves = not params.assign_mtwcs.skip and any(exposure.is_moving for exposure in exposures)
    if moves or not all(isinstance(exposure.wcs, MrsChain) for exposure in exposures):
        return None
    return plan_cubes(exposures, params.cube_build, references.cubepar, extras.offsets, folder)


def stated(exposures: Sequence[ExposureFile], association: Association, params: Spec3Params) -> list[ExposureFile]:
    """Return the exposures with keywords that name the association and state the steps that are left out."""
    table = "none" if association.path is None else association.path.name
    skipped = skipped_steps(association, params, exposures)
    named = [exposure.primary.updated(ASNTABLE=table, ASNPOOL=association.asn_pool) for exposure in exposures]
    return [e.stated(with_skipped(primary, skipped)) for e, primary in zip(exposures, named, strict=True)]
