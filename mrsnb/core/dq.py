"""Data-quality bits of JWST pixels, as set in DQ extensions."""

from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray


class DQ(IntFlag):
    """One bit for each thing that can be said about a pixel (stdatamodels ``dqflags.pixel``)."""

    GOOD = 0
    DO_NOT_USE = 1 << 0
    SATURATED = 1 << 1
    JUMP_DET = 1 << 2
    DROPOUT = 1 << 3
    OUTLIER = 1 << 4
    PERSISTENCE = 1 << 5
    AD_FLOOR = 1 << 6
    CHARGELOSS = 1 << 7
    UNRELIABLE_ERROR = 1 << 8
    NON_SCIENCE = 1 << 9
    DEAD = 1 << 10
    HOT = 1 << 11
    WARM = 1 << 12
    LOW_QE = 1 << 13
    RC = 1 << 14
    TELEGRAPH = 1 << 15
    NONLINEAR = 1 << 16
    BAD_REF_PIXEL = 1 << 17
    NO_FLAT_FIELD = 1 << 18
    NO_GAIN_VALUE = 1 << 19
    NO_LIN_CORR = 1 << 20
    NO_SAT_CHECK = 1 << 21
    UNRELIABLE_BIAS = 1 << 22
    UNRELIABLE_DARK = 1 << 23
    UNRELIABLE_SLOPE = 1 << 24
    UNRELIABLE_FLAT = 1 << 25
    OPEN = 1 << 26
    ADJ_OPEN = 1 << 27
    FLUX_ESTIMATED = 1 << 28
    MSA_FAILED_OPEN = 1 << 29
    OTHER_BAD_PIXEL = 1 << 30
    REFERENCE_PIXEL = 1 << 31


UNUSABLE = int(DQ.DO_NOT_USE | DQ.NON_SCIENCE)
"""Bits that keep a detector pixel out of a cube; also the flag of a voxel outside the field of view."""


def words(value: int) -> list[str]:
    """Return the names of the bits set in `value`, lowest first.

    Examples
    --------
    >>> words(513)
    ['DO_NOT_USE', 'NON_SCIENCE']
    >>> words(0)
    []
    """
    return [flag.name or str(int(flag)) for flag in DQ if flag and value & flag]


def flagged(dq: NDArray[np.uint32], bits: int) -> NDArray[Any]:
    """Return a boolean array, True where any of `bits` is set in `dq` (any shape)."""
    mask: NDArray[Any] = (dq & np.uint32(bits)) != 0
    return mask
