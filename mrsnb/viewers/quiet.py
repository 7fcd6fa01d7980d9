"""Change widgets without that counting as what the user did."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet(owner: Any) -> Iterator[None]:
    """Let ``owner.is_telling`` be true meanwhile, which those who are told of changes heed."""
    before, owner.is_telling = owner.is_telling, True
    try:
        yield
    finally:
        owner.is_telling = before
