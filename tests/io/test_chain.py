"""Which trees are compiled, and that all others are evaluated with gwcs, with a line in the log and equal results."""

import copy
import gc
import logging
from io import BytesIO

import asdf
import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling.models import Identity, Shift
from gwcs import coordinate_frames as cf
from gwcs import wcs as gwcs_wcs

from mrsnb.core.bands import Band
from mrsnb.errors import InputError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import channel_view
from mrsnb.io.asdf_tree import TreeError, read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.io.exposures import open_exposure, read_wcs
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry

HERE = Pointing(ra=10.0, dec=-30.0, roll=100.0)
BAND = Band.from_name("4A")


def a_wcs(pointing=HERE, sub_band="short"):
    return exposure_wcs(detector_geometry("MIRIFULONG", sub_band), pointing)


def document(wcs):
    out = BytesIO()
    asdf.AsdfFile({"meta": {"wcs": wcs}}).write_to(out)
    return out.getvalue()


def written(path, content):
    """Write a file whose ASDF extension is `content`."""
    column = fits.Column("ASDF_METADATA", f"{len(content)}B", array=[np.frombuffer(content, np.uint8)])
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column], name="ASDF")]).writeto(path)
    return path


@pytest.fixture(scope="module")
def wcs():
    return a_wcs()


@pytest.fixture(scope="module")
def content(wcs):
    return document(wcs)


@pytest.fixture(scope="module")
def expected(content):
    return channel_view(compile_chain(read_tree(content)), BAND)


def renamed_frame(wcs):
    """Call the frame v2v3vacorr something else."""
    steps = [(step.frame, step.transform) for step in wcs.pipeline]
    frame = cf.CompositeFrame(steps[3][0].frames, name="focal_plane")
    return gwcs_wcs.WCS([*steps[:3], (frame, steps[3][1]), *steps[4:]])


def further_stage(wcs):
    """Put a stage that does nothing between telescope and sky."""
    steps = [(step.frame, step.transform) for step in wcs.pipeline]
    frame = cf.CompositeFrame(steps[3][0].frames, name="corrected")
    return gwcs_wcs.WCS([*steps[:3], (steps[3][0], Identity(3)), (frame, steps[3][1]), *steps[4:]])


def other_domain(wcs):
    """Write one polynomial with another domain and the same window, which changes nothing."""
    altered = copy.deepcopy(wcs)
    for model in altered.pipeline[0].transform.selector.values():
        for part in model.traverse_postorder():
            if hasattr(part, "x_domain"):
                part.x_domain = part.x_window = (-2, 2)
                return altered
    pytest.fail("no polynomial found")


@pytest.mark.parametrize(
    ("alter", "reason"),
    [(renamed_frame, "frames are"), (further_stage, "frames are"), (other_domain, "polynomial with a domain")],
)
def test_what_is_not_the_official_chain_is_evaluated_with_gwcs(tmp_path, caplog, wcs, expected, alter, reason):
    path = written(tmp_path / "altered_cal.fits", document(alter(wcs)))
    with caplog.at_level(logging.INFO, logger="mrsnb"):
        found = read_wcs(path)
    assert isinstance(found, gwcs_wcs.WCS)
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("mrsnb")]
    assert line.startswith("altered_cal.fits: WCS evaluated with gwcs")
    assert reason in line
    view = channel_view(found, BAND)
    seen = np.isfinite(expected.samples.wave)
    np.testing.assert_array_equal(view.samples.pixel, expected.samples.pixel)
    np.testing.assert_allclose(view.samples.wave[seen], expected.samples.wave[seen], rtol=1e-12)
    np.testing.assert_allclose(view.samples.alpha, expected.samples.alpha, rtol=0, atol=1e-9)
    np.testing.assert_allclose(view.sky(), expected.sky(), rtol=0, atol=1e-9)


def test_the_official_chain_is_compiled_without_a_word(tmp_path, caplog, content):
    with caplog.at_level(logging.INFO, logger="mrsnb"):
        found = read_wcs(written(tmp_path / "a.fits", content))
    assert isinstance(found, MrsChain)
    assert not [record for record in caplog.records if record.name.startswith("mrsnb")]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"name: v2v3\n", b"name: v2V4\n", "frames are"),
        (b"!transform/polynomial", b"!transform/ortho_polynomial", "expected polynomial"),
        (b"!transform/rotate_sequence_3d", b"!transform/rotate_sequence_4d", "sky transform is"),
        (b"!<tag:stsci.edu:gwcs/regions_selector", b"!<tag:stsci.edu:gwcs/other_selector", "no regions_selector"),
        (b"rotation_type: cartesian", b"rotation_type: spherical", "rotation of angles"),
        (b"transform_type: spherical_to_cartesian", b"transform_type: cartesian_to_spherical", "sky transform"),
        (b"wcs:", b"wsc:", "no 'wcs'"),
    ],
)
def test_a_tree_that_differs_in_one_word_is_refused(content, old, new, reason):
    assert content.count(old) >= 1
    with pytest.raises(TreeError, match=reason):
        compile_chain(read_tree(content.replace(old, new)))


@pytest.mark.parametrize("mapping", [b"[0, 1, 1, 0, 0]", b"[1, 0, 0, 1, 1]"])
def test_a_slice_with_another_mapping_is_refused(content, mapping):
    assert content.count(b"[1, 0, 0, 1, 0]") == 28
    with pytest.raises(TreeError, match="another mapping"):
        compile_chain(read_tree(content.replace(b"[1, 0, 0, 1, 0]", mapping, 1)))


def test_a_tree_that_neither_can_read_is_one_error(tmp_path, content):
    for name, spoiled in (
        ("cut", content[: len(content) // 2]),
        ("no wcs", content.replace(b"wcs:", b"wsc:", 1)),
        ("no frames", content.replace(b"name: detector", b"name: deceptor")),
        ("nothing", b"#ASDF 1.0.0\n"),
    ):
        path = written(tmp_path / f"{name}_cal.fits", spoiled)
        with pytest.raises(
            InputError, match=r"its WCS cannot be read .*; run level 2 \(assign_wcs\) on it again"
        ) as error:
            read_wcs(path)
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(str(path))


def test_python_objects_in_a_tree_are_never_made(tmp_path, content):
    marker = tmp_path / "marker"
    attack = b'  attack: !!python/object/apply:os.system ["touch %s"]\n' % str(marker).encode()
    where = content.index(b"meta:\n") + len(b"meta:\n")
    spoiled = content[:where] + attack + content[where:]
    path = written(tmp_path / "x_cal.fits", spoiled)
    assert isinstance(read_wcs(path), MrsChain)  # the rest is as it should be
    broken = written(tmp_path / "y_cal.fits", spoiled.replace(b"name: detector", b"name: deceptor"))
    with pytest.raises(InputError):  # asdf does not make them either
        read_wcs(broken)
    assert not marker.exists()


def test_equal_slice_maps_are_one_array_and_go_with_their_last_exposure(content):
    from mrsnb.io import chain as module

    gc.collect()
    before = len(module._slice_maps)
    one, two = (compile_chain(read_tree(content)) for _ in range(2))
    other = compile_chain(read_tree(document(a_wcs(sub_band="long"))))
    assert np.shares_memory(one.slice_map, two.slice_map)
    assert not np.shares_memory(one.slice_map, other.slice_map)
    assert not one.slice_map.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        one.slice_map[0, 0] = 1
    del one, two, other
    gc.collect()
    assert len(module._slice_maps) == before


def test_exposures_of_one_setting_share_their_slice_map(small_dataset):
    first, second = (open_exposure(path).wcs for path in small_dataset.exposures)
    assert np.shares_memory(first.slice_map, second.slice_map)
    assert not np.array_equal(first.matrix, second.matrix)


def test_labels_are_those_of_the_slice_map(content):
    chain = compile_chain(read_tree(content))
    assert chain.labels == {0, *range(301, 317), *range(401, 413)}


def test_a_moving_target_is_a_shift_of_the_sky(wcs):
    steps = [(step.frame, step.transform) for step in wcs.pipeline]
    frame = cf.CompositeFrame(steps[-1][0].frames, name="moving_target")
    moved = gwcs_wcs.WCS([*steps[:-1], (steps[-1][0], Shift(0.001) & Shift(-0.002) & Identity(1)), (frame, None)])
    chain = compile_chain(read_tree(document(moved)))
    assert isinstance(chain, MrsChain)
    found, expected = (np.array(channel_view(geometry, BAND).sky()) for geometry in (chain, moved))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["12A", "12B", "12C", "34A", "34B", "34C"])
def test_old_files_whose_tags_gwcs_no_longer_knows_are_compiled(shared, name):
    """The reference point falls on RA_REF, DEC_REF, and the pixels fill the polygon S_REGION."""
    path = shared / "data" / "mirisim" / f"template_{name}.fits.gz"
    exposure = open_exposure(path)
    chain = exposure.wcs
    assert isinstance(chain, MrsChain)
    v2, v3 = (np.deg2rad(exposure.science.number(key) / 3600) for key in ("V2_REF", "V3_REF"))
    x, y, z = chain.matrix @ [np.cos(v3) * np.cos(v2), np.cos(v3) * np.sin(v2), np.sin(v3)]
    turn = (np.rad2deg(np.arctan2(y, x)) - exposure.science.number("RA_REF") + 180) % 360 - 180
    assert turn == pytest.approx(0, abs=1e-10)
    assert np.rad2deg(np.arcsin(z)) == pytest.approx(exposure.science.number("DEC_REF"), abs=1e-10)
    ra, dec = np.concatenate([channel_view(chain, band).sky() for band in exposure.bands], axis=1)
    ra = (ra + 180) % 360 - 180
    box = [np.nanmin(ra), np.nanmin(dec), np.nanmax(ra), np.nanmax(dec)]
    corners = np.array(exposure.science.text("S_REGION").split()[2:], float)
    np.testing.assert_allclose(box, corners[[0, 1, 4, 5]], rtol=0, atol=2e-9)
