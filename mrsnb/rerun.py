"""Repeat the run that made a product, from what the product says of it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mrsnb.core.association import Association, Member
from mrsnb.core.provenance import Provenance
from mrsnb.core.references import References
from mrsnb.core.results import Result
from mrsnb.display import Row, Shown, to_text
from mrsnb.errors import InputError, MrsnbError, OutputError
from mrsnb.io.compare import Comparison, compare_products
from mrsnb.io.places import home
from mrsnb.io.provenance import checksum, software
from mrsnb.io.read import read_provenance
from mrsnb.io.references import load_references
from mrsnb.pipeline import Spec3Params, Spec3Result, spec3
from mrsnb.pipeline.official import step_types
from mrsnb.pipeline.settings import step_settings
from mrsnb.steps.params import StepParams
from mrsnb.stepwise import run_step

_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Rerun(Shown):
    """A run that can be made again.

    Parameters
    ----------
    product : Path
        One of the files that it made.
    step : str
        The step that was run, ``"spec3"`` for all.
    inputs : tuple of Path
        What it read, where it is now.
    association : Association or None
        Of these, for ``"spec3"``.
    name : str or None
        First part of the products' names, where one step was told it.
    suffixes : dict of str to str
        Last part of the names of a step's products, where not the usual.
    params : Spec3Params or StepParams
        As run.
    references : References
    changed : tuple of str
        Inputs and reference values that are not what they were, each with what differs.
    software : tuple of str
        Packages that have another version now.
    """

    product: Path
    step: str
    inputs: tuple[Path, ...]
    association: Association | None
    name: str | None
    suffixes: dict[str, str]
    params: Spec3Params | StepParams
    references: References
    changed: tuple[str, ...]
    software: tuple[str, ...]

    @property
    def title(self) -> str:
        """What is repeated."""
        return f"Run of {self.product.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        return [
            Row("run", self.step),
            Row("inputs", str(len(self.inputs)), "files"),
            Row("changed since", ", ".join(self.changed) or "nothing"),
            Row("other versions", ", ".join(self.software) or "none"),
        ]

    def results(self, output_dir: Path | str) -> Iterator[Result | Spec3Result]:
        """Run it and yield each result as it comes.

        Parameters
        ----------
        output_dir : Path or str
            Where products go; made if missing.

        Raises
        ------
        OutputError
            If the product would be replaced by its repetition.
        """
        output_dir = home(output_dir)
        if output_dir.resolve() == self.product.parent.resolve():
            msg = f"{self.product}: would be replaced by its repetition; choose another --output-dir"
            raise OutputError(msg)
        if isinstance(self.params, Spec3Params):
            if self.association is None:
                msg = f"{self.product}: does not say what its association was"
                raise InputError(msg)
            values, suffixes = self.references, self.suffixes
            yield from spec3(self.association, self.params, output_dir=output_dir, references=values, suffixes=suffixes)
            return
        step, suffix = self.step, self.suffixes.get(self.step)
        yield from run_step(
            step, self.inputs, self.params, self.references, output_dir, product=self.name, suffix=suffix
        )

    def compared(self, output_dir: Path | str) -> Comparison:
        """Return how the product and its repetition differ; no difference is tolerated."""
        return compare_products(self.product, home(output_dir) / self.product.name, rtol=0.0)

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def read_run(path: Path | str, *, look_in: Path | str | None = None, anyway: bool = False) -> Rerun:
    """Return the run that made a product.

    Parameters
    ----------
    path : Path or str
        A product of mrsnb.
    look_in : Path or str, optional
        A folder to look in for inputs and reference files first. Then they are looked for where they were as seen from
        the product, and beside the product.
    anyway : bool
        Accept files and built-in values that have changed; otherwise refuse them.

    Raises
    ------
    InputError
        If the file is no product of mrsnb, says too little, or something is missing or has changed.
    """
    path = home(path)
    told = read_provenance(path)
    step = told.run.get("step", "")
    if not step or not told.texts("inputs"):
        made_by = told.primary.text("CAL_VER") or "other software"
        msg = f"{path}: does not say how it was made (by {made_by}); only files as mrsnb wrote them can be repeated"
        raise InputError(msg)
    search = _Search(path, None if look_in is None else home(look_in))
    inputs = [search.find(name, digest) for name, digest in told.texts("inputs").items()]
    backgrounds = [search.find(name, digest) for name, digest in told.texts("backgrounds").items()]
    files = {key: search.find(f.get("path", ""), f.get("checksum", "")) for key, f in told.files.items()}
    search.refuse_missing()
    try:
        params = _params(step, told, files)
        references = _references(told, files)
        association = _association(told, inputs, backgrounds) if step == "spec3" else None
    except MrsnbError as error:
        msg = f"{path}: its run cannot be repeated with mrsnb {software()['mrsnb']}: {error}"
        raise InputError(msg) from None
    now = references.sources()
    other = (kind for kind, source in told.texts("references").items() if kind not in files and now.get(kind) != source)
    changed = (*search.changed, *(f"the built-in {kind}" for kind in other))
    if changed and not anyway:
        msg = f"{path}: changed since: {_some(changed)}; --anyway goes on with them as they are now"
        raise InputError(msg)
    versions = software()
    return Rerun(
        product=path,
        step=step,
        inputs=tuple(inputs),
        association=association,
        name=told.run.get("product"),
        suffixes=told.texts("suffixes"),
        params=params,
        references=references,
        changed=changed,
        software=tuple(
            f"{package} {versions.get(package, 'missing')} (was {was})"
            for package, was in told.texts("software").items()
            if versions.get(package) != was
        ),
    )


class _Search:
    """Looks for the files of a run, and keeps what is missing or changed."""

    def __init__(self, product: Path, look_in: Path | None) -> None:
        self.product, self.look_in = product, look_in
        self.missing: list[str] = []
        self.changed: list[str] = []

    def find(self, recorded: str, digest: str) -> Path:
        """Return where a file is now: the first place with the right content, or else with any."""
        there = self.product.absolute().parent
        name = Path(recorded).name
        folders = [there] if self.look_in is None else [self.look_in, there]
        places = [folder / name for folder in folders]
        as_seen = Path(os.path.normpath(there.resolve() / recorded))
        places.insert(len(places) - 1, as_seen)
        found = [place for place in dict.fromkeys(places) if name and place.is_file()]
        for place in found:
            if checksum(place) == digest:
                return place
        if not found:
            self.missing.append(recorded)
            return as_seen
        self.changed.append(str(found[0]))
        return found[0]

    def refuse_missing(self) -> None:
        """Raise an error that names the files that are missing, if there are any."""
        if self.missing:
            msg = (
                f"{self.product}: {len(self.missing)} files that it was made from are missing: {_some(self.missing)} "
                "(as seen from it); --inputs DIR says where they are"
            )
            raise InputError(msg)


def _params(step: str, told: Provenance, files: Mapping[str, Path]) -> Spec3Params | StepParams:
    values = told.parameters
    for key, place in files.items():
        owner, _, name = key.partition(".")
        if name and owner in values:
            values[owner][name] = str(place)
    if step == "spec3":
        return Spec3Params().updated(values)
    if step not in step_types():
        msg = f"unknown step {step!r}"
        raise InputError(msg)
    started: StepParams = step_settings(step, preset="archive", given=values).params
    return started


def _references(told: Provenance, files: Mapping[str, Path]) -> References:
    stated = told.texts("references")
    off = {kind: "none" for kind, source in stated.items() if source == "none"}
    return load_references(None, {**off, **{kind: files[kind] for kind in stated if kind in files}})


def _association(told: Provenance, inputs: list[Path], backgrounds: list[Path]) -> Association:
    members = [Member(str(place.absolute()), "science") for place in inputs]
    members += [Member(str(place.absolute()), "background") for place in backgrounds]
    run = told.run
    table = run.get("asn", "none")
    path = None if table == "none" else Path(Path(table).name)
    name, pool = run.get("product", ""), run.get("asn_pool", "none")
    return Association(name, tuple(members), asn_id=run.get("asn_id"), asn_pool=pool, path=path)


def _some(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
