"""Pictures of cubes seen as images of the sky."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, cos, radians, sin
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.axes import Scale, bottom_axis, colour_bar, left_axis, linear_ticks
from mrsnb.display.plots.canvas import SHARPNESS, Box, Canvas, Ink, away_from
from mrsnb.display.plots.colours import LIGHT, MARKS, NOTHING, SHADE, colour_map, rgba
from mrsnb.display.plots.glyphs import EDGE, elided, glyphs, length, outlined
from mrsnb.display.plots.stretch import Stretch, stretch_of
from mrsnb.display.values import Picture

Array = NDArray[Any]
UNIT = "MJy/sr"
SHADES = 96
"""Colours of an image."""
_EDGE = 1.4 * SHARPNESS
"""Half the width of a ring with its dark edges, pixels of the file."""
_FEW = 17
"""Colours of a difference, mostly noise, which would be too large a file in more."""


class SkyImage(NamedTuple):
    """An image of the sky: x grows toward west and y toward north where the rotation is zero."""

    label: str
    image: Array
    """Shape (n_y, n_x); NaN where there is nothing."""
    spaxel_size: float
    """Side of a spaxel, arcsec."""
    unit: str = UNIT
    colours: str = "magma"
    holes: NDArray[np.bool_] | None = None
    """Spaxels to be marked, shape (n_y, n_x)."""
    ring: tuple[float, float, float] | None = None
    """Centre (x, y) and radius of a circle to be drawn, spaxels, 0-based."""
    stretch: Stretch | None = None
    """How values become shades; what shows the faint and the bright parts of the image if None."""


class Shades(NamedTuple):
    """The colours of an image in a canvas's palette."""

    first: int
    n: int
    nothing: int

    def of(self, image: Array, stretch: Stretch | None) -> Array:
        """Return the places of the colours of an image, first row at the bottom as in astronomy, so turned over."""
        image = image[::-1]
        good = np.isfinite(image)
        if stretch is None or not good.any():
            return np.full(image.shape, self.nothing, np.uint8)
        shades = stretch(np.where(good, image, stretch.low))
        return np.where(good, (self.first + shades * (self.n - 1) + 0.5).astype(np.uint8), np.uint8(self.nothing))

    def fewer(self, n: int) -> NDArray[np.uint8]:
        """Return which of `n` of the colours stands for each place in the palette, shape (256,)."""
        places, step = np.arange(256, dtype=np.uint8), (self.n - 1) / (n - 1)
        kept = np.rint(np.rint(np.arange(self.n) / step) * step).astype(np.uint8)
        places[self.first : self.first + self.n] = self.first + kept
        return places


def image_picture(title: str, images: Sequence[SkyImage], rotation: float = 0.0) -> Picture:
    """Return one or two images of one field side by side, with axes in arcsec, east to the left.

    Parameters
    ----------
    title : str
        Title.
    images : sequence of SkyImage
        One, or two of one size.
    rotation : float
        Direction of the y axis, deg east of north.
    """
    images = [image._replace(image=plane(image.image)) for image in images]
    side = 430 if len(images) == 1 else 310
    shape = images[0].image.shape
    ratio = min(max(shape[1] / shape[0], 0.5), 2.0)
    wide, high = side * min(1.0, ratio), side * min(1.0, 1 / ratio)
    head = 38 if len(images) == 1 else 56
    across = 64 + wide + 66
    canvas = Canvas(round(across * len(images) + 24 * (len(images) > 1) + 24), round(head + high + 50))
    canvas.title(64, title)
    for k, image in enumerate(images):
        frame = Box(64 + k * (across + 24), head, round(wide), round(high))
        _with_axes(canvas, frame, image, rotation, named=len(images) > 1)
    return canvas.picture(title)


def _with_axes(canvas: Canvas, frame: Box, shown: SkyImage, rotation: float, *, named: bool) -> None:
    left, right, bottom, top = sky_extent(shown.image.shape, shown.spaxel_size)
    if rotation != 0:
        left, right = -left, -right
    stretch = _paint(canvas, frame, shown)
    canvas.frame(frame)
    if named:
        canvas.text(frame.x, frame.y - 14, f"{shown.label}, {shown.unit}", size=12.5)
    first, second = ("x offset", "y offset") if rotation != 0 else ("offset east", "offset north")
    for axis, scale, label in (
        (bottom_axis, Scale(left, right, frame.x, frame.right), f"{first} / arcsec"),
        (left_axis, Scale(bottom, top, frame.bottom, frame.y), f"{second} / arcsec"),
    ):
        ticks = linear_ticks(min(scale.low, scale.high), max(scale.low, scale.high), about=6)
        if axis is bottom_axis:
            bottom_axis(canvas, frame, scale, ticks._replace(minor=[]), label)
        else:
            left_axis(canvas, frame, scale, ticks._replace(minor=[]), label, away=50)
    compass(canvas, frame, rotation)
    if stretch is not None:
        bar = Box(frame.right + 12, frame.y, 13, frame.height)
        colour_bar(canvas, bar, stretch, _shades(canvas, shown.colours)[:2], "" if named else shown.unit)


def image_grid_picture(title: str, images: Sequence[SkyImage], rotation: float = 0.0) -> Picture:
    """Return many images of the sky, each with its own limits, all with east to the left, in the unit of the first.

    Up to four stand side by side; more fill columns of three, so that a column holds the bands of a channel.

    Parameters
    ----------
    title : str
        Title above all.
    images : sequence of SkyImage
    rotation : float
        Direction of the y axes, deg east of north.
    """
    down = 1 if len(images) <= 4 else 3
    n_across = max(1, ceil(len(images) / down))
    side = 160 if n_across == 4 else 218 if n_across < 4 else 110
    across, high, head, margin = side + 64, side + 12, 40, 8
    canvas = Canvas(max(margin + across * n_across, 300), head + high * down)
    unit = elided(images[0].unit if images else UNIT, 12.0, canvas.width / 4)
    canvas.title(margin, title, room=length(unit, 12.0) + 16)
    canvas.text(canvas.width - 8, 18, unit, size=12, at=(1.0, 0.5))
    for i, image in enumerate(images):
        column, row = divmod(i, down)
        cell = Box(margin + column * across, head + row * high, side, side)
        sky_panel(canvas, cell, image._replace(image=plane(image.image)), rotation)
    return canvas.picture(title)


def sky_panel(canvas: Canvas, cell: Box, shown: SkyImage, rotation: float) -> None:
    """Draw an image into a square with its label, its scale, its directions and, at the right, its shades."""
    n_y, n_x = shown.image.shape
    scale = cell.width / max(n_y, n_x)
    wide, high = n_x * scale, n_y * scale
    canvas.fill(cell, NOTHING)
    inner = Box(cell.x + (cell.width - wide) / 2, cell.y + (cell.height - high) / 2, wide, high)
    stretch = _paint(canvas, inner, shown)
    canvas.frame(cell)
    label_on(canvas, cell, shown.label)
    compass(canvas, cell, rotation, size=17)
    bar = scale / shown.spaxel_size
    if bar < 0.7 * cell.width:
        x, y = cell.x + 9, cell.bottom - 9
        canvas.fill(Box(x - 1, y - 2, bar + 2, 4), SHADE)
        canvas.fill(Box(x, y - 1, bar, 2), LIGHT)
        canvas.text(x + bar / 2, y - 7, "1″", size=11, colour=LIGHT, at=(0.5, 1.0), under=SHADE, outline=True)
    if stretch is not None:
        box = Box(cell.right + 7, cell.y, 9, cell.height)
        colour_bar(canvas, box, stretch, _shades(canvas, shown.colours)[:2], "", apart=0.2)


def _paint(canvas: Canvas, box: Box, shown: SkyImage) -> Stretch | None:
    stretch = stretch_of(shown.image) if shown.stretch is None else shown.stretch
    canvas.image(box, _shades(canvas, shown.colours).of(shown.image, stretch))
    if stretch is None:
        canvas.text(box.x + box.width / 2, box.y + box.height / 2, "no finite values", colour=SHADE, at=(0.5, 0.5))
    if shown.holes is not None:
        y, x = np.nonzero(shown.holes)
        size = Box(0, 0, box.width / shown.holes.shape[1], box.height / shown.holes.shape[0])
        dot = max(1.5, size.width / 3)
        left, top = box.x + (x[:500] + 0.5) * size.width, box.bottom - (y[:500] + 0.5) * size.height
        canvas.fill_each(left - dot / 2, top - dot / 2, (dot, dot), rgba(MARKS[2]))
    if shown.ring is not None and np.isfinite(shown.ring).all():
        _ring(canvas, box, shown.ring, shown.image.shape)
    return stretch


def _ring(canvas: Canvas, box: Box, ring: tuple[float, float, float], shape: tuple[int, ...]) -> None:
    """Draw a circle, as far as it is on the image."""
    size = box.width / shape[1] * SHARPNESS
    x, y = box.x * SHARPNESS + (ring[0] + 0.5) * size, box.bottom * SHARPNESS - (ring[1] + 0.5) * size
    radius = ring[2] * size
    rows, columns = canvas.within(box)
    top, bottom = max(rows.start, int(y - radius) - 3), min(rows.stop, int(y + radius) + 4)
    left, right = max(columns.start, int(x - radius) - 3), min(columns.stop, int(x + radius) + 4)
    if top >= bottom or left >= right:
        return
    across, down = np.arange(left, right) + (0.5 - x), np.arange(top, bottom) + (0.5 - y)
    square = across**2 + (down**2)[:, None]
    near = (square < (radius + _EDGE) ** 2) & (square > max(radius - _EDGE, 0.0) ** 2)
    inked = 0.6 * SHARPNESS + 0.5 - np.abs(np.sqrt(square[near]) - radius)
    canvas.pixels[top:bottom, left:right][near] = canvas.shades(np.clip(inked, 0.0, 1.0), LIGHT, SHADE)


def _shades(canvas: Canvas, colours: str) -> Shades:
    return shades_in(canvas, colours, _FEW if colours == "difference" else SHADES)


def shades_in(canvas: Canvas, colours: str, n: int) -> Shades:
    """Return the colours of an image, added to a canvas's palette if they are not there."""
    return Shades(canvas.colour_map(colours, colour_map(colours, n)), n, canvas.solid(NOTHING))


def label_on(canvas: Canvas, cell: Box, label: str) -> None:
    """Write a label into the upper left corner of an image."""
    label = elided(label, 12.5, cell.width - 20)
    if label:
        canvas.fill(Box(cell.x + 5, cell.y + 5, length(label, 12.5) + 8, 19), SHADE)
        canvas.text(cell.x + 9, cell.y + 14.5, label, size=12.5, colour=LIGHT, under=SHADE)


def plane(image: Array) -> Array:
    """Return `image`, or one NaN in the place of an image without pixels."""
    image = np.asarray(image)
    return image if image.size else np.full((1, 1), np.nan)


def sky_extent(shape: tuple[int, ...], spaxel_size: float) -> tuple[float, float, float, float]:
    """Return the east, west, south and north edges of an image, offsets from its middle spaxel in arcsec.

    Examples
    --------
    >>> sky_extent((3, 4), 1.0)
    (2.5, -1.5, -1.5, 1.5)
    """
    n_y, n_x = shape
    first_x, first_y = -(n_x // 2) - 0.5, -(n_y // 2) - 0.5
    return (
        -first_x * spaxel_size,
        -(first_x + n_x) * spaxel_size,
        first_y * spaxel_size,
        (first_y + n_y) * spaxel_size,
    )


def compass(canvas: Canvas, frame: Box, rotation: float, size: float = 26.0) -> None:
    """Draw arrows toward north and east in the lower right corner of an image."""
    left, top, edge, ink = _arrows(rotation, size)
    left, top = left + round((frame.right - size) * SHARPNESS), top + round((frame.bottom - size) * SHARPNESS)
    canvas.stamp(left, top, edge, canvas.ramp(SHADE))
    canvas.stamp(left, top, ink, canvas.ramp(LIGHT, SHADE))


def _arms(rotation: float) -> dict[str, tuple[float, float]]:
    """Return the directions of north and east, to the right and down."""
    turn = radians(rotation)
    return {"N": (sin(turn), -cos(turn)), "E": (-cos(turn), -sin(turn))}


@lru_cache(64)
def _arrows(rotation: float, size: float) -> tuple[int, int, Ink, Ink]:
    """Return the corner of the arrows with their letters from their origin, pixels, their edge and their ink."""
    lines, head, reach = [], 0.22 * size, ceil(2 * size)
    for dx, dy in _arms(rotation).values():
        x, y = size * dx, size * dy
        sides = ((x - head * (dx + s * dy * 0.6), y - head * (dy - s * dx * 0.6)) for s in (-1, 1))
        lines += [(0.0, 0.0, x, y), *((x, y, *side) for side in sides)]
    away = away_from(np.array(lines), Box(-reach, -reach, 2 * reach, 2 * reach))
    edge, ink = (away < 1.7 * SHARPNESS) * 1.0, np.clip(0.6 * SHARPNESS + 0.5 - away, 0.0, 1.0)
    for name, (dx, dy) in _arms(rotation).items():
        drawn = glyphs(name, 11.0 * SHARPNESS)
        left = round((reach + (size + 8) * dx) * SHARPNESS - 0.5 * drawn.width) + drawn.left
        top = round((reach + (size + 8) * dy) * SHARPNESS - 0.5 * drawn.height) + drawn.top
        for sheet, letter, wider in ((ink, drawn.cover, 0), (edge, outlined(name, 11.0 * SHARPNESS), EDGE)):
            part = sheet[top - wider : top + len(letter) - wider, left - wider : left + letter.shape[1] - wider]
            np.maximum(part, letter / 255.0, out=part)
    (y, y_stop), (x, x_stop) = ((k.min(), k.max() + 1) for k in np.nonzero(edge))
    seen, corner = np.s_[y:y_stop, x:x_stop], reach * SHARPNESS
    return int(x) - corner, int(y) - corner, Ink.of(edge[seen]), Ink.of(ink[seen])
