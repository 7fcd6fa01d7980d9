"""Associations: what is accepted, what is refused and how, and the exact layout of the official files."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.core.association import Association, Member, exposure_name, product_name
from mrsnb.core.bands import Band
from mrsnb.errors import InputError
from mrsnb.io.association import associate, association_of, read_association, write_association

GOOD = {"products": [{"name": "x", "members": [{"expname": "a_cal.fits", "exptype": "science"}]}]}


@pytest.fixture
def folder(tmp_path):
    for name in ("a_cal.fits", "b_cal.fits", "b_x1d.fits"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def save(folder, content):
    path = folder / "asn.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def members(*entries, name="x", **top):
    found = [{"expname": expname, "exptype": exptype} for expname, exptype in entries]
    return {**top, "products": [{"name": name, "members": found}]}


def test_optional_keys_may_be_missing(folder):
    association = read_association(save(folder, GOOD))
    assert association.name == "x"
    assert association.asn_id == "a3001"
    assert association.path_of(association.members[0]) == folder / "a_cal.fits"


def test_science_and_background_are_told_apart(folder):
    content = members(
        ("a_cal.fits", "science"), ("b_x1d.fits", "BackGround"), asn_id="o001", asn_pool="p", program=1234
    )
    association = read_association(save(folder, content))
    assert [m.expname for m in association.science] == ["a_cal.fits"]
    assert [m.expname for m in association.background] == ["b_x1d.fits"]
    assert (association.asn_id, association.asn_pool, association.program) == ("o001", "p", "1234")


def test_members_that_level_3_does_not_use_need_not_be_there(folder):
    association = read_association(save(folder, members(("a_cal.fits", "science"), ("c.fits", "target_acquisition"))))
    assert len(association.members) == 2
    assert "not used" in repr(association)


def test_a_byte_order_mark_is_no_obstacle(folder):
    (folder / "asn.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert read_association(folder / "asn.json").name == "x"


SCIENCE = ("a_cal.fits", "science")
REFUSED = {
    "not JSON, with the place": ('{"products": [\n  {"name": "x",}\n]}', r"not JSON: .* at line 2, column 1\d"),
    "empty": ("", "not JSON"),
    "a list": ([], "no list of 'products'"),
    "no products": ({}, "no list of 'products'"),
    "products is text": ({"products": "x"}, "no list of 'products'"),
    "empty products": ({"products": []}, "no list of 'products'"),
    "several products": ({"products": GOOD["products"] * 2}, r"2 products \('x', 'x'\).*keep one a file"),
    "no members": ({"products": [{"name": "x"}]}, "no list of 'members'"),
    "empty members": (members(), "'x' has no members"),
    "only background": (members(("b_x1d.fits", "background")), "no member of exptype 'science'"),
    "missing files, all of them": (
        members(SCIENCE, ("q1.fits", "science"), ("q2.fits", "background")),
        "2 of 3 members missing: .*q1.fits, .*q2.fits$",
    ),
    "unknown exptype": (
        members(("a_cal.fits", "sciense")),
        "exptype = 'sciense' of a_cal.fits: unknown; did you mean 'science'",
    ),
    "exptype missing": ({"products": [{"name": "x", "members": [{"expname": "a"}]}]}, "exptype of 'a' is missing"),
    "expname missing": ({"products": [{"name": "x", "members": [{"exptype": "science"}]}]}, "expname is missing"),
    "expname is a number": (members((5, "science")), "expname = 5 is not text"),
    "expname with NUL": (members(("a\0", "science")), "is not a file name"),
    "member is text": (
        {"products": [{"name": "x", "members": ["a_cal.fits"]}]},
        "member 'a_cal.fits' is not an object",
    ),
    "listed twice": (members(SCIENCE, SCIENCE), "a_cal.fits more than once"),
    "name missing": ({"products": [{"members": []}]}, "product name is missing"),
    "name with a slash": (members(SCIENCE, name="a/b"), "product name = 'a/b': files are named after it, so '/'"),
    "name upward": (members(SCIENCE, name="../x"), "product name = '../x'"),
    "name with a backslash": (members(SCIENCE, name="a\\b"), r"product name = 'a\\\\b'"),
    "name with two dots": (members(SCIENCE, name="a..b"), "hold '..'"),
    "name hidden": (members(SCIENCE, name=".x"), "begin with a dot"),
    "name empty": (members(SCIENCE, name=" "), "must not be empty"),
    "name with NUL": (members(SCIENCE, name="a\0b"), "is not allowed"),
    "name with a new line": (members(SCIENCE, name="a\nb"), "is not allowed"),
    "asn_id upward": (members(SCIENCE, asn_id="../../x"), "asn_id = '../../x'"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line_that_names_the_file(folder, content, message):
    path = save(folder, content)
    with pytest.raises(InputError, match=message) as caught:
        read_association(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be read: No such file or directory; 'mrsnb associate' writes"):
        read_association(tmp_path / "asn.json")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read_association("asn.json")
    assert f"No such file or directory in {tmp_path};" in str(caught.value)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "asn.json").write_bytes(b"SIMPLE  =\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_association(tmp_path / "asn.json")


def test_nesting_without_end(tmp_path):
    (tmp_path / "asn.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_association(tmp_path / "asn.json")


def test_written_as_the_official_tool_does(folder):
    association = associate([folder / "a_cal.fits", folder / "b_cal.fits"], "x", [folder / "b_x1d.fits"])
    written = write_association(folder / "asn.json", association)
    lines = (folder / "asn.json").read_text().split("\n")
    assert lines[:3] == ["{", '    "asn_type": "spec3",', '    "asn_rule": "DMS_Level3_Base",']
    keys = (
        "asn_type asn_rule version_id code_version degraded_status program constraints asn_id target asn_pool products"
    )
    content = json.loads("\n".join(lines))
    assert list(content) == keys.split()
    assert content["asn_id"] == "a3001"
    assert content["version_id"] is None
    assert content["products"] == [
        {
            "name": "x",
            "members": [
                {"expname": "a_cal.fits", "exptype": "science"},
                {"expname": "b_cal.fits", "exptype": "science"},
                {"expname": "b_x1d.fits", "exptype": "background"},
            ],
        }
    ]
    assert lines[-1] == "}"
    assert read_association(folder / "asn.json").members == written.members


def test_an_official_file_is_written_back_byte_for_byte(folder):
    official = {
        "asn_type": "None",
        "asn_rule": "DMS_Level3_Base",
        "version_id": None,
        "code_version": "3.0.0",
        "degraded_status": "No known degraded exposures in association.",
        "program": "noprogram",
        "constraints": "No constraints",
        "asn_id": "a3001",
        "target": "none",
        "asn_pool": "none",
        "products": [
            {
                "name": "x",
                "members": [
                    {"expname": "a_cal.fits", "exptype": "science"},
                    {
                        "expname": "b_cal.fits",
                        "exptype": "science",
                        "exposerr": "null",
                        "asn_candidate": "[('o001', 'observation')]",
                    },
                ],
            }
        ],
    }
    path = save(folder, json.dumps(official, indent=4))
    before = path.read_text()
    write_association(path, read_association(path))
    assert path.read_text() == before


def test_members_stay_the_same_files_when_it_is_written_elsewhere(folder):
    (folder / "sub").mkdir()
    association = write_association(folder / "sub" / "asn.json", read_association(save(folder, GOOD)))
    assert association.members[0].expname == "../a_cal.fits"
    again = read_association(folder / "sub" / "asn.json")
    assert again.path_of(again.members[0]).resolve() == (folder / "a_cal.fits").resolve()


def test_an_absolute_member_wins(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("other") / "asn.json"
    elsewhere.write_text(json.dumps(members((str(folder / "a_cal.fits"), "science"))))
    association = read_association(elsewhere)
    assert association.path_of(association.members[0]) == folder / "a_cal.fits"


def test_associate_refuses_what_is_not_there(folder):
    with pytest.raises(InputError, match=r"1 of 2 members missing: .*zz.fits"):
        associate([folder / "a_cal.fits", folder / "zz.fits"], "x")
    with pytest.raises(InputError, match="has no members"):
        associate([], "x")


def test_text_and_html_show_the_same_and_nothing_is_markup():
    nasty = "a<img src=x>_cal.fits"
    association = Association("n&m", (Member(nasty),), target="<b>")
    bundle = association._repr_mimebundle_()
    assert nasty in bundle["text/plain"]
    assert "<img" not in bundle["text/html"]
    assert "&lt;img" in bundle["text/html"]
    assert "n&amp;m" in bundle["text/html"]


@pytest.mark.parametrize(
    ("bands", "name"),
    [
        ([(1, "short")], "x_ch1-short_s3d.fits"),
        ([(1, "short"), (1, "medium"), (1, "long")], "x_ch1-shortmediumlong_s3d.fits"),
        ([(1, "short"), (2, "short")], "x_ch1-2-short_s3d.fits"),
        ([(1, "short"), (2, "long"), (1, "medium")], "x_ch1-2-shortmediumlong_s3d.fits"),
        ([(c, b) for c in (1, 2, 3, 4) for b in ("long", "medium", "short")], "x_ch1-2-3-4-shortmediumlong_s3d.fits"),
        ([(1, "short-medium")], "x_ch1-short-medium_s3d.fits"),
    ],
)
def test_names_of_products(bands, name):
    assert product_name("x", [Band(c, s) for c, s in bands], "s3d") == name


def test_a_dot_in_the_name_is_kept():
    assert product_name("ngc.7319", [Band(1, "short")], "s3d") == "ngc.7319_ch1-short_s3d.fits"


@given(st.text(max_size=12))
def test_a_product_never_leaves_its_directory(name):
    try:
        file = product_name(name, [Band(1, "short")], "s3d")
    except InputError:
        return
    path = Path("/out") / file
    assert path.parent == Path("/out")
    assert path.resolve().parent == Path("/out")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a_cal.fits", "a_o001_crf.fits"),
        ("../up/a_crf.fits.gz", "a_o001_crf.fits"),
        ("..\\a_x.y_cal.fits", "a_x.y_o001_crf.fits"),
        ("plain.fits", "plain_o001_crf.fits"),
    ],
)
def test_names_of_exposures(name, made):
    assert exposure_name(name, "o001", "crf") == made


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "expname"]) | st.text(), inner)
    ),
    max_leaves=8,
)
entries = st.fixed_dictionaries({}, optional={"expname": values, "exptype": st.just("science") | values})
products = st.fixed_dictionaries({}, optional={"name": st.just("x") | values, "members": st.lists(entries) | values})


@given(st.fixed_dictionaries({}, optional={"products": st.lists(products) | values, "asn_id": values}) | values)
def test_whatever_an_association_holds_it_is_read_or_refused_in_one_line(content):
    said = ""
    try:
        association = association_of(content)
    except InputError as error:
        said = str(error)
        association = None
    assert association.science if association else len(said.splitlines()) == 1


def test_as_many_members_as_one_likes_take_no_long_time(tmp_path):
    content = members(*((str(i), "science") for i in range(100_000)))
    path = save(tmp_path, content)
    start = time.process_time()
    with pytest.raises(InputError, match=r"100000 of 100000 members missing: .* characters\)") as caught:
        read_association(path)
    assert len(str(caught.value)) < 2100
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"products": ' + "9" * 5000 + "}", "not JSON"),
        (members(("x" * 5000, "science")), "1 of 1 members missing"),
        (members(SCIENCE, ("./a_cal.fits", "science")), "a_cal.fits more than once"),
        (members(SCIENCE, ("../in/a_cal.fits", "science")), "known by its file's name"),
        (members(SCIENCE, name="x" * 201), "must not be longer than"),
        (" " * 20_000_001, "more than 20000000 bytes"),
    ],
    ids=["number", "long name", "twice", "twice by another way", "long product", "long file"],
)
def test_what_would_fail_later_is_refused_at_once(folder, content, message):
    with pytest.raises(InputError, match=message):
        read_association(save(folder, content))
