"""Exposures with the flight geometry FLT-9, composed of the published reference files as assign_wcs composes them."""

from functools import cache
from io import BytesIO

import numpy as np

SETTINGS = ("12A", "12B", "12C", "34A", "34B", "34C")
SUB_BANDS = {"A": "short", "B": "medium", "C": "long"}
POINTING = {"v2": -503.378, "v3": -318.9922, "ra": 202.4695, "dec": 47.1952, "roll": 30.0}
SPEED_OF_LIGHT = 299792458.0


@cache
def reference(shared, kind):
    """Return the tree of a reference file, e.g. ``"mrs12A_specwcs"``."""
    import asdf

    path = shared / "data" / "flt9" / f"jwst_miri_{kind}_flt9.asdf"
    with asdf.open(path, lazy_load=False, memmap=False) as content:
        return content.tree


def slice_map(shared, setting):
    """Return the labels of the slices, shape (1024, 1032)."""
    with np.load(shared / "data" / "slice_maps_cdp8b.npz") as maps:
        return maps[setting]


def flight_wcs(shared, setting, *, va_scale=1.00002, velosys=12345.6, pointing=POINTING):
    """Return the ``gwcs.wcs.WCS`` of an exposure; None for `va_scale` or `velosys` leaves that correction out."""
    from gwcs import wcs

    distortion = reference(shared, f"mrs{setting}_distortion")
    table = reference(shared, "mrs_wavelengthrange")
    ranges = dict(zip(table["waverange_selector"], map(tuple, table["wavelengthrange"]), strict=True))
    names = [number + SUB_BANDS[setting[2]].upper() for number in setting[:2]]
    frames = _frames()
    transforms = [
        _detector(shared, setting, distortion, {name: ranges[name] for name in names}, velosys),
        _telescope(distortion, {name: ranges[name] for name in names}),
        _aberration(va_scale, pointing),
        _sky(pointing),
    ]
    found = wcs.WCS([*zip(frames[:-1], transforms, strict=True), (frames[-1], None)])
    found.bounding_box = ((-0.5, 1031.5), (-0.5, 1023.5))
    return found


def _frames():
    from astropy import coordinates, units
    from gwcs import coordinate_frames as cf

    arcsec = (units.arcsec, units.arcsec)
    spectral = cf.SpectralFrame(name="wavelength", axes_order=(2,), unit=(units.micron,), axes_names=("lam",))
    local = cf.Frame2D(name="local", axes_order=(0, 1), unit=arcsec, axes_names=("alpha", "beta"))
    sky = cf.CelestialFrame(name="icrs", axes_order=(0, 1), reference_frame=coordinates.ICRS())

    def focal(name):
        return cf.Frame2D(name=f"{name}_spatial", axes_order=(0, 1), unit=arcsec, axes_names=("v2", "v3"))

    return [
        cf.Frame2D(name="detector", axes_order=(0, 1), unit=(units.pix, units.pix)),
        cf.CompositeFrame([local, spectral], name="alpha_beta"),
        cf.CompositeFrame([focal("v2v3"), spectral], name="v2v3"),
        cf.CompositeFrame([focal("v2v3vacorr"), spectral], name="v2v3vacorr"),
        cf.CompositeFrame([sky, spectral], name="world"),
    ]


def _detector(shared, setting, distortion, ranges, velosys):
    from astropy.modeling.models import Const1D, Identity, Mapping
    from gwcs import selector
    from stdatamodels.jwst.transforms.models import MIRI_AB2Slice

    waves = reference(shared, f"mrs{setting}_specwcs")["model"]
    if velosys is not None:
        velocity = Identity(1) * Const1D(1 / (1 + velosys / SPEED_OF_LIGHT))
        waves = [wave | velocity for wave in waves]
    by_label = {}
    for label, alpha, beta, wave, x, y in zip(
        *(distortion[key] for key in ("slices", "alpha_model", "beta_model")), waves,
        *(distortion[key] for key in ("x_model", "y_model")), strict=True,
    ):  # fmt: skip
        model = Mapping([1, 0, 0, 1, 0]) | alpha & beta & wave
        model.inverse = Mapping([2, 0, 2, 0]) | x & y
        by_label[label] = model
    zero, step = (dict(zip(distortion[key]["channel_band"], distortion[key][value], strict=True))
                  for key, value in (("bzero", "beta_zero"), ("bdel", "delta_beta")))  # fmt: skip
    inputs = ("alpha", "beta", "lam")
    pickers = {
        ranges[name]: selector.LabelMapper(
            inputs, MIRI_AB2Slice(zero[name], step[name], int(name[0])), inputs_mapping=Mapping((1,), n_inputs=3)
        )
        for name in ranges
    }
    labels = selector.LabelMapperArray(slice_map(shared, setting))
    labels.inverse = selector.LabelMapperRange(inputs, pickers, Mapping((2,)))
    return selector.RegionsSelector(("x", "y"), inputs, label_mapper=labels, selector=by_label)


def _telescope(distortion, ranges):
    from astropy.modeling.models import Const1D, Identity, Mapping
    from gwcs import selector

    models = dict(zip(distortion["abv2v3_model"]["channel_band"], distortion["abv2v3_model"]["model"], strict=True))
    pickers = {limits: Mapping((2,)) | Const1D(int(name[0])) for name, limits in ranges.items()}
    inputs = ("alpha", "beta", "lam")
    labels = selector.LabelMapperRange(inputs, pickers, inputs_mapping=Mapping((2,)))
    labels.inverse = labels.copy()
    by_channel = {int(name[0]): models[name] & Identity(1) for name in ranges}
    return selector.RegionsSelector(inputs, ("v2", "v3", "lam"), label_mapper=labels, selector=by_channel)


def _aberration(scale, pointing):
    from astropy.modeling.models import Identity, Scale, Shift

    if scale is None:
        return Identity(3)
    shifts = [(1 - scale) * pointing[axis] for axis in ("v2", "v3")]
    return (Scale(scale) & Scale(scale) | Shift(shifts[0]) & Shift(shifts[1])) & Identity(1)


def _sky(pointing):
    from astropy.modeling.models import Identity, RotationSequence3D, Scale
    from gwcs.geometry import CartesianToSpherical, SphericalToCartesian

    p = pointing
    angles = [p["v2"] / 3600, -p["v3"] / 3600, p["roll"], p["dec"], -p["ra"]]
    sky = (
        Scale(1 / 3600) & Scale(1 / 3600)
        | SphericalToCartesian(wrap_lon_at=180)
        | RotationSequence3D(angles, axes_order="zyxyz")
        | CartesianToSpherical(wrap_lon_at=360)
    )
    return sky & Identity(1)


def asdf_bytes(wcs):
    """Return an ASDF document with ``meta.wcs``, as the ASDF extension of an exposure holds it."""
    import asdf

    out = BytesIO()
    asdf.AsdfFile({"meta": {"wcs": wcs}}).write_to(out)
    return out.getvalue()


def write_extension(path, content):
    """Write a FITS file whose ASDF extension is `content`."""
    from astropy.io import fits

    column = fits.Column("ASDF_METADATA", f"{len(content)}B", array=[np.frombuffer(content, np.uint8)])
    table = fits.BinTableHDU.from_columns([column], name="ASDF")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    return path
