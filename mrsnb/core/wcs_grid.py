"""The grid of a cube from what its WCS says: exactly, of a product of the MRS, or of any cube, to be looked at."""

import math
import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.cube import CubeGrid
from mrsnb.errors import InputError

Array = NDArray[np.float64]

THIRD_AXIS = re.compile(r"WCSAXES|(CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA)3|(PC|CD)(3_\d|\d_3)|P[SV]3_\d+")
"""Keywords of the third axis."""
RA_DEC = ("pos.eq.ra", "pos.eq.dec")
"""What the axes of the sky of a WCS are called."""
_SLACK = 1e-9
"""Relative slack for a WCS that should be a square grid."""
_SQUARE = 0.01
"""Relative difference of the sides of spaxels, and of their corners from right angles, that is taken for none."""
_BASE = 10.0
"""Spaxels on either side between which the scale is measured."""
_LIGHT = 299792458.0
"""m/s"""


class Placed(NamedTuple):
    """A grid, and what puts the voxels of an array on it: the order of its axes, and a slice of each that turns it."""

    grid: CubeGrid
    order: tuple[int, int, int]
    turns: tuple[slice, slice, slice]

    def placed(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of an array, wavelength, and west and north before the rotation, rising along its axes."""
        return array.transpose(self.order)[self.turns]


def square_grid(name: str, science: Cards, shape: tuple[int, ...], table: NDArray[Any] | None) -> CubeGrid:
    """Return the grid of an MRS product: square spaxels about the middle one, wavelengths equally spaced or in a table.

    Raises
    ------
    InputError
        If the keywords of SCI describe another.
    """
    n_wave, n_y, n_x = shape
    value = {key: _number(name, science, key) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")}
    matrix = np.array([[_cd(science, i, j) for j in (1, 2)] for i in (1, 2)])
    size = math.hypot(matrix[1, 0], matrix[1, 1])
    turn = math.atan2(matrix[1, 0], matrix[1, 1])
    square = size * np.array([[-math.cos(turn), math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = (n_x // 2 + 1, n_y // 2 + 1)
    if size == 0 or np.abs(matrix - square).max() > _SLACK * size or not science.text("CTYPE1").endswith("TAN"):
        msg = f"{name}: its WCS is not a north-up or turned tangent plane with square spaxels, x toward west"
        raise InputError(msg)
    if max(abs(value["CRPIX1"] - middle[0]), abs(value["CRPIX2"] - middle[1])) > _SLACK:
        msg = (
            f"{name}: CRPIX1, CRPIX2 = {value['CRPIX1']:g}, {value['CRPIX2']:g}, not the middle spaxel {middle}; "
            "use the cube as it was made, not a part of it"
        )
        raise InputError(msg)
    linear = science.text("CTYPE3") == "WAVE"
    wave, step = _linear_wave(name, science, n_wave) if linear else _table_wave(name, table, n_wave)
    if not np.isfinite(wave).all() or not (wave > 0).all():
        msg = f"{name}: its wavelengths run from {wave[0]:g} to {wave[-1]:g} micron; they must be positive numbers"
        raise InputError(msg)
    return CubeGrid(
        ra=value["CRVAL1"] % 360.0,
        dec=value["CRVAL2"],
        spaxel_size=size * 3600.0,
        n_x=n_x,
        n_y=n_y,
        rotation=math.degrees(turn),
        wave=wave,
        wave_step=step,
        linear=linear,
    )


def _cd(science: Cards, i: int, j: int) -> float:
    direct = science.number(f"CD{i}_{j}")
    if direct is not None:
        return direct
    pc = science.number(f"PC{i}_{j}")
    return (science.number(f"CDELT{i}") or 0.0) * (float(i == j) if pc is None else pc)


def _number(name: str, science: Cards, key: str) -> float:
    value = science.number(key)
    if value is None:
        msg = f"{name}: SCI has no number for {key}, so the cube has no WCS"
        raise InputError(msg)
    return value


def _linear_wave(name: str, science: Cards, n: int) -> tuple[Array, Array]:
    start, step = _number(name, science, "CRVAL3"), _number(name, science, "CDELT3")
    if not step > 0:
        msg = f"{name}: CDELT3 = {step}; wavelengths must rise"
        raise InputError(msg)
    first = 1.0 - _number(name, science, "CRPIX3")
    to_micron = 1e6 if science.text("CUNIT3") == "m" else 1.0
    wave: Array = (start + (np.arange(n, dtype=np.float64) + first) * step) * to_micron
    return wave, np.full(n, step * to_micron)


def _table_wave(name: str, table: NDArray[Any] | None, n: int) -> tuple[Array, Array]:
    if table is None or len(table) != n or n < 2 or not (np.diff(table) > 0).all():
        found = "no WCS-TABLE" if table is None else f"{len(table)} wavelengths for {n} planes, or not rising"
        msg = f"{name}: {found}; make the cube again"
        raise InputError(msg)
    wave = table.astype(np.float64)
    steps = np.diff(wave)
    return wave, np.append(steps, steps[-1])


def wcs_of(name: str, science: Cards, *, has_table: bool) -> Any:
    """Return the WCS that keywords describe; that of the sky alone if the wavelengths are in a table.

    Raises
    ------
    InputError
        If they do not describe one.
    """
    from astropy.io import fits
    from astropy.wcs import WCS

    is_tabled = has_table and science.text("CTYPE3").upper().endswith("-TAB")
    cards = [(c.key, c.value) for c in science.cards() if not (is_tabled and THIRD_AXIS.fullmatch(c.key))]
    keys = {key for key, _ in cards}
    if "CD1_1" in keys and "CDELT3" in keys and "CD3_3" not in keys:  # written by some, though no standard
        cards.append(("CD3_3", science["CDELT3"]))
    lacks = [f"CRVAL{i}" for i in (1, 2) if f"CRVAL{i}" not in keys]
    if lacks or not any(re.fullmatch(r"CDELT[12]|CD[12]_[12]", key) for key in keys):
        msg = f"{name}: no sky coordinates (CRVAL, CRPIX, CD or CDELT); only cubes with a celestial WCS can be shown"
        raise InputError(msg)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return WCS(fits.Header(cards))
    except (ValueError, OSError) as error:  # all errors of wcslib are ValueErrors
        reason = re.sub(r"^.*?\.c: ?", "", " ".join(str(error).split()))[:160]
        msg = f"{name}: its WCS cannot be used: {reason}"
        raise InputError(msg) from None


def any_grid(name: str, wcs: Any, shape: tuple[int, ...], wave: NDArray[Any] | None = None) -> Placed:
    """Return the grid of a cube of any instrument.

    Parameters
    ----------
    name : str
        For messages.
    wcs : astropy.wcs.WCS, gwcs.WCS or another with the same interface (APE 14)
        Of RA, Dec and anything that gives wavelengths, in any order; or of RA and Dec, with `wave`.
    shape : tuple of int
        Of the array, whose axes are those of the WCS backwards.
    wave : ndarray, optional
        Wavelengths, one a plane, micron; those of the WCS if None.

    Raises
    ------
    InputError
        If there are no sky coordinates, no wavelengths, or no square spaxels.
    """
    kinds = [str(kind) for kind in wcs.world_axis_physical_types]
    sky = [kinds.index(kind) for kind in RA_DEC if kind in kinds]
    if len(sky) < 2:
        msg = f"{name}: no sky coordinates (axes: {', '.join(kinds)}); only cubes with RA and Dec can be shown"
        raise InputError(msg)
    third = next((i for i in range(len(kinds)) if i not in sky), None)
    if wave is None and (third is None or wcs.pixel_n_dim != len(shape)):
        msg = f"{name}: no wavelengths; only cubes with a third axis in wavelength can be shown"
        raise InputError(msg)
    along = 2 if third is None or wcs.pixel_n_dim < 3 else _pixel_axis(wcs, third)
    x_axis, y_axis = sorted((i for i in range(3) if i != along), reverse=sky[0] > sky[1])
    order = (2 - along, 2 - y_axis, 2 - x_axis)
    n_wave, n_y, n_x = (shape[i] for i in order)

    def world(x: Any, y: Any, z: Any) -> list[Array]:
        at = [np.asarray(v, float) for v in (x, y, z)]
        pixel = dict(zip((x_axis, y_axis, along), np.broadcast_arrays(*at), strict=True))
        return [np.asarray(v, float) for v in wcs.pixel_to_world_values(*(pixel[i] for i in range(wcs.pixel_n_dim)))]

    to_icrs = _to_icrs(wcs)

    def at_sky(x: Any, y: Any) -> tuple[Array, Array]:
        values = world(x, y, (n_wave - 1) // 2)
        return to_icrs(values[sky[0]], values[sky[1]])

    def along_axis(n: int) -> Array:
        if third is None or wcs.pixel_n_dim < 3:
            msg = f"{name}: one wavelength in a table does not say how wide its plane is; give a WCS of three axes"
            raise InputError(msg)
        return _microns(name, wcs, third, world((n_x - 1) / 2, (n_y - 1) / 2, np.arange(n))[third])

    if wave is None:
        wave = along_axis(max(n_wave, 2))
    elif len(np.ravel(wave)) != n_wave:
        msg = f"{name}: {len(np.ravel(wave))} wavelengths for {n_wave} planes; those of a part must be cut alike"
        raise InputError(msg)
    elif n_wave == 1:
        wave = np.ravel(wave) + np.append(0.0, np.diff(along_axis(2)))
    return _placed(name, at_sky, (n_wave, n_y, n_x), np.ravel(wave).astype(float), order, is_even=_is_even(wcs, third))


def _to_icrs(wcs: Any) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Return what takes RA and Dec (deg) of a WCS to the ICRS; FK5 of J2000 is taken for it, 0.03 arcsec apart."""
    with warnings.catch_warnings():  # what it has to say of velocities
        warnings.simplefilter("ignore")
        classes = getattr(wcs, "celestial", wcs).world_axis_object_classes
    frame: Any = classes["celestial"][2].get("frame") if "celestial" in classes else None
    if frame is None or frame.name == "icrs" or (frame.name == "fk5" and abs(frame.equinox.jyear - 2000.0) < _SLACK):
        return lambda ra, dec: (ra, dec)
    from astropy.coordinates import SkyCoord

    def turned(ra: Array, dec: Array) -> tuple[Array, Array]:
        at = SkyCoord(ra, dec, unit="deg", frame=frame).icrs
        return at.ra.deg, at.dec.deg

    return turned


def _is_even(wcs: Any, third: int | None) -> bool:
    """Return whether planes are equally spaced in wavelength."""
    ctype = getattr(getattr(wcs, "wcs", None), "ctype", None)
    return third is not None and ctype is not None and ctype[third] in ("WAVE", "AWAV", "LAMBDA", "LINEAR", "")


def _pixel_axis(wcs: Any, world: int) -> int:
    """Return the pixel axis along which a coordinate of the world changes."""
    axes = np.flatnonzero(np.asarray(wcs.axis_correlation_matrix)[world])
    return int(axes[0]) if len(axes) == 1 else world


def _placed(name: str, at_sky: Any, shape: tuple[int, int, int], wave: Array, order: Any, *, is_even: bool) -> Placed:
    n_wave, n_y, n_x = shape
    if not np.isfinite(wave).all() or not (wave > 0).all():
        msg = f"{name}: no wavelengths for its {n_wave} planes; only cubes with a third axis in wavelength can be shown"
        raise InputError(msg)
    x, y = (n_x - 1) - n_x // 2, n_y // 2
    matrix = _scale(at_sky, x, y)
    is_mirrored = bool(np.linalg.det(matrix) < 0)
    if is_mirrored:
        matrix[:, 0] *= -1.0
    else:
        x = n_x // 2
    sides = np.hypot(*matrix)
    if not np.isfinite(matrix).all() or not sides.all():
        msg = f"{name}: no sky coordinates in the middle of the cube; only cubes with a celestial WCS can be shown"
        raise InputError(msg)
    if abs(sides[0] - sides[1]) > _SQUARE * sides[1] or abs(matrix[:, 0] @ matrix[:, 1]) > _SQUARE * sides[1] ** 2:
        msg = f"{name}: spaxels of {sides[0]:.3g} x {sides[1]:.3g} arcsec; only cubes with square spaxels can be shown"
        raise InputError(msg)
    ra, dec = (float(value) for value in at_sky(x, y))
    falls = wave[1] < wave[0]
    turns = slice(None, None, -1 if falls else None), slice(None), slice(None, None, -1 if is_mirrored else None)
    step = np.full(len(wave), abs(wave[1] - wave[0])) if is_even else np.abs(np.gradient(wave))
    grid = CubeGrid(
        ra=ra % 360.0,
        dec=dec,
        spaxel_size=float(sides[1]),
        n_x=n_x,
        n_y=n_y,
        rotation=math.degrees(math.atan2(-matrix[0, 1], matrix[1, 1])),
        wave=np.ascontiguousarray(wave[:n_wave][turns[0]]),
        wave_step=np.ascontiguousarray(step[:n_wave][turns[0]]),
        linear=is_even,
    )
    return Placed(grid, order, turns)


def _scale(at_sky: Any, x: float, y: float) -> Array:
    """Return how far to the west and north a step of a spaxel along each axis leads, shape (2, 2), arcsec."""
    ra, dec = at_sky(x + _BASE * np.array([1.0, -1.0, 0.0, 0.0]), y + _BASE * np.array([0.0, 0.0, 1.0, -1.0]))
    middle = math.radians(float(at_sky(x, y)[1]))
    turn = (ra[::2] - ra[1::2] + 180.0) % 360.0 - 180.0
    return np.array([-turn * math.cos(middle), dec[::2] - dec[1::2]]) * 3600.0 / (2.0 * _BASE)


def _microns(name: str, wcs: Any, axis: int, values: Array) -> Array:
    """Return the wavelengths of what the spectral axis of a WCS counts in."""
    from astropy import units as u

    kind, text = str(wcs.world_axis_physical_types[axis]), wcs.world_axis_units[axis]
    unit = u.Unit(text or "m", parse_strict="silent")
    if "veloc" in kind.lower() or kind == "src.redshift":
        return _rest_wave(name, wcs) * _stretched(
            kind, values / (1.0 if kind == "src.redshift" or not text else _LIGHT)
        )
    if not kind.startswith(("em.", "None") if text else "em.") or not unit.is_equivalent(u.um, u.spectral()):
        msg = f"{name}: no wavelengths: third axis {kind} in {text!r}; allowed: um, nm, Angstrom, m, Hz, eV, m/s, ..."
        raise InputError(msg)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((values * unit).to_value(u.um, u.spectral()))


def _rest_wave(name: str, wcs: Any) -> float:
    """Return the wavelength at rest, micron."""
    told = getattr(wcs, "wcs", None)
    wave, frequency = getattr(told, "restwav", 0.0), getattr(told, "restfrq", 0.0)
    if wave:
        return float(wave) * 1e6
    if frequency:
        return _LIGHT / float(frequency) * 1e6
    msg = f"{name}: no wavelengths: its third axis is a velocity, and neither RESTWAV nor RESTFRQ tells of what line"
    raise InputError(msg)


def _stretched(kind: str, beta: Array) -> Array:
    """Return wavelengths over that at rest, of velocities over that of light.

    References
    ----------
    Greisen et al. 2006, A&A 446, 747, table 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind.endswith("radio"):
            return 1.0 / (1.0 - beta)
        if kind.endswith("opt") or kind == "src.redshift":
            return 1.0 + beta
        return np.sqrt((1.0 + beta) / (1.0 - beta))
