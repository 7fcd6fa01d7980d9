"""A scene seen by a detector: flux, errors, flags, and the truth about what was done to each pixel."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import DQ, UNUSABLE
from mrsnb.core.exposure import DETECTOR_SHAPE, frozen
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import DetectorGeometry
from mrsnb.simulate.layers import BadPixels, CosmicRays, HotPixels, Noise
from mrsnb.simulate.scene import Scene

Mask = NDArray[np.bool_]

_NOISE, _COSMIC, _BAD, _HOT = range(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """Where the pixels of an exposure look.

    Parameters
    ----------
    geometry : DetectorGeometry
        Detector and setting.
    pointing : Pointing
        Where the telescope looks.
    wcs : gwcs.wcs.WCS
        The geometry of the exposure.
    seen : ndarray of bool
        Shape (1024, 1032): pixels that see the sky.
    ra, dec, wave : ndarray
        Of those pixels, in order; shape (n_seen,); deg, deg, micron.
    """

    geometry: DetectorGeometry
    pointing: Pointing
    wcs: Any
    seen: Mask
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    wave: NDArray[np.float64]

    @property
    def corners(self) -> list[tuple[float, float]]:
        """The box in RA and Dec around the field of view: four ``(ra, dec)`` in deg, from the least of both on."""
        middle = self.pointing.ra
        ra = (self.ra - middle + 180) % 360 - 180
        west, east = (float(edge + middle) % 360 for edge in (ra.min(), ra.max()))
        south, north = float(self.dec.min()), float(self.dec.max())
        return [(west, south), (east, south), (east, north), (west, north)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rendered:
    """What a detector recorded; every array has shape (1024, 1032).

    Parameters
    ----------
    flux, err : ndarray
        MJy/sr, float32; NaN where nothing is known.
    dq : ndarray
        Bits of `mrsnb.core.dq.DQ`, uint32.
    var_poisson, var_rnoise, var_flat : ndarray
        (MJy/sr)^2, float32; their sum is ``err**2``.
    cosmic_rays, hot_pixels, bad_pixels : ndarray of bool
        The truth: what was hit, hot or bad.
    """

    flux: NDArray[np.float32]
    err: NDArray[np.float32]
    dq: NDArray[np.uint32]
    var_poisson: NDArray[np.float32]
    var_rnoise: NDArray[np.float32]
    var_flat: NDArray[np.float32]
    cosmic_rays: Mask
    hot_pixels: Mask
    bad_pixels: Mask

    def __post_init__(self) -> None:
        for array in vars(self).values():
            frozen(array)


def look(geometry: DetectorGeometry, pointing: Pointing) -> View:
    """Return where the pixels of a detector look, from the gWCS of the exposure."""
    wcs = exposure_wcs(geometry, pointing)
    seen, v2, v3, wave = _focal_plane(geometry, pointing.velosys)
    ra, dec, wave = wcs.get_transform("v2v3", "world")(v2, v3, wave)
    return View(geometry=geometry, pointing=pointing, wcs=wcs, seen=seen, ra=ra, dec=dec, wave=wave)


@lru_cache(maxsize=4)
def _focal_plane(geometry: DetectorGeometry, velosys: float) -> tuple[Mask, Any, Any, Any]:
    """Return which pixels see the sky and their (v2, v3, wave): the same for all pointings."""
    wcs = exposure_wcs(geometry, Pointing(ra=0.0, dec=0.0, velosys=velosys))
    seen = geometry.slice_map > 0
    y, x = np.nonzero(seen)
    v2, v3, wave = wcs.get_transform("detector", "v2v3")(x.astype(float), y.astype(float))
    good = np.isfinite(v2) & np.isfinite(v3) & np.isfinite(wave)
    seen[seen] = good
    return frozen(seen), frozen(v2[good]), frozen(v3[good]), frozen(wave[good])


def render(scene: Scene, view: View, *, seed: int = 0, number: int = 1) -> Rendered:
    """Return what the detector records of a scene.

    Every layer draws from random numbers of its own, so that adding or removing one leaves the others as they were.

    Parameters
    ----------
    scene : Scene
        What there is to observe.
    view : View
        Where the pixels look.
    seed, number : int
        Seed of the data set and number of the exposure; the same pair gives the same numbers. Hot pixels depend on
        the seed and the detector only.
    """
    dra, ddec = view.pointing.to_offsets(view.ra, view.dec)
    flux = np.full(DETECTOR_SHAPE, np.nan)
    flux[view.seen] = scene.surface_brightness(dra, ddec, view.wave)
    noises = scene.only(Noise)
    var_poisson, var_rnoise = noises[-1].variances(flux) if noises else (flux * 0, flux * 0)
    sigma = np.sqrt(sum(Noise().variances(flux)))  # what single pixels are brightened by is stated in these
    if noises:
        flux += np.random.default_rng([seed, number, _NOISE]).normal(size=flux.shape) * np.sqrt(
            var_poisson + var_rnoise
        )

    hit = _cosmic_rays(scene, np.random.default_rng([seed, number, _COSMIC])) & view.seen
    hits = np.random.default_rng([seed, number, _COSMIC, 1]).uniform(20, 2000, flux.shape)
    hot, excess = _hot_pixels(scene, np.random.default_rng([seed, _detector(view), _HOT]))
    hot &= view.seen & ~hit
    flux[hit] += hits[hit] * sigma[hit]
    flux[hot] += excess[hot] * sigma[hot]
    bad = _bad_pixels(scene, np.random.default_rng([seed, number, _BAD]))

    dq = np.where(view.seen, 0, UNUSABLE).astype(np.uint32)
    dq[bad] |= np.uint32(DQ.DO_NOT_USE | DQ.DEAD)
    flux[bad] = np.nan
    empty = np.isnan(flux)
    var_poisson[empty], var_rnoise[empty] = np.nan, np.nan
    return Rendered(
        flux=flux.astype(np.float32),
        err=np.sqrt(var_poisson + var_rnoise).astype(np.float32),
        dq=dq,
        var_poisson=var_poisson.astype(np.float32),
        var_rnoise=var_rnoise.astype(np.float32),
        var_flat=np.where(empty, np.nan, 0).astype(np.float32),
        cosmic_rays=hit,
        hot_pixels=hot,
        bad_pixels=bad,
    )


def _detector(view: View) -> int:
    return view.geometry.channels[0].band.channel


def _cosmic_rays(scene: Scene, rng: np.random.Generator) -> Mask:
    """Return pixels in tracks of one to four pixels along the columns."""
    hit = np.zeros(DETECTOR_SHAPE, dtype=bool)
    for layer in scene.only(CosmicRays):
        y, x = rng.integers(5, DETECTOR_SHAPE[0] - 6, layer.count), rng.integers(5, DETECTOR_SHAPE[1] - 6, layer.count)
        length = rng.integers(1, 5, layer.count)
        for k in range(4):
            longer = length > k
            hit[y[longer] + k, x[longer]] = True
    return hit


def _hot_pixels(scene: Scene, rng: np.random.Generator) -> tuple[Mask, NDArray[np.float64]]:
    """Return the pixels that are always too bright, and by how many standard deviations each pixel would be."""
    hot = np.zeros(DETECTOR_SHAPE, dtype=bool)
    for layer in scene.only(HotPixels):
        rows, columns = (rng.integers(5, n - 6, layer.count) for n in DETECTOR_SHAPE)
        hot[rows, columns] = True
    return hot, rng.uniform(20, 600, DETECTOR_SHAPE)


def _bad_pixels(scene: Scene, rng: np.random.Generator) -> Mask:
    bad = np.zeros(DETECTOR_SHAPE, dtype=bool)
    for layer in scene.only(BadPixels):
        bad |= rng.random(DETECTOR_SHAPE) < layer.fraction
    return bad
