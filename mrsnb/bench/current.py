"""Which cubes and spectra are in view, and where each is from; knows no widgets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from mrsnb.core.curve import Curve, curve_of, make_curve
from mrsnb.core.layers import CubeLayers
from mrsnb.io.x1d import read_x1d
from mrsnb.pipeline import Spec3Params
from mrsnb.steps.cube_build import CubeBuildResult
from mrsnb.steps.extract_1d import Extract1dResult
from mrsnb.viewers.cube_inputs import cubes_of
from mrsnb.viewers.spectrum_curves import curves_of
from mrsnb.widgets.runs import Run, Runs


class Current:
    """The cubes and spectra in view, by the labels of their bands."""

    def __init__(self) -> None:
        self._cubes: dict[str, CubeLayers] = {}
        self._curves: dict[str, Curve] = {}
        self._needs: dict[str, Any] = {}
        self._origins: dict[str, str] = {}
        self._params: dict[str, Spec3Params] = {}
        self._failed: tuple[str, Any] | None = None

    @property
    def cubes(self) -> list[CubeLayers]:
        """The cubes."""
        return list(self._cubes.values())

    @property
    def curves(self) -> list[Curve]:
        """The extracted spectra."""
        return list(self._curves.values())

    def is_made_with(self, label: str, needs: Any) -> bool:
        """Return whether a cube was made with what it is to be made with, or cannot be."""
        return self._needs.get(label) == needs or self._failed == (label, needs)

    def told(self, label: str) -> str:
        """Return the label of a band with where it is from."""
        origin = self._origins.get(label, "")
        return f"{label}  ({origin})" if origin else label

    def params(self, label: str) -> Spec3Params | None:
        """Return what a cube was made with; None if that is not known."""
        return self._params.get(label)

    def take_files(self, cubes: Sequence[Path], spectra: Sequence[Path]) -> None:
        """Take products that are there."""
        self._cubes = {cube.label: cube for cube in cubes_of(cubes)[0]}
        self._curves = {curve.label: curve for path in spectra for curve in curves_of(path)}

    def take_live(self, label: str, needs: Any, results: Sequence[Any], params: Spec3Params) -> None:
        """Take the cube and the spectrum of a band that were built in memory."""
        self._failed = None
        self._curves.pop(label, None)
        for result in results:
            if isinstance(result, CubeBuildResult):
                self._cubes[label] = cubes_of(result.cubes)[0][0]
            if isinstance(result, Extract1dResult):
                self._curves[label] = curve_of(result.spectra[0])
        self._needs[label], self._origins[label], self._params[label] = needs, "live", params

    def failed(self, label: str, needs: Any) -> None:
        """Remember what cannot be built, so that nobody tries again before `retry`."""
        self._failed = label, needs

    def retry(self) -> None:
        """Have it tried again what could not be built."""
        self._failed = None

    def take_run(self, run: Run, runs: Runs, needs: Mapping[str, Any]) -> bool:
        """Take all products of a run in place of what is there; return False if it made no cube."""
        products = [product for summary in run.results for product in summary.products]
        cubes, curves = {}, {}
        for product in products:
            there = product.path is not None and product.path.exists()
            if product.image is not None:
                found = product.path if there else runs.cube(run, product.name)
                if found is not None:
                    cubes[product.label] = cubes_of(found)[0][0]
            elif there and product.path is not None:
                curves[product.label] = curve_of(read_x1d(product.path))
            elif product.wave is not None and product.flux is not None:
                flux = {"FLUX": (product.flux, None, "Jy")}
                curves[product.label] = make_curve(product.label, product.wave, flux, name=product.name)
        if not cubes:
            return False
        self._cubes, self._curves, self._failed = cubes, curves, None
        self._needs = {label: needs[label] for label in cubes if label in needs}
        self._origins = dict.fromkeys(cubes, f"run {run.number}")
        self._params = dict.fromkeys(cubes, cast("Spec3Params", run.params))
        return True
