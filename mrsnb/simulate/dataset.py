"""A simulated observation on disk: exposures, their association, and the truth beside them."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from mrsnb.core.association import Association, Member, checked_name
from mrsnb.core.bands import SubBand
from mrsnb.core.exposure import DETECTOR_SHAPE
from mrsnb.core.params import Params, param
from mrsnb.core.results import Result
from mrsnb.display import Row
from mrsnb.errors import InputError, OutputError
from mrsnb.io.atomic import atomic_write
from mrsnb.io.json_text import read_json
from mrsnb.io.places import home
from mrsnb.io.versions import versions
from mrsnb.simulate.calfile import CADENCE, Circumstances, write_cal
from mrsnb.simulate.exposure_wcs import Pointing
from mrsnb.simulate.geometry import detector_geometry, dither_offsets
from mrsnb.simulate.layers import KINDS, MovingTarget
from mrsnb.simulate.render import look, render
from mrsnb.simulate.scene import STAR, Scene

log = logging.getLogger(__name__)

Detector = Literal["MIRIFUSHORT", "MIRIFULONG"]

BACKGROUND_OFFSET = 120.0
"""Distance of the background's position from the target, to the north (the light there is the scene's background)."""


def _is_name(value: str) -> str | None:
    try:
        checked_name(value, "name")
    except InputError as error:
        return str(error).partition(": ")[2]
    return None


def _are_different(values: tuple[str, ...]) -> str | None:
    if not values:
        return "give at least one"
    return None if len(set(values)) == len(values) else "give each one once"


@dataclass(frozen=True, kw_only=True)
class SimulateParams(Params):
    """How a scene is observed."""

    name: str = param("simulated", "Product name; files begin with it.", check=_is_name)
    dithers: int = param(2, "Exposures of each band; a pattern has eight positions.", low=1, high=1000)
    sub_bands: tuple[SubBand, ...] = param(
        ("short", "medium", "long"), "Settings of the grating wheels.", check=_are_different
    )
    detectors: tuple[Detector, ...] = param(
        ("MIRIFUSHORT", "MIRIFULONG"), "Detectors: channels 1 and 2, channels 3 and 4.", check=_are_different
    )
    pattern: Literal["point", "extended"] = param("point", "Dither pattern, as proposed for such a source.")
    ra: float = param(202.4695, "Right ascension of the target.", unit="deg", low=0, high=360)
    dec: float = param(47.1952, "Declination of the target.", unit="deg", low=-89.9, high=89.9)
    roll: float = param(30.0, "Position angle of the telescope's V3 axis, east of north.", unit="deg", low=0, high=360)
    seed: int = param(0, "Seed of the random numbers; the same seed gives the same data.", low=0)
    moving: bool = param(False, "Let the target move over the sky.")
    background: bool = param(False, "Add spectra of a background observation to the association.")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SimulatedDataset(Result):
    """What `simulate` wrote.

    Parameters
    ----------
    scene : Scene
        What was observed.
    association : Path
        The association file.
    exposures, backgrounds : tuple of Path
        ``_cal.fits`` files, and ``_x1d.fits`` files of the background.
    truth : Path
        JSON: scene, parameters, versions and pointings.
    masks : Path
        NPZ: for each exposure the packed masks ``<stem>_cr``, ``<stem>_hot``, ``<stem>_bad``; see `read_masks`.
    """

    scene: Scene
    association: Path
    exposures: tuple[Path, ...]
    backgrounds: tuple[Path, ...]
    truth: Path
    masks: Path

    @property
    def title(self) -> str:
        """What this is."""
        return f"Simulated observation {self.params.to_dict()['name']}"

    def rows(self) -> list[Row]:
        """Return what there is to say."""
        size = sum(path.stat().st_size for path in self.exposures if path.exists()) / 1e6
        rows = [
            Row("association", str(self.association)),
            Row("exposures", str(len(self.exposures)), note=f"{size:.0f} MB"),
            Row("layers", ", ".join(type(layer).__name__ for layer in self.scene.layers) or "none"),
            Row("truth", str(self.truth)),
        ]
        if self.backgrounds:
            rows.insert(2, Row("background spectra", str(len(self.backgrounds))))
        return rows


def simulate(
    output_dir: Path | str, scene: Scene = STAR, *, progress: bool = True, reuse: bool = False, **options: Any
) -> SimulatedDataset:
    """Write a simulated observation to a directory, and return what was written.

    Parameters
    ----------
    output_dir : Path or str
        Made if it does not exist; files of the same names are replaced.
    scene : Scene
        What there is to observe; by default a star with emission lines on a thermal background.
    progress : bool
        Show a progress bar where there is a terminal.
    reuse : bool
        True to leave what is in the directory if it is this very observation, complete and made by the same versions:
        the same data again cost no time. A scene with layers of your own is always observed anew.
    **options
        Values of `SimulateParams`: name, dithers, sub_bands, detectors, pattern, ra, dec, roll, seed, moving,
        background.

    Returns
    -------
    SimulatedDataset
        Paths of the exposures, the association and the truth.

    Raises
    ------
    ParamError
        If an option is unknown or not allowed.
    OutputError
        If a file cannot be written.
    """
    import asdf

    from mrsnb.io.association import write_association

    start = time.perf_counter()
    asdf.get_config().resource_manager  # noqa: B018 (loads plugins, which may swallow an interruption: before any work)
    params = SimulateParams.from_dict(options)
    if params.moving and scene.motion is None:
        scene = scene.add(MovingTarget())
    folder = _made(home(output_dir))
    if reuse and (there := _made_before(folder, scene, params, start)) is not None:
        log.info("the simulated observation in %s is used again", folder)
        return there
    truth = folder / "truth.json"
    _remove(truth)
    exposures, pointings, masks = _write_exposures(folder, scene, params, progress)
    backgrounds = _write_backgrounds(folder, scene, params) if params.background else ()
    members = [Member(path.name) for path in exposures] + [Member(path.name, "background") for path in backgrounds]
    association = folder / f"{params.name}_lvl3_asn.json"
    write_association(
        association,
        Association(params.name, tuple(members), asn_type="spec3", asn_pool=f"{params.name}_pool", path=association),
    )
    told = _told(scene, params) | {"exposures": pointings}
    _write(folder / "truth.npz", lambda file: np.savez_compressed(file, **masks))
    _write(truth, lambda file: file.write(json.dumps(told, indent=1).encode("ascii")))
    return _dataset(folder, scene, params, pointings, time.perf_counter() - start)


def _told(scene: Scene, params: SimulateParams) -> dict[str, Any]:
    """Return what makes the data what they are."""
    return {"scene": scene.to_dict(), "params": params.to_dict(), "versions": versions()}


def _dataset(
    folder: Path, scene: Scene, params: SimulateParams, pointings: dict[str, Any], seconds: float
) -> SimulatedDataset:
    """Return what stands in a folder; `pointings` name the exposures."""
    n_backgrounds = len(params.sub_bands) * len(params.detectors) if params.background else 0
    return SimulatedDataset(
        params=params,
        seconds=seconds,
        scene=scene,
        association=folder / f"{params.name}_lvl3_asn.json",
        exposures=tuple(folder / name for name in pointings),
        backgrounds=tuple(_background(folder, params, number) for number in range(1, n_backgrounds + 1)),
        truth=folder / "truth.json",
        masks=folder / "truth.npz",
    )


def _made_before(folder: Path, scene: Scene, params: SimulateParams, start: float) -> SimulatedDataset | None:
    """Return the observation in a folder if it is this one and complete; ``truth.json`` is written last.

    What a layer of another class shines like is code, which may have changed since.
    """
    if any(type(layer) not in KINDS.values() for layer in scene.layers):
        return None
    try:
        truth = read_json((folder / "truth.json").read_bytes())
        wanted = json.loads(json.dumps(_told(scene, params)))
        if {key: truth[key] for key in wanted} != wanted:
            return None
        there = _dataset(folder, scene, params, truth["exposures"], time.perf_counter() - start)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    files = (there.association, *there.exposures, *there.backgrounds, there.masks)
    return there if all(path.is_file() for path in files) else None


def read_masks(dataset: SimulatedDataset, exposure: Path) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the true masks of an exposure, ``"cr"``, ``"hot"`` and ``"bad"``; shape (1024, 1032)."""
    n_pixels = DETECTOR_SHAPE[0] * DETECTOR_SHAPE[1]
    with np.load(dataset.masks, allow_pickle=False) as packed:
        return {
            kind: np.unpackbits(packed[f"{exposure.stem}_{kind}"])[:n_pixels].reshape(DETECTOR_SHAPE).astype(bool)
            for kind in ("cr", "hot", "bad")
        }


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be made: {error.strerror}; choose another --output-dir"
        raise OutputError(msg) from error
    return folder


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path}: cannot be replaced: {error.strerror}; choose another --output-dir"
        raise OutputError(msg) from error


def _write(path: Path, content: Callable[[BinaryIO], Any]) -> None:
    with atomic_write(path) as file:
        content(file)


def _write_exposures(
    folder: Path, scene: Scene, params: SimulateParams, progress: bool
) -> tuple[tuple[Path, ...], dict[str, Any], dict[str, Any]]:
    """Write the exposures; return their paths, and by file name their pointings, and their packed masks."""
    from tqdm import tqdm

    offsets = dither_offsets(params.pattern, params.dithers)
    jobs = list(product(params.sub_bands, range(params.dithers), params.detectors))
    paths: list[Path] = []
    pointings: dict[str, Any] = {}
    masks: dict[str, Any] = {}
    for k, (sub_band, dither, detector) in enumerate(
        tqdm(jobs, "simulating", unit="exposure", disable=None if progress else True)
    ):
        number, order = k + 1, k // len(params.detectors)
        about = Circumstances(
            target=params.name,
            source_type=scene.source_type,
            dither=dither + 1,
            n_dithers=params.dithers,
            pattern=params.pattern,
            number=number,
            order=order,
            moving=scene.motion is not None,
        )
        view = look(detector_geometry(detector, sub_band), _pointing(scene, params, offsets[dither], order))
        rendered = render(scene, view, seed=params.seed, number=number)
        path = folder / f"{params.name}_exposure{number}_cal.fits"
        write_cal(path, rendered, view, about)
        paths.append(path)
        pointings[path.name] = {**asdict(view.pointing), "start": about.start}
        found = {"cr": rendered.cosmic_rays, "hot": rendered.hot_pixels, "bad": rendered.bad_pixels}
        masks |= {f"{path.stem}_{kind}": np.packbits(mask) for kind, mask in found.items()}
    return tuple(paths), pointings, masks


def _pointing(scene: Scene, params: SimulateParams, offset: tuple[float, float], order: int) -> Pointing:
    """Return where the telescope looks when `order` exposures went before."""
    east, north = 0.0, 0.0
    if scene.motion is not None:
        hours = order * CADENCE / 3600
        east, north = scene.motion.rate_ra * hours / 3600, scene.motion.rate_dec * hours / 3600
    ra = (params.ra + east / np.cos(np.deg2rad(params.dec))) % 360
    return Pointing(ra=float(ra), dec=params.dec + north, roll=params.roll, offset=offset)


def _background(folder: Path, params: SimulateParams, number: int) -> Path:
    return folder / f"{params.name}_background{number}_x1d.fits"


def _write_backgrounds(folder: Path, scene: Scene, params: SimulateParams) -> tuple[Path, ...]:
    """Write one spectrum of the background for each setting and detector."""
    from mrsnb.simulate.background import write_background

    paths = []
    for number, (sub_band, detector) in enumerate(product(params.sub_bands, params.detectors), start=1):
        geometry = detector_geometry(detector, sub_band)
        path = _background(folder, params, number)
        away = Pointing(ra=params.ra, dec=params.dec + BACKGROUND_OFFSET / 3600, roll=params.roll)
        write_background(path, scene, look(geometry, away), number=number, seed=params.seed)
        paths.append(path)
    return tuple(paths)
