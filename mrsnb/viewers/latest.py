"""Do something once for many requests: what a drag asks for can come faster than it can be answered."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

_SHORTEST, _LONGEST = 0.001, 0.015
"""Seconds to wait for further requests, so that those which piled up meanwhile count as one."""


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
        self._wait = _SHORTEST

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
            loop.call_later(self._wait, self._run)

    def _run(self) -> None:
        arguments, self._waiting = self._waiting, None
        if arguments is not None:
            start = perf_counter()
            self._call(*arguments)
            self._wait = min(max(0.3 * (perf_counter() - start), _SHORTEST), _LONGEST)

    def now(self) -> None:
        """Do at once what waits."""
        self._run()
