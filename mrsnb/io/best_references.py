"""Fetch the observatory's best references for exposures, through the package ``crds`` where that is installed.

Its cache and server are those of CRDS_PATH, CRDS_SERVER_URL and CRDS_CONTEXT, as for the official pipeline.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from mrsnb.core.cards import Cards
from mrsnb.display import Row, Shown, to_text
from mrsnb.errors import InputError
from mrsnb.io.association import read_association
from mrsnb.io.atomic import atomic_write, output_folder
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.places import home
from mrsnb.io.references import load_references

SERVER = "https://jwst-crds.stsci.edu"
"""Where references come from if CRDS_SERVER_URL does not say."""

CACHE = "~/crds_cache"
"""Where CRDS keeps them if CRDS_PATH does not say."""

PARAMETER_FILES = tuple(
    f"pars-{step}"
    for step in (
        "spec3pipeline",
        "assignmtwcsstep",
        "masterbackgroundstep",
        "outlierdetectionstep",
        "adaptivetracemodelstep",
        "pixelreplacestep",
        "cubebuildstep",
        "extract1dstep",
        "spectralleakstep",
    )
)
"""What the observatory calls the parameters that it sets for the steps of level 3."""

_PER_CHANNEL = {"cubepar": False, "extract1d": True, "apcorr": True, "mrsptcorr": True}
"""Kinds, and whether they are for cubes, of one channel, not for exposures, of two."""

_SELECTING = {
    "TELESCOP": "meta.telescope",
    "INSTRUME": "meta.instrument.name",
    "DETECTOR": "meta.instrument.detector",
    "CHANNEL": "meta.instrument.channel",
    "BAND": "meta.instrument.band",
    "EXP_TYPE": "meta.exposure.type",
    "READPATT": "meta.exposure.readpatt",
    "SUBARRAY": "meta.subarray.name",
    "DATE-OBS": "meta.observation.date",
    "TIME-OBS": "meta.observation.time",
    "CAL_VER": "meta.calibration_software_version",
}
"""Keywords that references are chosen by, and what CRDS calls them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fetched(Shown):
    """Files that were fetched.

    Parameters
    ----------
    folder : Path
        Where they are.
    context : str
        The rules that chose them, such as ``"jwst_1293.pmap"``.
    files : mapping of str to Path
        Of reference values, by kind.
    parameters : mapping of str to Path
        Of parameters, by kind.
    lacking : tuple of str
        Kinds that there are none of.
    """

    folder: Path
    context: str
    files: Mapping[str, Path]
    parameters: Mapping[str, Path] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "Best references"

    def rows(self) -> list[Row]:
        """Return what there is to say about them."""
        chosen = [*self.files.items(), *self.parameters.items()]
        return [
            Row("context", self.context),
            Row("folder", str(self.folder), note="for --references"),
            *(Row(kind, path.name) for kind, path in chosen),
            *(Row(kind, "none", note="the built-in values stay in use") for kind in self.lacking),
        ]

    def __repr__(self) -> str:
        return to_text("Best references", self.rows())


def fetch_best_references(inputs: Sequence[Path | str], directory: Path | str) -> Fetched:
    """Copy the best references for exposures into a folder, which `mrsnb.io.references.load_references` reads.

    Parameters
    ----------
    inputs : sequence of Path or str
        Exposures or products, or associations of some.
    directory : Path or str
        Made if missing. It must hold no other reference files.

    Raises
    ------
    InputError
        If the package ``crds`` is missing or fails, an input cannot be read, the inputs need different files of a
        kind, or the folder holds another one.
    OutputError
        If a file cannot be written.
    """
    headers = [_keywords(path) for path in _exposures(inputs)]
    crds = _package()
    found = {kind: _one(kind, _chosen(crds, kind, headers, per_channel=each)) for kind, each in _PER_CHANNEL.items()}
    optional = {kind: _one(kind, _chosen(crds, kind, headers, optional=True)) for kind in PARAMETER_FILES}
    with _quiet():
        context = str(crds.get_context_name("jwst"))
    files = {kind: path for kind, path in found.items() if path is not None}
    parameters = {kind: path for kind, path in optional.items() if path is not None}
    folder = output_folder(directory)
    _refuse_others(folder, files)
    copies = {kind: _copied(path, folder) for kind, path in (files | parameters).items()}
    load_references(folder)
    return Fetched(
        folder=folder,
        context=context,
        files={kind: copies[kind] for kind in files},
        parameters={kind: copies[kind] for kind in parameters},
        lacking=tuple(kind for kind, path in found.items() if path is None),
    )


def _exposures(inputs: Sequence[Path | str]) -> Iterator[Path]:
    for given in inputs:
        path = home(given)
        if path.suffix.lower() == ".json":
            association = read_association(path)
            yield from (association.path_of(member) for member in association.science)
        else:
            yield path


def _keywords(path: Path) -> Cards:
    with opened(path) as hdus:
        cards = cards_of(hdus[0].header)
    if cards.text("INSTRUME") != "MIRI" or not cards.text("EXP_TYPE"):
        msg = f"{path}: INSTRUME = {cards.text('INSTRUME')!r}, EXP_TYPE = {cards.text('EXP_TYPE')!r}: not of the MRS"
        raise InputError(msg)
    return cards


def _package() -> Any:
    os.environ.setdefault("CRDS_SERVER_URL", SERVER)
    os.environ.setdefault("CRDS_PATH", str(home(CACHE)))
    try:
        with _quiet():
            import crds
    except ImportError:
        msg = "the package 'crds' is not installed: pip install 'mrsnb[crds]'; a run needs no CRDS"
        raise InputError(msg) from None
    return crds


def _chosen(
    crds: Any, kind: str, headers: Sequence[Cards], *, per_channel: bool = False, optional: bool = False
) -> set[Path]:
    """Return the files of a kind that CRDS chooses for these headers."""
    asked = [
        cards.updated(CHANNEL=channel)
        for cards in headers
        for channel in (cards.text("CHANNEL") if per_channel else [cards.text("CHANNEL")])
    ]
    found = set()
    for question in {tuple(_question(cards).items()) for cards in asked}:
        answer = _ask(crds, dict(question), kind, optional=optional)
        if answer is not None:
            found.add(answer)
    return found


def _question(cards: Cards) -> dict[str, Any]:
    return {name: cards[key] for key, name in _SELECTING.items() if cards.text(key)}


def _ask(crds: Any, question: dict[str, Any], kind: str, *, optional: bool) -> Path | None:
    try:
        with _quiet() as said:
            answer = crds.getreferences(question, reftypes=[kind], observatory="jwst")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it has many, and ends the process if it finds no server
        if optional and "not found" in str(error).lower():
            return None
        msg = f"CRDS: {_reason(error, said.getvalue())}; see CRDS_SERVER_URL and CRDS_PATH; a run needs no CRDS"
        raise InputError(msg) from None
    name = str(answer.get(kind, "N/A"))
    return None if "N/A" in name.upper() or "NOT FOUND" in name.upper() else Path(name)


def _reason(error: BaseException, said: str) -> str:
    """Return what went wrong in one line: the error, or what CRDS said before it ended the process."""
    lines = [line for line in said.splitlines() if "(FATAL)" in line]
    text = str(error) if isinstance(error, Exception) else "".join(lines[-1:])
    words = " ".join(text.replace("(FATAL)", "").split()).partition(" Cannot continue")[0].rstrip(".")
    return words.removeprefix("CRDS ")[:200] or type(error).__name__


@contextmanager
def _quiet() -> Iterator[StringIO]:
    """Keep from the screen what CRDS says there, and catch it."""
    said = StringIO()
    with redirect_stderr(said), redirect_stdout(said), _logged_to(said):
        yield said


@contextmanager
def _logged_to(stream: StringIO) -> Iterator[None]:
    import logging

    logger = logging.getLogger("CRDS")
    before, propagates = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [logging.StreamHandler(stream)], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagates


def _one(kind: str, found: set[Path]) -> Path | None:
    if len(found) > 1:
        names = ", ".join(sorted(path.name for path in found))
        msg = f"the exposures need different files for {kind} ({names}); fetch and process them apart"
        raise InputError(msg)
    return next(iter(found), None)


def _refuse_others(folder: Path, files: Mapping[str, Path]) -> None:
    for kind, path in files.items():
        for other in folder.glob(f"*{kind}*{path.suffix}"):
            if other.name != path.name and "pars-" not in other.name:
                msg = f"{folder}: holds another file for {kind} ({other.name}); choose an empty folder"
                raise InputError(msg)


def _copied(path: Path, folder: Path) -> Path:
    target = folder / path.name
    with path.open("rb") as source, atomic_write(target) as copy:
        shutil.copyfileobj(source, copy)
    return target
