"""What numbers depend on beside what is read: mrsnb as it is on this machine, and its libraries."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from mrsnb.io.provenance import software

SOURCE = "source of mrsnb"


@cache
def versions() -> dict[str, str]:
    """Return the version of all that numbers depend on; mrsnb's own files, which may be edited, as a digest."""
    return software() | {SOURCE: digest(Path(__file__).resolve().parents[1])}


def digest(package: Path) -> str:
    """Return what says that the files of a package are these: code and data, but for what is made of them.

    Its folder ``notebooks``, which a source tree has elsewhere, is left out.
    """
    made = sha256()
    for path in sorted(package.rglob("*")):
        place = path.relative_to(package)
        is_made = any(part == "__pycache__" or part.startswith(".") for part in place.parts)
        if not is_made and place.parts[0] != "notebooks" and path.is_file():
            content = path.read_bytes()
            made.update(f"{place.as_posix()}\0{len(content)}\0".encode() + content)
    return made.hexdigest()[:16]
