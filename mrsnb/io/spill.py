"""Keep exposures on disk between the steps that change them and the cubes that use them several times."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import Described, Exposure, ExposureSource


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
        """Return the exposure with its arrays, of the class that its source makes."""
        if self._hollow:
            hollow = self._hollow[0]
            arrays = {name: np.load(self._file(name), allow_pickle=False) for name in _array_names(hollow)}
            variances = {name: np.load(self._file(name), allow_pickle=False) for name in hollow.variances}
            return replace(hollow, **arrays, variances=variances)
        exposure = self.source.load()
        self.folder.mkdir(parents=True, exist_ok=True)
        names = _array_names(exposure)
        for name, array in [(name, getattr(exposure, name)) for name in names] + [*exposure.variances.items()]:
            np.save(self._file(name), array)
        nothing = np.empty((0, 0), np.float32)
        empty: dict[str, Any] = dict.fromkeys(names, nothing)
        self._hollow.append(replace(exposure, **empty, variances=dict.fromkeys(exposure.variances, nothing)))
        return exposure

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
