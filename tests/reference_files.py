"""Small reference files in the observatory's layout."""

import json

from astropy.io import fits


def cubepar_hdus(kind="E", channel="I"):
    """Return a small cubepar file with float columns of a kind, ``E`` or ``D``."""
    numbers = {"SPAXELSIZE": [0.13], "SPECTRALSTEP": [0.0008], "WAVEMIN": [4.9], "WAVEMAX": [5.74]}
    keys = [fits.Column("CHANNEL", channel, array=[1]), fits.Column("BAND", "12A", array=["SHORT"])]
    columns = [fits.Column(name, kind, array=values) for name, values in numbers.items()]
    multi = fits.Column("WAVELENGTH", kind, array=[4.9, 5.0])
    return fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.BinTableHDU.from_columns(keys + columns, name="CUBEPAR"),
            fits.BinTableHDU.from_columns([multi], name="MULTICHANNEL_DRIZ"),
        ]
    )


def asdf_text(**tree):
    """Return an ASDF file with arrays in its text (JSON is YAML)."""
    return "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n---\n" + json.dumps(tree) + "\n...\n"


def extract1d(**changes):
    data = {
        "wavelength": [5.0, 6.0],
        "wavelength_units": "micron",
        "radius": [0.5, 0.6],
        "radius_units": "arcsec",
        "inner_bkg": [1.0, 1.1],
        "outer_bkg": [2.0, 2.1],
    }
    meta = {"method": "exact", "subpixels": 5, "subtract_background": False}
    top = {key: changes.pop(key) for key in ("data", "meta") if key in changes}
    data |= {key: value for key, value in changes.items() if key in data}
    meta |= {key: value for key, value in changes.items() if key in meta}
    return asdf_text(**({"data": data, "meta": meta} | top))


def apcorr(**changes):
    table = {"wavelength": [5.0, 6.0], "radius": [[0.5, 0.6], [0.9, 1.0]], "apcorr": [[1.5, 1.4], [1.2, 1.1]]}
    return asdf_text(apcorr_table=table | {"radius_units": "arcseconds", "wavelength_units": "microns"} | changes)
