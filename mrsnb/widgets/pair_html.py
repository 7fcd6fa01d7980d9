"""Two images of one field as HTML: side by side, in turn, subtracted; and drawn pictures. Knows no widgets.

The browser enlarges the spaxels and takes turns by itself, so that a blinking pair costs the kernel nothing.
"""

import base64
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.image_pair import ImagePair
from mrsnb.display import Picture
from mrsnb.display.markup import escape
from mrsnb.display.plots.colours import NOTHING, colour_map
from mrsnb.display.plots.png import indexed_png
from mrsnb.display.plots.stretch import Stretch, compact, even_stretch, stretch_of

View = Literal["side by side", "blink", "difference"]
VIEWS: tuple[View, ...] = ("side by side", "blink", "difference")

_SIDE = 330
"""Of an image on the page, CSS pixels; one alone is wider."""
_UNIT = "MJy/sr"
_WIDER = 1.2


def pair_html(pair: ImagePair, view: View, names: tuple[str, str]) -> str:
    """Return two images under their names, or their difference, with the shades named."""
    stretch = stretch_of(np.concatenate([pair.before.ravel(), pair.after.ravel()]))
    if view == "difference":
        shades, colours = even_stretch(pair.difference), colour_map("difference", 255)
        picture = _figure(pair.difference, shades, colours, f"{names[1]} less {names[0]}", _WIDER)
        return _row([picture], _bar(shades, colours))
    colours = colour_map("magma", 255)
    pictures = [
        _img(image, stretch, colours, name) for image, name in zip((pair.before, pair.after), names, strict=True)
    ]
    if view == "blink":
        return _row([_blinking(pictures, names, pair.before.shape)], _bar(stretch, colours))
    figures = [
        _figure(image, stretch, colours, name) for image, name in zip((pair.before, pair.after), names, strict=True)
    ]
    return _row(figures, _bar(stretch, colours), "mrsnb-pair mrsnb-two")


def picture_html(picture: Picture) -> str:
    """Return a drawn picture as an ``<img>``, no wider than there is room."""
    data = base64.b64encode(picture.png).decode("ascii")
    words = escape(picture.title)
    return f'<img class="mrsnb-plot" alt="{words}" width="{picture.width}" src="data:image/png;base64,{data}">'


def _row(figures: list[str], bar: str, kind: str = "mrsnb-pair") -> str:
    return f'<div class="{kind}">{"".join(figures)}{bar}</div>'


def _blinking(pictures: list[str], names: tuple[str, str], shape: tuple[int, ...]) -> str:
    width, height = _size(shape, _WIDER)
    layers = "".join(
        f'<div class="mrsnb-blink mrsnb-blink-{i}">{picture}<figcaption>{escape(name)}</figcaption></div>'
        for i, (picture, name) in enumerate(zip(pictures, names, strict=True))
    )
    return f'<figure class="mrsnb-blinking" style="width:{width}px;height:{height + 24}px">{layers}</figure>'


def _figure(
    image: NDArray[Any], stretch: Stretch | None, colours: NDArray[np.uint8], caption: str, scale: float = 1.0
) -> str:
    width, _ = _size(image.shape, scale)
    picture = _img(image, stretch, colours, caption)
    return f'<figure style="width:{width}px">{picture}<figcaption>{escape(caption)}</figcaption></figure>'


def _size(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    n_y, n_x = shape
    unit = scale * _SIDE / max(n_x, n_y)
    return round(unit * n_x), round(unit * n_y)


def _img(image: NDArray[Any], stretch: Stretch | None, colours: NDArray[np.uint8], title: str) -> str:
    """Return an ``<img>``, north up, one pixel a spaxel; what is not finite is grey."""
    places = np.zeros(image.shape, np.uint8)
    good = np.isfinite(image)
    if stretch is not None:
        places[good] = 1 + np.round(stretch(image[good]) * (len(colours) - 1)).astype(np.uint8)
    palette = [NOTHING, *((int(r), int(g), int(b), 255) for r, g, b in colours)]
    data = base64.b64encode(indexed_png(places[::-1], palette, title)).decode("ascii")
    return f'<img class="mrsnb-spaxels" alt="{escape(title)}" src="data:image/png;base64,{data}">'


def _bar(stretch: Stretch | None, colours: NDArray[np.uint8]) -> str:
    """Return a bar of the shades with round values beside it."""
    if stretch is None:
        return '<div class="mrsnb-shades">no finite values</div>'
    stops = ",".join(f"rgb({r},{g},{b})" for r, g, b in colours[:: max(1, len(colours) // 16)])
    marks = "".join(
        f'<span style="bottom:{100 * float(stretch(np.array([value]))[0]):.1f}%">{compact(value)}</span>'
        for value in stretch.ticks()
    )
    return (
        f'<div class="mrsnb-shades"><div class="mrsnb-unit">{_UNIT}</div>'
        f'<div class="mrsnb-shade" style="background:linear-gradient(to top,{stops})">{marks}</div></div>'
    )
