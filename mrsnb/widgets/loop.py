"""Let the thread of the widgets do what another thread asks for: widgets are changed in one thread only.

That is the kernel's own thread, or the one in which JupyterLab has messages of widgets answered (a subshell).
"""

import asyncio
from collections.abc import Callable

_PAUSE = 0.1
"""Seconds between two calls at least, so that a talkative run does not keep the browser busy."""


class Loop:
    """Calls a function in the event loop in which widgets are changed, as soon as it is free and not too often.

    That is the loop in which this was made, until `soon` is asked for by a widget in another.

    Parameters
    ----------
    call : callable
        Takes nothing. Without an event loop, as in a script, it is never called.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._is_due = False
        self._own = self._loop = _running()

    def soon(self) -> None:
        """Have the function called in a moment; from any thread, and once however often it is asked for."""
        self.again(_PAUSE)

    def again(self, seconds: float) -> None:
        """Have the function called after some seconds; from any thread."""
        if self._loop is not None and self._loop.is_closed():
            self._loop, self._is_due = self._own, False
        here = _running()
        if here is not None and here is not self._own:
            self._loop = here
        if self._loop is None or self._is_due or self._loop.is_closed():
            return
        self._is_due = True
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._now)

    def _now(self) -> None:
        self._is_due = False
        self._call()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
