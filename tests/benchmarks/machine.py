"""What this machine can do: the speeds that no program beats."""

import hashlib
import mmap
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

SIZE = 256 << 20
"""Bytes of the file and the arrays that are measured with."""


class Machine(NamedTuple):
    """Speeds of one core and of the disk."""

    flops: float
    """Double-precision operations a second, multiplying and adding number after number of an array."""
    scattered: float
    """The same where results go to places that are looked up, as in a deposit: four sums a place."""
    memory: float
    """Bytes a second, read and written, when one array is copied to another."""
    sha256: float
    """Bytes a second."""
    disk_write: float
    """Bytes a second until they are on the disk."""
    disk_read: float
    """Bytes a second."""
    read_how: str
    """``"disk"``, or ``"page cache"`` where that could not be passed by."""
    cached_write: float
    """Bytes a second until the operating system has taken them."""
    cached_read: float
    """Bytes a second of a file that was read before."""

    def lines(self):
        """Return what to print."""
        disk = f"write {self.disk_write / 1e9:.2f} GB/s (with fsync), read {self.disk_read / 1e9:.2f} ({self.read_how})"
        cached = f"write {self.cached_write / 1e9:.1f}, read {self.cached_read / 1e9:.1f}"
        sums = f"{self.flops / 1e9:.1f} Gflop/s, scattered {self.scattered / 1e9:.1f} Gflop/s"
        core = f"One core: {sums}; memory {self.memory / 1e9:.1f} GB/s; SHA-256 {self.sha256 / 1e9:.2f} GB/s."
        return [core, f"Disk: {disk}; through the page cache {cached}."]


def measure_machine(folder):
    """Return the speeds of this machine; the disk is that of `folder`."""
    written, cached = _write_speeds(Path(folder))
    read, how, again = _read_speeds(Path(folder))
    return Machine(_flops(), _scattered(), _memory(), _sha256(), written, read, how, cached, again)


def _best(work, times=3):
    """Return the least time that `work` takes."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


@njit(fastmath=True)
def _multiply_add(values, n):
    for _ in range(n):
        for i in range(values.size):
            values[i] = values[i] * 0.999999 + 1e-6


def _flops():
    n, values = 200_000, np.ones(256)
    _multiply_add(values, 1)
    return 2 * n * values.size / _best(lambda: _multiply_add(values, n))


@njit
def _scatter(place, weight, sums):
    for i in range(place.size):
        w = weight[i]
        row = sums[place[i]]
        row[0] += 3.0 * w
        row[1] += w
        row[2] += (0.5 * w) ** 2
        row[3] += 1.0


def _scattered():
    """Return the speed of deposits in a plane of ordinary size, a few neighbours a pixel."""
    rng, n, spaxels = np.random.default_rng(0), 4_000_000, 2600
    place = np.repeat(rng.integers(0, spaxels - 4, n // 4), 4) + np.tile(np.arange(4), n // 4)
    weight, sums = rng.random(n), np.zeros((spaxels, 4))
    _scatter(place[:1], weight, sums)
    return 8 * n / _best(lambda: _scatter(place, weight, sums))


def _memory():
    source, target = np.ones(SIZE // 8), np.zeros(SIZE // 8)
    return 2 * SIZE / _best(lambda: np.copyto(target, source))


def _sha256():
    content = bytes(SIZE // 4)
    return len(content) / _best(lambda: hashlib.sha256(content).digest(), times=2)


def _file(folder):
    return folder / "speed.bin"


def _write_speeds(folder):
    content = np.random.default_rng(0).bytes(SIZE)

    def write(*, to_disk):
        with _file(folder).open("wb") as stream:
            stream.write(content)
            stream.flush()
            if to_disk:
                os.fsync(stream.fileno())

    return SIZE / _best(lambda: write(to_disk=True)), SIZE / _best(lambda: write(to_disk=False))


def _read_speeds(folder):
    """Return bytes a second past the page cache, how that was, and bytes a second through it."""
    path = _file(folder)
    buffer = mmap.mmap(-1, 8 << 20)

    def read(flags):
        handle = os.open(path, os.O_RDONLY | flags)
        try:
            while os.readv(handle, [buffer]):
                pass
        finally:
            os.close(handle)

    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    try:
        past, how = _best(lambda: read(os.O_DIRECT)), "disk"
    except (AttributeError, OSError):  # not of this system, or not of this file system
        past, how = _best(lambda: read(0)), "page cache"
    read(0)
    through = _best(lambda: read(0))
    path.unlink()
    return SIZE / past, how, SIZE / through
