"""What a whole run made, small enough to keep however large the run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import Association
from mrsnb.core.quality.check import Check
from mrsnb.core.references import References
from mrsnb.display import Picture, Row, Section, Shown, Table, to_text
from mrsnb.pipeline.params import Spec3Params


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductSummary:
    """What is kept of a product once it is written: enough to show it."""

    label: str
    name: str
    path: Path | None
    image: NDArray[np.float64] | None = None
    spaxel_size: float = 0.0
    wave: NDArray[np.float64] | None = None
    flux: NDArray[np.float64] | None = None
    warnings: tuple[Check, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Spec3Result(Shown):
    """All that a run made: a summary of each product, small however large the run.

    Parameters
    ----------
    association : Association
    params : Spec3Params
        As run.
    references : References
    products : tuple of ProductSummary
        In the order they were made.
    exposures : tuple of Path
        Exposures and backgrounds that were written on the way.
    statuses : dict of str to str
        What became of each step.
    seconds : float
        Wall time.
    warnings : tuple of Check
        What is doubtful about the exposures and the products, each with its remedy.
    kept : frozenset of str, optional
        Names of the files that are of an earlier run, and were not made again; None if there was none to resume.
    """

    association: Association
    params: Spec3Params
    references: References
    products: tuple[ProductSummary, ...]
    exposures: tuple[Path, ...]
    statuses: dict[str, str]
    seconds: float
    warnings: tuple[Check, ...] = ()
    kept: frozenset[str] | None = None

    @property
    def title(self) -> str:
        """What was run: all, or one step."""
        return f"{'spec3' if self._alone is None else self._alone}: {self.association.name}"

    @property
    def _alone(self) -> str | None:
        """The step that was run, if it was only one."""
        ran = [step for step, status in self.statuses.items() if status != "SKIPPED"]
        return ran[0] if len(ran) == 1 else None

    @property
    def cubes(self) -> tuple[ProductSummary, ...]:
        """The cubes."""
        return tuple(product for product in self.products if product.image is not None)

    @property
    def spectra(self) -> tuple[ProductSummary, ...]:
        """The spectra as they were written last, in order of wavelength."""
        last = {product.name: product for product in self.products if product.flux is not None}
        return tuple(last.values())

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that were written."""
        made = (product.path for product in self.products if product.path is not None)
        return tuple(dict.fromkeys([*self.exposures, *made]))

    def rows(self) -> list[Row]:
        """Return what there is to say about the run."""
        folder = {str(path.parent) for path in self.paths}
        is_whole = self._alone is None
        return [
            *[check.row for check in self.warnings],
            Row("exposures", str(len(self.association.science))),
            Row("cubes", str(len(self.cubes)), note=", ".join(p.label for p in self.cubes)),
            *([Row("spectra", str(len(self.spectra)))] if is_whole or self.spectra else []),
            *[Row(step, status) for step, status in self.statuses.items() if is_whole],
            *self.references.rows(),
            *self._resumed(),
            Row("written to", ", ".join(sorted(folder)) or "nowhere (save_results is off)"),
            Row("time", f"{self.seconds:.1f}", "s"),
        ]

    def _resumed(self) -> list[Row]:
        """Return how many products are of an earlier run, if this one resumed it."""
        if self.kept is None:
            return []
        n_kept = sum(path.name in self.kept for path in self.paths)
        return [
            Row("kept", str(n_kept), "files", "as an earlier run left them"),
            Row("made", str(len(self.paths) - n_kept), "files"),
        ]

    def sections(self) -> list[Section]:
        """Return the products and parameters as tables."""
        files_made = Table(("product",), tuple((path.name,) for path in self.paths))
        if self.kept is not None:
            lines = [(path.name, "kept" if path.name in self.kept else "made") for path in self.paths]
            files_made = Table(("product", ""), lines)
        return [
            Section("Products", files_made),
            Section("Parameters", self.params.table()),
        ]

    def pictures(self) -> list[Picture]:
        """Return the grid of cube images and the stitched spectrum."""
        return [picture() for picture, there in ((self.cube_grid, self.cubes), (self.stitched, self.spectra)) if there]

    def cube_grid(self) -> Picture:
        """Return the images of all cubes, median over wavelength, logarithmic."""
        from mrsnb.display.plots import SkyImage, image_grid_picture

        images = [SkyImage(p.label, p.image, p.spaxel_size) for p in self.cubes if p.image is not None]
        return image_grid_picture(f"{self.association.name}: median over wavelength", images)

    def stitched(self) -> Picture:
        """Return all spectra in one plot, bright lines marked."""
        from mrsnb.core.lines import lines_between
        from mrsnb.display.plots import spectrum_picture

        curves = [(p.label, p.wave, p.flux) for p in self.spectra if p.wave is not None and p.flux is not None]
        low, high = min(wave.min() for _, wave, _ in curves), max(wave.max() for _, wave, _ in curves)
        marks = [(line.wave, line.name) for line in lines_between(low, high)]
        return spectrum_picture(f"{self.association.name}: spectrum", curves, marks=marks)

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())
