"""Pixels picked out of images, and counts."""

import numpy as np

from mrsnb.kernels.usable import count_found, gather_usable

SHAPE = (5, 7)


def images(seed=0):
    rng = np.random.default_rng(seed)
    flux, err, first, second = rng.normal(size=(4, *SHAPE)).astype(np.float32)
    dq = np.zeros(SHAPE, np.uint32)
    return flux, err, dq, (first, second)


def test_good_pixels_are_as_in_the_image():
    flux, err, dq, variances = images()
    pixel, start = np.array([3, 34, 0, 8, 7], np.int32), np.array([0, 2, 2, 4, 5])
    found, error = gather_usable(flux, err, dq, variances, pixel, start, np.uint32(513))
    assert found.dtype == error.dtype == np.float32
    np.testing.assert_array_equal(found, flux.ravel()[pixel])
    np.testing.assert_array_equal(error, err.ravel()[pixel])


def test_any_invalid_array_and_any_of_the_flags_makes_a_pixel_invalid():
    flux, err, dq, (first, second) = images()
    flux[0, 0], err[0, 1], err[0, 2], first[0, 3], second[0, 4] = np.nan, np.nan, np.inf, np.nan, np.nan
    dq[0, 5], dq[0, 6], dq[1, 0] = 1, 512, 4
    flux[1, 1], flux[1, 2] = np.inf, -np.inf
    pixel, start = np.arange(10, dtype=np.int32), np.array([0, 10])
    found, _ = gather_usable(flux, err, dq, (first, second), pixel, start, np.uint32(513))
    np.testing.assert_array_equal(np.isnan(found), [True] * 7 + [False] + [True] * 2)
    without, _ = gather_usable(flux, err, dq, (err,), pixel, start, np.uint32(513))
    np.testing.assert_array_equal(np.isnan(without), [True] * 3 + [False] * 2 + [True] * 2 + [False] + [True] * 2)


def test_counts_are_those_of_each_pixel():
    examined, high, low = (np.zeros(6, np.uint16) for _ in range(3))
    pixel = np.array([5, 1, 2], np.int32)
    for _ in range(2):
        count_found(
            pixel,
            np.array([np.nan, 3, 5], np.float32),
            np.array([np.nan, 0, 4.5], np.float32),
            4.0,
            examined,
            high,
            low,
        )
    np.testing.assert_array_equal(examined, [0, 2, 2, 0, 0, 0])
    np.testing.assert_array_equal(high, [0, 0, 2, 0, 0, 0])
    np.testing.assert_array_equal(low, [0, 0, 2, 0, 0, 0])
