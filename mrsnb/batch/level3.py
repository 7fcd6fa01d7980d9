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
from mrsnb.batch.versions import check_here
from mrsnb.core.association import Association
from mrsnb.core.bands import label_of
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.errors import Cancelled, MrsnbError, OutputError
from mrsnb.io.atomic import output_folder
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.lock import ENDING, LATE, Hold, is_held, stopped_on_failure
from mrsnb.io.places import home
from mrsnb.io.storage import local
from mrsnb.io.versions import versions
from mrsnb.kernels.threads import at_most, stoppable
from mrsnb.pipeline import ProductSummary, Spec3Params, Spec3Result
from mrsnb.pipeline.chain import Chain, read_extras, recorded
from mrsnb.pipeline.doubts import doubts_in
from mrsnb.pipeline.ledger import Ledger, kept
from mrsnb.pipeline.parts import Looked, Made, Part, Whole, look, looks, make, match, matches, parts, remaining
from mrsnb.pipeline.run import Known, check, stated, written_alone
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
        Of the command, see `mrsnb.io.lock`.
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
    resume: bool = False,
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
    resume : bool
        As for `mrsnb.pipeline.spec3`.

    Yields
    ------
    Made or Kept
        Of each part: what it wrote, or that nothing of it is to be made again.
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
    with written_alone(folder) as hold, connected(scheduler, folder, say) as place, _scratch(folder, hold) as scratch:
        history = recorded(association, exposures, params, references, Path(output_dir), {}, extras)
        whole = Whole(
            association=_anchored(association),
            params=_with_absolute_files(params),
            references=references,
            folder=folder,
            scratch=scratch,
            history=history,
            known={exposure.name: Known(exposure.checksum, exposure.version) for exposure in exposures},
        )
        ledger = Ledger(folder, history, resume=resume)
        chain = Chain(
            association,
            params,
            references,
            folder,
            exposures=stated(exposures, association, params),
            scratch=scratch,
            extras=extras,
            history=history,
            suffixes={},
            ledger=ledger,
        )
        stages = _Stages(place, whole, hold.token, threads)
        for result in _made(stages, chain, exposures):
            with hold.left():
                yield result
            del result
        ledger.close()
    yield Spec3Result(
        association=association,
        params=params,
        references=references,
        products=tuple(chain.products),
        exposures=tuple(chain.before.written),
        statuses=chain.statuses,
        seconds=perf_counter() - start,
        warnings=doubts_in(history, chain.products),
        kept=ledger.kept if resume else None,
    )


def _made(stages: "_Stages", chain: Chain, exposures: Sequence[ExposureFile]) -> Iterator[Made | Result]:
    """Yield what stands for parts that are done, what the others made, and the result of the last step.

    `chain`, which is not run, gets what it would have if it were.
    """
    ledger, before, units = chain.units.ledger, chain.before, chain.units
    steps = {path: step for exposure in exposures for path, step in before.files_of(exposure).items()}
    before.written += [path for path, step in steps.items() if ledger.has(path, step)]
    chain.statuses |= dict.fromkeys((steps[path] for path in before.written), "COMPLETE")
    every = parts(exposures, chain.params)
    todo = {part.number: part for part in remaining(chain, every)}
    for part in every:
        left = todo[part.number].cubes if part.number in todo else ()
        done = [result for bands in part.cubes if bands not in left for result in chain.kept(bands)]
        if part.number not in todo:
            mine = [path for e in exposures if e.name in part.writes for path in before.files_of(e)]
            every_path = (*mine, *(path for result in done for path in result.paths))
            yield kept(chain.params, "cube_build", part.title, every_path)
    ledger.forget(path for path in steps if path not in before.written)
    ledger.forget(path for part in todo.values() for bands in part.cubes for path in units.paths(bands))
    for made in stages.run(exposures, tuple(todo.values())):
        for product in made.products:
            if product.path is not None:
                ledger.enter("extract_1d" if product.image is None else "cube_build", [product.path])
        for path in made.exposures:
            ledger.enter(steps.get(path, "master_background"), [path])
        yield made
        del made
    ledger.enter("outlier_detection", stages.written)
    before.written += [*stages.written, *(path for made in stages.made for path in made.exposures)]
    for made in stages.made:
        chain.spectra += made.spectra
        chain.products += made.products
        chain.statuses |= {step: status for step, status in made.statuses.items() if status != "SKIPPED"}
    chain.products = _in_order(chain.products, exposures, chain.params)
    yield from chain.without_leak()


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

    def run(self, exposures: Sequence[ExposureFile], todo: Sequence[Part]) -> Iterator[Made]:
        if not todo:
            return
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
        last = {f"part {part.number}": partial(make, part=part, polynomials=polynomials, looked=paths) for part in todo}
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


def _in_order(
    products: Sequence[ProductSummary], exposures: Sequence[ExposureFile], params: Spec3Params
) -> list[ProductSummary]:
    """Return the products of all parts as a run in one piece has them."""
    if not products:
        return []
    order: dict[str, int] = {}
    for number, bands in enumerate(planned_bands(exposures, params.cube_build)):
        order |= dict.fromkeys((label_of(bands), "+".join(band.name for band in bands)), number)
    return sorted(products, key=lambda product: order[product.label])
