"""The gWCS written as text is what the libraries would have written."""

from io import BytesIO

import asdf
import gwcs
import numpy as np
import pytest
from astropy import coordinates, units
from astropy.io import fits
from astropy.modeling import models
from gwcs import coordinate_frames as frames
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsnb.io.asdf_extension import asdf_extension, read_history
from mrsnb.io.wcs_text import cube_wcs, number, spectrum_wcs


def content_of(wcs, history=None, **where):
    extension = asdf_extension({"filename": "a: 'b'"}, wcs, history or {}, **({"in_spec": False} | where))
    return fits.BinTableHDU.fromstring(extension).data["ASDF_METADATA"][0].tobytes()


def opened(wcs, **where):
    with asdf.open(BytesIO(content_of(wcs, **where)), lazy_load=False, memmap=False) as tree:
        return tree["spec"][0]["meta"]["wcs"] if where else tree["meta"]["wcs"]


def made_with_the_libraries(grid):
    """Return the gWCS of a cube, built in code."""
    size, turn = grid.spaxel_size / 3600, np.deg2rad(grid.rotation)
    matrix = [[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    sky = (
        models.Shift(-(grid.n_x // 2)) & models.Shift(-(grid.n_y // 2))
        | models.AffineTransformation2D(matrix=matrix)
        | models.Scale(size) & models.Scale(size)
        | models.Pix2Sky_TAN()
        | models.RotateNative2Celestial(grid.ra, grid.dec, 180)
    )
    spectral = (
        models.Scale(grid.wave_step[0]) | models.Shift(grid.wave[0])
        if grid.linear
        else models.Tabular1D(points=np.arange(grid.n_wave), lookup_table=grid.wave)
    )
    world = frames.CompositeFrame(
        [
            frames.CelestialFrame(
                reference_frame=coordinates.ICRS(), unit=(units.deg, units.deg), axes_names=("RA", "DEC")
            ),
            frames.SpectralFrame(axes_order=(2,), unit=units.um, axes_names=("wavelength",)),
        ],
        name="world",
    )
    return gwcs.WCS([("detector", sky & spectral), (world, None)])


GRIDS = [
    {},
    {"rotation": 33.3},
    {"ra": 359.99999, "dec": -89.9, "rotation": -120.0},
    {"ra": 1e-5, "dec": 85.0},
    {"linear": False, "rotation": 5.0},
]


@pytest.mark.parametrize("changes", GRIDS)
def test_equal_to_a_gwcs_built_with_the_libraries(make_grid, changes):
    grid = make_grid(**changes)
    x, y, z = np.mgrid[0 : grid.n_x, 0 : grid.n_y, 0 : grid.n_wave].astype(float)
    mine, theirs = opened(cube_wcs(grid)), made_with_the_libraries(grid)
    np.testing.assert_allclose(mine(x, y, z), theirs(x, y, z), rtol=1e-12, atol=0)


@pytest.mark.parametrize("changes", GRIDS)
def test_it_turns_back(make_grid, changes):
    grid = make_grid(**changes)
    wcs = opened(cube_wcs(grid))
    x, y, z = np.mgrid[0 : grid.n_x, 0 : grid.n_y, 0 : grid.n_wave].astype(float)
    np.testing.assert_allclose(wcs.invert(*wcs(x, y, z), with_bounding_box=False), [x, y, z], atol=2e-7)


def test_frames_units_and_bounds(make_grid):
    wcs = opened(cube_wcs(make_grid()))
    assert wcs.available_frames == ["detector", "world"]
    assert [str(u) for u in wcs.output_frame.unit] == ["deg", "deg", "um"]
    assert list(wcs.output_frame.axes_names) == ["RA", "DEC", "wavelength"]
    assert np.isnan(wcs(-1.0, 0.0, 0.0)).all()
    assert np.isfinite(wcs(8.0, 4.0, 6.0)).all()
    assert np.isnan(wcs(8.0, 4.0, 7.0)).all()


def test_of_a_spectrum():
    wave = np.cumsum(np.linspace(0.001, 0.002, 50)) + 5.0
    wcs = opened(spectrum_wcs(12.5, -89.9999, wave), in_spec=True)
    row = np.arange(50.0)
    ra, dec, found = wcs(row)
    assert (found == wave).all()
    assert (ra == 12.5).all()
    assert (dec == -89.9999).all()
    np.testing.assert_allclose(wcs.invert(ra, dec, found), row, atol=1e-9)
    assert wcs(0.5)[2] == pytest.approx(wave[:2].mean(), rel=1e-14)


@given(st.floats(allow_nan=False))
def test_numbers_are_read_back_bit_for_bit(value):
    import yaml

    assert yaml.safe_load(number(value)) == value


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=80), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text(min_size=1, max_size=20), PLAIN, max_size=4))
def test_provenance_comes_back(history):
    extension = asdf_extension({}, cube_wcs_of_nothing(), history, in_spec=False)
    assert read_history(extension) == history


def cube_wcs_of_nothing():
    from mrsnb.io.wcs_text import WcsText

    return WcsText("null")


@pytest.mark.parametrize(
    "content", [b"", b"#ASDF 1.0.0\n...\n", b"\nmrsnb: [1, 2\n", b"\nmrsnb: 5\n", b"\nmrsnb: !x {}\n"]
)
def test_what_is_no_provenance_is_none(content):
    assert read_history(content) == {}
