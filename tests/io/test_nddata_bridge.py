"""Cubes go to astropy and specutils and come back."""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, NDData, NDDataRef, StdDevUncertainty, VarianceUncertainty
from astropy.wcs.utils import proj_plane_pixel_scales
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from specutils import Spectrum

from mrsnb.core.blend import spaxel_sky
from mrsnb.core.cube import Cube
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.nddata_bridge import from_nddata, layers_of, to_ccddata, to_nddata
from mrsnb.errors import InputError
from mrsnb.io.s3d import read_s3d, write_s3d


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.floats(-180.0, 180.0),
    st.floats(0.0, 359.9),
    st.floats(-85.0, 85.0),
    st.sampled_from(["to_nddata", "to_specutils"]),
)
def test_nothing_is_lost_on_the_way(make_cube, seed, linear, rotation, ra, dec, way):
    cube = make_cube(seed=seed, linear=linear, rotation=rotation, ra=ra, dec=dec)
    back = Cube.from_nddata(getattr(cube, way)())
    lit = cube.dq & UNUSABLE == 0
    for name in ("flux", "err"):
        np.testing.assert_array_equal(getattr(back, name)[lit], getattr(cube, name)[lit])
    for name in ("dq", "weight"):
        np.testing.assert_array_equal(getattr(back, name), getattr(cube, name))
    np.testing.assert_array_equal(back.grid.wave, cube.grid.wave)
    for name in ("ra", "dec", "spaxel_size", "rotation"):
        assert getattr(back.grid, name) == pytest.approx(getattr(cube.grid, name), rel=1e-12, abs=1e-9)
    for name in ("name", "bands", "history"):
        assert getattr(back, name) == getattr(cube, name)
    assert dict(back.primary) == dict(cube.primary)
    assert {key: back.science[key] for key in cube.science} == dict(cube.science)
    assert [dict(cards) for cards in back.inputs] == [dict(cards) for cards in cube.inputs]


@pytest.mark.parametrize("way", ["memory", "file"])
def test_an_image_comes_back_as_one_plane(make_cube, tmp_path, way):
    cube = make_cube(rotation=12.0)
    image = cube.to_ccddata(cube.grid.wave[2] * u.um, cube.grid.wave[2] * u.um)
    if way == "file":
        image.write(tmp_path / "image.fits")
        image = CCDData.read(tmp_path / "image.fits")
    back = Cube.from_nddata(image)
    lit = np.isfinite(cube.flux[2])
    assert back.grid.shape == (1, *cube.grid.shape[1:])
    assert back.flux[0][lit] == pytest.approx(cube.flux[2][lit])
    assert back.err[0][lit] == pytest.approx(cube.err[2][lit])
    assert (back.grid.wave[0], back.grid.wave_step[0]) == pytest.approx((cube.grid.wave[2], cube.grid.wave_step[2]))
    assert (back.grid.ra, back.grid.rotation) == pytest.approx((cube.grid.ra, cube.grid.rotation))
    assert back.bands == cube.bands


@pytest.mark.parametrize("linear", [True, False])
def test_nddata_there_and_back(make_cube, tmp_path, linear):
    cube = make_cube(linear=linear, rotation=12.0)
    data = to_nddata(cube)
    assert data.unit == u.MJy / u.sr
    assert data.data is cube.flux
    back = from_nddata(data)
    for name in ("flux", "err", "dq", "weight"):
        lit = ~data.mask if name in {"flux", "err"} else np.ones(data.mask.shape, bool)
        np.testing.assert_array_equal(getattr(back, name)[lit], getattr(cube, name)[lit])
    assert back.bands == cube.bands
    assert back.grid.wave == pytest.approx(cube.grid.wave, rel=1e-12)
    assert (back.grid.ra, back.grid.rotation) == pytest.approx((cube.grid.ra, cube.grid.rotation))
    assert read_s3d(write_s3d(back, tmp_path)).grid.shape == cube.grid.shape


def test_of_others_only_the_wcs_and_the_band_are_needed(make_cube):
    cube = make_cube()
    given = to_nddata(cube)
    other = NDData(given.data * 1e6, wcs=given.wcs, unit=u.Jy / u.sr, meta={"CHANNEL": "1", "BAND": "SHORT"})
    back = from_nddata(other, name="other_s3d.fits")
    assert back.name == "other_s3d.fits"
    assert back.grid.spaxel_size == pytest.approx(cube.grid.spaxel_size)
    assert back.grid.wave == pytest.approx(cube.grid.wave)
    assert back.flux == pytest.approx(cube.flux, nan_ok=True, rel=1e-6)


def test_the_mean_is_an_image_on_the_sky(make_cube):
    cube = make_cube()
    image = to_ccddata(cube)
    assert image.shape == cube.grid.shape[1:]
    with np.errstate(invalid="ignore"):
        counts = np.isfinite(cube.flux).sum(axis=0)
        expected = np.nansum(cube.flux, axis=0, dtype=float) / np.where(counts, counts, np.nan)
    assert image.data == pytest.approx(expected, nan_ok=True)
    assert (image.mask == (counts == 0)).all()
    assert proj_plane_pixel_scales(image.wcs) * 3600 == pytest.approx(cube.grid.spaxel_size)
    one = to_ccddata(cube, cube.grid.wave[2] * u.um, cube.grid.wave[2] * u.um)
    assert one.data == pytest.approx(cube.flux[2].astype(float), nan_ok=True)
    assert one.uncertainty.array[~one.mask] == pytest.approx(cube.err[2][~one.mask])
    with pytest.raises(InputError, match=r"no plane between 99.0000 and 100.0000 micron; it has 4.9"):
        to_ccddata(cube, 99 * u.um, 100 * u.um)


@pytest.mark.parametrize("linear", [True, False])
def test_a_cube_of_specutils_knows_its_place_and_its_units(make_cube, linear):
    cube = make_cube(linear=linear, rotation=33.0)
    spectrum = cube.to_specutils()
    assert spectrum.shape == cube.grid.shape
    assert spectrum.unit == u.MJy / u.sr
    assert spectrum.spectral_axis.unit == u.um
    assert spectrum.spectral_axis.value == pytest.approx(cube.grid.wave, rel=1e-14)
    assert spectrum.uncertainty.array.shape == cube.err.shape
    ra, dec, wave = spectrum.wcs.pixel_to_world_values(3, 4, 2)
    assert (ra, dec) == pytest.approx(spaxel_sky(cube.grid, 3, 4), abs=1e-10)
    assert wave == pytest.approx(cube.grid.wave[2])
    part = spectrum[:, 2, 3]
    assert part.flux.value == pytest.approx(cube.flux[:, 2, 3], nan_ok=True)


def test_specutils_reads_what_it_was_handed(make_cube, tmp_path):
    """What Cubeviz and Specviz rest on: the layout from which specutils takes flux, unit, error and place."""
    cube = make_cube(rotation=33.0)
    read, handed = Spectrum.read(write_s3d(cube, tmp_path)), cube.to_specutils()
    assert read.unit == handed.unit
    assert read.spectral_axis.unit == handed.spectral_axis.unit == u.um
    np.testing.assert_array_equal(read.flux.value, handed.flux.value)
    np.testing.assert_array_equal(read.uncertainty.array, handed.uncertainty.array)
    assert read.wcs.pixel_to_world_values(3, 4, 2) == pytest.approx(
        handed.wcs.pixel_to_world_values(3, 4, 2), rel=1e-12
    )


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("way", ["specutils", "nddata", "sliced"])
def test_a_part_in_wavelength_has_its_own_wavelengths(make_cube, linear, way):
    cube = make_cube(linear=linear, rotation=12.0)
    data = to_nddata(cube)
    if way == "specutils":
        part = cube.to_specutils()[1:3, :, :]
    elif way == "nddata" or not linear:  # else the WCS has two axes
        meta = data.meta if linear else data.meta | {"wave": cube.grid.wave[1:3]}
        part = NDData(data.data[1:3], wcs=data.wcs[1:3] if linear else data.wcs, unit=data.unit, meta=meta)
    else:
        part = NDDataRef(data)[1:3]
    found = layers_of(part)
    assert found.grid.wave == pytest.approx(cube.grid.wave[1:3])
    assert spaxel_sky(found.grid, 3, 4) == pytest.approx(spaxel_sky(cube.grid, 3, 4), abs=1e-8)
    with pytest.raises(InputError, match="dq in its meta is of"):
        from_nddata(part)
    for key in ("dq", "weight"):
        part.meta.pop(key)
    back = from_nddata(part)
    assert back.grid.wave == pytest.approx(cube.grid.wave[1:3])
    lit = cube.dq[1:3] & UNUSABLE == 0
    np.testing.assert_array_equal(back.flux[lit], cube.flux[1:3][lit])


def test_a_part_of_the_sky_lies_where_its_own_wcs_says_or_is_refused(make_cube):
    cube = make_cube(rotation=12.0)
    data = to_nddata(cube)
    for part in (NDDataRef(data)[:, 1:, 2:], NDData(data.data[:, 1:, 2:], wcs=data.wcs[:, 1:, 2:], meta=data.meta)):
        found = layers_of(part)
        assert spaxel_sky(found.grid, 1, 3) == pytest.approx(spaxel_sky(cube.grid, 3, 4), abs=1e-8)
        with pytest.raises(InputError, match=r"a cube of three axes with its WCS is needed|not the middle spaxel"):
            from_nddata(part)
    with pytest.raises(InputError, match=r"a part, .* of a cube, and no WCS says which"):
        layers_of(cube.to_specutils()[:, 1:, 2:])


def test_wavelengths_that_are_not_cut_alike_are_refused(make_cube):
    data = to_nddata(make_cube(linear=False))
    for read in (layers_of, from_nddata):
        with pytest.raises(InputError, match=r"\d+ wavelengths in its meta, 2 planes"):
            read(NDData(data.data[:2], wcs=data.wcs, unit=data.unit, meta=data.meta))


@pytest.mark.parametrize("way", ["to_nddata", "to_specutils"])
def test_one_plane_has_the_width_of_a_plane(make_cube, way):
    for n_wave in (1, 3):
        cube = make_cube(n_wave=n_wave)
        data = getattr(cube, way)()
        found = layers_of(data if n_wave == 1 or way == "to_specutils" else NDDataRef(data)[:1])
        assert found.grid.wave[0] == pytest.approx(cube.grid.wave[0])
        assert found.grid.wave_step[0] == pytest.approx(cube.grid.wave_step[0])
    flat = to_nddata(make_cube(linear=False))
    with pytest.raises(InputError, match="one wavelength in a table"):
        layers_of(NDData(flat.data[:1], wcs=flat.wcs, meta=flat.meta | {"wave": flat.meta["wave"][:1]}))


@pytest.mark.parametrize("kind", [StdDevUncertainty, VarianceUncertainty])
def test_uncertainties_may_be_in_another_unit(make_cube, kind):
    cube = make_cube()
    data, power = to_nddata(cube), 1 if kind is StdDevUncertainty else 2
    stated = kind((1e6 * cube.err.astype(float)) ** power, unit=(u.Jy / u.sr) ** power)
    other = NDData(data.data, stated, wcs=data.wcs, unit=data.unit, meta=data.meta, mask=data.mask)
    lit = ~data.mask
    assert from_nddata(other).err[lit] == pytest.approx(cube.err[lit], rel=1e-5)
    assert layers_of(other).err.read(...)[lit] == pytest.approx(cube.err[lit], rel=1e-5)


def test_what_is_no_cube_is_refused(make_cube):
    cube = to_nddata(make_cube())
    for data, message in (
        (CCDData(np.ones((2, 2)), unit="Jy"), "a cube of three axes with its WCS is needed"),
        (NDData(np.ones((2, 2, 2))), "WCS NoneType"),
        (NDData(cube.data, wcs=cube.wcs, unit=u.K, meta=cube.meta), "unit K is no surface brightness"),
        (NDData(cube.data, wcs=cube.wcs, unit=cube.unit), "not a product of the MRS"),
        (NDData(cube.data[:, 2:], wcs=cube.wcs, unit=cube.unit, uncertainty=StdDevUncertainty(cube.data[:, 2:]),
                meta=cube.meta), "not the middle spaxel"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            from_nddata(data)
