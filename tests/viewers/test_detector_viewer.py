"""The detector viewer and the tracing of light without a browser: what is shown, what a user does, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances

import mrsnb
from mrsnb.core.dq import DQ, UNUSABLE
from mrsnb.core.exposure import DerivedExposure
from mrsnb.errors import InputError
from mrsnb.geometry.detector import wave_image
from mrsnb.io.exposures import open_exposure
from mrsnb.viewers.detector import DetectorViewer
from mrsnb.viewers.detector_layers import DetectorLayers, difference
from mrsnb.viewers.detector_panel import is_fine, net_edges
from mrsnb.viewers.net import _middle
from mrsnb.viewers.overlays import View
from mrsnb.viewers.provenance import ProvenanceViewer


@pytest.fixture(scope="module")
def exposures(small_dataset):
    return [open_exposure(path) for path in small_dataset.exposures]


@pytest.fixture(scope="module")
def image(exposures):
    return DetectorLayers.of(exposures[0])


@pytest.fixture(scope="module")
def products(small_dataset, module_folder):
    """Level 3 of two exposures, beside them the exposures as they went into cubes."""
    from mrsnb.pipeline import run_spec3

    return run_spec3(small_dataset.association, output_dir=module_folder("traced"))


@pytest.fixture(scope="module")
def cube_path(products):
    return next(path for path in products.paths if path.name.endswith("ch1-short_s3d.fits"))


def flagged(exposure, y, x):
    """An exposure after a step that has found an outlier there."""

    def change(loaded):
        flux, dq = loaded.flux.copy(), loaded.dq.copy()
        flux[y, x], dq[y, x] = np.nan, DQ.OUTLIER | DQ.DO_NOT_USE
        return replace(loaded, flux=flux, dq=dq)

    return DerivedExposure(source=exposure, change=change, primary=exposure.primary, science=exposure.science)


def a_good_pixel(image):
    """A pixel on a slice, in the middle, with flux: (x, y)."""
    good = np.isfinite(image.waves) & np.isfinite(image.exposure.flux) & (image.exposure.dq == 0)
    y, x = np.argwhere(good)[np.count_nonzero(good) // 3]
    return int(x), int(y)


# Values


def test_places_are_those_of_the_geometry(image):
    waves = sum(np.nan_to_num(wave_image(image.exposure.wcs, band)) for band in image.exposure.bands)
    np.testing.assert_array_equal(np.nan_to_num(image.waves), waves)
    x, y = a_good_pixel(image)
    place = image.place(x, y)
    assert place.wave == waves[y, x]
    band = next(b for b in image.exposure.bands if b.name == place.band)
    assert place.slice == image.exposure.wcs.image_map[y, x]
    assert place.slice in band.labels
    for told in (f"slice {place.slice} of {place.band}", f"{place.wave:.5f}", "RA ", f"{place.alpha:+.3f}", "good"):
        assert told in image.text(x, y)


def test_there_are_pixels_between_the_slices_and_outside(image):
    y, x = np.argwhere(np.isnan(image.waves))[0]
    assert image.place(int(x), int(y)) is None
    assert "between the slices" in image.text(int(x), int(y))
    assert image.place(-1, 0) is None
    assert image.text(0, 10**6) == ""


@pytest.mark.parametrize("view", [View(-0.5, 1031.5, -0.5, 1023.5), View(100, 132, 500, 532)])
def test_outlines_lie_between_pixels_of_a_slice_and_others(image, view):
    lines = image.outlines(view)
    labels = image.exposure.wcs.image_map
    assert lines
    for line in lines:
        for x, y in line[1:-1:7]:
            row = int(np.clip(round(y), 0, 1023))
            left, right = (labels[row, min(max(round(x + side), 0), 1031)] for side in (-0.5, 0.5))
            assert left != right
    assert sum(map(len, lines)) < 20_000


def test_flags_are_counted_and_painted_the_first_chosen_on_top(image):
    counts, dq = image.flags(), image.exposure.dq
    assert counts["NON_SCIENCE"] == np.count_nonzero(dq & DQ.NON_SCIENCE)
    assert all(counts.values())
    index = image.flag_index(["NON_SCIENCE", "DO_NOT_USE"])
    assert np.count_nonzero(index == 1) == counts["NON_SCIENCE"]
    np.testing.assert_array_equal(index > 0, (dq & UNUSABLE) != 0)
    assert not image.flag_index([]).any()


def test_the_difference_is_what_a_step_did(exposures, image):
    x, y = a_good_pixel(image)
    after = DetectorLayers.of(flagged(exposures[0], y, x))
    new, unit = difference(after, image, "DQ")
    assert np.argwhere(new).tolist() == [[y, x]]
    assert "new" in unit
    change, _ = difference(after, image, "SCI")
    assert np.isnan(change[y, x])
    assert np.nanmax(np.abs(change)) == 0


@pytest.mark.parametrize(("low", "high", "at"), [(-0.5, 1031.5, 300), (-0.5, 1031.5, 0), (10.2, 300.1, 299), (3, 9, 4)])
def test_the_net_covers_the_view_and_is_fine_about_the_mouse(low, high, at):
    edges = net_edges(low, high, at)
    assert (np.diff(edges) > 0).all()
    assert (edges % 1 == 0.5).all()
    assert edges[0] <= low + 0.5
    assert edges[-1] >= high - 0.5
    cell = np.diff(edges)[np.searchsorted(edges, at) - 1]
    assert cell <= max(1, (high - low) / 300)
    assert len(edges) < 40


@given(st.floats(-0.4, 1031.4), st.sampled_from([(-0.5, 1031.5), (10.2, 700.1), (400.0, 460.0)]))
def test_the_net_comes_to_rest_beneath_a_mouse_that_does_not_move(mouse, seen):
    """The browser tells of another cell beneath the mouse as if that had moved."""
    mouse = min(max(mouse, seen[0]), seen[1])
    edges, casts = net_edges(*seen, None), 0
    while True:
        middle = _middle(edges, mouse)
        if is_fine(edges, middle, *seen):
            break
        edges, casts = net_edges(*seen, middle), casts + 1
        assert casts < 6
    assert abs(middle - mouse) <= 1.5


# Widgets


@pytest.fixture
def viewer(exposures):
    made = DetectorViewer(exposures)
    yield made
    made.close()


def test_view_opens_it_for_all_that_is_an_exposure(exposures, small_dataset):
    path = small_dataset.exposures[0]
    for one in (path, str(path), [path], exposures, exposures[0], exposures[0].load(), flagged(exposures[0], 5, 5)):
        made = mrsnb.view(one)
        assert isinstance(made, DetectorViewer)
        made.close()


def test_what_is_no_exposure_is_refused(exposures):
    with pytest.raises(InputError, match="no exposure given"):
        DetectorViewer([])
    with pytest.raises(InputError, match="int is no exposure"):
        DetectorViewer(3)
    with pytest.raises(InputError, match="1 exposures, but 2 after"):
        DetectorViewer(exposures, before=exposures[0])


def test_every_layer_is_shown(viewer):
    seen = set()
    for name in viewer.image.layer_names:
        viewer.layer = name
        seen.add(viewer.panel._rasters[0].png)
    assert len(seen) > 5
    with pytest.raises(InputError, match="layer = 'FLUX'"):
        viewer.layer = "FLUX"


def test_a_pixel_is_clicked_typed_or_told(viewer):
    seen = []
    viewer.observe(lambda change: seen.append(change["new"]), "pixel")
    x, y = a_good_pixel(viewer.image)
    viewer.go_to(x, y)
    assert viewer.wavelength == viewer.image.waves[y, x] * u.um
    viewer.controls.x.value += 1
    viewer._clicked(x, y + 1)
    viewer._clicked(x, y + 1)
    assert seen == [(x, y), (x + 1, y), (x, y + 1), (x, y + 1)]
    assert (viewer.controls.x.value, viewer.controls.y.value) == (x, y + 1)
    with pytest.raises(InputError, match="x must be from 0 to 1031"):
        viewer.go_to(1032, 0)


def test_the_mouse_tells_the_pixel_under_it(viewer):
    told = {"event": "hover", "data": {"row": 499.5, "column": 299.5}}
    viewer.panel.view = View(290, 310, 490, 510)
    viewer.panel._net.mark._handle_custom_msgs(None, told)
    assert viewer._at == (300, 500)
    assert "x 300 y 500" in viewer._readout.value


def test_zoom_stays_on_the_detector(viewer):
    panel = viewer.panel
    whole = panel.view
    panel.zoom(20, (1000, 1000))
    assert panel.view.right - panel.view.left == pytest.approx((whole.right - whole.left) / 20)
    assert panel.view.right <= 1031.5
    panel.zoom(10_000)
    assert panel.view.side == 8
    panel.zoom(1e-9)
    assert panel.view.right - panel.view.left == 1032
    panel.whole()
    assert panel.view == whole


def test_flags_stay_chosen_in_another_exposure(viewer, exposures):
    viewer.flags = ["NON_SCIENCE"]
    assert viewer.panel._flags.mark.visible
    viewer.exposure = exposures[1].name
    assert viewer.flags == ["NON_SCIENCE"]
    viewer.flags = []
    assert not viewer.panel._flags.mark.visible
    with pytest.raises(InputError, match="there are"):
        viewer.exposure = "other.fits"


def test_blinking_shows_what_a_step_changed(exposures, image):
    x, y = a_good_pixel(image)
    viewer = mrsnb.view(flagged(exposures[0], y, x))
    for value, front in ((1, 1), (0, 0), (1, 1)):
        viewer.controls.blink.value = value
        assert [raster.mark.visible for raster in viewer.panel._rasters] == [front == 0, front == 1]
    after, before = (raster.png for raster in viewer.panel._rasters)
    assert after != before
    viewer.controls.blink.value = 0
    viewer.state = "difference"
    viewer.layer = "DQ"
    assert "new flags" in viewer.panel.bar._unit.text[0]
    viewer.state = "after"
    assert viewer.panel._rasters[0].mark.visible
    with pytest.raises(InputError, match="state = 'later'"):
        viewer.state = "later"
    viewer.close()


def test_what_cannot_be_drawn_stays_said(exposures, image, monkeypatch):
    viewer = DetectorViewer(flagged(exposures[0], *reversed(a_good_pixel(image))))

    def fail():
        msg = "cannot be drawn"
        raise InputError(msg)

    monkeypatch.setattr(viewer, "_draw", fail)
    viewer.state = "before"
    assert "cannot be drawn" in viewer.controls.status.value
    viewer.close()


def test_without_a_step_there_is_nothing_to_compare(viewer):
    with pytest.raises(InputError, match="allowed: after"):
        viewer.state = "before"


def test_a_hostile_name_is_text(exposures):
    name = "<img src=x onerror=alert(1)>_cal.fits"
    viewer = DetectorViewer(replace(exposures[0].load(), name=name))
    assert "<img" not in viewer._title.value
    viewer.close()


def test_closing_frees_all_widgets(exposures):
    def open_and_close():
        made = mrsnb.view(exposures)
        made.exposure = exposures[1].name
        made.close()

    open_and_close()
    before = len(_instances)
    open_and_close()
    assert len(_instances) == before


# Both ways


@pytest.fixture
def traced(cube_path):
    made = mrsnb.view(cube_path, trace=True)
    assert isinstance(made, ProvenanceViewer)
    yield made
    made.close()


def brightest(cube):
    """The brightest spaxel of the middle plane, with it: (x, y, z)."""
    z = cube.shape[0] // 2
    plane = cube.flux.read(z)
    y, x = np.unravel_index(np.nanargmax(plane), plane.shape)
    return int(x), int(y), z


def test_a_clicked_voxel_shows_its_pixels(traced):
    x, y, z = brightest(traced.cube.cube)
    traced.cube.waves.go(z)
    traced.cube._clicked(x, y)
    assert traced.cube.voxel == (x, y, z)
    assert traced.contributions.flux == pytest.approx(traced.cube.cube.flux.read(z)[y, x], rel=1e-6)
    assert "changed after" not in traced.tracing.said.value
    first = max(traced.contributions.pixels, key=lambda p: p.weight)
    assert traced.detector.exposure.name == first.exposure
    view = traced.detector.panel.view
    assert view.left < first.x < view.right
    assert view.low < first.y < view.high
    marked = set(zip(traced.detector.panel._marks.x, traced.detector.panel._marks.y, strict=True))
    assert marked == {(p.x, p.y) for p in traced.contributions.pixels if p.exposure == first.exposure}
    assert f"{first.wave:.5f}" in traced.tracing.table.value


def test_a_clicked_pixel_marks_its_voxels(traced):
    found = traced.look_at_voxel(*brightest(traced.cube.cube))
    pixel = found.pixels[0]
    traced.detector.exposure = pixel.exposure
    traced.detector.go_to(pixel.x, pixel.y)
    assert found.voxel in [fed[:3] for fed in traced.fed.voxels]
    assert traced.cube.waves.plane == traced.fed.voxels[0].z
    assert len(traced.cube.image._fed.x) == len({fed[:2] for fed in traced.fed.voxels})
    traced.tracing.forget()
    traced.detector.go_to(pixel.x, pixel.y)
    assert traced.fed is not None
    traced.detector.go_to(0, 0)
    assert "feeds no voxel" in traced.tracing.said.value
    assert traced.tracing.table.value == ""


def test_other_exposures_or_parameters_are_refused_and_changed_ones_told(cube_path, exposures):
    from mrsnb.steps.cube_build import CubeBuildParams

    with pytest.raises(InputError, match="the exposures and parameters make"):
        mrsnb.view(cube_path, exposures=exposures, params=CubeBuildParams(scalexy=0.2))
    bright = [flagged_brighter(exposure) for exposure in exposures]
    traced = mrsnb.view(cube_path, exposures=bright)
    traced.look_at_voxel(*brightest(traced.cube.cube))
    assert "changed after these files" in traced.tracing.said.value
    traced.close()


def flagged_brighter(exposure):
    return DerivedExposure(
        source=exposure,
        change=lambda loaded: replace(loaded, flux=2 * loaded.flux),
        primary=exposure.primary,
        science=exposure.science,
    )


def test_a_cube_that_does_not_say_what_it_is_made_of_needs_exposures(cube_path):
    from mrsnb.io.s3d import read_s3d

    with pytest.raises(InputError, match="give exposures="):
        mrsnb.view(read_s3d(cube_path), trace=True)


def test_where_no_kernel_is_pictures_stay(viewer, traced):
    for shown in (viewer, traced):
        data, _ = shown._repr_mimebundle_()
        assert data["image/png"].startswith(b"\x89PNG")
        assert len(repr(shown)) < 100
        assert data["text/plain"] == repr(shown)
