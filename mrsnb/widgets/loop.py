"""Let the kernel's own thread do what another thread asks for: widgets are changed in one thread only."""

import asyncio
from collections.abc import Callable

_PAUSE = 0.1
"""Seconds between two calls at least, so that a talkative run does not keep the browser busy."""


class Loop:
    """Calls a function in the event loop in which this was made, as soon as it is free and not too often.

    Parameters
    ----------
    call : callable
        Takes nothing. Without an event loop, as in a script, it is never called.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._is_due = False
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def soon(self) -> None:
        """Have the function called in a moment; from any thread, and once however often it is asked for."""
        if self._loop is None or self._is_due or self._loop.is_closed():
            return
        self._is_due = True
        self._loop.call_soon_threadsafe(self._later, _PAUSE)

    def again(self, seconds: float) -> None:
        """Have the function called after some seconds; from the thread of the loop."""
        if self._loop is not None and not self._is_due:
            self._is_due = True
            self._later(seconds)

    def _later(self, seconds: float) -> None:
        if self._loop is not None:
            self._loop.call_later(seconds, self._now)

    def _now(self) -> None:
        self._is_due = False
        self._call()
