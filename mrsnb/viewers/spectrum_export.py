"""What a spectrum viewer shows, as files."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.spectrum import Spectrum
from mrsnb.core.stitch import BandScale
from mrsnb.display import Picture
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.atomic import write_bytes
from mrsnb.io.places import home
from mrsnb.io.x1d import write_x1d
from mrsnb.viewers.spectrum_data import SpectrumData, Values
from mrsnb.viewers.spectrum_measurements import Entry, quantity_table

Array = NDArray[np.float64]


class Saved(NamedTuple):
    """What there is to save."""

    data: SpectrumData
    values: Sequence[Values]
    """As they are shown."""
    scales: Sequence[BandScale]
    entries: Sequence[Entry]
    """The lines that were kept."""
    column: str
    unit: str
    shown: Sequence[int]
    """Numbers of the curves that are not hidden."""
    view: tuple[float, float]
    """Wavelengths in sight, micron."""
    marks: Sequence[tuple[float, str]]
    """Where lines are, micron, and their names."""
    fit: tuple[Array, Array]
    """Wavelengths, micron, and what is fitted there to what is not kept yet; with gaps."""


def save(path: Path, what: Saved) -> list[Path]:
    """Write the picture (``.png``), the curves (``.csv``), the lines (``.ecsv``) or, to a folder, ``_x1d`` products.

    Raises
    ------
    ParamError
        If `path` has another ending.
    OutputError
        If there is nothing to write, or it cannot be written.
    """
    match path.suffix.lower():
        case ".png":
            return [write_bytes(path, picture_of(what).png)]
        case ".csv":
            return [write_bytes(path, curves_csv(what))]
        case ".ecsv":
            return [write_bytes(path, measurements_ecsv(what.entries))]
    if path.suffix and not path.is_dir():
        msg = f"path = {str(path)!r}: must end in .png, .csv or .ecsv, or be a folder for _x1d products"
        raise ParamError(msg)
    return save_products(what.data.curves, what.scales, path)


def path_of(kind: str, name: str) -> Path:
    """Return the path of what is saved, ``"png"``, ``"csv"``, ``"lines"`` or ``"x1d"``, under a name that was typed.

    Raises
    ------
    InputError
        If there is no name.
    """
    if not name.strip():
        raise InputError("file name: empty; write one beside the buttons")
    stem = Path(name.strip())
    return stem.parent if kind == "x1d" else stem.with_name(stem.name + {"lines": ".ecsv"}.get(kind, f".{kind}"))


def flux_label(column: str, unit: str) -> str:
    """Return the name of the flux axis."""
    return f"{column.replace('_', ' ').lower()} ({unit})"


def picture_of(what: Saved) -> Picture:
    """Return the drawn view: what of the curves is in sight, and the names of lines."""
    from mrsnb.display.plots import spectrum_picture

    data, values, shown, view = what.data, what.values, what.shown, what.view
    parts = {i: (data.curves[i].wave >= view[0]) & (data.curves[i].wave <= view[1]) for i in shown}
    some = [i for i, part in parts.items() if part.any()]
    curves = [(data.names[i], data.curves[i].wave[parts[i]], values[i][0][parts[i]]) for i in some]
    errors = [None if (err := values[i][1]) is None else err[parts[i]] for i in some]
    wave, fit = what.fit
    near = (wave >= view[0]) & (wave <= view[1])
    if near.any():
        curves.append(("fit", wave[near], fit[near]))
        errors.append(None)
    return spectrum_picture(
        _title([data.curves[i].name.partition(".")[0] for i in shown]),
        curves,
        err=errors,
        marks=what.marks,
        y_label=flux_label(what.column, what.unit),
    )


def _title(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(name for name in names if name)) or ["spectrum"]
    return different[0] if len(different) == 1 else f"{different[0]} and {len(different) - 1} more"


def and_more(paths: Sequence[Path]) -> str:
    """Return in words how many paths there are beside the first; nothing if there is none."""
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""


def curves_csv(what: Saved) -> bytes:
    """Return all curves as CSV: spectrum, wavelength in micron, value, error, flags; the unit is in the heads."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["spectrum", "wave_um", f"{what.column.lower()} [{what.unit}]", f"error [{what.unit}]", "dq"])
    for name, curve, (flux, err) in zip(what.data.names, what.data.curves, what.values, strict=True):
        errors = np.full(flux.shape, np.nan) if err is None else err
        rows.writerows(
            [name, f"{w:.8g}", f"{y:.8g}", f"{e:.4g}", int(q)]
            for w, y, e, q in zip(curve.wave, flux, errors, curve.dq, strict=True)
        )
    return text.getvalue().encode()


def measurements_ecsv(entries: Sequence[Entry]) -> bytes:
    """Return the table of measured lines as ECSV, which reads as CSV as well.

    Raises
    ------
    OutputError
        If there is none.
    """
    if not entries:
        raise OutputError("no measurement to save; brush a line and keep it first")
    text = StringIO()
    quantity_table(entries).write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue().encode()


def save_products(curves: Sequence[Curve], scales: Sequence[BandScale], folder: Path | str) -> list[Path]:
    """Write each spectrum as an ``_x1d`` product; the scale of its band is applied, and stated in its history.

    Raises
    ------
    OutputError
        If one did not come from an ``_x1d`` product, or cannot be written.
    """
    others = [curve.label for curve in curves if not isinstance(curve.source, Spectrum)]
    if others:
        msg = f"{', '.join(others)}: not made of an _x1d product, which has more than wavelength and flux; save CSV"
        raise OutputError(msg)
    return [write_x1d(scaled(curve.source, scale), home(folder)) for curve, scale in zip(curves, scales, strict=True)]


def scaled(spectrum: Spectrum, scale: BandScale) -> Spectrum:
    """Return a spectrum with its fluxes, brightnesses and their errors multiplied; the background stays."""
    if scale.factor == 1.0:
        return spectrum
    columns = dict(spectrum.columns)
    for key, values in columns.items():
        if "FLUX" in key or "SURF_BRIGHT" in key or key.startswith("SB_"):
            columns[key] = values * scale.factor ** (2 if "VAR" in key else 1)
    history = {**spectrum.history, "band_scale": {"factor": scale.factor, "error": scale.error}}
    name = spectrum.name.replace("_x1d.fits", "_scaled_x1d.fits")
    return replace(spectrum, name=name, columns=columns, history=history)
