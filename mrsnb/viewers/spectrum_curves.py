"""Whatever holds spectra, as the curves that the viewer draws."""

import sys
from collections.abc import Iterable
from functools import singledispatch
from pathlib import Path
from typing import Any

from mrsnb.core.combined import CombinedSpectra, CombinedSpectrum
from mrsnb.core.curve import Curve, curve_of, make_curve
from mrsnb.core.spectrum import Spectrum
from mrsnb.core.specutils_bridge import curve_of_specutils
from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.io.read import kind_of, read
from mrsnb.io.spectrum_table import curve_of_table, read_spectrum_table

_SPECTRA = "*_x1d.fits*"
_LONG = 12
"""Letters of a label from which on it is cut."""


@singledispatch
def curves_of(thing: Any, flux_unit: str | None = None) -> list[Curve]:
    """Return the curves in `thing`.

    Parameters
    ----------
    thing : path, Spectrum, CombinedSpectrum, CombinedSpectra, Spec3Result, Curve, specutils.Spectrum, astropy Table, \
or an iterable of these
        A path may be a file, or a folder, of which all ``_x1d`` products are taken.
    flux_unit : str, optional
        Unit of the flux of tables that state none.

    Raises
    ------
    InputError
        If it holds no spectrum.
    """
    if _is_result(thing):
        return _made(thing, flux_unit)
    if hasattr(thing, "spectral_axis") and hasattr(thing, "flux"):
        return [curve_of_specutils(thing, str((thing.meta or {}).get("name", "spectrum")))]
    if hasattr(thing, "colnames"):
        return [curve_of_table(thing, str(thing.meta.get("name", "table")), flux_unit)]
    if isinstance(thing, Iterable):
        return [curve for part in thing for curve in curves_of(part, flux_unit)]
    msg = f"{type(thing).__name__} is no spectrum; give a path, a Spectrum, a table with units, or a list of these"
    raise InputError(msg)


@curves_of.register
def _(thing: Curve, flux_unit: str | None = None) -> list[Curve]:  # noqa: ARG001
    return [thing]


@curves_of.register
def _(thing: Spectrum, flux_unit: str | None = None) -> list[Curve]:  # noqa: ARG001
    return [curve_of(thing)]


@curves_of.register
def _(thing: CombinedSpectrum, flux_unit: str | None = None) -> list[Curve]:  # noqa: ARG001
    return [curve_of(thing)]


@curves_of.register
def _(thing: CombinedSpectra, flux_unit: str | None = None) -> list[Curve]:  # noqa: ARG001
    return [curve_of(spectrum) for spectrum in thing.spectra]


def _is_result(thing: Any) -> bool:
    """Return whether a thing is a `Spec3Result`, without loading the pipeline: whoever has one has done so."""
    module = sys.modules.get("mrsnb.pipeline.result")
    return module is not None and isinstance(thing, module.Spec3Result)


def _made(thing: Any, flux_unit: str | None) -> list[Curve]:
    """Return the spectra of a `Spec3Result`."""
    made = [product for product in thing.spectra if product.wave is not None and product.flux is not None]
    if not made:
        msg = f"{thing.title} made no spectra"
        raise InputError(msg)
    return [
        curve
        for p in made
        for curve in (
            curves_of(p.path, flux_unit)
            if p.path is not None and p.path.exists()
            else [make_curve(p.label, p.wave, {"FLUX": (p.flux, None, "Jy")}, name=p.name)]
        )
    ]


@curves_of.register(str)
@curves_of.register(Path)
def _(thing: str | Path, flux_unit: str | None = None) -> list[Curve]:
    path = home(thing)
    if path.is_dir():
        files = sorted(path.glob(_SPECTRA))
        if not files:
            msg = f"{path}: no file {_SPECTRA} in this folder"
            raise InputError(msg)
        return [curve for file in files for curve in curves_of(file, flux_unit)]
    if ".fits" in path.suffixes:
        try:
            is_product = kind_of(path) in {"spectrum", "combined spectra"}
        except InputError:
            is_product = False
        if is_product:
            return curves_of(read(path), flux_unit)
    return [read_spectrum_table(path, flux_unit)]


def named(curves: list[Curve]) -> list[str]:
    """Return a different name for each curve: its label, with its file where labels are the same, or a number.

    What all long labels have in common at their ends is left out.
    """
    labels = _told_apart([curve.label for curve in curves])
    names = [
        label if labels.count(label) == 1 else f"{label} {curve.name.partition('.')[0]}".strip()
        for label, curve in zip(labels, curves, strict=True)
    ]
    return [name if names.count(name) == 1 else f"{name} #{names[:i].count(name) + 1}" for i, name in enumerate(names)]


def _told_apart(labels: list[str]) -> list[str]:
    """Return labels without the words that all begin or end with.

    Examples
    --------
    >>> _told_apart(["VV114_ch1_SHORT_s1d", "VV114_ch1_LONG_s1d"])
    ['SHORT', 'LONG']
    """
    if len(set(labels)) < 2 or max(map(len, labels)) <= _LONG:
        return labels
    words = [label.split("_") for label in labels]
    first = _alike(words)
    last = _alike([part[first:][::-1] for part in words])
    return ["_".join(part[first : len(part) - last]) or label for part, label in zip(words, labels, strict=True)]


def _alike(words: list[list[str]]) -> int:
    """Return how many words all begin with."""
    return next((i for i, column in enumerate(zip(*words, strict=False)) if len(set(column)) > 1), min(map(len, words)))
