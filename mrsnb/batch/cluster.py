"""Jobs on a cluster that runs already: a dask scheduler and its workers."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from mrsnb import __version__
from mrsnb.batch.versions import difference
from mrsnb.errors import InputError, OutputError
from mrsnb.io.versions import versions

SECONDS = 5
"""That a scheduler may take to answer."""


LOST = 20
"""Seconds without a scheduler after which it does not come back."""


@dataclass(frozen=True)
class Place:
    """Where jobs run.

    Parameters
    ----------
    executor : Executor
        Takes them.
    check : callable
        Asked while nothing comes; raises an error if nothing will come any more.
    """

    executor: Executor
    check: Callable[[], None] = lambda: None


@contextmanager
def connected(address: str, output_dir: Path, say: Callable[[str], None]) -> Iterator[Place]:
    """Yield the workers of the scheduler at `address`, as a place where jobs run.

    A worker that dies loses its job only, which is run elsewhere.

    Parameters
    ----------
    address : str
        As ``tcp://host:8786``.
    output_dir : Path
        That all workers must see.
    say : callable
        Told if there is no worker yet.

    Raises
    ------
    InputError
        If dask is not installed, nobody answers, or a worker cannot run jobs of this command.
    """
    try:
        from distributed import Client
    except ImportError:
        msg = "--scheduler needs dask: pip install 'mrsnb[cluster]'"
        raise InputError(msg) from None
    with _quiet():
        try:
            client = Client(address, timeout=SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            why = "" if isinstance(error, TimeoutError) else f": {error}"
            msg = f"scheduler {address}: no answer within {SECONDS} s{why}; is it running there? (as tcp://host:8786)"
            raise InputError(msg) from None
        try:
            _check(client, address, output_dir, say)
            yield Place(client.get_executor(pure=False), _Heard(client, address).check)
        finally:
            client.close(timeout=SECONDS)


class _Heard:
    """When a scheduler was last heard of: dask itself waits for it for ever."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._last = monotonic()

    def check(self) -> None:
        """Go on, or say that the scheduler is lost.

        Raises
        ------
        OutputError
            If it was not heard of for long.
        """
        if self._client.status == "running":
            self._last = monotonic()
        elif monotonic() - self._last > LOST:
            msg = f"scheduler {self._address}: lost; what was done is kept: start it, and run the command again"
            raise OutputError(msg)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask from saying at length what is said here in a line."""
    loggers = [logging.getLogger(f"distributed{part}") for part in ("", ".client", ".core", ".comm", ".batched")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def facts(folder: str) -> tuple[dict[str, str], bool]:
    """Return what a worker has: its versions, and whether it sees a directory."""
    return versions(), Path(folder).is_dir()


def _check(client: Any, address: str, output_dir: Path, say: Callable[[str], None]) -> None:
    """Refuse workers that could not run the jobs; those that come later are asked when they get one."""
    answers = client.run(facts, str(output_dir), on_error="return")
    if not answers:
        say(f"scheduler {address}: no workers yet; waiting for them")
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            why = f"cannot use mrsnb {__version__} ({type(answer).__name__}: {answer}); install it there"
        else:
            there, sees = answer
            if (other := difference(there, versions())) is not None:
                why = f"{other}; install the same on all machines"
            elif not sees:
                why = f"does not see {output_dir}; all machines need the same directories"
            else:
                continue
        msg = f"scheduler {address}: its worker {worker} {why}"
        raise InputError(msg)
