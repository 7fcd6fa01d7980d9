"""Where the light of a cube comes from: a voxel's detector pixels, and the voxels that a detector pixel feeds."""

from typing import Any

from astropy import units as u
from ipywidgets import HTML, Layout, VBox

from mrsnb.core.references import CubePars, References
from mrsnb.errors import MrsnbError
from mrsnb.io.references import load_references
from mrsnb.steps.cube_build import Contributions, CubeBuildParams, FedVoxels, Tracer
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.cube_controls import note, say
from mrsnb.viewers.cube_origin import CubeOrigin, recorded_origin
from mrsnb.viewers.cube_saving import png_of
from mrsnb.viewers.detector import DetectorViewer
from mrsnb.viewers.detector_inputs import exposures_of
from mrsnb.viewers.slicing import voxel

_HINT = "click a spaxel of the cube to see its detector pixels, or a pixel of the detector to see the voxels it feeds"
_DIFFERENT = 1e-5
"""Relative difference of a voxel from the mean of its pixels that rounding does not explain."""


class ProvenanceViewer(VBox):  # type: ignore[misc]
    """A cube viewer and a detector viewer that answer each other.

    Parameters
    ----------
    cubes : Cube, CubeLayers, path, or a sequence of them
    exposures : ExposureSource, path, result of a step, or a sequence of exposures and paths, optional
        As they went into cube_build. If None, they are found where the cubes say, those that outlier_detection has
        written first.
    params : CubeBuildParams, optional
        As the cubes were built with; if None, those that the cubes record, or the defaults if exposures are given.
    references : References or CubePars, optional
        The built-in values if None.

    Attributes
    ----------
    cube, detector : CubeViewer, DetectorViewer
    contributions : Contributions or None
        The pixels of the voxel that was clicked last.
    fed : FedVoxels or None
        The voxels of the pixel that was clicked last.

    Raises
    ------
    InputError
        If a cube or an exposure cannot be used, or nothing is known of the exposures.

    Examples
    --------
    >>> traced = ProvenanceViewer("my_target_ch3-short_s3d.fits")  # doctest: +SKIP
    >>> traced.look_at_voxel(14, 20, 300).table()  # doctest: +SKIP
    """

    def __init__(
        self,
        cubes: Any,
        exposures: Any = None,
        params: CubeBuildParams | None = None,
        references: References | CubePars | None = None,
    ) -> None:
        self.cube = CubeViewer(cubes)
        try:
            self._origin = self._origin_of(exposures, params, references)
            self._tracers: dict[str, Tracer] = {}
            self._tracer()
        except MrsnbError:
            self.cube.close()
            raise
        self.detector = DetectorViewer(self._origin.exposures)
        self.contributions: Contributions | None = None
        self.fed: FedVoxels | None = None
        self._head = note(_HINT)
        self._table = HTML(layout=Layout(max_height="212px", overflow="auto", margin="0 2px 8px", width="auto"))
        self._table.add_class("mrsnb-traced")
        super().__init__([self.cube, self._head, self._table, self.detector], layout=Layout(width="100%"))
        self.add_class("mrsnb-viewer")
        self.cube.observe(lambda change: self._attempt(lambda: self.look_at_voxel(*change["new"])), "voxel")
        self.detector.observe(lambda change: self._attempt(lambda: self.look_at_pixel(*change["new"])), "pixel")

    def _origin_of(self, exposures: Any, params: CubeBuildParams | None, references: Any) -> CubeOrigin:
        if exposures is None:
            known = recorded_origin(self.cube.cubes)
            return known if params is None else CubeOrigin(
                exposures=known.exposures, params=params, cubepar=known.cubepar, offsets=known.offsets
            )  # fmt: skip
        references = load_references() if references is None else references
        return CubeOrigin(
            exposures=exposures_of(exposures),
            params=CubeBuildParams() if params is None else params,
            cubepar=references.cubepar if isinstance(references, References) else references,
        )

    def _tracer(self) -> Tracer:
        """Return what traces the light of the cube in view."""
        cube = self.cube.cube
        if cube.name not in self._tracers:
            self._tracers[cube.name] = self._origin.tracer(cube)
        return self._tracers[cube.name]

    def look_at_voxel(self, x: int, y: int, z: int) -> Contributions:
        """Show the detector pixels that feed a voxel of the cube in view, 0-based, and return them.

        Raises
        ------
        ParamError
            If the voxel is not in the cube.
        """
        found = self._tracer().voxel((x, y, z))
        self.contributions = found
        most = max((p.weight for p in found.pixels), default=1.0)
        self.detector.mark([(p.exposure, p.x, p.y, p.weight / most) for p in found.pixels])
        self.detector.show_marks()
        self.cube.mark_spaxels([(x, y)])
        self._told(found, self._in_words(found))
        return found

    def look_at_pixel(self, x: int, y: int) -> FedVoxels:
        """Show the voxels that a pixel of the exposure in view feeds, 0-based column and row, and return them.

        The cube shows the plane that gets most of it.

        Raises
        ------
        InputError
            If the cube in view is not made of the exposure.
        """
        name = self.detector.exposure.name
        found = self._tracer().pixel(name, x, y)
        self.fed = found
        shares: dict[tuple[int, int], float] = {}
        if found.voxels:
            most = found.voxels[0].weight
            for fed in found.voxels:
                shares[fed.x, fed.y] = max(shares.get((fed.x, fed.y), 0.0), fed.weight / most)
            self.cube.wavelength = found.voxels[0].wave * u.um
        self.cube.mark_spaxels(list(shares), list(shares.values()))
        self.detector.mark([(name, x, y, 1.0)])
        band = self.cube.cube.label
        told = f"{len(found.voxels)} voxels of {band}" if found.voxels else f"no voxel of {band}"
        self._told(found, f"pixel ({x}, {y}) of {name} feeds {told}")
        return found

    def _in_words(self, found: Contributions) -> str:
        x, y, z = found.voxel
        cube, n = self.cube.cube, len({p.exposure for p in found.pixels})
        flux = voxel(cube, z, y, x)["SCI"]
        text = f"voxel ({x}, {y}, {z}) of {cube.label}: {len(found.pixels)} pixels of {n} exposures "
        text += f"make {found.flux:.6g} MJy/sr"
        if abs(flux - found.flux) > _DIFFERENT * abs(flux):
            text += f", the cube has {flux:.6g}: exposures changed after these files; give those that cube_build took"
        return text

    def _told(self, found: Contributions | FedVoxels, text: str) -> None:
        say(self._head, text)
        table = found.table()
        self._table.value = table.to_html() if table.rows else ""

    def _attempt(self, call: Any) -> None:
        try:
            call()
        except MrsnbError as error:
            say(self._head, str(error), is_bad=True)
            self._table.value = ""

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and a picture of the cube for where no kernel is."""
        bundle = super()._repr_mimebundle_(**options)
        if isinstance(bundle, dict):
            bundle["image/png"] = png_of(self.cube)
        return bundle

    def close(self) -> None:
        """Free what the browser holds."""
        if "_table" in self.__dict__:  # else it never came to be
            self.cube.close()
            self.detector.close()
            close_all([self._head, self._table, self.layout])
        super().close()

    def __repr__(self) -> str:
        return f"<ProvenanceViewer {', '.join(cube.label for cube in self.cube.cubes)}>"
