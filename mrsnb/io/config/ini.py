"""The layout of .cfg files: ``key = value`` under ``[section]``, ``[[section in it]]``, and so on.

All values are text, or lists of text where there are commas.
"""

import re
from collections.abc import Mapping
from typing import Any

_SECTION = re.compile(r"(\[+)([^\[\]]+)(\]+)\s*(?:#.*)?")
_WORD = re.compile(r'\s*+("[^"]*"|\'[^\']*\'|[^,#"\'\s][^,#"\']*+)?\s*+(,|#.*|$)')


def parse_ini(text: str) -> dict[str, Any]:
    """Return the sections and values of a .cfg file.

    Parameters
    ----------
    text : str
        Content of the file.

    Raises
    ------
    ValueError
        If a line is not understood, or names something a second time; the message tells the line.

    Examples
    --------
    >>> lines = "class = 'x'", "[steps]", "[[cube_build]]", "channel = 1  # the first", "xy = 1, 2"
    >>> parse_ini(chr(10).join(lines))
    {'class': 'x', 'steps': {'cube_build': {'channel': '1', 'xy': ['1', '2']}}}
    """
    path: list[dict[str, Any]] = [{}]
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        section = _SECTION.fullmatch(line)
        if section:
            depth, name, closing = len(section[1]), _bare(section[2].strip()), len(section[3])
            if depth != closing or depth > len(path):
                msg = f"line {number}: {line!r}: brackets do not match the section it is in"
                raise ValueError(msg)
            path = path[:depth]
            value: Any = {}
        else:
            name, equals, rest = line.partition("=")
            name = _bare(name.strip())
            if not equals or not name:
                msg = f"line {number}: {line!r}: must be 'name = value' or '[section]'"
                raise ValueError(msg)
            value = _value(rest, number)
        if name in path[-1]:
            msg = f"line {number}: {name!r} is there twice"
            raise ValueError(msg)
        path[-1][name] = value
        if section:
            path.append(value)
    return path[0]


def ini_text(content: Mapping[str, Any], depth: int = 1) -> str:
    """Return the text of a .cfg file: values first, then sections.

    Examples
    --------
    >>> print(ini_text({"name": "a b", "steps": {"cube_build": {"channel": 1, "xy": [1, 2]}}}), end="")
    name = "a b"
    [steps]
    [[cube_build]]
    channel = 1
    xy = 1, 2
    """
    lines = [f"{key} = {_written(value)}\n" for key, value in content.items() if not isinstance(value, Mapping)]
    for key, value in content.items():
        if isinstance(value, Mapping):
            lines.append(f"{'[' * depth}{key}{']' * depth}\n{ini_text(value, depth + 1)}")
    return "".join(lines)


def _value(text: str, number: int) -> str | list[str]:
    words: list[str] = []
    place, separator, is_list = 0, ",", False
    text = text.strip()
    while separator == ",":
        found = _WORD.match(text, place)
        if found is None:
            msg = f"line {number}: {text!r}: quotes or commas that do not fit together"
            raise ValueError(msg)
        place, separator = found.end(), found[2]
        is_list |= separator == ","
        if found[1] is not None:
            words.append(_bare(found[1].rstrip()))
    return words if is_list else "".join(words)


def _bare(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_written(part) for part in value) + ("," if len(value) < 2 else "")
    text = str(value)
    return f'"{text}"' if not text or re.search(r"[\s,#']", text) else text
