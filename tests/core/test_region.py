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


class Serializable:
    """What a region of the package ``regions`` offers."""

    def __init__(self, text):
        self.text = text

    def serialize(self, *, format):  # noqa: A002
        assert format == "ds9"
        if self.text is None:
            msg = "no such shape"
            raise ValueError(msg)
        return self.text


def test_an_object_of_the_package_regions_is_read_as_it_describes_itself():
    given = Serializable("# Region file format: DS9 astropy/regions\nicrs\ncircle(202.5,47.2,0.00027778)\n")
    (shape,) = as_aperture(given).shapes
    assert shape.sizes == (pytest.approx(1.0, abs=1e-4),)


@pytest.mark.parametrize(("given", "words"), [(Serializable(None), "no such shape"), ("circle", "str is neither")])
def test_other_objects_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        as_aperture(given)
