"""Where a product comes from, as it says itself: run, software, inputs, references, parameters, status of each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mrsnb.core.cards import Cards
from mrsnb.core.quality.check import stated_doubts
from mrsnb.core.status import statuses_of
from mrsnb.display import Row, Section, Shown, Table, to_text

_SHOWN = 19
"""Characters of a checksum that are shown: its kind and 12 digits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Provenance(Shown):
    """What a product says of its own making.

    Parameters
    ----------
    name : str
        The file's name.
    primary : Cards
        Keywords of its primary header.
    history : mapping
        What mrsnb recorded, see `mrsnb.io.provenance`; empty for a product of other software.
    exposures : tuple of str
        Exposures that the table HDRTAB lists.
    """

    name: str
    primary: Cards
    history: Mapping[str, Any] = field(default_factory=dict)
    exposures: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What this is."""
        return f"Provenance of {self.name}"

    @property
    def run(self) -> dict[str, str]:
        """What was run: ``step`` (``"spec3"`` for all), and the names that the products took."""
        return self.texts("run")

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters as run, by step."""
        found = self.history.get("parameters")
        steps = found.items() if isinstance(found, Mapping) else ()
        return {str(step): dict(values) for step, values in steps if isinstance(values, Mapping)}

    @property
    def files(self) -> dict[str, dict[str, str]]:
        """Files other than inputs: kind of reference, or step and parameter, to ``path`` and ``checksum``."""
        found = self.history.get("files")
        files = found.items() if isinstance(found, Mapping) else ()
        return {str(key): _texts(value) for key, value in files if isinstance(value, Mapping)}

    def texts(self, key: str) -> dict[str, str]:
        """Return a part of the history that is text by name: ``software``, ``references``, ``inputs``, ``run``, ..."""
        found = self.history.get(key)
        return _texts(found) if isinstance(found, Mapping) else {}

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        calibration = self.primary.text("CAL_VER")
        made_by = ", ".join(f"{name} {number}" for name, number in self.texts("software").items() if name == "mrsnb")
        rows = [Row("made by", made_by or (f"calibration software {calibration}" if calibration else "not stated"))]
        rows.append(Row("date", self.primary.text("DATE", "-"), "UTC"))
        if self.run:
            rows.append(Row("run", self.run.get("step", "-"), note="mrsnb rerun repeats it"))
        table, pool = self.primary.text("ASNTABLE"), self.primary.text("ASNPOOL")
        rows.append(Row("association", table or "-", note=f"pool {pool}" if pool else ""))
        context = self.primary.text("CRDS_CTX")
        return [*rows, Row("CRDS context", context)] if context else rows

    def sections(self) -> list[Section]:
        """Return steps, inputs, references, software and parameters as tables; those that are empty left out."""
        tables = {
            "Warnings": Table(("what", "found", "good is", "meaning and remedy"), self._warnings()),
            "Steps": Table(("step", "status"), tuple(statuses_of(self.primary).items())),
            "Inputs": Table(("file", "used as", "checksum"), self._inputs()),
            "References": Table(("kind", "source", "file", "checksum"), self._references()),
            "Other files": Table(("parameter", "file", "checksum"), self._other_files()),
            "Software": Table(("package", "version"), tuple(self.texts("software").items())),
            "Parameters": Table(("step", "parameter", "value"), self._values()),
        }
        return [Section(title, table) for title, table in tables.items() if table.rows]

    def _warnings(self) -> tuple[tuple[str, str, str, str], ...]:
        return tuple((c.name, c.value, c.limit, c.advice) for c in stated_doubts(self.history))

    def _inputs(self) -> tuple[tuple[str, str, str], ...]:
        recorded = [
            (path, exptype, digest[:_SHOWN])
            for key, exptype in (("inputs", "science"), ("backgrounds", "background"))
            for path, digest in self.texts(key).items()
        ]
        return tuple(recorded or [(name, "science", "") for name in self.exposures])

    def _references(self) -> tuple[tuple[str, str, str, str], ...]:
        files = self.files
        ours = [
            (kind, source, files.get(kind, {}).get("path", ""), files.get(kind, {}).get("checksum", "")[:_SHOWN])
            for kind, source in self.texts("references").items()
        ]
        said = {source for _, source, _, _ in ours}
        stated = ((key, self.primary.text(key)) for key in self.primary if key.startswith("R_"))
        return (*ours, *((key, value, "", "") for key, value in stated if value not in said and value != "N/A"))

    def _other_files(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (key, file.get("path", ""), file.get("checksum", "")[:_SHOWN])
            for key, file in self.files.items()
            if "." in key
        )

    def _values(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (step, str(name), str(value)) for step, values in self.parameters.items() for name, value in values.items()
        )

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections())


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items()}
