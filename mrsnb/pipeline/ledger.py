"""Which products of a run are done, by an earlier run of the same, and the record of those that it makes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from mrsnb.core.results import Result
from mrsnb.display import Row
from mrsnb.errors import InputError
from mrsnb.io.manifest import MANIFEST, Manifest, digest_of, manifest_of
from mrsnb.io.versions import versions
from mrsnb.pipeline.params import Spec3Params

_WITHOUT_EFFECT = ("save_results", "save_intermediate_results", "save_background", "debug_spaxel", "memory_limit")
"""Parameters that change no number in any product."""
_CHOICE = ("channel", "band")
"""Parameters of cube_build that choose cubes, and change none."""
_READ = ("inputs", "backgrounds")
_LAST = "spectral_leak"
"""The step that compares spectra, so that it does depend on which there are."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Kept(Result):
    """What stands in the place of a step's result whose products are those of an earlier run.

    Parameters
    ----------
    step : str
    label : str
        Bands, if it is about some.
    paths : tuple of Path
        The products, intact and of the same inputs, parameters and versions.
    """

    step: str
    label: str = ""
    paths: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        """The step, what it made, and that it was not done again."""
        return ": ".join(part for part in (self.step, self.label, "kept") if part)

    def rows(self) -> list[Row]:
        """Return the products."""
        return [Row("kept", ", ".join(path.name for path in self.paths) or "nothing is to be written")]


def kept(params: Spec3Params, step: str, label: str = "", paths: Sequence[Path] = ()) -> Kept:
    """Return what stands for the result of a step that was not run with these parameters."""
    return Kept(params=getattr(params, step), seconds=0.0, step=step, label=label, paths=tuple(paths))


class Ledger:
    """Judges products by the manifest of their directory, and keeps that up to date.

    Parameters
    ----------
    folder : Path or None
        Where products go; None for a part of a run, which leaves all this to the whole.
    history : mapping
        Provenance of the products, see `mrsnb.io.provenance.record`.
    resume : bool
        Whether products that are done are kept.
    records : bool
        Whether products are entered; if not, those that are replaced are taken out of a manifest that is there.
    """

    def __init__(
        self, folder: Path | None, history: Mapping[str, Any], *, resume: bool = False, records: bool = True
    ) -> None:
        self.resume, self._records = resume, records
        self._manifest: Manifest | None = None
        if folder is not None and (resume or records or (folder / MANIFEST).exists()):
            self._manifest = manifest_of(folder)
        self._given = history
        self._judged: dict[tuple[str, str], bool] = {}
        self._changing = Lock()

    @cached_property
    def _history(self) -> dict[str, Any]:
        return {**self._given, "software": versions()}

    def key(self, step: str) -> str:
        """Return a digest of all that products of a step depend on."""
        names = list(Spec3Params.steps())
        told: Mapping[str, Mapping[str, Any]] = self._history["parameters"]
        unused = _WITHOUT_EFFECT if step == _LAST else (*_WITHOUT_EFFECT, *_CHOICE)
        before = names[: names.index(step) + 1]
        parameters = {name: {key: value for key, value in told[name].items() if key not in unused} for name in before}
        skipped = {name: told[name]["skip"] for name in names[: names.index("cube_build")]}  # which headers state
        return digest_of({**self._history, **self._content, "parameters": parameters, "skipped": skipped})

    @cached_property
    def _content(self) -> dict[str, Any]:
        """What was read, wherever it is: all may have been moved."""
        told = self._history
        named = {key: [(Path(path).name, digest) for path, digest in told.get(key, {}).items()] for key in _READ}
        files = {key: file["checksum"] for key, file in told.get("files", {}).items()}
        return {**named, "files": files, "warnings": None}  # these follow from what was read

    def has(self, path: Path, *steps: str) -> bool:
        """Return whether a product is done, of one of these steps, and as it was written."""
        return self.resume and any(self._has(path, step) for step in steps)

    def _has(self, path: Path, step: str) -> bool:
        known = self._judged.get((path.name, step))
        if known is None:
            known = self._is_done(path, step)
            with self._changing:
                self._judged[path.name, step] = known
        return known

    def _is_done(self, path: Path, step: str) -> bool:
        entry = None if self._manifest is None else self._manifest.products.get(path.name)
        if self._manifest is None or entry is None or (entry.step, entry.key) != (step, self.key(step)):
            return False
        try:
            return self._manifest.difference(path.name) is None
        except InputError:
            return False

    @property
    def kept(self) -> frozenset[str]:
        """Names of the products that are done."""
        return frozenset(name for (name, _), is_done in self._judged.items() if is_done)

    @contextmanager
    def making(self, step: str, *paths: Path) -> Iterator[None]:
        """Enter products when they are complete; what was recorded of files of these names is taken out before."""
        self.forget(paths)
        yield
        self.enter(step, paths)

    def forget(self, paths: Iterable[Path]) -> None:
        """Take out what is recorded of files that are about to be replaced."""
        if self._manifest is not None:
            self._manifest.forget(path.name for path in paths)

    def enter(self, step: str, paths: Sequence[Path]) -> None:
        """Enter products that are complete."""
        if self._manifest is None:
            return
        for path in paths:
            with self._changing:
                told = {key: False for key in self._judged if key[0] == path.name}
                self._judged |= {**told, (path.name, step): False}
            if self._records:
                self._manifest.add(path, step, self.key(step), self._history)

    def close(self) -> None:
        """Have the manifest reach the disk."""
        if self._manifest is not None and self._records and self._manifest.products:
            self._manifest.write()
