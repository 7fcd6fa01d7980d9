"""Two images of one field, made comparable spaxel by spaxel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ImagePair:
    """Two images of one field, the second on the spaxels of the first.

    Parameters
    ----------
    before, after : ndarray
        Shape (n_y, n_x), MJy/sr.
    spaxel_size : float
        Of the first, arcsec.
    note : str
        What was done to make them comparable; empty if nothing was.
    """

    before: Array
    after: Array
    spaxel_size: float
    note: str = ""

    @classmethod
    def of(cls, before: Array, after: Array, size_before: float, size_after: float) -> "ImagePair":
        """Return the pair of two images whose middle spaxels look at one place."""
        if before.shape == after.shape and size_before == size_after:
            return cls(before, after, size_before)
        note = "of other spaxels: the second is shown on those of the first, about their middles"
        return cls(before, _at_spaxels_of(before.shape, after, size_before / size_after), size_before, note)

    @property
    def difference(self) -> Array:
        """The second less the first."""
        return np.asarray(self.after - self.before)

    def told(self) -> str:
        """Return in a few words how much they differ."""
        both = np.isfinite(self.difference)
        apart = np.abs(self.difference[both])
        only = int(np.count_nonzero(np.isfinite(self.before) != np.isfinite(self.after)))
        if not apart.any() and not only:
            return "identical"
        scale = float(np.median(np.abs(self.before[both]))) if both.any() else 0.0
        typical = float(np.median(apart)) if apart.size else 0.0
        most = float(apart.max()) if apart.size else 0.0
        share = f" ({typical / scale:.2g} of the median)" if scale > 0 else ""
        others = f"; {only} spaxels in one of them only" if only else ""
        return f"typical difference {typical:.3g} MJy/sr{share}, largest {most:.3g}{others}"


def _at_spaxels_of(shape: tuple[int, ...], image: Array, ratio: float) -> Array:
    out = np.full(shape, np.nan)
    y, x = (
        np.round((np.arange(n) - n // 2) * ratio + m // 2).astype(int) for n, m in zip(shape, image.shape, strict=True)
    )
    in_y, in_x = (y >= 0) & (y < image.shape[0]), (x >= 0) & (x < image.shape[1])
    out[np.ix_(in_y, in_x)] = image[np.ix_(y[in_y], x[in_x])]
    return out
