"""What may be missing where tests run."""

import os
from importlib.util import find_spec


def is_absent(package: str) -> bool:
    """Return whether to skip tests that need a package: never where all is required, so that they fail there."""
    return find_spec(package) is None and os.environ.get("MRSNB_REQUIRE_ALL") != "1"
