"""Open the viewer that fits."""

from contextlib import suppress
from functools import singledispatch
from pathlib import Path
from typing import Any

from mrsnb.core.cube import Cube
from mrsnb.core.exposure import DerivedExposure, Exposure
from mrsnb.core.layers import CubeLayers
from mrsnb.core.results import Result
from mrsnb.errors import InputError
from mrsnb.io.exposures import ExposureFile
from mrsnb.viewers.spectrum_view import register


@singledispatch
def view(obj: Any, **options: Any) -> Any:
    """Return a viewer of a cube or a spectrum, of several, or of their files, to be shown in a notebook.

    Parameters
    ----------
    obj : Cube, Spectrum, exposure, path, a list of them, or the result of a step that has made some
        Of files of cubes, only what is looked at is read.
    **options
        Passed on to the viewer. For cubes, ``trace=True``, or ``exposures`` and ``params`` that they were made of,
        trace voxels to detector pixels, and back.

    Returns
    -------
    CubeViewer, SpectrumViewer, DetectorViewer or ProvenanceViewer

    Raises
    ------
    InputError
        If there is no viewer of such a thing, or it cannot be used.

    Examples
    --------
    >>> import mrsnb
    >>> mrsnb.view("my_target_ch3-short_s3d.fits")  # doctest: +SKIP
    """
    del options
    msg = (
        f"{type(obj).__name__}: no viewer of such a thing; give a cube, a spectrum, an exposure, a path, or a "
        "list of them"
    )
    raise InputError(msg)


@view.register(str)
@view.register(Path)
@view.register(list)
@view.register(tuple)
def _files(obj: Any, **options: Any) -> Any:
    several = obj if isinstance(obj, list | tuple) else [obj]
    return (_exposure if several and all(map(_is_exposure, several)) else _cube)(obj, **options)


def _is_exposure(one: Any) -> bool:
    if isinstance(one, str | Path):
        from mrsnb.io.read import kind_of

        path = Path(one).expanduser()
        with suppress(InputError):
            return kind_of(path) == "exposure"
        return False
    return isinstance(one, Exposure | ExposureFile | DerivedExposure)


@view.register(Exposure)
@view.register(ExposureFile)
@view.register(DerivedExposure)
def _exposure(obj: Any, **options: Any) -> Any:
    from mrsnb.viewers.detector import DetectorViewer

    return DetectorViewer(obj, **options)


@view.register(Cube)
@view.register(CubeLayers)
def _cube(obj: Any, **options: Any) -> Any:
    if {"exposures", "params", "references", "trace"} & set(options):
        from mrsnb.viewers.provenance import ProvenanceViewer

        options.pop("trace", None)
        return ProvenanceViewer(obj, **options)
    from mrsnb.viewers.cube import CubeViewer

    return CubeViewer(obj, **options)


@view.register(Result)
def _result(obj: Result, **options: Any) -> Any:
    for name in ("exposures", "cubes", "spectra"):
        if getattr(obj, name, ()):
            return view(getattr(obj, name), **options)
    msg = f"{type(obj).__name__}: no viewer of such a result; give one with exposures, cubes or spectra"
    raise InputError(msg)


register(view)
