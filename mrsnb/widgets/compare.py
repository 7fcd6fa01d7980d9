"""What differs between two runs: parameters, what results say, images and spectra; knows no widgets."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display import Table
from mrsnb.pipeline import ProductSummary, Spec3Params
from mrsnb.widgets.runs import Run
from mrsnb.widgets.work import AnyParams

Array = NDArray[Any]
NO_VALUE = "-"
_PLACING = {"ra_center", "dec_center", "cube_pa", "coord_system", "offset_file"}
"""Parameters that say where a cube is."""


class Change(NamedTuple):
    """A parameter that two runs do not share."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name} {_short(self.before)} \N{RIGHTWARDS ARROW} {_short(self.after)}"


def changes(before: AnyParams, after: AnyParams) -> tuple[Change, ...]:
    """Return the parameters that differ.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> [str(change) for change in changes(CubeBuildParams(), CubeBuildParams(scalexy=0.2))]
    ['scalexy None → 0.2']
    """
    old, new = _flat(before), _flat(after)
    return tuple(Change(name, old.get(name), value) for name, value in new.items() if old.get(name) != value)


def moved(before: AnyParams, after: AnyParams) -> str:
    """Return why two images may not show one field, each spaxel the same place; empty if they do.

    Examples
    --------
    >>> from mrsnb.steps.cube_build import CubeBuildParams
    >>> moved(CubeBuildParams(), CubeBuildParams(cube_pa=30.0))
    'cube_pa differs: the two do not show one field'
    """
    names = [change.name for change in changes(before, after) if change.name.rpartition(".")[2] in _PLACING]
    return f"{', '.join(names)} differs: the two do not show one field" if names else ""


def _flat(params: AnyParams) -> dict[str, Any]:
    values: Mapping[str, Any] = params.to_dict()
    if not isinstance(params, Spec3Params):
        return dict(values)
    return {f"{step}.{name}": value for step, named in values.items() for name, value in named.items()}


def _short(value: Any, most: int = 40) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def products_of(run: Run) -> dict[str, ProductSummary]:
    """Return the products of a run by name, each as it was made last."""
    return {product.name: product for summary in run.results for product in summary.products}


def common_products(one: Run, other: Run) -> tuple[str, ...]:
    """Return the names of the products that both runs made."""
    there = products_of(other)
    return tuple(name for name in products_of(one) if name in there)


def differences(one: Run, other: Run) -> Table:
    """Return what differs between two runs as a table: parameters, and what the results say that both have."""
    rows = [("parameter", c.name, _short(c.before), _short(c.after)) for c in changes(one.params, other.params)]
    said, says = _rows(one), _rows(other)
    both = {title for title, _ in said} & {title for title, _ in says}
    rows += [
        (title, name, _short(said.get((title, name), NO_VALUE)), _short(says.get((title, name), NO_VALUE)))
        for title, name in dict.fromkeys([*said, *says])
        if title in both and said.get((title, name)) != says.get((title, name)) and name != "time"
    ]
    return Table(("where", "what", f"run {one.number}", f"run {other.number}"), tuple(rows))


def _rows(run: Run) -> dict[tuple[str, str], str]:
    return {
        (_place(summary.title), row.name): f"{row.value} {row.unit}".strip()
        for summary in run.results
        for row in summary.rows
    }


def _place(title: str) -> str:
    """Return a title without the numbers in it, which differ between runs."""
    step, _, rest = title.partition(":")
    return step if any(word.isdigit() for word in rest.split()) else title


def residual(before: ProductSummary, after: ProductSummary) -> Array:
    """Return the flux of the second spectrum less that of the first, at the wavelengths of the first; Jy.

    Raises
    ------
    ValueError
        If one of them is no spectrum.
    """
    if before.wave is None or before.flux is None or after.wave is None or after.flux is None:
        msg = f"{before.name}: no spectrum"
        raise ValueError(msg)
    if np.array_equal(before.wave, after.wave):
        return np.asarray(after.flux - before.flux)
    return np.asarray(np.interp(before.wave, after.wave, after.flux, np.nan, np.nan) - before.flux)
