"""Compare two runs: product by product, extension by extension, column by column, keyword by keyword."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError
from mrsnb.io.exposures import opened
from mrsnb.io.places import home

_SUFFIXES = (
    *("s3d", "x1d", "c1d", "crf", "mbsub", "masterbg1d", "masterbg2d", "assign_mtwcs", "mrs_imatch", "pixel_replace"),
    *("adaptive_trace_model", "spline_full", "spline_used", "linear_interp", "spline_residual", "outlier_output"),
)
_NOT_COMPARED = ("ASDF", "HDRTAB")
_WCS_TOLERANCE = 1e-9
_WCS_KEYS = tuple(
    key
    for i in (1, 2, 3)
    for key in (f"CRPIX{i}", f"CRVAL{i}", f"CDELT{i}", f"CTYPE{i}", f"CUNIT{i}", f"PC{i}_1", f"PC{i}_2", f"PC{i}_3")
)


@dataclass(frozen=True)
class Difference:
    """How one array differs between the two runs.

    Parameters
    ----------
    product : str
        File name.
    part : str
        EXTNAME, and after a dot the column or keyword.
    size : int
        Number of values.
    largest_relative : float
        Largest ``|a - b| / max(|a|, |b|)`` of values that are finite in both; near zero it is large by nature.
    largest : float
        Largest ``|a - b|`` of values that are finite in both.
    within : float
        Fraction of all values that agree: within the tolerance, both NaN, or both the same infinity.
    nan_mismatches : int
        Values that are NaN in one run only.
    remark : str
        What keeps the arrays from being compared, if anything: shapes that differ, or a part that one run lacks.
    """

    product: str
    part: str
    size: int = 0
    largest_relative: float = 0.0
    largest: float = 0.0
    within: float = 1.0
    nan_mismatches: int = 0
    remark: str = ""

    @property
    def agree(self) -> bool:
        """Whether all values agree."""
        return not self.remark and self.within == 1.0


@dataclass(frozen=True)
class Comparison(Shown):
    """Two runs compared.

    Parameters
    ----------
    folder_a, folder_b : Path
        The runs.
    rtol : float
        Relative tolerance of values.
    differences : tuple of Difference
        One for each array, and one for each WCS keyword that differs.
    only_a, only_b : tuple of str
        Products that one run lacks.
    """

    folder_a: Path
    folder_b: Path
    rtol: float
    differences: tuple[Difference, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """Whether the runs have the same products, and all values agree."""
        return not self.only_a and not self.only_b and all(d.agree for d in self.differences)

    def table(self, *, agree: bool | None = None) -> Table:
        """Return one line for each array or keyword; those that differ first, or only those that agree, or do not."""
        order = sorted((d for d in self.differences if agree in (None, d.agree)), key=lambda d: d.agree)
        lines = [
            (
                d.product,
                d.part,
                "yes" if d.agree else "NO",
                f"{d.largest_relative:.2e}",
                f"{d.largest:.2e}",
                _percent(d.within),
                str(d.nan_mismatches),
                d.remark,
            )
            for d in order
        ]
        only = [(name, self.folder_a) for name in self.only_a] + [(name, self.folder_b) for name in self.only_b]
        missing = [(name, "file", "NO", "-", "-", "-", "-", f"only in {folder}") for name, folder in only if not agree]
        heads = ("product", "part", "agree", "largest relative", "largest", "within rtol", "NaN in one", "remark")
        return Table(heads, (*missing, *lines))

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "Comparison"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        products = {d.product for d in self.differences}
        failing = [d for d in self.differences if not d.agree]
        worst = max(self.differences, key=lambda d: d.largest_relative, default=None)
        return [
            Row("agree", "yes" if self.agree else "no"),
            Row("runs", f"{self.folder_a} | {self.folder_b}"),
            Row("tolerance", f"{self.rtol:g}", "relative"),
            Row("compared", f"{len(products)} products, {len(self.differences)} parts"),
            Row("differing", f"{len(failing)} parts"),
            Row("missing", f"{len(self.only_b)} in the first, {len(self.only_a)} in the second"),
            Row("largest", "-" if worst is None else f"{worst.largest_relative:.2e}", "relative"),
        ]

    def sections(self) -> list[Section]:
        """Return the parts that differ, and those that agree."""
        tables = (("Parts that differ", self.table(agree=False)), ("Parts that agree", self.table(agree=True)))
        return [Section(title, table, open=k == 0) for k, (title, table) in enumerate(tables) if table.rows]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def compare_runs(folder_a: Path | str, folder_b: Path | str, rtol: float = 1e-5) -> Comparison:
    """Return how the products of two runs (``_s3d``, ``_x1d``, ``_crf``, ...) differ; one array is in memory at a time.

    Values agree if ``|a - b| <= rtol * max(|a|, |b|)`` or both are NaN; flags and text if they are equal; WCS keywords
    within 1e-9. Extensions ASDF and HDRTAB and other keywords, which say who made a file, are not compared.

    Parameters
    ----------
    folder_a, folder_b : Path or str
        Folders with products of the same names.
    rtol : float
        Relative tolerance, at least 0.

    Raises
    ------
    InputError
        If a folder does not exist, neither has a product, a file cannot be read, or the tolerance is negative.
    """
    folder_a, folder_b = home(folder_a), home(folder_b)
    if not (math.isfinite(rtol) and rtol >= 0):
        msg = f"rtol = {rtol!r}: must be a number >= 0"
        raise InputError(msg)
    names_a, names_b = _products(folder_a), _products(folder_b)
    if not names_a and not names_b:
        wanted = ", ".join(f"*_{suffix}.fits" for suffix in _SUFFIXES[:4])
        msg = f"{folder_a}, {folder_b}: no products to compare ({wanted}, ...)"
        raise InputError(msg)
    both = sorted(names_a & names_b)
    return Comparison(
        folder_a=folder_a,
        folder_b=folder_b,
        rtol=rtol,
        differences=tuple(d for name in both for d in _files(folder_a / name, folder_b / name, rtol)),
        only_a=tuple(sorted(names_a - names_b)),
        only_b=tuple(sorted(names_b - names_a)),
    )


def compare_products(path_a: Path | str, path_b: Path | str, rtol: float = 1e-5) -> Comparison:
    """Return how two products differ, compared as `compare_runs` does.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    path_a, path_b = Path(path_a), Path(path_b)
    differences = tuple(_files(path_a, path_b, rtol))
    return Comparison(folder_a=path_a.parent, folder_b=path_b.parent, rtol=rtol, differences=differences)


def _products(folder: Path) -> set[str]:
    if not folder.is_dir():
        msg = f"{folder}: no such directory"
        raise InputError(msg)
    return {path.name for suffix in _SUFFIXES for path in folder.glob(f"*_{suffix}.fits")}


def _files(path_a: Path, path_b: Path, rtol: float) -> Iterator[Difference]:
    product = path_a.name
    with opened(path_a) as hdus_a, opened(path_b) as hdus_b:
        names_a, names_b = (_extensions(hdus) for hdus in (hdus_a, hdus_b))
        for name in dict.fromkeys((*names_a, *names_b)):
            if name not in names_a or name not in names_b:
                where = path_b if name not in names_b else path_a
                yield Difference(product, name, remark=f"not in {where.parent}")
                continue
            hdu_a, hdu_b = hdus_a[name], hdus_b[name]
            if name == "SCI":
                yield from _keywords(product, hdu_a.header, hdu_b.header)
            if isinstance(hdu_a, fits.BinTableHDU) and isinstance(hdu_b, fits.BinTableHDU):
                yield from _tables(product, name, hdu_a, hdu_b, rtol)
            else:
                yield _arrays(product, name, hdu_a.data, hdu_b.data, rtol)
            del hdu_a.data, hdu_b.data


def _extensions(hdus: fits.HDUList) -> tuple[str, ...]:
    named = [hdu for hdu in hdus[1:] if hdu.name not in _NOT_COMPARED]
    return tuple(hdu.name for hdu in named if hdu.header.get("NAXIS", 0) > 0)  # others hold keywords only


def _keywords(product: str, a: fits.Header, b: fits.Header) -> Iterator[Difference]:
    for key in _WCS_KEYS:
        x, y = a.get(key), b.get(key)
        if isinstance(x, int | float) and isinstance(y, int | float):
            gap = abs((x - y + 180.0) % 360.0 - 180.0) if key == "CRVAL1" else abs(x - y)
            scale = max(abs(x), abs(y))
            if gap > _WCS_TOLERANCE * (scale if key.startswith("CDELT") else max(1.0, scale)):
                yield Difference(product, f"SCI.{key}", 1, gap / scale, gap, 0.0, remark=f"{x!r} | {y!r}")
        elif x != y:
            yield Difference(product, f"SCI.{key}", 1, within=0.0, remark=f"{x!r} | {y!r}")


def _tables(product: str, name: str, a: fits.BinTableHDU, b: fits.BinTableHDU, rtol: float) -> Iterator[Difference]:
    columns_a, columns_b = a.columns.names, b.columns.names
    for column in dict.fromkeys((*columns_a, *columns_b)):
        part = f"{name}.{column}"
        if column not in columns_a or column not in columns_b:
            yield Difference(product, part, remark=f"not in the {'second' if column in columns_a else 'first'}")
        else:
            yield _arrays(product, part, a.data[column], b.data[column], rtol)


def _arrays(product: str, part: str, a: NDArray[Any] | None, b: NDArray[Any] | None, rtol: float) -> Difference:
    if a is None or b is None or a.shape != b.shape:
        shapes = " | ".join("no data" if array is None else str(array.shape) for array in (a, b))
        same = a is None and b is None
        return Difference(product, part, remark="" if same else f"shapes {shapes}")
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        equal = float(np.mean(a == b)) if a.size else 1.0
        return Difference(product, part, a.size, within=equal)
    tolerance = rtol if "f" in (a.dtype.kind, b.dtype.kind) else 0.0
    sums = [_numbers(x, y, tolerance) for x, y in _slabs(a, b)]
    return Difference(
        product,
        part,
        size=int(a.size),
        largest_relative=max((s[0] for s in sums), default=0.0),
        largest=max((s[1] for s in sums), default=0.0),
        within=1.0 if not a.size else sum(s[2] for s in sums) / a.size,
        nan_mismatches=sum(s[3] for s in sums),
    )


def _slabs(a: NDArray[Any], b: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Return pieces of about a million values, so that the work needs no more memory than the arrays."""
    rows = max(1, 1_000_000 // max(1, math.prod(a.shape[1:])))
    for start in range(0, len(a), rows):
        yield a[start : start + rows].astype(np.float64), b[start : start + rows].astype(np.float64)


def _numbers(a: NDArray[np.float64], b: NDArray[np.float64], rtol: float) -> tuple[float, float, int, int]:
    """Return the largest relative and absolute difference, how many agree, and how many are NaN in one only."""
    nan_a, nan_b = np.isnan(a), np.isnan(b)
    finite = np.isfinite(a) & np.isfinite(b)
    gap = np.abs(a[finite] - b[finite])
    scale = np.maximum(np.abs(a[finite]), np.abs(b[finite]))
    relative = np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)
    agreeing = int((gap <= rtol * scale).sum()) + int((nan_a & nan_b).sum()) + int((np.isinf(a) & (a == b)).sum())
    return float(_largest(relative)), float(_largest(gap)), agreeing, int((nan_a != nan_b).sum())


def _largest(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.max(values)) if len(values) else 0.0


def _percent(fraction: float) -> str:
    """Return a percentage that says 100 only if it is all."""
    text = f"{fraction:.4%}"
    return "99.9999%" if text == "100.0000%" and fraction < 1.0 else text
