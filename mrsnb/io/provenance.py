"""Where a product comes from: software, parameters, references, inputs; stated in its header and its ASDF tree.

The provenance that products carry as ``history`` is a plain dictionary, made by `record`:

``software``
    Name to version.
``run``
    ``step``, ``"spec3"`` for all of them, and what the products are named after.
``inputs``, ``backgrounds``
    Path to checksum.
``references``
    Kind to source, in words.
``files``
    Kind of reference, or step and parameter, to ``path`` and ``checksum`` of the file that was read for it.
``parameters``
    Step to values as run.
``warnings``
    What is doubtful: name of a check to ``value``, ``limit``, ``verdict``, ``meaning``, ``remedy``, ``bands``.
``suffixes``
    Step to the last part of its products' names, where not the usual.

Paths are relative to the folder of the products, so that they are found again when all is moved together, and tell
nothing of whose machine it was. Any other key is written as well.
"""

import hashlib
import os
import platform
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mrsnb.core.association import Association
from mrsnb.core.params import Params
from mrsnb.core.quality.check import stated_doubts
from mrsnb.core.references import References
from mrsnb.errors import InputError
from mrsnb.io.headers import printable
from mrsnb.io.places import home
from mrsnb.io.storage import local

_PACKAGES = ("numpy", "scipy", "numba", "astropy", "gwcs", "asdf", "stdatamodels", "photutils")
_WIDTH = 72
N_STATED = 19
"""Characters of a checksum that products state of their references."""


@cache
def software() -> dict[str, str]:
    """Return the versions of mrsnb, of Python and of the libraries that numbers depend on."""
    from mrsnb import __version__

    found = {"mrsnb": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def checksum(path: Path | str) -> str:
    """Return ``"sha256:"`` and the digest of a file, in hexadecimal.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(msg) from None


def source_of(path: Path | str) -> str:
    """Return the name of a file and the beginning of its checksum, as products state their references."""
    return f"{Path(path).name} ({checksum(path)[:N_STATED]})"


def record(
    step: str,
    folder: Path,
    inputs: Mapping[Path, str],
    parameters: Mapping[str, Params],
    references: References | None = None,
    *,
    backgrounds: Sequence[Path] = (),
    association: Association | None = None,
    product: str | None = None,
    suffixes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the provenance of all products of a run.

    Parameters
    ----------
    step : str
        The step that was run, ``"spec3"`` for all.
    folder : Path
        Where the products go.
    inputs : mapping of Path to str
        What was read, and its checksums.
    parameters : mapping of str to Params
        Of each step, as run.
    references : References, optional
        What the steps used, if they use any.
    backgrounds : sequence of Path
        Spectra of the background.
    association : Association, optional
        What the run was made of.
    product : str
        First part of the products' names, if no association says it.
    suffixes : mapping of str to str, optional
        Last part of the names of a step's products, where not the usual.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    run = {"step": step}
    if association is not None:
        table = "none" if association.path is None else association.path.name
        run |= {"product": association.name, "asn": table}
        run |= {"asn_pool": association.asn_pool}
        run |= {} if association.asn_id is None else {"asn_id": association.asn_id}
    elif product is not None:
        run["product"] = product
    history: dict[str, Any] = {"software": software(), "run": run}
    history["inputs"] = {relative_to(folder, path): digest for path, digest in inputs.items()}
    if suffixes:
        history["suffixes"] = dict(suffixes)
    if backgrounds:
        history["backgrounds"] = {relative_to(folder, path): checksum(path) for path in backgrounds}
    read = files_named(parameters)
    if references is not None:
        history["references"] = references.sources()
        read = {**references.files, **read}
    if read:
        history["files"] = {
            key: {"path": relative_to(folder, path), "checksum": checksum(path)} for key, path in read.items()
        }
    return history | {"parameters": {name: params.to_dict() for name, params in parameters.items()}}


def files_named(parameters: Mapping[str, Params]) -> dict[str, Path]:
    """Return the files that parameters name: step and parameter to path."""
    return {
        f"{step}.{spec.name}": place
        for step, params in parameters.items()
        for spec in params.specs()
        if spec.file and (value := getattr(params, spec.name)) is not None and (place := local(value)).is_file()
    }


def relative_to(folder: Path, path: Path) -> str:
    """Return `path` as seen from `folder`, with slashes; absolute where there is no way, on another drive."""
    place = home(path).absolute()
    place = place.parent.resolve() / place.name
    try:
        return Path(os.path.relpath(place, folder.resolve())).as_posix()
    except ValueError:
        return place.as_posix()


def history_lines(history: Mapping[str, Any]) -> list[str]:
    """Return `history` as lines of at most 72 printable characters, for HISTORY cards; what is doubtful comes first.

    Examples
    --------
    >>> history_lines({"software": {"mrsnb": "1.0"}, "parameters": {"cube_build": {"weighting": "drizzle"}}})
    ['software: mrsnb = 1.0', 'parameters: cube_build.weighting = drizzle']
    """
    lines: list[str] = []
    for check in stated_doubts(history):
        text = printable(f"warning: {check.name}: {check.row.value} ({check.row.note})")
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    for key, value in history.items():
        if key == "warnings":
            continue
        text = printable(f"{key}: " + ", ".join(f"{name} = {item}".removeprefix(" = ") for name, item in _flat(value)))
        lines += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    return lines


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}".removeprefix("."))
    else:
        yield name, value
