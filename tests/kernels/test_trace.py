"""Splines along the slices: fitted block by block, the same whatever the blocks, and stopped between them."""

import threading

import numpy as np
import pytest

from mrsnb.errors import Cancelled
from mrsnb.kernels import trace
from mrsnb.kernels.threads import stoppable

ROWS, WIDTH = 300, 22


@pytest.fixture
def light():
    """Two slices with a compact source, which drifts along them."""
    rng = np.random.default_rng(5)
    label = np.tile(np.repeat(np.array([101, 102], np.int16), WIDTH), (ROWS, 1))
    place = np.tile(np.arange(WIDTH), 2) - WIDTH / 2 + 0.02 * np.arange(ROWS)[:, None]
    alpha = (0.18 * place).astype(np.float32)
    flux = (100 * np.exp(-((alpha / 0.3) ** 2)) + rng.normal(1, 0.05, alpha.shape)).astype(np.float32)
    slices = np.array([[101, 0, WIDTH], [102, WIDTH, 2 * WIDTH]])
    norm = np.stack([flux[:, first:last].sum(axis=1) for _, first, last in slices])
    return flux, alpha, label, slices, norm


def test_blocks_of_rows_change_nothing(light, monkeypatch):
    fitted = []
    for rows in (7, 64, 10_000):
        monkeypatch.setattr(trace, "_ROWS", rows)
        fitted.append(trace.fit_traces(*light))
    assert np.isfinite(fitted[0].scale).mean() > 0.9
    for other in fitted[1:]:
        for one, two in zip(fitted[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_fit_stops_inside_a_slice(light, monkeypatch):
    stop, fit, n = threading.Event(), trace._fit_rows, []

    def first_only(*values):
        n.append(1)
        stop.set()
        return fit(*values)

    monkeypatch.setattr(trace, "_fit_rows", first_only)
    with stoppable(stop), pytest.raises(Cancelled):
        trace.fit_traces(*light)
    assert len(n) <= 2  # one of each thread
