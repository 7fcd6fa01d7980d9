"""One large observation on a cluster: its bands are independent, and are made wherever there is a worker."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic, perf_counter, sleep
from typing import Any

from mrsnb.batch.cluster import Place, connected
from mrsnb.batch.handing import DEATHS, Handed
from mrsnb.batch.lock import ENDING, LATE, Hold, held, is_held, stopped_on_failure
from mrsnb.batch.versions import check_here
from mrsnb.core.association import Association
from mrsnb.core.bands import label_of
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.errors import Cancelled, MrsnbError, OutputError
from mrsnb.io.atomic import output_folder
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.places import home
from mrsnb.io.storage import local
from mrsnb.io.versions import versions
from mrsnb.kernels.threads import at_most, stoppable
from mrsnb.pipeline import ProductSummary, Spec3Params, Spec3Result
from mrsnb.pipeline.chain import read_extras, recorded, without_leak
from mrsnb.pipeline.doubts import doubts_in
from mrsnb.pipeline.parts import Looked, Made, Whole, look, looks, make, match, matches, parts
from mrsnb.pipeline.run import Known, check
from mrsnb.steps.cube_build import planned_bands
from mrsnb.steps.mrs_imatch import BackgroundPolynomial

SCRATCH = ".mrsnb-parts-"
"""Beginning of the names of folders in which parts leave what others need."""

_INTERVAL = 1.0
"""Seconds between two questions whether what a part makes is still wanted."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a run as it is sent to a worker.

    Parameters
    ----------
    name : str
        What it is, for messages.
    work : callable
        Takes `whole`.
    whole : Whole
    token : str
        Of the command, see `mrsnb.batch.lock`.
    threads : int
        That it may use.
    software : mapping of str to str
        Versions where the command runs.
    """

    name: str
    work: Callable[[Whole], Any]
    whole: Whole
    token: str
    threads: int = 1
    software: Mapping[str, str] = field(default_factory=versions)


def spec3_on(
    scheduler: str,
    association: Association,
    params: Spec3Params,
    *,
    output_dir: Path | str,
    references: References,
    exposures: Sequence[ExposureFile],
    threads: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Made | Result | Spec3Result]:
    """Run level 3 on the workers of a dask scheduler, and yield what is made as it comes.

    The products are those of `mrsnb.pipeline.spec3`, byte by byte but for dates. Workers see the same directories.

    Parameters
    ----------
    scheduler : str
        Its address, as ``tcp://host:8786``.
    association, params, output_dir, references, exposures
        As for `mrsnb.pipeline.spec3`.
    threads : int
        That each part may use.
    say : callable
        Told if there are no workers yet.

    Yields
    ------
    Made
        Of each part: what it wrote.
    SpectralLeakResult
    Spec3Result

    Raises
    ------
    InputError, ParamError, OutputError
        With one line that says what is wrong and what to do.
    """
    start = perf_counter()
    extras = read_extras(association, params)
    check(association, exposures, params, references, extras, Path(output_dir))
    folder = output_folder(output_dir).absolute()
    with held(folder) as hold, connected(scheduler, folder, say) as place, _scratch(folder, hold) as scratch:
        whole = Whole(
            association=_anchored(association),
            params=_with_absolute_files(params),
            references=references,
            folder=folder,
            scratch=scratch,
            history=recorded(association, exposures, params, references, Path(output_dir), {}, extras),
            known={exposure.name: Known(exposure.checksum, exposure.version) for exposure in exposures},
        )
        stages = _Stages(place, whole, hold.token, threads)
        for made in stages.run(exposures):
            yield made
            del made
        spectra = [spectrum for made in stages.made for spectrum in made.spectra]
        leak, changed = without_leak(spectra, params, references, folder)
        if leak is not None:
            yield leak
    statuses = dict.fromkeys(Spec3Params.steps(), "SKIPPED")
    for made in stages.made:
        statuses |= {step: status for step, status in made.statuses.items() if status != "SKIPPED"}
    if changed is not None:
        statuses["spectral_leak"] = "COMPLETE"
    yield Spec3Result(
        association=association,
        params=params,
        references=references,
        products=(*_in_order(stages.made, exposures, params), *([] if changed is None else [changed])),
        exposures=(*stages.written, *(path for made in stages.made for path in made.exposures)),
        statuses=statuses,
        seconds=perf_counter() - start,
        warnings=doubts_in(whole.history, [product for made in stages.made for product in made.products]),
    )


def count_parts(exposures: Sequence[ExposureFile], params: Spec3Params) -> int:
    """Return how many results `spec3_on` will yield of the exposures of an association."""
    leaks = not (params.cube_build.skip or params.extract_1d.skip or params.spectral_leak.skip)
    return len(parts(exposures, params)) + leaks + 1


class _Stages:
    """Runs the stages of `mrsnb.pipeline.parts`, one after the other.

    Attributes
    ----------
    made : list of Made
        In the order of the parts, when all is done.
    written : list of Path
        Arrays from which flags were made.
    """

    def __init__(self, place: Place, whole: Whole, token: str, threads: int) -> None:
        self._place, self._whole, self._token, self._threads = place, whole, token, threads
        self.made: list[Made] = []
        self.written: list[Path] = []

    def run(self, exposures: Sequence[ExposureFile]) -> Iterator[Made]:
        params = self._whole.params
        polynomials: tuple[BackgroundPolynomial, ...] | None = None
        if matches(params):
            ((_, polynomials),) = self._done({"mrs_imatch": match})
        searches = {
            f"outliers of {exposures[places[0]].name}": partial(look, places=places, polynomials=polynomials)
            for places in looks(exposures, params)
        }
        looked: dict[str, Looked] = dict(self._done(searches))
        paths = [looked[name].path for name in searches]
        self.written = [path for name in searches for path in looked[name].written]
        last = {
            f"part {part.number}": partial(make, part=part, polynomials=polynomials, looked=paths)
            for part in parts(exposures, params)
        }
        made: dict[str, Made] = {}
        for name, one in self._done(last):
            made[name] = one
            yield one
        self.made = [made[name] for name in last]

    def _done(self, work: Mapping[str, Callable[[Whole], Any]]) -> Iterator[tuple[str, Any]]:
        """Yield the names of pieces of work and what they return, as they are ready."""
        handed, deaths = Handed(self._place, run_piece), Counter[str]()
        for name, one in work.items():
            handed.add(Piece(name=name, work=one, whole=self._whole, token=self._token, threads=self._threads))
        for piece, future in handed.ready():
            try:
                found = future.result()
            except MrsnbError:
                raise
            except (Exception, CancelledError) as error:
                if not _is_loss(error):
                    msg = f"{piece.name}: unforeseen {type(error).__name__}: {error}"
                    raise MrsnbError(msg) from error
                if deaths[piece.name] == DEATHS:
                    msg = f"{piece.name}: its workers died, {DEATHS + 1} times; do they have enough memory?"
                    raise OutputError(msg) from None
                deaths[piece.name] += 1
                handed.add(piece)
            else:
                yield piece.name, found


def run_piece(piece: Piece) -> Any:
    """Return what a piece of work returns; it ends early if nobody wants that any more.

    Raises
    ------
    MrsnbError
        As the work does, or if the result would not be the same here.
    Cancelled
        If it is not wanted any more.
    """
    check_here(piece.software, piece.whole.folder)
    if not is_held(piece.whole.folder, piece.token, LATE):
        msg = f"{piece.name}: its command has ended"
        raise Cancelled(msg)
    with _wanted(piece.whole.folder, piece.token) as stop, stoppable(stop), at_most(piece.threads):
        return piece.work(piece.whole)


def _is_loss(error: BaseException) -> bool:
    """Return whether this is not of the work, but of the machinery that should have done it."""
    return isinstance(error, CancelledError) or type(error).__module__.partition(".")[0] == "distributed"


@contextmanager
def _wanted(folder: Path, token: str) -> Iterator[Event]:
    """Yield an event that is set when the command has let go of its folder."""
    stop, end = Event(), Event()

    def watch() -> None:
        while not end.wait(_INTERVAL):
            if not is_held(folder, token):
                stop.set()
                return

    watcher = Thread(target=watch, name="mrsnb-wanted", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        end.set()
        watcher.join()


@contextmanager
def _scratch(folder: Path, hold: Hold) -> Iterator[Path]:
    """Make a folder for what parts leave one another; if the block fails, parts have some time to end."""
    for old in folder.glob(f"{SCRATCH}*"):  # of commands that were killed
        shutil.rmtree(old, ignore_errors=True)
    scratch = folder / f"{SCRATCH}{hold.token}"
    scratch.mkdir()
    try:
        with stopped_on_failure(hold):
            yield scratch
    except BaseException:
        end = monotonic() + ENDING
        with suppress(OSError):
            while monotonic() < end and any(path.is_dir() for path in scratch.iterdir()):
                sleep(0.1)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _anchored(association: Association) -> Association:
    """Return an association whose members are found from any directory."""
    path = association.path
    if path is not None:
        return replace(association, path=home(path).absolute())
    members = tuple(replace(m, expname=str(association.path_of(m).absolute())) for m in association.members)
    return replace(association, members=members)


def _with_absolute_files(params: Spec3Params) -> Spec3Params:
    """Return parameters whose files are found from any directory."""
    changed: dict[str, dict[str, Any]] = {}
    for step, kind in Spec3Params.steps().items():
        values = getattr(params, step)
        named = {spec.name: getattr(values, spec.name) for spec in kind.specs() if spec.file}
        files = {name: str(local(value).absolute()) for name, value in named.items() if value is not None}
        changed |= {step: files} if files else {}
    return params.updated(changed)


def _in_order(made: Sequence[Made], exposures: Sequence[ExposureFile], params: Spec3Params) -> list[ProductSummary]:
    """Return the products of all parts as a run in one piece has them."""
    products = [product for one in made for product in one.products]
    if not products:
        return []
    order: dict[str, int] = {}
    for number, bands in enumerate(planned_bands(exposures, params.cube_build)):
        order |= dict.fromkeys((label_of(bands), "+".join(band.name for band in bands)), number)
    return sorted(products, key=lambda product: order[product.label])
