"""Compare cubes and spectra in memory with the files that the observatory's package made of the same exposures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

WCS_KEYWORDS = (
    *(f"{key}{axis}" for key in ("CRVAL", "CRPIX", "CDELT") for axis in (1, 2, 3)),
    *(f"PC{i}_{j}" for i in (1, 2, 3) for j in (1, 2, 3)),
    "PIXAR_A2",
    "PIXAR_SR",
)
CLOSE = 1e-5
"""Relative difference that counts as equal."""


def relative(found, expected):
    """Return ``|found - expected| / |expected|`` where both are numbers; 0 where they are equal."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs(found - expected) / np.abs(expected)
    difference[found == expected] = 0.0
    return difference[np.isfinite(found) & np.isfinite(expected)]


@dataclass(frozen=True)
class CubeDifference:
    """How a cube differs from the official one."""

    label: str
    shape: tuple[int, ...]
    official_shape: tuple[int, ...]
    wcs: float = np.nan
    """Largest difference of a WCS keyword."""
    n_dq: int = 0
    n_weight: int = 0
    n_nan: int = 0
    """Voxels with light in one of the two only."""
    sci: float = np.nan
    err: float = np.nan
    """Largest relative differences."""
    sci_close: float = np.nan
    err_close: float = np.nan
    """Fractions of voxels within `CLOSE`."""

    @property
    def is_equal(self):
        """True if it is what issue 2 asks for."""
        same = self.shape == self.official_shape and self.n_dq == self.n_weight == self.n_nan == 0
        return same and self.wcs <= 1e-9 and max(self.sci, self.err) <= CLOSE


def compare_cube(cube, folder):
    """Return how `cube` differs from the file of its name in `folder`."""
    with fits.open(Path(folder) / cube.name) as hdus:
        shape = hdus["SCI"].shape
        if shape != cube.flux.shape:
            return CubeDifference(cube.label, cube.flux.shape, shape)
        header = hdus["SCI"].header
        wcs = [abs(header[key] - (cube.science.number(key) or 0.0)) for key in WCS_KEYWORDS if key in header]
        official = {name: hdus[name].data for name in ("SCI", "ERR", "DQ", "WMAP")}
        sci, err = relative(cube.flux, official["SCI"]), relative(cube.err, official["ERR"])
        return CubeDifference(
            label=cube.label,
            shape=cube.flux.shape,
            official_shape=shape,
            wcs=max(wcs),
            n_dq=int((cube.dq != official["DQ"]).sum()),
            n_weight=int((cube.weight != official["WMAP"]).sum()),
            n_nan=int((np.isnan(cube.flux) != np.isnan(official["SCI"])).sum()),
            sci=sci.max(initial=0.0),
            err=err.max(initial=0.0),
            sci_close=float((sci <= CLOSE).mean()),
            err_close=float((err <= CLOSE).mean()),
        )


def compare_spectrum(spectrum, folder, *, fringes=False):
    """Return the largest relative difference of each column from the file of its name in `folder`.

    The columns without residual fringes (``RF_``) are left out unless asked for; a number in one of the two only is an
    infinite difference.
    """
    with fits.open(Path(folder) / spectrum.name) as hdus:
        table = hdus["EXTRACT1D"].data
        found = {}
        for name, column in spectrum.columns.items():
            if name.startswith("RF_") and not fringes:
                continue
            official = np.array(table[name], float)
            same = column.shape == official.shape and np.array_equal(np.isnan(column), np.isnan(official))
            found[name] = relative(column, official).max(initial=0.0) if same else np.inf
        return found
