"""Put the frame that follows a moving target into an exposure's ASDF extension, as text."""

import re

from mrsnb.core.exposure import ExposureSource
from mrsnb.errors import InputError
from mrsnb.io.wcs_text import number

_STEP = re.compile(rb"^( *)- !<tag:stsci\.edu:gwcs/step-[\d.]+>$", re.MULTILINE)
_NO_TRANSFORM = re.compile(rb"^( +)transform: null$", re.MULTILINE)
_NAME = re.compile(rb"^( +)name: world$", re.MULTILINE)
_INDEX = b"#ASDF BLOCK INDEX"


def target_shift(exposure: ExposureSource) -> tuple[float, float] | None:
    """Return what assign_mtwcs adds to right ascension and declination, deg; None for a target that does not move."""
    primary, science = exposure.primary, exposure.science
    places = [science.number(key) for key in ("MT_RA", "MT_DEC", "MT_AVRA", "MT_AVDEC")]
    if primary.text("S_MTWCS") != "COMPLETE" or None in places:
        return None
    ra, dec, mean_ra, mean_dec = (float(place) for place in places if place is not None)
    return (mean_ra - ra + 180.0) % 360.0 - 180.0, mean_dec - dec


def with_moving_target(content: bytes, shift: tuple[float, float]) -> bytes:
    """Return an ASDF file whose gWCS ends in a further frame, ``moving_target``.

    Parameters
    ----------
    content : bytes
        The ASDF file of a level-2b exposure.
    shift : tuple of float
        Added to right ascension and declination, deg.

    Raises
    ------
    InputError
        If the tree does not end its gWCS with a step from the sky to nowhere, as assign_wcs writes it.

    Notes
    -----
    The frame of the observatory's assign_mtwcs: ``Shift & Shift & Identity`` after the frame ``world``. The index of
    blocks, which is optional, is left out, since the blocks move.
    """
    end = content.find(b"\n...")
    tree, blocks = content[: end + 1], content[end + 1 :]
    steps = list(_STEP.finditer(tree))
    stop = _NO_TRANSFORM.search(tree, steps[-1].end()) if steps else None
    name = _NAME.search(tree, steps[-1].end(), stop.start()) if stop else None
    if end < 0 or not steps or stop is None or name is None:
        msg = "the gWCS in the ASDF extension does not end at frame 'world'; run level 2 (assign_wcs) again"
        raise InputError(msg)
    start = steps[-1].start()
    as_found = tree[start : stop.end()]
    target = as_found.replace(name[0], name[1] + b"name: moving_target")
    there = stop.start() - start
    toward = as_found[:there] + stop[1] + b"transform: " + _transform(tree, shift)
    index = blocks.rfind(_INDEX)
    return b"".join([tree[:start], toward, b"\n", target, tree[stop.end() :], blocks[: index if index > 0 else None]])


def _transform(tree: bytes, shift: tuple[float, float]) -> bytes:
    beside, move, same = (_tag(tree, kind) for kind in ("concatenate", "shift", "identity"))
    first, second = (f"{move} {{inputs: [x], offset: {number(value)}, outputs: [y]}}" for value in shift)
    both = f"{beside} {{forward: [{first}, {second}], inputs: [x0, x1], outputs: [y0, y1]}}"
    rest = f"{same} {{inputs: [x0], outputs: [x0]}}"
    names = "inputs: [x00, x10, x01], outputs: [y00, y10, x01]"
    return f"{beside} {{forward: [{both}, {rest}], {names}}}".encode()


def _tag(tree: bytes, kind: str) -> str:
    """Return the tag of a transform with the version that the tree uses."""
    found = re.search(rf"!transform/{kind}-([\d.]+)".encode(), tree)
    return f"!transform/{kind}-{found[1].decode() if found else '1.2.0'}"
