"""Default reference values, made from the published numbers in ``references.toml``."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.core.references import (
    ApertureCorrection,
    CubePars,
    Emsm,
    ExtractPars,
    LeakCorrection,
    Msm,
    MultiEmsm,
    MultiMsm,
    Sampling,
)


def single(value: float) -> float:
    """Return `value` as it comes out of single precision.

    Examples
    --------
    >>> single(0.13)
    0.12999999523162842
    """
    return float(np.float32(value))


def singles(values: Any) -> NDArray[np.float64]:
    """Return `values` as they come out of single precision; any shape."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "references.toml").read_text(encoding="utf-8"))


def default_cubepar() -> CubePars:
    """Return the default sampling of cubes."""
    table = _table()["cubepar"]
    bands = [Band(channel, sub_band) for sub_band in SUB_BANDS for channel in (1, 2, 3, 4)]

    def rows(row: Any) -> dict[tuple[int, str], Any]:
        return {(b.channel, b.sub_band): type(r)(*map(single, r)) for b in bands for r in (row(b),)}

    def of(key: str, band: Band) -> float:
        return float(table[key][band.channel - 1])

    return CubePars(
        source=table["source"],
        sampling=rows(lambda b: Sampling(of("spaxel_size", b), of("spectral_step", b), *b.wave_range)),
        msm=rows(
            lambda b: Msm(
                of("msm_roi_spatial", b), of("msm_roi_spectral", b), table["msm_power"], table["msm_soft_radius"]
            )
        ),
        emsm=rows(lambda b: Emsm(*_emsm(table["emsm_roi_spatial"][b.name], of("emsm_roi_spectral", b)))),
        **_multi(table),
    )


def _emsm(roi_spatial: float, roi_spectral: float) -> tuple[float, float, float]:
    return roi_spatial, roi_spectral, roi_spatial / 3.0


def _multi(table: dict[str, Any]) -> dict[str, Any]:
    """Return the planes and weights of cubes of several bands."""
    multi = table["multi"]
    resolution = np.polyfit(multi["resolution_wave"], multi["resolution"], 2)
    wave, last = [float(multi["wave"][0])], multi["wave"][1]
    while True:
        following = wave[-1] * (1.0 + 0.5 / float(np.polyval(resolution, wave[-1])))
        if following >= last:
            break
        wave.append(following)
    planes = np.array(wave)
    least, start = multi["fwhm"]
    fwhm = least * np.maximum(planes / start, 1.0)
    ones = np.ones(len(planes))
    return {
        "multi_wave": singles(planes),
        "multi_msm": MultiMsm(
            singles(planes),
            singles(np.polyval(multi["msm_roi_spatial"], planes)),
            singles(np.polyval(multi["msm_roi_spectral"], planes)),
            singles(table["msm_power"] * ones),
            singles(table["msm_soft_radius"] * ones),
        ),
        "multi_emsm": MultiEmsm(
            singles(planes), singles(fwhm), singles(np.polyval(multi["emsm_roi_spectral"], planes)), singles(fwhm / 3.0)
        ),
    }


def default_extract1d() -> ExtractPars:
    """Return the default apertures and annuli."""
    table: dict[str, Any] = dict(_table()["extract1d"])
    for name in ("wave", "radius", "inner_bkg", "outer_bkg"):
        table[name] = singles(table[name])
    return ExtractPars(**table)


def default_apcorr() -> ApertureCorrection:
    """Return the default aperture corrections."""
    table = _table()["apcorr"]
    wave = np.array(table["wave"])
    radius = np.multiply.outer(table["radius_per_wave"], wave)
    return ApertureCorrection(
        source=table["source"], wave=singles(wave), radius=singles(radius), apcorr=singles(table["apcorr"])
    )


def default_mrsptcorr() -> LeakCorrection:
    """Return the default correction of the spectral leak."""
    table = _table()["mrsptcorr"]
    return LeakCorrection(source=table["source"], wave=singles(table["wave"]), fraction=singles(table["fraction"]))
