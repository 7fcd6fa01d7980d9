"""What a cube was made of, so that its voxels can be traced to detector pixels."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.core.association import exposure_name
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.layers import CubeLayers
from mrsnb.core.references import CubePars
from mrsnb.errors import InputError
from mrsnb.io.offsets import read_offsets
from mrsnb.io.read import read_provenance
from mrsnb.io.references import load_references
from mrsnb.steps.cube_build import CubeBuildParams, Offsets, Tracer, plan_cubes
from mrsnb.viewers.detector_inputs import exposures_of

_SAME = 1e-6
"""Relative difference of grids that is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CubeOrigin:
    """What cubes were made of.

    Parameters
    ----------
    exposures : tuple of ExposureSource
        As they went into cube_build.
    params : CubeBuildParams
    cubepar : CubePars
    offsets : mapping, optional
        Shifts of exposures, arcsec.
    """

    exposures: tuple[ExposureSource, ...]
    params: CubeBuildParams = field(default_factory=CubeBuildParams)
    cubepar: CubePars = field(default_factory=lambda: load_references().cubepar)
    offsets: Offsets | None = None

    def tracer(self, cube: CubeLayers) -> Tracer:
        """Return what traces the light of a cube.

        Raises
        ------
        InputError
            If a cube made of this is not the one that is given.
        """
        wanted = [e for e in self.exposures if set(e.bands) & set(cube.bands)]
        if not wanted:
            there = ", ".join(sorted({band.name for e in self.exposures for band in e.bands}))
            msg = f"{cube.name}: none of the exposures has its bands ({cube.label}; they have {there}); give its own"
            raise InputError(msg)
        plans = plan_cubes(wanted, self.params, self.cubepar, self.offsets)
        plan = next((plan for plan in plans if plan.bands == cube.bands), None)
        if plan is None or not _is_same(plan.grid, cube.grid):
            found = "no such cube" if plan is None else f"a cube of {plan.grid.shape} voxels at {_centre(plan.grid)}"
            msg = (
                f"{cube.name}: {cube.grid.shape} voxels at {_centre(cube.grid)}, but the exposures and parameters make "
                f"{found}; give those that it was made of"
            )
            raise InputError(msg)
        return Tracer(plan, self.params)


def recorded_origin(cubes: Sequence[CubeLayers]) -> CubeOrigin:
    """Return what cubes say that they were made of; exposures that outlier_detection wrote beside them come first.

    Raises
    ------
    InputError
        If a cube is no file of mrsnb, or its exposures are not found.
    """
    exposures: dict[str, ExposureSource] = {}
    values: Mapping[str, Any] = {}
    kinds: dict[str, Path | str] = {}
    for cube in cubes:
        if cube.path is None:
            msg = f"{cube.name}: a cube in memory does not know where its exposures are; give exposures="
            raise InputError(msg)
        told, folder = read_provenance(cube.path), cube.path.absolute().parent
        if not told.texts("inputs") or "cube_build" not in told.parameters:
            msg = f"{cube.path}: does not say what it was made of, as cubes of mrsnb do; give exposures= and params="
            raise InputError(msg)
        places = [_found(cube, folder, name, told.run.get("asn_id")) for name in told.texts("inputs")]
        for exposure in exposures_of([place for place in places if str(place) not in exposures]) if places else ():
            exposures[str(getattr(exposure, "path", exposure.name))] = exposure
        values = told.parameters["cube_build"]
        kinds |= {key: _place(folder, f.get("path", "")) for key, f in told.files.items() if key == "cubepar"}
        if "cube_build.offset_file" in told.files:
            values = {**values, "offset_file": str(_place(folder, told.files["cube_build.offset_file"]["path"]))}
    params = CubeBuildParams.from_dict(values)
    return CubeOrigin(
        exposures=tuple(exposures.values()),
        params=params,
        cubepar=load_references(None, kinds).cubepar,
        offsets=None if params.offset_file is None else read_offsets(params.offset_file),
    )


def _found(cube: CubeLayers, folder: Path, recorded: str, asn_id: str | None) -> Path:
    written = folder / exposure_name(Path(recorded).name, asn_id, "crf")
    places = [written, _place(folder, recorded)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        name = Path(recorded).name
        msg = f"{cube.name}: {name}, which it was made of, is neither where it was nor beside it; give exposures="
        raise InputError(msg)
    return found


def _place(folder: Path, recorded: str) -> Path:
    """Return where a file is that a product names, as seen from its folder: there, or in the folder."""
    there = Path(os.path.normpath(folder.resolve() / recorded))
    return there if there.is_file() else folder / Path(recorded).name


def _is_same(one: Any, other: Any) -> bool:
    if one.shape != other.shape:
        return False
    size = other.spaxel_size
    apart = np.hypot((one.ra - other.ra) * np.cos(np.radians(other.dec)), one.dec - other.dec) * 3600.0
    near = bool(apart < 0.01 * size and abs(one.spaxel_size - size) < _SAME * size)
    turned = abs((one.rotation - other.rotation + 180.0) % 360.0 - 180.0)
    return near and turned < 1e-3 and bool(np.allclose(one.wave, other.wave, rtol=_SAME))


def _centre(grid: Any) -> str:
    return f"({grid.ra:.6f}, {grid.dec:.6f})"
