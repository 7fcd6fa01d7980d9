"""What was found about a quality of products, and whether it is good."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any, Literal, NamedTuple

from mrsnb.display import Badge, Row

Verdict = Literal["good", "not known", "warning", "bad"]
ORDER: tuple[Verdict, ...] = ("good", "not known", "warning", "bad")
"""From what needs no attention to what needs most."""
_NAMED = 4
"""Bands that are named; of more, their number is told."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One quality of products, judged.

    Parameters
    ----------
    name : str
        What was looked at.
    value : str
        What was found, the worst of all bands.
    limit : str
        What would be good.
    verdict : {'good', 'not known', 'warning', 'bad'}
    meaning : str
        What it means, one sentence.
    remedy : str
        What can be done if it is not good: which parameter to change, what to look at.
    bands : tuple of str
        Bands that are not good; empty if it is not about bands.
    """

    name: str
    value: str
    limit: str
    verdict: Verdict
    meaning: str
    remedy: str
    bands: tuple[str, ...] = ()

    @property
    def badge(self) -> Badge:
        """The verdict, as tables show it."""
        return Badge(self.verdict, kind=self.verdict.replace(" ", "-"))

    @property
    def advice(self) -> str:
        """What it means, and what can be done unless all is well."""
        return f"{self.meaning} {self.remedy}" if self.is_doubt else self.meaning

    @property
    def is_doubt(self) -> bool:
        """True if it is not good, as far as is known."""
        return self.verdict in ("warning", "bad")

    @property
    def row(self) -> Row:
        """What was found, and what can be done, in one row."""
        return Row(f"warning: {self.name}", self.value, note=f"good is {self.limit}. {self.remedy}")


class Limits(NamedTuple):
    """Where a number stops being good.

    Parameters
    ----------
    warning, bad : float
        Beyond, the verdict is that. `bad` may be infinite: there is nothing so bad.
    unit : str
        Written after numbers; ``"%"`` shows shares as percent.
    low : bool
        True if small numbers are the bad ones.
    """

    warning: float
    bad: float
    unit: str = ""
    low: bool = False

    def verdict(self, value: float) -> Verdict:
        """Return what a value is worth; ``"not known"`` for one that is not finite."""
        if not isfinite(value):
            return "not known"
        beyond = (lambda edge: value < edge) if self.low else (lambda edge: value > edge)
        return "bad" if beyond(self.bad) else "warning" if beyond(self.warning) else "good"

    def text(self, value: float) -> str:
        """Return a value with its unit."""
        if self.unit != "%":
            return f"{value:.3g} {self.unit}".rstrip()
        percent = 100 * value
        return f"{percent:.3g} %" if abs(percent) >= 0.001 or percent == 0 else f"{percent:.0e} %"

    @property
    def told(self) -> str:
        """What is good, in words."""
        if self.warning == 0 and not self.low:
            return "none"
        return f"{'at least' if self.low else 'at most'} {self.text(self.warning)}"


class Words(NamedTuple):
    """What a check is called, what it means, and the remedy."""

    name: str
    meaning: str
    remedy: str


def graded(words: Words, values: Mapping[str, float], limits: Limits) -> Check:
    """Return the check of a number that each band has: the worst counts, those that are not good are named.

    Parameters
    ----------
    words : Words
    values : mapping of str to float
        By band; NaN where it is not known.
    limits : Limits

    Examples
    --------
    >>> check = graded(Words("holes", "a", "b"), {"1A": 0.001, "1B": 0.2}, Limits(0.01, 0.1, "%"))
    >>> check.value, check.verdict, check.bands
    ('20 % in 1B', 'bad', ('1B',))
    """
    known = {band: value for band, value in values.items() if isfinite(value)}
    if not known:
        return judged(words, "-", limits.told, "not known")
    worst = (min if limits.low else max)(known, key=lambda band: known[band])
    verdict = limits.verdict(known[worst])
    beyond = tuple(band for band, value in known.items() if limits.verdict(value) in ("warning", "bad"))
    value = limits.text(known[worst])
    if beyond or len(set(known.values())) > 1:
        value += f" in {worst}"
    if len(beyond) > 1:
        value += f"; beyond the limit in {named(beyond)}"
    return judged(words, value, limits.told, verdict, beyond)


def judged(words: Words, value: str, limit: str, verdict: Verdict, bands: Sequence[str] = ()) -> Check:
    """Return the check of these words."""
    name, meaning, remedy = words
    bands = tuple(bands)
    return Check(name=name, value=value, limit=limit, verdict=verdict, meaning=meaning, remedy=remedy, bands=bands)


def named(bands: Sequence[str]) -> str:
    """Return the names of bands, or how many there are beside the first.

    Examples
    --------
    >>> named(["1A", "1B"]), named(["1A", "1B", "1C", "2A", "2B", "2C"])
    ('1A, 1B', '1A, 1B, 1C and 3 more')
    """
    if len(bands) <= _NAMED:
        return ", ".join(bands)
    return f"{', '.join(bands[: _NAMED - 1])} and {len(bands) - _NAMED + 1} more"


def worst_of(checks: Sequence[Check]) -> Verdict:
    """Return the verdict that needs most attention; ``"not known"`` counts only if nothing is known."""
    found = [check.verdict for check in checks if check.verdict != "not known"]
    return max(found, key=ORDER.index, default="not known")


def doubts_of(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that are not good, one of each name: the worst, with the bands of all."""
    found: dict[str, Check] = {}
    for check in checks:
        if check.is_doubt:
            other = found.get(check.name)
            found[check.name] = check if other is None else _joined(other, check)
    return tuple(found.values())


def _joined(one: Check, other: Check) -> Check:
    worst = max(one, other, key=lambda check: ORDER.index(check.verdict))
    bands = tuple(dict.fromkeys([*one.bands, *other.bands]))
    if bands == worst.bands:
        return worst
    return replace(
        worst, value=f"{worst.value.partition('; beyond')[0]}; beyond the limit in {named(bands)}", bands=bands
    )


def recorded_doubts(checks: Iterable[Check]) -> dict[str, dict[str, str]]:
    """Return the checks that are not good as plain values, by name, for the provenance of a product.

    Examples
    --------
    >>> poor = graded(Words("holes", "Empty voxels.", "Fill them."), {"1B": 0.2}, Limits(0.01, 0.1, "%"))
    >>> recorded_doubts([poor])["holes"]["value"]
    '20 % in 1B'
    >>> stated_doubts({"warnings": recorded_doubts([poor])}) == (poor,)
    True
    """
    return {
        check.name: {key: value for key, value in asdict(check).items() if key not in ("name", "bands")}
        | {"bands": ", ".join(check.bands)}
        for check in doubts_of(checks)
    }


def stated_doubts(history: Mapping[str, Any]) -> tuple[Check, ...]:
    """Return the checks that the provenance of a product states not to be good; what is no check is left out."""
    stated = history.get("warnings")
    found = []
    for name, values in stated.items() if isinstance(stated, Mapping) else ():
        if not isinstance(values, Mapping):
            continue
        told = {key: str(values.get(key, "")) for key in ("value", "limit", "meaning", "remedy")}
        verdict: Verdict = "bad" if values.get("verdict") == "bad" else "warning"
        bands = tuple(band for band in str(values.get("bands", "")).split(", ") if band)
        found.append(Check(name=str(name), verdict=verdict, bands=bands, **told))
    return tuple(found)
