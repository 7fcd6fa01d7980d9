"""The patch of sky that an exposure covers, as four positions."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import ExposureSource
from mrsnb.geometry.crossing import slice_lines
from mrsnb.geometry.detector import ChannelView

_POLAR = 89.5
"""deg: nearer to a pole, right ascension is no smooth function of the place."""


def header_footprint(exposure: ExposureSource) -> NDArray[np.float64] | None:
    """Return the corners that S_REGION states, shape (4, 2), RA and Dec in deg; None if it states no polygon."""
    words = exposure.science.text("S_REGION").upper().split()
    if len(words) < 10 or words[:2] != ["POLYGON", "ICRS"]:
        return None
    try:
        corners = np.array([float(word) for word in words[2:10]]).reshape(4, 2)
    except ValueError:
        return None
    return corners if np.isfinite(corners).all() else None


def pixel_footprint(view: ChannelView) -> NDArray[np.float64]:
    """Return the four outermost pixel centres of a channel.

    Parameters
    ----------
    view : ChannelView

    Returns
    -------
    ndarray, shape (4, 2)
        RA and Dec in deg of the pixels with least and greatest RA, then of those with least and greatest Dec.
    """
    ra, dec = view.sky(_candidates(view))
    good = np.isfinite(ra) & np.isfinite(dec)
    if not good.any():
        return np.empty((0, 2))
    ra, dec = unwrapped(ra[good]), dec[good]
    outermost = [np.argmin(ra), np.argmax(ra), np.argmin(dec), np.argmax(dec)]
    return np.stack([ra[outermost] % 360.0, dec[outermost]], axis=1)


def _candidates(view: ChannelView) -> NDArray[np.int32]:
    """Return pixels among which are the outermost: those between nodes of a slice that are nearly outermost."""
    lines = slice_lines(view)
    there = np.isfinite(lines.ra[:, 0])
    if not there.any() or np.abs(lines.dec[there]).max() > _POLAR:
        return np.arange(view.samples.pixel.size, dtype=np.int32)
    ra, dec, alpha = lines.ra.copy(), lines.dec, lines.alpha
    ra[there] = unwrapped(lines.ra[there].ravel()).reshape(lines.ra[there].shape)
    near = np.zeros(ra.shape, bool)
    for place in (ra, -ra, dec, -dec):
        spare = 2 * float(np.abs(np.diff(place[there], axis=1)).max())
        near |= place <= float(place[there].min()) + spare
    found = []
    for s in np.flatnonzero(near.any(axis=1)):
        step = float(alpha[s, 1] - alpha[s, 0])
        pixels = np.arange(view.start[s], view.start[s + 1], dtype=np.int32)
        centre = view.samples.alpha[pixels, 0]
        distance = np.abs(centre[:, None] - alpha[s, near[s]]).min(axis=1)
        found.append(pixels[distance <= step])
    return np.concatenate(found)


def unwrapped(ra: NDArray[np.float64], *, as_upstream: bool = False) -> NDArray[np.float64]:
    """Return right ascensions (deg) moved by 360 where that brings them near the middle one.

    `as_upstream` takes the median, which is 180 where there are as many on either side of 0, and then moves none.
    """
    middle = np.median(ra) if as_upstream else np.partition(ra, ra.size // 2)[ra.size // 2]
    return np.where(ra - middle > 180, ra - 360, np.where(middle - ra > 180, ra + 360, ra))
