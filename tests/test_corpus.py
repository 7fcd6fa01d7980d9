"""Files with something wrong, given as users give them: each is read, or refused in one clear line, and soon.

A sample of the corpus; all of it: tests/benchmarks/bad_input.py.
"""

import subprocess
import sys
from random import Random

import corpus
import pytest

EACH = {"settings": 50, "association": 30, "jobs": 20, "table": 20, "spectrum": 30, "exposure": 5}
"""How many cases of a kind are tried here; of others `OTHERS`."""
OTHERS = 6
ONE_WAY = {"exposure": "read", "cube": "read", "spectrum": "read", "association": "show"}
"""Of these kinds one way each is tried here."""


@pytest.fixture(scope="module")
def good(small_dataset, module_folder):
    folder = module_folder("good")
    corpus.make_products(small_dataset.association, folder)
    return corpus.Good(small_dataset.association, tuple(small_dataset.exposures), folder)


@pytest.fixture(scope="module")
def by_kind(good):
    found = {}
    for case in corpus.cases(good):
        found.setdefault(case.kind, []).append(case)
    return found


def test_the_corpus_is_what_it_is_said_to_be(by_kind):
    assert set(by_kind) == set(corpus.WAYS)
    assert sum(map(len, by_kind.values())) > 2000
    assert min(map(len, by_kind.values())) >= 40


@pytest.mark.parametrize("kind", corpus.WAYS)
def test_bad_input_is_read_or_refused_in_one_line(kind, by_kind, good, tmp_path):
    if kind in ("offsets", "cubepar"):
        pytest.skip("a run each: tests/benchmarks/bad_input.py")
    cases = by_kind[kind]
    n = min(EACH.get(kind, OTHERS), len(cases))
    wrong = []
    for number, case in enumerate(Random(2).sample(cases, n)):  # noqa: S311
        for way, outcome in corpus.tried(case, good, tmp_path / str(number), ONE_WAY.get(kind)):
            if outcome.verdict not in ("success", "clear error", "over memory"):  # pytest and its modules take some
                wrong.append((case.name, way, outcome))
    assert not wrong


def test_the_same_seed_makes_the_same_files(good, by_kind):
    again = [case for case in corpus.cases(good) if case.kind == "association"]
    assert [case.name for case in again] == [case.name for case in by_kind["association"]]
    assert all(a.make() == b.make() for a, b in zip(again, by_kind["association"], strict=True))


def test_at_the_command_line_there_is_no_traceback(by_kind, tmp_path):
    case = next(case for case in by_kind["exposure"] if "cut at" in case.name)
    (tmp_path / case.file).write_bytes(case.make())
    code = "from mrsnb.cli import main; main()"
    command = [sys.executable, "-c", code, "show", str(tmp_path / case.file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mrsnb: error: ")
    assert done.stderr.count("\n") == 1
