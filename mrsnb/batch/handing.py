"""Hand out work to an executor, and take what comes back in the order in which it is ready."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from mrsnb.batch.cluster import Place

T = TypeVar("T")

DEATHS = 3
"""How often the process that does some work may die, which is no fault of the work, before it counts as failed."""


class Handed(Generic[T]):
    """Work that was handed out.

    Parameters
    ----------
    place : Place
        Where it is done.
    work : callable
        Does one item.
    """

    def __init__(self, place: Place, work: Callable[[T], Any]) -> None:
        self._place, self._work = place, work
        self._ready: SimpleQueue[tuple[T, Future[Any]]] = SimpleQueue()
        self._waiting = 0

    def add(self, item: T) -> None:
        """Hand out an item, also one that came back and is to be done again."""
        future = self._place.executor.submit(self._work, item)
        self._waiting += 1
        future.add_done_callback(lambda done: self._ready.put((item, done)))

    def ready(self) -> Iterator[tuple[T, Future[Any]]]:
        """Yield each item, with what became of it, until all that was handed out has come back."""
        while self._waiting:
            try:
                item, future = self._ready.get(timeout=1)
            except Empty:
                self._place.check()
                continue
            self._waiting -= 1
            yield item, future
