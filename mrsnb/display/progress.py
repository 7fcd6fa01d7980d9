"""Progress of work that yields its results one by one: a bar in a terminal, or in a notebook's cell."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from mrsnb.display.markup import LITERAL, escape


class Titled(Protocol):
    """Something that has a title."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""


T = TypeVar("T", bound=Titled)
Advance = Callable[[str], None]


def follow(results: Iterable[T], total: int, *, show: bool | None = None) -> Iterator[T]:
    """Yield `results`, and show meanwhile how many there are and the title of the last.

    Parameters
    ----------
    results : iterable
        Each with a ``title``.
    total : int
        How many there will be.
    show : bool, optional
        True to show it, False not to; if not given, only where somebody looks on: in a terminal, and in a cell, which
        is left as it was.

    Yields
    ------
    object
        What `results` yields.
    """
    shown = _in_notebook() or sys.stderr.isatty() if show is None else show
    if not shown:
        yield from results
        return
    with _cell_bar(total) if _in_notebook() else _terminal_bar(total) as advance:
        for result in results:
            advance(result.title)
            yield result


@contextmanager
def _terminal_bar(total: int) -> Iterator[Advance]:
    from tqdm import tqdm

    with tqdm(total=total, leave=False, unit="result") as bar:

        def advance(title: str) -> None:
            bar.set_description(title, refresh=False)
            bar.update()

        yield advance


@contextmanager
def _cell_bar(total: int) -> Iterator[Advance]:
    from IPython.display import HTML, clear_output, display

    handle: Any = display(HTML(bar_html(0, total, "")), display_id=True)
    done = 0

    def advance(title: str) -> None:
        nonlocal done
        done += 1
        handle.update(HTML(bar_html(done, total, title)))

    try:
        yield advance
    finally:
        clear_output()


def bar_html(done: int, total: int, title: str) -> str:
    """Return a progress bar as HTML.

    Examples
    --------
    >>> bar_html(1, 4, "<1A>")
    '<progress value="1" max="4"></progress> 1 of 4 <span class="mathjax_ignore tex2jax_ignore">&lt;1A&gt;</span>'
    """
    bar = f'<progress value="{done}" max="{total}"></progress> {done} of {total}'
    return f'{bar} <span class="{LITERAL}">{escape(title)}</span>'


def _in_notebook() -> bool:
    """Return whether this runs in a notebook's kernel; IPython is not loaded to find out."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")
