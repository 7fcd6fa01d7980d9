"""The cube viewer without a browser: what a user does to its widgets, and what is shown and written then."""

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import regions
from astropy import units as u
from astropy.io import fits
from cubes import a_cube, celestial, layers, write_cube
from ipywidgets.widgets.widget import _instances

import mrsnb
from mrsnb.core.cards import Card
from mrsnb.core.region import ds9_text, parse_ds9
from mrsnb.errors import InputError
from mrsnb.geometry.shares import aperture_shares
from mrsnb.io.regions import read_region, write_region
from mrsnb.io.s3d import write_s3d
from mrsnb.io.x1d import read_x1d
from mrsnb.viewers import figures
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.cube_saving import FORMATS, X1D, file_name
from mrsnb.viewers.latest import Latest
from mrsnb.viewers.picture import LIMITS, STRETCHES, shading
from mrsnb.viewers.readout import voxel_text

WAVE = 5.0 + 0.01 * np.arange(40)


def star(shape=(40, 21, 25), *, line=5.2, at=(12, 10)):
    """A source with a line, on a faint sky."""
    n_wave, n_y, n_x = shape
    y, x = np.mgrid[:n_y, :n_x]
    profile = np.exp(-0.5 * ((x - at[0]) ** 2 + (y - at[1]) ** 2) / 2**2)
    spectrum = 10 + 90 * np.exp(-0.5 * ((WAVE[:n_wave] - line) / 0.01) ** 2)
    return 1.0 + spectrum[:, None, None] * profile


@pytest.fixture
def viewer():
    made = CubeViewer(a_cube(star()))
    yield made
    made.close()


@pytest.fixture
def bands():
    """Two bands of one source on different grids."""
    cubes = [
        a_cube(star(), name="toy_ch1-short_s3d.fits"),
        a_cube(
            star(line=5.6)[:, 4:, 6:], start=5.35, size=0.17, rotation=20.0, name="toy_ch1-medium_s3d.fits", band="1B"
        ),
    ]
    made = CubeViewer(cubes[::-1])
    yield made
    made.close()


def test_view_opens_it_for_all_that_is_a_cube(tmp_path):
    cube = a_cube(star())
    path = write_s3d(cube, tmp_path)
    for given in (cube, layers(star()), path, str(path), [path, cube], (path,)):
        made = mrsnb.view(given)
        assert isinstance(made, CubeViewer)
        made.close()


@pytest.mark.parametrize(("given", "told"), [(3.0, "no viewer"), ([], "no cube given"), ([3], "int is no cube")])
def test_what_is_no_cube_is_refused(given, told):
    with pytest.raises(InputError, match=told):
        mrsnb.view(given)


def test_it_starts_with_the_source_and_its_spectrum(viewer):
    assert viewer.aperture.shapes[0].kind == "circle"
    assert bytes(viewer.image.figure.marks[0].image.value).startswith(b"\x89PNG")
    (table,) = viewer.spectra
    assert table["wavelength"].unit == u.um
    peak = table["wavelength"][np.nanargmax(table["flux"])]
    assert peak.value == pytest.approx(5.2, abs=0.011)
    assert table["flux"].unit.is_equivalent(u.Jy)


def test_a_wavelength_goes_to_its_plane(viewer):
    viewer.wavelength = 52000 * u.AA
    assert viewer.wavelength.to_value(u.um) == pytest.approx(5.2)
    assert viewer.waves.slider.value == 20
    np.testing.assert_allclose(viewer.picture.image, star()[20].astype(np.float32))
    with pytest.raises(InputError, match=r"cubes have 5.0000 - 5.3900 micron"):
        viewer.wavelength = 7 * u.um
    assert viewer.spectrum._canvas.plot._marker.x[0] == pytest.approx(5.2)


def test_a_slide_shows_the_next_plane(viewer):
    viewer.waves.go(3)
    before = viewer.image.raster.mark.image
    viewer.waves.slider.value += 1
    assert viewer.image.raster.mark.image is not before
    assert viewer.waves.box.value == pytest.approx(5.04)
    viewer.waves.go(1000)
    assert viewer.waves.plane == 39
    viewer.waves.go(-3)
    assert viewer.waves.plane == 0


def test_the_box_takes_micron_rest_frame_and_velocity(viewer):
    waves = viewer.waves
    waves.box.value = 5.1
    assert waves.plane == 10
    waves.redshift.value = 0.02
    waves.frame.value = "rest"
    assert waves.box.value == pytest.approx(5.1 / 1.02, abs=1e-5)
    waves.box.value = 5.2 / 1.02
    assert waves.plane == 20
    waves.frame.value = "velocity"
    assert waves.box.value == pytest.approx(0, abs=1)
    waves.box.value = 299792.458 * 0.05 / 5.2
    assert waves.plane == 25
    waves.redshift.value = -3.0
    assert np.isfinite(waves.box.value)


def test_a_line_is_gone_to(viewer):
    line = next(value for name, value in viewer.waves.line.options if name.startswith("H2 S(8)"))
    viewer.waves.line.value = line
    assert viewer.wavelength.value == pytest.approx(5.05)
    viewer.waves.redshift.value = 0.03
    assert viewer.waves.line.value == line
    assert viewer.waves.velocity_zero == pytest.approx(line * 1.03)


def test_a_brushed_range_is_a_line_map_at_once(viewer):
    viewer.spectrum._canvas.plot.brush.selected = np.array([5.17, 5.23])
    assert viewer.controls.is_map.value
    assert viewer.picture.what == "sum"
    np.testing.assert_allclose(viewer.picture.image, star()[17:24].sum(axis=0), rtol=1e-5)
    viewer.controls.continuum.value = True
    assert viewer.picture.image[0, 0] == pytest.approx(0, abs=1e-4)
    assert viewer.spectrum._canvas.plot._beside.visible
    viewer.controls.how.value = "moment 1"
    assert viewer.picture.unit == "km/s"
    assert "less continuum" in viewer.about
    viewer.waves.go(5)
    assert not viewer.controls.is_map.value
    assert viewer.picture.what == "SCI"
    assert viewer.wavelength_range.value == pytest.approx([5.17, 5.23])


def test_the_continuum_can_be_told(viewer):
    viewer.wavelength_range = [5.17, 5.23] * u.um
    viewer.continuum = [[5.0, 5.05], [5.35, 5.3]] * u.um
    assert viewer.continuum.value == pytest.approx(np.array([[5.0, 5.05], [5.3, 5.35]]))
    assert viewer.about.endswith("less continuum 5.00000-5.05000, 5.30000-5.35000 um")
    assert viewer.picture.image[0, 0] == pytest.approx(0, abs=1e-4)
    viewer.continuum = None
    assert viewer.controls.continuum.value
    with pytest.raises(InputError, match="ranges of 2 wavelengths"):
        viewer.continuum = [5.0, 5.1, 5.2] * u.um


def test_a_range_can_be_told(viewer):
    viewer.wavelength_range = [5.23, 5.17] * u.um
    assert viewer.spectrum._canvas.plot.brush.selected == pytest.approx([5.17, 5.23])
    with pytest.raises(InputError, match=r"wavelength_range = 7 - 8 micron; the cubes have 5.0000 - 5.3900 micron"):
        viewer.wavelength_range = [7, 8] * u.um
    viewer.wavelength_range = None
    assert viewer.spectrum._canvas.plot.brush.selected is None
    assert not viewer.controls.is_map.value


@pytest.mark.parametrize("is_map", [False, True])
def test_each_layer_is_shown(viewer, is_map):
    viewer.wavelength_range = [5.1, 5.2] * u.um if is_map else None
    for layer in ("ERR", "DQ", "WMAP", "S/N", "SCI"):
        viewer.controls.layer.value = layer
        assert np.isfinite(viewer.picture.image).any()
        assert not viewer.controls.status.value


def test_each_stretch_goes_with_all_limits(viewer):
    for stretch, limits in itertools.product(STRETCHES, LIMITS):
        viewer.controls.shades.stretch.value, viewer.controls.shades.limits.value = stretch, limits
        shades = viewer.stretch(viewer.picture.image)
        assert np.nanmin(shades) >= 0
        assert np.nanmax(shades) <= 1
        assert len(viewer.image.bar._ticks.text) >= 2


def test_fixed_limits_stay(viewer):
    viewer.controls.shades.limits.value = "fixed"
    viewer.controls.shades.low.value, viewer.controls.shades.high.value = 2.0, 50.0
    for k in (3, 20):
        viewer.waves.go(k)
        assert (viewer.stretch.low, viewer.stretch.high) == (2.0, 50.0)


@pytest.mark.parametrize("value", [np.nan, 0.0, 3.0, -2.0])
def test_an_image_without_contrast_can_be_shown(value):
    image = np.full((3, 4), value)
    for kind in STRETCHES:
        for limits in LIMITS:
            made = shading(image, kind, limits)
            assert made is None if np.isnan(value) else np.isfinite(made(image)).all()


def test_a_dragged_aperture_has_another_spectrum(viewer):
    before = viewer.spectra[0]["flux"].copy()
    viewer.image._centre._handle_custom_msgs(None, {"event": "drag", "point": {"x": 1.0, "y": 0.5}, "index": 0})
    assert viewer.image._ring.x.mean() == pytest.approx(1.0, abs=0.03)
    assert viewer.image._handles.x.size == 1
    assert viewer.spectra[0]["flux"][5] < before[5]
    viewer.image._handles._handle_custom_msgs(None, {"event": "drag_end", "point": {"x": 1.9, "y": 0.5}, "index": 0})
    assert viewer.aperture.shapes[0].sizes[0] == pytest.approx(0.9)
    assert viewer.image._handles.x[0] == pytest.approx(1.9)


def test_a_clicked_spaxel_shows_its_spectrum(viewer):
    told = {"event": "element_click", "data": {"row": 10 * 0.13 - 10.5 * 0.13 + 0.065, "column": 0.0}}
    viewer.image._net.mark._handle_custom_msgs(None, told)
    assert len(viewer.apertures.all) == 2
    assert viewer.aperture.source == "spaxel 12, 10"
    flux = viewer.spectrum.data.curves[1].columns["SURF_BRIGHT"].flux
    np.testing.assert_allclose(flux, star()[:, 10, 12], rtol=1e-4)
    viewer._clicked(3, 4)
    assert [a.source for a in viewer.apertures.all] == ["circle", "spaxel 3, 4"]


def test_a_hovered_spaxel_is_told(viewer):
    told = {"event": "hover", "data": {"row": 0.0, "column": 0.13}}
    viewer.image._net.mark._handle_custom_msgs(None, told)
    text = viewer._readout.value
    assert "x 13 y 10" in text
    assert "RA 13:29:59.987" in text
    assert f"{viewer.picture.image[10, 13]:.4g} ± 0.1 MJy/sr" in text


def test_flags_are_told_as_words():
    cube = layers(star(), dq=np.full((40, 21, 25), 513))
    text = voxel_text(cube, 0, (1, 1), CubeViewer(cube).picture)
    assert "DQ 513 DO_NOT_USE NON_SCIENCE" in text


@pytest.mark.parametrize("kind", ["circle", "ellipse", "annulus", "box", "polygon"])
def test_apertures_are_added_chosen_and_removed(viewer, kind):
    viewer.controls.kind.value = kind
    viewer.controls.add.click()
    assert viewer.aperture.shapes[0].kind == kind
    assert len(viewer.controls.chosen.options) == 2
    assert len(viewer.spectra) == 2
    viewer.controls.chosen.value = 0
    assert viewer.aperture.shapes[0].kind == "circle"
    viewer.controls.remove.click()
    viewer.controls.remove.click()
    viewer.controls.remove.click()
    assert viewer.aperture is None
    viewer.controls.peak.click()
    viewer._draw()


def test_bands_can_be_chosen_where_there_are_several(viewer):
    band = viewer.controls.band
    assert "mrsnb-alone" in band._dom_classes
    viewer.show([a_cube(star()), a_cube(star(line=5.6), start=5.35, band="1B")], "1A")
    assert "mrsnb-alone" not in band._dom_classes
    band.value = 1
    assert viewer.band == "1B"
    viewer.show(a_cube(star()))
    assert "mrsnb-alone" in band._dom_classes


def test_a_cube_that_spectra_leave_out_is_named(viewer):
    assert viewer.controls.status.value == ""
    viewer.show([a_cube(star(), name="first_s3d.fits"), a_cube(2 * star(), name="again_s3d.fits")])
    assert "spectra are without again_s3d.fits: another cube has" in viewer.controls.status.value
    viewer.show([a_cube(star()), a_cube(star(line=5.6), start=5.35, band="1B")])
    assert viewer.controls.status.value == ""


def test_sums_of_cubes_in_several_units_have_none():
    viewer = CubeViewer([layers(star()), replace(layers(star(), start=5.5), unit="counts")])
    (table,) = viewer.spectra
    assert table["flux"].unit == u.one
    assert table["flux"].value[3] == pytest.approx(viewer.apertures.sum(0, 0).flux[3])
    viewer.close()


def test_an_aperture_finds_the_source_near_it(viewer):
    viewer._hands.drag(0, (0.5, 0.4), True)
    viewer.controls.peak.click()
    assert viewer.apertures.handles(viewer.cube)[0] == pytest.approx([0, 0], abs=0.01)


def test_a_region_can_be_told(viewer, tmp_path):
    region = parse_ds9('icrs; circle(202.5, 47.2, 0.4")\nannulus(202.5, 47.2, 0.8", 1.2") # background')
    viewer.aperture = region
    flux = viewer.spectra[0]["flux"].to_value(u.Jy)
    inside = star()[5].max() * viewer.cube.spaxel_sr * 1e6
    assert 0 < flux[5] < 60 * inside
    for given in (region.to_regions(), ds9_text(region), write_region(region, tmp_path / "a.reg")):
        viewer.aperture = given
        assert viewer.spectra[-1]["flux"].to_value(u.Jy) == pytest.approx(flux, rel=1e-6, nan_ok=True)
    with pytest.raises(InputError, match="text: 'circle' is not a DS9 region"):
        viewer.aperture = "circle"


def test_an_aperture_in_spaxels_is_of_the_cube_in_view(bands):
    for band, at in (("1A", (15.0, 9.0)), ("1B", (6.0, 8.0))):
        bands.band = band
        region = regions.CirclePixelRegion(regions.PixCoord(*at), 3.0)
        for given in (f"image; circle({at[0] + 1},{at[1] + 1},3)", region):
            bands.aperture = given
            assert bands.aperture.shapes[0].on_sky
            grid = bands.cube.grid
            shares, _ = aperture_shares(grid, bands.aperture)
            y, x = (np.average(axis, weights=shares) for axis in np.indices(shares.shape))
            assert (x, y) == pytest.approx(at, abs=1e-3)
            assert shares.sum() == pytest.approx(9 * np.pi, rel=1e-6)
        bands.controls.remove.click()  # the first is added, not put in the place of another


def test_one_aperture_lies_on_all_bands(bands):
    assert [cube.label for cube in bands.cubes] == ["1A", "1B"]
    bands.aperture = parse_ds9('icrs; circle(202.5, 47.2, 0.5")')
    (table,) = bands.spectra
    first = table["wavelength"].value[:40]
    assert first == pytest.approx(WAVE)
    assert np.isfinite(table["flux"].value).sum() == 80
    bands.band = "1A"
    assert bands.cube.label == "1A"
    bands.wavelength = 5.6 * u.um
    assert bands.band == "1B"
    assert bands.wavelength.value == pytest.approx(5.6, abs=0.01)
    bands.wavelength_range = [5.1, 5.2] * u.um
    assert bands.band == "1A"
    with pytest.raises(InputError, match="there are: 1A, 1B"):
        bands.band = "4C"


@pytest.mark.parametrize("is_file", [False, True])
def test_what_is_seen_is_saved(tmp_path, is_file):
    cube = a_cube(star())
    viewer = CubeViewer(write_s3d(cube, tmp_path) if is_file else cube)
    viewer.wavelength_range = [5.17, 5.23] * u.um
    paths = {what: viewer.save(what, tmp_path / f"out{suffix}") for what, suffix in FORMATS.items()}
    assert paths["image as PNG"].read_bytes().startswith(b"\x89PNG")
    with fits.open(paths["image as FITS"]) as hdus:
        np.testing.assert_allclose(hdus["SCI"].data, viewer.picture.image)
        assert hdus["SCI"].header["MAPOF"] == "sum of 5.17000-5.23000 um"
    with paths["spectra as CSV"].open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    table = viewer.spectra[0]
    assert [float(r[f"flux_{table['flux'].unit}"]) for r in rows] == pytest.approx(table["flux"].value[:40])
    assert read_region(paths["region for DS9"]).shapes[0].sizes == pytest.approx(viewer.aperture.shapes[0].sizes)
    spectrum = read_x1d(viewer.save(X1D, tmp_path / "out_x1d.fits"))
    np.testing.assert_allclose(spectrum.flux, table["flux"].to_value(u.Jy)[:40], rtol=1e-5)
    viewer.close()


def test_it_is_a_picture_where_no_kernel_is(viewer):
    bundle, about = viewer._repr_mimebundle_()
    assert 400 < about["image/png"]["width"] < 900
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert len(bundle["image/png"]) < 200_000
    assert bundle["text/plain"] == "<CubeViewer 1A>"


def test_the_button_saves_and_says_what_is_wrong(viewer, tmp_path):
    c = viewer.controls
    c.what.value = "spectra as CSV"
    assert c.file.value == "toy_ch1-short_view.csv"
    c.file.value = str(tmp_path / "a.csv")
    c.save.click()
    assert "wrote" in c.status.value
    c.file.value = str(tmp_path / "no" / "a.csv")
    c.save.click()
    assert "does not exist" in c.status.value
    assert "mrsnb-bad" in c.status.value
    with pytest.raises(InputError, match="allowed: image as PNG"):
        viewer.save("poster", tmp_path / "a")


def test_hostile_text_is_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    name = "toy<img src=x onerror=alert(1)>_s3d.fits"
    viewer = CubeViewer([a_cube(star(), name=name, cards=[Card("TARGNAME", evil)]), layers(star(), start=6.0)])
    viewer._hovered(3, 3)
    for line in (viewer._title, viewer._readout, viewer.controls.status, viewer.controls.aperture):
        assert "<img" not in line.value
    write_cube(tmp_path / "a.fits", {"DATA": star(), "STAT": star()}, celestial(25, 21, BUNIT=evil))
    other = CubeViewer(tmp_path / "a.fits")
    other._hovered(3, 3)
    assert "<img" not in other._readout.value


@pytest.mark.parametrize(
    "name", ["../../x_s3d.fits", "/etc/x_s3d.fits", "a\0b\n", "..\\x", ".hidden", "x" * 400, "a:b|c"]
)
def test_a_name_that_is_offered_stays_in_the_folder(name):
    offered = file_name("image as PNG", layers(star(), name=name))
    assert Path(offered).name == offered
    assert offered.isprintable()
    assert not offered.startswith((".", "-"))
    assert not {*offered} & {*':|<>"?*/\\'}
    assert len(offered) < 255
    assert file_name("image as PNG", layers(star(), name="star_ch1-short_s3d.fits")) == "star_ch1-short_view.png"


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 6), (3, 4, 5)])
@pytest.mark.parametrize("value", [np.nan, 0.0, 1.0])
def test_no_cube_is_too_small_or_too_empty(shape, value):
    viewer = CubeViewer(a_cube(np.full(shape, value)))
    for k in range(shape[0]):
        viewer.waves.go(k)
    viewer.controls.contours.value = viewer.controls.psf.value = True
    viewer._clicked(0, 0)
    viewer.wavelength_range = [5.0, 5.01] * u.um
    viewer.controls.how.value = "median"
    viewer.controls.continuum.value = True
    assert viewer.picture.image.shape == shape[1:]
    viewer.close()


@pytest.mark.parametrize("extensions", [("DATA", "STAT"), ("DATA",), ("SCI", "ERR")])
def test_cubes_of_other_instruments_are_shown(tmp_path, extensions):
    flux = star((20, 21, 25)).astype(np.float32)
    flux[:, 0] = np.nan
    path = write_cube(tmp_path / "muse.fits", dict.fromkeys(extensions, flux), celestial(25, 21))
    viewer = mrsnb.view(path)
    viewer._clicked(12, 10)
    viewer.wavelength_range = [4755, 4760] * u.AA
    viewer.save("spectra as CSV", tmp_path / "a.csv")
    with pytest.raises(InputError, match="needs a cube of the MRS"):
        viewer.save(X1D, tmp_path / "a.fits")
    assert viewer.spectra[0]["flux"].unit == u.one


def test_large_images_have_coarse_cells():
    viewer = CubeViewer(a_cube(np.ones((2, 200, 150))))
    assert viewer.image._net.mark.color.size <= 4200
    seen = []
    viewer.observe(lambda change: seen.append(change["new"]), "voxel")
    net = viewer.image._net.mark
    for j, i in ((0, 0), (-2, -2), (-2, -2)):
        net._handle_custom_msgs(None, {"event": "element_click", "data": {"row": net.row[j], "column": net.column[i]}})
    assert len(seen) == 3  # the same one again is told of too
    assert all(0 <= x < 150 and 0 <= y < 200 for x, y, _ in seen)


def test_a_thousand_steps_leave_nothing_behind(viewer):
    def step(i):
        viewer.waves.go(i % 40)
        viewer._hands.drag(0, (0.01 * (i % 50), 0.0), i % 2 == 0)
        viewer._hovered(i % 25, i % 21)
        viewer._brushed((5.1, 5.12 + 0.002 * (i % 50)))

    for i in range(5):
        step(i)
    before = len(_instances)
    for i in range(250):
        step(i)
    assert len(_instances) == before
    assert len(viewer.apertures._sums) == len(viewer.apertures.all)


def test_closing_frees_all():
    before = len(_instances)
    made = CubeViewer(a_cube(star()))
    assert len(_instances) > before + 50
    made.close()
    assert len(_instances) <= before + 2


def test_what_is_synced_is_small():
    flux = np.broadcast_to(np.float32(1.0), (500, 60, 60)).copy()
    before = set(_instances)
    made = CubeViewer(a_cube(flux))
    sizes = []
    for widget in [one for key, one in _instances.items() if key not in before and one.comm is not None]:
        state = widget.get_state()
        sizes.append(sum(getattr(value, "nbytes", len(repr(value))) for value in state.values()))
    assert max(sizes) < 100_000
    made.close()


def test_a_part_of_the_sky_is_seen_and_told(viewer):
    whole = viewer.image.view
    viewer.zoom(2.0)
    view = viewer.image.view
    assert view.right - view.left == pytest.approx((whole.right - whole.left) / 2)
    net = viewer.image._net.mark
    size = viewer.cube.grid.spaxel_size
    assert view.left - size <= net.column[0] <= view.left <= view.right <= net.column[-1] <= view.right + size
    assert len(viewer.image._x_axis.tick_values) > 2
    net._handle_custom_msgs(None, {"event": "hover", "data": {"row": net.row[1], "column": net.column[2]}})
    assert f"offset {-net.column[2] - size / 2:+.2f}" in viewer._readout.value
    viewer.controls.home.click()
    assert viewer.image.view == whole


def test_the_same_part_of_the_sky_is_seen_in_another_band(bands):
    bands.controls.contours.value = bands.controls.psf.value = True
    bands.band = "1A"
    bands.image.zoom(3.0, (0.4, 0.2))
    view = bands.image.view
    bands.band = "1B"
    assert bands.image.view.right - bands.image.view.left == pytest.approx(view.right - view.left)
    bands.band = "1A"
    np.testing.assert_allclose(bands.image.view, view, atol=1e-9)


def test_spectra_come_and_go_in_one_viewer(viewer):
    spectrum, c = viewer.spectrum, viewer.controls
    spectrum.line_lists = ("H2",)

    def there_and_back():
        c.add.click()
        assert spectrum.data.names == ["aperture 1", "aperture 2"]
        assert [curve.visible for curve in spectrum._canvas.plot._curves[:3]] == [True, True, False]
        c.remove.click()

    there_and_back()
    before = len(_instances)
    there_and_back()
    assert len(_instances) == before
    c.remove.click()
    assert spectrum.data.names == ["no aperture"]
    c.add.click()
    assert (spectrum is viewer.spectrum, spectrum.line_lists, spectrum.data.names) == (True, ("H2",), ["aperture 1"])


def test_one_redshift_for_planes_and_lines(viewer):
    viewer.waves.redshift.value = 0.02
    assert viewer.spectrum.redshift == 0.02
    viewer.spectrum.redshift = 0.03
    assert viewer.waves.redshift.value == 0.03


def test_one_aperture_over_bands_is_one_spectrum(bands):
    (curve,) = bands.spectrum.data.curves
    assert (np.diff(curve.wave) > 0).all()
    first, second = (cube.grid.wave for cube in bands.cubes)
    middle = (first[-1] + second[0]) / 2
    assert len(curve.wave) == (first < middle).sum() + (second >= middle).sum()


def test_a_drag_sends_little(viewer):
    sent = []
    for widget in [one for one in _instances.values() if one.comm is not None]:
        widget.comm.publish_msg = lambda *_, **told: sent.append(told)
    viewer._hands.drag(0, (0.1, 0.0), False)
    sent.clear()
    viewer._hands.drag(0, (0.12, 0.0), False)
    assert 0 < len(sent) <= 8


@pytest.mark.parametrize(("gl", "own", "dead"), [("0.1.1", "0.13.1", True), ("0.1.1", "0.12.47", False)])
def test_what_disables_brushes_is_told(monkeypatch, gl, own, dead):
    monkeypatch.setattr(figures, "version", {"bqplot-gl": gl, "bqplot": own}.get)
    viewer = CubeViewer(a_cube())
    assert ("uninstall it" in viewer.controls.status.value) == dead
    viewer.close()


def test_requests_that_pile_up_count_as_one():
    import asyncio

    seen = []

    async def drag():
        latest = Latest(seen.append)
        for i in range(100):
            latest(i)
        await asyncio.sleep(0.05)
        latest(200)
        latest.now()

    asyncio.run(drag())
    assert seen == [99, 200]


def test_a_request_that_comes_alone_is_answered_at_once():
    import asyncio

    seen = []

    async def drag():
        latest = Latest(seen.append, alone=0.02)
        latest(1)
        assert seen == [1]
        for i in (2, 3):
            latest(i)
        assert seen == [1]
        await asyncio.sleep(0.1)
        assert seen == [1, 3]
        latest(4)
        assert seen == [1, 3, 4]

    asyncio.run(drag())


def test_what_waits_for_a_rest_is_called_after_the_last_request():
    import asyncio

    seen = []

    async def scrub():
        latest = Latest(seen.append, after=0.2)
        for i in range(3):
            latest(i)
            await asyncio.sleep(0.1)
            assert not seen
        await asyncio.sleep(0.4)

    asyncio.run(scrub())
    assert seen == [2]


def test_the_player_follows_the_slider_and_moves_it():
    viewer = CubeViewer(a_cube())
    waves = viewer.waves
    waves.slider.value = 1
    assert waves.play.value == 1
    waves.play.value = 2
    assert waves.plane == 2
    waves.play.playing = True
    waves.slider.value = 0
    assert waves.play.value == 0
    viewer.close()
