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
    after : float, optional
        Seconds without a request after which it is called; if not given, as soon as what piled up is known.
    alone : float, optional
        Seconds without a call after which none can have piled up, so that a request is answered at once; if not given,
        each waits for others.

    Examples
    --------
    >>> seen = []
    >>> Latest(seen.append)(3)
    >>> seen
    [3]
    """

    def __init__(self, call: Callable[..., None], *, after: float | None = None, alone: float | None = None) -> None:
        self._call, self._after, self._alone = call, after, alone
        self._waiting: tuple[Any, ...] | None = None
        self._wait = _SHORTEST
        self._asked = self._ended = 0.0

    def __call__(self, *arguments: Any) -> None:
        """Call with these arguments soon, unless others come before that."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._call(*arguments)
            return
        is_due = self._waiting is not None
        self._waiting, self._asked = arguments, perf_counter()
        if is_due:
            return
        if self._alone is not None and self._asked - self._ended > self._alone:
            self.now()
        else:
            loop.call_later(self._wait if self._after is None else self._after, self._due, loop)

    def _due(self, loop: asyncio.AbstractEventLoop) -> None:
        left = 0.0 if self._after is None else self._asked + self._after - perf_counter()
        if left > 0 and self._waiting is not None:
            loop.call_later(left, self._due, loop)
        else:
            self.now()

    def now(self) -> None:
        """Do at once what waits."""
        arguments, self._waiting = self._waiting, None
        if arguments is not None:
            start = perf_counter()
            self._call(*arguments)
            self._ended = perf_counter()
            self._wait = min(max(0.3 * (self._ended - start), _SHORTEST), _LONGEST)
