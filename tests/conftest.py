"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


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
