"""Pictures of detector images and of cubes seen as images."""

from collections.abc import Sequence
from math import ceil, cos, radians, sin
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import FAINT, draw, readable
from mrsnb.display.plots.stretch import Stretch, compact, stretch_of
from mrsnb.display.values import Picture

Array = NDArray[Any]
COLOURS = "magma"
NOTHING = "#a9adb3"
"""Shade of NaN."""
UNIT = "MJy/sr"
_LABEL = {"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 2.5}


class Box(NamedTuple):
    """A rectangle on the figure, CSS pixels from its lower left corner."""

    x: float
    y: float
    width: float
    height: float


def detector_picture(title: str, flux: Array) -> Picture:
    """Return a detector image: rows up, columns to the right.

    Parameters
    ----------
    title : str
        Title.
    flux : ndarray
        Shape (n_row, n_col), usually (1024, 1032), MJy/sr; NaN is drawn grey.
    """

    def paint(figure: Any) -> None:
        detector_axes(figure, flux).set_title(readable(title))

    return draw(title, 730, 650, paint)


def detector_axes(figure: Any, flux: Array, stride: int = 1) -> Any:
    """Return axes in pixels of the detector, with its image and a colour bar, on a figure at least 730 x 650 large.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    flux : ndarray
        Shape (n_row, n_col), MJy/sr; NaN is drawn grey.
    stride : int
        `flux` holds one pixel of so many, along both axes.
    """
    flux = _plane(flux)
    n_row, n_col = flux.shape
    axes = _axes(figure, Box(62, 52, 560, 556))
    extent = (-0.5, n_col * stride - 0.5, -0.5, n_row * stride - 0.5)
    image = block_mean(flux, max(1, max(n_row, n_col) // 500))
    stretch = _show(axes, image, stretch_of(flux, low=1.0, high=99.5), extent, aspect="auto")
    axes.set_xlabel("column / pixel")
    axes.set_ylabel("row (dispersion) / pixel")
    _colour_bar(figure, Box(634, 52, 14, 556), stretch, UNIT)
    return axes


def image_picture(title: str, image: Array, spaxel_size: float, rotation: float = 0.0) -> Picture:
    """Return an image of the sky, east to the left.

    Parameters
    ----------
    title : str
        Title.
    image : ndarray
        Shape (n_y, n_x), MJy/sr; x grows toward west and y toward north where `rotation` is zero; NaN is drawn grey.
    spaxel_size : float
        Side of a spaxel, arcsec.
    rotation : float
        Direction of the y axis, deg east of north.
    """
    image = _plane(image)
    extent = sky_extent(image.shape, spaxel_size)
    frame = _fit(Box(62, 50, 430, 430), image.shape[1] / image.shape[0])
    width, height = int(frame.x + frame.width + 108), int(frame.y + frame.height + 42)
    is_aligned = rotation == 0
    if not is_aligned:
        extent = (-extent[0], -extent[1], *extent[2:])

    def paint(figure: Any) -> None:
        axes = _axes(figure, frame)
        stretch = _show(axes, image, stretch_of(image), extent)
        axes.set_title(readable(title), fontsize=10)
        axes.set_xlabel("offset east / arcsec" if is_aligned else "x offset / arcsec")
        axes.set_ylabel("offset north / arcsec" if is_aligned else "y offset / arcsec")
        _compass(axes, frame, rotation)
        _colour_bar(figure, Box(frame.x + frame.width + 12, frame.y, 14, frame.height), stretch, UNIT)

    return draw(title, width, height, paint)


def image_grid_picture(
    title: str, panels: Sequence[tuple[str, Array, float]], columns: int = 3, rotation: float = 0.0
) -> Picture:
    """Return many images of the sky, each with its own limits, all with east to the left.

    Parameters
    ----------
    title : str
        Title above all.
    panels : sequence of (str, ndarray, float)
        Label, image of shape (n_y, n_x) in MJy/sr, spaxel side in arcsec.
    columns : int
        Panels side by side.
    rotation : float
        Direction of the y axes, deg east of north.
    """
    side, across, down, head, margin = 218, 294, 234, 44, 12
    n_rows = max(1, ceil(len(panels) / columns))
    width, height = margin + across * columns, head + down * n_rows + 4

    def paint(figure: Any) -> None:
        figure.text(margin / width, 1 - 16 / height, readable(title), size=11, va="center")
        figure.text(1 - 12 / width, 1 - 16 / height, UNIT, size=9, va="center", ha="right", color=FAINT)
        for i, (label, image, spaxel_size) in enumerate(panels):
            row, column = divmod(i, columns)
            cell = Box(margin + column * across, height - head - row * down - side, side, side)
            _panel(figure, cell, label, _plane(image), spaxel_size, rotation)

    return draw(title, width, height, paint)


def block_mean(image: Array, factor: int) -> Array:
    """Return the mean of the finite values in blocks of `factor` x `factor`; NaN where a block has none.

    Examples
    --------
    >>> block_mean(np.array([[1.0, np.nan], [3.0, np.nan]]), 2).tolist()
    [[2.0]]
    """
    n_row, n_col = (-(-n // factor) for n in image.shape)
    padded = np.full((n_row * factor, n_col * factor), np.nan)
    padded[: image.shape[0], : image.shape[1]] = image
    blocks = padded.reshape(n_row, factor, n_col, factor)
    good = np.isfinite(blocks)
    count = good.sum(axis=(1, 3))
    total = np.where(good, blocks, 0.0).sum(axis=(1, 3))
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _panel(figure: Any, cell: Box, label: str, image: Array, spaxel_size: float, rotation: float) -> None:
    extent = east, west, south, north = sky_extent(image.shape, spaxel_size)
    axes = _axes(figure, cell)
    axes.set_facecolor(NOTHING)
    stretch = _show(axes, image, stretch_of(image), extent)
    half = max(east - west, north - south) / 2
    axes.set_xlim((east + west) / 2 + half, (east + west) / 2 - half)
    axes.set_ylim((south + north) / 2 - half, (south + north) / 2 + half)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.035, 0.965, readable(label), transform=axes.transAxes, size=9.5, va="top", color="white", bbox=_LABEL)
    _compass(axes, cell, rotation)
    _scale_bar(axes, 2 * half)
    _colour_bar(figure, Box(cell.x + cell.width + 8, cell.y, 9, cell.height), stretch, "", apart=0.2)


def _plane(image: Array) -> Array:
    """Return `image`, or one NaN in the place of an image without pixels."""
    image = np.asarray(image)
    return image if image.size else np.full((1, 1), np.nan)


def _axes(figure: Any, box: Box) -> Any:
    width, height = figure.get_size_inches() * 100
    return figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))


def _fit(box: Box, ratio: float) -> Box:
    """Return the largest box of the given width / height, within reason, at the same corner."""
    ratio = min(max(ratio, 0.5), 2.0)
    return Box(box.x, box.y, box.width * min(1.0, ratio), box.height * min(1.0, 1 / ratio))


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


def _show(
    axes: Any, image: Array, stretch: Stretch | None, extent: tuple[float, ...], aspect: str = "equal"
) -> Stretch | None:
    from matplotlib import colormaps

    shades = np.full(image.shape, np.nan) if stretch is None else stretch(np.where(np.isfinite(image), image, np.nan))
    colours = colormaps[COLOURS].with_extremes(bad=NOTHING)
    axes.imshow(
        np.ma.masked_invalid(shades),
        cmap=colours,
        vmin=0,
        vmax=1,
        extent=extent,
        origin="lower",
        interpolation="nearest",
        aspect=aspect,
    )
    if stretch is None:
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color=FAINT)
    return stretch


def _colour_bar(figure: Any, box: Box, stretch: Stretch | None, unit: str, apart: float = 0.09) -> None:
    from matplotlib import colormaps

    if stretch is None:
        return
    axes = _axes(figure, box)
    axes.imshow(
        np.linspace(0, 1, 256)[:, None], cmap=colormaps[COLOURS], extent=(0, 1, 0, 1), origin="lower", aspect="auto"
    )
    values = stretch.ticks(apart)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks(stretch(np.array(values)), [compact(v) for v in values])
    axes.tick_params(axis="y", direction="out", size=3, pad=3, labelsize=8.5)
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(unit)


def _compass(axes: Any, frame: Box, rotation: float) -> None:
    """Draw arrows toward north and east in the lower right corner."""
    turn = radians(rotation)
    length, x, y = 26.0, frame.width - 26.0, 26.0
    for name, dx, dy in (("N", sin(turn), cos(turn)), ("E", -cos(turn), sin(turn))):
        axes.annotate(
            "",
            ((x + length * dx) / frame.width, (y + length * dy) / frame.height),
            (x / frame.width, y / frame.height),
            xycoords="axes fraction",
            arrowprops={
                "arrowstyle": "-|>",
                "color": "white",
                "lw": 1.0,
                "shrinkA": 0,
                "shrinkB": 0,
                "path_effects": _edge(),
            },
        )
        place = ((x + (length + 8) * dx) / frame.width, (y + (length + 8) * dy) / frame.height)
        axes.text(
            *place,
            name,
            transform=axes.transAxes,
            size=8,
            color="white",
            ha="center",
            va="center",
            path_effects=_edge(),
        )


def _scale_bar(axes: Any, span: float) -> None:
    """Draw a bar of one arcsec in the lower left corner of axes `span` arcsec wide."""
    x, length = 0.05, 1 / span
    axes.plot(
        [x, x + length],
        [0.06, 0.06],
        transform=axes.transAxes,
        color="white",
        lw=2,
        path_effects=_edge(),
        solid_capstyle="butt",
    )
    axes.text(
        x + length / 2, 0.085, "1″", transform=axes.transAxes, size=8, color="white", ha="center", path_effects=_edge()
    )


def _edge() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.5, foreground="#26282b", alpha=0.9)]
