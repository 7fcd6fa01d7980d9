"""What there is to observe: a scene is a tuple of layers, and its light their sum."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Self

import numpy as np

from mrsnb.errors import ParamError, nearest
from mrsnb.simulate.layers import (
    KINDS,
    Array,
    BadPixels,
    CosmicRays,
    EmissionLine,
    ExtendedSource,
    Fringes,
    HotPixels,
    MovingTarget,
    Noise,
    PointSource,
    SkyLayer,
    SpectralLeak,
    ThermalBackground,
)


@dataclass(frozen=True)
class Scene:
    """A tuple of layers; nothing at all without any.

    Examples
    --------
    >>> scene = Scene().add(PointSource(flux10=0.1)).add(ThermalBackground())
    >>> len(scene.layers), len(Scene().layers)
    (2, 0)
    >>> Scene.from_dict(scene.to_dict()) == scene
    True
    """

    layers: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        for layer in self.layers:
            if not isinstance(layer, (SkyLayer, *KINDS.values())):
                msg = f"layer {layer!r} of a Scene: must be one of {', '.join(KINDS)}, or have surface_brightness()"
                raise ParamError(msg)

    def add(self, *layers: Any) -> "Scene":
        """Return a scene with more layers on top; this one is left as it is."""
        return Scene((*self.layers, *layers))

    def without(self, kind: type) -> "Scene":
        """Return a scene without the layers of one kind."""
        return Scene(tuple(layer for layer in self.layers if not isinstance(layer, kind)))

    def only(self, kind: type[Any]) -> list[Any]:
        """Return the layers of one kind."""
        return [layer for layer in self.layers if isinstance(layer, kind)]

    @property
    def motion(self) -> MovingTarget | None:
        """How the target moves, or None."""
        found = self.only(MovingTarget)
        return found[-1] if found else None

    @property
    def source_type(self) -> str:
        """What the observer would declare: POINT if there is a point source, else EXTENDED."""
        return "POINT" if self.only(PointSource) else "EXTENDED"

    def surface_brightness(self, dra: Array, ddec: Array, wave: Array) -> Array:
        """Return the light that reaches the detector.

        Parameters
        ----------
        dra, ddec : ndarray
            Offsets from the target in arcsec on the sky, east and north; any shape.
        wave : ndarray
            Wavelengths in micron; same shape.

        Returns
        -------
        ndarray
            MJy/sr, noise-free; same shape.
        """
        total = self._sky(dra, ddec, wave)
        for leak in self.only(SpectralLeak):
            transmission = leak.transmission(wave)
            seen = transmission > 1e-9
            total[seen] += transmission[seen] * self._sky(dra[seen], ddec[seen], wave[seen] / 2)
        for fringes in self.only(Fringes):
            total = total * fringes.factor(wave)
        return total

    def _sky(self, dra: Array, ddec: Array, wave: Array) -> Array:
        total = np.zeros(np.shape(wave))
        for layer in self.layers:
            if isinstance(layer, SkyLayer):
                total = total + layer.surface_brightness(dra, ddec, wave)
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return the scene as plain values, fit for JSON."""
        described = [
            (type(layer).__name__, asdict(layer) if is_dataclass(layer) and not isinstance(layer, type) else {})
            for layer in self.layers
        ]
        return {"layers": [{"kind": name, **values} for name, values in described]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the scene that `to_dict` gave.

        Raises
        ------
        ParamError
            If a layer or one of its values has an unknown name.
        """
        return cls(tuple(_layer(dict(layer)) for layer in values.get("layers", ())))


def _layer(values: dict[str, Any]) -> Any:
    name = str(values.pop("kind", ""))
    if name not in KINDS:
        msg = f"layer kind {name!r} in a scene{nearest(name, list(KINDS))}"
        raise ParamError(msg)
    if "lines" in values:
        values["lines"] = tuple(_made(EmissionLine, line) for line in values["lines"])
    return _made(KINDS[name], values)


def _made(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Return ``kind(**values)``, names and types checked."""
    known = {f.name: f.type for f in fields(kind)}
    for key, value in values.items():
        if key not in known:
            msg = f"{key!r} of {kind.__name__} in a scene{nearest(key, list(known))}"
            raise ParamError(msg)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if known[key] in (int, float) and not number:
            msg = f"{key} = {value!r} of {kind.__name__} in a scene: must be a number"
            raise ParamError(msg)
    return kind(**values)


LINES = tuple(
    EmissionLine(wave=wave, peak=peak)
    for wave, peak in (
        (5.511, 0.02),
        (6.985, 0.05),
        (8.991, 0.03),
        (10.511, 0.06),
        (12.814, 0.08),
        (15.555, 0.07),
        (18.713, 0.05),
        (25.89, 0.06),
    )
)
"""H2 S(7), [Ar II], [Ar III], [S IV], [Ne II], [Ne III], [S III] and [O IV] of the default source."""

STAR = Scene(
    (
        PointSource(lines=LINES),
        ThermalBackground(),
        Noise(),
        CosmicRays(count=20),
        HotPixels(count=30),
        BadPixels(fraction=0.003),
    )
)
"""The default scene: 50 mJy at 10 micron falling as 1 / wave, with eight lines, on a thermal background.

As few cosmic rays and hot pixels are left as level 2 leaves, so the star's spectrum stands without outlier detection.
"""

GALAXY_REDSHIFT = 0.01
"""Of the lines of `GALAXY`."""


def _seen(speed: float, *lines: tuple[float, float]) -> tuple[EmissionLine, ...]:
    """Return lines of a part of `GALAXY` that recedes at `speed` (km/s) more than the whole; wavelengths at rest."""
    shift = (1 + GALAXY_REDSHIFT) * (1 + speed / 299792.458)
    return tuple(EmissionLine(wave=wave * shift, peak=peak) for wave, peak in lines)


GALAXY = Scene(
    (
        PointSource(flux10=0.02, slope=0.8, lines=_seen(0.0, (5.340169, 0.004), (12.81355, 0.012), (18.71303, 0.01))),
        ExtendedSource(
            level=60.0,
            scale=0.9,
            axis_ratio=0.6,
            position_angle=40.0,
            slope=0.5,
            lines=_seen(0.0, (5.51118, 53.0), (8.02504, 321.0), (12.27861, 300.0)),
        ),
        ExtendedSource(
            dra=0.58,
            ddec=0.69,
            level=40.0,
            scale=0.3,
            profile="gaussian",
            lines=_seen(110.0, (5.340169, 120.0), (12.81355, 700.0), (18.71303, 500.0)),
        ),
        ExtendedSource(
            dra=-0.58,
            ddec=-0.69,
            level=40.0,
            scale=0.3,
            profile="gaussian",
            lines=_seen(-110.0, (5.340169, 80.0), (12.81355, 500.0), (18.71303, 350.0)),
        ),
        ThermalBackground(),
        Noise(),
        CosmicRays(count=20),
        HotPixels(count=30),
        BadPixels(fraction=0.003),
    )
)
"""A galaxy of redshift 0.01: a nucleus, a disc with warm molecular hydrogen, and two knots of star formation.

The knots, 0.9 arcsec to the north-east and south-west, recede and approach at 110 km/s in [Fe II], [Ne II] and [S III].
The disc has H2 S(7), S(4) and S(2) as gas of 700 K in equilibrium has them.
"""
