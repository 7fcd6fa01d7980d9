import time

import pytest

from mrsnb.core.region import as_aperture, parse_ds9
from mrsnb.errors import InputError

SOURCE = 'icrs\ncircle(202.5, 47.2, 0.5")\n'
SKY = 'annulus(202.5, 47.2, 0.8", 1.2")'


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("", False),
        ("# background", True),
        ("# color=red background", True),
        ("# text={sky} background", True),
        ("# text={a background}", False),
        ("# tag={background}", False),
        ('# font="background 10" color=red', False),
    ],
)
def test_a_shape_is_background_if_it_has_that_property_and_no_text_says_so(properties, expected):
    aperture = parse_ds9(f"{SOURCE}{SKY} {properties}\n")
    assert [shape.background for shape in aperture.shapes] == [False, expected]


@pytest.mark.parametrize("centre", ["202.5, 47.2", "13:30:00, +47:12:00", "13h30m00s, +47d12m00s", "202.5d, 47.2d"])
def test_a_place_can_be_written_in_degrees_or_hours(centre):
    (shape,) = parse_ds9(f'fk5; circle({centre}, 0.5")').shapes
    assert shape.points[0] == pytest.approx((202.5, 47.2))
    assert shape.sizes == (0.5,)


def test_spaxels_of_ds9_count_from_one():
    (shape,) = parse_ds9("image\n-ellipse(10, 20, 3, 2, 30)\ncircle(10, 20, 5)").shapes[:1]
    assert (shape.points, shape.sizes, shape.angle, shape.excluded) == (((9.0, 19.0),), (3.0, 2.0), 30.0, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no region to extract"),
        ("circle(1, 2, 3)", "no coordinate system"),
        ("galactic\ncircle(1, 2, 3)", "'galactic' are not supported"),
        ("icrs\ncirle(1, 2, 3)", "did you mean 'circle'"),
        ("icrs\ncircle(1, 2", "is not a DS9 region"),
        ("icrs\ncircle(1, x, 3)", "cannot be read"),
        ('icrs\ncircle(1, 2, -3")', "positive sizes"),
        ('image\ncircle(1, 2, 3")', "sizes on the sky"),
        ('icrs\nannulus(1, 2, 3", 2")', "inner radius below the outer"),
        ("image\npolygon(1, 2, 3, 4)", "at least 3 corners"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(text, words):
    with pytest.raises(InputError, match=words):
        parse_ds9(text)


def test_what_a_file_says_of_all_its_regions_holds_where_a_region_says_nothing_else():
    text = """global include=1 source=1
    icrs
    circle(202.5, 47.2, 2")
    -circle(202.5, 47.2, 1")
    circle(202.5, 47.2, 0.5") # include=0 color=red
    -circle(202.5, 47.2, 0.1") # include=1
    annulus(202.5, 47.2, 3", 4") # background=True"""
    shapes = parse_ds9(text).shapes
    assert [shape.excluded for shape in shapes] == [False, True, True, False, False]
    assert [shape.background for shape in shapes] == [False, False, False, False, True]


@pytest.mark.parametrize("given", [17, None, [], {"a": 1}])
def test_other_objects_are_refused(given):
    with pytest.raises(InputError, match=f"{type(given).__name__} is no aperture"):
        as_aperture(given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fk5; polygon(" + ",".join(["1,2"] * 1001) + ")", "at most 1000 are allowed"),
        ("fk5; circle(1,2,banana) # " + "x" * 300_000, "numbers cannot be read"),
        ("fk5\n" + " " * 300_000 + "5", "is not a DS9 region"),
    ],
    ids=["corners", "property", "spaces"],
)
def test_what_takes_too_long_or_too_much_is_refused_at_once(text, says):
    start = time.process_time()
    with pytest.raises(InputError, match=says) as caught:
        parse_ds9(text)
    assert len(str(caught.value)) < 2100
    assert time.process_time() - start < 5


def test_a_long_property_takes_no_long_time():
    start = time.process_time()
    parse_ds9("fk5; circle(1,2,3) # " + "x" * 300_000)
    assert time.process_time() - start < 5
