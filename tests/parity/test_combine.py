"""combine_1d against the observatory's, to the last bit (reference_combine.npz, made by make_reference_combine.py)."""

from pathlib import Path

import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.combined import COMBINED_COLUMNS
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.steps.combine_1d import Combine1dParams, combine_1d

NAMES = ("WAVELENGTH", "FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR", "DQ")
CASES = ("same", "clipped", "shifted", "falling", "bands", "alone")


@pytest.fixture(scope="module")
def reference():
    return np.load(Path(__file__).parent / "reference_combine.npz")


def spectrum_of(rows):
    columns = {key: np.zeros(rows.shape[1]) for key in COLUMNS}
    columns |= {name: values.copy() for name, values in zip(NAMES, rows, strict=False)}
    columns["DQ"] = rows[5].astype(np.uint32)
    return Spectrum(
        name="x_x1d.fits",
        bands=(Band(1, "short"),),
        columns=columns,
        source_type="EXTENDED",
        position=(0.0, 0.0),
        ra=10.0,
        dec=20.0,
        primary=Cards().updated(EFFEXPTM=float(rows[6, 0])),
        science=Cards(),
    )


@pytest.mark.parametrize("case", CASES)
def test_combined_spectra_equal_the_official_ones(reference, case):
    clip = float(reference[f"{case}_clip"])
    params = Combine1dParams(compat="jwst-3.0", sigma_clip=None if np.isnan(clip) else clip)
    (combined,) = combine_1d([spectrum_of(rows) for rows in reference[f"{case}_in"]], params).spectra
    expected = reference[f"{case}_out"]
    assert combined.wave.size == expected.shape[1] > 20
    for name, values in zip(COMBINED_COLUMNS, expected, strict=True):
        np.testing.assert_array_equal(combined.columns[name].astype(float), values, err_msg=name)
