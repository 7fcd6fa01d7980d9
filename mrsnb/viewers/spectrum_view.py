"""`view` of spectra: which things the spectrum viewer opens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mrsnb.core.combined import CombinedSpectra, CombinedSpectrum
from mrsnb.core.curve import Curve
from mrsnb.core.spectrum import Spectrum
from mrsnb.errors import InputError
from mrsnb.io.read import kind_of

_VALUES = (Spectrum, CombinedSpectrum, CombinedSpectra, Curve)
_TABLES = {".csv", ".ecsv"}


def register(view: Any) -> None:
    """Let a ``singledispatch`` function open spectra, files of spectra, and lists of both, in a `SpectrumViewer`.

    Parameters
    ----------
    view : callable
        What it does with other files and lists stays.
    """
    for kind in _VALUES:
        view.register(kind, _opened)
    for other in (str, Path, list, tuple):
        view.register(other, _if_spectra(view.dispatch(other)))


def holds_spectra(thing: Any) -> bool:
    """Return True for a spectrum, a file or folder of spectra, or a list that begins with one of these."""
    if isinstance(thing, list | tuple):
        return bool(thing) and holds_spectra(thing[0])
    if not isinstance(thing, str | Path):
        is_other = hasattr(thing, "spectral_axis") and getattr(getattr(thing, "flux", None), "ndim", 0) == 1
        return isinstance(thing, _VALUES) or is_other
    path = Path(thing).expanduser()
    if path.is_dir():
        return any(path.glob("*_x1d.fits*")) and not any(path.glob("*_s3d.fits*"))
    if path.suffix in _TABLES:
        return True
    try:
        return ".fits" in path.suffixes and kind_of(path) in {"spectrum", "combined spectra"}
    except InputError:
        return False


def _opened(thing: Any, **options: Any) -> Any:
    from mrsnb.viewers.spectrum import SpectrumViewer

    return SpectrumViewer(thing, **options)


def _if_spectra(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    def opened(thing: Any, **options: Any) -> Any:
        return (_opened if holds_spectra(thing) else otherwise)(thing, **options)

    return opened
