import logging
from dataclasses import replace

import numpy as np
import pytest
from clean_star import STAR, WAVE

from mrsnb.core.region import parse_ds9
from mrsnb.core.spectrum import COLUMNS
from mrsnb.errors import InputError, ParamError
from mrsnb.simulate.layers import psf_fwhm
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d

ARCSEC2_SR = (np.pi / 180 / 3600) ** 2


@pytest.fixture(scope="module")
def extract(clean_cube, extractpars, gaussian_apcorr):
    """Return the function that extracts the spectrum of a cube, of the clean one by default; fringes are left alone."""

    def extracted(cube=clean_cube, pars=extractpars, apcorr=gaussian_apcorr, **options):
        params = Extract1dParams(**options)
        (spectrum,) = extract_1d(cube, params, pars, apcorr).spectra
        return spectrum

    return extracted


def filled(cube, value):
    """Return the cube with the same flux wherever there is light."""
    return replace(cube, flux=np.where(np.isnan(cube.flux), cube.flux, np.float32(value)))


def emptied(cube, *planes):
    """Return the cube without light in some planes."""
    flux, err, weight, dq = cube.flux.copy(), cube.err.copy(), cube.weight.copy(), cube.dq.copy()
    for k in planes:
        flux[k], err[k], weight[k], dq[k] = np.nan, np.nan, 0, 513
    return replace(cube, flux=flux, err=err, weight=weight, dq=dq)


# The flux


@pytest.mark.parametrize("compat", ["none", "jwst-3.0"])
def test_the_flux_of_the_star_is_found_within_one_per_cent_in_every_plane(extract, compat):
    spectrum = extract(compat=compat)
    np.testing.assert_allclose(spectrum.flux, STAR.flux(spectrum.wave), rtol=0.01)
    assert np.median(spectrum.flux / STAR.flux(spectrum.wave)) == pytest.approx(1, abs=0.002)


def test_the_other_channel_too(extract, build, clean_exposures):
    spectrum = extract(build(clean_exposures, band="2A"))
    assert np.median(spectrum.flux / STAR.flux(spectrum.wave)) == pytest.approx(1, abs=0.002)


def test_the_background_is_that_of_the_scene(extract):
    spectrum = extract()
    np.testing.assert_allclose(spectrum.columns["BACKGROUND"], 20 * np.exp(spectrum.wave / 9), rtol=2e-3)


def test_without_subtraction_the_background_is_in_the_flux(extract, clean_cube):
    kept, taken = extract(subtract_background=False, apply_apcorr=False), extract(apply_apcorr=False)
    level = 20 * np.exp(kept.wave / 9)
    expected = level * kept.columns["NPIXELS"] * clean_cube.science["PIXAR_SR"] * 1e6
    np.testing.assert_allclose(kept.flux - taken.flux, expected, rtol=2e-3)


def test_the_parameter_wins_over_the_reference_value(extract, extractpars):
    off = replace(extractpars, subtract_background=False)
    np.testing.assert_array_equal(extract(pars=off).flux, extract(subtract_background=False).flux)
    np.testing.assert_array_equal(extract(pars=off, subtract_background=True).flux, extract().flux)


def test_the_aperture_correction_is_a_factor_of_the_reference_values(extract, gaussian_apcorr):
    corrected, bare = extract(), extract(apply_apcorr=False)
    factor = np.interp(bare.wave, WAVE, gaussian_apcorr.apcorr[1])  # the radius is 2 FWHM, the second row
    for name in ("FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR"):
        np.testing.assert_allclose(corrected.columns[name], bare.columns[name] * factor, rtol=1e-9)
    for name in ("BACKGROUND", "BKGD_ERROR", "NPIXELS"):
        np.testing.assert_array_equal(corrected.columns[name], bare.columns[name])
    np.testing.assert_array_equal(extract(apcorr=None).flux, bare.flux)


def test_the_correction_is_linear_between_radii_and_beyond(extract, gaussian_apcorr):
    """2.25 FWHM lies in the middle of the second and third row; 3 FWHM is as far beyond the third."""
    rows = [np.interp(extract().wave, WAVE, row) for row in gaussian_apcorr.apcorr]
    for rscale, expected in ((2.25, (rows[1] + rows[2]) / 2), (3.0, 2 * rows[2] - rows[1])):
        ratio = extract(ifu_rscale=rscale).flux / extract(ifu_rscale=rscale, apply_apcorr=False).flux
        np.testing.assert_allclose(ratio, expected, rtol=1e-9)


@pytest.mark.parametrize("rscale", [0.5, 1.0, 3.0])
def test_the_radius_scales_the_area_and_leaves_the_annulus(extract, clean_cube, rscale):
    spectrum = extract(ifu_rscale=rscale)
    area = np.pi * (rscale * psf_fwhm(spectrum.wave) / clean_cube.grid.spaxel_size) ** 2
    np.testing.assert_allclose(spectrum.columns["NPIXELS"], area, rtol=0.05)
    np.testing.assert_array_equal(spectrum.columns["BACKGROUND"], extract().columns["BACKGROUND"])


def test_beside_the_star_there_is_nothing(extract):
    x, y = extract().position
    aside = extract(center_xy=(x + 8, y - 9), apply_apcorr=False)
    assert np.abs(aside.flux).max() < 0.01 * STAR.flux(5.1)


@pytest.mark.parametrize("kind", ["POINT", "EXTENDED"])
@pytest.mark.parametrize("factor", [-2.0, 1e3])
def test_scaling_the_cube_scales_the_spectrum(extract, clean_cube, kind, factor):
    scaled = replace(
        clean_cube, flux=clean_cube.flux * np.float32(factor), err=clean_cube.err * np.float32(abs(factor))
    )
    one, other = extract(ifu_set_srctype=kind), extract(scaled, ifu_set_srctype=kind)
    for name in ("FLUX", "SURF_BRIGHT", "BACKGROUND"):
        np.testing.assert_allclose(other.columns[name], factor * one.columns[name], rtol=2e-4)
    np.testing.assert_allclose(other.err, abs(factor) * one.err, rtol=1e-3)  # the clipping may differ


def test_errors_scale_with_the_covariance_alone(extract):
    plain, wide = extract(), extract(ifu_covar_scale=1.5)
    for name in ("FLUX_ERROR", "SB_ERROR", "BKGD_ERROR"):
        np.testing.assert_allclose(wide.columns[name], 1.5 * plain.columns[name], rtol=1e-12)
    np.testing.assert_array_equal(wide.flux, plain.flux)


def test_errors_are_those_of_independent_spaxels(extract, clean_cube):
    """Spaxels of one error: that of a weighted sum, plus that of the background's mean times the area."""
    one = replace(clean_cube, err=np.where(np.isnan(clean_cube.err), clean_cube.err, np.float32(0.5)))
    spectrum = extract(one, subtract_background=False, apply_apcorr=False)
    expected = 0.5 * np.sqrt(spectrum.columns["NPIXELS"])
    np.testing.assert_allclose(spectrum.columns["SB_ERROR"] * spectrum.columns["NPIXELS"], expected, rtol=1e-6)
    assert (extract(one, apply_apcorr=False).err > spectrum.err).all()


# Units and columns


@pytest.mark.parametrize("kind", ["POINT", "EXTENDED"])
def test_the_columns_are_those_of_the_official_table_and_agree(extract, clean_cube, kind):
    spectrum = extract(ifu_set_srctype=kind, ifu_rfcorr=False)
    assert list(spectrum.columns) == list(COLUMNS)
    c = spectrum.columns
    assert {c[name].dtype.str[1:] for name in COLUMNS if name != "DQ"} == {"f8"}
    assert c["DQ"].dtype == np.uint32
    assert {len(column) for column in c.values()} == {clean_cube.grid.n_wave}
    np.testing.assert_array_equal(c["WAVELENGTH"], clean_cube.grid.wave)
    solid_angle = c["NPIXELS"] * clean_cube.science["PIXAR_SR"] * 1e6
    np.testing.assert_allclose(c["FLUX"], c["SURF_BRIGHT"] * solid_angle, rtol=1e-12)
    np.testing.assert_allclose(c["FLUX_ERROR"], c["SB_ERROR"] * solid_angle, rtol=1e-12)
    assert clean_cube.science["PIXAR_SR"] == pytest.approx(0.13**2 * ARCSEC2_SR, rel=1e-4)
    for name in COLUMNS:
        if "_VAR_" in name:
            assert not c[name].any()
        if name.startswith("RF_"):
            assert np.isnan(c[name]).all()
    assert not c["DQ"].any()


def test_it_is_named_and_described(extract):
    spectrum = extract()
    assert (spectrum.name, spectrum.label) == ("test_ch1-short_x1d.fits", "1A")
    assert spectrum.source_type == spectrum.science["SRCTYPE"] == "POINT"
    assert (spectrum.science["EXTR_X"], spectrum.science["EXTR_Y"]) == spectrum.position
    assert spectrum.history["parameters"].keys() == {"cube_build", "extract_1d"}
    assert spectrum.primary["S_EXTR1D"] == "COMPLETE"


def test_an_extended_source_is_the_mean_of_the_field(extract, clean_cube):
    spectrum = extract(ifu_set_srctype="EXTENDED")
    seen = clean_cube.weight > 0
    mean = [float(plane[there].astype(float).mean()) for plane, there in zip(clean_cube.flux, seen, strict=True)]
    np.testing.assert_allclose(spectrum.columns["SURF_BRIGHT"], mean, rtol=1e-9)
    np.testing.assert_array_equal(spectrum.columns["NPIXELS"], seen.sum(axis=(1, 2)))
    n_y, n_x = clean_cube.flux.shape[1:]
    assert spectrum.position == ((n_x - 1) / 2, (n_y - 1) / 2)
    clipped = spectrum.columns["BACKGROUND"]
    assert (clipped < spectrum.columns["SURF_BRIGHT"]).all()  # the star is clipped
    np.testing.assert_allclose(clipped, 20 * np.exp(spectrum.wave / 9), rtol=0.05)


def test_a_uniform_field_is_flat_either_way(extract, clean_cube):
    flat = filled(clean_cube, 7.0)
    extended = extract(flat, ifu_set_srctype="EXTENDED")
    np.testing.assert_allclose(extended.columns["SURF_BRIGHT"], 7.0, rtol=1e-6)
    point = extract(flat)
    np.testing.assert_allclose(point.columns["BACKGROUND"], 7.0, rtol=1e-6)
    assert np.abs(point.columns["SURF_BRIGHT"]).max() < 1e-5


# Where


def test_the_centre_is_the_target(extract, clean_cube):
    x, y = extract().position
    image = clean_cube.collapsed()
    peak = np.unravel_index(np.nanargmax(image), image.shape)
    assert abs(x - peak[1]) < 1
    assert abs(y - peak[0]) < 1
    assert extract().ra == pytest.approx(clean_cube.primary["TARG_RA"], abs=1e-9)
    assert extract().dec == pytest.approx(clean_cube.primary["TARG_DEC"], abs=1e-9)


def test_upstream_rounds_it_to_a_whole_spaxel(extract):
    x, y = extract().position
    assert extract(compat="jwst-3.0").position == (round(x), round(y))
    assert (x, y) != (round(x), round(y))


def test_the_centre_given_is_taken(extract):
    assert extract(center_xy=(12.25, 20.0)).position == (12.25, 20.0)


@pytest.mark.parametrize("centre", [(-1.0, 5.0), (5.0, 1e4), (float("nan"), 3.0)])
def test_a_centre_outside_the_cube_is_refused(extract, centre):
    with pytest.raises((InputError, ParamError), match="center_xy"):
        extract(center_xy=centre)


@pytest.mark.parametrize("options", [{"center_xy": (3.0, 4.0)}, {"ifu_rscale": 1.0}, {"subtract_background": True}])
def test_what_acts_on_a_circle_only_is_refused_of_the_whole_field(options):
    with pytest.raises(ParamError, match="sums the field"):
        Extract1dParams(ifu_set_srctype="EXTENDED", **options)


def test_what_a_region_sums_is_extended(clean_cube, extractpars, gaussian_apcorr, caplog):
    region = parse_ds9("image\ncircle(25, 20, 5)")
    params = Extract1dParams(ifu_autocen=True, apply_apcorr=True)
    with caplog.at_level(logging.INFO):
        (spectrum,) = extract_1d(clean_cube, params, extractpars, gaussian_apcorr, region=region).spectra
    assert clean_cube.science["SRCTYPE"] == "POINT"
    assert spectrum.source_type == spectrum.science["SRCTYPE"] == "EXTENDED"
    assert "R_APCORR" not in spectrum.primary
    assert "ifu_autocen: not used, the region is summed" in caplog.text
    with pytest.raises(ParamError, match="extraction_region sums without aperture correction"):
        Extract1dParams(extraction_region="x.reg", ifu_set_srctype="POINT")


def test_a_circle_about_an_extended_source_is_said_to_be_unused(clean_cube, extract, caplog):
    field = replace(clean_cube, science=clean_cube.science.updated(SRCTYPE="EXTENDED"))
    extract(field, center_xy=(3.0, 4.0), ifu_rscale=1.0, ifu_autocen=True)
    (line,) = [record.getMessage() for record in caplog.records if "not used" in record.getMessage()]
    assert (
        "center_xy = (3.0, 4.0), ifu_rscale = 1.0: not used, the field of a source that is EXTENDED is summed" in line
    )
    assert line.endswith("ifu_set_srctype = 'POINT' makes a circle")


def test_a_region_that_is_cut_out_whole_is_refused(clean_cube, extractpars):
    region = parse_ds9("image\ncircle(25, 20, 5)\n-circle(25, 20, 9)")
    with pytest.raises(InputError, match="does not meet the light"):
        extract_1d(clean_cube, Extract1dParams(), extractpars, None, region=region)


@pytest.mark.parametrize("keywords", [{"TARG_RA": 10.0, "TARG_DEC": -10.0}, {"TARG_RA": None, "TARG_DEC": None}])
@pytest.mark.parametrize(("compat", "shift"), [("none", -0.5), ("jwst-3.0", 0.0)])
def test_without_a_target_in_the_cube_its_middle_is_taken_and_said(
    extract, clean_cube, caplog, keywords, compat, shift
):
    primary = clean_cube.primary.updated(**keywords)
    with caplog.at_level(logging.WARNING, logger="mrsnb"):
        found = extract(replace(clean_cube, primary=primary), compat=compat)
    n_y, n_x = clean_cube.flux.shape[1:]
    assert found.position == (n_x / 2 + shift, n_y / 2 + shift)
    assert "about its middle" in caplog.text


# The type of source


@pytest.mark.parametrize("stated", ["UNKNOWN", ""])
def test_a_type_that_is_neither_is_extracted_as_extended_and_said(extract, clean_cube, caplog, stated):
    cube = replace(clean_cube, science=clean_cube.science.updated(SRCTYPE=stated))
    with caplog.at_level(logging.WARNING, logger="mrsnb"):
        assert extract(cube).source_type == "EXTENDED"
    assert "ifu_set_srctype overrides it" in caplog.text
    assert extract(cube, ifu_set_srctype="POINT").source_type == "POINT"


# Planes without light


def test_a_plane_without_light_is_flagged_and_nan(extract, clean_cube):
    cube = emptied(clean_cube, 3, 40)
    for kind in ("POINT", "EXTENDED"):
        spectrum = extract(cube, ifu_set_srctype=kind)
        np.testing.assert_array_equal(np.flatnonzero(spectrum.columns["DQ"]), [3, 40])
        assert set(spectrum.columns["DQ"]) == {0, 1}
        for name in ("FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR"):
            np.testing.assert_array_equal(np.flatnonzero(np.isnan(spectrum.columns[name])), [3, 40])


def test_as_upstream_it_is_flagged_and_zero(extract, clean_cube):
    spectrum = extract(emptied(clean_cube, 3), compat="jwst-3.0")
    assert spectrum.columns["DQ"][3] == 1
    assert spectrum.flux[3] == 0


def test_the_other_planes_are_as_before(extract, clean_cube):
    others = np.delete(np.arange(clean_cube.grid.n_wave), 3)
    np.testing.assert_array_equal(extract(emptied(clean_cube, 3)).flux[others], extract().flux[others])


# Where the observatory's package is wrong


def test_something_bright_in_the_annulus_does_not_lower_the_background(extract, clean_cube):
    """Upstream divides what is left after clipping by the area before."""
    x, y = (round(c) for c in extract().position)
    flux = clean_cube.flux.copy()
    flux[:, y - 1 : y + 2, x + 10 : x + 13] = 1e5
    spoiled = replace(clean_cube, flux=flux)
    level = 20 * np.exp(clean_cube.grid.wave / 9)
    right, upstream = (extract(spoiled, compat=compat).columns["BACKGROUND"] / level for compat in ("none", "jwst-3.0"))
    np.testing.assert_allclose(right, 1, atol=5e-3)
    assert (upstream < 0.99).all()


def test_once_off_upstream_leaves_the_background_in_for_all_longer_wavelengths(extract, extractpars):
    inner = np.where(np.abs(WAVE - 5.1) < 0.06, -1.0, extractpars.inner_bkg)
    pars = replace(extractpars, inner_bkg=inner)
    off = {compat: extract(pars=pars, compat=compat).columns["BACKGROUND"] == 0 for compat in ("none", "jwst-3.0")}
    assert 0 < off["none"].sum() < len(off["none"])
    assert not off["none"][-1]
    first = np.argmax(off["none"])
    np.testing.assert_array_equal(off["jwst-3.0"], np.arange(len(off["none"])) >= first)


def test_the_cube_is_left_as_it_was(extract, clean_cube):
    before = clean_cube.flux.tobytes() + clean_cube.weight.tobytes()
    extract(compat="jwst-3.0")
    assert clean_cube.flux.tobytes() + clean_cube.weight.tobytes() == before


@pytest.mark.parametrize("sigma", [1.0, 10.0])
def test_however_narrow_the_clipping_there_is_a_background(extract, sigma):
    spectrum = extract(bkg_sigma_clip=sigma)
    np.testing.assert_allclose(spectrum.columns["BACKGROUND"], 20 * np.exp(spectrum.wave / 9), rtol=5e-3)


def test_clipping_that_may_leave_no_background_is_refused(extract):
    with pytest.raises(ParamError, match=r"bkg_sigma_clip = 0\.1: must be a number >= 1"):
        extract(bkg_sigma_clip=0.1)


def test_the_result_says_what_it_made(clean_cube, extractpars):
    result = extract_1d(clean_cube, Extract1dParams(), extractpars, None)
    assert result.title == "extract_1d: 1A"
    assert "POINT" in repr(result)
    assert "test_ch1-short_x1d.fits" in result._repr_mimebundle_()["text/html"]
