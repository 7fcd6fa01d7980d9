"""Which image of a cube is looked at, and how its values become shades: values without widgets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.core.layers import CubeLayers
from mrsnb.display.plots.stretch import KINDS, Stretch, limits_of, stretch_between, stretch_of
from mrsnb.errors import InputError
from mrsnb.viewers.overlays import contours
from mrsnb.viewers.slicing import HOWS, RATIO, How, Range, collapse, layer_names, plane, side_bands

Array = NDArray[Any]

STRETCHES = ("auto", *KINDS)
LIMITS = ("auto", "99.9 %", "99.5 %", "99 %", "95 %", "90 %", "zscale", "min - max", "fixed")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a user has chosen to see.

    Parameters
    ----------
    layer : str
        One of `layer_names`.
    map_range : tuple of float, optional
        A map of this range of wavelengths, micron, is shown; None for single planes.
    how : str
        How a map is made: one of `HOWS`.
    subtract_continuum : bool
        True to subtract the continuum from maps.
    continuum : tuple of (float, float), optional
        Its ranges, micron; None for those on either side.
    reference : float, optional
        Wavelength of velocity zero, micron; None for the middle of the range.
    """

    layer: str = "SCI"
    map_range: Range | None = None
    how: How = "sum"
    subtract_continuum: bool = False
    continuum: tuple[Range, ...] | None = None
    reference: float | None = None

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            msg = f"how = {self.how!r}; allowed: {', '.join(HOWS)}"
            raise InputError(msg)

    def beside(self, cube: CubeLayers) -> tuple[Range, ...]:
        """Return the ranges of the continuum in a cube; none if it is not subtracted."""
        if self.map_range is None or not self.subtract_continuum:
            return ()
        return side_bands(cube.grid, *self.map_range) if self.continuum is None else self.continuum

    def about(self, cube: CubeLayers, k: int, what: str) -> str:
        """Return in words what an image called `what` is made of."""
        if self.map_range is None:
            return f"{what} at {cube.grid.wave[k]:.5f} um"
        low, high = self.map_range
        beside = ", ".join(f"{a:.5f}-{b:.5f}" for a, b in self.beside(cube))
        return f"{what} of {low:.5f}-{high:.5f} um" + (f" less continuum {beside} um" if beside else "")


@dataclass(frozen=True, eq=False)
class Picture:
    """An image to be looked at: of shape (n_y, n_x), what its values mean, and its error if that is known."""

    image: Array
    unit: str
    what: str
    err: Array | None = None


def picture(cube: CubeLayers, k: int, choice: Choice) -> Picture:
    """Return the image that a user has chosen to see.

    Parameters
    ----------
    cube : CubeLayers
    k : int
        Plane, 0-based; not heeded for maps.
    choice : Choice
        A layer that the cube lacks is replaced by its flux.

    Raises
    ------
    InputError
        If the range of a map does not meet the cube.
    """
    if choice.map_range is None:
        layer = choice.layer if choice.layer in layer_names(cube) else "SCI"
        unit = {"DQ": "log2(flags + 1)", "WMAP": "pixels", RATIO: ""}.get(layer, cube.unit)
        image = plane(cube, k, layer)
        return Picture(np.log2(image + 1.0) if layer == "DQ" else image, unit, layer)
    low, high = choice.map_range
    reference = (low + high) / 2 if choice.reference is None else choice.reference
    made = collapse(cube, low, high, choice.how, choice.beside(cube), reference)
    if choice.layer == "ERR":
        return Picture(made.err, made.unit, f"error of {choice.how}")
    if choice.layer == RATIO:
        with np.errstate(divide="ignore", invalid="ignore"):
            return Picture(made.image / made.err, "", f"S/N of {choice.how}")
    return Picture(made.image, made.unit, choice.how, made.err)


def contour_lines(shown: Picture, stretch: Stretch | None, grid: CubeGrid) -> list[Array]:
    """Return contours of an image at the ticks of its stretch; none of one without values."""
    if stretch is None:
        return []
    return contours(shown.image, grid.x, grid.y, [value for value in stretch.ticks(0.11) if value > stretch.low])


def shading(image: Array, kind: str, limits: str, fixed: tuple[float, float] | None = None) -> Stretch | None:
    """Return the stretch that a user has chosen, for an image; None if nothing in it is finite.

    Parameters
    ----------
    image : ndarray
    kind : str
        One of `STRETCHES`.
    limits : str
        One of `LIMITS`.
    fixed : tuple of float, optional
        The limits, for ``"fixed"``.
    """
    for name, value, allowed in (("stretch", kind, STRETCHES), ("limits", limits, LIMITS)):
        if value not in allowed:
            msg = f"{name} = {value!r}; allowed: {', '.join(allowed)}"
            raise InputError(msg)
    if not np.isfinite(image).any():
        return None
    if limits == "auto":
        own = stretch_of(image)
        if own is None or kind == "auto":
            return own
        return stretch_between(image, own.kind if kind == "auto" else _kind(kind), own.low, own.high)
    if limits == "fixed" and fixed is not None:
        ends: tuple[float, float] | None = fixed
    else:
        shares: dict[str, float | str] = {"min - max": 100.0, "fixed": 99.5, "zscale": "zscale"}
        ends = limits_of(image, shares[limits] if limits in shares else float(limits.rstrip(" %")))
    if ends is None:
        return None
    own = stretch_of(image) if kind == "auto" else None
    return stretch_between(image, _kind(kind) if own is None else own.kind, *ends)


def _kind(name: str) -> Any:
    return "linear" if name == "auto" else name
