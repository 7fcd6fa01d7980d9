from io import BytesIO

import asdf
import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.errors import InputError
from mrsnb.geometry.detector import channel_view, wave_image
from mrsnb.geometry.oversample import oversampled, oversampling
from mrsnb.io.asdf_tree import TreeError, read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.io.wcs_steps import has_more_columns, target_shift, with_more_columns, with_moving_target
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry

BAND = Band.from_name("4A")
SHIFT = (0.00012345678901234, -3.3e-05)


@pytest.fixture(scope="module")
def content():
    wcs = exposure_wcs(detector_geometry("MIRIFULONG", "short"), Pointing(ra=10.0, dec=-30.0, roll=100.0))
    out = BytesIO()
    asdf.AsdfFile({"meta": {"wcs": wcs, "after": [1, 2]}, "array": np.arange(1000.0)}).write_to(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def moved(content):
    return with_moving_target(content, SHIFT)


def test_the_chain_with_the_frame_is_recognised(content, moved):
    before, after = (compile_chain(read_tree(c)) for c in (content, moved))
    assert after.sky_shift == SHIFT
    assert before.sky_shift == (0.0, 0.0)
    one, other = (channel_view(chain, BAND).sky() for chain in (before, after))
    np.testing.assert_allclose(np.subtract(other, one)[:, 0], SHIFT, atol=1e-13)


def test_other_readers_see_the_frame_and_all_else(moved):
    with asdf.open(BytesIO(moved)) as tree:
        wcs = tree["meta"]["wcs"]
        assert wcs.available_frames[-2:] == ["world", "moving_target"]
        assert tree["meta"]["after"] == [1, 2]
        np.testing.assert_array_equal(tree["array"], np.arange(1000.0))
        chain = compile_chain(read_tree(moved))
        slow, fast = (channel_view(w, BAND).sky() for w in (wcs, chain))
        np.testing.assert_allclose(slow, fast, rtol=0, atol=1e-11)
        slow, fast = (wave_image(w, BAND) for w in (wcs, chain))
        np.testing.assert_allclose(slow, fast, rtol=1e-12)
        assert np.isfinite(fast).sum() > 300_000


def test_another_last_frame_is_not_compiled(moved):
    for old, new in ((b"offset: 0.00012345678901234", b"offset: x"), (b"name: moving_target", b"name: elsewhere")):
        with pytest.raises(TreeError):
            compile_chain(read_tree(moved.replace(old, new)))


def test_a_tree_that_does_not_end_at_the_sky_is_refused(moved):
    for content in (b"#ASDF 1.0.0\n%YAML 1.1\n---\nmeta: {}\n...\n", b"", moved):
        with pytest.raises(InputError, match="does not end at frame 'world'"):
            with_moving_target(content, SHIFT)


class Seen:
    primary = Cards().updated(S_MTWCS="COMPLETE")
    science = Cards().updated(MT_RA=359.9999, MT_DEC=10.0, MT_AVRA=0.0002, MT_AVDEC=10.5)


def test_the_shift_goes_the_short_way():
    assert target_shift(Seen()) == pytest.approx((0.0003, 0.5))


@pytest.mark.parametrize("changed", ["MT_RA", "MT_AVDEC", "S_MTWCS"])
def test_a_target_that_was_not_followed_has_none(changed):
    seen = Seen()
    seen.primary, seen.science = (cards.updated(**{changed: None}) for cards in (Seen.primary, Seen.science))
    assert target_shift(seen) is None


@pytest.mark.parametrize("factor", [1.1, 2.0, 3.0])
def test_more_columns_are_recognised(content, moved, factor):
    for before, shift in ((content, (0.0, 0.0)), (moved, SHIFT)):
        assert not has_more_columns(before)
        wider = with_more_columns(before, factor, (1024, 2064))
        assert has_more_columns(wider)
        chain = compile_chain(read_tree(wider))
        assert (chain.oversample, chain.sky_shift) == (factor, shift)


def test_other_readers_see_more_columns_where_we_see_them(content):
    wider = with_more_columns(content, 2.0, (1024, 2064))
    ours = oversampled(compile_chain(read_tree(content)), 2.0)
    with asdf.open(BytesIO(wider)) as tree:
        wcs = tree["meta"]["wcs"]
        assert wcs.available_frames[:2] == ["coordinates", "detector"]
        assert oversampling(wcs) == 2.0
        assert wcs.bounding_box.bounding_box() == ((-0.5, 2063.5), (-0.5, 1023.5))
        np.testing.assert_array_equal(tree["array"], np.arange(1000.0))
        slow, fast = (channel_view(w, BAND).sky() for w in (wcs, ours))
        np.testing.assert_allclose(slow, fast, rtol=0, atol=1e-11)
        slow, fast = (wave_image(w, BAND) for w in (wcs, ours))
        np.testing.assert_allclose(slow, fast, rtol=1e-12)
        assert np.isfinite(fast).sum() > 600_000
        back = wcs.get_transform("detector", "coordinates")
        np.testing.assert_allclose(back(*wcs.get_transform("coordinates", "detector")(7.0, 5.0)), (7.0, 5.0))


def test_a_frame_with_anchors_is_not_copied(content):
    named = content.replace(b"axes_names: [x, y]", b"axes_names: &id009 [x, y]", 1)
    assert named != content
    with asdf.open(BytesIO(with_more_columns(named, 2.0, (1024, 2064)))) as tree:
        assert tree["meta"]["wcs"].available_frames[0] == "coordinates"


def test_other_columns_are_not_compiled(content):
    wider = with_more_columns(content, 2.0, (1024, 2064))
    for old, new in (
        (b"offset: -0.25", b"offset: 0.25"),
        (b"factor: 0.5", b"factor: 0.4"),
        (b"factor: 0.5", b"f: 0.5"),
    ):
        assert old in wider
        with pytest.raises(TreeError):
            compile_chain(read_tree(wider.replace(old, new, 1)))


def test_a_tree_that_does_not_begin_at_the_detector_is_refused(content):
    for other in (b"#ASDF 1.0.0\n%YAML 1.1\n---\nmeta: {}\n...\n", b"", content.replace(b"name: detector", b"name: d")):
        with pytest.raises(InputError, match="does not begin at frame 'detector'"):
            with_more_columns(other, 2.0, (1024, 2064))
