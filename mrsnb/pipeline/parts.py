"""A run in parts that processes on any machine do: paths and parameters in, files and a small record out.

Three stages, each of parts that do not depend on one another:

1. `match`: what mrs_imatch finds; one part, since it is small.
2. `look`: outliers in exposures that are compared with one another, those of a setting of a detector. What all
   exposures of a detector have in common follows from the sums of their counts.
3. `make`: a cube and its spectrum, and some of the exposures that are written. Exposures that costly steps change after
   outlier_detection are not made twice: cubes of the same ones are one part then.

What precedes outlier_detection compares headers and spectra at most. Every part does it again, which takes no time,
and so has what the whole run would have. The spectral leak is taken out where all spectra come together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import Association
from mrsnb.core.bands import Band
from mrsnb.core.references import References
from mrsnb.core.spectrum import Spectrum
from mrsnb.io.atomic import atomic_write, scratch_folder
from mrsnb.io.exposures import ExposureFile
from mrsnb.kernels.cache import compile_missing
from mrsnb.pipeline.chain import Chain, read_extras
from mrsnb.pipeline.exposure_steps import Share
from mrsnb.pipeline.ledger import Ledger
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.result import ProductSummary
from mrsnb.pipeline.run import Known, kernels_of, open_science, stated
from mrsnb.steps.cube_build import CubeBuildResult, planned_bands
from mrsnb.steps.cube_build.contributions import Contributions
from mrsnb.steps.mrs_imatch import BackgroundPolynomial, MrsImatchResult
from mrsnb.steps.outlier_detection import Found, Mask, Tally, search, searches


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What all parts of a run share; paths are absolute.

    Parameters
    ----------
    association : Association
    params : Spec3Params
    references : References
    folder, scratch : Path
        Where products go, and where parts leave what others need.
    history : mapping
        Provenance of the products.
    known : dict of str to Known
        What is known of the exposures, by name.
    suffixes : mapping of str to str
        Last part of the names of a step's exposures or cubes, where not the usual.
    """

    association: Association
    params: Spec3Params
    references: References
    folder: Path
    scratch: Path
    history: Mapping[str, Any]
    known: Mapping[str, Known]
    suffixes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the last stage.

    Parameters
    ----------
    number : int
        0 for the first.
    cubes : tuple of tuple of Band
        Those that it builds, by their bands.
    writes, needs : frozenset of str
        See `Share`.
    """

    number: int
    cubes: tuple[tuple[Band, ...], ...]
    writes: frozenset[str]
    needs: frozenset[str]

    @property
    def title(self) -> str:
        """What it makes, in a few words."""
        names = ", ".join("+".join(band.name for band in bands) for bands in self.cubes)
        return names or f"{len(self.writes)} exposures"


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """What a part of the last stage leaves beside its files.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    paths : tuple of Path
        The files that it wrote, in order.
    products : tuple of ProductSummary
    exposures : tuple of Path
        Exposures and backgrounds among the files.
    spectra : tuple of Spectrum
    statuses : dict of str to str
        What became of each step.
    contributions : tuple of Contributions
        Pixels of the voxel that was asked for.
    """

    title: str
    paths: tuple[Path, ...]
    products: tuple[ProductSummary, ...]
    exposures: tuple[Path, ...]
    spectra: tuple[Spectrum, ...]
    statuses: dict[str, str]
    contributions: tuple[Contributions, ...] = ()


def matches(params: Spec3Params) -> bool:
    """Return whether there is a first stage."""
    return not params.mrs_imatch.skip


def looks(exposures: Sequence[ExposureFile], params: Spec3Params) -> tuple[tuple[int, ...], ...]:
    """Return the parts of the second stage: the places of the exposures that each looks at."""
    return () if params.outlier_detection.skip else searches(exposures, params.outlier_detection)


def parts(exposures: Sequence[ExposureFile], params: Spec3Params) -> tuple[Part, ...]:
    """Return the parts of the last stage; each exposure is written by one of those that need it."""
    planned = () if params.cube_build.skip else planned_bands(exposures, params.cube_build)
    groups: list[_Group] = [
        ((bands,), frozenset(e.name for e in exposures if set(bands) & set(e.bands))) for bands in planned
    ]
    if not (params.adaptive_trace_model.skip and params.pixel_replace.skip):
        groups = _joined(groups)
    rest: dict[tuple[Band, ...], set[str]] = {}
    used = frozenset().union(*(needs for _, needs in groups))
    for exposure in exposures:
        if exposure.name not in used:
            rest.setdefault(exposure.bands, set()).add(exposure.name)
    groups += [((), frozenset(names)) for names in rest.values()]
    writes: list[set[str]] = [set() for _ in groups]
    for number, exposure in enumerate(exposures):
        able = [i for i, (_, needs) in enumerate(groups) if exposure.name in needs]
        writes[able[number % len(able)]].add(exposure.name)
    return tuple(
        Part(number=i, cubes=cubes, writes=frozenset(writes[i]), needs=needs) for i, (cubes, needs) in enumerate(groups)
    )


def remaining(chain: Chain, wanted: Sequence[Part]) -> tuple[Part, ...]:
    """Return what is left to do of parts, some of whose products are done; the others are left out.

    Parameters
    ----------
    chain : Chain
        Of the whole run, which is not run.
    wanted : sequence of Part
        All.
    """
    unfinished, left = chain.before.unfinished(), []
    for part in wanted:
        cubes = tuple(bands for bands in part.cubes if not chain.units.are_done(bands))
        writes = part.writes if unfinished is None else part.writes & unfinished
        if cubes or writes or (unfinished is None and part.number == 0):
            left.append(replace(part, cubes=cubes, writes=writes))
    return tuple(left)


_Group = tuple[tuple[tuple[Band, ...], ...], frozenset[str]]
"""Cubes, by their bands, and the names of the exposures that they are built of."""


def _joined(groups: list[_Group]) -> list[_Group]:
    """Return the groups, those that have an exposure in common made one."""
    joined: list[_Group] = []
    for cubes, needs in groups:
        same = [group for group in joined if group[1] & needs]
        joined = [group for group in joined if not group[1] & needs]
        before = tuple(bands for group in same for bands in group[0])
        joined.append(((*before, *cubes), needs.union(*(group[1] for group in same))))
    return joined


def match(whole: Whole) -> tuple[BackgroundPolynomial, ...]:
    """Return what mrs_imatch finds."""
    with scratch_folder(whole.scratch, "part-") as scratch:
        chain = _chain(whole, scratch, Share(writes=frozenset(), needs=frozenset()))
        found = [result for result in chain.before.results("outlier_detection") if isinstance(result, MrsImatchResult)]
    return found[0].polynomials


class Looked(NamedTuple):
    """What a part of the second stage leaves."""

    path: Path
    """The file with what it found."""
    written: tuple[Path, ...]
    """Arrays from which flags were made."""


def look(whole: Whole, places: Sequence[int], polynomials: tuple[BackgroundPolynomial, ...] | None) -> Looked:
    """Look for outliers in the exposures at some places, one of `looks`."""
    with scratch_folder(whole.scratch, "part-") as scratch:
        share = Share(writes=frozenset(), needs=frozenset(), polynomials=polynomials)
        before = _chain(whole, scratch, share).before
        for _ in before.results("outlier_detection"):
            pass
        found = search(before.exposures, whole.params.outlier_detection, places)
        before.write_intermediate(found.intermediate)
    path = whole.scratch / f"outliers-{min(places)}.npz"
    with atomic_write(path) as file:
        np.savez(file, **_arrays_of(found))  # type: ignore[arg-type]  # of numpy's allow_pickle, which none is called
    return Looked(path, tuple(before.written))


def make(
    whole: Whole, part: Part, polynomials: tuple[BackgroundPolynomial, ...] | None, looked: Sequence[Path]
) -> Made:
    """Make the cubes and spectra of a part and write its exposures.

    Parameters
    ----------
    whole : Whole
    part : Part
    polynomials : tuple of BackgroundPolynomial, optional
        What `match` returned.
    looked : sequence of Path
        The files that `look` left, of all exposures.
    """
    found = reduce(Found.with_those_of, map(_read_found, looked)) if looked else None
    share = Share(
        writes=part.writes,
        needs=part.needs,
        writes_background=part.number == 0,
        polynomials=polynomials,
        found=found,
    )
    contributions: tuple[Contributions, ...] = ()
    with scratch_folder(whole.scratch, "part-") as scratch:
        chain = _chain(whole, scratch, share, part.cubes)
        for result in chain.products_of_steps():
            if isinstance(result, CubeBuildResult):
                contributions += result.contributions
    exposures = tuple(chain.before.written)
    products = tuple(dict.fromkeys(product.path for product in chain.products if product.path is not None))
    return Made(
        title=part.title,
        paths=(*exposures, *products),
        products=tuple(chain.products),
        exposures=exposures,
        spectra=tuple(chain.spectra),
        statuses=dict(chain.statuses),
        contributions=contributions,
    )


_MASKS = ("own", "common", "usable")


def _arrays_of(found: Found) -> dict[str, NDArray[Any]]:
    """Return what was found, without what is for the eye, as arrays of numbers and text: nothing that could be run."""
    arrays: dict[str, NDArray[Any]] = {"notes": np.array(found.notes, dtype=np.str_)}
    for name in _MASKS:
        for key, mask in getattr(found, name).items():
            arrays[f"{name}/{key}/bits"], arrays[f"{name}/{key}/shape"] = mask.bits, np.array(mask.shape)
    for key, tally in found.tallies.items():
        arrays |= {f"tallies/{key}/{name}": image for name, image in tally._asdict().items()}
    return arrays


def _read_found(path: Path) -> Found:
    """Return what was found from what `_arrays_of` made of it."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    notes = [str(note) for note in arrays.pop("notes")]
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for name, array in arrays.items():
        kind, rest = name.split("/", 1)
        key, _, part = rest.rpartition("/")
        parts.setdefault((kind, key), {})[part] = array
    masks: dict[str, dict[Any, Mask]] = {name: {} for name in _MASKS}
    for (kind, key), told in parts.items():
        if kind in masks:
            place = key if kind == "common" else int(key)
            masks[kind][place] = Mask(told["bits"], tuple(told["shape"].tolist()))
    tallies = {key: Tally(**told) for (kind, key), told in parts.items() if kind == "tallies"}
    own, common, usable = (masks[name] for name in _MASKS)
    return Found(own=own, common=common, usable=usable, tallies=tallies, notes=notes)


def _chain(whole: Whole, scratch: Path, share: Share, cubes: Sequence[tuple[Band, ...]] = ()) -> Chain:
    """Return the steps of a part; the headers of all exposures are read again."""
    compile_missing(kernels_of(whole.params))
    association = whole.association
    exposures = open_science(association, whole.known)
    return Chain(
        association,
        whole.params,
        whole.references,
        whole.folder,
        exposures=stated(exposures, association, whole.params),
        scratch=scratch,
        extras=read_extras(association, whole.params),
        history=whole.history,
        suffixes=whole.suffixes,
        ledger=Ledger(None, whole.history),
        share=share,
        cubes=cubes,
    )
