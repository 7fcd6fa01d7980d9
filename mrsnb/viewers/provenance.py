"""Where the light of a cube comes from: a voxel's detector pixels, and the voxels that a detector pixel feeds."""

from collections.abc import Callable
from typing import Any

from astropy import units as u
from ipywidgets import HTML, Layout

from mrsnb.core.layers import CubeLayers
from mrsnb.core.references import CubePars, References
from mrsnb.display.text import brief
from mrsnb.errors import MrsnbError
from mrsnb.io.references import load_references
from mrsnb.steps.cube_build import Contributions, CubeBuildParams, FedVoxels, Tracer
from mrsnb.viewers.closing import close_all
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.cube_controls import attempt, note, say
from mrsnb.viewers.cube_origin import CubeOrigin, recorded_origin
from mrsnb.viewers.cube_saving import png_of
from mrsnb.viewers.detector import DetectorViewer
from mrsnb.viewers.detector_inputs import exposures_of
from mrsnb.viewers.pictured import Pictured
from mrsnb.viewers.slicing import voxel

_HINT = "click a spaxel of the cube to see its detector pixels, or a pixel of the detector to see the voxels it feeds"
_DIFFERENT = 1e-5
"""Relative difference of a voxel from the mean of its pixels that rounding does not explain."""


class Tracing:
    """Lets a cube viewer and a detector viewer answer each other.

    Parameters
    ----------
    cube : CubeViewer
    detector : DetectorViewer
    origin : callable
        Returns what the cube in view was made of.

    Attributes
    ----------
    said, table : ipywidgets.HTML
        The answer: a line, and a table.
    contributions : Contributions or None
        The pixels of the voxel that was clicked last.
    fed : FedVoxels or None
        The voxels of the pixel that was clicked last.
    """

    def __init__(self, cube: CubeViewer, detector: DetectorViewer, origin: Callable[[], CubeOrigin]) -> None:
        self.cube, self.detector, self._origin = cube, detector, origin
        self.contributions: Contributions | None = None
        self.fed: FedVoxels | None = None
        self.said = note(_HINT)
        self.table = HTML(layout=Layout(max_height="212px", overflow="auto", margin="0 2px 8px", width="auto"))
        self.table.add_class("mrsnb-traced")
        self._ready: tuple[CubeLayers, CubeOrigin, Tracer] | None = None
        self._is_seen = True
        self._voxel: tuple[int, int, int] | None = None
        cube.observe(self._voxel_clicked, "voxel")
        detector.observe(self._pixel_clicked, "pixel")

    @property
    def is_seen(self) -> bool:
        """False while nobody sees the answer to a clicked voxel; it is given once it is set to True."""
        return self._is_seen

    @is_seen.setter
    def is_seen(self, is_seen: bool) -> None:
        self._is_seen = is_seen
        if is_seen and self._voxel is not None:
            self.ask(self._voxel)

    def tracer(self) -> Tracer:
        """Return what traces the light of the cube in view; kept until another cube is asked about.

        Raises
        ------
        InputError
            If the cube is not made of that.
        """
        cube, origin = self.cube.cube, self._origin()
        if self._ready is None or self._ready[0] is not cube or self._ready[1] is not origin:
            self._ready = None  # two of them would take much memory
            self._ready = cube, origin, origin.tracer(cube)
        return self._ready[2]

    def ask(self, voxel: tuple[int, int, int]) -> None:
        """Trace a voxel of the cube in view, now or once the answer is seen; what is wrong with it is said."""
        self._voxel = voxel
        if self._is_seen:
            self._attempt(lambda: self.look_at_voxel(*voxel))

    def _voxel_clicked(self, change: Any) -> None:
        self.ask(change["new"])

    def _pixel_clicked(self, change: Any) -> None:
        self._attempt(lambda: self.look_at_pixel(*change["new"]))

    def look_at_voxel(self, x: int, y: int, z: int) -> Contributions:
        """Show the detector pixels that feed a voxel of the cube in view, 0-based, and return them.

        Raises
        ------
        ParamError
            If the voxel is not in the cube.
        """
        found = self.tracer().voxel((x, y, z))
        self._voxel = None
        self.contributions = found
        most = max((p.weight for p in found.pixels), default=1.0)
        self.detector.mark([(p.exposure, p.x, p.y, p.weight / most) for p in found.pixels])
        self.detector.show_marks()
        self.cube.mark_spaxels([(x, y)])
        self._tell(found, self._in_words(found))
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
        found = self.tracer().pixel(name, x, y)
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
        self._tell(found, f"pixel ({x}, {y}) of {name} feeds {told}")
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

    def _tell(self, found: Contributions | FedVoxels, text: str) -> None:
        say(self.said, text)
        table = found.table()
        self.table.value = table.to_html() if table.rows else ""

    def _attempt(self, call: Callable[[], object]) -> None:
        self.table.value = ""
        attempt(call, self.said)

    def forget(self) -> None:
        """Take away marks and answers: other cubes, or other exposures, are in view."""
        self._ready = self._voxel = self.contributions = self.fed = None
        self.table.value = ""
        say(self.said, _HINT)
        self.detector.mark([])

    def close(self) -> None:
        """Free what the browser holds."""
        close_all([self.said, self.table])


class ProvenanceViewer(Pictured):
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
    tracing : Tracing

    Raises
    ------
    InputError
        If a cube or an exposure cannot be used, or nothing is known of the exposures.

    Examples
    --------
    >>> traced = ProvenanceViewer("out/star_ch1-short_s3d.fits")
    >>> traced.look_at_voxel(20, 20, 300).pixels[0].exposure
    'star_exposure1_a3001_crf.fits'
    >>> traced.close()
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
            origin = self._origin_of(exposures, params, references)
            self.detector = DetectorViewer(origin.exposures)
            self.tracing = Tracing(self.cube, self.detector, lambda: origin)
            self.tracing.tracer()
        except MrsnbError:
            self.cube.close()
            raise
        parts = [self.cube, self.tracing.said, self.tracing.table, self.detector]
        super().__init__(parts, layout=Layout(width="100%"))
        self.add_class("mrsnb-viewer")

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

    @property
    def contributions(self) -> Contributions | None:
        """The pixels of the voxel that was clicked last."""
        return self.tracing.contributions

    @property
    def fed(self) -> FedVoxels | None:
        """The voxels of the pixel that was clicked last."""
        return self.tracing.fed

    def look_at_voxel(self, x: int, y: int, z: int) -> Contributions:
        """Show the detector pixels that feed a voxel of the cube in view, 0-based, and return them.

        Raises
        ------
        ParamError
            If the voxel is not in the cube.
        """
        return self.tracing.look_at_voxel(x, y, z)

    def look_at_pixel(self, x: int, y: int) -> FedVoxels:
        """Show the voxels that a pixel of the exposure in view feeds, 0-based column and row, and return them.

        Raises
        ------
        InputError
            If the cube in view is not made of the exposure.
        """
        return self.tracing.look_at_pixel(x, y)

    def _png(self) -> bytes:
        return png_of(self.cube)

    def close(self) -> None:
        """Free what the browser holds."""
        if "tracing" in self.__dict__:  # else it never came to be
            self.tracing.close()
            self.cube.close()
            self.detector.close()
            close_all([self.layout])
        super().close()

    def __repr__(self) -> str:
        return brief("ProvenanceViewer", [cube.label for cube in self.cube.cubes])
