"""What a cube viewer takes: cubes in memory, files, several of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mrsnb.core.cube import Cube
from mrsnb.core.layers import CubeLayers
from mrsnb.errors import InputError
from mrsnb.io.layers import open_cube


def cubes_of(given: Any) -> tuple[list[CubeLayers], list[Cube | None]]:
    """Return cubes ready to be shown, in order of wavelength, and for each the value in memory that it came from.

    Parameters
    ----------
    given : Cube, CubeLayers, path, or a sequence of them

    Raises
    ------
    InputError
        If there is none, or one cannot be used.
    """
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    pairs: list[tuple[CubeLayers, Cube | None]] = []
    for one in several:
        if isinstance(one, Cube):
            pairs.append((CubeLayers.of(one), one))
        elif isinstance(one, CubeLayers):
            pairs.append((one, None))
        elif isinstance(one, str | Path):
            pairs.append((open_cube(one), None))
        else:
            msg = f"{type(one).__name__} is no cube: give a Cube, the path of a cube, or several of them"
            raise InputError(msg)
    if not pairs:
        msg = "no cube given: give a Cube, the path of a cube, or several of them"
        raise InputError(msg)
    pairs.sort(key=lambda pair: float(pair[0].grid.wave[0]))
    return [cube for cube, _ in pairs], [origin for _, origin in pairs]
