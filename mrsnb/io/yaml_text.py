"""The one reader of YAML that people write: plain values only, and bounded, since it may come from anybody."""

from collections import Counter
from typing import Any

_DEEPEST = 100
_MOST_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(text: str) -> Any:
    """Return what a YAML text says.

    Parameters
    ----------
    text : str
        One document.

    Returns
    -------
    object
        Mappings, lists, texts, numbers, bools, dates or None.

    Raises
    ------
    ValueError
        In one line: if it is not YAML, has a key twice, asks for objects other than these, is nested more than 100
        deep, or stands for more than a million values once its aliases are written out.

    Examples
    --------
    >>> read_yaml("{channel: '1', snr: [8, 6.5]}")
    {'channel': '1', 'snr': [8, 6.5]}
    """
    import yaml

    try:
        refuse_bombs(text)
        return yaml.load(text, _loader())  # noqa: S506 (it is a safe one)
    except (yaml.YAMLError, OverflowError, TypeError) as error:
        msg = f"not YAML: {' '.join(str(error).split())}"
        raise ValueError(msg) from None


def _loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def __init__(self, stream: str) -> None:
            super().__init__(stream)
            self.checked: set[int] = set()

        def flatten_mapping(self, node: Any) -> None:
            """Look for keys that are there twice before those of others are merged in."""
            if id(node) not in self.checked:
                self.checked.add(id(node))
                scalars = (key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE)
                for (_, key), n in Counter((key.tag, key.value) for key in scalars).items():
                    if n > 1:
                        msg = f"{key!r} is there twice, near line {node.start_mark.line + 1}"
                        raise ValueError(msg)
            super().flatten_mapping(node)

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            """Say what PyYAML leaves unsaid: that a text is no value of the kind it is marked as."""
            try:
                return super().construct_object(node, deep)
            except (IndexError, KeyError, AttributeError):
                kind, line = node.tag.rpartition(":")[2], node.start_mark.line + 1
                msg = f"{str(node.value)[:40]!r} is no {kind}, near line {line}"
                raise ValueError(msg) from None

    return Loader


def refuse_bombs(text: str) -> None:
    """Refuse YAML that would need too much: the parser's own recursion and aliases of aliases know no bounds.

    Raises
    ------
    ValueError
        If it is not YAML, is nested too deep, or stands for too many values.
    """
    import yaml

    try:
        _check(yaml, text)
    except yaml.YAMLError as error:
        msg = f"not YAML: {' '.join(str(error).split())}"
        raise ValueError(msg) from None


def _check(yaml: Any, text: str) -> None:
    sizes: list[int] = [0]
    names: list[str | None] = [None]
    whole: dict[str | None, int] = {}
    events: Any = yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for event in events:
        wrong = ""
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.append(1)
            names.append(event.anchor)
            if len(sizes) > _DEEPEST:
                wrong = f"nested more than {_DEEPEST} deep"
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            size = 1
            if isinstance(event, yaml.CollectionEndEvent):
                size = sizes.pop()
                whole[names.pop()] = size
            elif isinstance(event, yaml.AliasEvent):
                size = whole.get(event.anchor, 1)
                if event.anchor in names:
                    wrong = f"alias {event.anchor!r} stands for what it is in"
            sizes[-1] += size
            if sizes[-1] > _MOST_VALUES:
                wrong = f"more than {_MOST_VALUES} values"
        if wrong:
            msg = f"{wrong}, near line {event.start_mark.line + 1}"
            raise ValueError(msg)
