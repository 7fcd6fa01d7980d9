import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.kernels.coverage import cover
from mrsnb.kernels.overlap import MAX_VERTICES, shared_area

N_X, N_Y = 7, 5


@st.composite
def quadrilaterals(draw, low=-3.0, high=10.0, largest=4.0):
    """Convex, either sense, some with corners and edges on borders of cells, shape (2, 4)."""
    centre = np.array([draw(st.floats(low, high, width=32)), draw(st.floats(low, high, width=32))])
    a, b = draw(st.floats(0.0078125, largest, width=32)), draw(st.floats(0.0078125, largest, width=32))
    if draw(st.booleans()):
        angle = draw(st.floats(0, 6.25, width=32)) + np.cumsum([draw(st.floats(0.25, 1.5, width=32)) for _ in range(4)])
        corners = centre[:, None] + np.array([a * np.cos(angle), b * np.sin(angle)])
    else:
        corners = np.round(2 * (centre[:, None] + np.array([[-a, -a, a, a], [-b, b, b, -b]]))) / 2
    return corners[:, ::-1].copy() if draw(st.booleans()) else corners


def shares(corners, n_x=N_X, n_y=N_Y):
    """Return the shares as an image, and the scratch space."""
    spaxel, share, window = np.zeros(n_x * n_y, np.int32), np.zeros(n_x * n_y), np.zeros((24, 24))
    n = cover(tuple(corners[0]), tuple(corners[1]), n_x, n_y, spaxel, share, window.ravel(), 24)
    assert n >= 0
    assert len(set(spaxel[:n])) == n
    image = np.zeros(n_x * n_y)
    image[spaxel[:n]] = share[:n]
    return image.reshape(n_y, n_x), window


@given(corners=quadrilaterals())
def test_every_share_is_the_shared_area(corners):
    image, _ = shares(corners)
    work = np.empty((4, MAX_VERTICES))
    expected = [[shared_area(*corners, (i, i + 1.0, j, j + 1.0), False, *work) for i in range(N_X)] for j in range(N_Y)]
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-12)


@given(corners=quadrilaterals())
def test_the_scratch_space_is_left_clean(corners):
    _, window = shares(corners)
    assert not window.any()


@given(corners=quadrilaterals(low=4.0, high=7.0, largest=3.5))
def test_shares_sum_to_the_area_of_a_polygon_inside(corners):
    x, y = corners
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    image, _ = shares(corners, 12, 12)
    assert image.sum() == pytest.approx(area, abs=1e-11)
    assert image.min() >= 0
    assert image.max() <= 1 + 1e-12


@given(corners=quadrilaterals(), shift=st.integers(-3, 3))
def test_a_move_by_whole_cells_moves_the_shares(corners, shift):
    corners = np.round(corners * 1024) / 1024  # exact sums
    image, _ = shares(corners)
    moved, _ = shares(corners + np.array([[shift], [0]]))
    a, b = max(0, shift), min(N_X, N_X + shift)
    np.testing.assert_allclose(moved[:, a:b], image[:, a - shift : b - shift], rtol=0, atol=1e-12)


def test_a_window_too_small_is_reported():
    us, vs = (0.5, 0.5, 3.5, 3.5), (0.5, 3.5, 3.5, 0.5)
    spaxel, share = np.zeros(35, np.int32), np.zeros(35)
    for rows, columns, expected in ((3, 6, -1), (4, 5, -1), (4, 6, 16)):
        assert cover(us, vs, N_X, N_Y, spaxel, share, np.zeros(rows * columns), columns) == expected


@pytest.mark.parametrize("place", [(-9.0, 2.0), (20.0, 2.0), (2.0, -9.0), (2.0, 20.0)])
def test_outside_the_grid_there_is_nothing(place):
    corners = np.array(place)[:, None] + np.array([[-0.4, -0.4, 0.4, 0.4], [-0.4, 0.4, 0.4, -0.4]])
    image, window = shares(corners)
    assert not image.any()
    assert not window.any()


def test_a_cell_covered_exactly_is_one_and_its_neighbours_are_not_listed():
    image, _ = shares(np.array([[2.0, 2.0, 3.0, 3.0], [1.0, 2.0, 2.0, 1.0]]))
    assert image[1, 2] == 1
    assert image.sum() == 1
