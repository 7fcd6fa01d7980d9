"""Open the viewer that fits."""

from functools import singledispatch
from pathlib import Path
from typing import Any

from mrsnb.core.cube import Cube
from mrsnb.core.layers import CubeLayers
from mrsnb.errors import InputError
from mrsnb.viewers.spectrum_view import register


@singledispatch
def view(obj: Any, **options: Any) -> Any:
    """Return a viewer of a cube or a spectrum, of several, or of their files, to be shown in a notebook.

    Parameters
    ----------
    obj : Cube, Spectrum, path, or a list of them
        Files of cubes are not read, but for what is looked at.
    **options
        Passed on to the viewer.

    Returns
    -------
    CubeViewer or SpectrumViewer

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
    msg = f"{type(obj).__name__}: no viewer of such a thing; give a cube or a spectrum, its path, or a list of them"
    raise InputError(msg)


@view.register(Cube)
@view.register(CubeLayers)
@view.register(str)
@view.register(Path)
@view.register(list)
@view.register(tuple)
def _cube(obj: Any, **options: Any) -> Any:
    from mrsnb.viewers.cube import CubeViewer

    return CubeViewer(obj, **options)


register(view)
