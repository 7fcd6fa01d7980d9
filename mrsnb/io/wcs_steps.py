"""Put further frames into the gWCS in an exposure's ASDF extension, as text.

One follows a moving target, the other leads from an image with more columns to the detector.
"""

import re

from mrsnb.core.exposure import ExposureSource
from mrsnb.errors import InputError
from mrsnb.io.wcs_text import number

_STEP = re.compile(rb"^( *)- !<tag:stsci\.edu:gwcs/step-[\d.]+>$", re.MULTILINE)
_NO_TRANSFORM = re.compile(rb"^( +)transform: null$", re.MULTILINE)
_NAME = re.compile(rb"^( +)name: world$", re.MULTILINE)
_DETECTOR = re.compile(rb"^ +name: detector$", re.MULTILINE)
_COORDINATES = re.compile(rb"\bname: coordinates\b")
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
    tree, blocks = _parts(content)
    steps = list(_STEP.finditer(tree))
    stop = _NO_TRANSFORM.search(tree, steps[-1].end()) if steps else None
    name = _NAME.search(tree, steps[-1].end(), stop.start()) if stop else None
    if not steps or stop is None or name is None:
        msg = "the gWCS in the ASDF extension does not end at frame 'world'; run level 2 (assign_wcs) again"
        raise InputError(msg)
    start = steps[-1].start()
    as_found = tree[start : stop.end()]
    target = as_found.replace(name[0], name[1] + b"name: moving_target")
    there = stop.start() - start
    toward = as_found[:there] + stop[1] + b"transform: " + _transform(tree, shift)
    return b"".join([tree[:start], toward, b"\n", target, tree[stop.end() :], blocks])


def with_more_columns(content: bytes, oversample: float, shape: tuple[int, int]) -> bytes:
    """Return an ASDF file whose gWCS begins with a further frame, ``coordinates``, that of an oversampled image.

    Parameters
    ----------
    content : bytes
        The ASDF file of a level-2b exposure.
    oversample : float
        Columns of the image for each column of the detector.
    shape : tuple of int
        Rows and columns of the image.

    Raises
    ------
    InputError
        If the tree does not begin its gWCS with the frame ``detector``, as assign_wcs writes it.

    Notes
    -----
    The frame of the observatory's adaptive_trace_model: ``(Scale | Shift) & Identity`` before the frame ``detector``.
    It is written out, not copied, since the original may hold anchors, which must be unique. The index of blocks,
    which is optional, is left out, since the blocks move.
    """
    tree, blocks = _parts(content)
    steps = list(_STEP.finditer(tree))
    ends = [step.start() for step in steps[1:2]]
    if not ends or not _DETECTOR.search(tree, steps[0].end(), ends[0]):
        msg = "the gWCS in the ASDF extension does not begin at frame 'detector'; run level 2 (assign_wcs) again"
        raise InputError(msg)
    first = steps[0]
    step = first[0].split(b"- ")[1].decode()
    here = (
        f"{first[1].decode()}- {step} {{frame: {_image_frame(tree)}, transform: {_columns(tree, oversample, shape)}}}"
    )
    return b"".join([tree[: first.start()], here.encode(), b"\n", tree[first.start() :], blocks])


def has_more_columns(content: bytes) -> bool:
    """Return whether the gWCS has the frame of an oversampled image."""
    return _COORDINATES.search(_parts(content)[0]) is not None


def _parts(content: bytes) -> tuple[bytes, bytes]:
    """Return tree and blocks, without the index of blocks."""
    end = content.find(b"\n...")
    tree, blocks = content[: end + 1], content[end + 1 :]
    index = blocks.rfind(_INDEX)
    return tree, blocks[: index if index > 0 else None]


def _image_frame(tree: bytes) -> str:
    found = re.search(rb"!<(tag:stsci\.edu:gwcs/frame2d-[\d.]+)>", tree)
    tag = found[1].decode() if found else "tag:stsci.edu:gwcs/frame2d-1.0.0"
    unit = _tag(tree, "unit/unit", "1.0.0")
    return (
        f"!<{tag}> {{axes_names: [x, y], axes_order: [0, 1], axis_physical_types: ['custom:x', 'custom:y'], "
        f"name: coordinates, unit: [{unit} pixel, {unit} pixel]}}"
    )


def _columns(tree: bytes, oversample: float, shape: tuple[int, int]) -> str:
    """Return the transform from columns and rows of an oversampled image to those of the detector."""
    beside, compose, scale, shift, same = (
        _tag(tree, f"transform/{kind}", "1.2.0") for kind in ("concatenate", "compose", "scale", "shift", "identity")
    )
    box = (
        f"{_tag(tree, 'transform/property/bounding_box', '1.0.0')} {{ignore: [], intervals: "
        f"{{x: [-0.5, {number(shape[1] - 0.5)}], y: [-0.5, {number(shape[0] - 0.5)}]}}, order: F}}"
    )
    smaller = f"{scale} {{factor: {number(1 / oversample)}, inputs: [x], outputs: [y]}}"
    moved = f"{shift} {{inputs: [x], offset: {number(-(oversample - 1) / (2 * oversample))}, outputs: [y]}}"
    columns = f"{compose} {{forward: [{smaller}, {moved}], inputs: [x], outputs: [y]}}"
    rows = f"{same} {{inputs: [x0], outputs: [x0]}}"
    return f"{beside} {{bounding_box: {box}, forward: [{columns}, {rows}], inputs: [x, y], outputs: [x, y]}}"


def _transform(tree: bytes, shift: tuple[float, float]) -> bytes:
    beside, move, same = (_tag(tree, f"transform/{kind}", "1.2.0") for kind in ("concatenate", "shift", "identity"))
    first, second = (f"{move} {{inputs: [x], offset: {number(value)}, outputs: [y]}}" for value in shift)
    both = f"{beside} {{forward: [{first}, {second}], inputs: [x0, x1], outputs: [y0, y1]}}"
    rest = f"{same} {{inputs: [x0], outputs: [x0]}}"
    names = "inputs: [x00, x10, x01], outputs: [y00, y10, x01]"
    return f"{beside} {{forward: [{both}, {rest}], {names}}}".encode()


def _tag(tree: bytes, kind: str, default: str) -> str:
    """Return the tag of such nodes with the version that the tree uses."""
    found = re.search(rf"!{kind}-([\d.]+)".encode(), tree)
    return f"!{kind}-{found[1].decode() if found else default}"
