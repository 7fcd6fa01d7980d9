"""Where the arrays of a cube are kept while it is made: in memory, or, of one that is too large, in a file."""

import mmap
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from mrsnb.errors import OutputError
from mrsnb.kernels.normalize import Product

_PAUSE = 0.02
"""Seconds between looks at what may be given back."""

VOXEL = 16
"""Bytes of a voxel: flux, error, flags and weight."""


def storage(shape: tuple[int, int, int], folder: Path | None) -> Product:
    """Return the arrays of a cube, their values not set.

    Parameters
    ----------
    shape : tuple of int
        (n_wave, n_y, n_x)
    folder : Path or None
        Where a file is made that holds them, and vanishes with them; None for memory.

    Raises
    ------
    OutputError
        If the file cannot be made.
    """
    if folder is None:
        return Product.empty(shape)
    return Product(*arrays_in(folder, shape, (np.float32, np.float32, np.uint32, np.float32)))


def arrays_in(folder: Path | None, shape: tuple[int, ...], kinds: Sequence[Any]) -> list[NDArray[Any]]:
    """Return arrays of zeros, each of a kind of numbers of 4 bytes, in a file that vanishes with them.

    Parameters
    ----------
    folder : Path or None
        Where; that for temporary files if None.
    shape : tuple of int
    kinds : sequence of dtype

    Raises
    ------
    OutputError
        If the file cannot be made.
    """
    place = Path(tempfile.gettempdir()) if folder is None else folder
    n = int(np.prod(shape))
    size = 4 * n * len(kinds)
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".mrsnb-") as file:
            _reserve(file.fileno(), size)
            content = mmap.mmap(file.fileno(), size)
    except OSError as error:
        msg = f"{place}: no file of {size / 1e9:.1f} GB can be made there: {error.strerror or error}"
        raise OutputError(msg) from error
    if hasattr(mmap, "MADV_DONTNEED"):
        Thread(target=_let_go, args=(ref(content),), daemon=True, name="mrsnb-storage").start()
    return [np.frombuffer(content, kind, n, offset=4 * n * i).reshape(shape) for i, kind in enumerate(kinds)]


def _let_go(content: "ref[mmap.mmap]") -> None:
    """Give back the memory of what was looked at of a file, again and again, as long as there is one.

    What a process sees of a file counts as its memory until then, and is in the system's cache of files anyway.
    """
    while (there := content()) is not None:
        there.madvise(mmap.MADV_DONTNEED)
        del there
        sleep(_PAUSE)


def _reserve(file: int, size: int) -> None:
    """Make a file as large as asked for, on the disk too: to find it full later would be too late."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)
