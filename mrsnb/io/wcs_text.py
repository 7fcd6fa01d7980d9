"""The gWCS of a product as ASDF text, written with the numbers filled in.

Serialising the same object with gwcs and asdf takes seconds the first time and loads both; the text is a few
kilobytes. Tags are of the versions that every reader since 2022 knows (transform 1.5, gwcs 1.0).

References
----------
ASDF standard 1.5.0; asdf-transform-schemas; asdf-wcs-schemas.
"""

import math
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid

_ICRS = "!<tag:astropy.org:astropy/coordinates/frames/icrs-1.1.0> {frame_attributes: {}}"
_PIXEL = "!unit/unit-1.0.0 pixel"


class WcsText(NamedTuple):
    """A gWCS: YAML in flow style, and the arrays that it refers to by their number."""

    yaml: str
    arrays: tuple[NDArray[np.float64], ...] = ()


def number(value: float) -> str:
    """Return `value` as YAML 1.1 reads it back, bit for bit.

    Examples
    --------
    >>> number(1e-05), number(0.1)
    ('1.0e-05', '0.1')
    """
    value = float(value)
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf"
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"


def cube_wcs(grid: CubeGrid) -> WcsText:
    """Return the gWCS of a cube: pixels ``(x, y, z)``, 0-based, to right ascension, declination (deg), micron."""
    size = grid.spaxel_size / 3600.0
    turn = math.radians(grid.rotation)
    matrix = [[-math.cos(turn), math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    sky = _compose(
        _beside(_shift(-(grid.n_x // 2)), _shift(-(grid.n_y // 2))),
        f"!transform/affine-1.3.0 {{inputs: [x, y], matrix: {_matrix(matrix)}, outputs: [x, y], "
        f"translation: {_vector([0.0, 0.0])}}}",
        _beside(_scale(size), _scale(size)),
        "!transform/gnomonic-1.2.0 {direction: pix2sky}",
        f"!transform/rotate3d-1.3.0 {{direction: native2celestial, phi: {number(grid.ra)}, psi: 180.0, "
        f"theta: {number(grid.dec)}}}",
    )
    arrays: tuple[NDArray[np.float64], ...] = ()
    if grid.linear:
        spectral = _compose(_scale(float(grid.wave_step[0])), _shift(float(grid.wave[0])))
    else:
        arrays = (np.arange(grid.n_wave, dtype=float), grid.wave)
        spectral = _table(0, 1, grid.n_wave)
    box = (
        f"!transform/property/bounding_box-1.0.0 {{ignore: [], intervals: {{x: [0, {grid.n_wave - 1}], "
        f"x0: [0, {grid.n_x - 1}], x1: [0, {grid.n_y - 1}]}}, order: F}}"
    )
    transform = (
        f"!transform/concatenate-1.2.0 {{bounding_box: {box}, forward: [{sky}, {spectral}], "
        "inputs: [x0, x1, x], outputs: [ra, dec, wave]}"
    )
    frame = (
        "!<tag:stsci.edu:gwcs/frame-1.0.0> {axes_names: [x, y, z], axes_order: [0, 1, 2], "
        "axes_type: [SPATIAL, SPATIAL, SPECTRAL], "
        "axis_physical_types: ['custom:SPATIAL', 'custom:SPATIAL', 'custom:SPECTRAL'], "
        f"name: detector, naxes: 3, unit: [{_PIXEL}, {_PIXEL}, {_PIXEL}]}}"
    )
    return WcsText(_wcs(frame, transform), arrays)


def spectrum_wcs(ra: float, dec: float, wave: NDArray[np.float64]) -> WcsText:
    """Return the gWCS of a spectrum: its row, 0-based, to a constant place on the sky (deg) and micron.

    Parameters
    ----------
    ra, dec : float
        SLIT_RA and SLIT_DEC, deg.
    wave : ndarray
        Wavelengths, rising; shape (n_wave,), micron.
    """
    n = len(wave)
    place = _beside(_constant(ra), _constant(dec))
    forward = _compose(
        "!transform/remap_axes-1.3.0 {inputs: [x0], mapping: [0, 0, 0], outputs: [x0, x1, x2]}",
        _beside(place, _table(0, 1, n)),
    )
    inverse = _compose(
        "!transform/remap_axes-1.3.0 {inputs: [x0, x1, x2], mapping: [2], outputs: [x0]}",
        _table(1, 0, n),
    )
    transform = forward[:-1] + f", inverse: {inverse}}}"
    frame = (
        "!<tag:stsci.edu:gwcs/frame-1.0.0> {axes_names: [''], axes_order: [0], axes_type: [SPATIAL], "
        f"axis_physical_types: ['custom:SPATIAL'], name: pixel_frame, naxes: 1, unit: [{_PIXEL}]}}"
    )
    return WcsText(_wcs(frame, transform), (np.arange(n, dtype=float), wave))


def _wcs(frame: str, transform: str) -> str:
    world = (
        "!<tag:stsci.edu:gwcs/composite_frame-1.0.0> {frames: ["
        "!<tag:stsci.edu:gwcs/celestial_frame-1.0.0> {axes_names: [RA, DEC], axes_order: [0, 1], "
        f"axis_physical_types: [pos.eq.ra, pos.eq.dec], name: sky, reference_frame: {_ICRS}, "
        "unit: [!unit/unit-1.0.0 deg, !unit/unit-1.0.0 deg]}, "
        "!<tag:stsci.edu:gwcs/spectral_frame-1.0.0> {axes_names: [wavelength], axes_order: [2], "
        "axis_physical_types: [em.wl], name: spectral, unit: [!unit/unit-1.0.0 um]}], name: world}"
    )
    step = "!<tag:stsci.edu:gwcs/step-1.0.0>"
    steps = f"[{step} {{frame: {frame}, transform: {transform}}}, {step} {{frame: {world}, transform: null}}]"
    return f"!<tag:stsci.edu:gwcs/wcs-1.0.0> {{name: '', steps: {steps}}}"


def _compose(*transforms: str) -> str:
    """Return the transforms one after the other."""
    return reduce(lambda a, b: f"!transform/compose-1.2.0 {{forward: [{a}, {b}]}}", transforms)


def _beside(first: str, second: str) -> str:
    """Return two transforms of separate inputs."""
    return f"!transform/concatenate-1.2.0 {{forward: [{first}, {second}]}}"


def _shift(offset: float) -> str:
    return f"!transform/shift-1.2.0 {{offset: {number(offset)}}}"


def _scale(factor: float) -> str:
    return f"!transform/scale-1.2.0 {{factor: {number(factor)}}}"


def _constant(value: float) -> str:
    return f"!transform/constant-1.4.0 {{dimensions: 1, value: {number(value)}}}"


def _table(points: int, values: int, n: int) -> str:
    return (
        f"!transform/tabular-1.2.0 {{bounds_error: false, fill_value: .nan, lookup_table: {_block(values, n)}, "
        f"method: linear, points: [{_block(points, n)}]}}"
    )


def _block(index: int, n: int) -> str:
    return f"!core/ndarray-1.0.0 {{source: {index}, datatype: float64, byteorder: little, shape: [{n}]}}"


def _vector(values: Sequence[float]) -> str:
    return (
        f"!core/ndarray-1.0.0 {{data: [{', '.join(map(number, values))}], datatype: float64, shape: [{len(values)}]}}"
    )


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    data = ", ".join(f"[{', '.join(map(number, row))}]" for row in rows)
    return f"!core/ndarray-1.0.0 {{data: [{data}], datatype: float64, shape: [{len(rows)}, {len(rows[0])}]}}"
