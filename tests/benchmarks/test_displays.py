"""What it takes to show everything in a notebook, pictures drawn anew each time: to be under 20 ms and 200 kB.

python -m pytest tests/benchmarks/test_displays.py --benchmark-only --benchmark-timer=time.process_time
"""

import copy

import pytest
import shown


@pytest.mark.parametrize("name", shown.EVERYTHING)
def test_html(benchmark, name):
    value = shown.EVERYTHING[name]()
    value._repr_html_()

    def fresh():
        new = copy.copy(value)
        new.__dict__.pop("drawn", None)
        return (new,), {}

    html = benchmark.pedantic(type(value)._repr_html_, setup=fresh, rounds=15)
    benchmark.extra_info["kB"] = round(len(html.encode()) / 1000, 1)
