"""The compiled chain on the flight geometry FLT-9, against gwcs itself."""

import numpy as np
import pytest
from agreement import assert_equal_to_gwcs, bands_of
from flight import POINTING, SETTINGS, SUB_BANDS, asdf_bytes, flight_wcs, write_extension

from mrsnb.geometry.chain import MrsChain
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.io.exposures import read_wcs

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_compiled_chain_agrees_with_gwcs(shared, tmp_path, setting):
    wcs = flight_wcs(shared, setting)
    chain = read_wcs(write_extension(tmp_path / "cal.fits", asdf_bytes(wcs)))
    assert isinstance(chain, MrsChain)
    assert sorted(chain.channels) == [int(digit) for digit in setting[:2]]
    assert_equal_to_gwcs(chain, wcs, bands_of(setting[:2], SUB_BANDS[setting[2]]))


@pytest.mark.parametrize(
    ("options", "pointing"),
    [
        ({"va_scale": None, "velosys": None}, {}),
        ({"va_scale": 0.9999}, {"ra": 0.0001, "dec": 85.0, "roll": 301.0}),
        ({"velosys": -29000.0}, {"ra": 359.9999, "dec": -89.0, "roll": 0.0}),
    ],
    ids=["no corrections", "near the pole, RA over 0", "south pole"],
)
def test_it_agrees_wherever_the_telescope_looks(shared, options, pointing):
    wcs = flight_wcs(shared, "12C", pointing=POINTING | pointing, **options)
    chain = compile_chain(read_tree(asdf_bytes(wcs)))
    assert_equal_to_gwcs(chain, wcs, bands_of("12", "long"), n=300)


def test_the_reference_point_is_where_the_header_says(shared):
    """The chain sends (V2_REF, V3_REF) to (RA_REF, DEC_REF), aberration being none there."""
    wcs = flight_wcs(shared, "12C")
    chain = compile_chain(read_tree(asdf_bytes(wcs)))
    scale2, scale3, shift2, shift3 = chain.aberration
    v2, v3 = (
        np.deg2rad((scale2 * POINTING["v2"] + shift2) / 3600),
        np.deg2rad((scale3 * POINTING["v3"] + shift3) / 3600),
    )
    x, y, z = chain.matrix @ [np.cos(v3) * np.cos(v2), np.cos(v3) * np.sin(v2), np.sin(v3)]
    assert np.rad2deg(np.arctan2(y, x)) % 360 == pytest.approx(POINTING["ra"], abs=1e-11)
    assert np.rad2deg(np.arcsin(z)) == pytest.approx(POINTING["dec"], abs=1e-11)
