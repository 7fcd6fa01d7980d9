"""Sharing parts among threads: each once, errors kept, any number of threads."""

import gc
import threading
import weakref

import numpy as np
import pytest

from mrsnb.errors import Cancelled
from mrsnb.kernels.threads import ahead, at_most, go_on, n_threads, share, stoppable


@pytest.fixture(params=[1, 2, 5])
def threads(request, monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", str(request.param))
    return request.param


@pytest.mark.parametrize("n", [0, 1, 7, 200])
@pytest.mark.usefixtures("threads")
def test_every_part_is_called_once(n):
    called = []
    share(called.append, n)
    assert sorted(called) == list(range(n))


def test_several_threads_take_part(monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", "2")
    both = threading.Barrier(2, timeout=10)
    share(lambda _: both.wait(), 2)


@pytest.mark.usefixtures("threads")
def test_a_part_may_share_again():
    called = []
    share(lambda i: share(lambda j: called.append((i, j)), 5), 6)
    assert sorted(called) == [(i, j) for i in range(6) for j in range(5)]


@pytest.mark.usefixtures("threads")
def test_the_error_of_a_part_is_raised_and_the_rest_is_left_out():
    called = []

    def part(i):
        called.append(i)
        if i == 3:
            raise KeyError(i)

    with pytest.raises(KeyError, match="3"):
        share(part, 10_000)
    assert 3 in called
    assert len(called) < 10_000


def test_a_limit_holds_inside_and_in_what_is_shared(monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", "4")
    with at_most(2):
        assert n_threads() == 2
        seen = []
        share(lambda _: seen.append(n_threads()), 50)
        assert set(seen) == {2}
        with at_most(100):
            assert n_threads() == 4
    assert n_threads() == 4


@pytest.mark.parametrize("value", ["", "many", "-1"])
def test_an_odd_setting_means_all_cores(monkeypatch, value):
    monkeypatch.delenv("MRSNB_NUM_THREADS", raising=False)
    all_cores = n_threads()
    monkeypatch.setenv("MRSNB_NUM_THREADS", value)
    assert n_threads() == all_cores >= 1


@pytest.mark.usefixtures("threads")
def test_what_is_made_ahead_comes_in_order():
    assert list(ahead(lambda i: i * i, range(20))) == [(i, i * i) for i in range(20)]


def test_the_next_is_made_while_one_is_used(monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", "2")
    begun = [threading.Event() for _ in range(3)]
    made = ahead(lambda i: begun[i].set(), range(3))
    next(made)
    next(made)
    assert begun[1].is_set()
    assert begun[2].wait(10)
    made.close()


@pytest.mark.usefixtures("threads")
def test_an_error_ahead_is_raised_in_its_turn():
    made = ahead(lambda i: 1 / (2 - i), range(5))
    assert [next(made) for _ in range(2)] == [(0, 0.5), (1, 1.0)]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_nothing_more_is_begun_when_the_caller_stops(monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", "2")
    made = []
    results = ahead(made.append, range(100))
    next(results)
    results.close()
    assert len(made) <= 2


def test_what_no_thread_came_to_is_let_go(monkeypatch):
    monkeypatch.setenv("MRSNB_NUM_THREADS", "2")
    kept = []

    def outer(_):
        array = np.zeros(3)
        kept.append(weakref.ref(array))
        share(lambda i: array.sum() + i, 2)

    release = threading.Event()
    seen = []

    def part(i):
        if threading.current_thread() is threading.main_thread():
            for _ in range(3):
                outer(i)
            gc.collect()
            seen.extend(ref() for ref in kept)
            release.set()
        else:
            release.wait(10)

    share(part, 2)
    assert len(seen) != 0
    assert all(array is None for array in seen)


@pytest.mark.usefixtures("threads")
def test_shared_work_stops_when_told_to():
    stop, called = threading.Event(), []

    def part(i):
        called.append(i)
        if i == 3:
            stop.set()

    with stoppable(stop), pytest.raises(Cancelled, match="run it again"):
        share(part, 10_000)
    assert 3 in called
    assert len(called) < 20
    share(called.append, 3)  # outside, nothing is stopped


@pytest.mark.usefixtures("threads")
def test_nothing_more_is_made_ahead_when_told_to_stop():
    stop, made = threading.Event(), []
    with stoppable(stop):
        results = ahead(made.append, range(100))
        next(results)
        stop.set()
        with pytest.raises(Cancelled):
            list(results)
    assert len(made) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mrsnb-ahead")]


def test_one_is_stopped_and_another_goes_on():
    stop = threading.Event()
    stop.set()
    with stoppable(threading.Event()):
        go_on()
        with stoppable(stop), pytest.raises(Cancelled):
            go_on()
        go_on()
    go_on()
