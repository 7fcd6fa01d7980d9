"""Fixtures for all tests."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from optional import is_absent

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


@pytest.fixture(scope="session")
def _object_store():
    """A server on this machine that answers as S3 does; its address."""
    if is_absent("moto") or is_absent("s3fs"):
        pytest.skip("no moto, or no s3fs: pip install 'mrsnb[test,storage]'")
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(_object_store, monkeypatch, tmp_path):
    """A new bucket, and an empty cache: the store, as fsspec has it, and the bucket's name."""
    import fsspec

    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATESTINGKEY",
        "AWS_SECRET_ACCESS_KEY": "very-secret-indeed",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": _object_store,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "MRSNB_CACHE": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    store = fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True)
    name = f"b-{tmp_path.name.replace('_', '-').lower()[-40:].strip('-')}"
    store.mkdir(name)
    yield store, name
    type(store).clear_instance_cache()
    store.rm(name, recursive=True)
