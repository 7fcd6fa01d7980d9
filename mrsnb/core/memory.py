"""How much memory there is, for refusing what cannot fit before it is tried; and how much was used."""

import os
import resource
import sys
from pathlib import Path

SHARE = 0.8
"""Part of the memory that a run may plan to use."""


def available_memory() -> float:
    """Return what a run may plan to use, in GB: of the machine, its container, or what ``ulimit -v`` allows."""
    total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, float(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
    if addresses != resource.RLIM_INFINITY:
        total = min(total, float(addresses))
    return SHARE * total / 1e9


def peak_memory() -> float:
    """Return the most memory that this process has had so far, in GB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e9 if sys.platform == "darwin" else 1e6)  # bytes, or kB
