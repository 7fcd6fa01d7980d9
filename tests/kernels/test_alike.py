"""Pixels that are invalid in all images if they are in one."""

import numpy as np

from mrsnb.kernels.alike import mark_alike

SHAPE = (300, 9)


def exposure():
    images = tuple(np.random.default_rng(3).normal(size=(3, *SHAPE)).astype(np.float32))
    dq = np.full(SHAPE, 4, np.uint32)
    images[0][0, 0], images[2][299, 8], dq[150, 4] = np.nan, np.nan, 513
    return images, dq


def test_an_invalid_pixel_is_so_everywhere_and_others_are_as_they_were():
    images, dq = exposure()
    marked, flags = mark_alike(images, dq, np.uint32(1))
    bad = np.zeros(SHAPE, bool)
    bad[0, 0] = bad[299, 8] = bad[150, 4] = True
    for before, after in zip(images, marked, strict=True):
        np.testing.assert_array_equal(after, np.where(bad, np.float32(np.nan), before))
        assert after.dtype == np.float32
    np.testing.assert_array_equal(flags, np.where(bad, dq | np.uint32(1), dq))
    assert flags.dtype == np.uint32


def test_marked_twice_is_marked_once():
    images, dq = exposure()
    once, flags = mark_alike(images, dq, np.uint32(1))
    twice, again = mark_alike(once, flags, np.uint32(1))
    np.testing.assert_array_equal(again, flags)
    np.testing.assert_array_equal(twice, once)
    assert np.isnan(images[0]).sum() == 1  # the arguments are left alone
