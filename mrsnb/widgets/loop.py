"""Let the thread of the widgets do what another thread asks for: widgets are changed in one thread only.

That is the kernel's own thread, or the one in which JupyterLab has messages of widgets answered (a subshell).
"""

import asyncio
import threading
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
        self._due: set[asyncio.AbstractEventLoop] = set()
        self._lock = threading.Lock()
        self._own = self._loop = _running()

    def soon(self) -> None:
        """Have the function called in a moment; from any thread, and once however often it is asked for."""
        self.again(_PAUSE)

    def again(self, seconds: float) -> None:
        """Have the function called after some seconds; from any thread."""
        here = _running()
        with self._lock:
            if here is not None and here is not self._own:
                self._loop = here
            if not self._ask(self._loop, seconds):
                self._loop = self._own
                self._ask(self._own, seconds)

    def _ask(self, loop: asyncio.AbstractEventLoop | None, seconds: float) -> bool:
        """Have the function called once in a loop; return False if there is none, or it is closed."""
        if loop is None or (loop in self._due and not loop.is_closed()):
            return loop is not None
        try:
            loop.call_soon_threadsafe(loop.call_later, seconds, self._now, loop)
        except RuntimeError:
            self._due.discard(loop)
            return False
        self._due.add(loop)
        return True

    def _now(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._due.discard(loop)
        self._call()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
