"""A spectrum of the background as level 2 extracts it from an exposure of empty sky: an ``_x1d.fits`` file."""

from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.io.atomic import atomic_write
from mrsnb.simulate.calfile import Circumstances, describe
from mrsnb.simulate.layers import STERADIAN, Noise, ThermalBackground
from mrsnb.simulate.render import View
from mrsnb.simulate.scene import Scene

N_SPAXELS = 400
"""Spaxels that the spectrum is the mean of; its noise is that much less than a pixel's."""

SPAXEL_AREA = 0.13**2
"""Of one spaxel, arcsec^2."""


def write_background(path: Path, scene: Scene, view: View, *, number: int, seed: int = 0) -> None:
    """Write the spectrum of the scene's `ThermalBackground` over all wavelengths of an exposure.

    Parameters
    ----------
    path : Path
        Where the file will be.
    scene : Scene
        Its background layers are seen, its noise is averaged.
    view : View
        The exposure of the background.
    number, seed : int
        Number of the spectrum and seed of the data set.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from stdatamodels.jwst.datamodels import MRSMultiSpecModel, MRSSpecModel

    about = Circumstances(
        target="background",
        source_type="EXTENDED",
        dither=1,
        n_dithers=1,
        pattern="point",
        number=number,
        order=number - 1,
        background=True,
    )
    with MRSMultiSpecModel() as model:
        describe(model.meta, view, about)
        table = MRSSpecModel().get_dtype("spec_table")
        model.spec.append({"spec_table": _table(table, *_spectrum(scene, view, number, seed))})
        spec = model.spec[0]
        spec.name, spec.source_type, spec.spectral_order, spec.detector = (
            "MIR_MRS",
            "EXTENDED",
            1,
            view.geometry.detector,
        )
        spec.slit_ra, spec.slit_dec = view.pointing.ra, view.pointing.dec
        model.meta.filename = path.name
        with atomic_write(path) as file:
            model.to_fits(file)


def _spectrum(scene: Scene, view: View, number: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return wavelengths (micron), surface brightness (MJy/sr) and its two variances."""
    wave = np.concatenate([_waves(*channel.band.wave_range) for channel in view.geometry.channels])
    empty = Scene(tuple(scene.only(ThermalBackground)))
    level = empty.surface_brightness(np.zeros_like(wave), np.zeros_like(wave), wave)
    noises = scene.only(Noise)
    if not noises:
        return wave, level, np.zeros_like(wave), np.zeros_like(wave)
    poisson, readout = (variance / N_SPAXELS for variance in noises[-1].variances(level))
    rng = np.random.default_rng([seed, number, 99])
    return wave, level + rng.normal(size=len(wave)) * np.sqrt(poisson + readout), poisson, readout


def _waves(low: float, high: float) -> Any:
    return np.linspace(low, high, 1000)


def _table(dtype: Any, wave: Any, level: Any, poisson: Any, readout: Any) -> Any:
    """Return the rows of the spectrum: the background is in SURF_BRIGHT as well as in BACKGROUND."""
    table = np.zeros(len(wave), dtype=dtype)
    jansky = N_SPAXELS * SPAXEL_AREA * STERADIAN * 1e6
    error = np.sqrt(poisson + readout)
    table["WAVELENGTH"], table["NPIXELS"] = wave, N_SPAXELS
    for value, sigma, variance, unit in (
        ("FLUX", "FLUX_ERROR", "FLUX_VAR", jansky),
        ("SURF_BRIGHT", "SB_ERROR", "SB_VAR", 1.0),
        ("BACKGROUND", "BKGD_ERROR", "BKGD_VAR", 1.0),
    ):
        table[value], table[sigma] = level * unit, error * unit
        table[f"{variance}_POISSON"], table[f"{variance}_RNOISE"] = poisson * unit**2, readout * unit**2
    for column in ("RF_FLUX", "RF_SURF_BRIGHT", "RF_BACKGROUND"):
        table[column] = np.nan
    return table
