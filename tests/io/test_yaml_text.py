"""YAML from anybody: plain values as PyYAML gives them, everything else in one line, in no time."""

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.io.yaml_text import read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(9 * [f'*{before}'])}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGED = "a: &a {x: 1, y: 2, z: 3}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join(9 * [f'*{before}'])}]}}\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain)
def test_what_yaml_writes_is_read(value):
    assert read_yaml(yaml.safe_dump(value)) == value


@given(st.text() | st.text(alphabet="[]{}:,&*!-<>|'\"%@`#? \nab1.~"))
def test_every_text_is_read_or_refused(text):
    with suppress(ValueError):
        read_yaml(text)


def test_aliases_and_merges_of_ordinary_size_are_followed():
    text = "usual: &usual {scalexy: 0.13, channel: '1'}\nfirst: {<<: *usual, scalexy: 0.2}\nsecond: *usual\n"
    assert read_yaml(text)["first"] == {"scalexy": 0.2, "channel": "1"}
    assert read_yaml(text)["second"] == {"scalexy": 0.13, "channel": "1"}
    assert read_yaml("{<<: {a: 1}, <<: {b: 2}, '1': c, 1: d}") == {"a": 1, "b": 2, "1": "c", 1: "d"}
    deeper = "x: {p: &p {<<: &u {k: 1, m: 2}, k: 3}}\nc: {<<: *p}\n"
    assert read_yaml(deeper) == {"x": {"p": {"k": 3, "m": 2}}, "c": {"k": 3, "m": 2}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "values"),
        (MERGED, "values"),
        ("[" * 100_000, "nested"),
        ("- " * 100_000 + "a", "nested"),
        ("{a: " * 100_000, "nested"),
        ("a: &a [1, *a]", "stands for what it is in"),
        ("a: *b", "undefined alias"),
        ("{a: 1, b: {c: 2, c: 3}}", "'c' is there twice"),
        ("1: a\n1: b", "'1' is there twice"),
        ("{null: a, null: b}", "'null' is there twice"),
        ("!!int ''", "'' is no int, near line 1"),
        ("a:\n- !!float ''", "'' is no float, near line 2"),
        ("!!int '-'", "'-' is no int"),
        ("!!bool foo", "'foo' is no bool"),
        ("{a: !!timestamp foo}", "'foo' is no timestamp"),
        ("!!bool " + 999 * "x", "is no bool"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("when: 2026-99-99", "month must be in"),
        ("1" * 10_000, "Exceeds the limit"),
        ("{[1]: 2}", "unhashable"),
        ("a: [", "expected"),
        ("a\0b", "not YAML"),
        ("--- 1\n--- 2", "single document"),
    ],
    ids=lambda value: value[:12].strip(),
)
def test_what_is_no_plain_yaml_is_refused(text, says):
    with pytest.raises(ValueError, match=says) as told:
        read_yaml(text)
    assert len(str(told.value)) < 400
    assert "\n" not in str(told.value)
