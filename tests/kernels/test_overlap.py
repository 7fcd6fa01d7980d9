import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, box

from mrsnb.kernels.overlap import MAX_VERTICES, shared_area

REACH = st.floats(-2, 2, width=32)
COARSE = st.integers(-8, 8).map(lambda n: n / 4)


@st.composite
def quadrilaterals(draw):
    """Four corners on an ellipse: convex, either sense, shape (2, 4)."""
    start = draw(st.floats(0, 6.25, width=32))
    parts = np.cumsum([draw(st.floats(0.25, 2, width=32)) for _ in range(4)])
    angle = start + 2 * np.pi * parts / (parts[-1] + draw(st.floats(0.25, 2, width=32)))
    a, b = draw(st.floats(0.0078125, 2, width=32)), draw(st.floats(0.0078125, 2, width=32))
    corners = np.array([draw(REACH) + a * np.cos(angle), draw(REACH) + b * np.sin(angle)])
    return corners[:, ::-1].copy() if draw(st.booleans()) else corners


@st.composite
def touching(draw):
    """Rectangles and diamonds whose corners and edges lie on those of the spaxel, shape (2, 4)."""
    x, y, a, b = draw(COARSE), draw(COARSE), draw(st.integers(1, 6)) / 4, draw(st.integers(1, 6)) / 4
    shape = draw(st.sampled_from([([-a, -a, a, a], [-b, b, b, -b]), ([-a, 0, a, 0], [0, b, 0, -b])]))
    return np.array([x, y])[:, None] + np.array(shape, float)


def shared(corners, left, right, bottom, top, *, single=False):
    return shared_area(corners[0], corners[1], (left, right, bottom, top), single, *np.empty((4, MAX_VERTICES)))


@given(corners=st.one_of(quadrilaterals(), touching()))
def test_it_is_the_area_of_the_intersection(corners):
    expected = Polygon(corners.T).intersection(box(-0.5, -0.5, 0.5, 0.5)).area
    found = shared(corners, -0.5, 0.5, -0.5, 0.5)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found == pytest.approx(naive.shared_area(*corners, -0.5, 0.5, -0.5, 0.5), abs=1e-12)


@given(corners=quadrilaterals())
def test_the_sense_of_the_corners_and_the_first_of_them_do_not_matter(corners):
    area = shared(corners, -0.5, 0.5, -0.5, 0.5)
    assert shared(corners[:, ::-1].copy(), -0.5, 0.5, -0.5, 0.5) == pytest.approx(area, abs=1e-13)
    assert shared(np.roll(corners, 1, axis=1), -0.5, 0.5, -0.5, 0.5) == pytest.approx(area, abs=1e-13)


@given(corners=quadrilaterals(), cut=st.floats(-0.375, 0.375, width=32))
def test_parts_add_up(corners, cut):
    whole = shared(corners, -0.5, 0.5, -0.5, 0.5)
    parts = shared(corners, -0.5, cut, -0.5, 0.5) + shared(corners, cut, 0.5, -0.5, 0.5)
    assert parts == pytest.approx(whole, abs=1e-12)


@given(corners=st.one_of(quadrilaterals(), touching()))
def test_slopes_in_single_precision_cost_less_than_a_millionth(corners):
    exact = shared(corners, -0.5, 0.5, -0.5, 0.5)
    assert shared(corners, -0.5, 0.5, -0.5, 0.5, single=True) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    ("corners", "area"),
    [
        ([[-0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, 0.5, -0.5]], 1.0),  # the spaxel itself
        ([[0.5, 0.5, 1.5, 1.5], [-0.5, 0.5, 0.5, -0.5]], 0.0),  # a common edge
        ([[0.5, 0.5, 1.5, 1.5], [0.5, 1.5, 1.5, 0.5]], 0.0),  # a common corner
        ([[-9.0, -9.0, 9.0, 9.0], [-9.0, 9.0, 9.0, -9.0]], 1.0),  # all around
        ([[0.0, 0.0, 0.0, 0.0], [-1.0, 1.0, 1.0, -1.0]], 0.0),  # no area
        ([[-1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, -1.0]], 1.0),  # corners of the spaxel on its edges
        ([[3.0, 3.0, 4.0, 4.0], [3.0, 4.0, 4.0, 3.0]], 0.0),  # far away
    ],
)
@pytest.mark.parametrize("single", [False, True])
def test_edge_cases(corners, area, single):
    assert shared(np.array(corners), -0.5, 0.5, -0.5, 0.5, single=single) == area


def test_no_digits_are_lost_far_from_the_origin():
    near = np.array([[-0.3, -0.2, 0.4, 0.3], [-0.4, 0.3, 0.2, -0.3]])
    far = near + 2.0**20
    area = shared(far, *(2.0**20 + np.array([-0.25, 0.25, -0.25, 0.25])))
    assert area == pytest.approx(shared(near, -0.25, 0.25, -0.25, 0.25), abs=1e-9)
