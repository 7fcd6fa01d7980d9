"""Compiling ahead: all that level 3 needs, where it is kept, and what happens if it cannot be."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mrsnb.errors import OutputError
from mrsnb.kernels import cache, warmup

NEEDED = """
import json, sys
from numba.core.dispatcher import Dispatcher

asked, compile = [], Dispatcher.compile

def noted(self, types):
    asked.append(f"{self.py_func.__module__}.{self.py_func.__name__}{types}")
    return compile(self, types)

from mrsnb.io.association import read_association
from mrsnb.kernels import warmup
from mrsnb.pipeline import Spec3Params, kernels_of, spec3

for group in warmup.GROUPS.values():
    group()
Dispatcher.compile = noted
quick, on = Spec3Params.preset("quicklook").updated({"cube_build": {"skip": True}}), {"skip": False}
for params in (
    *map(Spec3Params.preset, ("archive", "jwst-3.0", "quicklook")),
    quick.updated({"adaptive_trace_model": on | {"oversample": 2.0}}),
    *(quick.updated({"pixel_replace": on | {"algorithm": way}}) for way in ("mingrad", "fit_profile", "trace_model")),
    Spec3Params.preset("quicklook").updated({"extract_1d": {"ifu_covar": "drizzle"}, "mrs_imatch": on}),
    *(
        Spec3Params.preset("quicklook").updated({"cube_build": cube, "extract_1d": {"ifu_covar": "geometry"}})
        for cube in ({"weighting": "emsm"}, {"weighting": "msm"})
    ),
):
    assert set(kernels_of(params)) <= set(warmup.GROUPS)
    for _ in spec3(sys.argv[1], params, output_dir=sys.argv[2]):
        pass
run = list(asked)
import numpy as np
warmup.slice_pixels(np.zeros((2, 2), np.int64), np.ones(1, np.int64), 0, 2)
print(json.dumps([run, asked[len(run):]]))
"""


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """Let an empty folder be the cache."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def quick(monkeypatch):
    """Have workers that answer at once."""

    def answers(waiting):
        while waiting:
            yield cache.Group(waiting.popleft(), 1)

    monkeypatch.setattr(cache, "_answers", answers)


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")
def test_nothing_is_compiled_after_it(small_dataset, tmp_path):
    command = [sys.executable, "-c", NEEDED, str(small_dataset.association), str(tmp_path)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    missing, other = json.loads(found.stdout.splitlines()[-1])
    assert missing == []
    assert "_count_pixels" in other[0]  # so what is compiled would be seen


def test_groups_are_named_in_the_order_of_their_cost():
    assert tuple(warmup.GROUPS) == cache.GROUPS


@pytest.mark.parametrize("name", cache.GROUPS)
def test_groups_call_kernels(name):
    warmup.GROUPS[name]()


@pytest.mark.usefixtures("quick")
def test_a_stamp_says_that_all_is_compiled(empty):
    said = []
    assert cache.missing()
    cache.compile_missing(say=said.append)
    assert not cache.missing()
    cache.compile_missing(say=said.append)
    assert len(said) == 1
    assert "once" in said[0]
    assert {path.suffix for path in cache.cache_folder().iterdir()} == {".warm"}
    assert cache.cache_folder().parent == empty


@pytest.mark.usefixtures("quick", "empty")
def test_another_numba_or_processor_is_another_stamp(monkeypatch):
    cache.compile_missing()
    cache._stamp.cache_clear()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(cache, "_processor", lambda: b"another")
        assert cache.missing()
        list(cache.compile_groups())
        cache._stamp.cache_clear()
    assert not cache.missing()  # both may use the folder in turn
    monkeypatch.setattr(cache, "_sources", lambda: [b"other"])
    cache._stamp.cache_clear()
    assert cache.missing()
    list(cache.compile_groups())
    assert len(list(cache.cache_folder().iterdir())) == len(cache.GROUPS)  # stamps of old sources go
    cache._stamp.cache_clear()


@pytest.mark.usefixtures("quick", "empty")
def test_kernels_for_no_processor_in_particular_serve_all(monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    cache._stamp.cache_clear()
    cache.compile_missing()
    cache._stamp.cache_clear()
    monkeypatch.setattr(cache, "_processor", lambda: b"another")
    assert not cache.missing()
    monkeypatch.delenv("NUMBA_CPU_NAME")
    cache._stamp.cache_clear()
    assert cache.missing()
    cache._stamp.cache_clear()


@pytest.mark.parametrize(("name", "value"), [("executable", None), ("frozen", True)])
@pytest.mark.usefixtures("empty")
def test_a_python_inside_another_program_is_not_started_again(monkeypatch, name, value):
    monkeypatch.setattr(sys, name, value, raising=False)
    with pytest.raises(OutputError, match="part of another program"):
        list(cache.compile_groups())
    cache.compile_missing()  # a run goes on


@pytest.mark.usefixtures("empty")
def test_whatever_a_worker_stumbles_over_is_told(monkeypatch):
    def answers(_):
        raise TypeError("odd")

    def compile_all():
        with pytest.raises(OutputError, match="odd") as refused:
            list(cache.compile_groups())
        told.append(refused.value)

    told = []
    monkeypatch.setattr(cache, "_answers", answers)
    waiting = threading.Thread(target=compile_all, daemon=True)
    waiting.start()
    waiting.join(10)
    assert len(told) == 1


@pytest.mark.usefixtures("empty")
def test_nothing_needs_compiling_where_numba_is_told_not_to(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert not cache.missing()


def test_numba_keeps_kernels_in_the_same_place(empty):
    theirs = "from mrsnb.kernels.drizzle import order_by_plane as k; print(k._cache.cache_path)"
    ours = "from mrsnb.kernels.cache import cache_folder; print(cache_folder())"
    for variables in ({}, {"NUMBA_CACHE_DIR": str(empty)}):
        environment = {k: v for k, v in os.environ.items() if k not in {"NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"}}
        found = [
            subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment | variables
            )
            for code in (theirs, ours)
        ]
        assert found[0].stdout == found[1].stdout


def test_a_cache_that_cannot_be_written_is_one_clear_error(monkeypatch, empty):
    monkeypatch.setattr(cache, "_is_writable", lambda _: False)
    with pytest.raises(OutputError, match="NUMBA_CACHE_DIR") as refused:
        list(cache.compile_groups())
    assert str(empty) in str(refused.value)
    cache.compile_missing()  # a run goes on


def test_a_read_only_installation_falls_back_to_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(cache, "user_cache", lambda: tmp_path)
    monkeypatch.setattr(cache, "_is_writable", lambda folder: tmp_path in folder.parents)
    assert cache.cache_folder().parent == tmp_path / "numba"


@pytest.mark.usefixtures("empty")
def test_a_worker_that_fails_says_why(monkeypatch, tmp_path):
    worker = tmp_path / "worker"
    worker.write_text("#!/bin/sh\necho 'no memory' >&2\nexit 3\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    with pytest.raises(OutputError, match="no memory"):
        list(cache.compile_groups())
    assert cache.missing()


def test_to_look_does_not_import_numba():
    code = "import sys; from mrsnb.kernels.cache import missing; missing(); print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "False"


@pytest.mark.usefixtures("quick", "empty")
def test_the_command_says_what_it_did():
    from click.testing import CliRunner

    from mrsnb.cli import main

    result = CliRunner().invoke(main, ["warmup"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"compiled {len(cache.GROUPS)} functions, in ")
    assert str(cache.cache_folder()) in result.stdout
    assert Path(result.stdout.split(": ", 1)[1].strip()).is_dir()


def test_a_run_without_a_cache_is_one_clear_error(monkeypatch, tmp_path):
    from click.testing import CliRunner

    from mrsnb.cli import main

    monkeypatch.setattr(cache, "_is_writable", lambda _: False)
    result = CliRunner().invoke(main, ["spec3", str(tmp_path / "no_asn.json")])
    assert result.exit_code == 2
    assert "set NUMBA_CACHE_DIR" in result.stderr
    assert result.stderr.count("\n") == 1
