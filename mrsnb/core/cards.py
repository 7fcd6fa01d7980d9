"""Header keywords as an immutable value, so that an exposure or cube can carry them without a file."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

Value = bool | int | float | str


class Card(NamedTuple):
    """One keyword of a FITS header."""

    key: str
    value: Value
    comment: str = ""


class Cards(Mapping[str, Value]):
    """The keywords of one header: a read-only mapping that keeps order and comments.

    Examples
    --------
    >>> cards = Cards([Card("BAND", "SHORT", "MRS wavelength band")])
    >>> cards["BAND"], cards.get("CHANNEL"), cards.updated(BAND="LONG")["BAND"]
    ('SHORT', None, 'LONG')
    """

    def __init__(self, cards: "list[Card] | tuple[Card, ...]" = ()) -> None:
        self._cards = {card.key: card for card in cards}

    def __getitem__(self, key: str) -> Value:
        return self._cards[key].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._cards)

    def __len__(self) -> int:
        return len(self._cards)

    def cards(self) -> tuple[Card, ...]:
        """Return the keywords with their comments, in order."""
        return tuple(self._cards.values())

    def text(self, key: str, default: str = "") -> str:
        """Return the value of `key` as stripped text."""
        value = self.get(key, default)
        return str(value).strip()

    def number(self, key: str) -> float | None:
        """Return the value of `key` as a float, or None if it is missing or no number."""
        value = self.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def updated(self, **values: Value | None) -> "Cards":
        """Return a copy with keywords set (comments kept), or removed where the value is None."""
        cards = dict(self._cards)
        for key, value in values.items():
            if value is None:
                cards.pop(key, None)
            else:
                cards[key] = Card(key, value, cards[key].comment if key in cards else "")
        return Cards(list(cards.values()))
