"""A kernel is compiled again when what it calls in another module has changed."""

import os
import subprocess
import sys

import pytest

CALLER = """
from callee import step
from mrsnb.kernels.jit import njit

@njit(cache=True)
def twice(x):
    return step(step(x))
"""

CALLEE = """
from mrsnb.kernels.jit import njit

@njit(cache=True)
def step(x):
    return x + {}
"""

RUN = """
from pathlib import Path
from mrsnb.kernels import cache
cache._sources = lambda: [Path(name).read_bytes() for name in ("callee.py", "caller.py")]
import caller
print(caller.twice(0), sum(caller.twice.stats.cache_hits.values()))
"""


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")
def test_a_kernel_knows_what_it_calls_in_other_modules(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "caller.py").write_text(CALLER)
    found = []
    for step in ("1", "1", "1000"):  # of another length: Python itself looks at sizes and whole seconds
        (tmp_path / "callee.py").write_text(CALLEE.format(step))
        run = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, check=True, capture_output=True, text=True)
        found.append(run.stdout.split())
    assert found == [["2", "0"], ["2", "1"], ["2000", "0"]]
