"""The shares that the compiled extension of the observatory's package finds; `make_reference_clip.py` wrote them."""

from pathlib import Path

import numpy as np
import pytest

from mrsnb.kernels.drizzle import Pixels, Planes, deposit, sort_pixels


@pytest.fixture(scope="module")
def reference():
    with np.load(Path(__file__).with_name("reference_clip.npz")) as content:
        return dict(content)


def weights(reference, p, *, as_upstream):
    """Return the weights of pixel p in the middle plane, flat."""
    size, x = float(reference["size"]), reference["x"]
    planes = Planes(x, x.copy(), size, reference["wave"], reference["step"])
    one = np.ones(1)
    width = reference["width"].reshape(1)
    pixel = Pixels(one, one, reference["wave"][1:2], width)
    corners = reference["xi"][p : p + 1], reference["eta"][p : p + 1]
    sums = np.zeros((3, len(x) ** 2, 4))
    in_order = sort_pixels(pixel.wave, pixel.width, planes)
    which = in_order.reaching(0, 3)
    deposit(pixel, in_order, which, corners, planes, 0, sums, as_upstream=as_upstream)
    return sums[1, :, 1]


def expected(reference, p):
    out = np.zeros(len(reference["x"]) ** 2)
    mine = reference["pixel"] == p
    out[reference["spaxel"][mine]] = reference["weight"][mine]
    return out


def test_weights_are_those_of_the_official_package_to_the_last_bit(reference):
    for p in range(len(reference["xi"])):
        found = weights(reference, p, as_upstream=True)
        np.testing.assert_array_equal(found, expected(reference, p), err_msg=f"pixel {p}")


def test_inside_the_cube_the_official_package_is_right_to_a_millionth(reference):
    full = float(reference["size"]) ** 2 * float(reference["width"])
    edge = reference["x"][-1] + float(reference["size"]) / 2
    reach = np.abs(np.concatenate([reference["xi"], reference["eta"]], axis=1)).max(axis=1)
    for p in np.flatnonzero(reach < edge):
        right = weights(reference, p, as_upstream=False)
        np.testing.assert_allclose(right, expected(reference, p), rtol=0, atol=1e-6 * full)


def test_beyond_the_lower_edges_the_official_package_loses_weight(reference):
    lost = 0
    for p in range(len(reference["xi"])):
        right = weights(reference, p, as_upstream=False).sum()
        official = expected(reference, p).sum()
        assert official <= right * (1 + 1e-6)
        lost += official < 0.99 * right
    assert lost >= 5
