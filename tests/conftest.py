"""Fixtures for all tests."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("mrsnb", deadline=None, max_examples=40, derandomize=True)  # the same examples every time
settings.load_profile("mrsnb")


def pytest_collection_modifyitems(items):
    """Put tests in the browser last: an open Playwright is a running event loop, in which no other can run."""
    items.sort(key=lambda item: item.path.parent.name == "browser")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Run on all cores with ``-n auto``, but in no more processes than the memory of a small machine can hold."""
    return min(4, os.cpu_count() or 1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The measurement data beside the project; tests that need them are skipped without, or fail if required."""
    folder = Path(os.environ.get("MRSNB_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not (folder / "data").is_dir():
        reason = f"no measurement data in {folder}; set MRSNB_SHARED"
        if os.environ.get("MRSNB_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _compiled_kernels():
    """Compile what is not in the cache before the first test, on all cores, so that no test waits for it or says so."""
    from mrsnb.kernels.cache import compile_missing

    compile_missing()


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    """Makes the folder of a name for the fixtures of a module; it is removed after the module's last test."""
    made = []

    def make(name):
        made.append(tmp_path_factory.mktemp(name))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory):
    """The least observation that makes cubes: two dithers of channels 1 and 2 in one setting, a star with lines."""
    from mrsnb.simulate import simulate

    folder = tmp_path_factory.mktemp("small")
    return simulate(folder, name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False)
