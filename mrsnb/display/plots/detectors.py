"""Pictures of detector images, pixels marked."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.axes import SMALL, Scale, bottom_axis, colour_bar, left_axis, linear_ticks
from mrsnb.display.plots.canvas import SHARPNESS, Box, Canvas
from mrsnb.display.plots.colours import MARKS, SHADE, rgba
from mrsnb.display.plots.glyphs import length
from mrsnb.display.plots.images import UNIT, Shades, label_on, plane, shades_in
from mrsnb.display.plots.stretch import Stretch, stretch_of
from mrsnb.display.values import Picture

Array = NDArray[Any]
_SHADES = 32
"""Colours of an image."""
_IN_NOISE = 8
"""How many of them noise is drawn in, which would be too large a file in more."""
_NOISY = 75_000
"""Blocks of a picture that differ from their left neighbours from which on it is noise."""
_STRIP = 120_000
"""Pixels that are averaged at a time, few enough to stay in a processor's cache."""
_RINGS = 300
"""Pixels of a picture that have rings around them at most; more are painted instead, and of many only their block."""


class DetectorImage(NamedTuple):
    """A detector image: rows up, columns to the right."""

    label: str
    image: Array
    """Shape (n_row, n_col), usually (1024, 1032), MJy/sr; NaN where there is no light."""
    stride: int = 1
    """`image` holds one pixel of so many, along both axes."""
    marks: Mapping[str, tuple[Array, Array]] = {}
    """Pixels to mark, by what they are: rows and columns of the detector."""
    unit: str = UNIT


class _Layout(NamedTuple):
    """How images are arranged, and the size of each."""

    samples: int
    """Greatest number of rows or columns of blocks."""
    sharp: int
    """Pixels of the file for each block."""


_LAYOUTS = {1: _Layout(350, 3), 2: _Layout(260, 3), 3: _Layout(148, 3)}
"""By the number of images side by side."""


def detector_picture(title: str, images: Sequence[DetectorImage]) -> Picture:
    """Return detector images, the means of blocks of pixels; NaN is drawn grey.

    Parameters
    ----------
    title : str
        Title above all.
    images : sequence of DetectorImage
    """
    n = len(images)
    n_across = min(max(n, 1), max(_LAYOUTS))
    layout = _LAYOUTS[n_across]
    drawn = [_drawn(image, layout) for image in images]
    most = max((max(d.blocks.shape) for d in drawn), default=layout.samples)
    side = most * max(layout.sharp, layout.samples * layout.sharp // most) // SHARPNESS
    left, down = (62, 34) if n < 2 else (12, 26)
    across, high = left + side + 78, side + down
    labels = list(dict.fromkeys(label for d in drawn for label in d.marks))
    head = 36 + 22 * bool(labels)
    canvas = Canvas(across * n_across, head + high * ceil(max(n, 1) / n_across) + 16)
    canvas.title(12 if n > 1 else left, title)
    colours = shades_in(canvas, "magma", _SHADES)
    for k, (image, painted) in enumerate(zip(drawn, _painted(drawn, colours), strict=True)):
        row, column = divmod(k, n_across)
        _draw(canvas, Box(column * across + left, head + row * high, side, side), image, painted, labels)
    if labels:
        counts = [sum(d.marks[label][0].size for d in drawn if label in d.marks) for label in labels]
        _key(
            canvas, 12 if n > 1 else left, 42, [f"{count} {label}" for count, label in zip(counts, labels, strict=True)]
        )
    return canvas.picture(title)


class _Drawn(NamedTuple):
    """An image as means of blocks."""

    label: str
    blocks: Array
    block: int
    """Pixels of the detector to a side of a block."""
    marks: Mapping[str, tuple[Array, Array]]
    unit: str


def _drawn(shown: DetectorImage, layout: _Layout) -> _Drawn:
    image = plane(shown.image)
    block = ceil(max(image.shape) / layout.samples)
    return _Drawn(shown.label, block_mean(image, block), block * shown.stride, shown.marks, shown.unit)


class _Painted(NamedTuple):
    """The colours of an image."""

    places: Array
    """Places in the palette, first row on top."""
    stretch: Stretch | None
    colours: Shades
    n: int
    """How many images are in the picture."""
    noisy: bool
    """True if `places` are of fewer colours."""


def _painted(drawn: Sequence[_Drawn], colours: Shades) -> list[_Painted]:
    stretches = [stretch_of(d.blocks, low=1.0, high=99.5) for d in drawn]
    places = [colours.of(d.blocks, stretch) for d, stretch in zip(drawn, stretches, strict=True)]
    noisy = sum(int(np.count_nonzero(p[:, 1:] != p[:, :-1])) for p in places) > _NOISY
    if noisy:
        places = [colours.fewer(_IN_NOISE).take(p) for p in places]
    return [_Painted(p, stretch, colours, len(drawn), noisy) for p, stretch in zip(places, stretches, strict=True)]


def _draw(canvas: Canvas, cell: Box, shown: _Drawn, painted: _Painted, labels: Sequence[str]) -> None:
    places, stretch, colours, n, noisy = painted
    alone = n < 2
    n_row, n_col = shown.blocks.shape
    scale = cell.width / max(n_row, n_col)
    frame = Box(cell.x, cell.y, n_col * scale, n_row * scale)
    n_marks = sum(y.size for y, _ in shown.marks.values())
    if rings_fit := n_marks <= _RINGS / n:
        canvas.image(frame, places)
    columns = Scale(-0.5, n_col * shown.block - 0.5, frame.x, frame.right)
    rows = Scale(-0.5, n_row * shown.block - 0.5, frame.bottom, frame.y)
    for label, (y, x) in shown.marks.items():
        colour = MARKS[labels.index(label) % len(MARKS)]
        if rings_fit:
            _rings(canvas, columns(x), rows(y), 3.0 if n < 2 else 2.4, colour)
        else:
            _blots(
                places[::-1],
                y // shown.block,
                x // shown.block,
                canvas.solid(rgba(colour)),
                2 + noisy if n < 3 and n_marks < 3000 else 1,
            )
    if not rings_fit:
        canvas.image(frame, places)
    canvas.frame(frame)
    if alone:
        bottom_axis(canvas, frame, columns, linear_ticks(columns.low, columns.high), "column / pixel")
        left_axis(canvas, frame, rows, linear_ticks(rows.low, rows.high), "row (dispersion) / pixel", away=50)
    else:
        label_on(canvas, frame, shown.label)
    if stretch is None:
        middle = frame.x + frame.width / 2, frame.y + frame.height / 2
        canvas.text(*middle, "no finite values", colour=SHADE, at=(0.5, 0.5))
        return
    bar = Box(frame.right + (12 if alone else 7), frame.y, 13 if alone else 9, frame.height)
    colour_bar(canvas, bar, stretch, colours[:2], shown.unit if alone else "", 0.09 if alone else 0.15)


def _rings(canvas: Canvas, x: Array, y: Array, radius: float, colour: str) -> None:
    reach = int(radius * SHARPNESS) + 1
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    away = np.hypot(dx, dy) - radius * SHARPNESS
    on = np.abs(away) <= 0.9
    rows = np.round(y * SHARPNESS).astype(int)[:, None] + dy[on]
    columns = np.round(x * SHARPNESS).astype(int)[:, None] + dx[on]
    rows = np.clip(rows, 0, canvas.pixels.shape[0] - 1)
    canvas.pixels[rows, np.clip(columns, 0, canvas.pixels.shape[1] - 1)] = canvas.solid(rgba(colour))


def _blots(places: Array, row: Array, column: Array, place: int, size: int) -> None:
    """Paint squares of `size` x `size` blocks that hold the pixels."""
    for dy in range(size):
        for dx in range(size):
            y = np.minimum(row // size * size + dy, places.shape[0] - 1)
            places[y, np.minimum(column // size * size + dx, places.shape[1] - 1)] = place


def _key(canvas: Canvas, x: float, y: float, texts: Sequence[str]) -> None:
    for k, text in enumerate(texts):
        canvas.fill(Box(x, y - 8, 16, 16), SHADE)
        _rings(canvas, np.array([x + 8.0]), np.array([y]), 3.6, MARKS[k % len(MARKS)])
        canvas.text(x + 22, y, text, size=SMALL)
        x += 22 + length(text, SMALL) + 24


def block_mean(image: Array, factor: int) -> Array:
    """Return the mean of the finite values in blocks of `factor` x `factor`; NaN where a block has none.

    Examples
    --------
    >>> block_mean(np.array([[1.0, np.nan], [3.0, np.nan]]), 2).tolist()
    [[2.0]]
    """
    image = np.asarray(image)
    if image.dtype.kind != "f":
        image = image.astype(np.float32)
    if factor == 1:
        return np.where(np.isfinite(image), image, np.nan)
    step = factor * max(1, _STRIP // (factor * image.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.concatenate(
            [_block_mean(image[first : first + step], factor) for first in range(0, len(image), step)]
        )


def _block_mean(strip: Array, factor: int) -> Array:
    good = np.isfinite(strip)
    total = _row_sum(np.where(good, strip, strip.dtype.type(0)), factor).T.astype(float)
    count = _row_sum(good.view(np.uint8), factor).T.astype(float)
    return np.asarray((_row_sum(total, factor) / _row_sum(count, factor)).T)


def _row_sum(image: Array, factor: int) -> Array:
    total = image[::factor].copy()
    for k in range(1, factor):
        rows = image[k::factor]
        total[: len(rows)] += rows
    return total
