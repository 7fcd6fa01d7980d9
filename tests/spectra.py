"""Spectra made up for tests."""

import numpy as np

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.spectrum import COLUMNS, Spectrum


def spectrum_of(wave, *, band="1A", name="x_x1d.fits", time=100.0, source_type="EXTENDED", cards=(), **columns):
    """Return a spectrum; columns are given by their lower-case names, FLUX is 1 with error 0.1 where not given."""
    wave = np.asarray(wave, dtype=float)
    values = {key: np.zeros(wave.size, np.uint32 if key == "DQ" else float) for key in COLUMNS}
    given = {"flux": 1.0, "flux_error": 0.1, "surf_bright": 2.0, "sb_error": 0.2} | columns
    for key, value in given.items():
        values[key.upper()] = values[key.upper()] + np.asarray(value).astype(values[key.upper()].dtype)
    values["WAVELENGTH"] = wave
    where = Band.from_name(band)
    head = Cards().updated(
        CHANNEL=str(where.channel), BAND=where.sub_band.upper(), **({"EFFEXPTM": time} | dict(cards))
    )
    return Spectrum(
        name=name,
        bands=(where,),
        columns=values,
        source_type=source_type,
        position=(1.0, 2.0),
        ra=10.0,
        dec=20.0,
        primary=head,
        science=Cards(),
    )
