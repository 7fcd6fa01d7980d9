"""Apertures to and from the package ``regions``, which is optional."""

from typing import Any

import numpy as np

from mrsnb.core.region import Shape, SkyAperture
from mrsnb.errors import InputError

_NO_AREA = ("Point", "Line", "Text")
"""What a region without area is called; such are left out, as from a region file."""

_KINDS = {
    "Circle": "circle",
    "Ellipse": "ellipse",
    "CircleAnnulus": "annulus",
    "EllipseAnnulus": "ellipse",
    "Rectangle": "box",
    "Polygon": "polygon",
}
_SIZES: dict[str, tuple[tuple[str, float], ...]] = {
    "Circle": (("radius", 1.0),),
    "Ellipse": (("width", 0.5), ("height", 0.5)),
    "CircleAnnulus": (("inner_radius", 1.0), ("outer_radius", 1.0)),
    "EllipseAnnulus": (("inner_width", 0.5), ("inner_height", 0.5), ("outer_width", 0.5), ("outer_height", 0.5)),
    "Rectangle": (("width", 1.0), ("height", 1.0)),
    "Polygon": (),
}
"""What the sizes of a `Shape` are called there, and what they are multiplied by."""


def is_region(value: Any) -> bool:
    """Return True for a region of the package ``regions``, or several of them."""
    return type(value).__module__.partition(".")[0] == "regions"


def from_regions(given: Any) -> SkyAperture:
    """Return the aperture that a region describes, or all of a ``Regions``, to the last digit.

    Places in any celestial frame become ICRS; angles are taken as ``to_pixel`` takes them, from the axes of an image in
    RA and Dec. What ``meta["include"]`` leaves out is cut out, and ``meta["background"]`` makes a background. Points,
    lines and texts are left out.

    Raises
    ------
    InputError
        If one has a shape that cannot be an aperture.
    """
    several = getattr(given, "regions", given if isinstance(given, list | tuple) else [given])
    shapes = [shape for region in several for shape in _shapes(region)]
    return SkyAperture(shapes=tuple(shapes), source=type(given).__name__)


def to_regions(aperture: SkyAperture) -> Any:
    """Return an aperture as a ``regions.Regions``; see `SkyAperture.to_regions`."""
    try:
        from regions import Regions
    except ImportError as error:
        msg = f"regions cannot be imported ({error}); install it with: pip install regions"
        raise InputError(msg) from None
    return Regions([_region(shape) for shape in aperture.shapes])


def _shapes(region: Any) -> list[Shape]:
    kind = type(region).__name__.removesuffix("Region").removesuffix("Sky").removesuffix("Pixel")
    if kind in _NO_AREA:
        return []
    if kind == "Compound" and getattr(region.operator, "__name__", "") in {"or_", "__or__"}:
        return [*_shapes(region.region1), *_shapes(region.region2)]
    if kind == "RegularPolygon":
        kind = "Polygon"
    meta = getattr(region, "meta", {})
    on_sky = not hasattr(region, "to_sky")
    try:
        return [
            Shape(
                kind=_KINDS[kind],  # type: ignore[arg-type]
                on_sky=on_sky,
                points=_places(region.vertices if kind == "Polygon" else region.center, on_sky),
                sizes=tuple(float(_plain(getattr(region, name), on_sky)) * half for name, half in _SIZES[kind]),
                angle=float(region.angle.to_value("deg")) if _KINDS[kind] in ("ellipse", "box") else 0.0,
                excluded=not _is_set(meta.get("include", True)),
                background=_is_set(meta.get("background", False)),
            )
        ]
    except (KeyError, AttributeError):
        msg = f"region: {type(region).__name__} is no shape that can be summed; allowed: {', '.join(_KINDS)}"
        raise InputError(msg) from None


def _is_set(value: Any) -> bool:
    """Return what a property says that is a flag, a number, or how DS9 writes either."""
    return str(value).strip().lower() not in {"0", "false", "-", "no", "none", ""}


def _plain(value: Any, on_sky: bool) -> Any:
    return value.to_value("arcsec") if on_sky else value


def _places(at: Any, on_sky: bool) -> tuple[tuple[float, float], ...]:
    """Return places in deg (ICRS) or spaxels."""
    if on_sky:
        icrs = at.transform_to("icrs")
        first, second = icrs.ra.deg, icrs.dec.deg
    else:
        first, second = at.x, at.y
    pairs = zip(np.atleast_1d(first), np.atleast_1d(second), strict=True)
    return tuple((float(one), float(other)) for one, other in pairs)


def _region(shape: Shape) -> Any:
    import regions
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    name = next(key for key, kind in _KINDS.items() if kind == shape.kind and len(_SIZES[key]) == len(shape.sizes))
    make = getattr(regions, f"{name}{'Sky' if shape.on_sky else 'Pixel'}Region")
    first, second = (list(column) for column in zip(*shape.points, strict=True))
    if shape.kind != "polygon":
        first, second = first[0], second[0]
    at = SkyCoord(first, second, unit="deg") if shape.on_sky else regions.PixCoord(first, second)
    sizes: dict[str, Any] = {key: size / half for (key, half), size in zip(_SIZES[name], shape.sizes, strict=True)}
    if shape.on_sky:
        sizes = {key: size * u.arcsec for key, size in sizes.items()}
    turn = {"angle": shape.angle * u.deg} if shape.kind in ("ellipse", "box") else {}
    meta = {"include": not shape.excluded} | ({"background": True} if shape.background else {})
    return make(at, **sizes, **turn, meta=regions.RegionMeta(meta))
