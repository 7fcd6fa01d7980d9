"""What changed between two versions of cubes or of spectra: numbers, images and curves, small enough to keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import Cube
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.image_pair import ImagePair
from mrsnb.core.spectrum import Spectrum
from mrsnb.display import Picture, Row, Section, Shown, Table, to_text

Array = NDArray[Any]
_PLANES = 200
"""Of a cube, evenly spaced, that its image and its typical numbers are made of at least."""
_MOST_PAIRS = 3
"""That are shown whole; of more, the differences and the pair that changed most."""
_MOST_ROWS = 24
"""Of a table that is seen at once."""
_POINTS = 160
"""Of a curve at least, where there are many."""


class Look(NamedTuple):
    """What is kept of a cube or a spectrum."""

    label: str
    """Band."""
    numbers: dict[str, str]
    """What there is to say about it, with units."""
    wave: NDArray[np.float64]
    """Wavelengths, shape (n_wave,), micron."""
    flux: NDArray[np.float64]
    """Of the spectrum, or of all spaxels of the cube together; shape (n_wave,), Jy."""
    image: NDArray[np.float64] | None = None
    """Mean of the cube over wavelength, shape (n_y, n_x), MJy/sr."""
    spaxel_size: float = 0.0
    rotation: float = 0.0


def look(product: Cube | Spectrum) -> Look:
    """Return what is kept of a cube or a spectrum to compare it with another version of it."""
    return _look_at_cube(product) if isinstance(product, Cube) else _look_at_spectrum(product)


def _look_at_cube(cube: Cube) -> Look:
    from mrsnb.core.blend import ARCSEC2_SR

    grid = cube.grid
    step = max(1, grid.n_wave // _PLANES)
    some, errors = cube.flux[::step], cube.err[::step]
    seen = np.isfinite(some)
    total = np.nansum(cube.flux, axis=(1, 2), dtype=float) * (grid.spaxel_size**2 * ARCSEC2_SR * 1e6)
    total[~np.isfinite(cube.flux).any(axis=(1, 2))] = np.nan
    count = seen.sum(axis=0)
    image = np.divide(np.nansum(some, axis=0, dtype=float), count, out=np.full(count.shape, np.nan), where=count > 0)
    numbers = {
        "size": " x ".join(map(str, grid.shape)) + " voxels",
        "spaxel": f"{grid.spaxel_size:.3f} arcsec",
        "plane": f"{np.median(grid.wave_step) * 1e3:.3g} nm",
        "flux of all spaxels": f"{_middle(total):.4g} Jy",
        "flux of a voxel": f"{_middle(some[seen]):.4g} MJy/sr",
        "error of a voxel": f"{_middle(errors[seen]):.4g} MJy/sr",
        "exposed": f"{np.count_nonzero(seen) / seen.size:.1%} of the voxels",
    }
    if cube.holes is not None:
        numbers["holes"] = f"{cube.holes} voxels"
    return Look(cube.label, numbers, grid.wave, total, image, grid.spaxel_size, grid.rotation)


def _look_at_spectrum(spectrum: Spectrum) -> Look:
    good = np.isfinite(spectrum.flux) & (spectrum.columns["DQ"] & UNUSABLE == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = spectrum.flux / spectrum.err
    x, y = spectrum.position
    numbers = {
        "extracted as": spectrum.source_type,
        "centre": f"x {x:.2f}, y {y:.2f} spaxel",
        "spaxels": f"{_middle(spectrum.columns['NPIXELS']):.1f}",
        "flux": f"{_middle(spectrum.flux[good]):.4g} Jy",
        "error": f"{_middle(spectrum.err[good]):.4g} Jy",
        "signal to noise": f"{_middle(ratio[good]):.0f}",
        "background": f"{_middle(spectrum.columns['BACKGROUND']):.4g} MJy/sr",
        "good": f"{np.count_nonzero(good)} of {good.size} wavelengths",
    }
    return Look(spectrum.label, numbers, spectrum.wave, spectrum.flux)


def _middle(values: Array) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("nan")


class Change(NamedTuple):
    """Two versions of one product."""

    before: Look
    after: Look

    @property
    def label(self) -> str:
        """Band."""
        return self.before.label

    @property
    def images(self) -> ImagePair | None:
        """The images of both on the spaxels of the first; None of spectra."""
        one, other = self.before, self.after
        if one.image is None or other.image is None:
            return None
        return ImagePair.of(one.image, other.image, one.spaxel_size, other.spaxel_size)

    @property
    def percent(self) -> NDArray[np.float64]:
        """The second flux less the first at its wavelengths, in percent of the median of the first; shape (n_wave,)."""
        one, other = self.before, self.after
        same = np.array_equal(one.wave, other.wave)
        flux = other.flux if same else np.interp(one.wave, other.wave, other.flux, np.nan, np.nan)
        scale = abs(_middle(one.flux))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(100 * (flux - one.flux) / scale)

    def told(self) -> str:
        """Return in a few words how much they differ."""
        pair = self.images
        if pair is not None:
            return pair.told()
        apart = self.percent[np.isfinite(self.percent)]
        if not apart.size:
            return "no wavelength in common"
        if not apart.any():
            return "identical"
        return f"median {np.median(apart):+.3g} %, largest {apart[np.argmax(np.abs(apart))]:+.3g} % of the median flux"


@dataclass(frozen=True, eq=False)
class Changes(Shown):
    """Two versions of some products beside each other.

    Parameters
    ----------
    what : str
        What is compared, as people read it.
    names : tuple of str
        What the versions are called.
    changes : tuple of Change
        The products.
    reason : str
        Why there is nothing to compare, if there is not; or a remark.
    """

    what: str
    names: tuple[str, str]
    changes: tuple[Change, ...] = ()
    reason: str = ""

    @property
    def title(self) -> str:
        """What is compared."""
        return f"{self.what}: {self.names[0]} and {self.names[1]}"

    def rows(self) -> list[Row]:
        """Return how much each product changed."""
        notes = dict.fromkeys(pair.note for pair in (change.images for change in self.changes) if pair is not None)
        remarks = [Row("remark", text) for text in (*notes, self.reason) if text]
        return [*(Row(change.label, change.told()) for change in self.changes), *remarks]

    def sections(self) -> list[Section]:
        """Return the numbers that changed as a table, and all of them as another."""
        rows = [
            (change.label, name, change.before.numbers.get(name, "-"), change.after.numbers.get(name, "-"))
            for change in self.changes
            for name in dict.fromkeys([*change.before.numbers, *change.after.numbers])
        ]
        heads = ("band", "median over wavelength", *self.names)
        changed = [row for row in rows if row[2] != row[3]]
        same = [row for row in rows if row[2] == row[3]]
        tables = (("Numbers that changed", changed, len(changed) <= _MOST_ROWS), ("Numbers that did not", same, False))
        return [Section(title, Table(heads, rows), open=is_open) for title, rows, is_open in tables if rows]

    def pictures(self) -> list[Picture]:
        """Return the images of both with their difference, and the difference of the spectra, but of many cubes."""
        from mrsnb.display.plots import TwoImages, difference_picture, pairs_picture

        pairs = [
            TwoImages(change.label, pair.before, pair.after, pair.spaxel_size, change.before.rotation)
            for change in self.changes
            for pair in [change.images]
            if pair is not None
        ]
        if not pairs:
            return self._curves("of the spectrum")
        if len(pairs) <= _MOST_PAIRS:
            return [pairs_picture("Mean over wavelength", pairs, self.names), *self._curves("of all spaxels")]
        most = max(pairs, key=_relative)
        title = f"Mean over wavelength: {self.names[1]} less {self.names[0]}"
        return [difference_picture(title, pairs), pairs_picture("The one that changed most", [most], self.names)]

    def _curves(self, whose: str) -> list[Picture]:
        from mrsnb.display.plots import spectrum_picture

        shown = []
        if len(self.changes) == 1:
            one, other = self.changes[0]
            curves = [(name, o.wave, o.flux) for name, o in zip(self.names, (one, other), strict=True)]
            shown.append(spectrum_picture(f"{one.label}: flux {whose}", curves))
        if any(np.nan_to_num(change.percent).any() for change in self.changes):
            step = 1
            if len(self.changes) > _MOST_PAIRS:
                step = max(1, max(change.before.wave.size for change in self.changes) // _POINTS)
            apart = [(c.label, _binned(c.before.wave, step), _binned(c.percent, step)) for c in self.changes]
            title = f"Flux {whose}: {self.names[1]} less {self.names[0]}"
            title += f", medians of {step} wavelengths" if step > 1 else ""
            shown.append(spectrum_picture(title, apart, y_label="difference / % of the median"))
        return shown

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections()[:1])


def _binned(values: Array, n: int) -> Array:
    """Return the medians of `n` values in a row."""
    if n == 1:
        return values
    whole = values[: values.size // n * n].reshape(-1, n)
    few = np.sort(whole, axis=1)  # NaN come last
    count = np.count_nonzero(np.isfinite(whole), axis=1)
    return np.asarray(np.where(count > 0, few[np.arange(len(few)), np.maximum(count - 1, 0) // 2], np.nan))


def _relative(pair: Any) -> float:
    """Return how much an image changed, as part of what it shows."""
    apart = pair.after - pair.before
    apart, seen = apart[np.isfinite(apart)], pair.before[np.isfinite(pair.before)]
    scale = float(np.abs(seen).mean()) if seen.size else 0.0
    return float(np.abs(apart).mean()) / scale if apart.size and scale > 0 else 0.0


def compared(
    what: str, names: tuple[str, str], before: Iterable[Cube | Spectrum], after: Sequence[Look], reason: str = ""
) -> Changes:
    """Return two versions of products beside each other, those of the same band; those before are looked at in turn."""
    later = {seen.label: seen for seen in after}
    earlier = (look(product) for product in before)
    pairs = tuple(Change(seen, later[seen.label]) for seen in earlier if seen.label in later)
    return Changes(what, names, pairs, reason)
