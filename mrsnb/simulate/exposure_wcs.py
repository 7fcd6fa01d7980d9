"""The gWCS of a simulated exposure: the frames, transforms and inverses that the observatory's assign_wcs makes.

``detector`` -> ``alpha_beta`` -> ``v2v3`` -> ``v2v3vacorr`` -> ``world``. The first two steps depend on the setting of
the grating wheels only and are shared by its exposures; the last two follow from the `Pointing`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.simulate.geometry import ChannelGeometry, DetectorGeometry, SliceGeometry

SPEED_OF_LIGHT = 299792458.0
"""In m/s."""


@dataclass(frozen=True, kw_only=True)
class Pointing:
    """Where the telescope looks in one exposure.

    Parameters
    ----------
    ra, dec : float
        Position of the target, deg.
    roll : float
        Position angle of +V3 at the reference point, deg east of north.
    offset : tuple of float
        Where the target falls relative to the reference point, in the ideal frame ``(-V2, V3)``; arcsec.
    v2_ref, v3_ref : float
        Reference point, arcsec.
    va_scale : float
        Scale of velocity aberration.
    velosys : float
        Velocity of the solar system's barycentre along the line of sight, m/s.
    """

    ra: float
    dec: float
    roll: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    v2_ref: float = -503.378
    v3_ref: float = -318.9922
    va_scale: float = 1.00002
    velosys: float = 12345.6

    def reference(self) -> tuple[float, float]:
        """Return ``(ra, dec)`` of the reference point in deg: RA_REF and DEC_REF."""
        v2, v3 = self.v2_ref - self.offset[0], self.v3_ref + self.offset[1]
        ra, dec = self.ra, self.dec
        for _ in range(6):  # each turn gains three digits or more
            there = _to_sky(replace(self, ra=ra, dec=dec))(v2, v3)
            ra += (self.ra - float(there[0]) + 180) % 360 - 180
            dec += self.dec - float(there[1])
        return ra % 360, dec

    def boresight(self) -> tuple[float, float, float]:
        """Return RA_V1, DEC_V1 and PA_V3 in deg: the telescope's axis, and +V3 there, east of north."""
        ra_ref, dec_ref = self.reference()
        to_sky = _to_sky(replace(self, ra=ra_ref, dec=dec_ref))
        ra, dec = (float(value) for value in to_sky(0.0, 0.0))
        north = [float(value) for value in to_sky(0.0, 1.0)]
        east = ((north[0] - ra + 180) % 360 - 180) * np.cos(np.deg2rad(dec))
        return ra, dec, float(np.rad2deg(np.arctan2(east, north[1] - dec))) % 360

    def to_offsets(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return ``(dra, ddec)`` of sky positions (deg) from the target, in arcsec on the sky."""
        dra = ((ra - self.ra + 180) % 360 - 180) * np.cos(np.deg2rad(self.dec)) * 3600
        return dra, (dec - self.dec) * 3600


def exposure_wcs(geometry: DetectorGeometry, pointing: Pointing) -> Any:
    """Return the ``gwcs.wcs.WCS`` of an exposure.

    Parameters
    ----------
    geometry : DetectorGeometry
        Detector and setting.
    pointing : Pointing
        Where the telescope looks.
    """
    from astropy.modeling import models
    from gwcs import wcs

    frames = _frames()
    ra_ref, dec_ref = pointing.reference()
    to_alpha_beta, to_v2v3 = _instrument(geometry, pointing.velosys)
    transforms = [
        to_alpha_beta,
        to_v2v3,
        _aberration(pointing) & models.Identity(1),
        _to_sky(replace(pointing, ra=ra_ref, dec=dec_ref)) & models.Identity(1),
        None,
    ]
    return wcs.WCS(list(zip(frames, transforms, strict=True)))


def _frames() -> list[Any]:
    """Return the coordinate frames, detector first."""
    from astropy import coordinates
    from astropy import units as u
    from gwcs import coordinate_frames as cf

    def with_wave(name: str, sky: Any, spectral: str = "spectral") -> Any:
        wave = cf.SpectralFrame(name=spectral, axes_order=(2,), unit=(u.micron,), axes_names=("lambda",))
        return cf.CompositeFrame([sky, wave], name=name)

    def plane(name: str, axes: tuple[str, str]) -> Any:
        return cf.Frame2D(name=name, axes_order=(0, 1), unit=(u.arcsec, u.arcsec), axes_names=axes)

    icrs = cf.CelestialFrame(
        name="icrs",
        reference_frame=coordinates.ICRS(),
        axes_order=(0, 1),
        unit=(u.deg, u.deg),
        axes_names=("RA", "DEC"),
    )
    return [
        cf.Frame2D(name="detector", axes_order=(0, 1), unit=(u.pix, u.pix)),
        with_wave("alpha_beta", plane("alpha_beta_spatial", ("alpha", "beta")), "alpha_beta_spectral"),
        with_wave("v2v3", plane("v2v3_spatial", ("v2", "v3"))),
        with_wave("v2v3vacorr", plane("v2v3vacorr_spatial", ("v2", "v3"))),
        with_wave("world", icrs),
    ]


@lru_cache(maxsize=8)
def _instrument(geometry: DetectorGeometry, velosys: float) -> tuple[Any, Any]:
    """Return the steps detector -> alpha_beta and alpha_beta -> v2v3, shared by all pointings."""
    from astropy.modeling import bind_bounding_box

    factor = 1.0 / (1.0 + velosys / SPEED_OF_LIGHT)
    to_alpha_beta = _detector_to_alpha_beta(geometry, factor).rename("detector_to_abl")
    n_rows, n_columns = geometry.slice_map.shape
    bind_bounding_box(to_alpha_beta, ((-0.5, n_columns - 0.5), (-0.5, n_rows - 0.5)), order="F")
    return to_alpha_beta, _alpha_beta_to_v2v3(geometry).rename("abl_to_v2v3l")


def _velocity(factor: float) -> Any:
    """Return the model that makes wavelengths barycentric."""
    from astropy.modeling import models

    model = models.Identity(1) * models.Const1D(factor, name="velocity_correction")
    model.inverse = models.Identity(1) / models.Const1D(factor, name="inv_vel_correction")
    return model


def _polynomial(coefficients: NDArray[np.float64], name: str) -> Any:
    """Return the ``Polynomial2D`` with ``coefficients[i, j]`` of ``u**i * v**j``."""
    from astropy.modeling import models

    degree = len(coefficients) - 1
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    values = {f"c{i}_{j}": float(coefficients[i, j]) for i, j in powers}
    unit: dict[str, list[int]] = {f"{axis}_{kind}": [-1, 1] for axis in "xy" for kind in ("domain", "window")}
    return models.Polynomial2D(degree, name=name, **unit, **values)


def _slice_model(strip: SliceGeometry, velocity: Any) -> Any:
    """Return (x, y) -> (alpha, beta, wave) of one slice, with its inverse.

    The polynomials of the inverse take the barycentric wavelength at once, so the round trip closes.
    """
    from astropy.modeling import models

    factor = float(velocity[1].amplitude.value)
    shrink = factor ** -np.arange(float(len(strip.x)))[:, None]
    alpha, wave = (
        models.Identity(1) & models.Shift(-strip.column) | _polynomial(coefficients, "det2local")
        for coefficients in (strip.alpha, strip.wave)
    )
    beta = models.Const1D(strip.beta, name="det2local")
    forward = models.Mapping([1, 0, 0, 1, 0]) | alpha & beta & (wave | velocity)
    shift_x, shift_y = (models.Shift(-strip.wave_mid * factor, name=f"shift_{axis}") for axis in "xy")
    x = shift_x & models.Identity(1) | _polynomial(strip.x * shrink, "polynomial_x")
    y = shift_y & models.Identity(1) | _polynomial(strip.y * shrink, "polynomial_y")
    forward.inverse = models.Mapping([2, 0, 2, 0]) | x & y
    return forward


def _detector_to_alpha_beta(geometry: DetectorGeometry, factor: float) -> Any:
    from astropy.modeling import models
    from gwcs import selector
    from stdatamodels.jwst.transforms.models import MIRI_AB2Slice

    inputs = ("alpha", "beta", "lam")
    by_window = {}
    for channel in geometry.channels:
        to_label = MIRI_AB2Slice(channel.slices[0].beta, channel.band.slice_width, channel.band.channel)
        by_window[channel.window] = selector.LabelMapper(
            inputs=inputs, mapper=to_label, inputs_mapping=models.Mapping((1,), n_inputs=3)
        )
    label_mapper = selector.LabelMapperArray(geometry.slice_map)
    label_mapper.inverse = selector.LabelMapperRange(inputs, by_window, models.Mapping((2,)))
    velocity = _velocity(factor)
    by_label = {s.label: _slice_model(s, velocity) for channel in geometry.channels for s in channel.slices}
    return selector.RegionsSelector(("x", "y"), inputs, label_mapper=label_mapper, selector=by_label)


def _alpha_beta_to_v2v3(geometry: DetectorGeometry) -> Any:
    from astropy.modeling import models
    from gwcs import selector

    inputs = ("alpha", "beta", "lam")
    by_window, by_channel = {}, {}
    for channel in geometry.channels:
        number = channel.band.channel
        by_window[channel.window] = models.Mapping((2,), name="mapping_lam") | models.Const1D(number, name="channel #")
        wave = models.Identity(1, name="identity_lam")
        wave.inputs = ("lam",)
        by_channel[number] = _plane_model(channel) & wave
    label_mapper = selector.LabelMapperRange(inputs, by_window, inputs_mapping=models.Mapping((2,)))
    label_mapper.inverse = label_mapper.copy()
    return selector.RegionsSelector(inputs, ("v2", "v3", "lam"), label_mapper=label_mapper, selector=by_channel)


def _plane_model(channel: ChannelGeometry) -> Any:
    """Return (alpha, beta) -> (v2, v3) of one channel, with its inverse."""
    from astropy.modeling import models

    def pair(rows: NDArray[np.float64], name: str) -> Any:
        first, second = (_polynomial(np.array([[c[0], c[2]], [c[1], 0.0]]), name) for c in rows)
        return models.Mapping((0, 1, 0, 1)) | first & second

    model = pair(channel.to_v2v3, "ab_v23")
    model.inverse = pair(channel.to_alpha_beta, "v23_ab")
    return model


def _aberration(pointing: Pointing) -> Any:
    """Return the correction for differential velocity aberration."""
    from astropy.modeling import models

    scale = pointing.va_scale
    if scale == 1:
        return models.Identity(2)
    shifts = [(1 - scale) * reference for reference in (pointing.v2_ref, pointing.v3_ref)]
    model = models.Scale(scale, name="dva_scale_v2") & models.Scale(scale, name="dva_scale_v3") | (
        models.Shift(shifts[0], name="dva_v2_shift") & models.Shift(shifts[1], name="dva_v3_shift")
    )
    model.name = "DVA_Correction"
    return model


def _to_sky(pointing: Pointing) -> Any:
    """Return (v2, v3) in arcsec -> (ra, dec) in deg, with the reference point at ``pointing.ra, pointing.dec``."""
    from astropy.modeling import models
    from gwcs.geometry import CartesianToSpherical, SphericalToCartesian

    angles = [
        pointing.v2_ref / 3600,
        -pointing.v3_ref / 3600,
        pointing.roll,
        pointing.dec,
        -pointing.ra,
    ]
    model = (
        models.Scale(1 / 3600) & models.Scale(1 / 3600)
        | SphericalToCartesian(wrap_lon_at=180)
        | models.RotationSequence3D(angles, axes_order="zyxyz")
        | CartesianToSpherical(wrap_lon_at=360)
    )
    model.name = "v23tosky"
    return model
