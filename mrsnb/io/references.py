"""Read reference values from files in the observatory's layout, or take the defaults."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.core.references import (
    ApertureCorrection,
    CubePars,
    Emsm,
    ExtractPars,
    LeakCorrection,
    Msm,
    MultiEmsm,
    MultiMsm,
    References,
    Sampling,
)
from mrsnb.errors import InputError, nearest
from mrsnb.io.asdf_tree import AsdfTree, TreeError, read_tree
from mrsnb.io.default_references import (
    default_apcorr,
    default_cubepar,
    default_extract1d,
    default_mrsptcorr,
    single,
    singles,
)
from mrsnb.io.exposures import opened
from mrsnb.io.places import address_of, home
from mrsnb.io.provenance import source_of
from mrsnb.io.storage import fetched_folder, local
from mrsnb.io.unchanged import refuse_changed, versions_at

_METHODS = ("exact", "subpixel", "center")
_MOST_SUBPIXELS = 100
_ARCSEC = ("arcsec", "arcseconds", "arcsecond")
_MICRON = ("micron", "microns", "um")

WITHOUT = ("none", "n/a")
"""What stands in place of a file for a correction that is switched off."""


def load_references(
    directory: Path | str | None = None, overrides: Mapping[str, Path | str] | None = None
) -> References:
    """Return the reference values of a run.

    Parameters
    ----------
    directory : Path or str, optional
        A folder with files such as ``cubepar.fits`` or ``jwst_miri_apcorr_0008.asdf``; what it lacks is taken from the
        defaults. It may be in a store, as ``s3://bucket/refs``; so may the files of `overrides`.
    overrides : mapping of str to Path or str, optional
        A file for a kind (``cubepar``, ``extract1d``, ``apcorr``, ``mrsptcorr``), before all else; ``"none"`` switches
        apcorr or mrsptcorr off.

    Raises
    ------
    InputError
        If a kind is unknown, a folder has none or several candidates, or a file cannot be used.
    """
    given = dict(overrides or {})
    for kind in given:
        if kind not in _KINDS:
            msg = f"reference {kind!r} is not used by mrsnb{nearest(kind, list(_KINDS))}"
            raise InputError(msg)
    paths = {} if directory is None else _found(_folder(directory))
    chosen = {kind: given.get(kind, paths.get(kind)) for kind in _KINDS}
    values = {kind: _value(kind, path) for kind, path in chosen.items()}
    files = {kind: path for kind, path in chosen.items() if path is not None and values[kind] is not None}
    return References(**values, files={kind: local(path) for kind, path in files.items()})


def _value(kind: str, path: Path | str | None) -> Any:
    reader = _KINDS[kind]
    if path is None:
        return reader.default()
    if str(path).lower() in WITHOUT:
        if not reader.optional:
            msg = f"{kind} = {str(path)!r}: it cannot be switched off; give a file, or nothing for the default"
            raise InputError(msg)
        return None
    place = local(path)
    before = versions_at([place])
    value = reader.read(place)
    refuse_changed(before)  # or its values would not be those of its checksum
    return value


def _folder(directory: Path | str) -> Path:
    address = address_of(directory)
    return home(directory) if address is None else fetched_folder(address)


def _found(directory: Path) -> dict[str, Path]:
    """Return the one file of each kind in a folder."""
    if not directory.is_dir():
        msg = f"{directory}: no such directory of reference files"
        raise InputError(msg)
    found = {}
    for kind, reader in _KINDS.items():
        exact = directory / f"{kind}{reader.suffix}"
        alike = (file for file in directory.glob(f"*{kind}*{reader.suffix}") if "pars-" not in file.name)
        files = [exact] if exact.is_file() else sorted(alike)
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            msg = f"{directory}: several files for {kind} ({names}); name one {exact.name}, or give override_{kind}"
            raise InputError(msg)
        if files:
            found[kind] = files[0]
    if not found:
        wanted = ", ".join(f"{kind}{reader.suffix}" for kind, reader in _KINDS.items())
        msg = f"{directory}: no reference files; it should hold some of {wanted}"
        raise InputError(msg)
    return found


def read_cubepar(path: Path) -> CubePars:
    """Return the sampling of cubes in a FITS file of the observatory's layout (``MiriIFUCubeParsModel``).

    Raises
    ------
    InputError
        If it cannot be read, or a table or column is missing.
    """
    with opened(path) as hdus:
        tables = {hdu.name: hdu.data for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)}
        sampling = _rows(path, tables, "CUBEPAR", ("SPAXELSIZE", "SPECTRALSTEP", "WAVEMIN", "WAVEMAX"))
        msm = _rows(path, tables, "CUBEPAR_MSM", ("ROISPATIAL", "ROISPECTRAL", "POWER", "SOFTRAD"))
        emsm = _rows(path, tables, "CUBEPAR_EMSM", ("ROISPATIAL", "ROISPECTRAL", "SCALERAD"))
        drizzle = _columns(path, tables, "MULTICHANNEL_DRIZ", ("WAVELENGTH",))
        multi_msm = _columns(
            path, tables, "MULTICHANNEL_MSM", ("WAVELENGTH", "ROISPATIAL", "ROISPECTRAL", "POWER", "SOFTRAD")
        )
        multi_emsm = _columns(
            path, tables, "MULTICHANNEL_EMSM", ("WAVELENGTH", "ROISPATIAL", "ROISPECTRAL", "SCALERAD")
        )
    if not sampling:
        msg = f"{path}: no table CUBEPAR; is it a cubepar file of MIRI?"
        raise InputError(msg)
    return CubePars(
        source=source_of(path),
        sampling={key: Sampling(*row) for key, row in sampling.items()},
        msm={key: Msm(*row) for key, row in msm.items()},
        emsm={key: Emsm(*row) for key, row in emsm.items()},
        multi_wave=drizzle[0] if drizzle else None,
        multi_msm=MultiMsm(*multi_msm) if multi_msm else None,
        multi_emsm=MultiEmsm(*multi_emsm) if multi_emsm else None,
    )


def read_extract1d(path: Path) -> ExtractPars:
    """Return the apertures in an ASDF file of the observatory's layout (``Extract1dIFUModel``).

    Raises
    ------
    InputError
        If it cannot be read, or a value is missing or not allowed.
    """
    tree = _tree(path)
    data, meta = _branch(path, tree, "data"), _branch(path, tree, "meta")
    _check_unit(path, data, "wavelength_units", _MICRON)
    for name in ("radius", "inner_bkg", "outer_bkg"):
        _check_unit(path, data, f"{name}_units", _ARCSEC)
    method = meta.get("method", "subpixel")
    if method not in _METHODS:
        msg = f"{path}: meta.method = {method!r}{nearest(str(method), list(_METHODS))}"
        raise InputError(msg)
    subpixels = meta.get("subpixels", 10)
    if subpixels not in range(1, _MOST_SUBPIXELS + 1):
        msg = f"{path}: meta.subpixels = {subpixels!r}: must be a whole number from 1 to {_MOST_SUBPIXELS}"
        raise InputError(msg)
    wave = _rising(path, _array(path, tree, data, "wavelength"))
    columns = {name: _array(path, tree, data, name) for name in ("radius", "inner_bkg", "outer_bkg")}
    _check_shapes(path, {"wavelength": wave, **columns})
    return ExtractPars(
        source=source_of(path),
        wave=wave,
        **columns,
        method=cast("Any", method),
        subpixels=int(subpixels),
        subtract_background=bool(meta.get("subtract_background", True)),
    )


def read_apcorr(path: Path) -> ApertureCorrection:
    """Return the aperture corrections in an ASDF file of the observatory's layout (``MirMrsApcorrModel``).

    Raises
    ------
    InputError
        If it cannot be read, or a value is missing or not allowed.
    """
    tree = _tree(path)
    table = _branch(path, tree, "apcorr_table")
    _check_unit(path, table, "wavelength_units", _MICRON)
    _check_unit(path, table, "radius_units", _ARCSEC)
    wave = _rising(path, _array(path, tree, table, "wavelength"))
    radius, apcorr = _array(path, tree, table, "radius"), _array(path, tree, table, "apcorr")
    _check_shapes(path, {"radius": radius, "apcorr": apcorr})
    if radius.ndim != 2 or radius.shape[1] != len(wave) or len(radius) < 2:
        msg = f"{path}: radius has shape {radius.shape}; expected (at least 2 radii, {len(wave)} wavelengths)"
        raise InputError(msg)
    return ApertureCorrection(source=source_of(path), wave=wave, radius=radius, apcorr=apcorr)


def read_mrsptcorr(path: Path) -> LeakCorrection:
    """Return the spectral leak in a FITS file of the observatory's layout (``MirMrsPtCorrModel``).

    Raises
    ------
    InputError
        If it cannot be read, or the table or a column is missing.
    """
    with opened(path) as hdus:
        tables = {hdu.name: hdu.data for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)}
        columns = _columns(path, tables, "LEAKCOR", ("WAVELENGTH", "FRAC_LEAK"))
    if not columns:
        msg = f"{path}: no table LEAKCOR; is it an mrsptcorr file of MIRI?"
        raise InputError(msg)
    return LeakCorrection(source=source_of(path), wave=_rising(path, columns[0]), fraction=columns[1])


class _Kind(NamedTuple):
    suffix: str
    read: Callable[[Path], Any]
    default: Callable[[], Any]
    optional: bool


_KINDS = {
    "cubepar": _Kind(".fits", read_cubepar, default_cubepar, optional=False),
    "extract1d": _Kind(".asdf", read_extract1d, default_extract1d, optional=False),
    "apcorr": _Kind(".asdf", read_apcorr, default_apcorr, optional=True),
    "mrsptcorr": _Kind(".fits", read_mrsptcorr, default_mrsptcorr, optional=True),
}


def _columns(
    path: Path, tables: Mapping[str, Any], name: str, columns: tuple[str, ...]
) -> tuple[NDArray[np.float64], ...]:
    """Return columns of a table as they come out of single precision; nothing if there is no such table."""
    if name not in tables:
        return ()
    data = tables[name]
    present = {column.upper(): column for column in data.names}
    missing = [column for column in columns if column not in present]
    if missing:
        msg = f"{path}: table {name} has no column {', '.join(missing)} (found {', '.join(present)})"
        raise InputError(msg)
    return tuple(singles(data[present[column]]) for column in columns)


def _rows(
    path: Path, tables: Mapping[str, Any], name: str, columns: tuple[str, ...]
) -> dict[tuple[int, str], tuple[float, ...]]:
    values = _columns(path, tables, name, columns)
    if not values:
        return {}
    data = tables[name]
    try:
        keys = [
            (int(str(channel).strip()), str(band).strip().lower())
            for channel, band in zip(data["CHANNEL"], data["BAND"], strict=True)
        ]
    except (KeyError, ValueError) as error:
        msg = f"{path}: columns CHANNEL and BAND of table {name} cannot be read ({error})"
        raise InputError(msg) from None
    return {key: tuple(single(column[i]) for column in values) for i, key in enumerate(keys)}


def _tree(path: Path) -> AsdfTree:
    try:
        return read_tree(path.read_bytes())
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
    except TreeError as error:
        msg = f"{path}: not an ASDF file that can be read ({error})"
    raise InputError(msg)


def _branch(path: Path, tree: AsdfTree, key: str) -> dict[str, Any]:
    branch = tree.tree.get(key)
    if not isinstance(branch, dict):
        msg = f"{path}: no {key!r}; is it a reference file of the MRS?"
        raise InputError(msg)
    return branch


def _array(path: Path, tree: AsdfTree, branch: dict[str, Any], key: str) -> NDArray[np.float64]:
    if key not in branch:
        msg = f"{path}: no {key!r}; is it a reference file of the MRS?"
        raise InputError(msg)
    try:
        return singles(tree.array(branch[key]))
    except (TreeError, OverflowError, TypeError, ValueError) as error:
        msg = f"{path}: {key} cannot be read ({error})"
        raise InputError(msg) from None


def _rising(path: Path, wave: NDArray[np.float64]) -> NDArray[np.float64]:
    if wave.ndim != 1 or len(wave) < 2 or not (np.diff(wave) > 0).all():
        msg = f"{path}: its wavelengths do not rise"
        raise InputError(msg)
    return wave


def _check_shapes(path: Path, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        msg = f"{path}: shapes differ: {shapes}"
        raise InputError(msg)


def _check_unit(path: Path, branch: dict[str, Any], key: str, allowed: tuple[str, ...]) -> None:
    unit = branch.get(key)
    if unit is not None and str(unit).strip().lower() not in allowed:
        msg = f"{path}: {key} = {unit!r}; expected {allowed[0]}"
        raise InputError(msg)
