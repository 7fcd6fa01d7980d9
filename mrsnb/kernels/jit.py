"""Compile kernels into a cache that holds only for the sources of all kernels, as they are now."""

from typing import Any

import numba

from mrsnb.kernels.cache import digest_of_sources

_SOURCES = digest_of_sources()


def njit(**options: Any) -> Any:
    """Return ``numba.njit`` of the same options, with a cache that knows what a kernel calls in other modules.

    Numba looks only at the module of a kernel: one that has not changed would go on with the old code of what it calls
    elsewhere. Where its cache cannot be told, it is not used.
    """

    def compiled(function: Any) -> Any:
        kernel = numba.njit(**options)(function)
        cache = getattr(kernel, "_cache", None)
        if cache is None or not options.get("cache"):  # numba compiles nothing, or keeps nothing
            return kernel
        index: Any = getattr(cache, "_cache_file", None)
        if not hasattr(index, "_source_stamp"):
            return numba.njit(**options | {"cache": False})(function)
        index._source_stamp = index._source_stamp, _SOURCES  # noqa: SLF001 (there is no other way)
        return kernel

    return compiled
