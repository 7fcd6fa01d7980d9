"""Do something once for many requests: what a drag asks for can come faster than it can be answered."""

import asyncio
from collections.abc import Callable
from typing import Any

_WAIT = 0.008
"""Seconds to wait for further requests, so that those which pile up meanwhile count as one."""


class Latest:
    """Calls a function with the latest of the arguments that were given while it was busy.

    Without a running event loop, such as in a script, it calls at once.

    Parameters
    ----------
    call : callable

    Examples
    --------
    >>> seen = []
    >>> Latest(seen.append)(3)
    >>> seen
    [3]
    """

    def __init__(self, call: Callable[..., None]) -> None:
        self._call = call
        self._waiting: tuple[Any, ...] | None = None

    def __call__(self, *arguments: Any) -> None:
        """Call with these arguments soon, unless others come before that."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._call(*arguments)
            return
        is_due = self._waiting is not None
        self._waiting = arguments
        if not is_due:
            loop.call_later(_WAIT, self._run)

    def _run(self) -> None:
        arguments, self._waiting = self._waiting, None
        if arguments is not None:
            self._call(*arguments)

    def now(self) -> None:
        """Do at once what waits."""
        self._run()
