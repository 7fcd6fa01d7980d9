"""Apertures of any shape, on the sky or in spaxels, and the text that SAOImage DS9 writes them as."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from mrsnb.display import Row, Shown, to_text
from mrsnb.errors import InputError, nearest

Kind = Literal["circle", "ellipse", "annulus", "box", "polygon"]

_SIZES: dict[str, tuple[int, ...]] = {"circle": (1,), "ellipse": (2, 4), "annulus": (2,), "box": (2,)}
_MOST_CORNERS = 1000
"""Of a polygon; what it takes grows with their square."""
_ANGLED = ("ellipse", "box")
_SKY_FRAMES = ("icrs", "fk5", "j2000")
_PIXEL_FRAMES = ("image", "physical")
_OTHER_FRAMES = ("galactic", "ecliptic", "fk4", "b1950", "linear", "amplifier", "detector", "wcs")
_ARCSEC = {'"': 1.0, "'": 60.0, "d": 3600.0, "r": math.degrees(3600.0), "": 3600.0}
_IGNORED = ("point", "text", "vector", "line", "ruler", "compass", "projection", "panda", "epanda", "bpanda")
_QUOTED = re.compile(r"""\b\w++\s*+=\s*+(?:\{[^{}]*\}|"[^"]*"|'[^']*')""")
_SHAPE = re.compile(r"^\s*+([+-]?)\s*+([a-z]++)\s*(?:\(([^)]*)\)|\s([^#(]*))(.*)$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One shape.

    Parameters
    ----------
    kind : str
        ``"circle"``, ``"ellipse"``, ``"annulus"``, ``"box"`` or ``"polygon"``.
    on_sky : bool
        True for deg (ICRS) and arcsec, False for spaxels, 0-based.
    points : tuple of tuple of float
        The centre, or the corners of a polygon: (ra, dec) or (x, y).
    sizes : tuple of float
        Radius; semi-axes of an ellipse (of the inner one, then of the outer, for a ring); inner and outer radius; width
        and height.
    angle : float
        Turn of an ellipse or box, deg, counter-clockwise from the x axis; on the sky from west by north.
    excluded : bool
        True to cut it out of the other shapes.
    background : bool
        True if it is where the background is measured.
    """

    kind: Kind
    on_sky: bool
    points: tuple[tuple[float, float], ...]
    sizes: tuple[float, ...] = ()
    angle: float = 0.0
    excluded: bool = False
    background: bool = False

    def __post_init__(self) -> None:
        wanted = _SIZES.get(self.kind, (0,))
        problem = ""
        if len(self.sizes) not in wanted:
            problem = f"needs {' or '.join(map(str, wanted))} sizes, got {len(self.sizes)}"
        elif not all(math.isfinite(v) for point in self.points for v in point) or not math.isfinite(self.angle):
            problem = "needs finite coordinates"
        elif not all(math.isfinite(size) and size > 0 for size in self.sizes if size != 0 or self.kind != "annulus"):
            problem = f"needs positive sizes, got {', '.join(f'{size:g}' for size in self.sizes)}"
        elif self.kind == "annulus" and self.sizes[0] >= self.sizes[1]:
            problem = f"needs an inner radius below the outer, got {self.sizes[0]:g} and {self.sizes[1]:g}"
        elif len(self.points) != 1 if self.kind != "polygon" else len(self.points) < 3:
            problem = "needs one centre" if self.kind != "polygon" else "needs at least 3 corners"
        elif len(self.points) > _MOST_CORNERS:
            problem = f"has {len(self.points)} corners; at most {_MOST_CORNERS} are allowed"
        if problem:
            msg = f"region: {self.kind} {problem}"
            raise InputError(msg)

    @property
    def text(self) -> str:
        """What it is, in words."""
        unit = "arcsec" if self.on_sky else "spaxels"
        sizes = " x ".join(f"{size:g}" for size in self.sizes)
        where = ", ".join(f"{value:.6f}" if self.on_sky else f"{value:g}" for value in self.points[0])
        if self.kind == "polygon":
            return f"polygon of {len(self.points)} corners, the first at {where}"
        return f"{self.kind} of {sizes} {unit} at {where}"


@dataclass(frozen=True, kw_only=True)
class SkyAperture(Shown):
    """Where to sum a cube, and where to measure the background.

    Parameters
    ----------
    shapes : tuple of Shape
        At least one that is neither excluded nor background.
    source : str
        Where it comes from, e.g. a file name.

    Examples
    --------
    >>> parse_ds9('icrs; circle(202.47, 47.195, 1.5")')
    Aperture: text
      source  circle of 1.5 arcsec at 202.470000, 47.195000
    """

    shapes: tuple[Shape, ...]
    source: str = "text"

    def __post_init__(self) -> None:
        if all(shape.excluded or shape.background for shape in self.shapes):
            msg = f"{self.source}: no region to extract; at least one must be neither excluded nor background"
            raise InputError(msg)

    def to_regions(self) -> Any:
        """Return all shapes as a ``regions.Regions`` (of the package ``regions``, which is optional).

        Shapes that are cut out have ``meta["include"] = False``, those of the background ``meta["background"]``.

        Raises
        ------
        InputError
            If the package is missing.
        """
        from mrsnb.core.regions_bridge import to_regions

        return to_regions(self)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Aperture: {self.source}"

    def rows(self) -> list[Row]:
        """Return one row a shape."""
        return [
            Row("background" if s.background else "excluded" if s.excluded else "source", s.text) for s in self.shapes
        ]

    def __repr__(self) -> str:
        return to_text(f"Aperture: {self.source}", self.rows())


def as_aperture(value: Any) -> SkyAperture:
    """Return an aperture: `value` itself, what regions of the package ``regions`` describe, or DS9 text.

    Raises
    ------
    InputError
        If it is none of these, or of a shape or frame that is not known.
    """
    from mrsnb.core.regions_bridge import from_regions, is_region

    if isinstance(value, SkyAperture):
        return value
    if isinstance(value, Shape):
        return SkyAperture(shapes=(value,), source=value.kind)
    if isinstance(value, str):
        return parse_ds9(value)
    if is_region(value) or (isinstance(value, list | tuple) and value and all(map(is_region, value))):
        return from_regions(value)
    msg = (
        f"region: {type(value).__name__} is no aperture: give a SkyAperture, an object of the package regions, or the "
        "text of a DS9 region"
    )
    raise InputError(msg)


def parse_ds9(text: str, source: str = "text") -> SkyAperture:
    """Return the aperture that a DS9 region file describes.

    Circles, ellipses, annuli, boxes and polygons in ``icrs``, ``fk5`` (taken as ICRS; they differ by less than
    0.03 arcsec) or ``image`` coordinates; a leading ``-`` cuts a shape out, the property ``background`` makes it the
    background. Points, texts and lines are left out.

    Parameters
    ----------
    text : str
    source : str
        For messages.

    Raises
    ------
    InputError
        With the line that cannot be used.
    """
    frame, common, shapes = "", "", []
    for line in _lines(text):
        word = line.strip().lower()
        if word in _SKY_FRAMES or word in _PIXEL_FRAMES:
            frame = word
        elif word in _OTHER_FRAMES:
            msg = f"{source}: coordinates {word!r} are not supported; save the regions in icrs, fk5 or image"
            raise InputError(msg)
        elif word.startswith("global"):
            common = word.removeprefix("global")
        elif match := _SHAPE.match(line):
            shape = _shape(match, frame, line.strip(), source, common)
            shapes += [] if shape is None else [shape]
        else:
            msg = f"{source}: {line.strip()!r} is not a DS9 region"
            raise InputError(msg)
    return SkyAperture(shapes=tuple(shapes), source=source)


def _lines(text: str) -> list[str]:
    """Return statements: lines, or parts between semicolons, without comments that stand alone."""
    found = []
    for line in text.lstrip("\ufeff").splitlines():
        code, mark, comment = line.partition("#")
        parts = code.split(";")
        found += [*parts[:-1], parts[-1] + mark + comment if parts[-1].strip() else ""]
    return [line for line in found if line.strip() and not line.lstrip().startswith("#")]


def _shape(match: re.Match[str], frame: str, line: str, source: str, common: str) -> Shape | None:
    sign, name, inside, bare, rest = match.groups()
    name = name.lower()
    if name in _IGNORED:
        return None
    if name not in (*_SIZES, "polygon"):
        msg = f"{source}: {line!r}: shape {name!r} is not supported{nearest(name, [*_SIZES, 'polygon'])}"
        raise InputError(msg)
    if not frame:
        msg = f"{source}: {line!r}: no coordinate system before it; add a line 'icrs', 'fk5' or 'image'"
        raise InputError(msg)
    on_sky = frame in _SKY_FRAMES
    words = re.split(r"[\s,]+", (inside if inside is not None else bare).strip())
    own = rest.partition("#")[2]
    try:
        angle = float(words.pop()) if name in _ANGLED and len(words) % 2 else 0.0
        count = len(words) if name == "polygon" else 2
        points = tuple(_point(words[i : i + 2], on_sky) for i in range(0, count, 2))
        sizes = tuple(_size(word, on_sky) for word in words[count:])
        return Shape(
            kind=name,  # type: ignore[arg-type]
            on_sky=on_sky,
            points=points,
            sizes=sizes,
            angle=angle,
            excluded=not _flag("include", own, otherwise=sign != "-" and _flag("include", common, otherwise=True)),
            background=_flag("background", own, otherwise=_flag("background", common, otherwise=False)),
        )
    except (ValueError, IndexError):
        msg = f"{source}: {line!r}: its numbers cannot be read"
        raise InputError(msg) from None
    except InputError as error:
        msg = f"{source}: {line!r}: {error}"
        raise InputError(msg) from None


def _flag(name: str, text: str, *, otherwise: bool) -> bool:
    """Return the flag that properties state last, as ``name`` or ``name=1``."""
    found = re.findall(rf"\b{name}\b(?:\s*=\s*(\w+))?", _QUOTED.sub("", text), re.IGNORECASE)
    return found[-1].lower() not in ("0", "false") if found else otherwise


def _point(words: list[str], on_sky: bool) -> tuple[float, float]:
    first, second = words
    if not on_sky:
        return float(first.removesuffix("i")) - 1.0, float(second.removesuffix("i")) - 1.0
    return _degrees(first, hours=True), _degrees(second, hours=False)


def _degrees(word: str, *, hours: bool) -> float:
    parts = re.fullmatch(r"([+-]?)(\d+)(?:[:hd])(\d+)(?:[:m])([\d.]+)s?", word)
    if parts is None:
        return float(word.removesuffix("d"))
    value = float(parts[2]) + float(parts[3]) / 60.0 + float(parts[4]) / 3600.0
    per_unit = 15.0 if hours and "d" not in word else 1.0
    return (-1.0 if parts[1] == "-" else 1.0) * value * per_unit


def _size(word: str, on_sky: bool) -> float:
    number = word.rstrip("\"'drpi")
    unit = word[len(number) :]
    if not on_sky:
        if unit not in ("", "i", "p"):
            msg = "sizes on the sky go with icrs or fk5 coordinates"
            raise InputError(msg)
        return float(number)
    if unit not in _ARCSEC:
        msg = "sizes in pixels go with image coordinates"
        raise InputError(msg)
    return float(number) * _ARCSEC[unit]


def ds9_text(aperture: SkyAperture) -> str:
    """Return an aperture as the text of a DS9 region file: what `parse_ds9` reads.

    Examples
    --------
    >>> print(ds9_text(parse_ds9('icrs; circle(202.47, 47.195, 1.5")')))
    # Region file format: DS9
    icrs
    circle(202.47,47.195,1.5")
    """
    lines, frame = ["# Region file format: DS9"], ""
    for shape in aperture.shapes:
        wanted = "icrs" if shape.on_sky else "image"
        lines += [wanted] if wanted != frame else []
        frame = wanted
        shift, unit = (0.0, '"') if shape.on_sky else (1.0, "")
        numbers = [f"{value + shift:.13g}" for point in shape.points for value in point]
        numbers += [f"{size:.9g}{unit}" for size in shape.sizes]
        numbers += [f"{shape.angle:.9g}"] if shape.kind in _ANGLED else []
        sign = "-" if shape.excluded else ""
        lines.append(f"{sign}{shape.kind}({','.join(numbers)})" + (" # background" if shape.background else ""))
    return "\n".join(lines)
