"""A cache bounded by bytes."""

import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsnb.core.cache import ByteCache, n_bytes


def kilobytes(n):
    return np.zeros(n * 125)


def test_what_is_there_is_not_made_again():
    cache, made = ByteCache(10_000), []
    for key in "aab":
        cache.get(key, lambda key=key: made.append(key) or kilobytes(1))
    assert made == ["a", "b"]


def test_what_was_used_longest_ago_makes_room():
    cache = ByteCache(3000)
    for key in "abc":
        cache.put(key, kilobytes(1))
    cache.get("a", lambda: pytest.fail("it is there"))
    cache.put("d", kilobytes(1))
    assert "b" not in cache
    assert all(key in cache for key in "acd")


def test_what_is_to_go_first_takes_the_room_of_nothing_else():
    cache = ByteCache(3000)
    cache.put("a", kilobytes(1))
    cache.put("b", kilobytes(1), first_out=True)
    cache.put("c", kilobytes(1))
    cache.put("d", kilobytes(1))
    assert "b" not in cache
    cache.put("e", kilobytes(1), first_out=True)
    assert all(key in cache for key in "acd")


def test_what_is_too_large_is_given_but_not_kept():
    cache = ByteCache(3000)
    cache.put("small", kilobytes(1))
    assert cache.get("large", lambda: kilobytes(4)).nbytes == 4000
    assert "large" not in cache
    assert "small" in cache


def test_what_is_dropped_is_gone():
    cache = ByteCache(3000)
    for key in "abc":
        cache.put(key, kilobytes(1))
    cache.drop(lambda key: key < "c")
    assert cache.n_bytes == 1000
    assert "c" in cache


def test_an_object_may_die_while_the_cache_is_changed():
    cache = ByteCache(3000)
    cache.put("a", kilobytes(1))

    class Key:
        def __hash__(self):
            cache.drop(lambda key: key == "a")  # as a finaliser may, which runs wherever it likes
            return 1

    using = threading.Thread(target=cache.get, args=(Key(), lambda: kilobytes(1)), daemon=True)
    using.start()
    using.join(10)
    assert not using.is_alive()
    assert cache.get("a", lambda: kilobytes(2)).nbytes == 2000


def test_values_of_equal_objects_are_apart_and_the_objects_live_as_long():
    cache, first, second = ByteCache(3000), [1], [1]
    assert cache.get("a", lambda: (kilobytes(1), "first"), of=(first,))[1] == "first"
    assert cache.get("a", lambda: (kilobytes(1), "second"), of=(second,))[1] == "second"
    assert cache.get("a", lambda: pytest.fail("it is there"), of=(first,))[1] == "first"
    held = kilobytes(1)
    died = []
    weakref.finalize(held, died.append, True)
    cache.get("b", lambda: kilobytes(1), of=(held,))
    assert cache.n_bytes == 3000  # one of the former made room: what a value is of counts as well
    del held
    assert not died
    cache.drop(lambda key: key != "c")
    cache.get("c", lambda: kilobytes(1))
    assert died


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=60))
def test_it_never_holds_more_than_it_may(uses):
    cache = ByteCache(5000)
    for key, size in uses:
        cache.put(key, (kilobytes(size), (kilobytes(size),)))
        assert cache.n_bytes <= 5000


def test_bytes_of_tuples_are_counted():
    assert n_bytes((kilobytes(1), (kilobytes(2), "text", 3))) == 3000
