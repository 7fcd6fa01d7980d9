"""The layers of a scene: frozen values, on the sky, in the spectrograph or on the detector.

A sky layer is one pure function, ``surface_brightness(dra, ddec, wave)``. Its light adds to that of the others.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mrsnb.errors import ParamError, nearest

Array = NDArray[np.float64]

STERADIAN = (np.pi / 180 / 3600) ** 2
"""One square arcsec in sr."""

SIGMA = 1 / np.sqrt(8 * np.log(2))
"""Standard deviation of a Gaussian of unit FWHM."""


def psf_fwhm(wave: Array) -> Array:
    """Return the FWHM of the point-spread function in arcsec; any shape, `wave` in micron.

    References
    ----------
    Law et al. 2023, AJ 166, 45: ``0.033 wave + 0.106``.
    """
    return 0.033 * wave + 0.106


@runtime_checkable
class SkyLayer(Protocol):
    """Anything that shines."""

    def surface_brightness(self, dra: Array, ddec: Array, wave: Array) -> Array:
        """Return MJy/sr at offsets from the target (arcsec on the sky, east and north) and wavelengths (micron)."""


@dataclass(frozen=True, kw_only=True)
class EmissionLine:
    """A Gaussian emission line.

    Parameters
    ----------
    wave : float
        Centre, micron.
    peak : float
        Peak above the continuum, in the unit of its source: Jy of a `PointSource`, MJy/sr of an `ExtendedSource`.
    resolving_power : float
        ``wave / FWHM``; the default is about what the spectrograph resolves.
    """

    wave: float
    peak: float
    resolving_power: float = 2500.0

    def __post_init__(self) -> None:
        _positive(self, "wave", "resolving_power")

    @property
    def fwhm_kms(self) -> float:
        """Full width at half maximum, km/s."""
        return 299792.458 / self.resolving_power


def spectrum(wave: Array, level: float, slope: float, lines: tuple[EmissionLine, ...]) -> Array:
    """Return a power law of value `level` at 10 micron, plus lines; `wave` in micron, any shape."""
    wave = np.asarray(wave, dtype=float)
    flux = np.array(level * (wave / 10.0) ** slope)
    for line in lines:
        sigma = SIGMA * line.wave / line.resolving_power
        near = np.abs(wave - line.wave) < 8 * sigma
        flux[near] += line.peak * np.exp(-0.5 * ((wave[near] - line.wave) / sigma) ** 2)
    return flux


@dataclass(frozen=True, kw_only=True)
class PointSource:
    """A star: a power law with lines, spread by a Gaussian without wings.

    Parameters
    ----------
    dra, ddec : float
        Offset from the target, arcsec east and north.
    flux10 : float
        Flux density of the continuum at 10 micron, Jy.
    slope : float
        Exponent of the continuum.
    lines : tuple of EmissionLine
        Emission lines, peaks in Jy.
    """

    dra: float = 0.0
    ddec: float = 0.0
    flux10: float = 0.05
    slope: float = -1.0
    lines: tuple[EmissionLine, ...] = ()

    def flux(self, wave: Array) -> Array:
        """Return the true flux density in Jy at wavelengths in micron."""
        return spectrum(wave, self.flux10, self.slope, self.lines)

    def surface_brightness(self, dra: Array, ddec: Array, wave: Array) -> Array:
        """Return MJy/sr at offsets (arcsec) and wavelengths (micron)."""
        variance = (SIGMA * psf_fwhm(wave)) ** 2
        r2 = (dra - self.dra) ** 2 + (ddec - self.ddec) ** 2
        psf: Array = np.exp(-0.5 * r2 / variance) / (2 * np.pi * variance)
        return self.flux(wave) * psf / STERADIAN / 1e6


@dataclass(frozen=True, kw_only=True)
class ExtendedSource:
    """A disc whose brightness falls exponentially or as a Gaussian from the centre.

    Parameters
    ----------
    dra, ddec : float
        Offset of the centre from the target, arcsec east and north.
    level : float
        Continuum at the centre at 10 micron, MJy/sr.
    scale : float
        Scale length of an exponential disc, or standard deviation of a Gaussian; arcsec along the major axis.
    profile : str
        ``"exponential"`` or ``"gaussian"``.
    axis_ratio : float
        Minor over major axis.
    position_angle : float
        Of the major axis, deg east of north.
    slope : float
        Exponent of the continuum.
    lines : tuple of EmissionLine
        Emission lines, peaks in MJy/sr at the centre.
    """

    dra: float = 0.0
    ddec: float = 0.0
    level: float = 100.0
    scale: float = 1.0
    profile: str = "exponential"
    axis_ratio: float = 1.0
    position_angle: float = 0.0
    slope: float = 0.0
    lines: tuple[EmissionLine, ...] = ()

    def __post_init__(self) -> None:
        _positive(self, "scale", "axis_ratio")
        if self.profile not in ("exponential", "gaussian"):
            msg = f"profile = {self.profile!r} of ExtendedSource{nearest(self.profile, ['exponential', 'gaussian'])}"
            raise ParamError(msg)

    def surface_brightness(self, dra: Array, ddec: Array, wave: Array) -> Array:
        """Return MJy/sr at offsets (arcsec) and wavelengths (micron)."""
        angle = np.deg2rad(self.position_angle)
        east, north = dra - self.dra, ddec - self.ddec
        major = east * np.sin(angle) + north * np.cos(angle)
        minor = (east * np.cos(angle) - north * np.sin(angle)) / self.axis_ratio
        r = np.hypot(major, minor) / self.scale
        shape: Array = np.exp(-r) if self.profile == "exponential" else np.exp(-0.5 * r**2)
        return shape * spectrum(wave, self.level, self.slope, self.lines)


@dataclass(frozen=True, kw_only=True)
class ThermalBackground:
    """Telescope and sky, the same in all directions: ``level * exp(wave / scale)`` in MJy/sr, `scale` in micron."""

    level: float = 20.0
    scale: float = 9.0

    def __post_init__(self) -> None:
        _positive(self, "scale")

    def surface_brightness(self, dra: Array, ddec: Array, wave: Array) -> Array:  # noqa: ARG002
        """Return MJy/sr at offsets (arcsec) and wavelengths (micron)."""
        return self.level * np.exp(wave / self.scale)


@dataclass(frozen=True, kw_only=True)
class SpectralLeak:
    """Light of 6.1 micron that band 3A shows at 12.2 micron.

    Parameters
    ----------
    fraction : float
        Leaked fraction at the peak; 0.0275 in flight.
    """

    fraction: float = 0.0275
    wave: float = 12.217
    width: float = 0.0975

    def transmission(self, wave: Array) -> Array:
        """Return the fraction of the light of half the wavelength that is seen at `wave` (micron)."""
        return self.fraction * np.exp(-0.5 * ((wave - self.wave) / self.width) ** 2)


@dataclass(frozen=True, kw_only=True)
class Fringes:
    """A sine in wavenumber that multiplies all light.

    Parameters
    ----------
    amplitude : float
        Of the sine; 0.02 is 2 %.
    period : float
        In cm^-1.
    """

    amplitude: float = 0.02
    period: float = 2.9

    def __post_init__(self) -> None:
        _positive(self, "period")

    def factor(self, wave: Array) -> Array:
        """Return what the light of `wave` (micron) is multiplied by."""
        return 1 + self.amplitude * np.sin(2 * np.pi * 1e4 / wave / self.period)


@dataclass(frozen=True, kw_only=True)
class CosmicRays:
    """Short tracks along the columns that the jump detection missed; other ones in each exposure, not flagged.

    Parameters
    ----------
    count : int
        Tracks in an exposure.
    """

    count: int = 200

    def __post_init__(self) -> None:
        _not_negative(self, "count")


@dataclass(frozen=True, kw_only=True)
class HotPixels:
    """Pixels that are too bright in every exposure of a detector and not flagged.

    Parameters
    ----------
    count : int
        Pixels on a detector, some of which fall between the slices.
    """

    count: int = 300

    def __post_init__(self) -> None:
        _not_negative(self, "count")


@dataclass(frozen=True, kw_only=True)
class BadPixels:
    """Dead pixels: flagged, their values NaN; other ones in each exposure.

    Parameters
    ----------
    fraction : float
        Of the detector, 0 to 1.
    """

    fraction: float = 0.003

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            msg = f"fraction = {self.fraction!r} of BadPixels: must lie between 0 and 1"
            raise ParamError(msg)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Random noise of variance ``shot * |flux| + read`` in (MJy/sr)^2, Gaussian and independent in each pixel."""

    shot: float = 0.4
    read: float = 4.0

    def __post_init__(self) -> None:
        _not_negative(self, "shot", "read")

    def variances(self, flux: Array) -> tuple[Array, Array]:
        """Return the variances of photons and of the readout, (MJy/sr)^2, for `flux` in MJy/sr."""
        return self.shot * np.abs(flux), np.full_like(flux, self.read)


@dataclass(frozen=True, kw_only=True)
class MovingTarget:
    """The target, and with it the scene, moves over the sky; the telescope follows.

    Parameters
    ----------
    rate_ra, rate_dec : float
        Arcsec per hour on the sky, east and north.
    """

    rate_ra: float = 12.0
    rate_dec: float = -7.0


KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        PointSource,
        ExtendedSource,
        ThermalBackground,
        SpectralLeak,
        Fringes,
        CosmicRays,
        HotPixels,
        BadPixels,
        Noise,
        MovingTarget,
    )
}
"""The layers there are, by name."""


def _positive(layer: Any, *names: str) -> None:
    for name in names:
        if not getattr(layer, name) > 0:
            msg = f"{name} = {getattr(layer, name)!r} of {type(layer).__name__}: must be greater than 0"
            raise ParamError(msg)


def _not_negative(layer: Any, *names: str) -> None:
    for name in names:
        if not getattr(layer, name) >= 0:
            msg = f"{name} = {getattr(layer, name)!r} of {type(layer).__name__}: must not be negative"
            raise ParamError(msg)
