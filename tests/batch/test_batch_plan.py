"""The simulated schedule keeps the laws of queues."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "plan_batch.py"


@pytest.fixture(scope="module")
def planning():
    spec = importlib.util.spec_from_file_location("plan_batch", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same(planning, n, seconds=10.0, size=0.0):
    return planning.Jobs(np.full(n, seconds), np.full(n, size), np.full(n, size), np.full(n, 1e9), 1)


def test_a_schedule_is_as_long_as_its_bottleneck(planning):
    fast = {"bandwidth": 1e12, "line": 1e12, "hand_out": 0.0}
    assert planning.schedule(same(planning, 20), planning.Site(1, **fast)).seconds == pytest.approx(200)
    assert planning.schedule(same(planning, 20), planning.Site(6, **fast)).seconds == pytest.approx(40)
    slow_line = planning.schedule(same(planning, 1, 10, 1e9), planning.Site(1, 1e12, 1e8, 0.0))
    assert slow_line.seconds == pytest.approx(10 + 10 + 10)
    stored = planning.schedule(same(planning, 200, 1, 1e9), planning.Site(100, 1e9, 1e9, 0.0))
    assert stored.seconds == pytest.approx(400, rel=0.02)
    assert stored.bottleneck == "storage"
    handed = planning.schedule(same(planning, 1000, 1), planning.Site(1000, 1e12, 1e12, 0.1))
    assert handed.seconds == pytest.approx(101, rel=0.02)
    assert handed.bottleneck == "scheduler"
    assert planning.schedule(same(planning, 1000, 1), planning.Site(10, **fast)).bottleneck == "workers"


def test_more_workers_never_take_longer(planning):
    rng = np.random.default_rng(1)
    jobs = planning.Jobs(rng.uniform(1, 9, 300), rng.uniform(1e7, 1e9, 300), np.full(300, 2e8), np.ones(300), 1)
    times = [planning.schedule(jobs, planning.Site(w, 2e9, 1e9, 0.01)).seconds for w in (1, 4, 16, 64, 256)]
    assert all(more <= 1.02 * fewer for fewer, more in pairwise(times)), "but for queues at the storage"
    assert times[0] >= jobs.seconds.sum()
