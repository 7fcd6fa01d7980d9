"""Traits of the viewers: what is assigned is converted and checked; wavelengths are kept in micron."""

from typing import Any

import numpy as np
import traitlets
from astropy import units as u

from mrsnb.core.lines import LINE_LISTS
from mrsnb.core.redshift import checked_redshift
from mrsnb.errors import ParamError, nearest


class ClickTrait(traitlets.Tuple):
    """What was clicked last, or None before; those who observe it are told of each click, of an equal one too."""

    def __init__(self) -> None:
        super().__init__(default_value=None, allow_none=True)

    def set(self, obj: Any, value: Any) -> None:
        """Keep `value`, and tell of it."""
        obj._trait_values.pop(self.name, None)  # noqa: SLF001 (else an equal value is not told of)
        super().set(obj, value)


class WaveTrait(traitlets.TraitType):  # type: ignore[type-arg]
    """A wavelength in micron, or None; any unit of length, frequency or energy may be assigned."""

    default_value = None
    allow_none = True
    info_text = "a wavelength with its unit, e.g. 12.81 * u.um, or None"

    def validate(self, obj: Any, value: Any) -> Any:  # noqa: ARG002
        """Return `value` in micron."""
        wave = _micron(self.name, value, self.info_text)
        if wave.ndim or not wave > 0 * u.um:
            msg = f"{self.name} = {value}: must be one wavelength greater than 0"
            raise ParamError(msg)
        return wave


class WaveRangeTrait(traitlets.TraitType):  # type: ignore[type-arg]
    """Two wavelengths in micron, rising, or None."""

    default_value = None
    allow_none = True
    info_text = "two wavelengths with their unit, e.g. (9.6, 9.7) * u.um, or None"

    def validate(self, obj: Any, value: Any) -> Any:  # noqa: ARG002
        """Return `value` in micron, the shorter one first."""
        if isinstance(value, tuple | list) and any(isinstance(part, u.Quantity) for part in value):
            value = u.Quantity(value)
        pair = _micron(self.name, value, self.info_text)
        if pair.shape != (2,) or not np.isfinite(pair.value).all() or pair[0] == pair[1]:
            msg = f"{self.name} = {value}: must be {self.info_text}"
            raise ParamError(msg)
        return np.sort(pair)


def checked_range(name: str, value: Any) -> Any:
    """Return two wavelengths in micron, the shorter one first.

    Raises
    ------
    ParamError
        If `value` is not that.
    """
    trait = WaveRangeTrait()
    trait.name = name
    return trait.validate(None, value)


class RedshiftTrait(traitlets.TraitType):  # type: ignore[type-arg]
    """A redshift that light can have."""

    default_value = 0.0
    info_text = "a number greater than -1"

    def validate(self, obj: Any, value: Any) -> float:  # noqa: ARG002
        """Return `value` as a float."""
        return checked_redshift(value)


class LineListsTrait(traitlets.TraitType):  # type: ignore[type-arg]
    """Names of `LINE_LISTS`, in their order."""

    default_value = ()
    info_text = "names of line lists"

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:  # noqa: ARG002
        """Return the names as a tuple."""
        names = (value,) if isinstance(value, str) else tuple(value)
        wrong = [name for name in names if name not in LINE_LISTS]
        if wrong:
            msg = f"{self.name}: {wrong[0]!r} does not exist{nearest(str(wrong[0]), list(LINE_LISTS))}"
            raise ParamError(msg)
        return tuple(name for name in LINE_LISTS if name in names)


def _micron(name: str | None, value: Any, wanted: str) -> Any:
    if not isinstance(value, u.Quantity):
        msg = f"{name} = {value!r}: must be {wanted}"
        raise ParamError(msg)
    try:
        return value.to(u.um, u.spectral())
    except u.UnitConversionError:
        msg = f"{name} = {value}: {value.unit} is no unit of wavelength; must be {wanted}"
        raise ParamError(msg) from None
