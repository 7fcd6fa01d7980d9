"""Open the viewer that fits."""

from contextlib import suppress
from functools import singledispatch
from pathlib import Path
from typing import Any

from astropy.io import fits

from mrsnb.core.combined import CombinedSpectra, CombinedSpectrum
from mrsnb.core.cube import Cube
from mrsnb.core.curve import Curve
from mrsnb.core.exposure import DerivedExposure, Exposure
from mrsnb.core.layers import CubeLayers
from mrsnb.core.nddata_bridge import is_data
from mrsnb.core.results import Result
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.places import home
from mrsnb.io.read import kind_of
from mrsnb.pipeline.result import Spec3Result


@singledispatch
def view(obj: Any, **options: Any) -> Any:
    """Return a viewer of a cube or a spectrum, of several, or of their files, to be shown in a notebook.

    Parameters
    ----------
    obj : Cube, Spectrum, exposure, path, a list of them, or the result of a step that has made some
        Of files of cubes, only what is looked at is read. A path may be a folder of products, or an association, whose
        exposures are shown. Also an opened ``HDUList``, ``NDData`` or ``CCDData``, a spectrum or cube of specutils, a
        table with wavelengths and fluxes.
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
    >>> viewer = mrsnb.view("out/star_ch1-short_s3d.fits")
    >>> viewer.band
    '1A'
    >>> viewer.close()
    """
    if is_data(obj):
        return _cube(obj, **options)
    if _is_spectrum(obj):
        return _spectrum(obj, **options)
    msg = (
        f"{type(obj).__name__}: no viewer of such a thing; give a cube, a spectrum, an exposure, a path, what astropy "
        "or specutils hold one of these in, or a list of them"
    )
    raise InputError(msg)


@view.register(str)
@view.register(Path)
@view.register(list)
@view.register(tuple)
def _files(obj: Any, **options: Any) -> Any:
    if not isinstance(obj, list | tuple):
        path = home(obj)
        obj = _in_folder(path) if path.is_dir() else _members(path) if path.suffix.lower() == ".json" else [path]
    if obj and all(map(_is_spectrum, obj)):
        return _spectrum(obj, **options)
    return (_exposure if obj and all(map(_is_exposure, obj)) else _cube)(obj, **options)


@view.register(fits.HDUList)
def _opened_file(obj: fits.HDUList, **options: Any) -> Any:
    """Show a cube as it is in memory, of all else the file that was opened."""
    path = obj.filename()
    if any(hdu.is_image and hdu.header.get("NAXIS") == 3 for hdu in obj) or path is None:
        return _cube(obj, **options)
    return view(path, **options)


def _in_folder(path: Path) -> list[Path]:
    """Return the products in a folder: its cubes, or else spectra, or else exposures."""
    for pattern in ("*_s3d.fits*", "*_x1d.fits*", "*_crf.fits*", "*_cal.fits*"):
        if found := sorted(path.glob(pattern)):
            return found
    msg = f"{path}: no _s3d, _x1d, _crf or _cal file in this folder"
    raise InputError(msg)


def _members(path: Path) -> list[Path]:
    """Return the exposures of an association."""
    from mrsnb.io.association import read_association

    association = read_association(path)
    return [association.path_of(member) for member in association.science]


def _kind(path: Path | str) -> str:
    """Return what a file is, or "" if it is none of ours."""
    with suppress(InputError):
        return kind_of(home(path))
    return ""


def _is_exposure(one: Any) -> bool:
    if isinstance(one, str | Path):
        return _kind(one) == "exposure"
    return isinstance(one, Exposure | ExposureFile | DerivedExposure)


def _is_spectrum(one: Any) -> bool:
    if isinstance(one, str | Path):
        return _kind(one) in {"spectrum", "combined spectra", "spectrum of others"}
    is_other = hasattr(one, "spectral_axis") and getattr(getattr(one, "flux", None), "ndim", 0) == 1
    return (
        is_other or hasattr(one, "colnames") or isinstance(one, Spectrum | CombinedSpectrum | CombinedSpectra | Curve)
    )


@view.register(Spectrum)
@view.register(CombinedSpectrum)
@view.register(CombinedSpectra)
@view.register(Curve)
def _spectrum(obj: Any, **options: Any) -> Any:
    from mrsnb.viewers.spectrum import SpectrumViewer

    return SpectrumViewer(obj, **options)


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


@view.register(Spec3Result)
def _run(obj: Spec3Result, **options: Any) -> Any:
    files = [cube.path for cube in obj.cubes if cube.path is not None and cube.path.exists()]
    return _cube(files, **options) if files else _spectrum(obj, **options)


@view.register(Result)
def _result(obj: Result, **options: Any) -> Any:
    for name in ("exposures", "cubes", "spectra"):
        if getattr(obj, name, ()):
            return view(getattr(obj, name), **options)
    msg = f"{type(obj).__name__}: no viewer of such a result; give one with exposures, cubes or spectra"
    raise InputError(msg)
