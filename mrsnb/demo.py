"""The whole way on simulated data: an observation, its association, cubes and spectra, in a notebook."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from mrsnb import templates
from mrsnb.display import Row, Shown, to_text
from mrsnb.io.atomic import output_folder
from mrsnb.simulate import (
    LINES,
    BadPixels,
    Noise,
    PointSource,
    Scene,
    SimulateParams,
    SpectralLeak,
    ThermalBackground,
    simulate,
)

TEMPLATE = "spec3_mrs"

SCENE = Scene(
    (PointSource(lines=LINES), ThermalBackground(), SpectralLeak(), Noise(), BadPixels(fraction=0.003)),
)
"""A star with emission lines as the steps can handle it: no cosmic rays, since none of them takes those out."""


@dataclass(frozen=True)
class Demo(Shown):
    """What a demo left.

    Parameters
    ----------
    folder : Path
        Where everything is.
    association : Path
        The simulated input.
    notebook : Path
        The executed notebook.
    seconds : float
        Wall time.
    """

    folder: Path
    association: Path
    notebook: Path
    seconds: float

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "Demo"

    def rows(self) -> list[Row]:
        """Return where things are."""
        made = {kind: len(list(self.folder.glob(f"*_{kind}.fits"))) for kind in ("s3d", "x1d")}
        return [
            Row("input", str(self.association)),
            Row("cubes", str(self.folder / "*_s3d.fits"), note=f"{made['s3d']} files"),
            Row("spectra", str(self.folder / "*_x1d.fits"), note=f"{made['x1d']} files"),
            Row("notebook", str(self.notebook)),
            Row("report", str(self.folder / "report.html")),
            Row("cube images", str(self.folder / "cubes.png")),
            Row("spectrum", str(self.folder / "spectrum.png")),
            Row("explore it", f"mrsnb lab {self.folder}"),
            Row("time", f"{self.seconds:.0f}", "s"),
        ]

    def __repr__(self) -> str:
        return to_text("Demo", self.rows())


def demo(output_dir: Path | str = "mrsnb-demo", *, progress: bool = True, **options: Any) -> Demo:
    """Simulate an observation, process it with the template ``spec3_mrs``, and return where everything is.

    Simulated input that is there already, complete and made with the same options, is used again. Files of the same
    names are replaced, all others are left alone.

    Parameters
    ----------
    output_dir : Path or str
        Made if missing.
    progress : bool
        Show progress bars where there is a terminal.
    **options
        Values of `mrsnb.simulate.SimulateParams`; by default two dithers in all bands.

    Raises
    ------
    MrsnbError
        If an option is not allowed, or a file cannot be written.
    """
    start = perf_counter()
    params = SimulateParams.from_dict(options)
    folder = output_folder(output_dir)
    association = simulate(folder / "input", SCENE, progress=progress, reuse=True, **params.to_dict()).association
    notebook = templates.execute(
        TEMPLATE,
        folder / f"{TEMPLATE}.ipynb",
        {"asn_file": str(association.absolute()), "output_dir": str(folder.absolute())},
        progress=progress,
    )
    return Demo(folder, association, notebook, perf_counter() - start)
