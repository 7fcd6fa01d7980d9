"""An image in a bqplot figure: shades become a palette PNG in the kernel, and the browser only has to show it.

A PNG of a cube's plane has a few kB whatever the stretch and the colours are, and the browser scales and paints it
without a loop over pixels. Two buffers take turns, since a mark notices another image, but not other contents of
the one it has.
"""

import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from bqplot import Image
from ipywidgets import Image as Buffer
from numpy.typing import NDArray

from mrsnb.errors import InputError, nearest
from mrsnb.viewers.closing import close_all

COLOURS = ("magma", "viridis", "inferno", "plasma", "cividis", "gray", "gray_r", "RdBu_r", "coolwarm", "turbo")
"""Colour maps that are offered; any other of matplotlib is taken as well."""

_HEAD = b"\x89PNG\r\n\x1a\n"
_TOP = 255
"""Brightest entry of a palette; 0 is for what is not known, and cannot be seen."""


class Raster:
    """An image that can be shown again and again at little cost.

    Parameters
    ----------
    x_scale, y_scale : bqplot.LinearScale
        Of the figure.
    x, y : tuple of float
        Coordinates of the left and right, and of the lower and upper edge of the image.
    colours : str
        Name of a colour map.

    Attributes
    ----------
    mark : bqplot.Image
        To be put in a figure. Clicks: ``mark.on_element_click``.

    Examples
    --------
    >>> from bqplot import LinearScale
    >>> raster = Raster(LinearScale(), LinearScale(), x=(-0.5, 1.5), y=(-0.5, 1.5))
    >>> raster.show(np.array([[0.0, 1.0], [0.5, np.nan]]))
    >>> raster.mark.image.format
    'png'
    """

    def __init__(
        self,
        x_scale: Any,
        y_scale: Any,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
        colours: str = "magma",
    ) -> None:
        self._colours, self._table = colours, colour_table(colours)
        self._index = np.zeros((1, 1), np.uint8)
        first = palette_png(self._index, self._table)
        self._shown, self._idle = Buffer(value=first, format="png"), Buffer(value=first, format="png")
        self.mark = Image(image=self._shown, scales={"x": x_scale, "y": y_scale}, x=x, y=y)

    def show(self, shades: NDArray[Any]) -> None:
        """Show an image.

        Parameters
        ----------
        shades : ndarray, shape (n_y, n_x)
            On 0...1, the first row at the bottom; NaN is transparent.
        """
        self._index = shade_index(shades)
        self._send()

    def paint(self, index: NDArray[np.uint8], table: NDArray[np.uint8]) -> None:
        """Show an image by its palette, as `palette_png` takes them; entry 0 is transparent."""
        self._index, self._table = index, table
        self._send()

    @property
    def colours(self) -> str:
        """Name of the colour map; set it to show the same image in others."""
        return self._colours

    @colours.setter
    def colours(self, name: str) -> None:
        self._table = colour_table(name)
        self._colours = name
        self._send()

    @property
    def png(self) -> bytes:
        """What is shown, as a PNG file of one pixel each."""
        return palette_png(self._index, self._table)

    def place(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Put the image elsewhere: the coordinates of its edges."""
        with self.mark.hold_sync():
            self.mark.x, self.mark.y = x, y

    def close(self) -> None:
        """Free what the browser holds, the scales too."""
        close_all([self.mark, self._shown, self._idle])

    def _send(self) -> None:
        self._idle.value = self.png
        self.mark.image = self._idle
        self._shown, self._idle = self._idle, self._shown


def shade_index(shades: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the palette entry of each shade on 0...1: 1 to 255, and 0 for NaN; any shape.

    Examples
    --------
    >>> shade_index(np.array([np.nan, 0.0, 0.5, 1.0])).tolist()
    [0, 1, 128, 255]
    """
    values = np.asarray(shades)
    entry = np.clip(values, 0.0, 1.0) * (_TOP - 1) + 1.5
    np.copyto(entry, 0.0, where=np.isnan(values))
    return np.asarray(entry.astype(np.uint8))


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """Return the colours of a colour map of matplotlib, shape (256, 3); the first one is that of nothing.

    Raises
    ------
    InputError
        If there is no such colour map.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        msg = f"colours = {name!r}: no such colour map{nearest(name, sorted(colormaps))}"
        raise InputError(msg)
    colours = colormaps[name](np.linspace(0.0, 1.0, _TOP), bytes=True)[:, :3]
    table = np.vstack([colours[:1], colours])
    table.setflags(write=False)
    return np.asarray(table)


def palette_png(index: NDArray[np.uint8], table: NDArray[np.uint8]) -> bytes:
    """Return an image as a PNG file with a palette, of which entry 0 is transparent.

    Parameters
    ----------
    index : ndarray, shape (n_y, n_x), uint8
        Entries of the palette; the first row is the lowest.
    table : ndarray, shape (n, 3), uint8
        Red, green and blue of each entry, ``n <= 256``.

    References
    ----------
    W3C Recommendation "Portable Network Graphics (PNG) Specification", sections 11.2 and 11.3.2.
    """
    n_y, n_x = index.shape
    rows = np.zeros((n_y, n_x + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = index[::-1]
    return b"".join(
        [
            _HEAD,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", n_x, n_y, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.ascontiguousarray(table).tobytes()),
            _chunk(b"tRNS", b"\0"),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
