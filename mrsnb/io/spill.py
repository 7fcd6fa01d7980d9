"""Keep exposures on disk between the steps that change them and the cubes that use them several times."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.cards import Cards
from mrsnb.core.exposure import Described, Exposure, ExposureSource

_ARRAYS = ("flux", "err", "dq")


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
        """Return the exposure with its arrays."""
        done = self.folder / "done"
        if not done.exists():
            exposure = self.source.load()
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in _ARRAYS:
                np.save(self.folder / f"{name}.npy", getattr(exposure, name))
            for name, variance in exposure.variances.items():
                np.save(self.folder / f"{name}.variance.npy", variance)
            done.touch()
            return exposure
        arrays = {name: np.load(self.folder / f"{name}.npy") for name in _ARRAYS}
        variances = {
            path.name.removesuffix(".variance.npy"): np.load(path)
            for path in sorted(self.folder.glob("*.variance.npy"))
        }
        return Exposure(
            name=self.name, primary=self.primary, science=self.science, wcs=self.wcs, **arrays, variances=variances
        )

    def __repr__(self) -> str:
        return f"<SpilledExposure {self.name} {'+'.join(b.name for b in self.bands)}>"


def spilled(exposures: "tuple[ExposureSource, ...]", folder: Path) -> tuple[ExposureSource, ...]:
    """Return exposures whose arrays are made once and then kept in scratch files below `folder`."""
    return tuple(
        SpilledExposure(source=exposure, folder=folder / f"exposure{number}")
        for number, exposure in enumerate(exposures)
    )
