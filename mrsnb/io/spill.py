"""Keep exposures on disk between the steps that change them and the cubes that use them several times."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import Described, Exposure, ExposureSource
from mrsnb.errors import OutputError
from mrsnb.io.atomic import not_written


@dataclass(frozen=True, kw_only=True, eq=False)
class SpilledExposure(Described):
    """An exposure that is made when first asked for and read back from scratch files from then on.

    Parameters
    ----------
    source : ExposureSource
        Makes it.
    folder : Path
        Its own scratch folder; removed by whoever made it.
    """

    source: ExposureSource
    folder: Path
    _hollow: list[Exposure] = field(default_factory=list, init=False)

    @property
    def name(self) -> str:  # type: ignore[override]
        """File name of the source."""
        return self.source.name

    @property
    def primary(self) -> Cards:  # type: ignore[override]
        """Keywords of the primary header."""
        return self.source.primary

    @property
    def science(self) -> Cards:  # type: ignore[override]
        """Keywords of the SCI header."""
        return self.source.science

    @cached_property
    def wcs(self) -> Any:
        """Geometry: what ``mrsnb.geometry`` evaluates."""
        return self.source.wcs

    def load(self) -> Exposure:
        """Return the exposure with its arrays, of the class that its source makes.

        Raises
        ------
        OutputError
            If the scratch files cannot be written, or are not there any more.
        """
        if self._hollow:
            return self._read(self._hollow[0])
        exposure = self.source.load()
        names = _array_names(exposure)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, array in [(name, getattr(exposure, name)) for name in names] + [*exposure.variances.items()]:
                np.save(self._file(name), array)
        except OSError as error:
            raise not_written(self.folder, error) from error
        nothing = np.empty((0, 0), np.float32)
        empty: dict[str, Any] = dict.fromkeys(names, nothing)
        self._hollow.append(replace(exposure, **empty, variances=dict.fromkeys(exposure.variances, nothing)))
        return exposure

    def _read(self, hollow: Exposure) -> Exposure:
        try:
            arrays = {name: np.load(self._file(name), allow_pickle=False) for name in _array_names(hollow)}
            variances = {name: np.load(self._file(name), allow_pickle=False) for name in hollow.variances}
        except (OSError, EOFError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            msg = f"{self.folder}: cannot be read any more ({reason}); was it removed during the run?"
            raise OutputError(msg) from error
        return replace(hollow, **arrays, variances=variances)

    def _file(self, array: str) -> Path:
        return self.folder / f"{array}.npy"

    def __repr__(self) -> str:
        return f"<SpilledExposure {self.name} {'+'.join(b.name for b in self.bands)}>"


def _array_names(exposure: Exposure) -> list[str]:
    """Return the fields of an exposure, of whatever class, that hold an array."""
    return [f.name for f in fields(exposure) if isinstance(getattr(exposure, f.name), np.ndarray)]


def spilled(exposures: "tuple[ExposureSource, ...]", folder: Path) -> tuple[ExposureSource, ...]:
    """Return exposures whose arrays are made once and then kept in scratch files below `folder`."""
    return tuple(
        SpilledExposure(source=exposure, folder=folder / f"exposure{number}")
        for number, exposure in enumerate(exposures)
    )
