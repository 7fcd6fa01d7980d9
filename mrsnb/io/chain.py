"""Recognise the official transform chain of an MRS exposure in its ASDF tree, and compile it to coefficients.

Whatever is not exactly the chain that assign_wcs writes (frames detector, alpha_beta, v2v3, v2v3vacorr, world; after
assign_mtwcs also moving_target at the end, after adaptive_trace_model also coordinates at the beginning) is refused
with the reason, and the caller evaluates it with gwcs instead.
"""

import math
from functools import reduce
from hashlib import blake2b
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from mrsnb.geometry.chain import ChannelChain, MrsChain, columns_each
from mrsnb.io.asdf_tree import AsdfTree, Node, TreeError
from mrsnb.kernels.slices import SlicePolynomials

_slice_maps: "WeakValueDictionary[bytes, _SharedMap]" = WeakValueDictionary()
_channels: "WeakValueDictionary[bytes, ChannelChain]" = WeakValueDictionary()
"""Exposures with the same distortion share it, so that it is evaluated once."""


class _SharedMap(np.ndarray[Any, Any]):
    """A slice map that exposures share if theirs are equal, a class of its own so that it takes weak references."""


def compile_chain(asdf: AsdfTree) -> MrsChain:
    """Return the chain in ``meta.wcs``.

    Raises
    ------
    TreeError
        With the reason, if the tree does not hold the official chain.
    """
    steps = _get(asdf.tree, "meta", "wcs", "steps")
    names = [_get(step, "frame", "name") for step in steps]
    moving, wider = str(names[-1]).lower() == "moving_target", str(names[0]).lower() == "coordinates"
    if [str(name).lower() for name in names[wider : len(names) - moving]] not in (
        ["detector", "alpha_beta", "v2v3", "v2v3vacorr", "world"],
        ["detector", "alpha_beta", "v2v3", "world"],
    ):
        msg = f"frames are {names}"
        raise TreeError(msg)
    *transforms, last = [_get(step, "transform") for step in steps[:-1]]
    sky_shift, oversample = (0.0, 0.0), 1.0
    if wider:
        oversample = _oversample(transforms.pop(0))
    if moving:
        sky_shift = _sky_shift(last)
        *transforms, last = transforms
    slice_map, slices = _slices(asdf, transforms[0])
    telescope = _telescope(asdf, transforms[1])
    channels = {}
    for number, (limits, v2, v3) in telescope.items():
        mine = {label: model for label, model in slices.items() if label // 100 == number}
        _demand(bool(mine), f"no slices of channel {number}")
        channels[number] = _shared(ChannelChain(slices=_stack(mine), wave_limits=limits, v2=v2, v3=v3))
    aberration = _aberration(transforms[2]) if len(transforms) == 3 else np.array([1.0, 1.0, 0.0, 0.0])
    return MrsChain(
        slice_map=slice_map,
        channels=channels,
        aberration=aberration,
        matrix=_matrix(last),
        sky_shift=sky_shift,
        oversample=oversample,
    )


def _shared(channel: ChannelChain) -> ChannelChain:
    content = blake2b(repr(channel.wave_limits).encode())
    for array in (*channel.slices, channel.v2, channel.v3):
        content.update(repr((array.shape, array.dtype)).encode())
        content.update(array.tobytes())
    return _channels.setdefault(content.digest(), channel)


def _demand(condition: bool, reason: str) -> None:
    if not condition:
        raise TreeError(reason)


def _get(node: Any, *path: str) -> Any:
    for key in path:
        _demand(isinstance(node, dict) and key in node, f"no {key!r}")
        node = node[key]
    return node


def _tag(node: Any) -> str:
    return node.tag if isinstance(node, Node) else ""


def _unpack(node: Any, tag: str) -> list[Any]:
    """Return the operands of nested compositions (``a | b | c``) or concatenations (``a & b & c``) as one list."""
    if _tag(node) != tag:
        return [node]
    parts = _get(node, "forward")
    _demand(isinstance(parts, list) and len(parts) == 2, f"{tag} without two parts")
    return _unpack(parts[0], tag) + _unpack(parts[1], tag)


def _pairs(node: Any) -> dict[str, Any]:
    """Return an ordered map, however it was written, as a dictionary."""
    items = node if isinstance(node, list) else [node]
    return {key: value for item in items if isinstance(item, dict) for key, value in item.items()}


def _is_identity(node: Any, n: int = 1) -> bool:
    return _tag(node) == "identity" and node.get("n_dims", 1) == n


def _number(node: Any, tag: str, key: str) -> float:
    _demand(_tag(node) == tag and isinstance(node.get(key), int | float), f"expected {tag}, found {_tag(node)!r}")
    return float(node[key])


def _polynomial(asdf: AsdfTree, node: Any) -> NDArray[np.float64]:
    """Return the coefficients of a polynomial in two variables: power of the first, then of the second."""
    _demand(_tag(node) == "polynomial", f"expected polynomial, found {_tag(node)!r}")
    for key in ("domain", "window"):
        limits = node.get(key)
        _demand(limits is None or np.array_equal(limits, [[-1, 1], [-1, 1]]), f"polynomial with a {key}")
    coefficients = asdf.array(_get(node, "coefficients")).astype(float)
    _demand(coefficients.ndim == 2 and coefficients.shape[0] == coefficients.shape[1], "polynomial of one variable")
    return coefficients


def _shifted(asdf: AsdfTree, parts: list[Any]) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients and the column shift of ``(Identity & Shift) | Polynomial2D``."""
    _demand(len(parts) == 2, "expected a shift and a polynomial")
    inputs = _unpack(parts[0], "concatenate")
    _demand(len(inputs) == 2 and _is_identity(inputs[0]), "expected an identity and a shift")
    return _polynomial(asdf, parts[1]), _number(inputs[1], "shift", "offset")


def _factor(node: Any) -> float:
    """Return the velocity factor of ``Scale``, or of ``Identity * Const1D``."""
    if _tag(node) == "multiply":
        first, second = _get(node, "forward")
        _demand(_is_identity(first), "expected an identity times a constant")
        return _number(second, "constant", "value")
    return _number(node, "scale", "factor")


_Slice = tuple[float, NDArray[np.float64], float, NDArray[np.float64], float]


def _slice(asdf: AsdfTree, node: Any) -> _Slice:
    parts = _unpack(node, "compose")
    _demand(len(parts) == 2 and _tag(parts[0]) == "remap_axes", "slice without a mapping")
    _demand(list(parts[0]["mapping"]) == [1, 0, 0, 1, 0], "slice with another mapping")
    branches = _unpack(parts[1], "concatenate")
    _demand(len(branches) == 3, "slice without three outputs")
    alpha, alpha_shift = _shifted(asdf, _unpack(branches[0], "compose"))
    beta = _number(branches[1], "constant", "value")
    stages = _unpack(branches[2], "compose")
    wave, wave_shift = _shifted(asdf, stages[:2])
    _demand(len(stages) <= 3, "wavelength with further stages")
    return beta, alpha, alpha_shift, wave * (_factor(stages[2]) if len(stages) == 3 else 1.0), wave_shift


def _slices(asdf: AsdfTree, node: Any) -> tuple[NDArray[np.int16], dict[int, _Slice]]:
    _demand(_tag(node) == "regions_selector", "detector transform is no regions_selector")
    mapper = _get(node, "label_mapper", "mapper")
    full = asdf.array(mapper)
    _demand(full.ndim == 2 and full.min() >= 0 and full.max() < 500, "slice map with strange labels")
    small = full.astype(np.int16)
    digest = blake2b(small.tobytes() + repr(small.shape).encode()).digest()
    shared = _slice_maps.get(digest)
    if shared is None:
        shared = small.view(_SharedMap)
        shared.flags.writeable = False
        _slice_maps[digest] = shared
    selector = _pairs(_get(node, "selector"))
    labels, models = _get(selector, "labels"), _get(selector, "transforms")
    return shared, {int(label): _slice(asdf, model) for label, model in zip(labels, models, strict=True)}


def _stack(slices: dict[int, _Slice]) -> SlicePolynomials:
    labels = sorted(slices)
    beta, alpha, alpha_shift, wave, wave_shift = zip(*(slices[label] for label in labels), strict=True)
    size = max(c.shape[0] for c in (*alpha, *wave))
    return SlicePolynomials(
        label=np.array(labels, np.int16),
        beta=np.array(beta),
        alpha=np.stack([_padded(c, size) for c in alpha]),
        alpha_shift=np.array(alpha_shift),
        wave=np.stack([_padded(c, size) for c in wave]),
        wave_shift=np.array(wave_shift),
    )


def _padded(coefficients: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    missing = size - coefficients.shape[0]
    return np.ascontiguousarray(np.pad(coefficients, ((0, missing), (0, missing))))


_Telescope = tuple[tuple[float, float], NDArray[np.float64], NDArray[np.float64]]


def _telescope(asdf: AsdfTree, node: Any) -> dict[int, _Telescope]:
    """Return wavelength limits and the v2, v3 polynomials of each channel."""
    _demand(_tag(node) == "regions_selector", "alpha_beta transform is no regions_selector")
    mapper = _pairs(_get(node, "label_mapper", "mapper"))
    _demand(list(_get(node, "label_mapper", "inputs_mapping", "mapping")) == [2], "channels not told by wavelength")
    ranges, pickers = _get(mapper, "labels"), _get(mapper, "models")
    limits = {}
    for (low, high), picker in zip(ranges, pickers, strict=True):
        stages = _unpack(picker, "compose")
        _demand(_tag(stages[0]) == "remap_axes" and len(stages) == 2, "channel picker")
        limits[round(_number(stages[1], "constant", "value"))] = (float(low), float(high))
    selector = _pairs(_get(node, "selector"))
    found = {}
    for label, model in zip(_get(selector, "labels"), _get(selector, "transforms"), strict=True):
        spatial = _unpack(model, "concatenate")
        _demand(len(spatial) == 2 and _is_identity(spatial[1]), "wavelength does not pass through to v2v3")
        stages = _unpack(spatial[0], "compose")
        _demand(len(stages) == 2 and _tag(stages[0]) == "remap_axes", "v2v3 without a mapping")
        _demand(list(stages[0]["mapping"]) == [0, 1, 0, 1], "v2v3 with another mapping")
        both = _unpack(stages[1], "concatenate")
        _demand(len(both) == 2, "v2v3 without two polynomials")
        v2, v3 = (_polynomial(asdf, part) for part in both)
        size = max(v2.shape[0], v3.shape[0])
        found[int(label)] = (limits[int(label)], _padded(v2, size), _padded(v3, size))
    return found


def _aberration(node: Any) -> NDArray[np.float64]:
    parts = _unpack(node, "concatenate")
    if all(_tag(part) == "identity" for part in parts):
        return np.array([1.0, 1.0, 0.0, 0.0])
    _demand(len(parts) == 2 and _is_identity(parts[1]), "aberration correction")
    stages = [_unpack(stage, "concatenate") for stage in _unpack(parts[0], "compose")]
    _demand(len(stages) == 2 and all(len(stage) == 2 for stage in stages), "aberration correction")
    scales = [_number(part, "scale", "factor") for part in stages[0]]
    return np.array([*scales, *(_number(part, "shift", "offset") for part in stages[1])])


def _oversample(node: Any) -> float:
    """Return how many columns there are for each of the detector."""
    parts = _unpack(node, "concatenate")
    _demand(len(parts) == 2 and _is_identity(parts[1]), "more columns, and other rows")
    stages = _unpack(parts[0], "compose")
    _demand(len(stages) == 2, "more columns that are not scaled and shifted")
    factor, shift = _number(stages[0], "scale", "factor"), _number(stages[1], "shift", "offset")
    _demand(0 < factor <= 1, f"columns scaled by {factor}")
    _demand(math.isclose(shift, (factor - 1) / 2, abs_tol=1e-9), "more columns that begin elsewhere")
    return columns_each(factor)


def _sky_shift(node: Any) -> tuple[float, float]:
    parts = _unpack(node, "concatenate")
    _demand(len(parts) == 3 and _is_identity(parts[2]), "moving target that is no shift of the sky")
    return _number(parts[0], "shift", "offset"), _number(parts[1], "shift", "offset")


def _matrix(node: Any) -> NDArray[np.float64]:
    parts = _unpack(node, "concatenate")
    _demand(len(parts) == 2 and _is_identity(parts[1]), "wavelength does not pass through to the sky")
    stages = _unpack(parts[0], "compose")
    scales = _unpack(stages[0], "concatenate")
    for scale in scales:
        _demand(math.isclose(_number(scale, "scale", "factor"), 1 / 3600, rel_tol=1e-15), "v2v3 not in arcsec")
    tags = [_tag(stage) for stage in stages[1:]]
    if tags == ["spherical_cartesian", "rotate_sequence_3d", "spherical_cartesian"]:
        kinds = (stages[1].get("transform_type"), stages[3].get("transform_type"))
        _demand(kinds == ("spherical_to_cartesian", "cartesian_to_spherical"), f"sky transform {kinds}")
        _demand(stages[2].get("rotation_type") == "cartesian", "rotation of angles")
        return _rotations(stages[2]["angles"], stages[2]["axes_order"])
    if tags == ["v23tosky"]:  # before jwst 0.18: the same angles, with the other sign
        return _rotations([-angle for angle in stages[1]["angles"]], stages[1]["axes_order"])
    msg = f"sky transform is {tags}"
    raise TreeError(msg)


def _rotations(angles: list[float], axes: str) -> NDArray[np.float64]:
    """Return the product of rotations of the frame about named axes, the first angle acting first."""
    _demand(len(angles) == len(axes) and set(axes) <= set("xyz"), "rotation about unknown axes")
    matrices = []
    for angle, axis in zip(angles, axes, strict=True):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        matrices.append(
            {
                "x": np.array([[1, 0, 0], [0, c, s], [0, -s, c]]),
                "y": np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]),
                "z": np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]),
            }[axis]
        )
    return reduce(np.matmul, matrices[::-1])
