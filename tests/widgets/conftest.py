"""Runs that need no files: results that come when a test says so."""

import logging
import threading
import time
from dataclasses import dataclass, replace

import pytest

from mrsnb.core.params import param
from mrsnb.core.references import Sampling
from mrsnb.core.results import Result
from mrsnb.display import Row
from mrsnb.io.references import load_references
from mrsnb.kernels.threads import go_on
from mrsnb.steps.params import StepParams
from mrsnb.widgets.work import Work


@dataclass(frozen=True, kw_only=True)
class ToyParams(StepParams):
    """How many results, and what happens."""

    n: int = param(3, "Results.", low=0)
    wrong: str = param("", "What is raised after the first result.")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ToyResult(Result):
    number: int

    @property
    def title(self):
        return f"toy: {self.number}"

    def rows(self):
        return [Row("number", str(self.number))]


class Toy:
    """Work whose results come one by one, as they are let; all at once unless `held`."""

    def __init__(self, name="toy", *, held=False):
        self.gate = threading.Semaphore(0) if held else None
        self.log = logging.getLogger(f"mrsnb.steps.{name}")
        self.name, self.closed, self.errors = name, 0, {}
        self.work = Work(
            step="combine_1d",
            names=("<b>",),
            output_dir=None,
            begin=lambda params: (params.n, self.results(params)),
        )

    def results(self, params):
        try:
            for number in range(params.n):
                while self.gate is not None and not self.gate.acquire(blocking=False):
                    go_on()
                    time.sleep(0.002)
                self.log.info("%s makes %d", self.name, number)
                yield ToyResult(params=params, seconds=0.0, number=number)
                if params.wrong:
                    raise self.errors[params.wrong]
        finally:
            self.closed += 1


@pytest.fixture
def toy():
    return Toy


@pytest.fixture
def toy_params():
    return ToyParams


@pytest.fixture(scope="session")
def references():
    """The built-in values, but coarse planes of a piece of each band."""
    built_in = load_references()
    pieces = {(1, "short"): Sampling(0.13, 0.01, 5.0, 5.3), (2, "short"): Sampling(0.17, 0.01, 8.0, 8.3)}
    return replace(built_in, cubepar=replace(built_in.cubepar, sampling=pieces))
