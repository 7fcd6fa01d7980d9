"""A cache of arrays that never holds more bytes than it may."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np

V = TypeVar("V")


class ByteCache(Generic[V]):
    """Values by key; those used longest ago make room for new ones.

    Parameters
    ----------
    limit : int
        Bytes that the values' arrays may take; a larger value is not kept at all.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, tuple[V, int, tuple[Any, ...]]] = OrderedDict()
        self._lock = Lock()
        self._dropped: deque[Callable[[Any], bool]] = deque()

    @property
    def n_bytes(self) -> int:
        """What is held."""
        return sum(size for _, size, _ in self._kept.values())

    def find(self, key: Hashable) -> V | None:
        """Return the value of `key`, or None if it is not there."""
        with self._lock:
            self._forget()
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(self, key: Hashable, make: Callable[[], V], *, of: tuple[Any, ...] = ()) -> V:
        """Return the value of `key`, made if it is not there.

        Parameters
        ----------
        key : hashable
        make : callable
            Returns the value.
        of : tuple
            Objects that it is the value of: these very ones, whatever they are equal to. They live as long as it is
            kept, and count as its bytes.
        """
        if of:
            key = (key, *map(id, of))
        with self._lock:
            self._forget()
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = make()
        self._put(key, value, of)
        return value

    def put(self, key: Hashable, value: V, *, first_out: bool = False) -> None:
        """Keep a value; if it is to be `first_out`, only as long as nothing else wants the room."""
        self._put(key, value, (), first_out=first_out)

    def _put(self, key: Hashable, value: V, of: tuple[Any, ...], *, first_out: bool = False) -> None:
        size = n_bytes((value, of))
        with self._lock:
            self._forget()
            self._kept.pop(key, None)
            if size > self.limit:
                return
            self._kept[key] = value, size, of
            if first_out:
                self._kept.move_to_end(key, last=False)
            while self.n_bytes > self.limit:
                self._kept.popitem(last=False)

    def drop(self, keys: Callable[[Any], bool]) -> None:
        """Forget the values whose keys fulfil a condition; no `get` finds them from now on.

        It never waits, so that it may be called whenever an object dies: also while this thread changes the cache.
        """
        self._dropped.append(keys)
        if self._lock.acquire(blocking=False):
            try:
                self._forget()
            finally:
                self._lock.release()

    def _forget(self) -> None:
        for _ in range(len(self._dropped)):  # more may be added meanwhile
            keys = self._dropped.popleft()
            for key in [key for key in self._kept if keys(key)]:
                del self._kept[key]

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept


def n_bytes(value: Any) -> int:
    """Return the bytes of the arrays in a value: an array, or tuples of such."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(map(n_bytes, value)) if isinstance(value, tuple) else 0
